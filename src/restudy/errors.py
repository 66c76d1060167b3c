"""Faults that a user can mend."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

LONGEST_VALUE = 80  # characters of a value that a message quotes
LONGEST_LINE, MOST_LINES = 1200, 100  # characters of a message's line; lines of a message


class UserError(ValueError):
    """A fault in what the user gave; its message says what and how, so no traceback is shown.

    Whatever a message quotes, it stays short enough to be read.
    """

    def __init__(self, message: object = ""):
        super().__init__(_bounded(str(message)))


def quote(value: Any) -> str:
    """Return a value as Python writes it, for a message: cut if it is long."""
    if isinstance(value, int) and value.bit_length() > 4 * LONGEST_VALUE:
        return f"a whole number of some {int(value.bit_length() * 0.30103) + 1:,} digits"
    return cut(repr(value[: 2 * LONGEST_VALUE] if isinstance(value, str | bytes) else value))


def show(value: Any) -> str:
    """Return what was found, for a message: structures by name, everything else as it is."""
    names = {Mapping: "keys with values", list: "a list", type(None): "nothing"}
    for kind, name in names.items():
        if isinstance(value, kind):
            return name
    return quote(value)


def cut(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return a text, with what is too much of it left out in its middle."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 1]}…{text[len(text) - end :]}"


def _bounded(message: str) -> str:
    lines = message.split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        lines[-1] = f"and {lines[-1].count(chr(10)) + 1:,} more"
    return "\n".join(cut(line, LONGEST_LINE) for line in lines)


class DatasetError(UserError):
    """Files of the user's that cannot be used as a data set.

    Attributes
    ----------
    faults : list of (key, text)
        The key of the data set that is at fault, and what the fault is.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]):
        super().__init__("\n".join(f"{key}: {text}" for key, text in faults))
        self.faults = list(faults)


class MissingPackageError(UserError):
    """A package that is not installed; the message names the extra that brings it."""


# What extras of pyproject.toml bring, by the names that are imported.
EXTRAS = {
    "workflow": (
        "IPython",
        "PIL",
        "jinja2",
        "jupyter_client",
        "latex2mathml",
        "markupsafe",
        "matplotlib",
        "mistune",
        "nbclient",
        "nbformat",
        "papermill",
        "psutil",
        "pyarrow",
        "pygments",
        "requests",
        "scipy",
        "sklearn",
        "traitlets",
    ),
    "tensorflow": ("tensorboard", "tensorflow"),
}


@contextmanager
def packages_of_extras() -> Iterator[None]:
    """Allow imports of packages that a light install lacks.

    Raises
    ------
    MissingPackageError
        If one is not there.
    """
    try:
        yield
    except ModuleNotFoundError as fault:
        package = (fault.name or "").partition(".")[0]
        extra = next((name for name, brought in EXTRAS.items() if package in brought), None)
        if extra is None:
            raise
        raise MissingPackageError(
            f"this needs {package}, which is not installed; `pip install '.[{extra}]'` in the "
            "project's folder brings it"
        ) from None
