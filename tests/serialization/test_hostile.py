"""Files that an enemy has written, or a broken disk: one class of errors, or what was saved; never more memory."""

from __future__ import annotations

import functools
import io
import pickle
import random
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.serialization.archives import (
    archive,
    around,
    call,
    loaded,
    name,
    number,
    numbers,
    program,
    saved,
    sequence,
    storage,
    tensor,
    text,
)
from tinygrad_edu.serialization import LoadError, interpreter

ZEROS = bytes(16)  # four float32
DEEP = 100_000  # levels at which Python would overflow its stack

pytestmark = pytest.mark.host("reads files")


def put(index):
    return pickle.BINPUT + bytes([index])


def get(index):
    return pickle.BINGET + bytes([index])


def array(buffer=b"\x00" * 8, dtype="f4", shape=(2,), order="C"):
    return call(
        "numpy._core.numeric._frombuffer",
        pickle.BINBYTES + len(buffer).to_bytes(4, "little") + buffer,
        call("numpy.dtype", text(dtype)),
        numbers(*shape),
        text(order),
    )


def dtype_state(*state):
    return call("numpy.dtype", text("f4")) + sequence(*state) + pickle.BUILD


def pairs(levels):
    """Return a tuple of which each level holds the one below twice: hashing it takes 2**levels steps."""
    return pickle.EMPTY_TUPLE + b"".join(
        [put(0) + pickle.POP + get(0) + get(0) + pickle.TUPLE2 for _ in range(levels)]
    )


OUT_OF_BOUNDS = {
    "past the end": tensor(size=(5,)),
    "offset": tensor(offset=1),
    "strides": tensor(size=(2,), stride=(4,)),
    "negative strides": tensor(offset=3, size=(4,), stride=(-1,)),
    "negative offset": tensor(offset=-1, size=(1,)),
    "negative sizes": tensor(size=(-2, -2), stride=(1, 1)),
    "sizes and strides": tensor(size=(4,), stride=(1, 1)),
    "overflowing sizes": tensor(size=(2**32, 2**32), stride=(2**32, 1)),
    "overflowing strides": tensor(size=(3,), stride=(2**63,)),
    "sizes of many digits": call(
        "torch._utils._rebuild_tensor_v2",
        *(
            storage(4),
            number(0),
            b"(" + b"\x8b\x00\x00\x10\x00" + b"\x01" * 2**20 + put(5) + get(5) * 50 + b"t",
        ),
        *(b"(" + get(5) * 51 + b"t", pickle.NEWFALSE, pickle.NONE),
    ),
    "dimensions": tensor(size=(1,) * 100, stride=(1,) * 100),
    "a longer storage": tensor(numel=5, size=(5,)),
    "a shorter storage": tensor(numel=3, size=(3,)),
    "another dtype": tensor(kind="DoubleStorage"),
    "a missing storage": tensor(key="1"),
    "a storage of another file": tensor(key="../byteorder"),
    "another place": tensor(location="nowhere"),
    "two dtypes for a storage": sequence(tensor(), tensor(kind="IntStorage")),
    "requires_grad": tensor(requires_grad=number(2)),
    "requires_grad of integers": tensor(kind="IntStorage", requires_grad=pickle.NEWTRUE),
    "no storage": call("torch._utils._rebuild_tensor_v2", *[pickle.NONE] * 6),
    "a bare storage": storage(4),
    "a bare function": name("torch._utils._rebuild_tensor_v2"),
    "a bare class": sequence(name("torch.Tensor")),
    "a storage as something else": text("0") + pickle.BINPERSID,
    "a conjugate of nothing": call(
        "torch._utils._rebuild_tensor_v2",
        *(storage(4), number(0), numbers(4), numbers(1), pickle.NEWFALSE, pickle.NONE, text("conj")),
    ),
    "a parameter of a number": call(
        "torch._utils._rebuild_parameter", number(1), pickle.NEWTRUE, pickle.NONE
    ),
}

IN_NUMPY = {
    "an array past its buffer": array(shape=(4096,)),
    "an array of a huge shape": array(shape=(2**62, 2**62)),
    "objects": array(dtype="O8", shape=(1,)),
    "text": array(dtype="U2", shape=(1,)),
    "a dtype's state": dtype_state(
        number(3), text("<"), *[pickle.NONE] * 3, number(4096), number(-1), number(0)
    ),
    "a dtype with fields": dtype_state(
        *(number(3), text("|"), pickle.NONE, sequence(text("a")), pickle.EMPTY_DICT),
        *(number(0), number(1), number(0)),
    ),
    "an array's state": call(
        "numpy._core.multiarray._reconstruct",
        *(name("numpy.ndarray"), numbers(0), pickle.SHORT_BINBYTES + b"\x01b"),
    )
    + sequence(
        *(number(1), numbers(4096), call("numpy.dtype", text("f4")), pickle.NEWFALSE),
        pickle.SHORT_BINBYTES + b"\x041234",
    )
    + pickle.BUILD,
    "a tensor of a view": call(
        "tinygrad_edu._tensor_methods.convert.rebuild_tensor",
        *(name("numpy.ndarray"), array(), text("cpu"), pickle.NEWFALSE),
    ),
}

