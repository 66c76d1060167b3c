"""Interactive pages, each a single file that works without a network.

The program of a page is built from ``web/`` into this folder: ``<name>.js``, its style
``<name>.css``, and ``LICENSES.txt`` of the libraries in it.
"""

from __future__ import annotations

import base64
import html
import zlib
from collections.abc import Mapping
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent

# The program is compressed too: a page must stay small, since the report shows no large ones.
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main id="app"><h1>$title</h1><p role="status">Loading…</p>
<noscript>This page needs JavaScript to draw its data.</noscript></main>
$blocks
<script type="text/plain" id="program">$program</script>
<script>
(async () => {
  const text = document.getElementById("program").textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.body.append(script);
})();
</script>
</body>
</html>
""")


def built_file(name: str) -> str:
    """Return the text of a file that is built from ``web/``."""
    return (FOLDER / name).read_text(encoding="utf-8")


def render_page(name: str, title: str, blocks: Mapping[str, str]) -> str:
    """Return a page of the given name as HTML.

    Parameters
    ----------
    name : str
        Name of the program: the file ``<name>.js`` in this folder.
    title : str
        Plain text.
    blocks : mapping of str to str
        Data by name, each as `restudy.views.payload.pack` returns it. The program reads a block
        when it needs it.
    """
    program = (FOLDER / f"{name}.js").read_bytes()
    return PAGE.substitute(
        title=html.escape(title),
        style=built_file(f"{name}.css"),
        blocks="\n".join(
            f'<script type="text/plain" id="block-{html.escape(key)}">{block}</script>'
            for key, block in blocks.items()
        ),
        program=base64.b64encode(zlib.compress(program, 9)).decode(),
    )
