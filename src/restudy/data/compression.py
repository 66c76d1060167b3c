"""Read files that may be compressed with gzip, recognised by their first bytes, not their names.

A small file can stand for more bytes than any memory holds: no more are unpacked than are allowed.
"""

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import BinaryIO

MAGIC = b"\x1f\x8b"
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # what damaged gzip data raise


LARGEST_CONTENT = 2_000_000_000  # bytes of a file, unpacked: 2.5 million images of 28x28 pixels


def decompress(content: bytes, name: str, largest: int = LARGEST_CONTENT) -> bytes:
    """Return the content of a gzip file, or the bytes themselves if they are not gzip.

    Raises
    ------
    ValueError
        If the data are damaged, or more than so many bytes; the message names the file.
    """
    if not content.startswith(MAGIC):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            unpacked = stream.read(largest + 1)
    except DAMAGE as error:
        raise ValueError(f"{name}: damaged gzip data ({error})") from error
    if len(unpacked) > largest:
        raise ValueError(f"{name}: has more than {largest:,} bytes, unpacked")
    return unpacked


def is_compressed(path: Path) -> bool:
    """Return whether a file begins like gzip data."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def open_decompressed(path: Path) -> BinaryIO:
    """Open a file to read its content; only what is read is decompressed."""
    return gzip.open(path) if is_compressed(path) else path.open("rb")


def measure_content(path: Path, expected: int) -> int:
    """Return the size of a file's content in bytes, after decompression.

    Of more than is expected, no more is counted than shows it.

    A gzip file ends with the size of its content modulo 4 GiB. If that is not the expected size,
    the file is damaged or was written in several pieces, and only then is all of it decompressed.

    Raises
    ------
    EOFError, BadGzipFile, zlib.error
        If gzip data had to be decompressed and are damaged.
    """
    if not is_compressed(path):
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        stated = int.from_bytes(file.read(), "little")
    if stated == expected % 2**32:
        return expected
    found = 0
    with gzip.open(path) as stream:
        while found <= expected and (part := stream.read(2**20)):
            found += len(part)
    return found
