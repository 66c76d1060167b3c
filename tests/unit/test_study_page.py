"""The page of the studies holds what the tables say, and stays as small as a report needs it."""

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_study import small_cell
from study_results import StudyResults, block, conv_tables, support_vector_page

from restudy.analysis import importance
from restudy.data.tables import read_rows, write_table
from restudy.families import components
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE
from restudy.plan.figures import IMPORTANCE
from restudy.plan.studies import Plan
from restudy.study.cell import Cell, make_cell
from restudy.study.config import complete_config
from restudy.study.grid import by_distance, study_cells
from restudy.views.study_page import LARGEST_PAGE, number_cells, study_page
from restudy.views.style import color_of
from restudy.views.time_machine import (
    Choice,
    Inventory,
    Machine,
    _seeds_in_order,
    choose,
    read_shapes,
    thin_snapshots,
)

CONFIG = {
    "datasets": {
        "moons": {"kind": "moons", "points": 40, "heldout_points": 60},
        "iris": {"kind": "iris"},
    },
    "dense": {
        "baseline": small_cell("moons", "corrected"),
        "protocols": {
            name: {
                "arithmetic": name,
                "passes": 90,
                "replicates": 4,
                "record_interval": 10,
                "snapshots": 7,
            }
            for name in ("published", "corrected")
        },
        "optimizers": {
            "gd": {"kind": "gradient_descent", "learning_rate": 0.01},
            "wild": {"kind": "gradient_descent", "learning_rate": 1.0e6},
        },
        "studies": {
            "activations": {
                "question": "Which <activation> & why?",
                "vary": {
                    "protocol": ["published", "corrected"],
                    "activation": ["tanh", "maxout"],
                },
            },
            "optimizers": {
                "question": "Does it diverge?",
                "vary": {"optimizer": ["gd", "wild"]},
            },
            "data": {
                "question": "And with four features?",
                "fix": {"depth": 2, "hidden_size": 5},
                "vary": {"dataset": ["moons", "iris"]},
            },
        },
    },
}
CONV_CELL = {
    "dataset": "mnist",
    "protocol": "tiny",
    "activation": "relu",
    "initializer": "xavier_uniform",
    "optimizer": "adam",
}


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return StudyResults(CONFIG)


@pytest.fixture(scope="module")
def page(results) -> str:
    return results.page()


def runs_of(results, cell: Cell) -> pd.DataFrame:
    runs = results.tables["dense"]["runs"]
    return runs[(runs[list(cell)] == pd.Series(cell.row)).all(axis=1)]


def test_cells_axes_and_colours_are_those_of_the_study(results, page):
    (family,) = block(page, "study")["families"]
    for number, cell in enumerate(results.cells):
        for axis in family["axes"]:
            level = axis["levels"][family["cells"][axis["name"]][number]]
            assert level["value"] == cell[axis["name"]]
            assert level["color"] == color_of(axis["name"], cell[axis["name"]])
    study = family["studies"][0]
    assert study["question"] == "Which <activation> & why?"
    assert [results.cells[n] for n in study["cells"]] == results.studies["dense"]["activations"][
        "cells"
    ]
    assert study["answer"]["outcome"][0].startswith("With published arithmetic: mean training loss")


def test_summaries_and_curves_are_means_with_student_intervals_over_seeds(results, page):
    (family,) = block(page, "study")["families"]
    history = results.tables["dense"]["history"]
    curves = family["curves"]
    number = results.cells.index(results.studies["dense"]["activations"]["cells"][3])
    cell = results.cells[number]
    own = history[(history[list(cell)] == pd.Series(cell.row)).all(axis=1)]
    place = list(curves["cells"]).index(number)
    for measure in ("train_loss", "heldout_accuracy"):
        table = own.pivot(index="pass", columns="seed", values=measure)
        series = curves["measures"][measure]
        grid = curves["grids"][series["grid"][place]]
        assert list(grid) == list(table.index)
        part = slice(series["start"][place], series["start"][place] + len(grid))
        np.testing.assert_allclose(series["mean"][part], table.mean(axis=1), rtol=1e-6)
        low, _ = stats.t.interval(0.95, 3, table.mean(axis=1), stats.sem(table, axis=1))
        half = (table.mean(axis=1) - low).fillna(0)
        np.testing.assert_allclose(series["half"][part], half, rtol=1e-4, atol=1e-8)
        summary = family["summary"][measure]
        final = runs_of(results, cell)[measure]
        assert summary["mean"][number] == pytest.approx(final.mean())
        assert summary["deviation"][number] == pytest.approx(final.std(), rel=1e-6)


