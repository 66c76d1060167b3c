"""Tables: exact numbers, summaries against SciPy, every column explained."""

import html
import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from restudy.analysis.columns import describe_columns
from restudy.analysis.findings import (
    describe_family,
    describe_first_layer,
    describe_first_layers,
    state_findings,
)
from restudy.analysis.markup import escape_markup
from restudy.analysis.statistics import mean_interval
from restudy.analysis.summaries import read_benchmarks, rows_of, summarize
from restudy.analysis.ties import by_unit, can_tell, tied_with
from restudy.data import tables
from restudy.data.tables import (
    by_folder,
    combine,
    from_results,
    read_rows,
    read_table,
    stack_tables,
    with_cell,
    write_table,
)
from restudy.families.contract import ALL, Axis, Family, Measure
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.registry import FAMILIES
from restudy.study.cell import make_cell

CELL = {
    "dataset": "moons",
    "protocol": "published",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}

# A family without history, layers, time and loss, with an axis of numbers.
PLAIN = Family(
    name="machines",
    title="Support vector machines",
    description="scikit-learn's SVC.",
    takes="points",
    axes=(
        Axis("kernel", "Kernel", "The kernel.", "choice", choices=("linear", "rbf")),
        Axis("c", "C", "Inverse strength of the penalty.", "number", above=0),
    ),
    measures=(
        Measure("train_accuracy", "Training accuracy", "Share of training points.", "", "higher"),
        Measure("heldout_accuracy", "Held-out accuracy", "Share of fresh points.", "", "higher"),
    ),
    ranked_by=("heldout_accuracy",),
    train="train",
    seeds_per_job=ALL,
)


def plain_runs(kernel, c, accuracy):
    cell = {"dataset": "moons", "protocol": "plain", "kernel": kernel, "c": c}
    frame = pd.DataFrame({"seed": [0, 1]}).assign(
        train_accuracy=accuracy + 0.1,
        heldout_accuracy=accuracy,
        diverged_at=pd.array([None, None], dtype="Int64"),
    )
    return with_cell(frame, cell)


def runs(seed=0, diverged=(), **changes):
    rng = np.random.default_rng(seed)
    n = 5
    frame = pd.DataFrame(
        {
            "seed": range(n),
            "passes": 100,
            **{measure.name: rng.random(n) for measure in DENSE.measures if measure.in_runs},
            "reported_loss": np.nan,
            "diverged_at": pd.array([7 if i in diverged else None for i in range(n)], "Int64"),
        }
    )
    frame.loc[list(diverged), "train_loss":"grad_norm"] = np.nan
    return with_cell(frame, CELL | changes)


@pytest.fixture
def without_pyarrow(monkeypatch):
    """Tables are read as in a light install."""
    monkeypatch.setattr(tables, "find_spec", lambda name: None)


PARQUET = pd.DataFrame(
    {
        "dataset": ["moons", "wells ü\n", None],
        "seed": [0, 1, 2**53 + 1],
        "loss": [0.1 + 0.2, np.nan, -np.inf],
        "share": np.array([0.1, np.nan, 5e-324], np.float32),
        "finished": [True, False, True],
        "step": np.array([1, 2, 3], np.int32),
    }
)


@pytest.mark.parametrize("rows", [3, 0])
def test_a_light_install_reads_the_same_from_parquet(tmp_path, request, rows):
    path = tmp_path / "table.parquet"
    write_table(PARQUET.iloc[:rows], path)
    stacked = tmp_path / "stacked.parquet"
    stack_tables([path, path], stacked, {"finished": {each: {"more": 1} for each in (True, False)}})
    expected = [read_table(each) for each in (path, stacked)]
    request.getfixturevalue("without_pyarrow")
    for each, frame in zip((path, stacked), expected, strict=True):
        pd.testing.assert_frame_equal(read_table(each), frame, check_exact=True)


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_a_cut_parquet_table_is_refused_by_name(tmp_path, kept, without_pyarrow):
    path = tmp_path / "table.parquet"
    write_table(PARQUET, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"table\.parquet: not a whole Parquet table: "):
        read_table(path)


