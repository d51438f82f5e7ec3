"""The colours of a picture, for light pages and dark ones; they are all said by the CSS within it."""

from __future__ import annotations

# For each colour: on a light page, and on a dark one.
COLOURS = {
    "page": ("#ffffff", "#12161d"),
    "box": ("#ffffff", "#1b212b"),
    "ink": ("#1d2430", "#e8ecf2"),
    "soft": ("#556070", "#a3aebd"),
    "line": ("#8b95a5", "#566173"),
    "edge": ("#7b8798", "#7d8a9d"),
    "frame": ("#5a6b8512", "#8fa3c412"),
    "rim": ("#b9c2cf", "#3a4453"),
    "input": ("#64748b", "#94a3b8"),
    "parameter": ("#b7791f", "#e0a84a"),
    "product": ("#2563eb", "#6ea0ff"),
    "elementwise": ("#0f9d76", "#3ecf9f"),
    "reduce": ("#c0392b", "#ff8a7a"),
    "shape": ("#7c8798", "#98a3b3"),
    "other": ("#6d5bd0", "#a99cf5"),
    "folded": ("#7c3aed", "#b794f6"),
    "output": ("#1d2430", "#e8ecf2"),
}

RULES = """
.tg{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.tg .page{fill:var(--page)}
.tg .frame{fill:var(--frame);stroke:var(--rim)}
.tg .title{fill:var(--soft);font-size:11.5px;font-weight:600}
.tg .edge{fill:none;stroke:var(--edge);stroke-width:1.3}
.tg .head{fill:var(--edge)}
.tg .shape{fill:var(--soft);font-size:10.5px}
.tg .shape,.tg .title{stroke:var(--page);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.tg .box{fill:var(--box);stroke:var(--line)}
.tg .parameter .box,.tg .input .box{stroke-dasharray:3 2.5}
.tg .name{fill:var(--ink);font-size:13px;font-weight:600;text-anchor:middle}
.tg .line{fill:var(--soft);font-size:10.5px;text-anchor:middle}
.tg .key{fill:var(--soft);font-size:11px}
"""


def css() -> str:
    """Return the style sheet of a picture."""
    light = "".join([f"--{name}:{colours[0]};" for name, colours in COLOURS.items()])
    dark = "".join([f"--{name}:{colours[1]};" for name, colours in COLOURS.items()])
    marks = "\n".join([f".tg .{name} .mark{{fill:var(--{name})}}" for name in list(COLOURS)[8:]])
    return f".tg{{{light}}}\n@media(prefers-color-scheme:dark){{.tg{{{dark}}}}}{RULES}{marks}"