def test_activity_is_that_of_the_whole_network(results):
    runs, history = number_cells(DENSE, results.cells, results.tables["dense"])
    finished = runs.merge(
        results.tables["dense"]["runs"].assign(
            cell=lambda table: [
                results.cells.index(make_cell(DENSE, dict(zip(results.cells[0], key, strict=True))))
                for key in table[list(results.cells[0])].itertuples(index=False, name=None)
            ]
        ),
        on=["cell", "seed"],
        suffixes=("", "_table"),
    )
    finished = finished[finished["diverged_at"].isna()]
    # The runs' table has the norm of the whole gradient, the layers' table its parts.
    np.testing.assert_allclose(finished["grad_norm"], finished["grad_norm_table"], rtol=1e-12)
    assert history["dead_share"].between(0, 1).all()


def test_diverged_runs_count_in_no_mean_and_are_counted(results, page):
    (family,) = block(page, "study")["families"]
    number = next(n for n, cell in enumerate(results.cells) if cell["optimizer"] == "wild")
    assert runs_of(results, results.cells[number])["diverged_at"].notna().all()
    assert (family["seeds"][number], family["finished"][number]) == (4, 0)
    assert np.isnan(family["summary"]["train_loss"]["mean"][number])
    record = next(r for r in block(page, "machine-dense")["cells"] if r["cell"] == number)
    assert all(isinstance(at, int) for at in record["diverged"])


def test_each_seed_says_how_many_are_nearer_the_median_of_its_cell(results, page):
    for record in block(page, "machine-dense")["cells"]:
        runs = runs_of(results, results.cells[record["cell"]])
        finished = runs[runs["diverged_at"].isna()].set_index("seed")["heldout_accuracy"]
        distance = (finished - finished.median()).abs()
        assert record["finished"] == len(finished)
        assert record["comparedBy"] == "Held-out accuracy"
        for seed, nearer in zip(record["seeds"], record["nearer"], strict=True):
            if seed not in distance.index:
                assert nearer is None
                continue
            closer = (distance < distance[seed] - 1e-12).sum()
            assert closer <= nearer < closer + (np.isclose(distance, distance[seed])).sum()


def test_the_seeds_that_are_kept_are_those_most_often_near_the_median():
    def runs(*accuracies):
        return pd.DataFrame(
            {
                "seed": range(4),
                "heldout_accuracy": accuracies,
                "train_loss": 1.0,
                "diverged_at": np.nan,
            }
        )

    assert _seeds_in_order([runs(0.9, 0.8, 0.7, 0.81)], DENSE) == [1, 3, 0, 2]
    both = [runs(0.9, 0.8, 0.7, 0.81), runs(0.1, 0.3, 0.9, 0.4)]
    assert _seeds_in_order(both, DENSE)[:2] == [1, 3]
    diverged = runs(0.9, 0.8, 0.7, 0.81).assign(diverged_at=[np.nan, 4.0, np.nan, np.nan])
    assert _seeds_in_order([diverged], DENSE) == [3, 0, 2, 1]
    assert _seeds_in_order([], DENSE) == []


def test_snapshots_are_those_of_the_job_in_single_precision(results, page):
    machine = block(page, "machine-dense")
    assert machine["kept"]["seeds"] >= 4 and len(machine["cells"]) == len(results.cells)
    for record in machine["cells"]:
        snapshots = results.snapshots[record["cell"]]
        assert list(record["passes"]) == list(snapshots["passes"])
        for number, layer in enumerate(record["layers"], start=1):
            expected = snapshots[f"layer{number}"]
            if np.abs(expected).max() < 1e38:
                assert np.array_equal(layer, expected.astype(np.float32))
            assert np.isfinite(layer).all()
        cell = results.cells[record["cell"]]
        assert machine["datasets"][record["dataset"]]["name"] == cell["dataset"]
        assert record["arithmetic"] == cell["protocol"]


