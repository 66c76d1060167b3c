"""Results from Python: tables, weights and predictions of whole runs, of parts, and elsewhere."""

import json
import pickle
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, printed_by
from pandas.testing import assert_frame_equal
from results_folder import RATE, write_job, write_results

from restudy import open_results
from restudy.analysis.matching import NoRowError
from restudy.data.tables import read_table
from restudy.families.registry import FAMILIES
from restudy.plan.studies import Job
from restudy.reading.files import ResultsError
from restudy.reading.storage import StorageError
from restudy.study.addresses import NoCellError
from restudy.study.config import cell_settings

DENSE = FAMILIES["dense"]
PLANES = ROOT / "tests/data/split_planes.py"
SLOT = "dense/halving/rates/rung~2/slot~1"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run: the folder of its results, and its plan."""
    folder = tmp_path_factory.mktemp("run") / "results"
    plan = write_results(folder, PLANES)
    cell = plan.cells(DENSE, "rates")[1]
    promoted = replace(
        cell, pairs=tuple({**cell.row, "protocol": "corrected+passes=40"}.items()), settings=None
    )
    settings = cell_settings(plan.config, DENSE, promoted)
    job = Job(replace(promoted, settings=settings), "", tuple(range(4)))
    write_job(folder, DENSE, job, f"results/{SLOT}")
    return folder, plan


@pytest.fixture(scope="module")
def r(run):
    return open_results(run[0])


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the results that a test may damage."""
    return Path(shutil.copytree(run[0], tmp_path / "results"))


def written(run, name):
    return read_table(run[0] / "tables" / name)


def path_of(cell):
    return cell.folder.removeprefix("results/")


def said(call, fault=ResultsError):
    """The message of a fault; no line of it is long, and none says how Python got there."""
    with pytest.raises(fault) as caught:
        call()
    assert str(caught.value)
    return str(caught.value)


def test_nothing_is_loaded_before_it_is_needed():
    program = "import sys, restudy; print(*sys.modules)"
    assert not {"numpy", "pandas", "restudy.results"} & set(printed_by(program).split())


@pytest.mark.parametrize("document", ["README.md", "docs/results.md"])
def test_example_of_the_documents_runs(run, document, monkeypatch):
    part = (ROOT / document).read_text().partition("Results from Python\n")[2]
    example = re.search(r"```python\n(.*?)```", part, re.S)[1]
    monkeypatch.chdir(run[0].parent)
    summary, right, shape = printed_by(example).split("\n\n")
    table = written(run, "dense_summary.csv").query("hidden_size == 50")
    assert f"{table['heldout_accuracy_mean'].item():.6f}" in summary
    runs = written(run, "dense_runs.csv").query("hidden_size == 50")
    assert [float(each) for each in right.strip("[]").split()] == pytest.approx(
        runs["heldout_accuracy"].tolist(), abs=1e-6
    )
    assert shape == "(50, 3)"


DOCUMENT = (ROOT / "docs/results.md").read_text()


@pytest.mark.parametrize("line", re.findall(r"^r\..*\)$", DOCUMENT, re.M))
def test_line_of_the_document_selects_rows(r, line):
    assert len(eval(line, {"r": r})) > 0


def test_document_names_all_that_can_be_asked_for(r):
    for prefix, kind in (("r", r), ("cell", r.cell("dense"))):
        public = {name for name in [*dir(kind)] if not name.startswith("_")} - {"files", "has_runs"}
        assert {name for name in public if f"`{prefix}.{name}" not in DOCUMENT} == set()


@pytest.mark.parametrize("kind", ["runs", "history", "layers", "summary"])
def test_a_table_is_the_one_that_the_run_wrote(run, r, kind):
    ending = "csv" if kind in ("runs", "summary") else "parquet"
    assert_frame_equal(getattr(r, kind)("dense"), written(run, f"dense_{kind}.{ending}"))


