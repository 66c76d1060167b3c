"""Text of the user's and of the tables, made safe for where it is shown: a function for each.

The pages have the last two once more, in ``web/src/shared/escape.js``; a test compares them.
"""

import re
import unicodedata

BREAKS = ("Cc", "Zl", "Zp")  # Unicode's categories of control characters and separators of lines
LATEX = {
    **{character: f"\\{character}" for character in "{}_%&#$"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    # Babel has commands that begin with this one.
    '"': r"{\char34}",
    # The command for a new row would take the first two, if they come next; the last is a ligature.
    **{character: f"{{{character}}}" for character in "*[]`"},
    # Not among the characters that LaTeX knows.
    "\N{MINUS SIGN}": "$-$",
}
IN_LATEX = re.compile("|".join([*map(re.escape, LATEX), r"([-,'])(?=\1)"]))
# What is markup, also in the dialects of GitHub and Pandoc: anywhere, as a link without marks, if
# doubled, and at the beginning. Where the text begins with a number and a mark, it would be a list.
IN_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~$&^@]|:(?! |$)|\.(?=[A-Za-z])|([-+=])(?=\1)|^[-+=:]")
NUMBERED = re.compile(r"^([0-9]+)([.)])(?= |$)")


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
        return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", in_one_line(value))
    if isinstance(value, dict):
        return {key: escape_markup(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [escape_markup(inner) for inner in value]
    return value


def escape_latex(text: str) -> str:
    """Return text such that LaTeX sets it as it is, in one line.

    It needs no package, and may stand anywhere in running text, in a caption or a cell of a table.
    """
    composed = unicodedata.normalize("NFC", in_one_line(text))
    return IN_LATEX.sub(lambda found: LATEX.get(found[0], f"{found[0]}{{}}"), composed)


def escape_markdown(text: str) -> str:
    """Return text such that Markdown shows it as it is, in one line, also in a cell of a table."""
    return NUMBERED.sub(r"\1\\\2", IN_MARKDOWN.sub(r"\\\g<0>", in_one_line(text)))


def in_one_line(text: str) -> str:
    """Return text without line breaks and control characters, and without spaces side by side."""
    printable = "".join(" " if unicodedata.category(c) in BREAKS else c for c in text)
    return " ".join(printable.split())
