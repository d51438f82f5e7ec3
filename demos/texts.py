"""The texts that the demos learn from: where a file is, or where it is downloaded from."""

from __future__ import annotations

import hashlib
import http.client
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "data" / "text"  # git ignores it
SECONDS_TO_WAIT = 20

# Name of the file: where it is, and the SHA-256 of what must arrive.
SOURCES = {
    "names.txt": (
        "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    ),
    "shakespeare.txt": (
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
}


def find_text(name: str, file: Path | None = None, quick: bool = False) -> tuple[str, str]:
    """Return a text, and where it comes from.

    The first of these that there is: the given file; for a quick run the small text that comes with the demos;
    ``data/text/<name>`` below the root of the repository; the same, downloaded. Without a network it is the
    small text, too.
    """
    if file is not None:
        return read_given_file(file), str(file)
    if quick:
        return small_text(name), "the small text that comes with the demos"
    path = FOLDER / name
    if not path.exists():
        try:
            download(name, path)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = f"the small text that comes with the demos, for {SOURCES[name][0]} was not had: {error}"
            return small_text(name), reason
    return path.read_text(encoding="utf-8"), str(path)


def small_text(name: str) -> str:
    """Return a text that comes with the demos."""
    return (HERE / "small_texts" / name).read_text(encoding="utf-8")


def read_given_file(file: Path) -> str:
    """Return the text of a file; say in one sentence what is wrong with it, and stop."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"--data: expected a text file in UTF-8, got {file}: {error}")
    if not text.strip():
        sys.exit(f"--data: expected some text in {file}, got none")
    return text


def download(name: str, path: Path) -> None:
    """Write a text to ``path``, whole or not at all."""
    address, expected = SOURCES[name]
    print(f"downloading {address}")
    with urllib.request.urlopen(address, timeout=SECONDS_TO_WAIT) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError("what arrived is another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