IN_PYTHON = {
    "calls": call("builtins.eval", text("1")),
    "attributes of the engine": tensor() + pickle.EMPTY_DICT + text("backward") + number(1) + b"sb",
    "private attributes": tensor() + pickle.EMPTY_DICT + text("_grad") + number(1) + b"sb",
    "the array": tensor() + pickle.EMPTY_DICT + text("array") + number(1) + b"sb",
    "methods of a dict": call("collections.OrderedDict") + b"}" + text("items") + number(1) + b"sb",
    "state of a list": b"]" + b"}" + text("append") + number(1) + b"sb",
    "state of a set": call("builtins.set", b"]") + b"}" + b"b",
    "a call of a list": b"]" + b")" + b"R",
    "a call of a tensor's class": call("torch.Tensor", number(2**40)),
    "memory by a number": call("builtins.bytearray", number(2**40)),
    "memory by a range": call("builtins.set", call("builtins.range", number(2**40))),
    "memory by copies": b"("
    + pickle.BINBYTES
    + (100_000).to_bytes(4, "little")
    + bytes(100_000)
    + put(1)
    + call("builtins.bytearray", get(1)) * 4000
    + b"t",
    "a wide key": b"}" + pairs(30) + number(1) + b"s",
    "a deep key": b"}" + b")" + pickle.TUPLE1 * DEEP + number(1) + b"s",
    "a deep member of a set": call("builtins.set", b"](" + b")" + pickle.TUPLE1 * DEEP + b"e"),
    "a large key": b"}" + number(2**61 - 1 << 61) + number(1) + b"s",
    "a list as a key": b"}]" + number(1) + b"s",
    "a deep tuple": b")" + pickle.TUPLE1 * DEEP,
    "a deep list": b"]" * DEEP + b"a" * (DEEP - 1),
    "a deep list with a way in at each level": b"]" + put(1) + b"]" * 2000 + (b"a" * 1999) + b"a",
    "a deep deque": b"N" + (put(2) + b"0" + call("collections.deque") + get(2) + b"a") * 20_000,
    "a deep defaultdict": b"N"
    + (put(2) + b"0" + call("collections.defaultdict") + b"N" + get(2) + b"s") * 20_000,
    "a deep slice": b"N" + (put(2) + b"0" + call("builtins.slice", get(2), b"N", b"N")) * 9000,
    "a long length of text": pickle.BINUNICODE8 + (2**63).to_bytes(8, "little"),
    "a long length of bytes": pickle.BYTEARRAY8 + (2**62).to_bytes(8, "little"),
    "text that is none": pickle.SHORT_BINUNICODE + b"\x01\xff",
    "nothing on the stack": b"a",
    "below the mark": number(1) + b"(0",
    "no mark": b"t",
    "a memo that is not there": get(9),
    "an unknown command": b"\xff",
    "persistent id as text": b"Pabc\n",
    "a global without an end": b"cos",
    "a name of numbers": number(1) + number(2) + pickle.STACK_GLOBAL,
    "half a pair": b"}(" + number(1) + b"u",
    "a foreign dtype": name("torch.uint16"),
}


@pytest.mark.parametrize("kind", [*OUT_OF_BOUNDS, *IN_NUMPY, *IN_PYTHON])
def test_hostile_pickles(kind):
    data = around(program((OUT_OF_BOUNDS | IN_NUMPY | IN_PYTHON)[kind]), ZEROS)
    tracemalloc.start()
    try:
        with pytest.raises(LoadError, match="^load: "):
            loaded(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000 + 200 * len(data)
    finally:
        tracemalloc.stop()


def test_the_pieces_make_good_files():
    """What is refused above is refused for what is wrong with it, and not for how it was put together."""
    assert loaded(around(program(tensor()), ZEROS)).tolist() == [0] * 4
    assert loaded(around(program(array()))).tolist() == [0, 0]
    assert loaded(around(program(b"}" + pairs(2) + number(1) + b"s"))) == {(((), ()), ((), ())): 1}
    assert loaded(around(program(b")" + pickle.TUPLE1 * 500))) is not None
    assert loaded(around(program(call("builtins.set", b"](" + number(7) + b"e")))) == {7}
    made = loaded(around(program(call("collections.deque") + b"N" + b"a")))
    assert list(made) == [None]


def test_expanded_tensors_take_no_memory_and_are_read_only():
    tracemalloc.start()
    try:
        huge = loaded(around(program(tensor(size=(2**40, 4), stride=(0, 1))), ZEROS))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert huge.shape == (2**40, 4)
    with pytest.raises((RuntimeError, ValueError)):
        huge[0, 0] = 1.0
    metadata = b"}" + text("conj") + b"\x88s"
    place = (storage(4), number(0), numbers(2**40), numbers(0), b"\x89", b"N", metadata)
    data = around(program(call("torch._utils._rebuild_tensor_v2", *place)), ZEROS)
    with pytest.raises(LoadError, match="more memory"):
        loaded(data)


def test_a_bool_is_true_or_false():
    flags = loaded(around(program(tensor(kind="BoolStorage")), b"\x00\x01\x02\xff"))
    assert flags.numpy().view(np.uint8).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("dtype", ["QUInt8Storage", "QInt8Storage"])
def test_a_dtype_that_is_missing_is_named(dtype):
    with pytest.raises(LoadError, match=f"got one of {dtype[:-7].lower()}"):
        loaded(around(program(tensor(kind=dtype)), ZEROS))


# ---- archives --------------------------------------------------------------------------------------------

GOOD = program(tensor())


def overlapping():
    """Return an archive whose two storages lie on the same bytes."""
    data = bytearray(around(program(sequence(tensor(), tensor(key="1"))), ZEROS, ZEROS))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        first = file.getinfo("archive/data/0").header_offset
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02"))
    last = data.rindex(b"PK\x01\x02", second)
    data[last + 42 : last + 46] = first.to_bytes(4, "little")
    return bytes(data)


def with_field(offset, value, size):
    """Return a good archive with another number in the directory's last entry."""
    data = bytearray(around(GOOD, ZEROS))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + offset : entry + offset + size] = value.to_bytes(size, "little")
    return bytes(data)


