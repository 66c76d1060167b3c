"""Figures that could mislead: many values of an axis, what is claimed, zeros, small drifts."""

import numpy as np
import pytest
import yaml
from conftest import ROOT
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from scipy import stats
from test_views_figures import (
    CONV,
    DENSE,
    conv_results,
    dense_results,
    layer_results,
    legends_of,
    panels_of,
    scalars_and_histograms,
    study_of,
)

from restudy.claims.claimed import claimed_values
from restudy.claims.document import complete_claims
from restudy.study.config import complete_config
from restudy.views import curves, final_accuracy_figure, layer_figures, panels, style, weights

NAMES = [f"own{number}" for number in range(12)]


def curves_of(vary, quantity="loss"):
    runs, history = dense_results(vary, seeds=3)
    return curves.curves_figure(history, study_of(vary), DENSE, quantity, runs)


def looks_of(axes):
    """Colour and dash of every line that is not the grey of other panels."""
    lines = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) != to_hex(curves.OTHERS_LOOK["color"])
    ]
    return [(to_hex(line.get_color()), str(line.get_linestyle())) for line in lines]


@pytest.mark.parametrize("count", [2, 8, 9, 12])
@pytest.mark.parametrize("axis", ["activation", "initializer"])
def test_no_two_lines_of_a_panel_look_the_same(axis, count):
    drawn = curves_of({axis: NAMES[:count]})
    shown = panels_of(drawn)
    for axes in shown:
        looks = looks_of(axes)
        assert len(set(looks)) == len(looks)
    if count <= 8:
        assert len(shown) == 1 and len(looks_of(shown[0])) == 2 * count
    else:
        # A panel for each name, among the others in grey.
        assert [axes.get_title("left") for axes in shown] == [
            name.capitalize() for name in NAMES[:count]
        ]
        assert all(len(axes.lines) == count + 1 for axes in shown)
        assert legends_of(drawn)["Grey"] == ["the other panels"]


def test_many_names_have_panels_and_the_next_axis_has_the_colours():
    drawn = curves_of({"activation": NAMES, "depth": [1, 2]})
    assert len(panels_of(drawn)) == 12
    assert [len(looks_of(axes)) for axes in panels_of(drawn)] == [4] * 12
    assert "Hidden layers" in legends_of(drawn)


def test_many_numbers_have_a_colour_scale_in_their_order():
    sizes = list(range(2, 22))
    drawn = curves_of({"hidden_size": sizes})
    (axes,) = panels_of(drawn)
    colors = [to_hex(line.get_color()) for line in axes.lines[::2]]
    assert colors == [style.color_of("hidden_size", size).lower() for size in sizes]
    (bar,) = [each for each in drawn.axes if each.get_label() == "color bar"]
    assert [text.get_text() for text in bar.get_yticklabels()] == [
        "2 units",
        "8 units",
        "15 units",
        "21 units",
    ]
    assert "Hidden units" in [text.get_text() for text in drawn.texts]
    # So many bands would hide one another.
    assert not axes.collections and "Line" in legends_of(drawn)


def test_many_values_of_a_convolutional_study_are_told_apart_too():
    optimizers = [f"entry_{number}" for number in range(10)]
    for vary in (
        {"optimizer": optimizers},
        {"activation": ["relu", "tanh"], "optimizer": optimizers},
    ):
        runs, history = conv_results(vary, seeds=2)
        drawn = curves.curves_figure(history, study_of(vary), CONV, "loss", runs)
        assert len(panels_of(drawn)) == 10
        assert "Optimizer" not in legends_of(drawn)


@pytest.mark.parametrize("count", range(2, 9))
def test_names_of_a_figure_have_different_colours(count):
    for start in range(40):
        names = [f"name {start + number}" for number in range(count)]
        colors = [style.color_of("activation", name, names) for name in names]
        assert len(set(colors)) == count
        # The first keeps the colour that it has alone.
        assert colors[0] == style.color_of("activation", names[0])
    known = ["tanh", "relu", "mine"]
    assert style.color_of("activation", "tanh", known) == style.COLORS["activation"]["tanh"]


