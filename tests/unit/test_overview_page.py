"""The front page states the configuration that ran, and nothing that it lacks."""

import re

import pandas as pd

from restudy.views.overview_page import overview_page

BEST = {"common": "", "levels": [{"level": "a < b", "figure": "0.5000 (0.4000 to 0.6000)"}]}
FAMILY = {
    "title": "Forests & trees",
    "columns": ["Lowest loss"],
    "studies": {"s": {"question": "Which <tree>?", "best": [BEST]}},
    "cells_trained": 1,
    "runs": 1200,
    "diverged": 0,
}
RECORD = {
    "configuration": {"datasets": {"fruit": {"kind": "csv"}}},
    "environment": {"processor": "P", "python": "3.11.7", "revision": "abc"},
}
FINDINGS = {"families": {"trees": FAMILY}, "training_cpu_seconds": 75.0}
PAGES = [{"title": "Studies", "href": "study.html", "place": "in the menu"}]
CLAIMS = pd.DataFrame(
    {
        "claim": ["one", "one", "two"],
        "statement": ["It is so.", "It is so.", "It is <b>."],
        "source": ["", "", ""],
        "protocol": ["p", "q", "p"],
        "verdict": ["reproduced", "smaller", "undecided"],
        "basis": ["seeds", "seeds", "stated spread"],
    }
)


def page(claims=None, title="", **changes):
    """The page, and its text."""
    html = overview_page(title, FINDINGS | changes, claims, [], PAGES, RECORD)
    body = html.partition("<body")[2]
    return html, " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", body, flags=re.S).split())


def test_it_states_what_ran_and_no_other_study():
    html, text = page()
    assert "Studies of forests &amp; trees" in html and "Forests &amp; trees, on fruit." in text
    assert "1 cell, 1,200 runs, none diverged" in text
    assert "Training 1 min 15 s of processor time" in text
    assert "Where P, Python 3.11.7, revision abc" in text
    assert "Which &lt;tree&gt;?" in text and "a &lt; b 0.5000 (0.4000 to 0.6000)" in text
    assert '<th scope="col">Among</th>' not in html, "nothing to tell apart"
    for absent in ("moons", "MNIST", "source", "Verdicts", "In pictures", "TensorBoard"):
        assert absent not in text
    assert "<h1>My &lt;study&gt;</h1>" in page(title="My <study>")[0]


def test_verdicts_link_to_their_evidence_and_name_a_source_where_there_is_one():
    html, text = page(CLAIMS)
    assert "2 claims, 3 verdicts: 1 reproduced, 1 smaller than claimed, 1 undecided" in text
    assert html.count('href="verdicts.html#one"') == 1 and "It is &lt;b&gt;." in html
    assert "smaller than claimed" in text and "the source claims" not in text
    assert "? undecided one run, spread stated" in text
    decided = CLAIMS.assign(basis="stated spread").head(1)
    assert "○ reproduced one run, spread stated" in page(decided)[1]
    _, text = page(CLAIMS.assign(source="A course"))
    assert "What is true of what the source claims" in text
