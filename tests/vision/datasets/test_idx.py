"""The IDX reader: what it gives, and that a damaged file is never anything but an IdxFormatError."""

from __future__ import annotations

import gzip
import struct

import hypothesis.extra.numpy as hypothesis_numpy
import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu.vision.datasets.idx import IdxFormatError, read_idx, write_idx

DTYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
# Magic number 0x00000803, then the sizes 2, 3, 4, then the elements
IMAGES_CONTENT = bytes.fromhex("00000803 00000002 00000003 00000004") + IMAGES.tobytes()


def assert_read_raises(path, content, match, **options):
    path.write_bytes(content)
    with pytest.raises(IdxFormatError, match=match) as info:
        read_idx(path, **options)
    assert str(path) in str(info.value)  # every message names the file


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_reads_images(tmp_path, pack):
    path = tmp_path / "images"  # the content says whether it is compressed, not the name
    path.write_bytes(pack(IMAGES_CONTENT))
    images = read_idx(path, expected_ndim=3)
    np.testing.assert_array_equal(images, IMAGES)
    assert images.dtype == np.uint8
    assert images.flags.writeable
    assert images.flags.c_contiguous


def test_elements_are_big_endian(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(bytes.fromhex("00000B01 00000002 0001 FFFE"))
    numbers = read_idx(path)
    assert numbers.tolist() == [1, -2]
    assert numbers.dtype == np.int16
    assert numbers.dtype.isnative


def test_writes_what_the_format_says(tmp_path):
    write_idx(tmp_path / "images", IMAGES)
    assert (tmp_path / "images").read_bytes() == IMAGES_CONTENT
    write_idx(tmp_path / "images.gz", IMAGES)
    assert gzip.decompress((tmp_path / "images.gz").read_bytes()) == IMAGES_CONTENT


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: hypothesis_numpy.arrays(
            dtype, hypothesis_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
        )
    ),
    suffix=st.sampled_from(["", ".gz"]),
)
def test_round_trip(tmp_path_factory, array, suffix):
    path = tmp_path_factory.mktemp("idx") / f"array{suffix}"
    write_idx(path, array)
    result = read_idx(path, expected_ndim=array.ndim)
    assert result.dtype == array.dtype
    assert result.shape == array.shape
    assert result.tobytes() == array.tobytes()  # NaN included


def test_write_takes_any_order_of_bytes_and_axes(tmp_path):
    array = np.arange(6, dtype=">i4").reshape(2, 3).T
    write_idx(tmp_path / "array", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "array"), array)


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.float16, "U3"])
def test_write_refuses_other_types(tmp_path, dtype):
    with pytest.raises(TypeError, match="expected one of uint8, int8, int16, int32, float32, float64, got"):
        write_idx(tmp_path / "array", np.zeros(3, dtype=dtype))
    assert not (tmp_path / "array").exists()


# ---- damaged files ------------------------------------------------------------------------------------


def test_empty_file(tmp_path):
    assert_read_raises(tmp_path / "f", b"", "expected an IDX file, got an empty file")


@pytest.mark.parametrize("length", [1, 3])
def test_header_cut_before_the_sizes(tmp_path, length):
    content = IMAGES_CONTENT[:length]
    assert_read_raises(
        tmp_path / "f", content, f"header of at least 4 bytes, got {length}: the file is truncated"
    )


