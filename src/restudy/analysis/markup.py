"""Text of the user's and of the tables, made safe for reStructuredText."""

import re


def escape_markup(value):
    """Put a backslash before every character that reStructuredText would read as markup.

    Parameters
    ----------
    value : str, dict, list, or anything else
        Strings are escaped, wherever they stand as values; keys and other values stay.
    """
    if isinstance(value, str):
        return re.sub(r"([\\*_`|])", r"\\\1", value)
    if isinstance(value, dict):
        return {key: escape_markup(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escape_markup(inner) for inner in value]
    return value
