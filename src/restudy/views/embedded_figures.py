"""Figures inside a page: compressed, each once, and turned into pictures when they are opened.

Compression shrinks an SVG to a fifth, but a data URL cannot be compressed; so the page's script
inflates a figure, and makes its URL, only when it is opened.
"""

import base64
import zlib
from xml.etree import ElementTree

SCRIPT = """
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const show = async details => {
  const image = details.querySelector("img");
  if (image.src) return;
  const packed = atob(figures[details.dataset.figure]);
  const bytes = Uint8Array.from(packed, letter => letter.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = new FileReader();
  reader.onload = () => { image.src = reader.result; };
  const drawing = await new Response(inflated).arrayBuffer();
  reader.readAsDataURL(new Blob([drawing], { type: "image/svg+xml" }));
};
for (const details of document.querySelectorAll("details[data-figure]"))
  details.addEventListener("toggle", () => { if (details.open) show(details); });
"""


def embed_figure(content: bytes) -> dict:
    """Return what a page needs to show a figure when it is opened.

    Parameters
    ----------
    content : bytes
        The figure, an SVG.

    Returns
    -------
    dict
        ``width`` and ``height`` in pixels, ``title``, its own, and ``packed``, for the page's JSON.
    """
    return {**figure_facts(content), "packed": base64.b64encode(zlib.compress(content, 9)).decode()}


def figure_facts(content: bytes) -> dict:
    """Return ``width`` and ``height`` of a figure (an SVG) in pixels, and its ``title``, or ""."""
    drawing = ElementTree.fromstring(content)
    width, height = (round(float(side) * 4 / 3) for side in drawing.get("viewBox").split()[2:])
    return {"width": width, "height": height, "title": drawing.findtext("{*}title", "")}