def test_header_cut_in_the_sizes(tmp_path):
    content = IMAGES_CONTENT[:15]
    assert_read_raises(
        tmp_path / "f", content, "header of 16 bytes for 3 dimensions, got 15: the file is truncated"
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_elements_missing(tmp_path, pack):
    match = r"expected 24 bytes of elements for shape \(2, 3, 4\), got 23: the file is truncated"
    assert_read_raises(tmp_path / "f", pack(IMAGES_CONTENT[:-1]), match)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_trailing_bytes(tmp_path, pack):
    match = r"expected 24 bytes of elements for shape \(2, 3, 4\), got 26: there are trailing bytes"
    assert_read_raises(tmp_path / "f", pack(IMAGES_CONTENT + b"xy"), match)


@pytest.mark.parametrize("start", ["00000703", "00000A03", "00000F03", "00010803", "08030000", "89504E47"])
def test_wrong_magic_number(tmp_path, start):
    content = bytes.fromhex(start) + IMAGES_CONTENT[4:]
    assert_read_raises(
        tmp_path / "f", content, f"expected a magic number .* got 0x{start.lower()}: this is not"
    )


def test_a_web_page_instead_of_the_file(tmp_path):
    assert_read_raises(tmp_path / "f", b"<!DOCTYPE html><title>404</title>", "this is not an IDX file")


def test_wrong_number_of_dimensions(tmp_path):
    match = r"expected 1 dimensions, got 3 \(shape \(2, 3, 4\)\); are the files of images and labels swapped"
    assert_read_raises(tmp_path / "f", IMAGES_CONTENT, match, expected_ndim=1)


@pytest.mark.parametrize("cut", [2, 5, 12, -9, -1])
def test_truncated_gzip(tmp_path, cut):
    content = gzip.compress(IMAGES_CONTENT)[:cut]
    match = (
        f"expected a complete gzip file, got {len(content)} bytes that end too early: the file is truncated"
    )
    assert_read_raises(tmp_path / "f", content, match)


@pytest.mark.parametrize("position", [2, 12, -6, -1], ids=["method", "data", "crc", "length"])
def test_corrupt_gzip(tmp_path, position):
    content = bytearray(gzip.compress(IMAGES_CONTENT))
    content[position] ^= 0xFF
    assert_read_raises(tmp_path / "f", bytes(content), "expected a sound gzip file, got a corrupt one")


def test_garbage_after_gzip(tmp_path):
    content = gzip.compress(IMAGES_CONTENT) + b"garbage"
    assert_read_raises(tmp_path / "f", content, "expected a sound gzip file, got a corrupt one")


def test_sizes_that_overflow(tmp_path):
    sizes = struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1)
    content = IMAGES_CONTENT[:4] + sizes + IMAGES_CONTENT[16:]
    assert_read_raises(tmp_path / "f", content, f"expected {(2**32 - 1) ** 3} bytes of elements .* got 24")


def test_a_size_zero_beside_sizes_that_overflow(tmp_path):
    content = IMAGES_CONTENT[:4] + struct.pack(">3I", 0, 2**32 - 1, 2**32 - 1)
    assert_read_raises(tmp_path / "f", content, "expected a shape that NumPy can hold, got")


def test_too_many_dimensions(tmp_path):
    content = bytes.fromhex("00000841") + struct.pack(">65I", *[1] * 65) + b"\0"
    assert_read_raises(tmp_path / "f", content, "expected a shape that NumPy can hold, got")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


def read_or_documented_error(path):
    try:
        message = None
        result = read_idx(path)
    except IdxFormatError as error:
        message = str(error)
    assert isinstance(result, np.ndarray) if message is None else str(path) in message


@given(
    gzipped=st.booleans(),
    cut=st.integers(0, 200),
    flips=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 255)), max_size=4),
    tail=st.binary(max_size=4),
)
def test_random_damage_gives_the_documented_error_or_an_array(tmp_path_factory, gzipped, cut, flips, tail):
    content = bytearray(gzip.compress(IMAGES_CONTENT) if gzipped else IMAGES_CONTENT)
    for position, mask in flips:
        content[position % len(content)] ^= mask
    path = tmp_path_factory.mktemp("idx") / "damaged"
    path.write_bytes(content[: len(content) - cut % len(content)] + tail)
    read_or_documented_error(path)


@given(
    content=st.binary(max_size=60),
    prefix=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\0\0\x08"]),
)
def test_random_bytes_give_the_documented_error_or_an_array(tmp_path_factory, content, prefix):
    path = tmp_path_factory.mktemp("idx") / "random"
    path.write_bytes(prefix + content)
    read_or_documented_error(path)
