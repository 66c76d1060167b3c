"""Rungs and ranks of successive halving, and the figure of them."""

import numpy as np
import pandas as pd
import pytest
from small_study import small_section

from restudy.analysis.halving import describe_halving
from restudy.analysis.ranking import COLUMNS, rank_cells
from restudy.families.registry import FAMILIES
from restudy.plan import files, halving
from restudy.plan.studies import Plan
from restudy.study.config import complete_config
from restudy.views.halving_figure import halving_figure

DENSE = FAMILIES["dense"]
RATE = "optimizer.learning_rate"
CELL = {
    "dataset": "moons",
    "protocol": "tiny",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}


def made_up(losses):
    """Runs of some cells, a list of validation losses each; those that are missing diverged."""
    rows = []
    for place, values in enumerate(losses):
        for seed, loss in enumerate(values):
            measured = {each.name: loss for each in DENSE.measures if each.in_runs}
            rows.append(
                {
                    **CELL,
                    RATE: 0.5**place,
                    "cell": f"c{place}",
                    "seed": seed,
                    **measured,
                    "diverged_at": pd.NA if np.isfinite(loss) else 7,
                }
            )
    return pd.DataFrame(rows)


def rank(losses, promoted, measure="validation_loss"):
    return rank_cells(DENSE, made_up(losses), measure, promoted)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_the_means(seed):
    losses = np.random.default_rng(seed).uniform(0, 1, (13, 3))
    table = rank(losses.tolist(), 4)
    means = losses.mean(axis=1)
    assert table["rank"].tolist() == (means.argsort().argsort() + 1).tolist()
    assert table["cell"][table["promoted"]].tolist() == [
        f"c{place}" for place in sorted(means.argsort()[:4])
    ]
    np.testing.assert_allclose(table["validation_loss_mean"], means)


def test_more_is_better_of_an_accuracy():
    assert rank([[0.2], [0.9], [0.5]], 1, "validation_accuracy")["rank"].tolist() == [3, 1, 2]


def test_diverged_runs_come_last_and_equals_in_their_order():
    lost = np.nan
    table = rank([[0.01, lost], [0.5, 0.5], [lost, lost], [0.5, 0.5], [0.001, lost]], 2)
    assert table["rank"].tolist() == [4, 1, 5, 2, 3]
    assert table["promoted"].tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("cells", "keep", "rungs", "sizes"),
    [
        (64, 0.33, 3, [64, 21, 7]),
        (9, 0.33, 3, [9, 3, 1]),
        (2, 0.1, 4, [2, 1, 1, 1]),
        (1, 0.9, 2, [1, 1]),
        (1000, 0.5, 4, [1000, 500, 250, 125]),
    ],
)
def test_a_share_of_each_rung_goes_on_but_never_none(cells, keep, rungs, sizes):
    assert halving.rung_sizes(cells, keep, rungs) == sizes


def plan_of(**study):
    config = {
        "datasets": {"moons": {"kind": "moons"}},
        "dense": small_section(
            "moons",
            {
                "rates": {
                    "question": "Which rate?",
                    "vary": {RATE: [0.1, 0.2, 0.4, 0.8], "depth": [1, 2]},
                    "halving": {"budgets": [10, 20, 35], "keep": 0.4},
                    **study,
                }
            },
        ),
    }
    return Plan(complete_config(config), {"moons": 2})


def test_a_cell_keeps_its_place_through_all_rungs_and_only_its_budget_changes():
    plan = plan_of()
    first, second, third = halving.rungs(plan, DENSE, "rates")
    assert [(each.size, each.promoted) for each in (first, second, third)] == [
        *((8, 3), (3, 1), (1, 0))
    ]
    assert list(first.cells) == plan.cells(DENSE, "rates")
    for cells in zip(first.cells, second.cells, third.cells, strict=True):
        budgets = [plan.settings(DENSE, cell)["protocol"]["passes"] for cell in cells]
        assert budgets == [10, 20, 35]
        assert [cell.at["protocol.passes"] for cell in cells] == budgets
        others = [
            {axis: value for axis, value in cell.at.items() if axis != "protocol.passes"}
            for cell in cells
        ]
        assert others[0] == others[1] == others[2]
        # The budget of the protocol itself needs no override.
        assert cells[1]["protocol"] == "tiny" and cells[2]["protocol"] == "tiny+passes=35"


