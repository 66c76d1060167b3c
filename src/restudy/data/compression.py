"""Read files that may be compressed with gzip, recognised by their first bytes, not their names."""

import gzip
import os
import zlib
from pathlib import Path
from typing import BinaryIO

MAGIC = b"\x1f\x8b"
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)  # what damaged gzip data raise


def decompress(content: bytes, name: str) -> bytes:
    """Return the content of a gzip file, or the bytes themselves if they are not gzip."""
    if not content.startswith(MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except DAMAGE as error:
        raise ValueError(f"{name}: damaged gzip data ({error})") from error


def is_compressed(path: Path) -> bool:
    """Return whether a file begins like gzip data."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def open_decompressed(path: Path) -> BinaryIO:
    """Open a file to read its content; only what is read is decompressed."""
    return gzip.open(path) if is_compressed(path) else path.open("rb")


def measure_content(path: Path, expected: int) -> int:
    """Return the size of a file's content in bytes, after decompression.

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
    with gzip.open(path) as stream:
        return sum(map(len, iter(lambda: stream.read(2**20), b"")))
