import gzip

import numpy as np
import pytest

from restudy.data.idx import format_idx, read_idx, write_idx


@pytest.mark.parametrize("shape", [(7,), (3, 28, 28), (2, 3, 4, 5), (0, 28, 28)])
@pytest.mark.parametrize("compress", [False, True])
def test_array_survives_writing_and_reading(tmp_path, shape, compress):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = tmp_path / "array.idx"
    write_idx(path, array)
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    result = read_idx(path)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)
    assert result.flags.writeable


def test_bytes_are_those_of_the_published_format():
    # Magic 0x00000803, then 1, 2 and 2 as big-endian 32-bit integers, then the values.
    array = np.array([[[1, 2], [3, 255]]], np.uint8)
    assert format_idx(array).hex() == "00000803000000010000000200000002010203ff"


def test_values_of_a_view_are_written_in_its_own_order(tmp_path):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    write_idx(tmp_path / "view.idx", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "view.idx"), array)


GOOD = format_idx(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG" + GOOD, "not an IDX file"),
        (GOOD.replace(b"\x08", b"\x0d", 1), "not an IDX file of unsigned bytes"),
        (GOOD[:7], "header is truncated"),
        (GOOD[:-1], r"truncated: shape \(2, 3\) needs 6 bytes, found 5"),
        (GOOD + b"\0", "trailing bytes"),
        (gzip.compress(GOOD)[:-9], "damaged gzip"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        # After gzip's header of ten bytes, a kind of block that there is not.
        (gzip.compress(GOOD)[:10] + b"\xff" * 20, "damaged gzip"),
    ],
    ids=["empty", "other", "floats", "header", "short", "long", "gzip-short", "gzip-bad", "zlib"],
)
def test_damaged_file_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "broken.idx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"broken\.idx: .*{complaint}"):
        read_idx(path)


@pytest.mark.parametrize("array", [np.zeros(3), np.uint8(3)], ids=["float64", "scalar"])
def test_arrays_that_idx_cannot_hold_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="uint8"):
        write_idx(tmp_path / "array.idx", array)
