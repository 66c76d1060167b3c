"""The call that a ticket repeats, and what a ticket says of the configuration."""

import html
import json
import pickle
from pathlib import Path

from docutils.core import publish_parts

from restudy.operation.tickets import Ticket, describe_call, further_options

PROJECT = Path("/somewhere/project")


def ticket(digest, options, target="a.svg", is_outdated=False):
    return Ticket(digest, options, lambda categories: (target, is_outdated), "p { margin: 0; }")


def test_a_plain_call_needs_no_options():
    assert describe_call(PROJECT, PROJECT, [], []) == []


def test_paths_of_a_call_start_from_the_project_where_they_can():
    files = [PROJECT / "config/own.yaml", Path("/elsewhere/b.yaml")]
    assert describe_call(PROJECT, PROJECT / "results/own", files, ["dense={a: 1}"]) == [
        *("--directory", "results/own"),
        *("--configfile", "config/own.yaml", "/elsewhere/b.yaml", "--config", "dense={a: 1}"),
    ]


def test_a_further_setting_stands_behind_those_of_the_call():
    assert further_options([], "b=2") == ["--config", "b=2"]
    given = ["--configfile", "own.yaml", "--config", "a=1"]
    assert further_options(given, "b=2") == [*given, "b=2"]
    assert given[-1] == "a=1"


def test_a_ticket_is_of_the_item_whose_caption_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    shared = Ticket("0" * 64, ["--config", "x=[1, 2]"], lambda all: seen.append(all) or ("b c", 0))
    text = shared({"one": {"all": []}})
    assert seen == [{"one": {"all": []}}]
    assert "snakemake --cores 1 --config 'x=[1, 2]' --force 'b c'" in text
    assert "``results/provenance.json`` is missing" in text and "Out of date" not in text


def test_a_job_gets_a_plain_dictionary_with_snakemakes_config():
    shared = ticket("0" * 64, ["--config", "x=1"])
    for travelled in (pickle.loads(pickle.dumps(shared)), json.loads(json.dumps(shared))):
        assert type(travelled) is dict
        assert travelled == {"digest": "0" * 64, "options": ["--config", "x=1"]}


def test_a_ticket_says_what_the_results_were_made_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    record = tmp_path / "results/provenance.json"
    record.write_text(json.dumps({"configuration_sha256": "1" * 64}))
    assert f"configuration ``{'1' * 12}``, as" in ticket("1" * 64, [])({})
    text = ticket("2" * 64, [], is_outdated=True)({})
    assert "**not with this report's**" in text
    assert "explain_jobs.py --cores 1 -- a.svg" in text


def test_a_ticket_is_restructured_text_that_docutils_reads_without_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = ticket("1" * 64, ["--configfile", "a b.yaml"], is_outdated=True)({})
    settings = {"report_level": 1, "halt_level": 1}  # the least of its complaints ends it
    page = publish_parts(text, writer="html", settings_overrides=settings)["body"]
    assert page.count("<pre") == 2 and "<style>p { margin: 0; }</style>" in page
    assert "--configfile 'a b.yaml' --force a.svg" in html.unescape(page)
