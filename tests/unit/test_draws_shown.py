"""What is shown and read of a data set with several draws: the points of the right one."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from results_folder import write_plan
from sklearn.metrics import accuracy_score
from small_study import small_section

from restudy.analysis.boundaries import map_boundaries
from restudy.data.points import make_points
from restudy.data.tables import parts_of, split_draws
from restudy.families.dense import DenseNetwork
from restudy.families.dense.pictures import draw_snapshots
from restudy.families.dense.snapshots import pack_snapshots
from restudy.families.registry import FAMILIES
from restudy.plan.studies import Plan
from restudy.results import open_results
from restudy.study.config import complete_config
from restudy.views import boundaries, points_figure
from restudy.views.time_machine import _parts_of_seeds

DENSE = FAMILIES["dense"]
FEW = {"points": 40, "heldout_points": 30, "validation_points": 20}
STUDIES = {
    "sets": {"question": "?", "vary": {"dataset": ["moons", "single"]}},
    "many": {"question": "?", "vary": {"dataset.draws": [1, 3]}},
}


def moons(draws):
    settings = {"kind": "moons", "noise": 0.2, "seed": 0, "heldout_seed": 1, "validation_seed": 2}
    return make_points(settings | FEW | {"standardize": True, "draws": draws})


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Results of two data sets, one of two draws and one of one, with four seeds each."""
    folder = tmp_path_factory.mktemp("run") / "results"
    section = small_section("moons", STUDIES)
    section["protocols"]["tiny"]["replicates"] = 4
    datasets = {
        "moons": {"kind": "moons", **FEW, "draws": 2, "standardize": True},
        "single": {"kind": "moons", **FEW, "noise": 0.1},
    }
    config = complete_config({"datasets": datasets, "dense": section})
    folder.mkdir()
    write_plan(folder, Plan(config, {"moons": 2, "single": 2}))
    (folder / "provenance.json").write_text(json.dumps({"configuration": config}))
    return open_results(folder)


# Results ------------------------------------------------------------------------------------


def test_the_table_of_all_runs_has_the_draw_of_each(opened):
    runs = opened.runs("dense")
    assert list(runs)[7:9] == ["seed", "draw"] and runs["draw"].dtype == "int64"
    found = {name: rows["draw"].tolist() for name, rows in runs.groupby("dataset")}
    assert found == {
        "moons": [0, 1, 0, 1],
        "single": [0, 0, 0, 0],
        "moons+draws=1": [0, 0, 0, 0],
        "moons+draws=3": [0, 1, 2, 0],
    }
    assert len(opened.runs("dense", draw=1)) == 3
    assert set(runs.loc[runs["dataset"] == "moons", "dataset.draws"]) == {2}


def test_without_that_table_the_runs_are_the_same(opened, tmp_path):
    import shutil

    shutil.copytree(opened.path, tmp_path / "results")
    shutil.rmtree(tmp_path / "results/tables")
    bare = open_results(tmp_path / "results").runs("dense")
    assert bare["draw"].dtype == "int64"
    pd.testing.assert_frame_equal(bare, opened.runs("dense"), check_exact=True)


def test_what_a_run_predicts_is_measured_on_the_points_of_its_draw(opened):
    for name in ("moons", "single", "moons+draws=3"):
        cell = opened.cell("dense", dataset=name)
        assert list(cell.draws) == cell.seeds
        for seed, draw in cell.draws.items():
            points = opened.points(name, draw=draw)
            x, label = parts_of(points)["heldout"]
            measured = cell.runs.set_index("seed").loc[seed, "heldout_accuracy"]
            assert accuracy_score(label, cell.predict(x, seed=seed)) == measured
    # The test could fail: on other points the same networks are measured otherwise.
    cell = opened.cell("dense", dataset="moons")
    x, label = parts_of(opened.points("moons"))["train"]
    others = [accuracy_score(label, cell.predict(x, seed=seed)) for seed in (1, 3)]
    assert others != cell.runs["train_accuracy"][[1, 3]].tolist()


