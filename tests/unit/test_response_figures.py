"""Figures of numbers: what they draw is what SciPy and pandas compute of the same runs."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_hex
from scipy import stats

from restudy.families.registry import FAMILIES
from restudy.study.labels import label_of
from restudy.views.response_figures import (
    draw,
    parallel_coordinates,
    response_curves,
    response_map,
)

DENSE = FAMILIES["dense"]
RATE, SHARE = "optimizer.learning_rate", "optimizer.momentum"
RATES, SHARES = [0.001, 0.01, 0.1, 1.0], [0.5, 0.7, 0.9]
GRID = {
    "name": "rates",
    "question": "Which?",
    "vary": {"optimizer": ["gd", "momentum"], RATE: RATES, SHARE: SHARES},
    "scales": {RATE: "log"},
    "numbers": [RATE, SHARE],
    "sampled": False,
}
SAMPLE = {
    "name": "sampled",
    "question": "What?",
    "vary": {RATE: [], "hidden_size": [], "activation": ["tanh", "relu"]},
    "scales": {RATE: "log", "hidden_size": "log"},
    "numbers": [RATE, "hidden_size"],
    "sampled": True,
}


def run(seed, loss, **values):
    return {
        **values,
        "seed": seed,
        "train_loss": loss,
        # So that what is chosen is not what is best in other ways.
        "validation_loss": loss + abs(np.log10(values[RATE]) + 1),
        "heldout_loss": loss + 0.1,
        "train_accuracy": np.exp(-loss),
        "heldout_accuracy": np.exp(-loss - 0.1),
        "grad_norm": 1.0,
        "diverged_at": pd.NA,
        "diverged_by": None,
    }


@pytest.fixture(scope="module")
def grid():
    """Runs of a grid: gradient descent without momentum, and momentum with three shares."""
    rng = np.random.default_rng(0)
    rows = []
    for optimizer, shares in (("gd", [np.nan]), ("momentum", SHARES)):
        for rate in RATES:
            for share in shares:
                for seed in range(5):
                    loss = 1 + np.log10(rate) ** 2 / 9 - np.nan_to_num(share) / 4
                    values = {"optimizer": optimizer, RATE: rate, SHARE: share}
                    rows.append(run(seed, loss + rng.normal(0, 0.05), **values))
    table = pd.DataFrame(rows)
    return table.assign(diverged_at=table["diverged_at"].astype("Int64"))


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(40):
        rate, size = 10 ** rng.uniform(-4, 0), int(2 ** rng.uniform(1, 6))
        values = {RATE: rate, "hidden_size": size, "activation": rng.choice(["tanh", "relu"])}
        rows += [run(seed, 1 + (np.log10(rate) + 2) ** 2, **values) for seed in range(2)]
    table = pd.DataFrame(rows)
    return table.assign(diverged_at=table["diverged_at"].astype("Int64"))


def test_a_curve_has_mean_and_interval_at_every_value(grid):
    figure = response_curves(grid, GRID, DENSE, "loss")
    (axes,) = (each for each in figure.axes if each.get_xlabel())
    assert (axes.get_xlabel(), axes.get_xscale()) == ("Learning rate", "log")
    of_gd = axes.lines[0]
    np.testing.assert_allclose(of_gd.get_xdata(), RATES)
    own = grid[grid["optimizer"] == "gd"]
    for at, mean in zip(*of_gd.get_data(), strict=True):
        losses = own.loc[own[RATE] == at, "train_loss"]
        assert mean == pytest.approx(losses.mean())
        low, high = stats.t.interval(0.95, 4, losses.mean(), stats.sem(losses))
        bars = [
            path.vertices
            for lines in axes.collections
            if isinstance(lines, LineCollection)
            for path in lines.get_paths()
        ]
        assert any(np.allclose(bar, [(at, low), (at, high)]) for bar in bars)
    # The momentum of an optimizer that has one is pooled, seed by seed.
    own = grid[(grid["optimizer"] == "momentum") & (grid[RATE] == 1.0)]
    of_momentum = axes.lines[2]
    assert of_momentum.get_ydata()[-1] == pytest.approx(own["train_loss"].mean())
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "Means pool the seeds with: momentum." in texts


def test_a_map_has_every_mean_and_frames_the_chosen(grid):
    figure = response_map(grid, GRID, DENSE, "loss")
    # Gradient descent has no momentum, and no map.
    (axes,) = (each for each in figure.axes if each.get_ylabel() == "Momentum")
    (mesh,) = (each for each in axes.collections if isinstance(each, QuadMesh))
    own = grid[grid["optimizer"] == "momentum"]
    means = own.pivot_table("train_loss", SHARE, RATE)
    np.testing.assert_allclose(mesh.get_array().reshape(3, 4), means.to_numpy())
    share, rate = own.groupby([SHARE, RATE])["validation_loss"].mean().idxmin()
    assert (share, rate) != means.stack().idxmin()
    row, column = SHARES.index(share), RATES.index(rate)
    frame = np.column_stack(axes.lines[0].get_data())
    np.testing.assert_array_equal(frame.min(axis=0), (column, row))
    chosen = own.loc[(own[SHARE] == share) & (own[RATE] == rate), "train_loss"]
    low, high = stats.t.interval(0.95, 4, chosen.mean(), stats.sem(chosen))
    assert f"chosen: {chosen.mean():.4g} [{low:.4g}, {high:.4g}]" in axes.get_title("left")
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "Frame: the cell with the lowest mean validation loss." in " ".join(texts.split())


def test_a_cell_of_which_a_run_diverged_is_not_chosen_for_the_others(grid):
    own = grid[grid["optimizer"] == "momentum"]
    share, rate = own.groupby([SHARE, RATE])["validation_loss"].mean().idxmin()
    unlucky = own.index[(own[SHARE] == share) & (own[RATE] == rate)][0]
    runs = grid.copy()
    runs.loc[unlucky, "diverged_at"] = 3
    runs.loc[unlucky, "train_loss":"grad_norm"] = np.nan
    figure = response_map(runs, GRID, DENSE, "loss")
    (axes,) = (each for each in figure.axes if each.get_ylabel() == "Momentum")
    frame = np.column_stack(axes.lines[0].get_data())
    assert (RATES[int(frame[0, 0])], SHARES[int(frame[0, 1])]) != (rate, share)


def test_the_interval_of_an_accuracy_ends_at_one(grid):
    runs = grid.assign(heldout_accuracy=1 - grid["heldout_loss"] / 30)
    figure = response_map(runs, GRID, DENSE, "accuracy")
    (axes,) = (each for each in figure.axes if each.get_ylabel() == "Momentum")
    own = runs[runs["optimizer"] == "momentum"]
    share, rate = own.groupby([SHARE, RATE])["validation_loss"].mean().idxmin()
    frame = np.column_stack(axes.lines[0].get_data())
    np.testing.assert_array_equal(frame.min(axis=0), (RATES.index(rate), SHARES.index(share)))
    assert float(axes.get_title("left").rpartition(", ")[2].rstrip("]")) <= 1


def test_a_sample_has_a_point_per_cell_and_a_smooth_curve(sample):
    figure = response_curves(sample, SAMPLE, DENSE, "loss")
    panels = [each for each in figure.axes if each.get_xlabel()]
    assert [axes.get_xlabel() for axes in panels] == ["Learning rate", "Hidden units"]
    points = np.concatenate(
        [each.get_offsets() for each in panels[0].collections if isinstance(each, PathCollection)]
    )
    cells = sample.groupby([RATE, "hidden_size", "activation"])["train_loss"].mean()
    np.testing.assert_allclose(np.sort(points[:, 1]), np.sort(cells))
    # The losses are a function of the rate: a curve for each activation follows it.
    for line in panels[0].lines:
        at, height = (np.asarray(each) for each in line.get_data())
        np.testing.assert_allclose(height, 1 + (np.log10(at) + 2) ** 2, rtol=0.05)


def test_parallel_coordinates_have_a_line_per_cell_and_the_chosen_in_black(sample):
    figure = parallel_coordinates(sample, SAMPLE, DENSE, "loss")
    axes = figure.axes[0]
    (lines,) = (each for each in axes.collections if isinstance(each, LineCollection))
    cells = sample.groupby([RATE, "hidden_size", "activation"])["train_loss"].mean()
    assert len(lines.get_segments()) == len(cells)
    (black,) = (line for line in axes.lines if to_hex(line.get_color()) == "#000000")
    chosen = sample.groupby([RATE, "hidden_size", "activation"])["validation_loss"].mean().idxmin()
    assert chosen != cells.idxmin()
    logs = np.log(sample[RATE])
    place = (np.log(chosen[0]) - logs.min()) / np.ptp(logs)
    assert black.get_ydata()[0] == pytest.approx(place)
    assert black.get_ydata()[-1] > 0
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["Learning rate", "Hidden units", "Activation", "Training loss"]


def test_names_of_parallel_coordinates_stand_in_order_above_the_lines_and_are_not_cut(sample):
    names = ["tanh", "sigmoid", "relu", "leaky_relu", "maxout", "elu", "an_activation_of_ones_own"]
    places = np.arange(len(sample)) // 2 % len(names)
    runs = sample.assign(activation=np.array(names)[places])
    study = SAMPLE | {"vary": SAMPLE["vary"] | {"activation": names}}
    figure = parallel_coordinates(runs, study, DENSE, "loss")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [label_of(name) for name in names]
    shown = [text for text in axes.texts if text.get_text() in labels]
    heights = {text.get_text(): text.get_window_extent().y0 for text in shown}
    assert sorted(heights, key=heights.get, reverse=True) == labels
    drawn = [*axes.lines, *axes.collections]
    for text in axes.texts:
        box = text.get_window_extent()
        assert text.get_zorder() > max(each.get_zorder() for each in drawn)
        assert box.x0 > 0 and box.x1 < figure.bbox.x1
        own = int(text.xy[0])
        if own + 1 < len(axes.get_xticks()):
            assert box.x1 < axes.transData.transform((own + 1, 0))[0]
    rates = [text for text in axes.texts if text.xy[0] == 0]
    rates.sort(key=lambda text: text.get_window_extent().y0)
    values = [float(text.get_text()) for text in rates]
    assert len(values) > 2 and values == sorted(values)


@pytest.mark.parametrize("kind", ["curves", "map", "parallel"])
def test_where_nothing_can_be_drawn_the_figure_says_so(kind, grid):
    broken = grid.assign(diverged_at=pd.array([3] * len(grid), "Int64"))
    texts = [
        text.get_text()
        for text in draw(f"{kind} loss", {"runs": broken}, GRID, DENSE, []).axes[0].texts
    ]
    assert any("No finished run" in text for text in texts)
    study = GRID | {"numbers": []}
    figure = draw(f"{kind} loss", {"runs": grid}, study, DENSE, [])
    assert any("here: none" in text.get_text() for text in figure.axes[0].texts)