def test_all_rungs_of_a_cell_share_their_checkpoints():
    plan = plan_of()
    for rung in halving.rungs(plan, DENSE, "rates")[:2]:
        places = halving.promotion(plan, DENSE, rung)["next"]
        assert len({each["checkpoints"] for each in places.values()}) == 8
        assert all("/protocol~tiny/" in each["checkpoints"] for each in places.values())


def test_the_price_is_that_of_the_passes_that_are_missing():
    plan = plan_of()
    _, second, third = halving.rungs(plan, DENSE, "rates")
    found = [halving.likely_settings(plan, DENSE, rung)["protocol"] for rung in (second, third)]
    assert [each["passes"] for each in found] == [10, 15]


def test_table_figure_and_promoted_jobs_belong_to_the_results():
    plan = plan_of()
    wanted = set(files.requested_files(plan))
    page, figure = "results/tables/dense_halving.html", "results/figures/dense/rates_halving.svg"
    assert {page, figure} <= wanted
    assert {page.replace(".html", ".csv"), figure} <= set(files.aggregates(plan))
    slots = [f"results/dense/halving/rates/rung~{n}/slot~{m}" for n, m in ((2, 1), (2, 2), (2, 3))]
    slots.append("results/dense/halving/rates/rung~3/slot~1")
    assert files.all_folders(plan)["dense"] == [*plan.folders()["dense"], *slots]
    assert set(files.records(plan)) >= {f"{slot}/provenance.json" for slot in slots}


def table_of(sizes=(9, 3, 1), seeds=3):
    """A table of halvings, as the job writes it, and its study."""
    random, frames, alive = np.random.default_rng(1), [], list(range(sizes[0]))
    budgets = [10 * 3**rung for rung in range(len(sizes))]
    for rung, (size, later) in enumerate(zip(sizes, [*sizes[1:], 0], strict=True), start=1):
        losses = [
            [0.3 + 0.1 * place / rung + random.normal(0, 0.001) for _ in range(seeds)]
            for place in alive
        ]
        own = rank(losses, later)
        own[RATE] = [0.5**place for place in alive]
        own["protocol.passes"] = budgets[rung - 1]
        frames.append(own.drop(columns="cell").assign(study="rates", rung=rung))
        alive = [alive[place] for place in np.flatnonzero(own["promoted"])]
        assert len(own) == size
    table = pd.concat(frames, ignore_index=True)
    study = {
        "name": "rates",
        "asked": "Which rate?",
        "question": "Which rate? (First of 3 rungs, budget 10.)",
        "vary": {RATE: []},
        "halving": {"budgets": budgets, "keep": 0.33, "measure": "validation_loss"},
    }
    return table[[*COLUMNS, *table.columns.drop(list(COLUMNS))]], study


def test_the_figure_has_a_line_for_each_cell_and_the_chosen_in_black():
    table, study = table_of()
    figure = halving_figure(table, study, DENSE)
    axes = figure.axes[0]
    (black,) = (line for line in axes.lines if len(line.get_xdata()) == 3)
    best = table[table["rung"] == 3].iloc[0]
    own = table[table[RATE] == best[RATE]].sort_values("rung")
    np.testing.assert_allclose(black.get_ydata(), own["validation_loss_mean"])
    np.testing.assert_allclose(black.get_xdata(), [10, 30, 90])
    points = sum(len(each.get_offsets()) for each in axes.collections if len(each.get_offsets()))
    assert points >= 9 + 3 - 2
    texts = [each.get_text() for each in (*axes.texts, *figure.texts)]
    assert {"9 cells", "3 cells", "1 cell"} <= set(texts)
    assert any("Which rate?" in text for text in texts)
    assert not any("First of" in text for text in texts)


def test_where_every_run_diverged_there_is_a_figure_and_a_sentence():
    table, study = table_of()
    measured = [name for name in table if name.endswith(("_mean", "_sd", "_low", "_high"))]
    table[measured], table["diverged"] = np.nan, table["n"]
    halving_figure(table, study, DENSE)
    assert describe_halving(DENSE, table, study)[1] == "In the last rung, every run diverged."


def test_what_is_chosen_is_reported_by_what_it_was_not_chosen_by():
    table, study = table_of()
    counts, chosen = describe_halving(DENSE, table, study)
    assert counts == (
        "Successive halving by mean validation loss: 9 with 10 passes, of which the best went on, "
        "3 with 30, 1 with 90."
    )
    last = table[table["rung"] == 3].iloc[0]
    assert f"its held-out accuracy is {last['heldout_accuracy_mean']:.4f} (95% interval " in chosen
