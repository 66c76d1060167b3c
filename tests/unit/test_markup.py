"""Whatever a user writes is text in the report: nothing in it is markup, runs or reads a file."""

import pytest
from docutils.core import publish_parts

from restudy.analysis.markup import escape_markup

HOSTILE = [
    ".. raw:: html\n\n   <b>bold</b>",
    "Which?\n\n.. include:: /etc/passwd",
    "Is `this`_ or |that| *right*, or **wrong**? ``literal`` http://example.org",
    "- one\n- two",
    "1. one\n2. two",
    "#. one",
    "Title\n=====",
    ":field: value",
    "a::\n\n  block",
    "<script>alert(1)</script> & </script>",
    "{{ 7 * 7 }} {% raw %}",
    "ends in a backslash \\",
    "_underscore_ trailing_ __anonymous__",
    "[1]_ [#]_ .. [1] note",
    ">>> doctest()",
    "+---+\n| a |\n+---+",
    "line\u2028separator\tand\x00NUL",
    "$x_1$ and 50% of “quotes”, ‘these’, 多少",
    "A. letter",
    "\\alpha",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("frame", ["{}", "**What.** {} The end.", "* - {}\n  - x", "**{}** x"])
def test_text_is_shown_as_written_in_one_line(text, frame):
    shown = " ".join("".join(" " if c in "\x00\u2028" else c for c in text).split())
    parts = publish_parts(
        frame.format(escape_markup(text)),
        writer="html5",
        settings_overrides={"report_level": 1, "halt_level": 1, "smart_quotes": False},
    )
    body = parts["body"]
    assert "system-message" not in body and "<script" not in body
    plain = body
    for tag in ("p", "strong", "li", "ul", "div", "main"):
        plain = plain.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    for mark, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(mark, character)
    assert shown in plain


def test_texts_are_found_wherever_they_are_values():
    value = {"a": ["*x*", 1, None, {"b": "c_"}], "_key_": True}
    assert escape_markup(value) == {"a": ["\\*x\\*", 1, None, {"b": "c\\_"}], "_key_": True}
