"""Faults that a user can mend."""


class UserError(ValueError):
    """A fault in what the user gave; its message says what and how, so no traceback is shown."""