@pytest.mark.parametrize("name", ["runs.csv", "runs.parquet"])
def test_every_number_survives_the_file(tmp_path, name):
    frame = runs(diverged=[2])
    write_table(frame, tmp_path / name)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), frame, check_exact=True)


def test_combined_tables_keep_order_and_whole_divergence_numbers(tmp_path):
    write_table(runs(1), tmp_path / "a.csv")
    write_table(runs(2, diverged=[0], depth=4), tmp_path / "b.csv")
    table = combine([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert table["depth"].tolist() == [1] * 5 + [4] * 5
    write_table(table, tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text().splitlines()[6].endswith(",7")


def test_interval_is_students():
    values = np.random.default_rng(0).normal(size=12)
    expected = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    mean, low, high = mean_interval(values)
    assert (low, high) == pytest.approx(expected, rel=1e-12)
    assert mean == values.mean()


def test_interval_of_one_value_has_no_ends_and_of_none_no_mean():
    assert mean_interval([0.5])[0] == 0.5
    assert np.isnan(mean_interval([0.5])[1:]).all()
    assert np.isnan(mean_interval([np.nan])).all()


def test_summary_counts_diverged_runs_and_leaves_them_out():
    table = pd.concat([runs(1, diverged=[1, 3]), runs(2, activation="relu")], ignore_index=True)
    summary = summarize(DENSE, table)
    assert summary["activation"].tolist() == ["tanh", "relu"]
    assert summary["n"].tolist() == [5, 5]
    assert summary["diverged"].tolist() == [2, 0]
    finite = table["train_loss"][[0, 2, 4]]
    assert summary["train_loss_mean"][0] == pytest.approx(finite.mean())
    assert summary["train_loss_sd"][0] == pytest.approx(finite.std())


def test_every_column_is_explained_and_an_unknown_one_is_refused():
    table = runs()
    assert set(describe_columns(table.columns)) == set(table.columns)
    summary = summarize(DENSE, table)
    assert all(text.endswith(".") for text in describe_columns(summary.columns).values())
    with pytest.raises(KeyError):
        describe_columns(["colour"])


def test_rows_come_in_the_order_of_the_cells():
    table = pd.concat([runs(1), runs(2, depth=2), runs(3, depth=3)], ignore_index=True)
    picked = rows_of(table, [CELL | {"depth": 3}, CELL])
    assert picked["depth"].tolist() == [3] * 5 + [1] * 5
    assert list(picked.columns) == list(table.columns)


def test_rows_are_those_of_cells_however_their_numbers_are_typed():
    table = pd.concat([plain_runs("rbf", c, c / 4) for c in (1, 2, 3)], ignore_index=True)
    cells = [dict(table.loc[0, list(PLAIN.axis_names)]) | {"c": c} for c in (2.5, 3.0, 1)]
    picked = rows_of(table, [make_cell(PLAIN, cell) for cell in cells] + cells)
    assert picked["c"].tolist() == [3, 3, 1, 1]
    pd.testing.assert_series_equal(picked.dtypes, table.dtypes)
    assert rows_of(table, []).empty


def test_summaries_have_the_measures_that_a_family_summarises_and_no_others():
    summary = summarize(PLAIN, plain_runs("rbf", 0.5, 0.75))
    measures = ("train_accuracy", "heldout_accuracy")
    ends = ("mean", "sd", "low", "high")
    expected = [f"{name}_{end}" for name in measures for end in ends]
    assert list(summary.columns) == [*PLAIN.axis_names, "n", "diverged", *expected, "two_groups"]
    assert summary["heldout_accuracy_mean"].tolist() == [0.75]
    assert "reported_loss_mean" not in summarize(DENSE, runs())


def test_columns_mean_what_the_family_of_the_table_says():
    both = describe_columns(["train_accuracy"], [DENSE, PLAIN])["train_accuracy"]
    dense = describe_columns(["train_accuracy"], [DENSE])["train_accuracy"]
    assert both == f"Dense networks: {dense} Support vector machines: Share of training points."
    assert describe_columns(["c"], [PLAIN]) == {"c": "Inverse strength of the penalty."}
    # What all mean alike is said once.
    assert describe_columns(["dataset"])["dataset"] == "Data set, a name from the configuration."
    # A norm of the whole gradient or of a layer's: the table of a family's runs has the former.
    assert "layer" in describe_columns(["grad_norm"])["grad_norm"]
    assert "layer" not in describe_columns(["grad_norm"], [DENSE])["grad_norm"]
    assert "steps" not in describe_columns(["passes"], [DENSE, CONV])["passes"]
    with pytest.raises(KeyError):
        describe_columns(["passes"], [PLAIN])
    with pytest.raises(KeyError):
        describe_columns(["train_accuracy_mode"], [PLAIN])


def test_benchmarks_become_a_row_per_job_with_its_processor_time_to_the_end(tmp_path):
    measured = tmp_path / "results/benchmarks/train_dense/a~1"
    measured.mkdir(parents=True)
    header = "s\th:m:s\tmax_rss\tcpu_time"
    (measured / "b~2.tsv").write_text(f"{header}\n3.25\t0:00:03\t120.5\t1.5\n")
    (measured / "b~1.tsv").write_text(f"{header}\n0.25\t0:00:00\t-\t-\n")
    records = {}
    for name, seconds in (("b~3", 4.0), ("b~2", 2.5), ("b~1", 0.2)):
        folder = f"results/dense/a~1/{name}"
        records[folder] = tmp_path / folder / "provenance.json"
        records[folder].parent.mkdir(parents=True)
        records[folder].write_text(json.dumps({"cpu_seconds": seconds}))
    table = read_benchmarks({"dense": list(records)}, records)
    assert table["job"].tolist() == ["a~1/b~1", "a~1/b~2", "a~1/b~3"]
    assert table["rule"].tolist() == ["train_dense"] * 3
    assert table["cpu_seconds"].tolist() == [0.2, 2.5, 4.0]
    np.testing.assert_array_equal(table["wall_seconds"], [0.25, 3.25, np.nan])
    np.testing.assert_array_equal(table["peak_memory_mb"], [np.nan, 120.5, np.nan])


@pytest.mark.parametrize("name", ["runs.csv", "runs.parquet"])
@pytest.mark.parametrize("group", [1 << 20, 7])
def test_stacked_tables_are_what_all_at_once_would_be(tmp_path, name, group, monkeypatch):
    monkeypatch.setattr(tables, "GROUP_ROWS", group)
    # Of the second table every run diverged at once, so that a column has no type.
    parts = [runs(1), runs(2).iloc[:0], runs(3, diverged=[0], depth=4)]
    parts[1]["reported_loss"] = parts[1]["reported_loss"].astype(object)
    paths = [tmp_path / f"{number}_{name}" for number in range(3)]
    for part, path in zip(parts, paths, strict=True):
        write_table(part, path)
    assert stack_tables(paths, tmp_path / name) == 10
    write_table(pd.concat([parts[0], parts[2]], ignore_index=True), tmp_path / f"whole_{name}")
    whole = read_table(tmp_path / f"whole_{name}")
    pd.testing.assert_frame_equal(read_table(tmp_path / name), whole, check_exact=True)
    if group > 10:
        assert (tmp_path / name).read_bytes() == (tmp_path / f"whole_{name}").read_bytes()


@pytest.mark.parametrize("name", ["runs.csv", "runs.parquet"])
def test_tables_of_other_columns_are_not_stacked(tmp_path, name):
    paths = [tmp_path / f"{number}_{name}" for number in range(2)]
    write_table(runs(1), paths[0])
    write_table(runs(2).rename(columns={"grad_norm": "norm"}), paths[1])
    with pytest.raises(ValueError):
        stack_tables(paths, tmp_path / name)


def test_rows_of_a_study_are_picked_from_the_table_of_all_cells(tmp_path):
    cells = [CELL, CELL | {"depth": 4}, CELL | {"activation": "relu"}]
    write_table(pd.concat([runs(**cell) for cell in cells]), tmp_path / "runs.csv")
    rows = {"levels": {"activation": ["tanh"], "depth": [1, 4]}, "cells": [], "coordinates": {}}
    found = read_rows([tmp_path / "runs.csv"], rows)
    assert found["depth"].tolist() == [1] * 5 + [4] * 5
    assert set(found["activation"]) == {"tanh"}


def test_rows_of_a_sample_are_those_of_its_cells_and_no_other_combinations(tmp_path):
    cells = [CELL | {"depth": d, "activation": a} for d in (1, 4) for a in ("tanh", "relu")]
    write_table(pd.concat([runs(**cell) for cell in cells]), tmp_path / "runs.csv")
    levels = {"activation": ["tanh", "relu"], "depth": [1, 4]}
    rows = {"levels": levels, "cells": [["tanh", 4], ["relu", 1]], "coordinates": {}}
    found = read_rows([tmp_path / "runs.csv"], rows)
    pairs = dict.fromkeys(zip(found["activation"], found["depth"], strict=True))
    assert list(pairs) == [("relu", 1), ("tanh", 4)]


def test_settings_that_a_study_varies_become_columns(tmp_path):
    slow, gd = "gd+learning_rate=0.001", "gd"
    write_table(pd.concat([runs(optimizer=value) for value in (slow, gd)]), tmp_path / "runs.csv")
    rate = "optimizer.learning_rate"
    coordinates = {slow: {"optimizer": gd, rate: 0.001}, gd: {"optimizer": gd, rate: 0.01}}
    rows = {
        "levels": {"optimizer": [slow, gd]},
        "cells": [],
        "coordinates": {"optimizer": coordinates},
    }
    found = read_rows([tmp_path / "runs.csv"], rows)
    assert found["optimizer"].unique().tolist() == [gd]
    assert found[rate].unique().tolist() == [0.001, 0.01]


def test_findings_name_the_extremes_with_their_figures():
    better, worse = runs(1), runs(2, activation="relu")
    better["train_loss"], worse["train_loss"] = 0.25, 0.5
    table = pd.concat([better, worse], ignore_index=True)
    cells = [CELL, CELL | {"activation": "relu"}]
    found = state_findings(
        DENSE, table, {"s": {"question": "?", "vary": ["activation"], "cells": cells}}
    )
    sentence, _ = found["studies"]["s"]["by_quantity"]["loss"]
    assert "lowest with tanh (0.2500, 5 seeds)" in sentence  # equal values tell of no spread
    assert "highest with ReLU (0.5000" in sentence
    assert (found["runs"], found["cells_trained"], found["diverged"]) == (10, 2, 0)
    (best,) = found["studies"]["s"]["best"]
    assert best["levels"][0] == {"level": "tanh", "figure": "0.2500"}
    assert found["columns"] == [
        *("Lowest training loss", "Chosen by validation loss", "Its held-out accuracy")
    ]


def test_the_best_is_chosen_on_validation_and_reported_on_what_is_held_out():
    kinds = ("tanh", "relu", "elu", "sigmoid")
    table = pd.concat([runs(n, activation=kind) for n, kind in enumerate(kinds)], ignore_index=True)
    kind = table["activation"]
    # One is best by the held-out points, one by the validation points, one only with luck.
    table["heldout_accuracy"] = kind.map({"tanh": 0.99, "relu": 0.9, "elu": 0.8, "sigmoid": 0.7})
    table["validation_loss"] = kind.map({"tanh": 0.5, "relu": 0.25, "elu": 0.75, "sigmoid": 0.1})
    table.loc[kind == "relu", "heldout_accuracy"] += [-0.02, 0.02, 0.01, -0.01, 0.0]
    unlucky = table.index[kind == "sigmoid"][0]
    table.loc[unlucky, "diverged_at"] = 3
    table.loc[unlucky, "train_loss":"grad_norm"] = np.nan
    cells = [CELL | {"activation": kind} for kind in kinds]
    study = {"question": "?", "vary": ["activation"], "cells": cells}
    found = state_findings(DENSE, table, {"s": study})
    values = table.loc[kind == "relu", "heldout_accuracy"]
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    interval = f"0.9000 (95% interval {low:.4f} to {high:.4f})"
    (row,) = found["studies"]["s"]["best"]
    assert row["levels"][1:] == [
        {"level": "ReLU", "figure": "0.2500"},
        {"level": "", "figure": interval},
    ]
    sentence = (
        "Chosen by mean validation loss among 4: ReLU (0.2500, 5 seeds); its held-out accuracy is "
        f"{interval}."
    )
    assert found["studies"]["s"]["by_quantity"]["accuracy"] == [sentence]
    assert "0.99" not in " ".join(found["studies"]["s"]["outcome"])


def test_nothing_is_chosen_where_there_is_no_validation_part():
    table = pd.concat([runs(1), runs(2, activation="relu")], ignore_index=True)
    table[["validation_loss", "validation_accuracy"]] = np.nan
    cells = [CELL, CELL | {"activation": "relu"}]
    study = {"question": "?", "vary": ["activation"], "cells": cells}
    found = state_findings(DENSE, table, {"s": study})["studies"]["s"]
    assert found["best"][0]["levels"][1:] == [
        {"level": "", "figure": "not measured"},
        {"level": "", "figure": ""},
    ]
    assert "accuracy" not in found["by_quantity"]


def test_best_levels_stand_by_protocol_with_the_words_of_the_report():
    table = pd.concat(
        [
            runs(number, protocol=protocol, optimizer=optimizer)
            for number, (protocol, optimizer) in enumerate(
                itertools.product(("published", "quick"), ("adam", "my_own"))
            )
        ],
        ignore_index=True,
    )
    table["validation_loss"] = np.where(table["optimizer"] == "my_own", 0.25, 0.5)
    cells = table[list(CELL)].drop_duplicates().to_dict("records")
    study = {"question": "?", "vary": ["protocol", "optimizer"], "cells": cells}
    best = state_findings(DENSE, table, {"s": study})["studies"]["s"]["best"]
    assert [row["common"] for row in best] == ["Published arithmetic", "Protocol quick"]
    expected = {"level": "optimizer my own", "figure": "0.2500"}
    assert [row["levels"][1] for row in best] == [expected] * 2


def ranked(means, seeds, deviation=0.1):
    """What is said of the training losses of activations with such means."""
    rng = np.random.default_rng(0)
    kinds = ("relu", "tanh", "elu", "sigmoid")[: len(means)]
    table = pd.concat([runs(0, activation=kind) for kind in kinds for _ in range(seeds // 5)])
    table["seed"] = np.tile(np.arange(seeds), len(kinds))
    for kind, mean in zip(kinds, means, strict=True):
        own = table["activation"] == kind
        table.loc[own, "train_loss"] = mean + deviation * rng.normal(size=seeds)
    cells = [CELL | {"activation": kind} for kind in kinds]
    study = {"question": "?", "vary": ["activation"], "cells": cells}
    found = state_findings(DENSE, table.reset_index(drop=True), {"s": study})["studies"]["s"]
    return table, found["by_quantity"]["loss"][0], found["best"][0]["levels"][0]["figure"]


def test_the_best_has_an_interval_for_the_best_of_all_and_those_that_tie_with_it_are_named():
    table, sentence, figure = ranked([1, 1, 5, 5], 20)
    own = table.loc[table["activation"] == "tanh", "train_loss"]
    other = table.loc[table["activation"] == "relu", "train_loss"]
    best = min(own, other, key=np.mean)
    low, high = stats.t.interval(1 - 0.05 / 4, 19, best.mean(), stats.sem(best))
    assert f"({best.mean():.4f} [{low:.4f}, {high:.4f}], 20 seeds)" in sentence
    assert sentence.endswith("wide enough for whichever of the 4 is best).")
    assert figure == f"{best.mean():.4f} ({low:.4f} to {high:.4f})"
    names = ("tanh", "ReLU") if best is own else ("ReLU", "tanh")
    assert f"; no difference from {names[0]} shows for {names[1]} (in brackets " in sentence
    assert ranked([1, 3, 5, 7], 20)[1].count("no difference") == 0
    assert ranked([1, 1, 1, 1], 20, 0)[1].endswith("is 1.0000 at all of them.")
    assert "with 5 seeds no difference between them can be shown" in ranked([1, 3, 5, 7], 5)[1]


def test_the_interval_of_the_best_of_many_holds_where_its_own_would_not():
    rng = np.random.default_rng(0)
    held = {1: 0, 10: 0}
    for _ in range(1000):
        values = rng.normal(size=(10, 20))
        best = values[values.mean(axis=1).argmax()]
        for of in held:
            _, low, high = mean_interval(best, of)
            held[of] += low <= 0 <= high
    assert held[1] < 850 and held[10] >= 930


def test_ties_are_those_of_an_exact_test_of_signs():
    rng = np.random.default_rng(3)
    seeds, levels = np.repeat(np.arange(25), 4), np.tile(np.arange(4), 25)
    values = rng.normal(size=100) + np.take([0, 0.1, 2, 0.3], levels)
    runs = pd.DataFrame({"seed": seeds})
    table = by_unit(runs, levels, values)
    p = [stats.binomtest(int((table[level] > table[0]).sum()), 25).pvalue for level in (1, 2, 3)]
    order = np.argsort(p)
    corrected = np.maximum.accumulate(np.sort(p) * [3, 2, 1])
    expected = {int(order[place]) + 1 for place in range(3) if corrected[place] > 0.05}
    assert set(tied_with(table, 0)) == expected and 0 < len(expected) < 3
    # Seeds that share their points are no independent ones: the unit is the draw.
    shared = by_unit(runs.assign(draw=seeds % 5), levels, values)
    assert len(shared) == 5 and tied_with(shared, 0) == [1, 2, 3] and not can_tell(shared)
    assert len(by_unit(runs.assign(draw=seeds), levels, values)) == 25


def test_a_mean_of_two_groups_says_so():
    table = runs(0)
    table = pd.concat([table.assign(seed=table["seed"] + 5 * n) for n in range(4)])
    table["train_loss"] = np.r_[np.full(16, 0.25), np.full(4, 0.75)] + np.linspace(0, 1e-3, 20)
    study = {"question": "?", "vary": ["activation"], "cells": [CELL]}
    found = state_findings(DENSE, table, {"s": study})
    words = "in two groups, 16 near 0.2504 and 4 near 0.7509"
    assert words in found["studies"]["s"]["by_quantity"]["loss"][0]
    assert words in next(iter(found["cells"].values()))
    (row,) = summarize(DENSE, table.reset_index(drop=True)).to_dict("records")
    assert row["two_groups"].startswith(f"train_loss {words}; ")  # the others repeat five values


def test_findings_of_runs_that_all_diverged_say_so():
    table = runs(diverged=range(5))
    found = state_findings(
        DENSE, table, {"s": {"question": "?", "vary": ["activation"], "cells": [CELL]}}
    )
    assert "every run diverged" in found["studies"]["s"]["by_quantity"]["loss"][0].lower()
    assert "All 5 runs diverged" in next(iter(found["cells"].values()))


def test_first_layer_is_described_from_its_first_to_its_last_step():
    scalars = pd.DataFrame(
        [
            (f"conv1/{tensor}/{statistic}", step, value + step / 1000)
            for tensor, value in (("weights", 0.0), ("bias", 0.1))
            for statistic in ("mean", "std")
            for step in (200, 0, 100)
        ],
        columns=["tag", "step", "value"],
    )
    text = describe_first_layer(scalars, "steps")
    assert text.startswith("Over 200 steps")
    assert "of the bias, the mean went from 0.10000 to 0.30000" in text


def test_findings_of_a_family_without_loss_layers_and_time_rank_what_there_is(monkeypatch):
    monkeypatch.setitem(FAMILIES, PLAIN.name, PLAIN)
    table = pd.concat([plain_runs("rbf", 0.5, 0.75), plain_runs("rbf", 10.0, 0.5)])
    cells = table[list(PLAIN.axis_names)].drop_duplicates().to_dict("records")
    study = {"question": "?", "vary": ["c"], "cells": cells}
    found = describe_family(PLAIN, {"runs": table}, {"s": study}, {})
    assert found["columns"] == ["Highest held-out accuracy"]
    (sentence,) = found["studies"]["s"]["outcome"]
    assert sentence == (
        "Mean held-out accuracy is highest with C 0.5 (0.7500, 2 seeds) and lowest with C 10 "
        "(0.5000, 2 seeds); with 2 seeds no difference between them can be shown."
    )
    assert found["studies"]["s"]["by_quantity"] == {"accuracy": [sentence]}
    assert found["studies"]["s"]["layers"] == {"gradients": [], "units": []}
    assert found["cells"] == {
        f"dataset~moons/protocol~plain/kernel~rbf/c~{c}": (
            f"Training accuracy {train}; held-out accuracy {heldout} (2 seeds)."
        )
        for c, train, heldout in ((0.5, "0.8500", "0.7500"), (10, "0.6000", "0.5000"))
    }
    assert not {"predictions", "classes", "first_layer", "gradient_check"} & found.keys()


def test_findings_of_a_family_that_ranks_by_nothing_have_no_column_to_fill():
    table = plain_runs("rbf", 0.5, 0.75)
    cells = table[list(PLAIN.axis_names)].drop_duplicates().to_dict("records")
    study = {"question": "?", "vary": ["c"], "cells": cells}
    alike = tuple(replace(each, better="") for each in PLAIN.measures)
    found = state_findings(replace(PLAIN, measures=alike, ranked_by=()), table, {"s": study})
    assert found["columns"] == found["studies"]["s"]["outcome"] == []
    assert found["studies"]["s"]["best"] == [{"common": "", "levels": []}]
    assert list(found["cells"].values()) == ["(2 seeds)."]


def test_first_layers_stand_by_the_path_of_the_run():
    cell = dict.fromkeys(CONV.axis_names, "x")
    rows = [
        (f"{layer}/{tensor}/{statistic}", step, value * step)
        for layer, value in (("b", 0.25), ("a", 0.5))
        for tensor in ("bias", "weights")
        for statistic in ("mean", "std")
        for step in (0, 1000)
    ]
    frames = [
        pd.DataFrame([("loss", 0, 0.0), *rows], columns=["tag", "step", "value"]).assign(seed=seed)
        for seed in (0, 3)
    ]
    table = with_cell(pd.concat(frames), cell)
    found = describe_first_layers(CONV, table)
    path = make_cell(CONV, cell).path
    assert list(found) == [f"{path}/seed~0", f"{path}/seed~3"]
    # The first layer is the first in the table.
    assert found[f"{path}/seed~3"].startswith("Over 1,000 steps: of the weights, the mean went ")
    assert "from 0.00000 to 250.00000" in found[f"{path}/seed~3"]
    nothing = describe_first_layers(CONV, table[table["tag"] == "loss"])
    assert set(nothing.values()) == {"No statistics of the first layer are recorded."}


def test_findings_name_a_level_that_diverged_and_count_the_rest():
    table = pd.concat(
        [
            runs(1, diverged=[0]),
            runs(2, diverged=range(5), activation="relu"),
            runs(3, activation="sigmoid"),
        ],
        ignore_index=True,
    )
    cells = [CELL, CELL | {"activation": "relu"}, CELL | {"activation": "sigmoid"}]
    study = {"question": "?", "vary": ["activation"], "cells": cells}
    sentence, _ = state_findings(DENSE, table, {"s": study})["studies"]["s"]["by_quantity"]["loss"]
    assert "every run diverged with ReLU" in sentence
    assert "4 of 5 seeds, the others diverged" in sentence


def test_findings_compare_protocols_where_nothing_else_varies():
    table = pd.concat([runs(1), runs(2, protocol="corrected")], ignore_index=True)
    cells = [CELL, CELL | {"protocol": "corrected"}]
    study = {"question": "?", "vary": ["protocol"], "cells": cells}
    sentence, _ = state_findings(DENSE, table, {"s": study})["studies"]["s"]["by_quantity"]["loss"]
    assert "published arithmetic" in sentence and "corrected arithmetic" in sentence


def test_findings_say_when_nothing_is_lost_on_fresh_points():
    table = runs(1)
    table["heldout_loss"] = table["train_loss"] - 0.1
    study = {"question": "?", "vary": ["activation"], "cells": [CELL]}
    sentence = state_findings(DENSE, table, {"s": study})["studies"]["s"]["outcome"][-1]
    nowhere = "Mean held-out loss is above mean training loss nowhere by 0.0001 or more."
    assert sentence == nowhere
    # Nor is a difference of rounding a finding.
    table["heldout_loss"] = table["train_loss"] + 2e-16
    assert state_findings(DENSE, table, {"s": study})["studies"]["s"]["outcome"][-1] == nowhere


def test_text_of_the_user_is_no_markup():
    from docutils.core import publish_parts

    text = r"Is *this `or_ that_ |so| \\ ?"
    body = publish_parts(escape_markup([text])[0], writer="html")["body"]
    assert "system-message" not in body
    assert text in html.unescape(body)


@pytest.mark.parametrize("name", ["inf", "nan", "null", "true"])
def test_names_that_look_like_something_else_stay_names(tmp_path, name):
    write_table(runs(dataset=name), tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv")["dataset"].tolist() == [name] * 5


def test_files_are_found_by_their_folder_wherever_their_copies_lie():
    job = "results/machines/dataset~moons/c~0.5/seed~1"
    for before in ("", "/copies/results/of/bucket/", ".snakemake/storage/s3/bucket/"):
        paths = [f"{before}{job}/runs.csv", f"{before}results/data/moons/points.csv"]
        assert by_folder(paths) == {job: paths[0], "results/data/moons": paths[1]}
        assert from_results(paths[0]) == f"{job}/runs.csv"


@pytest.mark.parametrize(
    "text", ["=1+1", '=HYPERLINK("x")', "@sum", "+1", "-cmd|x", "\t=1", "'=1", "''+2", "--"]
)
def test_a_formula_is_text_to_a_spreadsheet_and_reads_back_as_written(tmp_path, text):
    frame = pd.DataFrame({"name": [text, "plain", "-1.5 m", "it's", None], "loss": [-1.0] * 5})
    write_table(frame, tmp_path / "a.csv")
    first = (tmp_path / "a.csv").read_text().splitlines()[1].lstrip('"')
    assert first.startswith("'")
    assert "\n-1.5 m,-1.0\nit's,-1.0\n,-1.0\n" in (tmp_path / "a.csv").read_text()
    back = read_table(tmp_path / "a.csv")
    assert back["name"].tolist()[:4] == [text, "plain", "-1.5 m", "it's"]
    assert back["loss"].tolist() == [-1.0] * 5