def claims_about(*tests):
    config = complete_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    claim = {
        "id": "accuracy",
        "source": "Part 2",
        "statement": "It is so.",
        "model": "conv",
        "study": "baseline",
        "tests": list(tests),
    }
    return complete_claims({"claims": [claim]}, config)


EQUALS = {
    "form": "equals",
    "measure": "test_accuracy",
    "value": 0.9869,
    "tolerance": 0.003,
    "judged_by": "normal",
    "spread": {"value": 0.0013, "seeds": 3},
}


def test_what_is_claimed_of_a_cell_is_found():
    above = {"form": "threshold", "measure": "test_accuracy", "above": 0.98}
    early = {"form": "threshold", "measure": "test_loss", "below": 0.2, "at": 1100}
    claims = claims_about(EQUALS, above, early)
    first, second = claimed_values(claims, "conv", "baseline")
    assert (first["low"], first["high"]) == (pytest.approx(0.9839), pytest.approx(0.9899))
    assert first["spread"] == {"value": 0.0013, "seeds": 3}
    assert first["cell"]["activation"] == "relu" and first["measure"] == "test_accuracy"
    assert (second["low"], second["high"], second["spread"]) == (0.98, None, None)
    assert claimed_values(claims, "conv", "variation") == claimed_values(claims, "dense", "x") == []


def final_figure(claimed, vary=None, seeds=1):
    vary = vary or {"activation": ["relu"]}
    runs, _ = conv_results(vary, seeds=seeds)
    study = study_of(vary) | {"claimed": claimed}
    return runs, final_accuracy_figure.final_accuracy_figure(runs, study, CONV)


def test_the_published_value_stands_in_the_figure_that_asks_for_it():
    runs, drawn = final_figure(claimed_values(claims_about(EQUALS), "conv", "baseline"))
    (axes,) = panels_of(drawn)
    assert "0.9869" in [text.get_text() for text in axes.texts]
    (line,) = [each for each in axes.lines if set(each.get_xdata()) == {0.9869}]
    assert line.is_dashed()
    (band,) = [each for each in axes.patches if isinstance(each, Rectangle)]
    assert (band.get_x(), band.get_width()) == (pytest.approx(0.9839), pytest.approx(0.006))
    mean = runs["test_accuracy"].item()
    half = 0.0013 * stats.t.ppf(0.975, 2)
    interval = [each for each in axes.lines if len(set(each.get_xdata())) == 2]
    ends = sorted(interval[0].get_xdata())
    assert ends == pytest.approx([mean - half, min(mean + half, 1.0)])
    assert legends_of(drawn)["Claimed"] == ["published value", "its tolerance"]
    assert any(
        "that the claim states" in text.get_text().replace("\n", " ") for text in drawn.texts
    )
    left, right = axes.get_xlim()
    assert left < 0.9839 and right > 0.9869


def test_a_claim_stands_at_its_own_cell_and_of_several_seeds_the_runs_own_interval():
    vary = {"activation": ["relu", "tanh"]}
    claimed = claimed_values(claims_about({**EQUALS, "value": 0.9}), "conv", "baseline")
    _, drawn = final_figure(claimed, vary, seeds=3)
    (axes,) = panels_of(drawn)
    (line,) = [each for each in axes.lines if set(np.round(each.get_xdata(), 9)) == {0.9}]
    row = [text.get_text() for text in axes.get_yticklabels()].index("ReLU")
    assert np.mean(line.get_ydata()) == pytest.approx(row)
    assert not any("states" in text.get_text() for text in drawn.texts)
    _, nothing = final_figure([])
    assert "Claimed" not in legends_of(nothing)