def test_single_seeds_have_means_and_no_interval():
    config = copy.deepcopy(CONFIG)
    config["dense"]["protocols"]["corrected"]["replicates"] = 1
    config["dense"]["studies"] = {"one": {"question": "One?", "vary": {"depth": [1, 2]}}}
    (family,) = block(StudyResults(config).page(), "study")["families"]
    assert np.isfinite(family["summary"]["train_loss"]["mean"]).all()
    assert np.isnan(family["summary"]["train_loss"]["half"]).all()
    assert np.isnan(family["curves"]["measures"]["train_loss"]["half"]).all()
    effects = family["studies"][0]["effects"]["train_loss"]
    assert effects["variance"][-1] == {"term": ["seed"], "share": 0}


NUMBERS = {
    "optimizer.learning_rate": {"from": 0.001, "to": 1.0, "scale": "log"},
    "hidden_size": {"from": 2, "to": 9},
    "activation": ["tanh", "relu"],
}


def test_shares_of_the_variance_are_those_of_the_studys_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(importance, "TREES", 40)
    monkeypatch.setattr(importance, "REPLICATE_TREES", 3)
    config = copy.deepcopy(CONFIG)
    config["dense"]["protocols"]["corrected"] |= {"passes": 20, "replicates": 2}
    config["dense"]["studies"] = {
        "plain": {"question": "Names?", "vary": {"activation": ["tanh", "relu"]}},
        "sample": {"question": "What matters?", "sample": {"size": 20}, "vary": NUMBERS},
        "few": {"question": "What matters?", "sample": {"size": 8}, "vary": NUMBERS},
    }
    results = StudyResults(config)
    table = results.tables["dense"]["runs"]
    table["diverged_at"] = pd.array([15 if row > len(table) - 4 else None for row in table.index])
    (family,) = block(results.page(), "study")["families"]
    effects = {study["name"]: study["effects"] for study in family["studies"]}
    for name in ("plain", "few"):
        assert {each["importance"] for each in effects[name].values()} == {None}
    plan = Plan(complete_config(config), {})
    path = tmp_path / "runs.csv"
    write_table(table, path)
    runs = read_rows([path], plan.rows(DENSE, "sample"))
    study = plan.study(DENSE, "sample")
    assert IMPORTANCE.fits(study)
    for kind in IMPORTANCE.kinds_of(DENSE).values():
        expected = importance.variance_importance(runs, list(study["vary"]), kind.subject)
        found = effects["sample"][kind.subject]["importance"]
        *shares, together = found["shares"]
        columns = ("share", "low", "high")
        assert [[each[key] for key in columns] for each in shares] == expected.shares[
            ["share", "share_low", "share_high"]
        ].to_numpy().tolist()
        terms = [[*filter(None, row)] for row in expected.shares[["axis", "other"]].to_numpy()]
        assert [each["term"] for each in shares] == terms
        assert together == {
            "term": list(NUMBERS), "share": expected.higher, "low": None, "high": None
        }  # fmt: skip
        assert found["note"].startswith(f"{IMPORTANCE.shows} {IMPORTANCE.made} ")
        assert f"R² is {expected.r_squared:.2f} " in found["note"]
        assert f" {expected.lost_runs} diverged runs left out." in found["note"]
    same = effects["sample"]["saturated_share"]["importance"]
    assert same["shares"] or same["note"]


def test_networks_without_snapshots_leave_the_time_machine_empty():
    config = copy.deepcopy(CONFIG)
    config["dense"]["protocols"]["corrected"]["snapshots"] = 0
    config["dense"]["studies"] = {"none": {"question": "None?", "vary": {"depth": [1, 2]}}}
    machine = block(StudyResults(config).page(), "machine-dense")
    assert machine["cells"] == [] and machine["kept"]["withSnapshots"] == 0


