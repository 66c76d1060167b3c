"""The table page holds the table exactly, escapes what it shows, and needs nothing from outside."""

import io
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, need_file

from restudy.views.html_tables import html_document, html_table
from restudy.views.number_format import number_format, write_number


def embedded(page, name):
    text = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)[1]
    return json.loads(text)


def runs(rows):
    random = np.random.default_rng(0)
    measures = {f"measure_{n}": random.random(rows) for n in range(14)}
    return pd.DataFrame({"activation": "tanh", "seed": np.arange(rows)} | measures)


TRICKY = pd.DataFrame(
    {
        "text": ['</script><script>alert("x")</script>', "a,b", 'say "yes"', "two\nlines", None],
        "number": [0.1 + 0.2, -1e-300, np.nan, np.inf, 12345678.9],
        "count": [1, 2, 3, 4, 2**53],
    }
)


@pytest.mark.parametrize("frame", [TRICKY, runs(50), runs(0)], ids=["tricky", "runs", "empty"])
def test_page_holds_every_value_exactly(frame):
    page = html_table(frame, "Runs")
    assert embedded(page, "csv") == frame.to_csv(index=False, lineterminator="\n")
    back = pd.read_csv(io.StringIO(embedded(page, "csv")), float_precision="round_trip")
    assert list(back.columns) == list(frame.columns)
    for name in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[name]):
            np.testing.assert_array_equal(back[name].to_numpy(float), frame[name].to_numpy(float))


def test_markup_in_texts_stays_text():
    page = html_table(
        TRICKY.rename(columns={"text": "<b>text</b>"}),
        "<img src=x>",
        "a < b & c",
        {"number": '"quoted" <i>'},
    )
    assert "<img" not in page and "<b>text" not in page and "<i>" not in page
    assert page.count("<script") == page.count("</script") == 6
    assert "a &lt; b &amp; c" in page


def test_page_makes_no_request_and_keeps_no_state():
    page = html_table(runs(3), "Runs")
    assert not re.search(r"https?://|\bsrc=|@import|url\(|fetch\(|XMLHttpRequest", page)
    assert "localStorage" not in page and "sessionStorage" not in page


def test_every_header_is_a_button_with_a_sort_state():
    page = html_table(runs(3), "Runs", column_help={"seed": "Replicate."})
    heads = re.findall(r"<th [^>]*>.*?</th>", page, re.S)
    assert len(heads) == 16
    assert all('aria-sort="none"' in head and "<button" in head for head in heads)
    assert [head for head in heads if 'title="Replicate."' in head and ">seed<" in head]
    assert "<dt>seed</dt><dd>Replicate.</dd>" in page


def test_numbers_are_told_from_text_and_get_sensible_digits():
    frame = pd.DataFrame(
        {
            "name": ["a", "b"],
            "flag": [True, False],
            "count": [1, 20000],
            "share": [0.5, 0.25],
            "big": [1234.5, 0.1],
            "whole": [3.0, np.nan],
            "tiny": [1e-7, 2e-9],
        }
    )
    columns = {column["name"]: column for column in embedded(html_table(frame, "t"), "columns")}
    assert [name for name, column in columns.items() if not column["number"]] == ["name", "flag"]
    forms = {name: number_format(frame[name]) for name in columns if columns[name]["number"]}
    assert forms == {
        "count": (0, False),
        "share": (2, False),
        "big": (1, False),
        "whole": (0, False),
        "tiny": (2, True),
    }
    for name, (digits, scientific) in forms.items():
        assert (columns[name]["digits"], columns[name]["scientific"]) == (digits, scientific)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.337012345, 0.9], ["0.3370", "0.9000"]),
        ([1234.56, -0.1], ["1,234.56", "−0.10"]),
        ([0.003816123, 0.001], ["0.003816", "0.001000"]),
        ([3.0, 12000.0], ["3", "12,000"]),
        ([-3e-9, 0.0, 0.25], ["−3.00e−9", "0", "2.50e−1"]),
        ([1e16, 2.0], ["1.00e16", "2.00e0"]),
        ([0.03, 0.1], ["0.03", "0.10"]),
        ([0.0], ["0"]),
    ],
)
def test_numbers_of_a_column_have_the_same_digits(values, texts):
    assert [write_number(value, number_format(values)) for value in values] == texts
    module = (ROOT / "web/src/shared/format.js").as_uri()
    program = f"""
    import {{ columnFormat }} from "{module}";
    const values = {values};
    console.log(JSON.stringify(values.map(columnFormat(values))));
    """
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    command = ["node", "--no-warnings", "--input-type=module", "-e", program]
    assert json.loads(subprocess.check_output(command)) == texts


def test_three_thousand_rows_stay_under_the_limit_of_the_report():
    assert len(html_table(runs(3000), "Runs").encode()) * 4 / 3 < 1_400_000


def test_same_table_same_bytes():
    assert html_table(TRICKY, "t") == html_table(TRICKY, "t")


def test_document_marks_keys_and_comments_and_escapes():
    page = html_document(
        "Config & more",
        {
            "config": 'seeds: 10  # how many\nurl: "a#b"\n- <x>\n\n# alone',
            "provenance": {"git": "abc", "libraries": {"numpy": "2"}, "none": None, "a": [1, "<"]},
        },
    )
    assert "<b>seeds:</b> 10" in page and "<i> # how many</i>" in page
    assert "a#b" in page and "<i># alone</i>" in page
    assert "&lt;x&gt;" in page and "<x>" not in page and "1, &lt;" in page
    assert "<dt>numpy</dt><dd>2</dd>" in page and "<dt>none</dt><dd>–</dd>" in page
    assert "Config &amp; more" in page
    assert not re.search(r"https?://|\bsrc=|@import", page)


def test_table_too_long_for_a_page_shows_even_rows_and_says_where_all_are():
    frame = runs(40_000)
    page = html_table(frame, "Runs", source="results/tables/runs.csv")
    assert len(page.encode()) < 1_390_000
    shown = embedded(page, "csv").splitlines()[1:]
    lines = frame.to_csv(index=False).splitlines()[1:]
    places = [lines.index(line) for line in (shown[0], shown[1], shown[-1])]
    assert (places[0], places[-1]) == (0, 39_999)
    assert abs(places[1] - 40_000 / len(shown)) < 2
    assert "40,000 rows are more than" in page and f"{len(shown):,} of them" in page
    assert "results/tables/runs.csv" in page


def test_document_keeps_the_text_of_a_configuration():
    source = "a:\n  - b: 1   # c\n    d: 'e: f'\nlist: [1, 2]"
    page = html_document("t", {"s": source})
    shown = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.S)[1]
    plain = re.sub(r"</?[bi]>", "", shown).replace("&#39;", "'")
    assert plain == source