def test_points_are_those_of_a_draw_or_of_all(opened):
    every, first, other = (opened.points("moons", draw=draw) for draw in (None, 0, 1))
    assert every.columns[0] == "draw" and len(every) == 2 * 90
    assert list(first) == ["part", "x1", "x2", "label"]
    pd.testing.assert_frame_equal(first, opened.points("moons"))
    pd.testing.assert_frame_equal(first, split_draws(every)[0], check_exact=True)
    pd.testing.assert_frame_equal(other, split_draws(every)[1], check_exact=True)
    assert "draw" not in opened.points("single", draw=None)
    one, two = (opened.description("moons", draw=draw) for draw in (0, 1))
    assert one["draws"] == two["draws"] == 2 and one["mean"] != two["mean"]
    assert "by_draw" not in one and "draws" not in opened.description("single")
    for call, message in (
        (lambda: opened.points("moons", draw=2), "draw: got 2; draws of moons: 0 to 1"),
        (lambda: opened.points("single", draw=-1), "draw: got -1; draws of single: 0"),
        (lambda: opened.description("moons", draw="a"), "draw: got 'a'; draws of moons: 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


# Figures ------------------------------------------------------------------------------------


def texts_of(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


def offsets_of(figure):
    """Where points are drawn."""
    axes = next(each for each in figure.axes if each.collections)
    found = [each.get_offsets() for each in axes.collections if len(each.get_offsets()) > 1]
    return {tuple(place) for place in np.concatenate(found).round(9).tolist()}


def test_the_figure_of_the_points_is_of_the_first_draw_and_says_so():
    points, description = moons(5)
    figure = points_figure.points_figure(points, description, "Moons")
    first = split_draws(points)[0]
    expected = {tuple(place) for place in first[["x1", "x2"]].to_numpy().round(9).tolist()}
    assert offsets_of(figure) == expected
    assert "First of 5 draws." in texts_of(figure) and "40 training, 20 val" in texts_of(figure)
    only = points_figure.points_figure(*moons(1), "Moons")
    assert offsets_of(only) == expected and "draws" not in texts_of(only)


def boundaries_of(points, seeds):
    layers = DenseNetwork([2, 3, 2], seeds=seeds).weights
    layers = {f"layer{n}": layer for n, layer in enumerate(layers, start=1)}
    table = {"seed": seeds, "heldout_accuracy": 0.9, "train_loss": 0.3}
    settings = {"activation": {"kind": "tanh"}}
    return map_boundaries(DENSE, settings, pd.DataFrame(table), layers, points, 2)


@pytest.mark.parametrize(("seeds", "draw"), [([0, 1, 2], 0), ([4, 5], 1)])
def test_a_boundary_has_the_points_of_the_seed_it_shows_and_says_so(seeds, draw):
    points, description = moons(3)
    found = boundaries_of(points, seeds)
    figure = boundaries.boundary_figure(found, points, description, "A cell", "One run diverged.")
    own = parts_of(split_draws(points)[draw])["train"][0]
    assert offsets_of(figure) == {tuple(place) for place in own.round(9).tolist()}
    said = texts_of(figure).replace("\n", " ")
    assert f"Points: draw {draw} of 3 (from 0), on which seed {seeds[0]} was trained" in said
    assert said.index("One run diverged.") < said.index("Points: draw")
    values = {"activation": "tanh", "protocol": None}
    cell = {"values": values, "boundaries": found, "points": points, "description": description}
    study = {"name": "s", "question": "?", "vary": {"activation": ["tanh"]}}
    panel = boundaries.boundary_panel([cell], study)
    assert offsets_of(panel) == offsets_of(figure)
    assert f"Points: draw {draw} of 3" in texts_of(panel).replace("\n", " ")
    relu, gone = {**values, "activation": "relu"}, {**values, "activation": "elu"}
    other = {**cell, "values": relu, "boundaries": boundaries_of(points, [2])}
    gone = {**cell, "values": gone, "boundaries": None}
    study["vary"]["activation"] = ["tanh", "relu", "elu"]
    panel = boundaries.boundary_panel([cell, other, gone], study)
    said = texts_of(panel).replace("\n", " ")
    assert "in each panel, the draw on which the seed shown was trained" in said


def test_pictures_beforehand_are_of_the_points_of_each_seed():
    points, _ = moons(3)
    layers = DenseNetwork([2, 4, 2], "relu", seeds=range(4)).weights
    snapshots = pack_snapshots({0: layers, 5: [layer * 1.5 for layer in layers]}, range(4))
    description = {"activation": {"kind": "relu"}, "l1": 0.0, "l2": 0.01, "arithmetic": "corrected"}
    together = draw_snapshots(description, snapshots, _parts_of_seeds(points, range(4)))
    draws = [parts_of(own) for own in split_draws(points)]
    ends = np.array([[own["train"][0].min(0), own["train"][0].max(0)] for own in draws])
    low, high = np.array(together["extent"]).T
    assert (low <= ends[:, 0].min(0) - 0.4).all() and (high >= ends[:, 1].max(0) + 0.4).all()
    for seed in range(4):
        own = {name: snapshots[name][:, [seed]] for name in ("layer1", "layer2")}
        one = snapshots | own | {"seeds": np.array([seed])}
        parts = {part: draws[seed % 3][part] for part in ("train", "heldout")}
        alone = draw_snapshots(description, one, parts)
        for part in parts:
            for name in ("loss", "accuracy"):
                np.testing.assert_array_equal(
                    together["parts"][part][name][:, seed], alone["parts"][part][name][:, 0]
                )
        for layer, same in zip(together["units"], alone["units"], strict=True):
            np.testing.assert_array_equal(layer[:, seed], same[:, 0])