ARCHIVES = {
    "compressed": archive(
        {"archive/data.pkl": GOOD, "archive/data/0": ZEROS}, compression=zipfile.ZIP_DEFLATED
    ),
    "a bomb": archive(
        {"archive/data.pkl": program(tensor(numel=2**22)), "archive/data/0": bytes(2**24)},
        compression=zipfile.ZIP_DEFLATED,
    ),
    "two pickles": archive({"archive/data.pkl": GOOD, "b/data.pkl": GOOD}),
    "no pickle": archive({"archive/data": GOOD}),
    "overlapping": overlapping(),
    "encrypted": with_field(8, 1, 2),
    "a longer entry": with_field(24, 17, 4),
    "two sizes": with_field(20, 15, 4),
    "a huge entry": with_field(20, 2**32 - 2, 8),
    "behind the end": with_field(42, 2**31, 4),
    "another check sum": with_field(16, 1, 4),
    "TorchScript": archive({"m/data.pkl": GOOD, "m/constants.pkl": b""}),
    "an order of bytes": archive(
        {"archive/data.pkl": GOOD, "archive/data/0": ZEROS, "archive/byteorder": b"?"}
    ),
    "nothing": b"",
    "text": b"x" * 1000,
    "only an end": archive({}),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_hostile_archives(kind):
    with pytest.raises(LoadError, match="^load: "):
        loaded(ARCHIVES[kind])


def test_overlapping_entries_are_noticed_before_they_are_read():
    with pytest.raises(LoadError, match="overlaps another one"):
        loaded(overlapping())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for content in (GOOD, ZEROS, ZEROS):
            file.writestr("archive/data.pkl" if content is GOOD else "archive/data/0", content)
    with pytest.raises(LoadError, match="two entries"):
        loaded(buffer.getvalue())


# ---- chance ----------------------------------------------------------------------------------------------


@functools.cache
def good_file():
    state = OrderedDict(w=torch.arange(6.0).reshape(2, 3), step=3, lr=[0.5, (1, 2.5)], name="x", empty=None)
    state["shared"] = state["w"].T
    return saved({"model": state, 5: b"bytes", "flag": torch.tensor([True, False])})


def outcome(data):
    """Return the text of what was loaded, or None for an error of the right class."""
    try:
        return repr(loaded(data))
    except LoadError as error:
        return None if str(error).startswith("load: ") else f"a message that does not say where: {error}"


def test_truncations():
    data = good_file()
    assert [n for n in range(len(data)) if outcome(data[:n]) is not None] == []


def test_flipped_bits():
    """A flipped bit in what is read is noticed; in the padding, or in a date, it changes nothing."""
    data, chance = good_file(), random.Random(0)
    whole = outcome(data)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        assert outcome(damaged) in (None, whole)


def test_changed_pickles():
    """The check sum is no protection from an enemy, who writes it anew: the pickle itself is changed here."""
    with zipfile.ZipFile(io.BytesIO(good_file())) as file:
        pickled = file.read("archive/data.pkl")
        storages = [file.read(f"archive/data/{i}") for i in range(2)]
    chance = random.Random(1)
    for _ in range(300):
        damaged = bytearray(pickled)
        for _ in range(chance.choice([1, 1, 3])):
            damaged[chance.randrange(len(damaged))] = chance.choice(
                [chance.randrange(256), chance.choice(pickled)]
            )
        assert "does not say where" not in str(outcome(around(bytes(damaged), *storages)))


def test_random_programs():
    codes = list(interpreter.COMMANDS)
    pieces = [tensor(), array(), text("a"), number(3), b"(", get(1), put(1), b"]", b"}", b")", storage(4)]
    chance = random.Random(2)
    for _ in range(300):
        parts = [
            chance.choice(pieces) if chance.random() < 0.4 else bytes([chance.choice(codes)])
            for _ in range(20)
        ]
        assert "does not say where" not in str(outcome(around(program(*parts), ZEROS)))