def test_columns_have_the_types_of_what_they_hold(r):
    types = r.runs("dense").dtypes
    text = ("dataset", "protocol", "activation", "initializer", "optimizer", "diverged_by")
    assert all(types[name] == "str" for name in text)
    assert all(types[name] == "Int64" for name in ("diverged_at", "stopped_at", "best_at"))
    assert all(types[name] == "int64" for name in ("hidden_size", "depth", "seed", "passes"))
    assert types["train_loss"] == types[RATE] == "float64"
    assert r.history("dense").dtypes["activation"] == "str"


@pytest.mark.parametrize("kind", ["runs", "history", "layers", "summary"])
def test_a_study_has_the_rows_of_its_cells_in_its_order(run, r, kind):
    _, plan = run
    for study in plan.studies(DENSE):
        rows = getattr(r, kind)("dense", study=study)
        found = rows[list(DENSE.axis_names)].drop_duplicates().to_dict("records")
        assert found == [cell.row for cell in plan.cells(DENSE, study)]
    assert list(r.studies("dense")) == list(plan.studies(DENSE))
    assert r.studies("dense")["hidden_sizes"]["vary"] == {"hidden_size": [50, 3]}


@pytest.mark.parametrize("given", [50, 50.0, "50", "5e1", np.int64(50), np.float32(50), [50], {50}])
def test_a_number_selects_however_it_is_written(r, given):
    rows = r.runs("dense", hidden_size=given)
    assert rows["hidden_size"].tolist() == [50] * 4
    assert len(r.cells("dense", hidden_size=given)) == 1


