"""A real browser without a window: pages are opened from disk, and whatever they ask for or complain about is noted."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def executable() -> str | None:
    """Return where a Chromium is; None if there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextlib.contextmanager
def started() -> Iterator[Any]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Opened:
    """A page that is open.

    Attributes
    ----------
    page : playwright.sync_api.Page
    complaints : list of str
        Messages of the console, and errors of scripts.
    requests : list of str
        What was asked for besides the file itself.
    """

    def __init__(
        self, browser: Any, file: Path, width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.requests.remove(file.as_uri())

    def position(self) -> int:
        """Return at which step the page is, counted from 0."""
        return int(self.page.evaluate("state.position"))

    def text(self, selector: str) -> str:
        """Return the text of the first element."""
        return str(self.page.locator(selector).first.inner_text())
