"""The text of the SVG files that Matplotlib writes.

It is valid SVG, and how it is written is not promised: what is shortened here is found by patterns.
"""

import base64
import io
import re

import numpy as np
from PIL import Image

# Of paths, markers, clips and texts. Their last digits differ from one process to another.
COORDINATES = re.compile(r' (d|x|y|width|height)="[^"]*"|translate\([^)]*\)')
# Of images: also how many points a pixel takes, which needs more digits.
MATRIX = re.compile(r"matrix\([^)]*\)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
EMBEDDED_IMAGE = re.compile(r'(?<=base64,)[^"]+')
# Of clips and markers: a letter, and a digest of positions.
DEFINED_NAME = r'(?<=id=")[a-z][0-9a-f]{10}(?=")'
USED_NAME = r'(?<=#)[a-z][0-9a-f]{10}(?=[")])'
NAME = re.compile(f"{DEFINED_NAME}|{USED_NAME}")
GLYPH_NAME = re.compile(r'(?<=id=")DejaVu[^"]+(?=")|(?<=href="#)DejaVu[^"]+(?=")')
GLYPH_PLACE = re.compile(r"(?<=\" transform=\")translate\((-?[0-9.]+) (-?[0-9.]+)\)(?=\"/>)")
PATH = re.compile(r' d="([^"]*)"')
COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
# Opacity of the whole is not inherited, and two markers that overlap would show it.
EQUAL_MARKERS = re.compile(
    r'(?P<first><use xlink:href="#[a-z0-9]+" x="[^"]*" y="[^"]*" '
    r'style="(?P<style>(?![^"]*(?<!-)opacity)[^"]*)"/>\n)'
    r'(?:<use xlink:href="#[a-z0-9]+" x="[^"]*" y="[^"]*" style="(?P=style)"/>\n)+'
)
REMARK = re.compile(r"<!--.*?-->")
INDENTATION = re.compile(r"\n\s+")


def shorten_svg(svg: str) -> str:
    """Make an SVG smaller, and the same picture.

    Coordinates are rounded to a hundredth of a point and paths say a command once, places within a
    word are whole units of its font, images get a palette where they have few colours, names become
    short, and of many equal markers the look is said once; remarks and indentation go.
    """
    svg = COORDINATES.sub(lambda part: LONG_NUMBER.sub(_round, part[0]), svg)
    svg = MATRIX.sub(lambda part: LONG_NUMBER.sub(lambda one: _round(one, 4), part[0]), svg)
    svg = PATH.sub(lambda path: f' d="{_shorten_path(path[1])}"', svg)
    svg = GLYPH_PLACE.sub(lambda place: f"translate({round(float(place[1]))} {place[2]})", svg)
    svg = EMBEDDED_IMAGE.sub(lambda image: _with_palette(image[0]), svg)
    # The digests differ where the last bits of a layout do: names are numbered instead.
    names: dict[str, str] = {}
    svg = NAME.sub(lambda name: names.setdefault(name[0], f"{name[0][0]}{len(names)}"), svg)
    glyphs: dict[str, str] = {}
    svg = GLYPH_NAME.sub(lambda name: glyphs.setdefault(name[0], f"g{len(glyphs)}"), svg)
    svg = INDENTATION.sub("\n", REMARK.sub("", svg))
    return EQUAL_MARKERS.sub(_with_one_look, svg)


def _round(number: re.Match, digits: int = 2) -> str:
    """Round: cut, a number of few digits would be another one where its last bit differs."""
    return f"{round(float(number[0]), digits) + 0.0:.{digits}f}"


def _shorten_path(data: str) -> str:
    """Leave out commands that repeat the one before, which is what numbers alone mean."""
    parts, last = [], ""
    for command, numbers in COMMAND.findall(data):
        # After a move, numbers alone are lines.
        known = {"M": "L"}.get(last, last)
        values = " ".join(
            number.rstrip("0").rstrip(".") if "." in number else number
            for number in numbers.split()
        )
        parts.append(values if command == known and command in "LQC" else f"{command}{values}")
        last = command
    return " ".join(parts)


def _with_one_look(markers: re.Match) -> str:
    """Say the style of several markers on a group of them: all parts of it are inherited."""
    style = f' style="{markers["style"]}"'
    return f"<g{style}>\n{markers[0].replace(style, '')}</g>\n"


def _with_palette(encoded: str) -> str:
    """Store an image (PNG in base64) with a palette if it is opaque and has at most 256 colours."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    pixels = np.asarray(image.convert("RGBA"))
    # One number for each pixel, whose order is that of red, green, blue and opacity.
    numbers = np.ascontiguousarray(pixels).view(">u4")[..., 0].astype(np.uint32)
    found = np.unique(numbers)
    colors = found.astype(">u4").view(np.uint8).reshape(-1, 4)
    if len(colors) > 256 or (colors[:, 3] < 255).any():
        return encoded
    places = np.searchsorted(found, numbers)
    indexed = Image.fromarray(places.astype(np.uint8), mode="P")
    indexed.putpalette(colors[:, :3].tobytes())
    buffer = io.BytesIO()
    indexed.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