def conv_results(vary: dict, seeds: int = 1):
    study = {"question": "CNN?", "vary": vary}
    cells = study_cells(CONV, CONV_CELL, study)
    studies = {"conv": {"factors": {**study, "vary": list(vary), "cells": cells}}}
    sentences = {"outcome": ["Low.", "High."], "layers": {"gradients": ["Steep."], "units": []}}
    findings = {"families": {"conv": {"studies": {"factors": sentences}}}}
    return studies, {"conv": CONV_CELL}, {"conv": conv_tables(cells, seeds)}, findings


def test_a_configuration_of_convolutional_networks_alone_has_its_page():
    studies, baselines, tables, findings = conv_results({"activation": ["relu", "tanh"]}, 2)
    page = study_page(studies, baselines, tables, findings, {})
    assert 'id="block-machine' not in page
    (family,) = block(page, "study")["families"]
    curves = family["curves"]
    series = curves["measures"]["test_loss"]
    # Test images are looked at less often than the loss of a minibatch is recorded.
    assert list(curves["grids"][series["grid"][0]]) == [0, 20, 40]
    series = curves["measures"]["train_loss"]
    assert list(curves["grids"][series["grid"][0]]) == [0, 10, 20, 30, 40]


def test_a_family_without_history_layers_and_time_has_its_studies_effects_and_cells():
    page, runs = support_vector_page()
    assert 'id="block-machine' not in page
    (family,) = block(page, "study")["families"]
    assert (family["label"], family["time"]) == ("Support vector machines", None)
    assert family["curves"] is None and family["opening"] == "heldout_accuracy"
    names = [measure["name"] for measure in family["measures"]]
    assert names == ["train_accuracy", "heldout_accuracy"]
    assert family["measures"][1]["meaning"] == "Share of the held-out points classified correctly."
    (c,) = [axis for axis in family["axes"] if axis["name"] == "c"]
    assert [level["value"] for level in c["levels"]] == [0.1, 1.0, 10.0]
    np.testing.assert_allclose(
        family["summary"]["heldout_accuracy"]["mean"],
        runs["heldout_accuracy"].to_numpy().reshape(-1, 3).mean(axis=1),
        rtol=1e-6,
    )
    (study,) = family["studies"]
    assert study["answer"] == {"outcome": ["Higher."], "layers": []}
    assert study["pooled"] == {}
    assert len(study["effects"]["train_accuracy"]["main"]["c"]["mean"]) == 3


def test_two_families_with_snapshots_have_a_machine_each_and_share_the_page():
    config = copy.deepcopy(CONFIG)
    config["dense"]["protocols"]["corrected"]["snapshots"] = 4
    config["dense"]["studies"] = {"one": {"question": "One?", "vary": {"depth": [1, 2]}}}
    results = StudyResults(config)
    other = replace(DENSE, name="other", title="Other networks")
    of_other = {cell: replace(cell, family="other") for cell in results.cells}
    studies = copy.deepcopy(results.studies)
    studies["other"] = {"one": dict(studies["dense"]["one"])}
    studies["other"]["one"]["cells"] = [of_other[cell] for cell in studies["dense"]["one"]["cells"]]
    by_other = {cell: dense for dense, cell in of_other.items()}
    first = results.machine
    second = replace(
        first,
        family=other,
        networks={cell: first.networks[dense] for cell, dense in by_other.items()},
        load=lambda cell: first.load(by_other[cell]),
        shapes=lambda cell: first.shapes(by_other[cell]),
    )
    baseline, found = results.baselines["dense"], results.findings["families"]["dense"]
    page = study_page(
        studies,
        {"dense": baseline, "other": baseline},
        {"dense": results.tables["dense"], "other": results.tables["dense"]},
        {"families": {"dense": found, "other": found}},
        {"dense": first, "other": second},
        {"dense": DENSE, "other": other},
    )
    for name in ("dense", "other"):
        assert len(block(page, f"machine-{name}")["cells"]) == 2


