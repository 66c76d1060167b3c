"""Fonts for what a user's texts are written in, where the project's own font has no letters."""

import contextlib
from collections.abc import Iterable, Iterator
from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

FONT = "DejaVu Sans"
# Has a box for every character there is.
LAST_RESORT = "lastresort"


def texts_of(figure: Figure) -> str:
    """Return all that a figure says."""
    return "".join(text.get_text() for text in figure.findobj(Text))


def foreign_letters(text: str) -> frozenset[str]:
    """Return the characters of a text that the project's font lacks, in one weight or the other."""
    return frozenset(
        letter for letter in text if letter.isprintable() and ord(letter) not in _own_letters()
    )


@cache
def further_fonts(letters: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """Find installed fonts that have some characters.

    Matplotlib's own list of fonts is as old as its cache, so the fonts are looked for anew; of two
    that have equally many of the characters, the one whose name comes first is taken.

    Returns
    -------
    families : tuple of str
        Names of the fonts, which Matplotlib knows from now on.
    missing : str
        Characters that no installed font has, sorted.
    """
    have = {path: letters & found for path, found in _letters_of_fonts(letters)}
    families, missing = [], set(letters)
    while missing and have:
        path = max(sorted(have), key=lambda each: len(have[each] & missing))
        if not have[path] & missing:
            break
        missing -= have.pop(path)
        fontManager.addfont(path)
        families.append(FontProperties(fname=path).get_name())
    return tuple(dict.fromkeys(families)), "".join(sorted(missing))


@cache
def _own_letters() -> frozenset[int]:
    faces = [FontProperties(family=FONT, weight=weight) for weight in ("normal", "bold")]
    return frozenset.intersection(
        *(frozenset(FT2Font(findfont(face)).get_charmap()) for face in faces)
    )


def _letters_of_fonts(letters: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the path of each installed font of outlines, and which of the characters it has."""
    for path in findSystemFonts():
        with contextlib.suppress(RuntimeError, OSError):  # not every file there can be read
            font = FT2Font(path)
            if font.scalable and LAST_RESORT not in font.family_name.replace(" ", "").lower():
                known = font.get_charmap()
                yield path, {letter for letter in letters if ord(letter) in known}
