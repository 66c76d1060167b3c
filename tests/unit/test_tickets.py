"""The call that a ticket repeats, and what a ticket says of the configuration."""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

from restudy.operation.tickets import Ticket, describe_call, further_options

PROJECT = Path("/somewhere/project")


def item(path, needed=False, **more):
    job = SimpleNamespace(dag=SimpleNamespace(needrun=lambda job: needed))
    return SimpleNamespace(path=Path(path), job=job, **more)


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


def test_a_ticket_is_of_the_first_item_without_a_caption(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = [item("a.svg", caption="done"), item("b c.svg"), item("d.svg")]
    categories = {"one": {"all": records[:1]}, "two": {"all": records[1:]}}
    # As a job gets it with Snakemake's config.
    ticket = pickle.loads(pickle.dumps(Ticket("0" * 64, ["--config", "x=[1, 2]"])))
    assert json.loads(json.dumps(ticket))["digest"] == "0" * 64
    text = ticket(categories)
    assert "snakemake --cores 1 --config 'x=[1, 2]' --force 'b c.svg'" in text
    assert "``results/provenance.json`` is missing" in text and "Out of date" not in text


def test_a_ticket_says_what_the_results_were_made_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    record = tmp_path / "results/provenance.json"
    record.write_text(json.dumps({"configuration_sha256": "1" * 64}))
    categories = {"one": {"all": [item("a.svg", needed=True)]}}
    assert f"configuration ``{'1' * 12}``, as" in Ticket("1" * 64, [])(categories)
    text = Ticket("2" * 64, [])(categories)
    assert "**not with this report's**" in text
    assert "explain_jobs.py --cores 1 -- a.svg" in text
