"""Results of a whole run from Python: all of it in a fresh process, and the same without tables."""

import shutil

import numpy as np
from conftest import printed_by
from pandas.testing import assert_frame_equal

from restudy import open_results

TABLES = ("runs", "history", "layers", "summary")


def test_everything_is_read_without_what_trained_it(smoke):
    program = f"""
import sys
from restudy import open_results
r = open_results({str(smoke.folder)!r})
r.claims, r.manifest, [r.table(name) for name in r.tables]
for family in r.families:
    for study in (None, *r.studies(family)):
        r.runs(family, study=study), r.summary(family, study=study)
        r.history(family, study=study), r.layers(family, study=study)
    for cell in r.cells(family):
        cell.weights(), cell.settings, cell.records, cell.history, cell.layers
x = r.points("moons")[["x1", "x2"]]
[cell.predict(x) for cell in r.cells("dense")]
print(*(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "snakemake", "keras")))
"""
    assert printed_by(program) == ""


def test_tables_made_of_what_the_cells_left_are_those_of_the_run(smoke, tmp_path):
    whole = open_results(smoke.folder / "results")
    copy = shutil.ignore_patterns("tables", "figures", "report", "events", "logs", "checkpoints")
    shutil.copytree(smoke.folder / "results", tmp_path / "results", ignore=copy)
    part = open_results(tmp_path)
    assert part.families == whole.families == ["dense", "conv"]
    for family in part.families:
        for table in TABLES:
            assert_frame_equal(getattr(part, table)(family), getattr(whole, table)(family))


def test_predictions_have_the_accuracy_that_training_measured(smoke):
    r = open_results(smoke.folder)
    for dataset in ("moons", "blobs"):
        points = r.points(dataset)
        heldout = points[points["part"] == "heldout"]
        for cell in r.cells("dense", dataset=dataset):
            right = cell.predict(heldout[["x1", "x2"]]) == heldout["label"].to_numpy()
            runs = cell.runs.set_index("seed")["heldout_accuracy"]
            np.testing.assert_array_equal(right.mean(axis=1), runs[cell.finished])


def test_a_promoted_cell_is_read_by_its_slot(smoke):
    r = open_results(smoke.folder)
    (promoted, *_) = sorted(smoke.folder.glob("results/dense/halving/*/rung~2/slot~1"))
    cell = r.cell(promoted)
    assert cell.runs["passes"].unique().tolist() == [cell.settings["protocol"]["passes"]]
    assert cell.settings["protocol"]["passes"] > r.cell("dense").settings["protocol"]["passes"]
