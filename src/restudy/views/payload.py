"""Data inside an interactive page: a tree of dicts, lists and NumPy columns as compressed text.

A payload is DEFLATE (zlib format) over: the header's length (uint32, little-endian), the header as
JSON in UTF-8, zero bytes up to a multiple of 8, then the columns, each from a multiple of 8 on. In
the header a column stands as ``{"$": [dtype, offset, length, shape]}``, its offset counted from
where the columns start. The bytes of a column are stored plane by plane (all first bytes, then all
second bytes, …), which compresses better. ``web/src/shared/payload.js`` reads it.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np

# Every dtype has a typed array of the same width in a browser; float16 is widened there.
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")


def pack(tree: Any, level: int = 9) -> str:
    """Return a tree as text that a page can carry.

    Parameters
    ----------
    tree
        Dicts with text keys, lists, text, numbers, booleans, None, and arrays of a dtype in
        `DTYPES`, of any shape. Non-finite numbers may stand in arrays only.
    level : int
        Effort of the compression, 1 to 9.

    Raises
    ------
    ValueError
        For an array of another dtype, or a number outside an array that is not finite.
    """
    columns: list[bytes] = []
    size = 0

    def place(node: Any) -> Any:
        nonlocal size
        if isinstance(node, dict):
            return {key: place(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [place(value) for value in node]
        if not isinstance(node, np.ndarray):
            return node
        name = node.dtype.name
        if name not in DTYPES:
            raise ValueError(f"a page can't hold {name}; it can: {', '.join(DTYPES)}")
        reference = {"$": [name, size, node.size, list(node.shape)]}
        columns.append(_padded(_planes(node)))
        size += len(columns[-1])
        return reference

    header = json.dumps(place(tree), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    encoded = header.encode()
    start = len(encoded).to_bytes(4, "little") + encoded
    return base64.b64encode(zlib.compress(b"".join([_padded(start), *columns]), level)).decode()


def single(values: Any) -> np.ndarray:
    """Numbers as float32; what is too large for it, as in a run that diverges, is the largest."""
    values = np.asarray(values, dtype=float)
    largest = np.finfo(np.float32).max
    return np.where(np.isinf(values), values, np.clip(values, -largest, largest)).astype(np.float32)


def _planes(column: np.ndarray) -> bytes:
    """Bytes of an array, little-endian, all first bytes before all second bytes and so on."""
    little = np.ascontiguousarray(column, column.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).reshape(-1, column.itemsize).T.tobytes()


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 8)
