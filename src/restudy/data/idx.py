"""Read and write IDX, the format MNIST is published in; unsigned bytes only, plain or gzip."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from restudy.data.compression import decompress
from restudy.disk import whole_file

UNSIGNED_BYTE = 0x08


def read_idx(path: str | Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path
        The file; gzip is recognised by its first bytes, not by its name.

    Returns
    -------
    ndarray of uint8
        The array, of the shape that the file's header gives.

    Raises
    ------
    ValueError
        If the file is not IDX of unsigned bytes, is truncated, or has bytes left over.
        The message names the file.
    """
    return parse_idx(Path(path).read_bytes(), name=str(path))


def parse_idx(content: bytes, name: str) -> np.ndarray:
    """Turn the bytes of an IDX file, plain or gzip, into an array; see `read_idx`.

    Parameters
    ----------
    content
        The file's bytes.
    name
        Name of the file in error messages.
    """
    content = decompress(content, name)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise ValueError(
            f"{name}: not an IDX file of unsigned bytes (it begins with {content[:4]!r})"
        )
    dimensions = content[3]
    header_size = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header_size:
        raise ValueError(f"{name}: the IDX header is truncated")
    shape = struct.unpack(f">{dimensions}I", content[4:header_size])
    expected = math.prod(shape)
    found = len(content) - header_size
    if found != expected:
        problem = "truncated" if found < expected else "followed by trailing bytes"
        raise ValueError(
            f"{name}: IDX data is {problem}: shape {shape} needs {expected} bytes, found {found}"
        )
    return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape).copy()


def format_idx(array: np.ndarray) -> bytes:
    """Return an array of uint8 with one to 255 dimensions as the bytes of an IDX file."""
    array = np.asarray(array)
    if array.dtype != np.uint8 or not 1 <= array.ndim <= 255:
        raise ValueError(f"IDX is written from uint8 arrays, not {array.dtype} {array.shape}")
    header = bytes([0, 0, UNSIGNED_BYTE, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx(path: str | Path, array: np.ndarray) -> None:
    """Write an array of uint8 as an uncompressed IDX file."""
    with whole_file(path) as file:
        file.write(format_idx(array))
