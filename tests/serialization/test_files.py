"""Files on a disk: mode, links, what is no regular file, and a kill at any moment."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import tinygrad_edu as torch
from tinygrad_edu.serialization.files import replacing

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.host("files"),
    pytest.mark.skipif(os.name == "nt", reason="modes, links, pipes and signals of POSIX"),
]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o666, 0o604])
def test_the_mode_is_kept(tmp_path, kept):
    path = tmp_path / "a.pt"
    torch.save(torch.ones(1), path)
    path.chmod(kept)
    torch.save(torch.zeros(1), path)
    assert mode(path) == kept
    assert torch.load(path).tolist() == [0]


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        torch.save(1, tmp_path / "a.pt")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.pt") == 0o640


def test_the_secret_is_secret_while_it_is_written(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    path.touch(0o600)
    modes = []
    original = os.fsync

    def look(fd):
        modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
        original(fd)

    monkeypatch.setattr(os, "fsync", look)
    torch.save(torch.ones(1), path)
    assert modes == [0o600]


def test_a_read_only_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    torch.save(1, path)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *arguments: False)  # as for everybody but root
    with pytest.raises(PermissionError, match="a.pt"):
        torch.save(2, path)
    assert torch.load(path) == 1


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.pt").symlink_to(Path("there") / "second.pt")
    (tmp_path / "there" / "second.pt").symlink_to("real.pt")
    for number in (1, 2):  # at first, what the links lead to is not there
        torch.save(number, tmp_path / "link.pt")
        assert (tmp_path / "link.pt").is_symlink()
        assert torch.load(tmp_path / "there" / "real.pt") == number
    assert sorted(os.listdir(tmp_path / "there")) == ["real.pt", "second.pt"]


def test_devices_are_written_to():
    before = os.stat(os.devnull)
    torch.save(torch.ones(3), os.devnull)
    after = os.stat(os.devnull)
    assert stat.S_ISCHR(after.st_mode)
    assert after.st_ino == before.st_ino


def test_pipes_are_written_to_and_read_from(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=torch.save, args=(torch.arange(5), pipe))
    writer.start()
    assert torch.load(pipe).tolist() == [0, 1, 2, 3, 4]
    writer.join()
    assert os.listdir(tmp_path) == ["pipe"]


def test_folders_are_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        torch.save(1, tmp_path)


def test_leftovers_of_dead_processes_are_removed(tmp_path):
    path = tmp_path / "a[1].pt"
    (tmp_path / "a[1].pt.0123abcd.part").write_bytes(b"left")
    others = ["a1.pt.0123abcd.part", "a[1].pt.part", "a[1].pt.0123.part", "b.pt.0123abcd.part"]
    for other in others:
        (tmp_path / other).write_bytes(b"of somebody else")
    torch.save(1, path)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "a[1].pt"])


def test_what_another_one_is_writing_stays(tmp_path):
    path = tmp_path / "a.pt"
    with replacing(path) as file:
        file.write(b"long")
        torch.save("meanwhile", path)
        assert len(os.listdir(tmp_path)) == 2
    assert path.read_bytes() == b"long"
    assert os.listdir(tmp_path) == ["a.pt"]


WRITER = """
import sys
import tinygrad_edu as torch
number = 0
while True:
    number += 1
    torch.save({"number": number, "tensor": torch.full((200_000,), number)}, sys.argv[1])
    print(number, flush=True)
"""


def test_killed_at_any_moment(tmp_path):
    """Whatever is on the disk after a kill is whole, and no older than what was said to be there."""
    path, chance = tmp_path / "a.pt", random.Random(0)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path)]
        writer = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
        )
        last = int(writer.stdout.readline())
        time.sleep(chance.random() * 0.05)
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate()[0].split("\n")[:-1]
        last = int(rest[-1]) if rest else last
        state = torch.load(path)
        assert state["number"] in (last, last + 1)
        assert state["tensor"].unique().tolist() == [state["number"]]
        assert len(os.listdir(tmp_path)) <= 2
    torch.save(1, path)
    assert os.listdir(tmp_path) == ["a.pt"]
