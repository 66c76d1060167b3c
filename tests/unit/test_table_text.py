"""What the pages copy: escaped as Python escapes it, legal in its format, with every digit."""

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, need_file
from hostile_names import HOSTILE_NAMES
from markdown_it import MarkdownIt

from restudy.analysis.markup import escape_latex, escape_markdown, in_one_line
from restudy.data.tables import as_cell

PROGRAM = """
import * as escapes from "{escape}";
import * as tables from "{table}";
import {{ readFileSync }} from "node:fs";
const asked = JSON.parse(readFileSync(0, "utf8"));
const known = {{ ...escapes, ...tables }};
console.log(JSON.stringify(asked.map(([name, ...given]) => known[name](...given))));
"""
LATEX_HEAD = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,booktabs}"


def in_node(calls):
    """What functions of the pages return, each given by its name and arguments."""
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    program = PROGRAM.format(
        escape=(ROOT / "web/src/shared/escape.js").as_uri(),
        table=(ROOT / "web/src/shared/tableText.js").as_uri(),
    )
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("javascript", "python"),
    [
        ("inOneLine", in_one_line),
        ("escapeLatex", escape_latex),
        ("escapeMarkdown", escape_markdown),
        ("asCell", as_cell),
    ],
)
def test_text_is_escaped_as_in_python(javascript, python):
    letters = [chr(code) for code in (*range(0x2100), 0x3000, 0xFEFF)]
    texts = [*HOSTILE_NAMES, *(f"{each}x{each}{each} {each}" for each in letters), *letters]
    assert in_node([(javascript, text) for text in texts]) == list(map(python, texts))


HEADS = ["name", "loss_1"]
NUMBERS = [False, True]
# As html_tables.py and format.js show numbers.
SHOWN = {
    "0.4812": "0.4812",
    "−0.0312": "$-0.0312$",
    "12,345": "12,345",
    "−12,345.5": "$-12{,}345.5$",
    "1.23e−7": r"$1.23 \times 10^{-7}$",
    "−4.5e21": r"$-4.5 \times 10^{21}$",
    "1.23e+21": r"$1.23 \times 10^{21}$",
    "∞": r"$\infty$",
    "−∞": r"$-\infty$",
    "–": "--",
    "none": "--",
    "NaN": "NaN",
}


def test_numbers_in_latex_are_formulas_where_they_have_to_be():
    (text,) = in_node([("toLatex", ["a"], [[each] for each in SHOWN], [True])])
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    assert body.splitlines() == [f"{each} \\\\" for each in SHOWN.values()]


def test_tables_are_legal_and_show_every_name(tmp_path):
    names = [name for name in HOSTILE_NAMES if in_one_line(name)]
    rows = [[name, list(SHOWN)[place % len(SHOWN)]] for place, name in enumerate(names)]
    latex, markdown = in_node([(name, HEADS, rows, NUMBERS) for name in ("toLatex", "toMarkdown")])
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    assert page.count("<table>") == 1 and page.count("<tr>") == 1 + len(rows)
    shown = re.findall(r"<td>(.*?)</td>", page, re.S)
    for entity, mark in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = [text.replace(entity, mark) for text in shown]
    assert shown == [in_one_line(name) for name in names]
    unescaped = re.sub(r"\\[\\{}_%&#$]", lambda found: "\n" if found[0] == r"\\" else "x", latex)
    body = unescaped.partition("\\toprule")[2].partition("\\bottomrule")[0]
    assert [line.count("&") for line in body.split("\n") if "&" in line] == [1] * (1 + len(rows))
    need_file(
        shutil.which("pdflatex") or "pdflatex",
        "no pdflatex; on Debian: apt install texlive-latex-recommended lmodern",
    )
    plain = re.sub("[λ→≤花瓣\U0001f600]", "x", latex.replace("∞", "x"))
    (tmp_path / "table.tex").write_text(
        f"{LATEX_HEAD}\\begin{{document}}\n{plain}\\end{{document}}\n", encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-800:].decode(errors="replace")


def test_formulas_stay_as_they_are_and_end_no_cell():
    formula = {"formula": "|a|_1 \n< b^{2}"}
    texts = [[formula], ["_a_ ", formula, ", &"], [" a", {"formula": "x"}, " b "]]
    latex, markdown = in_node(
        [(name, ["a"], [[text] for text in texts], [False]) for name in ("toLatex", "toMarkdown")]
    )
    body = latex.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    assert body.splitlines() == [
        r"$|a|_1 < b^{2}$ \\",
        r"\_a\_ $|a|_1 < b^{2}$, \& \\",
        r"a$x$ b \\",
    ]
    assert markdown.splitlines()[2:] == [
        r"| $\vert{}a\vert{}_1 < b^{2}$ |",
        r"| \_a\_ $\vert{}a\vert{}_1 < b^{2}$, \& |",
        "| a$x$ b |",
    ]
    assert in_node([("inOneString", texts[2])]) == ["a$x$ b"]


def test_csv_keeps_every_digit_and_makes_no_formula():
    rows = [[name, 0.1 + 0.2, "-inf"] for name in HOSTILE_NAMES] + [[None, None, ""]]
    (text,) = in_node([("toCsv", ["=a", "b", "c"], rows, [False, False, True])])
    head, *back = csv.reader(io.StringIO(text, newline=""))
    assert head == ["'=a", "b", "c"]
    expected = [[as_cell(name), "0.30000000000000004", "-inf"] for name in HOSTILE_NAMES]
    assert back == [*expected, ["", "", ""]]