def test_nothing_but_zeros_is_a_sentence():
    vary = {"activation": ["tanh", "relu"]}
    runs, table = layer_results(vary)
    cells = [
        {**dict(table.iloc[0][list(DENSE.axis_names)]), "activation": name}
        for name in vary["activation"]
    ]
    shares = ["saturated_share", "dead_share"]
    mine = table["activation"] == "tanh"
    part = table.assign(**{name: table[name].mask(mine, 0.0) for name in shares})
    drawn = layer_figures.inactive_units_figure(part, study_of(vary), DENSE, runs, cells)
    words = [" ".join(text.get_text().split()) for axes in panels_of(drawn) for text in axes.texts]
    assert words == ["No unit was saturated or dead at any recorded time"]
    nothing = table.assign(**dict.fromkeys(shares, 0.0))
    drawn = layer_figures.inactive_units_figure(nothing, study_of(vary), DENSE, runs, cells)
    (axes,) = panels_of(drawn)
    words = "No unit was saturated or dead at any recorded time in any run."
    assert [text.get_text() for text in axes.texts] == [words]
    # Rounding noise is no gradient, and stretches no axis.
    noise = table.assign(grad_norm=table["grad_norm"].mask(mine, 1e-17))
    drawn = layer_figures.gradient_norm_figure(noise, study_of(vary), DENSE, runs, cells)
    first, second = panels_of(drawn)
    assert [" ".join(text.get_text().split()) for text in first.texts] == [
        "The gradient was 0 at all recorded times"
    ]
    assert not second.texts and second.get_ylim()[0] > 1e-3


def test_small_shares_can_be_seen():
    vary = {"activation": ["tanh"]}
    runs, table = layer_results(vary)
    table = table.assign(saturated_share=0.02, dead_share=0.0)
    cells = [dict(table.iloc[0][list(DENSE.axis_names)])]
    drawn = layer_figures.inactive_units_figure(table, study_of(vary), DENSE, runs, cells)
    assert panels_of(drawn)[0].get_ylim()[1] < 0.12


def test_a_drift_of_a_thousandth_can_be_seen_and_is_said():
    scalars, _ = scalars_and_histograms()
    mean = scalars["tag"] == "conv1/weights/mean"
    steps = scalars.loc[mean, "step"]
    scalars.loc[mean, "value"] = 0.0002 - 0.0014 * steps / steps.max()
    drawn = weights.statistics_figure(scalars, "conv1")
    axes = panels_of(drawn)[2]
    low, high = axes.get_ylim()
    assert axes.get_ylabel() == "Mean\n(dimensionless)" and high - low < 0.002
    assert axes.get_title("right") == "\u22120.0014 from step 0 to 1,100"
    assert [each.get_ylabel() for each in panels_of(drawn)[::2]] == [
        f"{words}\n(dimensionless)" for words in ("Value", "Mean", "Standard deviation")
    ]


def test_intervals_that_reach_zero_do_not_stretch_a_logarithmic_axis():
    runs, history = dense_results({"activation": ["tanh"]}, seeds=2)
    # One seed falls to a thousandth of the other, so that the interval of two reaches below zero.
    small = history["seed"] == 1
    factor = 1 / (1 + history["pass"])
    history.loc[small, "train_loss"] *= factor[small]
    history.loc[small, "heldout_loss"] *= factor[small]
    drawn = curves.curves_figure(history, study_of({"activation": ["tanh"]}), DENSE, "loss", runs)
    axes = panels_of(drawn)[0]
    lowest = min(line.get_ydata().min() for line in axes.lines)
    assert axes.get_ylim()[0] >= lowest / panels.LOG_ROOM * 0.999


def test_one_seed_is_said_to_be_one():
    runs, history = dense_results({"activation": ["tanh"]}, seeds=1)
    drawn = curves.curves_figure(history, study_of({"activation": ["tanh"]}), DENSE, "loss", runs)
    assert legends_of(drawn)["Line"] == ["one seed"] and not panels_of(drawn)[0].collections
