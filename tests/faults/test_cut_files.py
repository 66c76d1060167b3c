"""What a power cut leaves: files that were cut, to nothing or to a half. The next call notices."""

import base64
import json
import re
import shutil

import pytest
from faults_form import LONG
from training_jobs import artefacts, prepare
from whole_runs import call, differing, leftovers, trained

from restudy.families.checkpoints import list_checkpoints
from restudy.families.running import train
from restudy.provenance.cut import find_cut, look_for_cut
from restudy.provenance.records import RECORDS

# What a run keeps for itself, and does not make results from.
NOTES = ("logs", "records", "benchmarks", "checkpoints")


def kinds_of_results(work) -> list[str]:
    """Return a file of each kind: of its top folder and its name, cells and studies left out."""
    kinds = {}
    for path in sorted((work / "results").rglob("*")):
        below = path.relative_to(work / "results")
        if path.is_file() and below.parts[0] not in NOTES and not path.name.startswith("."):
            kinds.setdefault((below.parts[0], len(below.parts), path.name), f"results/{below}")
    return list(kinds.values())


def cut(path, to) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * to)])


@pytest.mark.parametrize("order", [0, 1] if LONG else [0])
def test_every_kind_of_result_is_made_again(whole_study, tmp_path, order, tally):
    work = tmp_path / "cut"
    shutil.copytree(whole_study, work)
    found = kinds_of_results(work)
    assert len(found) > 40
    for number, path in enumerate(found):
        cut(work / path, 0.5 * ((number + order) % 2))
    code, told = call(work, "--dry-run")
    assert code == 0 and "Cut since they were written: results/" in told, told
    assert "Nothing to be done" not in told
    code, told = call(work)
    assert code == 0 and "Cut since they were written: results/" in told, told
    assert differing(work, whole_study) == [] and leftovers(work) == []
    # Also those that hold dates, and are in no manifest, are whole.
    assert all((work / path).stat().st_size > 0 for path in found)
    assert find_cut(work) == ([], [])
    tally("kinds of results that are cut", len(found), len(found))


NOTED = {
    "owner": ".snakemake/owner.json",
    "parts": "results/records/parts/*.json",
    "sums": "results/records/sums/**/*.sha256",
    "benchmarks": "results/benchmarks/train_dense/**/*.tsv",
    "logs": "results/logs/**/*.log",
}


@pytest.mark.parametrize("to", [0, 0.5] if LONG else [0.5])
def test_notes_that_are_cut_stop_nothing(whole_study, to, tally):
    for pattern in NOTED.values():
        paths = [path for path in whole_study.glob(pattern) if path.is_file()]
        assert paths, pattern
        for path in paths:
            cut(path, to)
    # So that those who read benchmarks and tables run.
    for name in ("benchmarks.csv", "dense_summary.csv"):
        (whole_study / "results/tables" / name).unlink()
    code, told = call(whole_study)
    assert code == 0 and "Traceback" not in told, told
    tally("kinds of notes that are cut", len(NOTED), len(NOTED))


def test_a_record_that_is_cut_is_told_of_once(whole_study, tally):
    record = next((whole_study / "results/records/train_svm").rglob("*.json"))
    cut(record, 0.5)
    code, told = call(whole_study)
    assert code == 0 and f"Damaged, and removed: {record.relative_to(whole_study)}" in told, told
    assert look_for_cut(whole_study) == ([], [])
    tally("kinds of notes that are cut", 1, 1)


def test_a_page_that_no_job_reads_is_made_again(whole_study, tally):
    page = next((whole_study / "results/tables").glob("svm_runs.html"))
    whole = page.read_bytes()
    cut(page, 0.5)
    code, told = call(whole_study)
    assert code == 0 and re.search(r"\b[1-4] jobs?, of which 0 train\.", told), told
    assert page.read_bytes() == whole
    tally("kinds of results that are cut", 1, 1)


@pytest.mark.parametrize("to", [0, 0.5] if LONG else [0.5])
def test_what_snakemake_noted_may_be_cut(whole_study, to, tally):
    (job,) = (whole_study / "results/svm").rglob("kernel~linear/c~1/seed~0")
    names = [path.relative_to(whole_study).as_posix() for path in job.iterdir()]
    keys = [base64.urlsafe_b64encode(name.encode()).decode() for name in names]
    metadata = whole_study / ".snakemake/metadata"
    for key in keys:
        cut(metadata / key, to)
    times = trained(whole_study)
    code, told = call(whole_study)
    assert code == 0 and "orrupted" not in told, told
    assert [path for path, when in trained(whole_study).items() if times[path] != when] == [
        f"{job.relative_to(whole_study)}/provenance.json"
    ]
    tally("records of Snakemake that are cut", len(keys), len(keys))


class KilledError(Exception):
    """Ends a training as a kill would."""


@pytest.mark.parametrize("to", [0, 0.5])
@pytest.mark.parametrize("damaged", [1, 2])
def test_a_checkpoint_that_is_cut_gives_way_to_the_one_before(tmp_path, to, damaged, tally):
    whole = prepare("softmax", tmp_path / "whole", lambda line: None)
    train(whole)
    run = prepare("softmax", tmp_path / "job", lambda line: None)
    checkpoint = run.checkpoint

    def checkpoint_and_die(step, state):
        checkpoint(step, state)
        if step == 30:
            raise KilledError

    run.checkpoint = checkpoint_and_die
    with pytest.raises(Exception, match="KilledError"):
        train(run)
    found = list_checkpoints(run.scratch)
    assert len(found) == 2
    for path in found[:damaged]:
        cut(path, to)
    lines = []
    again = prepare("softmax", tmp_path / "job", lines.append)
    train(again)
    told = [line for line in lines if line.startswith("warning: ")]
    assert len(told) == damaged and all(re.search("is damaged .* removed", line) for line in told)
    assert again.notes.get("continued_from") == (20 if damaged == 1 else None)
    assert artefacts(again) == artefacts(whole)
    tally("checkpoints that are cut", damaged, damaged)


def test_what_is_recorded_of_results_is_their_size(tmp_path):
    place = tmp_path / RECORDS / "plot/a.json"
    place.parent.mkdir(parents=True)
    (tmp_path / "results/events").mkdir()
    (tmp_path / "results/a.csv").write_text("12345")
    (tmp_path / "results/events/one").write_text("123")
    (tmp_path / "results/events/.snakemake_timestamp").write_text("")
    sizes = {"results/a.csv": 5, "results/events": 3, "results/gone": 7}
    place.write_text(json.dumps({"bytes": sizes}))
    assert find_cut(tmp_path) == ([], [])
    (tmp_path / "results/a.csv").write_text("123456")  # edited: whoever reads it refuses it
    assert find_cut(tmp_path) == ([], [])
    (tmp_path / "results/a.csv").write_text("1234")
    (tmp_path / "results/events/one").write_text("")
    assert find_cut(tmp_path) == (["results/a.csv", "results/events"], [])
    found, (line,) = look_for_cut(tmp_path)
    assert found == ["results/a.csv", "results/events"]
    assert line.startswith("Cut since they were written: results/a.csv, results/events. ")
    place.write_text("{")
    assert find_cut(tmp_path) == ([], ["results/records/plot/a.json"])
    assert look_for_cut(tmp_path, only_looks=True)[1] and place.exists()
    assert look_for_cut(tmp_path)[1] and not place.exists()