def test_filters_take_one_value_or_several_of_every_column_that_tells_rows_apart(r):
    runs = r.runs("dense")
    some = r.runs("dense", activation=["tanh", "relu"], seed=range(2), hidden_size=(3, 50))
    expected = runs[(runs["seed"] < 2) & (runs["hidden_size"] != 4)]
    assert_frame_equal(some, expected.reset_index(drop=True))
    assert set(r.runs("dense", **{RATE: 0.1})["optimizer"]) == {
        "gd+learning_rate=0.1",
        "adam+learning_rate=0.1",
    }
    assert set(r.history("dense", **{"pass": 10})["pass"]) == {10}
    assert set(r.layers("dense", layer=2, seed=np.array([1, 3]))["seed"]) == {1, 3}
    assert r.runs("dense", activation="relu", hidden_size=50).empty, "no cell has both"
    assert len(r.runs("dense", diverged_at=None)) == len(runs) - 4
    assert len(r.runs("planes", **{"dataset.noise": 0.4})) == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: r.runs("dens"), "family: got 'dens' (did you mean 'dense'?); found in"),
        (lambda r: r.runs("conv"), "family: got 'conv'; found in"),
        (lambda r: r.studies("denses"), "(did you mean 'dense'?)"),
        (
            lambda r: r.runs("dense", study="hidden_size"),
            "study: got 'hidden_size' (did you mean 'hidden_sizes'",
        ),
        (
            lambda r: r.runs("dense", study="hidden_size"),
            "studies of dense: hidden_sizes, kinds, rates",
        ),
        (
            lambda r: r.runs("dense", activatoin="tanh"),
            "got 'activatoin' (did you mean 'activation",
        ),
        (lambda r: r.runs("dense", train_loss=1), "got 'train_loss'"),
        (
            lambda r: r.runs("dense", activation="Relu"),
            "got 'Relu' (did you mean 'relu'?); found: ",
        ),
        (
            lambda r: r.runs("dense", activation="gelu"),
            "activation: got 'gelu' (did you mean 'relu'?); found: ",
        ),
        (lambda r: r.runs("dense", hidden_size=[3, 5]), "hidden_size: got 5; found: 3, 4, 50"),
        (lambda r: r.runs("dense", hidden_size="three"), "hidden_size: got 'three'; found: "),
        (lambda r: r.runs("dense", hidden_size=True), "hidden_size: got True; found: "),
        (lambda r: r.runs("dense", hidden_size=[]), "hidden_size: got no value; found: "),
        (lambda r: r.runs("dense", seed=4), "seed: got 4; found: seeds 0 to 3"),
        (lambda r: r.summary("dense", seed=1), "got 'seed'"),
        (
            lambda r: r.layers("planes"),
            "no cell has a layers.parquet; found: provenance.json, runs",
        ),
        (lambda r: r.table("dense_run"), "(did you mean 'dense_runs'?); found in"),
        (lambda r: r.claims, "table: got 'claims'; found in"),
        (lambda r: r.manifest, "manifest.json: the run has not ended"),
        (lambda r: r.points("moon"), "got 'moon' (did you mean 'moons'?); sets of points in"),
        (lambda r: r.cell("dense", depht=2), "got 'depht' (did you mean 'depth'?)"),
        (lambda r: r.cell("dense", depth=9), "depth: got 9; found: 1, 2, 3"),
        (
            lambda r: r.cell("dense", depth=2, activation="relu"),
            "depth 2, activation relu; nearest",
        ),
        (lambda r: r.cell("dense", hidden_size=4), "2 cells have hidden_size 4, and none has"),
        (lambda r: r.cell("dense", hidden_size=4), "/hidden_size~4/depth~3/"),
        (lambda r: r.cell("planes", study="x"), "got 'study'"),
        (lambda r: r.cell("dense/dataset~moons"), "got values of dataset; a dense cell has one of"),
        (lambda r: r.cell("dense/nothing"), "not a path of a cell, such as results/dense/dataset~"),
        (lambda r: r.cell("dense/halving/rates/rung~9/slot~1"), "no cell has results there"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(r, call, words):
    assert words in said(lambda: call(r), ValueError)


def test_any_table_can_be_had_by_its_name(run, r):
    assert r.tables == [
        *("dense_history", "dense_layers", "dense_runs", "dense_summary"),
        *("planes_runs", "planes_summary"),
    ]
    for name in ("dense_summary", "dense_summary.csv"):
        assert_frame_equal(r.table(name), written(run, "dense_summary.csv"))
    assert "got 'dense_summary.parquet'" in said(lambda: r.table("dense_summary.parquet"))
    assert r.provenance["configuration"] == r.configuration == run[1].config
    assert r.families == ["dense", "planes"]
    assert len(r.description("moons")["features"]) == 2


def test_without_tables_the_rows_are_those_of_the_cells(r, copied):
    shutil.rmtree(copied / "tables")
    part = open_results(copied)
    for kind in ("runs", "history", "layers", "summary"):
        for study in (None, "rates", "hidden_sizes"):
            whole, found = (getattr(each, kind)("dense", study=study) for each in (r, part))
            assert_frame_equal(found, whole)
    assert_frame_equal(part.runs("planes"), r.runs("planes"))
    assert repr(part.cell("dense", **{RATE: 0.1, "optimizer": "adam+learning_rate=0.1"})) in map(
        repr, r.cells("dense", study="rates")
    )


def test_half_a_run_has_what_is_there(run, copied):
    _, plan = run
    shutil.rmtree(copied / "tables")
    for cell in [*plan.cells(DENSE, "hidden_sizes"), *plan.cells(DENSE, "kinds")[:1]]:
        shutil.rmtree(copied / path_of(cell), ignore_errors=True)
    part = open_results(copied)
    assert "no cell of the study hidden_sizes has results" in said(
        lambda: part.runs("dense", study="hidden_sizes")
    )
    found = part.summary("dense", study="kinds")
    assert len(found) == 2 and found["n"].tolist() == [4, 4]
    message = said(lambda: part.cell(path_of(plan.cells(DENSE, "hidden_sizes")[0])), NoCellError)
    assert "no results of such a cell; nearest: results/dense/dataset~moons" in message


def test_a_cell_alone_is_enough(run, tmp_path):
    folder, plan = run
    cell = plan.cells(DENSE, "kinds")[0]
    shutil.copytree(folder / path_of(cell), tmp_path / "results" / path_of(cell))
    part = open_results(tmp_path)
    whole = open_results(folder)
    for kind in ("runs", "history", "layers"):
        expected = getattr(whole.cell(path_of(cell)), kind)
        assert_frame_equal(getattr(part, kind)("dense"), expected)
        assert_frame_equal(getattr(part.cell("dense"), kind), expected)
    assert part.cell("dense").settings == whole.cell(path_of(cell)).settings
    assert part.summary("dense")["n"].tolist() == [4]
    assert "provenance.json: the run, or this part of it" in said(lambda: part.studies("dense"))
    # Without a baseline only what is unique is found.
    other = plan.cells(DENSE, "kinds")[1]
    shutil.copytree(folder / path_of(other), tmp_path / "results" / path_of(other))
    both = open_results(tmp_path)
    assert "2 cells have results, and no configuration" in said(
        lambda: both.cell("dense"), NoCellError
    )
    assert both.cell("dense", activation="tanh").values == other


def test_a_cell_that_only_tables_have_has_its_rows(run, r, copied):
    cell = run[1].cells(DENSE, "hidden_sizes")[0]
    shutil.rmtree(copied / path_of(cell))
    found = open_results(copied).cell(path_of(cell))
    expected = r.history("dense", hidden_size=50)
    assert_frame_equal(found.history, expected)
    assert found.seeds == [0, 1, 2, 3]
    for call in (found.weights, lambda: found.settings, lambda: found.arrays("snapshots.npz")):
        assert "has no " in said(call, NoCellError)


def test_a_cell_is_found_by_keywords_around_the_baseline(run, r):
    _, plan = run
    baseline = plan.baseline(DENSE)
    assert r.cell("dense").values == baseline
    assert dict(r.cell("dense", hidden_size="50").values) == {**baseline, "hidden_size": 50}
    assert dict(r.cell("dense", activation="relu").values) == {**baseline, "activation": "relu"}
    # The only one with this depth, though it has other units than the baseline.
    assert r.cell("dense", depth=2).values["hidden_size"] == 4
    assert r.cell("dense", **{RATE: 0.1}).values["optimizer"] == "gd+learning_rate=0.1"
    assert r.cell("dense", optimizer="adam+learning_rate=0.1").settings["optimizer"][
        "learning_rate"
    ] == pytest.approx(0.1)
    row = r.summary("dense", study="depths").iloc[1][list(DENSE.axis_names)]
    assert r.cell("dense", **row).values["depth"] == 3
    assert len(r.cells("dense")) == len(plan.cells(DENSE))
    assert [cell.values["depth"] for cell in r.cells("dense", study="depths")] == [2, 3]


def test_a_cell_is_found_by_its_path(run, r, monkeypatch, tmp_path):
    folder, plan = run
    cell = plan.cells(DENSE, "rates")[1]
    below, path = path_of(cell), cell.folder
    monkeypatch.chdir(folder.parent)
    for given in (
        *(below, path, f"{path}/", f"./{path}", f"{path}/runs.csv", folder.parent / path),
        *(Path(path), f"{folder}/{below}", f"../{folder.parent.name}/{path}"),
    ):
        found = r.cell(given)
        assert found.values == cell
        assert found.path == str(folder / below)
    monkeypatch.chdir(tmp_path)
    assert r.cell(path).runs["optimizer"].unique() == ["gd+learning_rate=0.1"]
    message = said(lambda: r.cell(f"/elsewhere/{path}"), NoCellError)
    assert message.endswith(f"is not in these results, which are in {folder}")
    assert "got also seed" in said(lambda: r.cell(path, seed=3), NoCellError)
    message = said(lambda: r.cell(path.replace("hidden_size~3", "hidden_size~x")), NoCellError)
    assert message.endswith("hidden_size: got 'x', allowed: a number")


def test_a_cell_that_was_asked_for_by_itself_is_found_too(run, copied):
    cell = run[1].cells(DENSE, "rates")[1]
    runs = written(run, "dense_runs.csv")
    short = runs[runs["optimizer"] != cell["optimizer"]]
    short.to_csv(copied / "tables/dense_runs.csv", index=False)
    shutil.rmtree(copied / "records")
    part = open_results(copied)
    assert cell["optimizer"] not in set(part.runs("dense")["optimizer"])
    assert part.cell("dense", optimizer=cell["optimizer"]).values == cell
    assert part.cell("dense", **{RATE: 0.1, "optimizer": cell["optimizer"]}).seeds == [0, 1, 2, 3]


def test_a_promoted_cell_is_found_by_its_slot(run, r):
    found = r.cell(f"results/{SLOT}")
    assert found.values["protocol"] == "corrected+passes=40"
    assert found.settings["protocol"]["passes"] == 40
    assert found.runs["passes"].tolist() == [40] * 4
    assert found.path == str(run[0] / SLOT)
    assert r.cell(f"{SLOT}/runs.csv").values == found.values
    assert len(found.weights()["layer1"]) == 4


def test_weights_and_predictions_are_those_of_the_runs(run, r):
    points = r.points("moons")
    heldout = points[points["part"] == "heldout"]
    x, label = heldout[["x1", "x2"]], heldout["label"].to_numpy()
    for cell in r.cells("dense", optimizer=["gd", "adam+learning_rate=0.1"]):
        with np.load(f"{cell.path}/weights.npz") as file:
            stored = dict(file)
        weights = cell.weights()
        assert weights.keys() == stored.keys()
        classes = cell.predict(x)
        assert classes.shape == (4, 30)
        for place, seed in enumerate(cell.seeds):
            for name, values in cell.weights(seed=seed).items():
                np.testing.assert_array_equal(values, stored[name][place])
                np.testing.assert_array_equal(values, weights[name][place])
            one = cell.predict(x.to_numpy().tolist(), seed=float(seed))
            np.testing.assert_array_equal(one, classes[place])
            # What training itself measured on these points.
            assert (one == label).mean() == cell.runs["heldout_accuracy"][place]


def test_a_seed_or_file_that_is_not_there_is_refused(r):
    cell = r.cell("dense")
    for call in (lambda: cell.weights(seed=9), lambda: cell.predict([[0, 0]], seed=9)):
        assert said(call, NoRowError) == "seed: got 9; found: seeds 0 to 3"
    message = said(lambda: cell.weights(seed=[1, 2]), NoRowError)
    assert message == "seed: got [1, 2]; allowed: a single one"
    assert cell.table("history.parquet", seed="1")["seed"].unique().tolist() == [1]
    message = said(lambda: cell.table("histories.parquet"), NoCellError)
    assert "has no histories.parquet (did you mean 'history.parquet'?); found: history" in message
    assert "is of all seeds" in said(lambda: cell.arrays("snapshots.npz", seed=1), NoCellError)
    assert set(cell.arrays("snapshots.npz")) >= {"passes", "seeds", "layer1"}
    with pytest.raises(ValueError, match=r"x: got shape \(1, 3\), allowed: \(N, 2\)"):
        cell.predict([[1, 2, 3]])


def test_runs_that_diverged_are_not_asked(r):
    cell = r.cell("dense", optimizer="huge")
    assert cell.finished == [] and len(cell.seeds) == 4
    assert cell.runs["diverged_at"].notna().all()
    assert "all runs diverged; finished: none" in said(lambda: cell.predict([[0, 0]]))
    assert "the run of seed 1 diverged" in said(lambda: cell.predict([[0, 0]], seed=1))


def test_records_say_what_a_cell_was_made_of(run, r):
    cell = r.cell("dense", hidden_size=50)
    expected = json.loads((Path(cell.path) / "provenance.json").read_text())
    assert cell.provenance == expected and cell.settings == expected["settings"]
    assert cell.records == dict.fromkeys(range(4), expected)
    assert cell.settings["cell"] == dict(cell.values) and cell.family == "dense"
    planes = r.cell("planes")
    assert list(planes.records) == [0, 1, 2] and planes.provenance == planes.records[0]


def test_a_family_without_its_file_is_read_as_far_as_that_goes(run, r):
    runs = r.runs("planes")
    assert set(runs["mark"]) == {"nan", "na", "null"} and runs["mark"].dtype == "str"
    assert runs["weight"].dtype == "float64" and runs["seed"].dtype == "int64"
    assert set(r.summary("planes")["mark"]) == {"nan", "na", "null"}
    assert set(r.table("planes_summary")["mark"]) == {"nan", "na", "null"}
    assert len(r.runs("planes", study="weights", weight="10")) == 3
    cell = r.cell("planes", mark="null")
    assert cell.path.endswith("mark~null/weight~1")
    assert cell.weights(seed=2)["normal"].shape == (2,)
    assert r.cell("planes/dataset~moons/protocol~plain/mark~nan/weight~0.5").seeds == [0, 1, 2]
    for call, what in (
        (lambda: cell.predict([[0, 0]]), "planes: predicting needs the facts in the family's own"),
        (lambda: r.runs("planes", study="more"), "planes: the study more, which varies settings,"),
    ):
        message = said(call)
        assert message.startswith(what)
        assert message.endswith("name it, as in open_results(…, families=['mine/split_planes.py'])")
    assert "planes" not in FAMILIES


def test_names_stay_text_without_record_or_configuration(copied):
    (copied / "provenance.json").unlink()
    for record in copied.rglob("planes/**/provenance.json"):
        record.unlink()
    found = open_results(copied)
    assert set(found.runs("planes", weight=1)["mark"]) == {"nan", "na", "null"}
    assert len(found.cells("planes")) == 7


def test_a_family_with_its_file_has_everything(run, r):
    folder, _ = run
    for files in (PLANES, str(PLANES), [PLANES]):
        full = open_results(folder, families=files)
    assert_frame_equal(full.runs("planes"), r.runs("planes"))
    assert full.runs("planes", study="more")["dataset"].nunique() == 2
    cell = full.cell("planes", mark="null")
    assert cell.weights()["normal"].shape == (3, 2)
    np.testing.assert_array_equal(
        cell.arrays("weights.npz", seed=1)["normal"], cell.weights()["normal"][1]
    )
    assert "say which seed; found: seeds 0 to 2" in said(
        lambda: cell.arrays("weights.npz"), NoCellError
    )
    assert cell.table("runs.csv", seed=2)["seed"].tolist() == [2]
    points = full.points("moons")
    heldout = points[points["part"] == "heldout"]
    right = cell.predict(heldout[["x1", "x2"]]) == heldout["label"].to_numpy()
    assert right.mean(axis=1).tolist() == cell.runs["heldout_accuracy"].tolist()
    assert "planes" not in FAMILIES, "opening results changes nothing for others"


def test_a_family_whose_library_is_missing_says_which(run, tmp_path):
    text = PLANES.read_text().replace(
        '"""Return the side of each point, shape (R, N)."""', "import no_such_library"
    )
    (tmp_path / "planes.py").write_text(text)
    cell = open_results(run[0], families=[tmp_path / "planes.py"]).cell("planes")
    message = said(lambda: cell.predict([[0, 0]]))
    assert message == "planes: predicting needs no_such_library, which can't be imported here"
    (tmp_path / "none.py").write_text(PLANES.read_text().replace('predict="predict",', ""))
    cell = open_results(run[0], families=[tmp_path / "none.py"]).cell("planes")
    assert "planes: can't predict here, since its facts name no function" in said(
        lambda: cell.predict([[0, 0]])
    )


def test_results_are_found_whatever_they_are_called(run, copied, monkeypatch):
    expected = open_results(run[0]).runs("dense")
    named = copied.rename(copied.parent / "renamed [1]")
    monkeypatch.chdir(copied.parent)
    for given in (
        named,
        str(named),
        f"{named}/",
        "renamed [1]",
        "./renamed [1]/",
        Path(named.name),
    ):
        assert_frame_equal(open_results(given).runs("dense"), expected)
    opened = open_results("renamed [1]")
    named.rename(copied)
    assert_frame_equal(open_results(".").runs("dense"), expected)
    assert_frame_equal(open_results().runs("dense"), expected)
    copied.rename(named)
    monkeypatch.chdir("/")
    assert_frame_equal(opened.runs("dense"), expected)
    assert opened.cell("renamed [1]/" + path_of(opened.cell("dense").values)).seeds == [0, 1, 2, 3]


def test_a_folder_without_results_is_refused(run, tmp_path):
    assert "there is no such folder, or nothing in it" in said(
        lambda: open_results(tmp_path / "no")
    )
    (tmp_path / "empty").mkdir()
    assert "there is no such folder, or nothing in it" in said(
        lambda: open_results(tmp_path / "empty")
    )
    (tmp_path / "file").write_text("")
    assert "there is no such folder" in said(lambda: open_results(tmp_path / "file"))
    (tmp_path / "empty/file").write_text("")
    assert "there are no results in it, nor in its folder results" in said(
        lambda: open_results(tmp_path / "empty")
    )
    shutil.copytree(run[0], tmp_path / "smoke/results")
    message = said(lambda: open_results(tmp_path))
    assert message.endswith(f"; there are in {tmp_path / 'smoke'}")
    cell = run[1].cells(DENSE)[0]
    assert "it lies in results: open those" in said(lambda: open_results(run[0] / path_of(cell)))
    assert "it lies in results: open those" in said(lambda: open_results(run[0] / "dense"))
    assert said(lambda: open_results(run[0], storage_options={"key": 1})).startswith(
        "storage_options"
    )


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("noted", [True, False])
def test_a_damaged_file_is_named(run, copied, noted):
    own = copied / path_of(run[1].cells(DENSE, "hidden_sizes")[1])
    if not noted:
        shutil.rmtree(copied / "records")
        (own / "provenance.json").unlink()
    r, cell = open_results(copied), open_results(copied).cell("dense")
    for file, call in (
        ("tables/dense_history.parquet", lambda: r.history("dense")),
        ((own / "history.parquet").relative_to(copied), lambda: cell.history),
        ((own / "weights.npz").relative_to(copied), lambda: cell.weights(seed=1)),
    ):
        cut(copied / file)
        assert said(call).startswith(f"{copied / file}: {'is not what' if noted else 'can'}")
    # A table that was cut at the end of a line looks whole.
    runs = copied / "tables/dense_runs.csv"
    runs.write_bytes(b"".join(runs.read_bytes().splitlines(True)[:-1]))
    if noted:
        assert "is not what its job wrote there" in said(lambda: r.runs("dense"))
        return
    runs.write_text("dataset,seed\nmoons,1\n")
    assert "dense_runs.csv: lacks the columns protocol, activation" in said(lambda: r.runs("dense"))
    runs.write_text("")
    assert "dense_runs.csv: can't be read: No columns" in said(lambda: r.runs("dense"))
    (copied / "provenance.json").write_text('{"configuration":')
    assert "provenance.json: can't be read" in said(lambda: r.studies("dense"))


def test_a_configuration_of_other_facts_is_refused(copied):
    record = json.loads((copied / "provenance.json").read_text())
    del record["configuration"]["dense"]["baseline"]["depth"]
    (copied / "provenance.json").write_text(json.dumps(record))
    message = said(lambda: open_results(copied).runs("dense", study="hidden_sizes"))
    assert "does not go with the facts of dense that are known here:\ndense.baseline" in message


def test_neither_tensorflow_nor_snakemake_is_loaded(run):
    program = f"""
import sys
from restudy import open_results
r = open_results({str(run[0])!r})
for family in r.families:
    r.runs(family), r.summary(family), r.cell(family).weights(), r.cell(family).settings
r.history("dense", study="rates"), r.layers("dense"), r.points("moons")
r.cell("dense").predict([[0.0, 0.0]])
print(*(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "snakemake", "keras")))
"""
    assert printed_by(program) == ""


def test_an_address_needs_a_package_that_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    message = said(lambda: open_results("s3://bucket/results"), StorageError)
    assert message.startswith("s3://bucket/results: reading an address needs the package fsspec")
    assert message.endswith("pip install fsspec s3fs")


@pytest.fixture
def in_memory(run):
    """The results at an address of fsspec's own filesystem."""
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    files.put(str(run[0]), "/ours/results", recursive=True)
    yield files
    files.rm("/ours", recursive=True)


@pytest.mark.parametrize(
    "given", ["memory://ours/results", "memory://ours/results/", "memory://ours"]
)
def test_results_at_an_address_are_the_same(r, in_memory, given):
    there = open_results(given)
    assert there.families == r.families and there.tables == r.tables
    assert_frame_equal(there.history("dense", study="rates"), r.history("dense", study="rates"))
    cell = there.cell("dense", hidden_size=50)
    assert cell.path.startswith("memory://ours/results/dense/dataset~moons/")
    assert there.cell(cell.path).values == cell.values
    np.testing.assert_array_equal(
        cell.predict([[0, 1]]), r.cell(path_of(cell.values)).predict([[0, 1]])
    )
    in_memory.rm("/ours/results/tables", recursive=True)
    part = open_results(given)
    assert_frame_equal(part.runs("dense"), r.runs("dense"))
    assert "there is no such folder" in said(lambda: open_results("memory://theirs"))


def test_an_address_that_cannot_be_read_is_refused():
    pytest.importorskip("fsspec")
    assert "nowhere://x: can't be read" in said(lambda: open_results("nowhere://x"), StorageError)


def test_results_in_a_bucket_are_the_same(run, r):
    """A server of its own, of the library that stands for S3 in the tests of clusters."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    boto3 = pytest.importorskip("boto3")
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        options = {"key": "anybody", "secret": "anything", "endpoint_url": address}
        s3 = boto3.client(
            "s3",
            "us-east-1",
            endpoint_url=address,
            aws_access_key_id=options["key"],
            aws_secret_access_key=options["secret"],
        )
        s3.create_bucket(Bucket="ours")
        for path in run[0].rglob("*"):
            if path.is_file():
                s3.upload_file(str(path), "ours", f"study/results/{path.relative_to(run[0])}")
        there = open_results("s3://ours/study", storage_options=options)
        assert_frame_equal(there.runs("dense", study="kinds"), r.runs("dense", study="kinds"))
        cell = there.cell("dense", hidden_size=50)
        np.testing.assert_array_equal(
            cell.weights(seed=3)["layer1"], r.cell("dense", hidden_size=50).weights(3)["layer1"]
        )
        message = said(lambda: open_results("s3://theirs/x", storage_options=options))
        assert message.startswith("s3://theirs/x: ")
    finally:
        server.stop()


@pytest.mark.parametrize("value", [None, 5, [], {"a": 1}, b"results", np.array(["dense"])])
def test_arguments_of_another_type_are_refused_by_name(r, run, value):
    calls = {
        "path": lambda: open_results(value),
        "family": lambda: r.runs(value),
        "which": lambda: r.cell(value),
    }
    if value is not None:
        calls["study"] = lambda: r.runs("dense", study=value)
    if not isinstance(value, list):
        calls["families"] = lambda: open_results(run[0], families=[value])
    for name, call in calls.items():
        with pytest.raises(TypeError, match=f"^{name}: got .*; allowed: "):
            call()
    with pytest.raises(ResultsError, match=r"^path: got .*; allowed: text without a NUL"):
        open_results("a\0b")
    with pytest.raises(NoRowError):
        r.runs("dense", hidden_size=10**5000)


def test_results_and_cells_can_be_pickled(r):
    again = pickle.loads(pickle.dumps(r))
    assert_frame_equal(again.runs("dense"), r.runs("dense"))
    cell = r.cells("dense")[0]
    weights, same = (each.weights(seed=0) for each in (cell, pickle.loads(pickle.dumps(cell))))
    for name in weights:
        np.testing.assert_array_equal(weights[name], same[name])
