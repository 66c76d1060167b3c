"""An executed notebook as one page: nothing is fetched, and formulas are MathML."""

import base64
import re
from collections.abc import Iterator

import latex2mathml.converter
import mistune
from markupsafe import Markup
from mistune.plugins.math import math
from mistune.plugins.table import table
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from restudy.log import without_escapes
from restudy.views.html_tables import (
    ENVIRONMENT,
    FAVICON,
    STYLESHEET,
    copying_script,
    copying_stylesheet,
)

NOTEBOOK_STYLESHEET = """
:root { --keyword: #7a2a9e; --string: #1f6b3a; --number: #9a4a00; --gone: #a11d33;
  --come: #1f6b3a; }
@media (prefers-color-scheme: dark) { :root { --keyword: #d3a6f2; --string: #8fd6a6;
  --number: #f2b482; --gone: #ff9daa; --come: #8fd6a6; } }
main { max-width: 62rem; margin: 0 auto; }
h1 { font-size: 1.55rem; margin-bottom: .6rem; }
h2 { font-size: 1.22rem; margin: 2.2rem 0 .5rem; padding-top: .5rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.04rem; margin: 1.5rem 0 .4rem; }
a { color: var(--accent); }
p, li { max-width: 78ch; }
ul, ol { padding-left: 1.4rem; }
nav ul { list-style: none; padding: 0; margin: 0 0 1rem; columns: 19rem; }
nav li { padding: .1rem 0; break-inside: avoid; }
.scroll { overflow-x: auto; margin: .5rem 0 .9rem; }
.code, .printed, .failed { background: var(--shade); border: 1px solid var(--line);
  border-radius: 6px; padding: .6rem .85rem; }
pre { margin: 0; font: .84rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
code { font: .88em ui-monospace, "DejaVu Sans Mono", monospace; background: var(--shade);
  padding: .05em .25em; border-radius: 3px; overflow-wrap: anywhere; }
pre code { background: none; padding: 0; font-size: inherit; overflow-wrap: normal; }
.printed { background: none; border-left: 4px solid var(--accent); border-radius: 0;
  border-width: 0 0 0 4px; padding-block: .1rem; }
.failed { border-color: var(--gone); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--muted); font-size: .88rem; }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre",
  math; font-size: 1.08em; }
math[display=block] { margin: 0; width: max-content; min-width: 100%; font-size: 1.15em; }
.together { white-space: nowrap; }
.formula { padding: .2rem 0; overflow-y: hidden; }
mtd { padding-block: .32em; }
mtd[columnalign=left] { text-align: left; } mtd[columnalign=right] { text-align: right; }
mtable[columnspacing^="0em"] > mtr > mtd { padding-inline: 0; }
figure { margin: .6rem 0 1rem; }
img { display: block; max-width: max(100%, 34rem); height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-size: .89rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .3rem; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
th { background: var(--shade); white-space: normal; }
td.long { white-space: normal; min-width: 18rem; max-width: 26rem; }
.key { left: var(--left-0, auto); } td.key { background: var(--paper); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.k, .kn, .kc, .ow { color: var(--keyword); } .s1, .s2, .sd, .sa, .si, .se { color: var(--string); }
.mi, .mf { color: var(--number); } .c1 { color: var(--muted); font-style: italic; }
.nf, .nc { font-weight: 600; } .gd { color: var(--gone); } .gi { color: var(--come); }
.gh, .gu { font-weight: 600; }
@media (max-width: 560px) { body { padding: .8rem .7rem; } th, td { padding: .25rem .4rem; } }
"""

# A formula in a line and what must not begin the next line.
PUNCTUATED = re.compile(r'(<math display="inline"[^>]*>(?:(?!</math>).)*</math>[.,;:?)]+)')
# A function's name in MathML that its argument follows without a parenthesis.
FUNCTION = re.compile(r"(<m([io])>(?:log|exp|tanh|max|min)</m\2>)(?!<mo stretchy|</)")

PAGE = ENVIRONMENT.from_string("""{% extends "page" %}
{% block body %}
<main>
{{ cells[0] }}
<nav aria-label="Sections"><ul>
{% for anchor, heading in sections %}
<li><a href="#{{ anchor }}">{{ heading }}</a></li>
{% endfor %}
</ul></nav>
{% for cell in cells[1:] %}
{{ cell }}
{% endfor %}
</main>
{{ copying }}
{% endblock %}
""")


class FormulaError(ValueError):
    """A formula with something in it that can't be turned into MathML."""


def to_mathml(formula: str, display: str = "inline") -> str:
    """Return a formula in LaTeX as MathML.

    Parameters
    ----------
    formula : str
        Without dollars.
    display : {"inline", "block"}
        Within a line, or on lines of its own.

    Raises
    ------
    FormulaError
        If something in it has no counterpart, which would otherwise stand on the page as it is.
    """
    try:
        found = latex2mathml.converter.convert(formula.strip(), display=display)
    except Exception as error:
        raise FormulaError(f"formula {formula.strip()!r}: {error}") from error
    if "\\" in found or "<mi>&</mi>" in found:
        raise FormulaError(f"formula {formula.strip()!r}: a command in it is not known")
    found = found.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    # Norms of a single letter: bars that stretch would be higher than their line.
    found = found.replace("<mo>&#x02016;</mo>", '<mo stretchy="false">&#x02016;</mo>')
    return FUNCTION.sub(r'\1<mspace width="0.17em"></mspace>', found)


