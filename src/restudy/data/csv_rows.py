"""The rows of a user's CSV file as text, or what keeps the file from being read as CSV."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restudy.user_files import UserFileError, read_user_file

LARGEST_FILE = 100_000_000  # bytes: it takes half a minute and a gigabyte or two to read them
UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")  # characters that are there and have no width
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
# How files begin that are something else, and what to do.
BEGINNINGS = (
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
    (b"PK\x03\x04", "a spreadsheet or a ZIP archive; export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet; export the table as CSV"),
    (b"PAR1", "a Parquet file; export the table as CSV"),
)


class CsvError(ValueError):
    """What keeps a file from being read; the message is a phrase that does not name the file."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes
    ----------
    header : list of str
        Names of the columns, as `visible` gives them.
    rows : list of list of str
        The others, as they are written.
    lines : list of int
        In which line of the file each of them ends.
    blank : int
        Rows of separators alone, which are left out.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    blank: int


def read_rows(path: str | Path, label: str) -> Rows:
    """Return the rows of a file with commas and a header line.

    Parameters
    ----------
    path : path
        The file, in UTF-8 with or without a byte order mark.
    label : str
        The name of a column that it should have, by which another separator is recognised.

    Raises
    ------
    CsvError
        If it can't be read, is not CSV, or has no rows.
    """
    try:
        text = _decode(read_user_file(path, LARGEST_FILE))
    except UserFileError as fault:
        raise CsvError(str(fault)) from None
    _check_separator(text, label)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        read = [(row, reader.line_num) for row in reader if row]
    except csv.Error as fault:
        raise CsvError(f"line {reader.line_num} is not CSV ({fault})") from None
    if len(read) < 2:
        raise CsvError("it has a header line but no rows" if read else "it is empty")
    (header, _), *rest = read
    # Of a single column, a row of quotes alone is a missing value.
    kept = [(row, line) for row, line in rest if len(row) == 1 or any(map(str.strip, row))]
    if not kept:
        raise CsvError("all its rows are blank")
    return Rows(
        header=[visible(name) for name in header],
        rows=[row for row, _ in kept],
        lines=[line for _, line in kept],
        blank=len(rest) - len(kept),
    )


def visible(text: str) -> str:
    """Return a text as it is seen: two texts that look the same are the same.

    Characters that can be written in several ways are written in one, spaces of all sorts count as
    one space, and none stands at an end.
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())


def _decode(content: bytes) -> str:
    for beginning, what in BEGINNINGS:
        if content.startswith(beginning):
            raise CsvError(f"it is {what}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        byte = content[fault.start]
        raise CsvError(f"not UTF-8 text (invalid byte 0x{byte:02x} in line {line})") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CsvError(f"line {line} has a NUL character, which no text has (is it UTF-16?)")
    return text


def _check_separator(text: str, label: str) -> None:
    """Refuse a file whose first line has the label between other separators than commas."""
    first = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    if match := re.fullmatch("(?i)sep=(.)", first.strip().strip('"')):
        raise CsvError(
            f"its first line, {first.strip()!r}, is for a spreadsheet; begin with the names of "
            f"the columns{'' if match[1] == ',' else ', and separate them by commas'}"
        )
    if label in _names(first, ","):
        return
    found = [each for each in SEPARATORS if each in first]
    likely = [each for each in found if label in _names(first, each)]
    if likely or (found and "," not in first):
        separator = (likely or found)[0]
        raise CsvError(
            f"columns seem to be separated by {separator!r}, {SEPARATORS[separator]}; allowed: "
            "commas, with points in numbers"
        )


def _names(line: str, separator: str) -> Sequence[str]:
    try:
        (row,) = csv.reader([line], delimiter=separator)
    except (csv.Error, ValueError):
        return ()
    return [visible(name) for name in row]
