"""Read a user's own CSV file of labelled points, or say what is wrong with it.

Plain Python, because configurations are checked with it: a file of usual size is read in less time
than the larger libraries take to load.
"""

import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from restudy.errors import DatasetError

MISSING = ("", "na", "n/a", "nan", "null")  # in lower case
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
    path, label = dataset["path"], dataset["label"]
    header, rows, lines = _read_rows(path)
    names = [" ".join(name.split()) for name in header]
    _refuse(_header_faults(path, names, label))
    _refuse(_length_faults(path, names, rows, lines))
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    texts = [text.strip() for text in columns.pop(label)]
    values = {name: _to_numbers(column) for name, column in columns.items()}
    _refuse(
        [*_label_faults(path, label, texts, lines), *_value_faults(path, columns, values, lines)]
    )
    classes, labels = _number_classes(texts)
    remarks = []
    if counting := [name for name, column in values.items() if _counts_rows(column)]:
        remarks.append(
            f"{path}: column {counting[0]!r} counts the rows, and is a feature like the others; "
            "if it is an index, take it out of the file"
        )
    if any(text.lower() in MISSING for text in texts):
        remarks.append(
            f"{path}: 'NA' in column {label!r} is a class like the others; if it means that the "
            "class is missing, take these rows out of the file"
        )
    if not _has_validation(labels):
        remarks.append(
            f"{path}: no class of column {label!r} has a third row for validation, so that nothing "
            "can be chosen; with three rows or more of a class there is a validation part"
        )
    return LabelledTable(
        values=[list(row) for row in zip(*values.values(), strict=True)],
        labels=labels,
        features=list(values),
        classes=classes,
        has_validation=_has_validation(labels),
        remarks=remarks,
    )


def _has_validation(labels: Sequence[int]) -> bool:
    """Return whether a class has a row to train on, one held out and one for validation."""
    return max(Counter(labels).values()) >= 3


def _counts_rows(column: Sequence[float]) -> bool:
    """Return whether a column is an index: whole numbers, each one more than the last."""
    steps = {after - before for before, after in itertools.pairwise(column)}
    return steps == {1.0} and float(column[0]).is_integer() and len(column) > 3


def _refuse(faults: Iterator[Fault] | list[Fault]) -> None:
    found = list(faults)
    if found:
        raise TableError(found)


def _read_rows(path: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return header, rows and each row's line in the file, without blank lines."""
    try:
        # With or without the byte order mark that some programs write first.
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            read = [(row, reader.line_num) for row in reader if row]
    except FileNotFoundError:
        fault = "no such file" + ("" if Path(path).is_absolute() else f" below {Path.cwd()}")
    except IsADirectoryError:
        fault = "this is a folder"
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        fault = f"not UTF-8 text (invalid byte 0x{byte:02x})"
    except OSError as error:
        fault = f"it cannot be read ({error.strerror})"
    except csv.Error as error:
        fault = f"line {reader.line_num} is not CSV ({error})"
    else:
        if len(read) > 1:
            (header, _), *rest = read
            return header, [row for row, _ in rest], [line for _, line in rest]
        fault = "it has a header line but no rows" if read else "it is empty"
    raise TableError([("path", f"got {path!r}, {fault}; allowed: a CSV file in UTF-8 with rows")])


def _header_faults(path: str, names: list[str], label: str) -> Iterator[Fault]:
    for place, name in enumerate(names, start=1):
        if not name:
            yield "path", f"{path}: column {place} has no name; allowed: a name for every column"
    for name, count in Counter(names).items():
        if name and count > 1:
            yield "path", f"{path}: {count} columns are called {name!r}; allowed: each name once"
    if label not in names:
        close = get_close_matches(label, names, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        separators = [each for each in ";\t|" if len(names) == 1 and each in names[0]]
        listed = ", ".join(names[:MAX_NAMES])
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        if separators:
            fault = f"columns seem to be separated by {separators[0]!r}"
            yield "path", f"{path}: {fault}; allowed: commas"
        else:
            yield "label", f"got {label!r}{hint}; columns of {path}: {listed}{more}"
    elif len(names) == 1:
        yield "path", f"{path}: has no column besides {label!r}; allowed: at least one feature"


def _length_faults(path: str, names: list[str], rows: list, lines: list[int]) -> Iterator[Fault]:
    wrong = [
        (len(row), line) for row, line in zip(rows, lines, strict=True) if len(row) != len(names)
    ]
    if wrong:
        length, line = wrong[0]
        yield (
            "path",
            f"{path}, line {line}: got {length} value{'s' * (length != 1)}{_more(wrong)}; "
            f"allowed: {len(names)}, as many as the header",
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
            f"{path}, line {missing[0]}, column {label!r}: the class is missing"
            f"{_more(missing)}; allowed: a class in every row",
        )
        return
    classes, labels = _number_classes(texts)
    if len(classes) == 1:
        yield (
            "label",
            f"{path}: column {label!r} has only the class {classes[0]!r}; allowed: two or more",
        )
        return
    single = [classes[label] for label, count in Counter(labels).items() if count == 1]
    if single:
        yield (
            "label",
            f"{path}: class {single[0]!r} of column {label!r} has a single row{_more(single)}; "
            "allowed: at least two, one to train on and one held out",
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
            got = "the value is missing" if sort == "missing" else f"got {_cut(text)!r}"
            got += _more(found)
            allowed = f"a number up to {LARGEST_VALUE:g}" if sort == "infinite" else "a number"
            yield "path", f"{path}, line {line}, column {name!r}: {got}; allowed: {allowed}"


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
    if text.strip().lower() in MISSING:
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


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