class _Renderer(mistune.HTMLRenderer):
    """Markdown of a cell, with formulas, coloured code and headings that can be linked to."""

    def __init__(self):
        super().__init__(escape=True)
        self.sections: list[tuple[str, Markup]] = []

    def heading(self, text: str, level: int, **attributes) -> str:
        anchor = re.sub(r"[^a-z0-9]+", "-", Markup(text).striptags().lower()).strip("-")
        if level == 2:
            self.sections.append((anchor, Markup(text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        return _code(code, info or "text")

    def inline_math(self, text: str) -> str:
        # What is copied of it; see `copying_script`.
        start, source = '<math display="inline"', mistune.escape(text.strip())
        return to_mathml(text).replace(start, f'{start} data-latex="{source}"', 1)

    def block_math(self, text: str) -> str:
        return f'<div class="scroll formula" tabindex="0">{to_mathml(text, "block")}</div>\n'

    def table(self, text: str) -> str:
        return f'<div class="scroll" tabindex="0"><table>{text}</table></div>\n'


def notebook_page(notebook: NotebookNode) -> str:
    """Return an executed notebook as HTML.

    Parameters
    ----------
    notebook : NotebookNode
        Its first cell is Markdown and begins with the title. The source of a cell whose metadata
        say ``jupyter.source_hidden`` is folded.

    Raises
    ------
    FormulaError
        If a formula can't be shown.
    """
    renderer = _Renderer()
    to_html = mistune.create_markdown(renderer=renderer, plugins=[table])
    math(to_html)
    tags = [set(cell.metadata.get("tags", [])) for cell in notebook.cells]
    injected = any("injected-parameters" in each for each in tags)
    cells = [
        "".join(_cell(cell, to_html))
        for cell, each in zip(notebook.cells, tags, strict=True)
        if not (injected and "parameters" in each)  # which the injected ones replace
    ]
    title = re.match(r"#\s*(.*)", notebook.cells[0].source)[1]
    has_tables = any("<table" in cell for cell in cells)
    return PAGE.render(
        title=title,
        cells=[Markup(cell) for cell in cells],
        sections=renderer.sections,
        copying=copying_script() if has_tables else "",
        stylesheet=Markup(STYLESHEET + copying_stylesheet() + NOTEBOOK_STYLESHEET),
        favicon=FAVICON,
    )


def _cell(cell: NotebookNode, to_html: mistune.Markdown) -> Iterator[str]:
    """A cell's source and outputs."""
    if cell.cell_type == "markdown":
        yield PUNCTUATED.sub(r'<span class="together">\1</span>', to_html(cell.source))
        return
    if cell.cell_type != "code" or not cell.source:
        return
    source = _code(cell.source, "python")
    injected = "injected-parameters" in cell.metadata.get("tags", [])
    if injected or cell.metadata.get("jupyter", {}).get("source_hidden"):
        summary = "Parameters of this run" if injected else "Code"
        source = f"<details><summary>{summary}</summary>{source}</details>\n"
    yield source
    for output in cell.outputs:
        yield _output(output, to_html)


def _output(output: NotebookNode, to_html: mistune.Markdown) -> str:
    """One output: what it printed, an error, or the richest form of a value."""
    if output.output_type == "stream":
        return _printed(output.text)
    if output.output_type == "error":
        return _printed(without_escapes("\n".join(output.traceback)), "failed")
    data = output.data
    for kind in ("image/svg+xml", "image/png"):
        if kind in data:
            content = data[kind].replace("\n", "")
            if kind == "image/svg+xml":
                content = base64.b64encode(data[kind].encode()).decode()
            about = output.metadata.get(kind, {})
            alt = mistune.escape(about.get("alt", "Figure"))
            width = f' width="{about["width"]}"' if "width" in about else ""
            image = f'<img src="data:{kind};base64,{content}" alt="{alt}"{width}>'
            return f'<figure class="scroll" tabindex="0">{image}</figure>\n'
    if "text/html" in data:
        return f'<div class="scroll" tabindex="0">{data["text/html"]}</div>\n'
    if "text/markdown" in data:
        return to_html(data["text/markdown"])
    return _printed(data.get("text/plain", ""))


def _printed(text: str, look: str = "printed") -> str:
    escaped = mistune.escape(text.rstrip(), quote=False)
    return f'<div class="scroll {look}" tabindex="0"><pre>{escaped}</pre></div>\n'


def _code(code: str, language: str) -> str:
    """Code with its words coloured."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    colored = highlight(code.rstrip(), lexer, HtmlFormatter(nowrap=True)).rstrip()
    return f'<div class="scroll code" tabindex="0"><pre>{colored}</pre></div>\n'
