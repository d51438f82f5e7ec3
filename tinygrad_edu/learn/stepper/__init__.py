"""The stepper: a page on which the forward and the backward of a tape are replayed, step by step.

``page.py`` writes it from what ``data.py`` takes out of a tape; what moves on it, the JavaScript files do.
"""
