"""Read a user's own CSV file of labelled points, or say what is wrong with it.

Plain Python, because configurations are checked with it: a file of usual size is read in less time
than the larger libraries take to load.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from restudy.data.csv_rows import CsvError, Rows, read_rows, visible
from restudy.errors import DatasetError, cut, quote

MISSING = ("", "na", "n/a", "nan", "null")  # in lower case
# What stands for nothing in files of some programs, and may be a class in others.
PLACEHOLDERS = (
    "?",
    "-",
    "--",
    ".",
    "..",
    "none",
    "nil",
    "missing",
    "unknown",
    "<na>",
    "#n/a",
    "\\n",
)
PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
LARGEST_VALUE = 1e100  # the sum of a few squares of such numbers is still finite
MAX_NAMES = 20  # column names listed in a message

Fault = tuple[str, str]  # the key of the data set that is at fault, and what the fault is


@dataclass(frozen=True)
class LabelledTable:
    """Labelled points as read from a file.

    Attributes
    ----------
    values : list of list of float
        D features for each of N points.
    labels : list of int
        Class of each point, from 0 to C - 1.
    features : list of str
        Names of the D features.
    classes : list of str
        Names of the C classes.
    has_validation : bool
        Whether there are rows enough for a validation part.
    remarks : list of str
        What is allowed, and perhaps not meant: a column that counts the rows, a class ``NA``.
    """

    values: list[list[float]]
    labels: list[int]
    features: list[str]
    classes: list[str]
    has_validation: bool
    remarks: list[str] = field(default_factory=list)


class TableError(DatasetError):
    """A file that cannot be used; the key at fault is ``path`` or ``label``."""


def read_labelled_csv(dataset: Mapping) -> LabelledTable:
    """Read the file of a data set of kind ``csv``.

    Parameters
    ----------
    dataset : mapping
        ``path``, a CSV file in UTF-8 with commas and a header line, and ``label``, the name of
        the column with the class. All other columns are features.

    Returns
    -------
    LabelledTable
        Rows and columns in the order of the file; classes sorted, numeric ones by value.

    Raises
    ------
    TableError
        If the file is missing or is not CSV, has a feature that is missing, infinite or not a
        number, has fewer than two classes, or a class of a single row.
    """
    path, label = dataset["path"], visible(dataset["label"])
    try:
        read = read_rows(path, label)
    except CsvError as fault:
        allowed = "" if "; " in str(fault) else "; allowed: a CSV file in UTF-8 with rows"
        raise TableError([("path", f"got {quote(path)}, {fault}{allowed}")]) from None
    names, lines = read.header, read.lines
    _refuse(_header_faults(path, read, label))
    _refuse(_length_faults(path, read))
    columns = dict(zip(names, zip(*read.rows, strict=True), strict=True))
    written = columns.pop(label)
    seen = {text: visible(text) for text in set(written)}
    texts = [seen[text] for text in written]
    values = {name: _to_numbers(column) for name, column in columns.items()}
    _refuse(
        [*_label_faults(path, label, texts, lines), *_value_faults(path, columns, values, lines)]
    )
    classes, labels = _number_classes(texts)
    return LabelledTable(
        values=[list(row) for row in zip(*values.values(), strict=True)],
        labels=labels,
        features=list(values),
        classes=classes,
        has_validation=_has_validation(labels),
        remarks=[
            f"{path}: {line}"
            for line in (
                *_blank_remarks(read),
                *_index_remarks(values),
                *_label_remarks(label, written, texts, classes),
                *_part_remarks(label, labels),
            )
        ],
    )


def _has_validation(labels: Sequence[int]) -> bool:
    """Return whether a class has a row to train on, one held out and one for validation."""
    return max(Counter(labels).values()) >= 3


def _blank_remarks(read: Rows) -> Iterator[str]:
    if read.blank:
        yield f"rows without a single value are left out ({read.blank:,} of them)"


def _index_remarks(values: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, column in values.items():
        if _counts_rows(column):
            yield (
                f"column {quote(name)} counts the rows, and is a feature like the others; if it is "
                "an index, take it out of the file"
            )


def _label_remarks(
    label: str, written: Sequence[str], texts: Sequence[str], classes: Sequence[str]
) -> Iterator[str]:
    """Yield what was joined to one class, or was not, and may not be meant so."""
    place = f"column {quote(label)}"
    suspects = [name for name in classes if name.lower() in (*MISSING, *PLACEHOLDERS)]
    if suspects:
        yield (
            f"{quote(suspects[0])} in {place} is a class like the others; if it means that the "
            "class is missing, take these rows out of the file"
        )
    spellings: dict[str, set[str]] = defaultdict(set)
    for text, seen in dict.fromkeys(zip(written, texts, strict=True)):
        spellings[seen].add(text.strip(" "))
    several = [seen for seen, ways in spellings.items() if len(ways) > 1]
    if several:
        yield (
            f"{place} has classes that are written in several ways and look the same, such as "
            f"{quote(several[0])}; they are one class"
        )
    if len(classes) < len(spellings):
        yield f"{place} has numbers written in several ways; those of one value are one class"
    folded = Counter(name.casefold() for name in classes)
    if alike := [name for name in classes if folded[name.casefold()] > 1]:
        yield (
            f"{place} has classes that differ only in capital letters, such as "
            f"{quote(alike[0])} and {quote(alike[1])}; they are different classes"
        )


def _part_remarks(label: str, labels: Sequence[int]) -> Iterator[str]:
    if not _has_validation(labels):
        yield (
            f"no class of column {quote(label)} has a third row for validation, so that nothing "
            "can be chosen; with three rows or more of a class there is a validation part"
        )


def _counts_rows(column: Sequence[float]) -> bool:
    """Return whether a column is an index: whole numbers that rise, or those of a range once each.

    Rows may have been left out of it, or put in another order, after they were counted.
    """
    if len(column) < 4 or not all(number.is_integer() for number in column):
        return False
    if len(set(column)) < len(column):
        return False
    rises = all(before < after for before, after in itertools.pairwise(column))
    return rises or max(column) - min(column) == len(column) - 1


def _refuse(faults: Iterator[Fault] | list[Fault]) -> None:
    found = list(faults)
    if found:
        raise TableError(found)


def _header_faults(path: str, read: Rows, label: str) -> Iterator[Fault]:
    names = read.header
    for place, name in enumerate(names, start=1):
        if not name:
            found = [row[place - 1] for row in read.rows if len(row) >= place]
            yield (
                "path",
                f"{path}: column {place} has no name{_nameless_hint(found)}; allowed: a name for "
                "every column",
            )
    for name, count in Counter(names).items():
        if name and count > 1:
            yield (
                "path",
                f"{path}: {count} columns are called {quote(name)}; allowed: each name once",
            )
    if label not in names:
        close = get_close_matches(label, names, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        listed = ", ".join(map(cut, names[:MAX_NAMES]))
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        yield "label", f"got {quote(label)}{hint}; columns of {path}: {listed}{more}"
    elif len(names) == 1:
        yield "path", f"{path}: has no column besides {quote(label)}; allowed: at least one feature"


def _nameless_hint(column: Sequence[str]) -> str:
    """Return in brackets what a column without a name may be."""
    if not any(map(str.strip, column)):
        return " (and no value: is there a comma too many at the ends of lines?)"
    numbers = _to_numbers(column)
    if numbers is not None and _counts_rows(numbers):
        return " (an index? pandas leaves it out with index=False, R with row.names=FALSE)"
    return ""


def _length_faults(path: str, read: Rows) -> Iterator[Fault]:
    names = read.header
    wrong = [
        (len(row), line)
        for row, line in zip(read.rows, read.lines, strict=True)
        if len(row) != len(names)
    ]
    if wrong:
        length, line = wrong[0]
        hint = ""
        if len(wrong) == len(read.rows) and len({each for each, _ in wrong}) == 1:
            if length == len(names) + 1:
                hint = " (R leaves the names of rows out with row.names=FALSE)"
            elif length == 2 * len(names) - 1:
                hint = " (decimal commas? write 1.5 for 1,5)"
        yield (
            "path",
            f"{path}, line {line}: got {length} value{'s' * (length != 1)}{_more(wrong)}; "
            f"allowed: {len(names)}, as many as the header{hint}",
        )


def _label_faults(path: str, label: str, texts: list[str], lines: list[int]) -> Iterator[Fault]:
    # NA is a country, a sodium and what R writes for nothing: it is allowed, and told of.
    missing = [
        line
        for text, line in zip(texts, lines, strict=True)
        if text.lower() in MISSING and text != "NA"
    ]
    if missing:
        yield (
            "label",
            f"{path}, line {missing[0]}, column {quote(label)}: the class is missing"
            f"{_more(missing)}; allowed: a class in every row",
        )
        return
    classes, labels = _number_classes(texts)
    if len(classes) == 1:
        yield (
            "label",
            f"{path}: column {quote(label)} has only the class {quote(classes[0])}; allowed: two "
            "or more",
        )
        return
    single = [classes[label] for label, count in Counter(labels).items() if count == 1]
    if single:
        yield (
            "label",
            f"{path}: class {quote(single[0])} of column {quote(label)} has a single row"
            f"{_more(single)}; allowed: at least two, one to train on and one held out",
        )


def _value_faults(
    path: str, columns: Mapping, values: Mapping, lines: list[int]
) -> Iterator[Fault]:
    """Yield the first bad value of each sort, with the number of others of that sort."""
    sorts = {"missing": [], "text": [], "infinite": []}
    for name, numbers in values.items():
        if numbers is None:
            for text, line in zip(columns[name], lines, strict=True):
                sort = _sort_of(text)
                if sort:
                    sorts[sort].append((line, name, text.strip()))
    for sort, found in sorts.items():
        if found:
            line, name, text = min(found, key=lambda each: each[0])
            got = f"got {quote(text)}"
            if sort == "missing":
                got = "the value is missing" + (f" ({quote(text)})" if text else "")
            got += _more(found)
            allowed = f"a number up to {LARGEST_VALUE:g}" if sort == "infinite" else "a number"
            allowed += _number_hint(text)
            yield "path", f"{path}, line {line}, column {quote(name)}: {got}; allowed: {allowed}"


def _number_hint(text: str) -> str:
    """Return how to write what may be a number in another notation; or nothing."""
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        return f", such as {text.replace(',', '.')}, with a point"
    if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?\s*%", text):
        return ", without a per cent sign"
    return ""


def _to_numbers(column: Sequence[str]) -> list[float] | None:
    """Return the numbers of a column, or None if one of its texts is not a number."""
    try:
        numbers = [float(text) for text in column]
    except ValueError:
        return None
    # Only Python reads 1_000 as a number.
    fine = all(abs(number) <= LARGEST_VALUE for number in numbers) and "_" not in "".join(column)
    return numbers if fine else None


def _sort_of(text: str) -> str | None:
    """Return what is wrong with a text as a feature: "missing", "text", "infinite", or None."""
    if text.strip().lower() in (*MISSING, *PLACEHOLDERS):
        return "missing"
    numbers = _to_numbers([text])
    if numbers is not None:
        return None
    try:
        return "text" if "_" in text or math.isnan(float(text)) else "infinite"
    except ValueError:
        return "text"


def _number_classes(texts: list[str]) -> tuple[list[str], list[int]]:
    """Return the names of the classes in their order, and each text's label.

    Different texts are different classes: 01 and 1, 1E2 and 100 are codes. Only where all are plain
    numbers are they ordered by value, and 1 and 1.0 are the class 1.
    """
    distinct = list(dict.fromkeys(texts))
    if all(PLAIN_NUMBER.fullmatch(text) for text in distinct):
        keys: dict[str, Any] = {text: Decimal(text) for text in distinct}
    else:
        keys = {text: text for text in distinct}
    order = {key: label for label, key in enumerate(sorted(set(keys.values())))}
    names = [key if isinstance(key, str) else _shortest(key) for key in order]
    return names, [order[keys[text]] for text in texts]


def _shortest(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _more(found: Sequence) -> str:
    """Return how many there are besides the one that the message names."""
    return f" ({len(found) - 1:,} more like it)" if len(found) > 1 else ""
