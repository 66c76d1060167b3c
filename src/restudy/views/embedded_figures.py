"""Figures inside a page: compressed, each once, and turned into pictures when they are opened.

Compression shrinks an SVG to a fifth, but a data URL cannot be compressed; so the page's script
inflates a figure, and makes its URL, only when it is opened.
"""

import base64
import io
import zlib
from xml.etree import ElementTree

from PIL import Image

PNG_WIDTH = 1400  # pixels, which are shown two thirds as large
PNG_COLOURS = 256

SCRIPT = """
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const show = async details => {
  const image = details.querySelector("img");
  if (image.src) return;
  const { type, data } = figures[details.dataset.figure];
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = new FileReader();
  reader.onload = () => { image.src = reader.result; };
  reader.readAsDataURL(new Blob([await new Response(inflated).arrayBuffer()], { type }));
};
for (const details of document.querySelectorAll("details[data-figure]"))
  details.addEventListener("toggle", () => { if (details.open) show(details); });
"""


def embed_figure(path: str, content: bytes) -> dict:
    """Return what a page needs to show a figure when it is opened.

    Parameters
    ----------
    path, content
        See `shown_figure`.

    Returns
    -------
    dict
        ``width``, ``height`` and ``title`` of the figure; and ``packed``: ``type`` and ``data``,
        for the page's JSON.
    """
    shown = shown_figure(path, content)
    kind, inner = shown.pop("type"), shown.pop("content")
    data = base64.b64encode(zlib.compress(inner, 9)).decode()
    return {**shown, "packed": {"type": kind, "data": data}}


def shown_figure(path: str, content: bytes) -> dict:
    """Return a figure as a page shows it.

    Parameters
    ----------
    path : str
        Its file; the suffix says which kind it is: svg or png.
    content : bytes
        The file; a PNG is made smaller and gets a palette.

    Returns
    -------
    dict
        ``width`` and ``height`` in pixels; ``title``, its own, or ""; ``type`` and ``content``, the
        bytes.
    """
    if path.endswith(".svg"):
        drawing = ElementTree.fromstring(content)
        width, height = (float(side) * 4 / 3 for side in drawing.get("viewBox").split()[2:])
        title, kind = drawing.findtext("{*}title", ""), "image/svg+xml"
    else:
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        picture.thumbnail((PNG_WIDTH, 10 * PNG_WIDTH), Image.Resampling.LANCZOS)
        width, height = picture.width / 1.5, picture.height / 1.5
        written = io.BytesIO()
        reduced = picture.quantize(PNG_COLOURS, dither=Image.Dither.NONE)
        reduced.save(written, "PNG", optimize=True)
        title, kind, content = "", "image/png", written.getvalue()
    return {
        "width": round(width),
        "height": round(height),
        "title": title,
        "type": kind,
        "content": content,
    }
