"""Tables: exact numbers, summaries against SciPy, every column explained."""

import html
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from restudy.analysis.columns import describe_columns
from restudy.analysis.findings import describe_first_layer, state_findings
from restudy.analysis.markup import escape_markup
from restudy.analysis.statistics import mean_interval
from restudy.analysis.summaries import read_benchmarks, rows_of, summarize
from restudy.data import tables
from restudy.data.tables import (
    combine,
    read_rows,
    read_table,
    stack_tables,
    with_cell,
    write_table,
)
from restudy.study.grid import study_levels

CELL = {
    "dataset": "moons",
    "protocol": "published",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}


def runs(seed=0, diverged=(), **changes):
    rng = np.random.default_rng(seed)
    n = 5
    frame = pd.DataFrame(
        {
            "seed": range(n),
            "passes": 100,
            **{
                name: rng.random(n)
                for name in ("train_loss", "train_accuracy", "heldout_loss", "heldout_accuracy")
            },
            "reported_loss": np.nan,
            "grad_norm": rng.random(n),
            "diverged_at": pd.array([7 if i in diverged else None for i in range(n)], "Int64"),
        }
    )
    frame.loc[list(diverged), "train_loss":"grad_norm"] = np.nan
    return with_cell(frame, CELL | changes)


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
    summary = summarize("dense", table)
    assert summary["activation"].tolist() == ["tanh", "relu"]
    assert summary["n"].tolist() == [5, 5]
    assert summary["diverged"].tolist() == [2, 0]
    finite = table["train_loss"][[0, 2, 4]]
    assert summary["train_loss_mean"][0] == pytest.approx(finite.mean())
    assert summary["train_loss_sd"][0] == pytest.approx(finite.std())


def test_every_column_is_explained_and_an_unknown_one_is_refused():
    table = runs()
    assert set(describe_columns(table.columns)) == set(table.columns)
    summary = summarize("dense", table)
    assert all(text.endswith(".") for text in describe_columns(summary.columns).values())
    with pytest.raises(KeyError):
        describe_columns(["colour"])


def test_rows_come_in_the_order_of_the_cells():
    table = pd.concat([runs(1), runs(2, depth=2), runs(3, depth=3)], ignore_index=True)
    picked = rows_of(table, [CELL | {"depth": 3}, CELL])
    assert picked["depth"].tolist() == [3] * 5 + [1] * 5
    assert list(picked.columns) == list(table.columns)


def test_benchmarks_become_a_row_per_job_with_its_processor_time_to_the_end(tmp_path):
    measured = tmp_path / "results/benchmarks/train_dense/a~1"
    measured.mkdir(parents=True)
    header = "s\th:m:s\tmax_rss\tcpu_time"
    (measured / "b~2.tsv").write_text(f"{header}\n3.25\t0:00:03\t120.5\t1.5\n")
    (measured / "b~1.tsv").write_text(f"{header}\n0.25\t0:00:00\t-\t-\n")
    records = []
    for name, seconds in (("b~3", 4.0), ("b~2", 2.5), ("b~1", 0.2)):
        records.append(tmp_path / f"results/dense/a~1/{name}/provenance.json")
        records[-1].parent.mkdir(parents=True)
        records[-1].write_text(json.dumps({"cpu_seconds": seconds}))
    table = read_benchmarks(records)
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
    study = {"fix": {"activation": "tanh"}, "vary": {"depth": [1, 4]}}
    found = read_rows([tmp_path / "runs.csv"], study_levels("dense", CELL, study))
    assert found["depth"].tolist() == [1] * 5 + [4] * 5
    assert set(found["activation"]) == {"tanh"}


def test_findings_name_the_extremes_with_their_figures():
    better, worse = runs(1), runs(2, activation="relu")
    better["train_loss"], worse["train_loss"] = 0.25, 0.5
    table = pd.concat([better, worse], ignore_index=True)
    cells = [CELL, CELL | {"activation": "relu"}]
    found = state_findings(
        "dense", table, {"s": {"question": "?", "vary": ["activation"], "cells": cells}}
    )
    (sentence,) = found["studies"]["s"]["loss"]
    assert "lowest with tanh (0.2500 ± 0.0000, 5 seeds)" in sentence
    assert "highest with ReLU (0.5000" in sentence
    assert (found["runs"], found["cells_trained"], found["diverged"]) == (10, 2, 0)
    (best,) = found["studies"]["s"]["best"]
    assert best["loss"] == {"level": "tanh", "figure": "0.2500 ± 0.0000"}


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
    table["heldout_accuracy"] = np.where(table["optimizer"] == "my_own", 0.75, 0.5)
    cells = table[list(CELL)].drop_duplicates().to_dict("records")
    study = {"question": "?", "vary": ["protocol", "optimizer"], "cells": cells}
    best = state_findings("dense", table, {"s": study})["studies"]["s"]["best"]
    assert [row["common"] for row in best] == ["Published arithmetic", "Protocol quick"]
    expected = {"level": "optimizer my own", "figure": "0.7500 ± 0.0000"}
    assert [row["accuracy"] for row in best] == [expected] * 2


def test_findings_of_runs_that_all_diverged_say_so():
    table = runs(diverged=range(5))
    found = state_findings(
        "dense", table, {"s": {"question": "?", "vary": ["activation"], "cells": [CELL]}}
    )
    assert "every run diverged" in found["studies"]["s"]["loss"][0].lower()
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
    text = describe_first_layer(scalars)
    assert text.startswith("Over 200 steps")
    assert "of the bias, the mean went from 0.10000 to 0.30000" in text


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
    (sentence,) = state_findings("dense", table, {"s": study})["studies"]["s"]["loss"]
    assert "every run diverged with ReLU" in sentence
    assert "4 of 5 seeds, the others diverged" in sentence


def test_findings_compare_protocols_where_nothing_else_varies():
    table = pd.concat([runs(1), runs(2, protocol="corrected")], ignore_index=True)
    cells = [CELL, CELL | {"protocol": "corrected"}]
    study = {"question": "?", "vary": ["protocol"], "cells": cells}
    (sentence,) = state_findings("dense", table, {"s": study})["studies"]["s"]["loss"]
    assert "published arithmetic" in sentence and "corrected arithmetic" in sentence


def test_findings_say_when_nothing_is_lost_on_fresh_points():
    table = runs(1)
    table["heldout_loss"] = table["train_loss"] - 0.1
    study = {"question": "?", "vary": ["activation"], "cells": [CELL]}
    (sentence,) = state_findings("dense", table, {"s": study})["studies"]["s"]["gap"]
    assert sentence == "Mean held-out loss is above mean training loss nowhere."


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
