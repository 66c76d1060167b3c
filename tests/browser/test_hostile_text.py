"""Whatever a user writes is shown as text: nothing of it runs, in the report or in any page."""

import html
import re

import pytest
from conftest import environment
from forked_snakemake import run_snakemake
from markdown_it import MarkdownIt
from small_run import OWN, QUESTION, options


@pytest.fixture(scope="module")
def hostile(small_run):
    """The folder of a run whose every text is hostile, with its report."""
    project, work = small_run
    done = run_snakemake(
        ("--report", "report.html", *options(project, work)), project, environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return work


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_front_page_and_captions_show_the_question_as_text(page, hostile):
    page.goto((hostile / "report.html").as_uri())
    page.get_by_text("3 Data", exact=True).first.wait_for()
    assert in_one_line(QUESTION) in in_one_line(page.locator("body").inner_text())
    page.get_by_text("4 Dense networks", exact=True).first.click()
    page.get_by_text("sizes", exact=True).first.click()
    page.locator("[iconname=information-circle]").first.click()
    page.get_by_text("What is seen.").first.wait_for()
    assert in_one_line(QUESTION) in in_one_line(page.locator("body").inner_text())
    assert page.title() != "owned" and "root:x:0" not in page.content()


@pytest.mark.parametrize("name", ["overview", "study", "configuration", "dense_networks_notebook"])
def test_a_page_shows_texts_as_written(page, hostile, name):
    page.goto((hostile / f"results/report/{name}.html").as_uri())
    page.locator("h1").first.wait_for()
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    assert not page.locator("img[src=x]").count()
    if name in ("overview", "study"):
        assert in_one_line(QUESTION) in in_one_line(page.locator("body").inner_text())


def test_the_table_for_papers_shows_the_question_as_text(hostile):
    folder = hostile / "results/tables/studies"
    shown = MarkdownIt("commonmark").enable("table").render((folder / "dense_sizes.md").read_text())
    assert in_one_line(QUESTION) in html.unescape(shown) and "<script" not in shown
    latex = (folder / "dense_sizes.tex").read_text()
    assert "\\caption{Which? .. raw:: html \\textless{}script" in latex
    assert "\\$5 and \\$x\\_1\\textasciicircum{}\\$" in latex


def test_no_script_of_the_report_is_ended_by_a_text(hostile):
    report = (hostile / "report.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script\b[^>]*>(.*?)</script>", report, re.DOTALL)
    assert not any(OWN in script and "\\u003c" not in script for script in scripts)
    assert f"<script>{OWN}" not in report and html.escape(QUESTION[:6]) in report


def test_figures_have_dollars_as_written(hostile):
    # Mathematics that is none would have stopped the jobs that draw it.
    figures = list((hostile / "results/figures").rglob("*.svg"))
    assert len(figures) > 5
