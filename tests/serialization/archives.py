"""Files made by hand: an archive around any pickle and any storages, and the format of version 0.1."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

import tinygrad_edu as torch


def saved(obj, save=torch.save) -> bytes:
    """Return the file of an object."""
    buffer = io.BytesIO()
    save(obj, buffer)
    return buffer.getvalue()


def loaded(data: bytes, **options):
    """Return what a file holds."""
    return torch.load(io.BytesIO(data), **options)


def archive(entries: dict[str, bytes], **options) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def around(pickled: bytes, *storages: bytes) -> bytes:
    """Return a file with this pickle and these storages."""
    entries = {"archive/data.pkl": pickled, "archive/byteorder": b"little"}
    return archive(entries | {f"archive/data/{i}": content for i, content in enumerate(storages)})


def old_format(obj, protocol=5) -> bytes:
    """Return a file as version 0.1 wrote it: one pickle, in which tensors are NumPy arrays."""
    return archive({"tinygrad_edu/data.pkl": pickle.dumps(obj, protocol)})


# ---- pickles, command by command -------------------------------------------------------------------------


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return pickle.LONG1 + bytes([len(data)]) + data


def sequence(*parts: bytes) -> bytes:
    return pickle.MARK + b"".join(parts) + pickle.TUPLE


def numbers(*values: int) -> bytes:
    return sequence(*[number(value) for value in values])


def name(full: str) -> bytes:
    module, _, last = full.rpartition(".")
    return pickle.GLOBAL + f"{module}\n{last}\n".encode()


def call(function: str, *args: bytes) -> bytes:
    return name(function) + sequence(*args) + pickle.REDUCE


def storage(numel: int, kind="FloatStorage", key="0", location="cpu") -> bytes:
    parts = (text("storage"), name(f"torch.{kind}"), text(key), text(location), number(numel))
    return sequence(*parts) + pickle.BINPERSID


def tensor(numel=4, offset=0, size=(4,), stride=(1,), requires_grad=pickle.NEWFALSE, **options) -> bytes:
    place = (storage(numel, **options), number(offset), numbers(*size), numbers(*stride))
    return call("torch._utils._rebuild_tensor_v2", *place, requires_grad, pickle.NONE)


def program(*parts: bytes) -> bytes:
    return pickle.PROTO + b"\x02" + b"".join(parts) + pickle.STOP
