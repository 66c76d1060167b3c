"""Faults that a user can mend."""

from collections.abc import Sequence


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