def test_an_activation_without_javascript_is_shown_by_what_was_computed_beforehand(
    results, page, monkeypatch
):
    before = {one["cell"]: one for one in block(page, "machine-dense")["cells"]}
    records = components.ACTIVATIONS
    without = [replace(kind, javascript="") if kind.name == "tanh" else kind for kind in records]
    monkeypatch.setattr(components, "ACTIVATIONS", tuple(without))
    page = results.page()
    assert len(page.encode()) <= LARGEST_PAGE
    machine = block(page, "machine-dense")
    assert list(machine["forms"]) == ["maxout"]
    assert len(machine["cells"]) == len(results.cells)
    history = results.tables["dense"]["history"]
    layers = results.tables["dense"]["layers"]
    for record in machine["cells"]:
        cell = results.cells[record["cell"]]
        if cell["activation"] != "tanh":
            assert "pictures" not in record
            continue
        pictures = record["pictures"]
        assert ("plane" in pictures) == (cell["dataset"] == "moons")
        own = history[(history[list(cell)] == pd.Series(cell.row)).all(axis=1)]
        own = own.set_index(["pass", "seed"])
        shares = layers[(layers[list(cell)] == pd.Series(cell.row)).all(axis=1)]
        shares = shares.set_index(["pass", "seed", "layer"])
        compared = 0
        for place, passes in enumerate(record["passes"]):
            for seed in record["seeds"]:
                if (passes, seed) not in own.index:
                    continue
                row = own.loc[(passes, seed)]
                for part in ("train", "heldout"):
                    for name in ("loss", "accuracy"):
                        found = pictures["parts"][part][name][place, seed]
                        assert found == pytest.approx(row[f"{part}_{name}"], rel=1e-6)
                for layer, units in enumerate(pictures["units"], start=1):
                    expected = shares.loc[(passes, seed, layer)]
                    found = units[place, seed]
                    assert found.mean() == pytest.approx(expected["saturated_share"], abs=1e-6)
                    assert np.mean(found == 1) == pytest.approx(expected["dead_share"])
                compared += 1
        assert compared
        # Weights are shown as they are with it.
        for layer, expected in zip(record["layers"], before[record["cell"]]["layers"], strict=True):
            assert np.array_equal(layer, expected)


def test_shapes_are_read_without_the_arrays(tmp_path):
    arrays = {"passes": np.arange(3), "layer1": np.zeros((3, 2, 4, 5), np.float32)}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "snapshots.npz", **arrays)
        found = read_shapes(tmp_path / "snapshots.npz")
        assert found == {"passes": (3,), "layer1": (3, 2, 4, 5)}


