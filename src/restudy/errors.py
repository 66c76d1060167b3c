"""Faults that a user can mend."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class UserError(ValueError):
    """A fault in what the user gave; its message says what and how, so no traceback is shown."""


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
