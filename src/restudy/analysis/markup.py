"""Text of the user's and of the tables, made safe for reStructuredText."""

import re
import unicodedata

BREAKS = ("Cc", "Zl", "Zp")  # Unicode's categories of control characters and separators of lines


def escape_markup(value):
    """Return text such that reStructuredText shows it as it is, in one line.

    Every mark of punctuation gets a backslash, and line breaks and other control characters become
    spaces: so no text is markup, a directive, a list or a block, whatever it says.

    Parameters
    ----------
    value : str, dict, list, or anything else
        Strings are escaped, wherever they stand as values; keys and other values stay.
    """
    if isinstance(value, str):
        printable = "".join(" " if unicodedata.category(c) in BREAKS else c for c in value)
        return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(printable.split()))
    if isinstance(value, dict):
        return {key: escape_markup(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escape_markup(inner) for inner in value]
    return value