def test_a_factorial_of_thousands_of_cells_fits_and_says_what_it_left_out():
    vary = {
        "protocol": ["published", "corrected"],
        "activation": ["identity", "tanh", "sigmoid", "relu", "leaky_relu"],
        "hidden_size": [3, 8, 50],
        "depth": [1, 2, 3, 4],
        "initializer": ["fan_in_normal", "xavier_uniform", "xavier_normal", "he_normal", "zeros"],
        "optimizer": ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"],
    }
    baseline = CONFIG["dense"]["baseline"]
    cells = study_cells(DENSE, baseline, {"vary": vary})
    assert len(cells) == 3600
    generator = np.random.default_rng(0)
    runs = pd.DataFrame([cell.row for cell in cells]).merge(
        pd.DataFrame({"seed": range(2)}), how="cross"
    )
    measures = ["train_loss", "train_accuracy", "heldout_loss", "heldout_accuracy"]
    runs[measures] = generator.uniform(size=(len(runs), len(measures)))
    history = runs.merge(pd.DataFrame({"pass": range(0, 1000, 100)}), how="cross")
    history[measures] = generator.uniform(size=(len(history), len(measures)))
    layers = runs[[*baseline, "seed"]].assign(layer=1, grad_norm=1.0, saturated_share=0.5)
    layers = layers.assign(dead_share=0.1, **{"pass": 900})
    runs = runs.assign(diverged_at=pd.NA, diverged_by=None, passes=900)
    studies = {"dense": {"all": {"question": "All?", "vary": list(vary), "cells": cells}}}
    findings = {"families": {"dense": {"studies": {"all": {"outcome": []}}}}}
    points = pd.DataFrame(generator.normal(size=(200, 2)), columns=["x1", "x2"])
    points = points.assign(part=["train", "heldout"] * 100, label=[0, 0, 1, 1] * 50)
    network = {"activation": {"kind": "tanh"}, "arithmetic": "corrected", "l1": 0, "l2": 0}
    places = {cell: place for place, cell in enumerate(cells)}
    machine = Machine(
        family=DENSE,
        networks=dict.fromkeys(cells, network | {"form": "() => ({})"}),
        load=lambda cell: RandomSnapshots(places[cell], cell),
        shapes=lambda cell: RandomSnapshots(places[cell], cell).all_shapes,
        points={"moons": points},
        descriptions={"moons": {"features": ["x1", "x2"], "classes": ["0", "1"]}},
    )
    tables = {"dense": {"runs": runs, "history": history, "layers": layers}}
    page = study_page(studies, {"dense": baseline}, tables, findings, {"dense": machine})
    assert 0.9 * LARGEST_PAGE < len(page.encode()) <= LARGEST_PAGE
    kept = block(page, "machine-dense")["kept"]
    assert kept["ofCells"] == 3600 and 20 < kept["cells"] < 3600 and kept["seeds"] == 1
    shown = [cells[record["cell"]] for record in block(page, "machine-dense")["cells"]]
    # What differs least from the baseline is there, under both protocols.
    assert set(by_distance(cells, baseline)[:10]) <= set(shown)
    family = block(page, "study")["families"][0]
    assert len(family["summary"]["train_loss"]["mean"]) == 3600
    assert 100 < len(family["curves"]["cells"]) < 3600


class RandomSnapshots(dict):
    """Snapshots of a cell, drawn when their weights are asked for."""

    def __init__(self, number: int, cell: Cell, seeds: int = 20):
        sizes = [2, *[cell["hidden_size"]] * cell["depth"], 2]
        self.number = number
        self.shapes = {
            f"layer{n}": (20, seeds, rows, inputs + 1)
            for n, (inputs, rows) in enumerate(pairwise(sizes), start=1)
        }
        names = {"passes": np.arange(20), "seeds": np.arange(seeds)}
        self.all_shapes = {name: array.shape for name, array in names.items()} | self.shapes
        super().__init__(names | dict.fromkeys(self.shapes))

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.shapes:
            return np.random.default_rng(self.number).normal(size=self.shapes[name])
        return super().__getitem__(name)


INVENTORIES = {
    0: Inventory(20, 20, 17),
    1: Inventory(20, 20, 252),
    2: Inventory(10, 5, 8002),
    3: Inventory(0, 20, 17),
}


def size_of(choice: Choice) -> int:
    return sum(INVENTORIES[n].size(choice.seeds, choice.snapshots) for n in choice.cells)


def test_seeds_are_given_up_before_snapshots_and_snapshots_before_cells():
    order = [1, 0, 2, 3]
    everything = sum(inventory.size(99, 99) for inventory in INVENTORIES.values())
    assert choose(INVENTORIES, order, everything) == Choice((1, 0, 2), 20, 20)
    previous = None
    for byte_budget in np.geomspace(everything, 500, 60):
        choice = choose(INVENTORIES, order, byte_budget)
        assert size_of(choice) <= byte_budget
        if len(choice.cells) == 3 and choice.snapshots == 20:
            assert choice.seeds >= 1
        else:
            assert choice.seeds == 1
        if len(choice.cells) < 3:
            assert choice.snapshots <= 12
        rank = (len(choice.cells), choice.snapshots, choice.seeds)
        assert previous is None or choice.cells != previous[0] or rank <= previous[1]
        previous = choice.cells, rank
    assert choose(INVENTORIES, order, 252 * 4 * 12).cells == (1,)


def test_thinned_snapshots_keep_the_first_and_the_last():
    for count in range(1, 30):
        for most in range(1, 30):
            kept = thin_snapshots(count, most)
            assert kept[0] == 0 and kept[-1] == count - 1
            assert len(kept) <= max(most, 2) and len(set(kept)) == len(kept)
