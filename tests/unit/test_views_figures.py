"""Every figure on invented results: legible, true to its numbers, calm when runs are missing."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import PathPatch

from restudy.analysis.boundaries import Boundaries
from restudy.analysis.importance import COLUMNS, Importance
from restudy.analysis.statistics import mean_interval
from restudy.data.class_names import CLASS_NAMES, class_names
from restudy.families.contract import Axis, Family, Measure, Time
from restudy.families.registry import FAMILIES
from restudy.study import labels
from restudy.views import (
    boundaries,
    curves,
    effects_figure,
    filters,
    final_accuracy_figure,
    gradient_check_figure,
    importance_figure,
    layer_figures,
    points_figure,
    prediction_figures,
    selection,
    style,
    weights,
)
from restudy.views.boundaries import Accuracy

DENSE, CONV = FAMILIES["dense"], FAMILIES["conv"]
DENSE_BASE = {
    "dataset": "moons",
    "protocol": "corrected",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}
CONV_BASE = {
    "dataset": "mnist",
    "protocol": "published",
    "activation": "relu",
    "initializer": "truncated_normal",
    "optimizer": "adam",
}
LONG_QUESTION = (
    "Which of activation, hidden units and initial values matters most on two moons? " * 2
)
PROTOCOLS = ["published", "corrected"]
ACTIVATIONS = ["tanh", "sigmoid", "relu"]
DENSE_STUDIES = {
    "one_axis": {"hidden_size": [3, 5, 8, 50]},
    "protocols": {"protocol": PROTOCOLS, "activation": ACTIVATIONS},
    "three_axes": {
        "protocol": PROTOCOLS,
        "activation": ACTIVATIONS,
        "depth": [1, 4],
        "initializer": ["fan_in_normal", "xavier_uniform"],
    },
    "one_cell": {},
}
# Each cell has a panel: here three rows of them, the last one not full.
LAYER_STUDIES = {
    "one_cell": {},
    "protocols": DENSE_STUDIES["protocols"],
    "four_axes": DENSE_STUDIES["three_axes"] | {"activation": ["tanh", "sigmoid"], "depth": [1, 2]},
}
CONV_STUDIES = {
    "one_cell": {},
    "one_axis": {"activation": ["relu", "tanh", "leaky_relu"]},
    "factorial": {
        "activation": ["relu", "tanh"],
        "initializer": ["truncated_normal", "xavier_uniform"],
        "optimizer": ["adam", "gd", "momentum"],
    },
}


def study_of(vary):
    return {"name": "study", "question": LONG_QUESTION, "vary": vary}


@functools.cache
def dense_results_of(name):
    return dense_results(DENSE_STUDIES[name], diverged=(3,))


def dense_results(vary, seeds=6, diverged=()):
    random = np.random.default_rng(0)
    passes = np.array([0, 1, 10, 100, 1000, 5000, 10000, 20000])
    runs, history = [], []
    for combination in itertools.product(*vary.values()):
        cell = DENSE_BASE | dict(zip(vary, combination, strict=True))
        for seed in range(seeds):
            final = random.uniform(0.2, 0.4)
            loss = final + (0.7 - final) / (1 + passes / 100)
            key = cell | {"seed": seed}
            measures = {
                "train_loss": loss,
                "train_accuracy": 1 - loss / 2,
                "heldout_loss": loss * 1.1,
                "heldout_accuracy": 0.98 - loss / 2,
            }
            last = {name: values[-1] for name, values in measures.items()}
            broke = 300 if seed in diverged else np.nan
            runs.append(key | last | {"passes": 20000, "diverged_at": broke})
            history.append(pd.DataFrame(key | {"pass": passes} | measures))
    return pd.DataFrame(runs), pd.concat(history, ignore_index=True)


def conv_results(vary, seeds=3):
    random = np.random.default_rng(1)
    steps = np.arange(0, 1101, 100)
    evaluated = steps % 300 == 0
    evaluated[-1] = True
    runs, history = [], []
    for combination in itertools.product(*vary.values()):
        cell = CONV_BASE | dict(zip(vary, combination, strict=True))
        for seed in range(seeds):
            loss = 2.3 / (1 + steps / random.uniform(20, 200)) + 0.01
            key = cell | {"seed": seed}
            measures = {}
            for part in ("train", "validation", "test"):
                shown = evaluated | (part == "train")
                measures[f"{part}_loss"] = np.where(shown, loss, np.nan)
                measures[f"{part}_accuracy"] = np.where(shown, 1 - loss / 2.6, np.nan)
            last = {name: values[-1] for name, values in measures.items()}
            runs.append(key | last | {"steps": 1100, "diverged_at": ""})
            history.append(pd.DataFrame(key | {"step": steps} | measures))
    return pd.DataFrame(runs), pd.concat(history, ignore_index=True)


ACCURACIES = [Accuracy("training", 0.9, 0.91), Accuracy("held-out", 0.875, 0.885)]
MOONS = {"classes": ["0", "1"], "features": ["x1", "x2"]}


def moon_points():
    random = np.random.default_rng(2)
    angle = random.uniform(0, np.pi, 60)
    label = np.arange(60) % 2
    x1 = np.where(label, 1 - np.cos(angle), np.cos(angle))
    x2 = np.where(label, 0.5 - np.sin(angle), np.sin(angle))
    part = np.where(np.arange(60) < 30, "train", "heldout")
    return pd.DataFrame({"x1": x1, "x2": x2, "label": label, "part": part})


def found_boundaries(x1, x2, probability, leads=(), straight=None):
    """What the runs of a cell predict; the others' leads are on the same grid."""
    leads = np.asarray(leads) if len(leads) else np.empty((0, 1, len(x2), len(x1)))
    others = tuple(range(1, len(leads) + 1))
    return Boundaries(
        0, "Held-out accuracy", others, x1, x2, probability, x1, x2, leads, straight, 0
    )


def boundary_grid(shift=0.0):
    x1, x2 = np.linspace(-1.5, 2.5, 61), np.linspace(-1, 1.5, 51)
    score = x2[:, None] - 0.5 * np.sin(2 * x1) - shift
    of_class_1 = 1 / (1 + np.exp(4 * score))
    probability = np.stack([1 - of_class_1, of_class_1], axis=-1)
    leads = [[0.1 * number - score] for number in (-1, 1)]
    return found_boundaries(x1, x2, probability, leads, straight=1)


def cloud(features, classes, points=120):
    """Points round the corners of a simplex, and what a data set says of them."""
    random = np.random.default_rng(5)
    label = np.arange(points) % classes
    centres = 6 * random.normal(size=(classes, features))
    x = centres[label] + random.normal(size=(points, features))
    frame = pd.DataFrame(x, columns=[f"x{number + 1}" for number in range(features)])
    frame["label"], frame["part"] = label, np.where(np.arange(points) % 7 > 2, "train", "heldout")
    description = {
        "classes": [f"sort {number} of $" for number in range(classes)],
        "features": [f"_width {number} ($)" for number in range(features)],
        "mean": [0.0] * features,
        "scale": [1.0] * features,
    }
    return frame, description


def grid_of_three():
    """Class 0 on the left, above right class 1, below class 2."""
    x1, x2 = np.linspace(-2.0, 2.0, 41), np.linspace(-1.0, 1.0, 21)
    right, above = np.meshgrid(x1 > 0, x2 > 0)
    chosen = np.where(right, np.where(above, 1, 2), 0)
    most = np.where(right, 0.9, 0.5)
    rest = ((1 - most) / 2)[..., None]
    probability = np.where(np.arange(3) == chosen[..., None], most[..., None], rest)
    return found_boundaries(x1, x2, probability)


def cells_of_two_data_sets():
    cells = boundary_cells({"dataset": ["moons", "clouds"]})
    frame, description = cloud(2, 3)
    cells[1] |= {"boundaries": grid_of_three(), "points": frame, "description": description}
    return cells


def boundary_cells(vary):
    cells = []
    for combination in itertools.product(*vary.values()):
        values = dict(zip(vary, combination, strict=True))
        drawn = {"boundaries": boundary_grid(), "points": moon_points(), "description": MOONS}
        cells.append({"values": values, **drawn, "accuracies": ACCURACIES})
    return cells


def scalars_and_histograms():
    random = np.random.default_rng(3)
    scalars, histograms = [], []
    for step in range(0, 1101, 100):
        for tensor, size in (("weights", 800), ("bias", 32)):
            values = random.normal(-step / 5000, 0.05 + step / 20000, size)
            if tensor == "bias" and step == 0:
                values = np.full(size, 0.1)
            for kind in ("min", "max", "mean", "std"):
                scalars.append((f"conv1/{tensor}/{kind}", step, getattr(values, kind)()))
            counts, edges = np.histogram(values, 20)
            rows = zip(edges[:-1], edges[1:], counts, strict=True)
            histograms += [(f"conv1/{tensor}", step, *row) for row in rows]
    return (
        pd.DataFrame(scalars, columns=["tag", "step", "value"]),
        pd.DataFrame(histograms, columns=["tag", "step", "left", "right", "count"]),
    )


def dense_figure(quantity, name):
    runs, history = dense_results_of(name)
    return curves.curves_figure(history, study_of(DENSE_STUDIES[name]), DENSE, quantity, runs)


def conv_figure(quantity, name):
    runs, history = conv_results(CONV_STUDIES[name])
    return curves.curves_figure(history, study_of(CONV_STUDIES[name]), CONV, quantity, runs)


def layer_results(vary, seeds=6):
    """Three layers of every run of the study: norms, and shares of two hidden layers."""
    runs, history = dense_results(vary, seeds=seeds, diverged=(3,))
    keys = [*DENSE_BASE, "seed", "pass"]
    tables = []
    for layer in (1, 2, 3):
        shares = {"saturated_share": 0.2 * layer, "dead_share": 0.1 * layer}
        if layer == 3:
            shares = dict.fromkeys(shares, np.nan)
        norms = {"layer": layer, "grad_norm": history["train_loss"] / layer}
        tables.append(history[keys].assign(**norms, **shares))
    return runs, pd.concat(tables, ignore_index=True)


def layers_figure(draw, name):
    vary = LAYER_STUDIES[name]
    runs, table = layer_results(vary)
    cells = [
        DENSE_BASE | dict(zip(vary, values, strict=True))
        for values in itertools.product(*vary.values())
    ]
    return draw(table, study_of(vary), DENSE, runs, cells)


def conv_layer_results(vary, seeds=2):
    """The four layers of every run of a CNN study, named and in order; seed 1 diverged."""
    runs, history = conv_results(vary, seeds=seeds)
    runs["diverged_at"] = np.where(runs["seed"] == 1, 300.0, np.nan)
    tables = []
    for number, layer in enumerate(("conv1", "conv2", "fc1", "fc2"), start=1):
        shares = {"saturated_share": 0.2 * number, "dead_share": 0.1 * number}
        if layer == "fc2":
            shares = dict.fromkeys(shares, np.nan)
        norms = {"layer": layer, "grad_norm": history["train_loss"] / number}
        tables.append(history[[*CONV_BASE, "seed", "step"]].assign(**norms, **shares))
    return runs, pd.concat(tables, ignore_index=True)


def conv_layers_figure(draw, name):
    vary = CONV_STUDIES[name]
    runs, table = conv_layer_results(vary)
    cells = [
        CONV_BASE | dict(zip(vary, values, strict=True))
        for values in itertools.product(*vary.values())
    ]
    return draw(table, study_of(vary), CONV, runs, cells)


def prediction_table(classes=10, images=1000, right=0.9):
    """Predictions of a run whose wrong answers are spread evenly."""
    random = np.random.default_rng(6)
    label = random.integers(0, classes, images)
    wrong = random.random(images) > right
    predicted = np.where(wrong, random.integers(0, classes, images), label)
    loss = random.exponential(0.1, images) + 3 * wrong
    table = {"image": np.arange(images), "label": label, "predicted": predicted, "loss": loss}
    return pd.DataFrame(table)


def image_set(count=1000, height=28, width=28):
    return np.random.default_rng(7).integers(0, 256, (count, height, width), dtype=np.uint8)


def kernels(count=32, side=5):
    return np.random.default_rng(8).normal(0, 0.1, (side, side, 1, count)).astype(np.float32)


def gradient_table():
    rows = itertools.product(
        ["tanh", "sigmoid", "relu", "leaky_relu", "gelu"],
        PROTOCOLS,
        range(1, 6),
        ["weights", "bias"],
    )
    table = pd.DataFrame(rows, columns=["activation", "arithmetic", "layer", "parameter"])
    wrong = (table["arithmetic"] == "published") & (table["layer"] < 5)
    return table.assign(relative_error=np.where(wrong, 0.3, 1e-9))


AXES = [
    "activation",
    "hidden_size",
    "depth",
    "initializer",
    "optimizer.learning_rate",
    "protocol.l2",
    "dataset.noise",
    "a_setting_of_somebody_whose_name_is_$long$",
]


def importance_of(count, **facts):
    """Shares that fall from axis to axis, then from pair to pair, the last axes' first."""
    terms = [(axis, "", 0.3 * 0.5**place) for place, axis in enumerate(AXES[:count])]
    pairs = reversed(list(itertools.combinations(AXES[:count], 2)))
    terms += [(*pair, 0.2 * 0.5**place) for place, pair in enumerate(pairs)]
    rows = [(*term, share, 0.6 * share, 1.4 * share) for *term, share in terms]
    counts = {"cells": 600, "lost_cells": 1, "lost_runs": 7, "between": 2.0, "within": 0.1}
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Importance(table, **{"reason": "", "higher": 0.01, "r_squared": 0.876} | counts | facts)


def shares_figure(count, **facts):
    found = importance_of(count, **facts)
    return importance_figure.importance_figure(found, LONG_QUESTION, "Training loss")


def panel_of(vary):
    return boundaries.boundary_panel(boundary_cells(vary), study_of(vary))


FIGURES = {
    "points": lambda: points_figure.points_figure(moon_points(), MOONS, "Two moons", "A note."),
    **{
        f"points-{features}-{classes}": lambda features=features, classes=classes: (
            points_figure.points_figure(*cloud(features, classes), "Clouds")
        )
        for features, classes in ((1, 3), (2, 5), (7, 10), (3, 40))
    },
    "boundary": lambda: boundaries.boundary_figure(
        boundary_grid(), moon_points(), MOONS, "tanh, 3 hidden units", "A note.", ACCURACIES
    ),
    "boundary-three-classes": lambda: boundaries.boundary_figure(
        grid_of_three(), *cloud(2, 3), "tanh, 3 hidden units", "A note.", ACCURACIES
    ),
    "panel-data-sets": lambda: boundaries.boundary_panel(
        cells_of_two_data_sets(), study_of({"dataset": ["moons", "clouds"]})
    ),
    "panel-one": lambda: panel_of({"activation": ["tanh"]}),
    "panel-five": lambda: panel_of({"hidden_size": [3, 5, 8, 16, 50]}),
    "panel-protocols": lambda: panel_of(DENSE_STUDIES["protocols"]),
    "panel-12": lambda: panel_of(
        {"protocol": PROTOCOLS, "activation": ["tanh", "relu"], "hidden_size": [3, 5, 8]}
    ),
    **{
        f"{quantity}_curves-{name}": lambda quantity=quantity, name=name: dense_figure(
            quantity, name
        )
        for quantity in ("loss", "accuracy")
        for name in DENSE_STUDIES
        if quantity == "loss" or name == "protocols"
    },
    **{
        f"effects-{name}-{measure}": lambda name=name, measure=measure: (
            effects_figure.effects_figure(
                dense_results(DENSE_STUDIES[name])[0],
                study_of(DENSE_STUDIES[name]),
                DENSE,
                measure,
            )
        )
        for name, measure in (
            ("one_axis", "accuracy"),
            ("protocols", "loss"),
            ("three_axes", "accuracy"),
        )
    },
    **{
        f"conv_{quantity}_curves-{name}": lambda quantity=quantity, name=name: conv_figure(
            quantity, name
        )
        for quantity in ("loss", "accuracy")
        for name in CONV_STUDIES
        if quantity == "loss" or name == "factorial"
    },
    **{
        f"final-{name}": lambda name=name: final_accuracy_figure.final_accuracy_figure(
            conv_results(CONV_STUDIES[name])[0], study_of(CONV_STUDIES[name]), CONV
        )
        for name in CONV_STUDIES
    },
    **{
        f"{draw.__name__}-{name}": lambda draw=draw, name=name: layers_figure(draw, name)
        for draw in (layer_figures.gradient_norm_figure, layer_figures.inactive_units_figure)
        for name in LAYER_STUDIES
    },
    **{
        f"conv-{draw.__name__}-{name}": lambda draw=draw, name=name: conv_layers_figure(draw, name)
        for draw in (layer_figures.gradient_norm_figure, layer_figures.inactive_units_figure)
        for name in ("one_cell", "factorial")
    },
    **{
        f"confusion-{kind}-{classes}": lambda kind=kind, classes=classes: (
            prediction_figures.confusion_figure(
                prediction_table(classes), class_names(kind, classes), "A note."
            )
        )
        for kind, classes in (
            ("mnist", 10),
            ("fashion_mnist", 10),
            ("idx", 2),
            ("idx", 12),
            ("idx", 13),
            ("idx", 256),
        )
    },
    **{
        f"worst-{kind}-{size}": lambda kind=kind, size=size: prediction_figures.most_wrong_figure(
            prediction_table(), image_set(1000, *size), class_names(kind, 10), "A note."
        )
        for kind, size in (
            ("mnist", (28, 28)),
            ("fashion_mnist", (28, 28)),
            ("idx", (20, 60)),
            ("idx", (60, 20)),
        )
    },
    **{
        f"filters-{size[0]}": lambda size=size: filters.filters_figure(kernels(*size), "A note.")
        for size in ((32,), (64,), (3,), (1, 1), (500, 4))
    },
    **{f"importance-{count}": functools.partial(shares_figure, count) for count in (1, 3, 8)},
    "importance-none": lambda: shares_figure(0, reason="Nothing varies between the cells."),
    "gradient_check": lambda: gradient_check_figure.gradient_check_figure(gradient_table()),
    "statistics": lambda: weights.statistics_figure(scalars_and_histograms()[0], "conv1"),
    "histograms": lambda: weights.histograms_figure(scalars_and_histograms()[1], "conv1"),
}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    drawn = FIGURES[request.param]()
    drawn.draw_without_rendering()
    return drawn


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_visible() and axes.get_label() != "color bar"]


def tick_boxes(axis, limits):
    low, high = sorted(limits)
    margin = 1e-6 * (high - low)
    return [
        tick.label1.get_window_extent()
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible()
        and tick.label1.get_text()
        and low - margin <= tick.get_loc() <= high + margin
    ]


def overlap(one, other):
    return min(one.x1, other.x1) > max(one.x0, other.x0) + 0.5 and min(one.y1, other.y1) > (
        max(one.y0, other.y0) + 0.5
    )


def test_every_row_and_column_of_panels_has_axis_titles(figure):
    assert panels_of(figure)
    # A sheet of pictures has no axes to name.
    panels = [axes for axes in panels_of(figure) if axes.axison]
    for column in {round(axes.get_position().x0, 3) for axes in panels}:
        members = [axes for axes in panels if round(axes.get_position().x0, 3) == column]
        assert any(axes.get_xlabel() for axes in members)
    for row in {round(axes.get_position().y0, 3) for axes in panels}:
        members = [axes for axes in panels if round(axes.get_position().y0, 3) == row]
        assert any(axes.get_ylabel() for axes in members)


def test_tick_labels_do_not_overlap(figure):
    for axes in panels_of(figure):
        boxes = tick_boxes(axes.xaxis, axes.get_xlim()) + tick_boxes(axes.yaxis, axes.get_ylim())
        assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))


def test_tick_labels_of_neighbouring_panels_do_not_touch(figure):
    boxes = [box for axes in panels_of(figure) for box in tick_boxes(axes.xaxis, axes.get_xlim())]
    assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))


def test_nothing_leaves_the_page_and_legends_stay_off_the_data(figure):
    page = figure.bbox
    inside = [text.get_window_extent() for text in figure.texts]
    inside += [axes.get_tightbbox() for axes in figure.axes if axes.get_visible()]
    legends = [legend.get_window_extent() for legend in figure.legends]
    for box in inside + legends:
        assert box.x0 >= -0.5 and box.y0 >= -0.5, box
        assert box.x1 <= page.x1 + 0.5 and box.y1 <= page.y1 + 0.5, box
    panels = [axes.get_tightbbox() for axes in panels_of(figure)]
    around = legends + [text.get_window_extent() for text in figure.texts]
    assert not any(overlap(box, panel) for box in around for panel in panels)
    assert not any(overlap(a, b) for a, b in itertools.combinations(around, 2))
    assert not any(overlap(a, b) for a, b in itertools.combinations(panels, 2))


@pytest.mark.parametrize("name", ["loss_curves-one_axis", "histograms", "boundary", "importance-8"])
def test_two_renderings_have_the_same_few_bytes(tmp_path, name):
    for copy in ("one", "two"):
        style.save(FIGURES[name](), tmp_path / f"{copy}.svg")
    one, two = ((tmp_path / f"{copy}.svg").read_bytes() for copy in ("one", "two"))
    assert one == two
    assert len(one) < 300_000


def test_svg_of_many_curves_stays_small(tmp_path):
    style.save(dense_figure("loss", "three_axes"), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 300_000


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_long_histories_are_thinned_to_recorded_times_with_both_ends(scale):
    times = np.arange(1, 20001)
    thinned = selection.thin_times(times[::-1], 50, scale)
    assert set(thinned) <= set(times) and len(thinned) <= 50
    assert (thinned[0], thinned[-1]) == (1, 20000)
    assert (np.median(thinned) < 1000) == (scale == "log")
    assert selection.thin_times(times[:50], 50, scale).tolist() == times[:50].tolist()


def test_svg_of_a_long_history_stays_small(tmp_path):
    vary = {"activation": ACTIVATIONS}
    _, short = dense_results(vary, seeds=2)
    start = short[short["pass"] == 0]
    wiggle = np.random.default_rng(0).uniform(0.2, 0.7, (1000, len(start)))
    rows = [start.assign(**{"pass": 20 * n, "train_loss": wiggle[n]}) for n in range(1000)]
    drawn = curves.curves_figure(pd.concat(rows), study_of(vary), DENSE, "loss")
    style.save(drawn, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 300_000
    assert panels_of(drawn)[0].lines[0].get_xdata()[-1] == 19980


def test_curves_show_mean_and_interval_in_the_colour_of_the_value():
    runs, history = dense_results({"activation": ACTIVATIONS})
    drawn = curves.curves_figure(
        history, study_of({"activation": ACTIVATIONS}), DENSE, "loss", runs
    )
    axes = panels_of(drawn)[0]
    assert len(axes.lines) == 6
    table = history[(history["activation"] == "sigmoid") & (history["pass"] > 0)].pivot(
        index="pass", columns="seed", values="train_loss"
    )
    line = axes.lines[2]
    np.testing.assert_allclose(line.get_ydata(), table.mean(axis=1))
    assert to_hex(line.get_color()) == style.color_of("activation", "sigmoid").lower()
    assert line.get_linestyle() == "-" and axes.lines[3].get_linestyle() == "--"
    band = axes.collections[2].get_paths()[0].vertices
    for _, values in table.iterrows():
        for value in mean_interval(values)[1:]:
            assert np.isclose(band[:, 1], value).any()
    assert legends_of(drawn)["Line and band"] == [
        f"mean of {table.shape[1]} seeds",
        "its 95 % interval",
    ]


def test_protocol_panels_share_the_vertical_axis():
    drawn = dense_figure("loss", "protocols")
    left, right = panels_of(drawn)
    assert left.get_ylim() == right.get_ylim()
    assert [left.get_title("left"), right.get_title("left")] == [
        "Published arithmetic",
        "Corrected arithmetic",
    ]


def test_diverged_runs_are_left_out_and_counted():
    texts = [text.get_text() for text in dense_figure("loss", "protocols").texts]
    assert any("6 diverged runs left out" in text for text in texts)
    runs, history = dense_results({}, seeds=2, diverged=(1,))
    drawn = curves.curves_figure(history, study_of({}), DENSE, "loss", runs)
    kept = history[(history["seed"] == 0) & (history["pass"] > 0)]
    np.testing.assert_allclose(panels_of(drawn)[0].lines[0].get_ydata(), kept["train_loss"])


def test_third_axis_is_pooled_and_named():
    texts = [text.get_text() for text in dense_figure("loss", "three_axes").texts]
    assert any("initial values" in text for text in texts)


def test_effects_show_the_mean_of_each_value_in_its_colour():
    vary = DENSE_STUDIES["three_axes"]
    runs, _ = dense_results(vary)
    drawn = effects_figure.effects_figure(runs, study_of(vary), DENSE)
    first = panels_of(drawn)[0]
    means = [
        runs[(runs["protocol"] == "published") & (runs["activation"] == value)][measure].mean()
        for value in ACTIVATIONS
        for measure in ("train_accuracy", "heldout_accuracy")
    ]
    shown = [line for line in first.lines if len(line.get_xdata()) == 1]
    np.testing.assert_allclose([line.get_xdata()[0] for line in shown], means)
    heights = np.array([line.get_ydata()[0] for line in shown]).reshape(-1, 2)
    assert (heights[:, 0] < heights[:, 1]).all()  # training above held-out: the axis points down
    assert [to_hex(line.get_color()) for line in first.lines[::4]] == [
        style.color_of("activation", value).lower() for value in ACTIVATIONS
    ]


def test_effects_average_each_seed_over_the_other_axes():
    frame = pd.DataFrame({"seed": [0, 0, 1, 1], "test_loss": [1.0, 3.0, 5.0, np.nan]})
    assert effects_figure.seed_means(frame, "test_loss").tolist() == [2.0, 5.0]


def test_accuracy_intervals_end_at_one():
    vary = {"activation": ["relu", "tanh"]}
    runs, _ = conv_results(vary)
    runs["test_accuracy"] = [0.8, 0.9, 1.0] * 2
    for drawn in (
        effects_figure.effects_figure(runs, study_of(vary), CONV),
        final_accuracy_figure.final_accuracy_figure(runs, study_of(vary), CONV),
    ):
        ends = [line.get_xdata()[-1] for axes in panels_of(drawn) for line in axes.lines]
        assert max(ends) == 1.0


def test_averages_over_unequal_cells_carry_a_warning():
    vary = DENSE_STUDIES["three_axes"]
    runs, _ = dense_results(vary, seeds=2)
    whole = effects_figure.effects_figure(runs, study_of(vary), DENSE)
    runs.loc[0, "diverged_at"] = 10
    broken = effects_figure.effects_figure(runs, study_of(vary), DENSE)
    assert not any("remaining cells" in text.get_text() for text in whole.texts)
    assert any("1 diverged run left out" in text.get_text() for text in broken.texts)
    assert any("remaining cells" in text.get_text().replace("\n", " ") for text in broken.texts)


def test_jitter_is_bounded_and_always_the_same():
    offsets = effects_figure.jitter(50, 0.1)
    assert np.abs(offsets).max() <= 0.1 and offsets.std() > 0.04
    np.testing.assert_array_equal(offsets, effects_figure.jitter(50, 0.1))


def words_of(figure):
    return " ".join(" ".join(text.get_text().split()) for text in figure.texts)


def test_importance_shows_every_axis_and_the_largest_pairs_with_their_intervals():
    drawn = shares_figure(5)
    table = importance_of(5).shares
    singles, pairs = panels_of(drawn)
    for axes, rows in ((singles, table.iloc[:5]), (pairs, table.iloc[5:11])):
        widths = [bar.get_width() for bar in axes.patches]
        np.testing.assert_allclose(widths, 100 * rows["share"])
        ends = [line.get_xdata() for line in axes.lines]
        np.testing.assert_allclose(ends, 100 * rows[["share_low", "share_high"]])
    drawn.draw_without_rendering()
    bars = [bar.get_window_extent().height for bar in (*singles.patches, *pairs.patches)]
    np.testing.assert_allclose(bars, bars[0], rtol=0.02)
    shown = ["30\u00a0%", "15\u00a0%", "8\u00a0%", "4\u00a0%", "2\u00a0%"]
    assert [text.get_text() for text in singles.texts] == shown
    labels = [tick.get_text() for tick in pairs.get_yticklabels()]
    assert labels[1] == "Hidden layers × Learning rate"
    words = words_of(drawn)
    assert "R² is 0.88" in words and "The other 4 pairs: 1 %." in words
    assert "Three or more axes only together: 1 %." in words
    assert "7 diverged runs left out. 1 cell has no finished run." in words


def test_importance_says_why_there_is_nothing_to_show():
    drawn = shares_figure(0, reason="All cells have the same mean.")
    (axes,) = panels_of(drawn)
    assert "No shares of the training loss's variance. All cells" in axes.texts[0].get_text()


def test_importance_of_a_study_is_of_the_axes_that_it_varies():
    runs, _ = dense_results_of("three_axes")
    runs = runs.assign(train_loss=(runs["activation"] == "relu") + 0.001 * runs["train_loss"])
    study = study_of(DENSE_STUDIES["three_axes"])
    drawn = importance_figure.draw("train_loss", {"runs": runs}, study, DENSE, ())
    labels = [tick.get_text() for tick in panels_of(drawn)[0].get_yticklabels()]
    assert labels[0] == "Activation"
    assert sorted(labels) == sorted(["Protocol", "Activation", "Hidden layers", "Initializer"])
    assert "of the training loss" in panels_of(drawn)[-1].get_xlabel()
    assert "24 diverged runs left out" in words_of(drawn)


def test_final_chart_is_sorted_and_prints_the_means():
    vary = CONV_STUDIES["factorial"]
    runs, _ = conv_results(vary)
    axes = panels_of(final_accuracy_figure.final_accuracy_figure(runs, study_of(vary), CONV))[0]
    means = runs.groupby(list(vary))["test_accuracy"].mean().sort_values(ascending=False)
    assert [text.get_text() for text in axes.texts] == [f"{mean:.4f}" for mean in means]
    best = " · ".join(labels.label_of(value) for value in means.index[0])
    assert axes.get_yticklabels()[0].get_text() == best


def test_factorial_has_a_panel_per_optimizer_and_a_colour_per_activation():
    panels = panels_of(conv_figure("loss", "factorial"))
    assert [axes.get_title("left") for axes in panels] == ["Adam", "Gradient descent", "Momentum"]
    expected = {style.color_of("activation", value).lower() for value in ("relu", "tanh")}
    assert {to_hex(line.get_color()) for line in panels[0].lines} == expected


def test_evaluations_are_marked_and_training_is_not():
    lines = panels_of(conv_figure("loss", "one_cell"))[0].lines
    assert [line.get_marker() for line in lines] == ["None", "s", "o"]
    assert [len(line.get_xdata()) for line in lines] == [12, 5, 5]


def test_boundary_marks_probability_one_half_and_training_points_only():
    shown = (boundary_grid(0.1), moon_points(), MOONS)
    drawn = boundaries.boundary_figure(*shown, "t", "", ACCURACIES)
    axes = panels_of(drawn)[0]
    grid = boundary_grid(0.1)
    np.testing.assert_array_equal(axes.images[0].get_array(), grid.probability[..., 1])
    (line,) = [each for each in lines_of(axes) if each.get_linewidth() == boundaries.THICK]
    vertices = line.get_path().vertices
    np.testing.assert_allclose(vertices[:, 1], 0.5 * np.sin(2 * vertices[:, 0]) + 0.1, atol=0.01)
    scatter = [c for c in axes.collections if len(c.get_offsets()) > 1]
    assert sum(len(c.get_offsets()) for c in scatter) == 30
    words = " ".join(text.get_text() for text in drawn.texts).replace("\n", " ")
    assert "Accuracy of seed 0: training 0.910, held-out 0.885." in words
    assert "Mean of 3 seeds: training 0.900, held-out 0.875." in words


def lines_of(axes):
    return [each for each in axes.patches if isinstance(each, PathPatch)]


def test_class_colours_agree_with_the_sides_of_the_probability_colours():
    for label, probability in ((0, 0.0), (1, 1.0)):
        side = np.array(style.PROBABILITY_COLORS(probability)[:3])
        distances = [np.linalg.norm(side - _rgb(color)) for color in style.CLASS_COLORS[:2]]
        assert int(np.argmin(distances)) == label


def _rgb(color):
    return np.array([int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)])


def test_a_panel_says_which_cell_has_no_finished_run():
    vary = {"activation": ["tanh", "relu"]}
    cells = boundary_cells(vary)
    cells[1] |= {"boundaries": None, "accuracies": [Accuracy("held-out", np.nan, np.nan)]}
    drawn = boundaries.boundary_panel(cells, study_of(vary))
    assert "all runs diverged" in [t.get_text() for t in panels_of(drawn)[1].texts]
    cells[0] |= {"boundaries": None}
    boundaries.boundary_panel(cells, study_of(vary))


@pytest.mark.parametrize(
    ("cells", "sizes", "length"),
    [(1, [1], 1), (4, [4], 4), (5, [5], 3), (12, [3, 4], 4), (24, [24], 6), (24, [3, 8], 6)],
)
def test_panels_wrap_evenly(cells, sizes, length):
    assert boundaries._row_length(cells, sizes) == length


def test_rebinned_counts_keep_their_total_and_place():
    left, right = np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0, 3.0])
    count = np.array([2.0, 4.0, 5.0])
    edges = np.linspace(-0.25, 3.75, 9)
    binned = weights.rebin(left, right, count, edges)
    assert binned.sum() == pytest.approx(11)
    np.testing.assert_allclose(binned, [0.5, 1, 1.25 - 0.25, 1, 1, 1, 5.5, 0], atol=1e-6)


def test_ridges_keep_equal_area_however_narrow():
    _, histograms = scalars_and_histograms()
    frame = histograms[histograms["tag"] == "conv1/weights"]
    edges = np.linspace(-1, 1, 401)
    for _, rows in frame.groupby("step"):
        assert (weights._density(rows, edges) * np.diff(edges)).sum() == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 12, 24, 25, 56, 57, 500])
def test_thinned_steps_are_even_few_and_end_with_the_last(count):
    steps = np.arange(count) * 100
    thinned = weights.evenly(steps, 24)
    assert len(thinned) <= 24 and thinned[-1] == steps[-1]
    assert len(set(np.diff(thinned))) <= 1


def test_statistics_show_the_recorded_numbers():
    scalars, _ = scalars_and_histograms()
    table = weights.statistics_table(scalars, "conv1/weights")
    axes = panels_of(weights.statistics_figure(scalars, "conv1"))[0]
    for line, kind in zip(axes.lines, ("max", "min", "mean"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), table[kind])
    band = next(c for c in axes.collections if isinstance(c, PolyCollection))
    top = band.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx((table["mean"] + table["std"]).max())


def test_a_step_recorded_twice_counts_with_its_last_value():
    scalars = pd.DataFrame(
        [("conv1/bias/mean", 0, 1.0), ("conv1/bias/mean", 0, 2.0)],
        columns=["tag", "step", "value"],
    )
    assert weights.statistics_table(scalars, "conv1/bias")["mean"].tolist() == [2.0]


def test_layer_lines_are_the_means_of_the_seeds_that_finished():
    vary = DENSE_STUDIES["one_cell"]
    runs, table = layer_results(vary)
    drawn = layer_figures.gradient_norm_figure(table, study_of(vary), DENSE, runs, [DENSE_BASE])
    finished = table[(table["seed"] != 3) & (table["layer"] == 1) & (table["pass"] > 0)]
    expected = finished.groupby("pass")["grad_norm"].mean()
    line = drawn.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), expected.index)
    np.testing.assert_allclose(line.get_ydata(), expected)
    assert "1 diverged run left out." in [text.get_text() for text in drawn.texts]


def test_layer_figures_survive_without_a_finished_run():
    vary = DENSE_STUDIES["one_cell"]
    runs, table = layer_results(vary)
    for shown in (table.iloc[:0], table[table["seed"] == 3]):
        drawn = layer_figures.inactive_units_figure(
            shown, study_of(vary), DENSE, runs, [DENSE_BASE]
        )
        assert any("No finished run" in text.get_text() for text in drawn.axes[0].texts)


def test_conv_layers_have_their_names_in_the_order_of_the_network():
    drawn = conv_layers_figure(layer_figures.gradient_norm_figure, "one_cell")
    names = ["first convolution", "second convolution", "first dense layer", "output layer"]
    assert legends_of(drawn)["Layer"] == names
    _, table = conv_layer_results({})
    axes = drawn.axes[0]
    assert axes.get_xlabel() == "Training steps" and axes.get_xscale() == "linear"
    for line, layer in zip(axes.lines, ("conv1", "conv2", "fc1", "fc2"), strict=True):
        finished = table[(table["layer"] == layer) & (table["seed"] == 0)]
        np.testing.assert_allclose(line.get_xdata(), finished["step"])
        np.testing.assert_allclose(line.get_ydata(), finished["grad_norm"])
    assert "1 diverged run left out." in [text.get_text() for text in drawn.texts]
    units = legends_of(conv_layers_figure(layer_figures.inactive_units_figure, "one_cell"))
    assert units["Layer"] == names[:3]
    assert any("(unit, image) pairs" in text for text in units["Units"])


@pytest.mark.parametrize("protocols", [["two", "three"], ["three", "two"]])
def test_layers_that_only_deeper_networks_have_stand_at_their_place(protocols):
    vary = {"protocol": protocols}
    runs, table = conv_layer_results(vary)
    deeper = table[(table["protocol"] == "three") & (table["layer"] == "conv2")]
    deeper = deeper.assign(layer="conv3", grad_norm=7.0)
    table = pd.concat([table, deeper], ignore_index=True)
    # As combined tables are: run by run and step by step, layers in the order of the network.
    places = table["protocol"].map(protocols.index)
    table = table.assign(place=places).sort_values(["place", "seed", "step", "layer"])
    cells = [CONV_BASE | {"protocol": name} for name in protocols]
    drawn = layer_figures.gradient_norm_figure(
        table.drop(columns="place"), study_of(vary), CONV, runs, cells
    )
    assert legends_of(drawn)["Layer"] == [
        "first convolution",
        "second convolution",
        "third convolution",
        "first dense layer",
        "output layer",
    ]
    colors = {
        name: [line.get_color() for line in axes.lines]
        for name, axes in zip(protocols, panels_of(drawn), strict=True)
    }
    assert colors["two"] == [color for n, color in enumerate(colors["three"]) if n != 2]
    third = panels_of(drawn)[protocols.index("three")].lines[2]
    assert set(third.get_ydata()) == {7.0}


def test_a_panel_of_layers_says_that_all_its_runs_diverged():
    vary = {"activation": ["relu", "tanh"]}
    runs, table = conv_layer_results(vary)
    runs.loc[runs["activation"] == "tanh", "diverged_at"] = 1
    cells = [CONV_BASE | {"activation": name} for name in vary["activation"]]
    one, other = panels_of(
        layer_figures.gradient_norm_figure(table, study_of(vary), CONV, runs, cells)
    )
    assert [text.get_text() for text in other.texts] == ["all runs diverged"]
    assert not one.texts and not other.lines


@pytest.mark.parametrize("count", range(1, 32))
def test_panels_of_layers_stand_in_few_lines_of_equal_length(count):
    cells = [{"activation": str(number)} for number in range(count)]
    lines = layer_figures._even_lines(cells)
    assert list(itertools.chain(*lines)) == cells
    lengths = [len(line) for line in lines]
    assert len(lines) == min(n for n in range(1, count + 1) if 6 * n >= count)
    assert max(lengths) == min(n for n in range(1, 7) if len(lines) * n >= count)


def test_each_panel_of_layers_shows_its_own_cell_in_the_colours_of_the_legend():
    vary = {"activation": ["tanh", "relu"]}
    runs, table = layer_results(vary)
    measures = ["saturated_share", "dead_share", "grad_norm"]
    other = (table["activation"] == "relu").to_numpy()
    scale = np.where(other, 0.5, 1.0) * (1 + 0.1 * table["seed"])
    table[measures] = table[measures].mul(scale, axis=0)
    finished = table[(table["seed"] != 3) & (table["pass"] > 0)]
    cells = [DENSE_BASE | {"activation": name} for name in vary["activation"]]
    for draw, shown, last in (
        (layer_figures.gradient_norm_figure, ["grad_norm"], 3),
        (layer_figures.inactive_units_figure, ["saturated_share", "dead_share"], 2),
    ):
        drawn = draw(table, study_of(vary), DENSE, runs, cells)
        (legend,) = [one for one in drawn.legends if one.get_title().get_text() == "Layer"]
        assert [text.get_text() for text in legend.get_texts()] == [
            "hidden 1",
            "hidden 2",
            "output",
        ][:last]
        colors = [line.get_color() for line in legend.get_lines()]
        assert len(set(colors)) == last
        for axes, name in zip(panels_of(drawn), vary["activation"], strict=True):
            assert axes.get_title(loc="left").lower() == labels.label_of(name).lower()
            lines = [(layer, measure) for layer in range(1, last + 1) for measure in shown]
            bands = [part for part in axes.collections if isinstance(part, PolyCollection)]
            for line, band, (layer, measure) in zip(axes.lines, bands, lines, strict=True):
                rows = finished[(finished["activation"] == name) & (finished["layer"] == layer)]
                values = rows.groupby("pass")[measure]
                np.testing.assert_allclose(line.get_ydata(), values.mean())
                assert line.get_color() == colors[layer - 1]
                assert line.is_dashed() == (measure == "dead_share")
                edge = band.get_paths()[0].vertices[:, 1]
                ends = [mean_interval(each)[1:] for _, each in values]
                assert edge.min() == pytest.approx(np.min(ends))
                assert edge.max() == pytest.approx(np.max(ends))


def test_confusion_figure_shows_the_counts_where_they_belong():
    from sklearn.metrics import confusion_matrix

    table = prediction_table()
    drawn = prediction_figures.confusion_figure(table, CLASS_NAMES["fashion_mnist"])
    expected = confusion_matrix(table["label"], table["predicted"])
    matrix, bars = panels_of(drawn)
    shown = np.zeros((10, 10), dtype=int)
    for text in matrix.texts:
        column, row = text.get_position()
        shown[row, column] = int(text.get_text())
    np.testing.assert_array_equal(shown, expected)
    for axis in (matrix.get_xticklabels(), matrix.get_yticklabels()):
        assert [text.get_text() for text in axis] == list(CLASS_NAMES["fashion_mnist"])
    accuracy = np.diag(expected) / expected.sum(axis=1)
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], accuracy)
    middles = [bar.get_y() + bar.get_height() / 2 for bar in bars.patches]
    np.testing.assert_allclose(middles, range(10))
    assert matrix.get_ylim() == bars.get_ylim() == (9.5, -0.5)
    assert matrix.get_xlim() == (-0.5, 9.5)
    # Level with their rows on the page too.
    np.testing.assert_allclose(matrix.get_position().intervaly, bars.get_position().intervaly)
    wrong = (table["label"] != table["predicted"]).sum()
    title = f"Predictions on the test images: {wrong} of 1,000 wrong (error {wrong / 1000:.4f})"
    assert title in [text.get_text() for text in drawn.texts]


def test_errors_have_a_colour_scale_of_their_own_beside_the_diagonal():
    table = prediction_table(images=100_000, right=0.999)
    axes = panels_of(prediction_figures.confusion_figure(table, class_names("mnist", 10)))[0]
    pixels = np.asarray(axes.images[0].get_array())
    step = len(pixels) // 10
    cells = pixels[step // 2 :: step, step // 2 :: step]
    counts = pd.crosstab(table["label"], table["predicted"]).to_numpy()
    off = ~np.eye(10, dtype=bool)
    np.testing.assert_allclose(
        cells[~off], [_rgb(prediction_figures.CORRECT_COLOR)] * 10, atol=1e-9
    )
    lightness = cells[off].sum(axis=1)
    assert (np.diff(lightness[np.argsort(counts[off], kind="stable")]) < 1e-9).all()
    assert lightness.min() < 1.5 and cells[off].max() == 1.0
    ranked = np.argsort(counts[off])
    assert lightness[ranked[-1]] < lightness[ranked[0]]


def test_a_class_without_an_image_has_no_accuracy():
    table = prediction_table(classes=3)
    bars = panels_of(prediction_figures.confusion_figure(table, class_names("idx", 4)))[1]
    assert [text.get_text() for text in bars.texts][3] == "no image"
    assert bars.patches[3].get_width() == 0


def test_worst_images_are_those_of_the_highest_loss_in_order():
    table, images = prediction_table(), image_set()
    shuffled = table.sample(frac=1, random_state=0, ignore_index=True)
    axes = panels_of(
        prediction_figures.most_wrong_figure(shuffled, images, class_names("mnist", 10))
    )[0]
    places = np.argsort(-table["loss"].to_numpy())[:20]
    shown = sorted(axes.images, key=lambda image: (image.get_extent()[3], image.get_extent()[0]))
    assert len(shown) == 20
    for image, place in zip(shown, places, strict=True):
        np.testing.assert_array_equal(np.asarray(image.get_array())[::4, ::4], images[place])
    texts = [text.get_text() for text in axes.texts]
    assert texts[::2] == [f"loss {table['loss'][place]:.2f}" for place in places]
    rows = table.loc[places]
    assert texts[1::2] == [f"{a} → {b}" for a, b in zip(rows.label, rows.predicted, strict=True)]


def test_numbers_of_the_confusion_figure_can_be_read_on_their_cells():
    table = prediction_table(images=100_000)
    counts = np.arange(100).reshape(10, 10)  # every shade of the scale
    extra = pd.DataFrame(
        [(a, b) for a, b in np.ndindex(10, 10) for _ in range(counts[a, b])],
        columns=["label", "predicted"],
    )
    drawn = prediction_figures.confusion_figure(pd.concat([table, extra]), class_names("mnist", 10))
    axes = panels_of(drawn)[0]
    pixels = np.asarray(axes.images[0].get_array())
    step = len(pixels) // 10

    def luminance(color):  # as WCAG defines it
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    assert len(axes.texts) == 100
    for text in axes.texts:
        column, row = text.get_position()
        cell = luminance(pixels[step * row + step // 2, step * column + step // 2])
        bright, dark = sorted((cell, luminance(to_rgb(text.get_color()))), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, text.get_text()


def test_worst_images_are_printed_upright_as_ink_on_paper():
    images = np.random.default_rng(9).integers(0, 256, (20, 8, 6), dtype=np.uint8)
    table = prediction_table(images=20)
    drawn = prediction_figures.most_wrong_figure(table, images, class_names("mnist", 10))
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    printed = np.asarray(canvas.buffer_rgba())[..., 0]
    places = np.argsort(-table["loss"].to_numpy(), kind="stable")
    boxes = [image.get_window_extent() for image in drawn.axes[0].images]
    boxes.sort(key=lambda box: (-round(box.ymax), box.xmin))  # as they are read
    for box, place in zip(boxes, places, strict=True):
        rows = len(printed) - (box.ymax - (np.arange(8) + 0.5) / 8 * (box.ymax - box.ymin))
        columns = box.xmin + (np.arange(6) + 0.5) / 6 * (box.xmax - box.xmin)
        shown = printed[np.ix_(rows.astype(int), columns.astype(int))]
        np.testing.assert_allclose(shown, 255.0 - images[place], atol=2)


def test_fewer_images_than_would_fit_are_all_shown():
    table = prediction_table(images=3)
    drawn = prediction_figures.most_wrong_figure(table, image_set(3), class_names("mnist", 10))
    drawn.draw_without_rendering()
    assert len(drawn.axes[0].images) == 3


def test_kernels_stand_row_by_row_on_one_scale_with_zero_in_its_middle():
    weights_ = kernels()
    drawn = filters.filters_figure(weights_)
    pixels = np.asarray(panels_of(drawn)[0].images[0].get_array())
    times = pixels.shape[0] // (4 * 6 + 1)
    sheet = pixels[times // 2 :: times, times // 2 :: times]
    limit = np.abs(weights_).max()
    for number in range(32):
        top, left = number // 8 * 6 + 1, number % 8 * 6 + 1
        kernel = weights_[:, :, 0, number]
        shown = sheet[top : top + 5, left : left + 5]
        redder = shown[..., 0] - shown[..., 2]  # orange above zero, blue below
        clear = np.abs(kernel) > limit / 20
        assert (np.sign(redder) == np.sign(kernel))[clear].all()
        darkness = 3 - shown.sum(axis=2)
        for side in (kernel > 0, kernel < 0):
            order = np.argsort(np.abs(kernel[side]))
            assert (np.diff(darkness[side][order]) > -1e-6).all()
    bar = next(axes for axes in drawn.axes if axes.get_label() == "color bar")
    low, high = bar.get_ylim()
    assert low == -high and limit <= high <= 1.1 * limit


@pytest.mark.parametrize("count", [1, 3, 40, 41, 96, 256, 257, 1024, 1025, 5000])
def test_sheet_of_kernels_is_neither_too_wide_nor_higher_than_wide(count):
    columns, inches = filters.arrange(count)
    rows = -(-count // columns)
    assert columns * inches < 12
    assert rows <= columns or count <= 40
    assert columns * (rows - 1) < count


@pytest.mark.parametrize(
    ("largest", "limit"), [(0.2014, 0.21), (0.2, 0.2), (3.01, 3.1), (0.0, 1.0), (1e-5, 1e-5)]
)
def test_scale_ends_at_two_digits_above_the_largest_value(largest, limit):
    assert filters.scale_limit(np.array([-largest, largest / 2])) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("diverged_by", "sentence"),
    [
        ("conv1/weights", "This run diverged after 1,200 updates: conv1/weights not finite."),
        (np.nan, "This run diverged after 1,200 updates."),
        (None, "This run diverged after 1,200 updates."),
    ],
)
def test_figures_of_a_diverged_run_say_so(diverged_by, sentence):
    runs = pd.DataFrame({"seed": [0], "diverged_at": [1200], "diverged_by": [diverged_by]})
    reason = selection.divergence_reason(runs)
    assert reason == sentence
    nothing, names = prediction_table().iloc[:0], class_names("mnist", 10)
    for drawn in (
        prediction_figures.confusion_figure(nothing, names, "A note.", reason),
        prediction_figures.most_wrong_figure(nothing, image_set(), names, "A note.", reason),
        filters.filters_figure(kernels() * np.nan, "A note.", reason),
    ):
        drawn.draw_without_rendering()
        assert [text.get_text() for text in drawn.axes[0].texts] == [sentence]
        assert "A note." in [text.get_text() for text in drawn.texts]


def test_a_run_that_finished_has_no_reason():
    runs = pd.DataFrame({"seed": [0], "diverged_at": pd.array([None], "Int64")})
    assert selection.divergence_reason(runs) == ""
    assert not any("diverged" in text.get_text() for text in filters_texts(kernels() * np.nan))


def filters_texts(weights_):
    return filters.filters_figure(weights_).axes[0].texts


def test_pictures_of_a_run_stay_small(tmp_path):
    drawn = {
        "confusion": FIGURES["confusion-fashion_mnist-10"](),
        "many": FIGURES["confusion-idx-256"](),
        "worst": FIGURES["worst-fashion_mnist-(28, 28)"](),
        "filters": FIGURES["filters-64"](),
    }
    for name, figure in drawn.items():
        style.save(figure, tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").stat().st_size < 300_000, name


def test_gradient_check_shows_every_error_where_it_belongs():
    table = gradient_table()
    drawn = gradient_check_figure.gradient_check_figure(table)
    published, corrected = drawn.axes[0].lines
    assert sorted(set(published.get_xdata())) == [1e-9, 0.3]
    assert set(corrected.get_xdata()) == {1e-9}
    ticks = [text.get_text() for text in drawn.axes[0].get_yticklabels()]
    wrong = {
        ticks[int(place)]
        for place, error in zip(published.get_ydata(), published.get_xdata(), strict=True)
        if error > 0.1
    }
    assert wrong == {f"hidden {n}, {kind}" for n in range(1, 5) for kind in ("weights", "bias")}


def test_every_panel_of_the_gradient_check_has_the_errors_of_its_activation():
    table = gradient_table()
    table["relative_error"] = np.geomspace(1e-11, 0.9, len(table))
    table.loc[5, "relative_error"] = 0.0
    drawn = gradient_check_figure.gradient_check_figure(table)
    order = [(n, kind) for n in range(1, 6) for kind in ("weights", "bias")]
    ticks = [f"hidden {n}, {kind}" if n < 5 else f"output, {kind}" for n, kind in order]
    panels = panels_of(drawn)
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ticks
    for axes, activation in zip(panels, table["activation"].unique(), strict=True):
        assert axes.get_title(loc="left").lower() == labels.label_of(activation).lower()
        for line, arithmetic in zip(axes.lines, PROTOCOLS, strict=True):
            chosen = (table["activation"] == activation) & (table["arithmetic"] == arithmetic)
            errors = table[chosen].set_index(["layer", "parameter"])["relative_error"]
            found = dict(zip(line.get_ydata(), line.get_xdata(), strict=True))
            expected = [max(errors[key], 1e-12) for key in order]
            assert [found[place] for place in range(10)] == expected
            assert line.get_color() == style.color_of("protocol", arithmetic)
        # The shade ends where the note says.
        (shade,) = axes.patches
        assert shade.get_x() + shade.get_width() == pytest.approx(1e-6)
    assert "Shaded: agreement to 1e-6 or better." in [text.get_text() for text in drawn.texts]


@pytest.mark.parametrize("kind", ["empty", "all_diverged", "one_seed"])
@pytest.mark.parametrize("name", ["one_cell", "protocols"])
def test_dense_figures_survive(kind, name):
    vary = DENSE_STUDIES[name]
    runs, history = dense_results(vary, seeds=1, diverged=(0,) if kind == "all_diverged" else ())
    if kind == "empty":
        runs, history = runs.iloc[:0], history.iloc[:0]
    study = study_of(vary)
    drawn = [
        curves.curves_figure(history, study, DENSE, "loss", runs),
        curves.curves_figure(history, study, DENSE, "accuracy"),
        effects_figure.effects_figure(runs, study, DENSE),
    ]
    for one in drawn:
        one.draw_without_rendering()
    if kind != "one_seed":
        assert any("No finished run" in text.get_text() for text in drawn[0].axes[0].texts)


@pytest.mark.parametrize("kind", ["empty", "all_diverged", "one_seed"])
@pytest.mark.parametrize("name", ["one_cell", "factorial"])
def test_conv_figures_survive(kind, name):
    vary = CONV_STUDIES[name]
    runs, history = conv_results(vary, seeds=1)
    if kind == "empty":
        runs, history = runs.iloc[:0], history.iloc[:0]
    if kind == "all_diverged":
        runs = runs.assign(diverged_at=100)
    study = study_of(vary)
    for one in (
        curves.curves_figure(history, study, CONV, "loss", runs),
        final_accuracy_figure.final_accuracy_figure(runs, study, CONV),
        effects_figure.effects_figure(runs, study, CONV),
    ):
        one.draw_without_rendering()


def test_weight_figures_survive_without_events():
    scalars, histograms = scalars_and_histograms()
    for one in (
        weights.statistics_figure(scalars.iloc[:0], "conv1"),
        weights.histograms_figure(histograms.iloc[:0], "conv1"),
        weights.statistics_figure(scalars[scalars["step"] == 0], "conv1"),
        weights.histograms_figure(histograms[histograms["step"] == 0], "conv1"),
        weights.histograms_figure(histograms, layer="conv2"),
    ):
        one.draw_without_rendering()


def test_svg_of_a_crowd_of_points_stays_small(tmp_path):
    crowd = pd.concat([moon_points()] * 80)
    style.save(points_figure.points_figure(crowd, MOONS, "A crowd"), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size < 300_000


def test_points_survive_without_a_held_out_part():
    frame = moon_points()
    for shown in (frame[frame["part"] == "train"], frame.iloc[:0]):
        points_figure.points_figure(shown, MOONS, "Two moons").draw_without_rendering()


def scatters_of(axes):
    """Points by colour: what the scatters of a panel show."""
    found = {}
    for scatter in axes.collections:
        if len(scatter.get_offsets()) > 1:
            inside = to_hex(scatter.get_facecolors()[0])
            color = inside if inside != "#ffffff" else to_hex(scatter.get_edgecolors()[0])
            filled = "train" if inside != "#ffffff" else "heldout"
            found[color.upper(), filled] = np.asarray(scatter.get_offsets())
    return found


def legends_of(figure):
    return {
        legend.get_title().get_text(): [text.get_text() for text in legend.get_texts()]
        for legend in figure.legends
    }


def test_many_features_are_shown_by_the_principal_components_of_the_training_points():
    from sklearn.decomposition import PCA

    frame, description = cloud(7, 3)
    drawn = points_figure.points_figure(frame, description, "Clouds")
    x, label = frame.iloc[:, :7].to_numpy(), frame["label"].to_numpy()
    training = (frame["part"] == "train").to_numpy()
    expected = PCA(2).fit(x[training])
    axes = panels_of(drawn)[0]
    for number in range(3):
        for part, members in (("train", training), ("heldout", ~training)):
            shown = scatters_of(axes)[style.CLASS_COLORS[number], part]
            place = expected.transform(x[members & (label == number)])
            np.testing.assert_allclose(np.abs(shown), np.abs(place), atol=1e-9)
    for title, ratio in zip(
        (axes.get_xlabel(), axes.get_ylabel()), expected.explained_variance_ratio_, strict=True
    ):
        assert f"principal component ({100 * ratio:.0f} % of the variance)" in title
    assert any("Of 7 features" in text.get_text() for text in drawn.texts)


def test_principal_components_have_a_settled_sign_and_survive_constant_points():
    x = np.random.default_rng(0).normal(size=(30, 4))
    components, _ = points_figure.principal_components(x)
    mirrored, _ = points_figure.principal_components(-x)
    np.testing.assert_allclose(components, mirrored)
    assert (components.max(axis=1) == np.abs(components).max(axis=1)).all()
    _, shares = points_figure.principal_components(np.ones((5, 4)))
    assert shares.tolist() == [0.0, 0.0]


def test_a_single_feature_is_shown_as_a_strip_for_each_class():
    frame, description = cloud(1, 3)
    axes = panels_of(points_figure.points_figure(frame, description, "Clouds"))[0]
    for number in range(3):
        for part, low, high in (("train", 0.0, 0.5), ("heldout", -0.5, 0.0)):
            shown = scatters_of(axes)[style.CLASS_COLORS[number], part]
            members = frame[(frame["label"] == number) & (frame["part"] == part)]
            np.testing.assert_array_equal(shown[:, 0], members["x1"])
            assert (low < shown[:, 1] - number).all() and (shown[:, 1] - number < high).all()
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        rf"sort {number} of \$" for number in range(3)
    ]
    assert axes.get_xlabel().endswith(", standardized")


def test_classes_are_named_and_those_beyond_the_tenth_have_another_shape():
    frame, description = cloud(2, 12)
    drawn = points_figure.points_figure(frame, description, "Clouds")
    assert legends_of(drawn)["Class"] == [rf"sort {number} of \$" for number in range(12)]
    looks = {(style.class_color(n), points_figure.marker_of("train", n)) for n in range(40)}
    assert len(looks) == 40


def test_a_legend_of_very_many_classes_is_cut():
    names = legends_of(points_figure.points_figure(*cloud(2, 40), "Clouds"))["Class"]
    assert len(names) == points_figure.MAX_NAMES + 1 and names[-1] == "and 16 more"


def test_boundary_of_three_classes_has_the_colour_of_the_chosen_class():
    drawn = boundaries.boundary_figure(grid_of_three(), *cloud(2, 3), "t")
    axes = panels_of(drawn)[0]
    shown = np.asarray(axes.images[0].get_array())
    for label, (row, column) in enumerate([(10, 5), (15, 35), (5, 35)]):
        color = np.asarray([int(style.CLASS_COLORS[label][i : i + 2], 16) for i in (1, 3, 5)]) / 255
        probability = 0.9 if label else 0.5
        expected = 1 - boundaries.TINT * probability * (1 - color)
        np.testing.assert_allclose(shown[row, column], expected, atol=1e-6)
    lines = lines_of(axes)
    vertices = np.concatenate([line.get_path().vertices for line in lines])
    borders = (np.abs(vertices[:, 0] - 0.05) < 0.06) | (
        (np.abs(vertices[:, 1] - 0.05) < 0.06) & (vertices[:, 0] >= 0.05)
    )
    assert borders.mean() > 0.9 and len(lines) == 2
    legends = legends_of(drawn)
    assert legends["Training points"] == [rf"sort {n} of \$" for n in range(3)]
    assert legends["Boundary"] == ["where classes meet"]
    headings = [text.get_text() for text in drawn.texts]
    assert "Probability of\nthe chosen class" in headings


def test_boundary_of_two_named_classes_says_whose_probability_it_is():
    description = MOONS | {"classes": ["no", "yes"], "features": ["height", "width"]}
    drawn = boundaries.boundary_figure(boundary_grid(), moon_points(), description, "t")
    assert "Probability of\nyes" in [text.get_text() for text in drawn.texts]
    assert legends_of(drawn)["Training points"] == ["no", "yes"]
    axes = panels_of(drawn)[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("height", "width")


def test_panels_of_several_data_sets_have_scales_and_classes_of_their_own():
    drawn = boundaries.boundary_panel(
        cells_of_two_data_sets(), study_of({"dataset": ["moons", "clouds"]})
    )
    first, second = panels_of(drawn)
    assert first.get_xlim() != second.get_xlim()
    assert first.get_xlabel() == "$x_1$ (dimensionless)"
    assert second.get_xlabel().endswith("standardized")
    legends = legends_of(drawn)
    assert legends["Training points,\ntwo moons"] == ["class 0", "class 1"]
    assert legends["Training points,\nclouds"] == [rf"sort {n} of \$" for n in range(3)]
    # Both kinds of grid are shown in one way.
    grid = boundary_grid()
    shown = np.asarray(first.images[0].get_array())
    assert shown.shape == (*grid.probability.shape[:2], 3)
    certain = grid.probability.max(axis=-1)
    darkest = np.unravel_index(certain.argmax(), certain.shape)
    assert shown[darkest].sum() == pytest.approx(shown.sum(axis=2).min(), abs=0.2)


def test_a_panel_without_a_cell_of_two_features_says_so():
    drawn = boundaries.boundary_panel([], study_of({"activation": ["tanh"]}))
    assert any("two features" in text.get_text() for text in drawn.axes[0].texts)


@pytest.mark.parametrize(
    ("width", "height", "aspect"),
    [(4, 3, "equal"), (1, 4, "equal"), (1, 5, "auto"), (9, 2, "auto")],
)
def test_scales_differ_only_where_extents_do(width, height, aspect):
    assert points_figure.aspect_of(width, height) == aspect


def third_family(**facts):
    """A family that is none of the built-in ones: its own axes, measures and time."""
    measures = tuple(
        Measure(f"{part}{quantity}", f"{part or 'plain '}{quantity}", "?", unit, better, interval)
        for quantity, unit, better in (("error", "mm", "lower"), ("accuracy", "", "higher"))
        for part, interval in (("train_", "often"), ("dev_", "seldom"), ("exam_", "seldom"))
    )
    own = {
        "name": "third",
        "title": "Third",
        "description": "?",
        "takes": "images",
        "axes": (Axis("width", "Width", "?", "number"), Axis("kernel", "Kernel", "?")),
        "measures": measures,
        "ranked_by": ("exam_error", "dev_accuracy"),
        "time": Time("epoch", "epochs", "Epochs seen", "epochs", "image"),
    }
    return Family(train="train", **(own | facts))


def third_results(family, vary, seeds=2):
    """Runs and history of such a family: a measure that is recorded seldom is missing between."""
    base = {"dataset": "clouds", "protocol": "only", "width": 1.0, "kernel": "round"}
    epochs = np.arange(0, 401, 10)
    random = np.random.default_rng(9)
    runs, history = [], []
    for combination in itertools.product(*vary.values()):
        cell = base | dict(zip(vary, combination, strict=True))
        for seed in range(seeds):
            values = {
                measure.name: np.where(
                    (measure.recorded == "often") | (epochs % 100 == 0),
                    random.uniform(0.6, 0.9) + epochs / 4000,
                    np.nan,
                )
                for measure in family.measures
            }
            key = cell | {"seed": seed}
            runs.append(key | {name: value[-1] for name, value in values.items()})
            history.append(pd.DataFrame(key | {"epoch": epochs} | values))
    return pd.DataFrame(runs), pd.concat(history, ignore_index=True)


def looks_of(figure, heading):
    """Texts of a legend, each with its line's marker."""
    (legend,) = [one for one in figure.legends if one.get_title().get_text() == heading]
    return {
        text.get_text(): line.get_marker()
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }


def test_what_is_recorded_more_rarely_is_marked_whatever_the_family_is_called():
    family = third_family()
    vary = {"width": [0.5, 2.0]}
    runs, history = third_results(family, vary)
    drawn = curves.curves_figure(history, study_of(vary), family, "error", runs)
    axes = panels_of(drawn)[0]
    assert [line.get_marker() for line in axes.lines] == ["None", "s", "o"] * 2
    assert [len(line.get_xdata()) for line in axes.lines] == [41, 5, 5] * 2
    medians = history[history["width"] == 2.0].groupby("epoch")["exam_error"].median().dropna()
    np.testing.assert_allclose(axes.lines[5].get_ydata(), medians)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Epochs seen", "Error (mm)")
    assert axes.get_xscale() == "linear"
    assert looks_of(drawn, "Measured on") == {"training": "None", "dev": "s", "exam": "o"}
    assert legends_of(drawn)["width"] == ["0.5", "2"]


def test_of_many_panels_the_last_evaluated_measure_alone_is_shown():
    family = third_family()
    # The roles follow the order of the family's axes, not that of the study.
    vary = {"kernel": ["round", "square"], "width": [0.5, 2.0]}
    runs, history = third_results(family, vary)
    drawn = curves.curves_figure(history, study_of(vary), family, "accuracy", runs)
    assert [axes.get_title("left") for axes in panels_of(drawn)] == ["Round", "Square"]
    assert looks_of(drawn, "Measured on") == {"training": "None", "exam": "o"}
    assert legends_of(drawn)["width"] == ["0.5", "2"]


def test_measures_recorded_together_are_lines_without_markers_on_a_fitting_scale():
    names = ("train_error", "exam_error", "error")
    measures = tuple(Measure(name, "Plain error", "?", recorded="often") for name in names)
    family = third_family(measures=measures, ranked_by=("error",))
    runs, history = third_results(family, {})
    drawn = curves.curves_figure(history, study_of({}), family, "error", runs)
    axes = panels_of(drawn)[0]
    assert [line.get_marker() for line in axes.lines] == ["None"] * 3
    (legend,) = [one for one in drawn.legends if one.get_title().get_text() == "Images"]
    assert [line.is_dashed() for line in legend.get_lines()] == [False, True, True]
    assert axes.get_xscale() == "log" and axes.lines[0].get_xdata()[0] == 10
    assert axes.get_ylabel() == "Error"
    assert legends_of(drawn)["Images"] == ["training", "exam", "plain error"]


def test_effects_show_the_measures_that_a_family_compares_cells_by():
    parts = ("train", "dev", "other", "exam")
    measures = (
        *(Measure(f"{part}_error", part, "?", "mm") for part in parts),
        Measure("reported_error", "As reported", "?", summarised=False),
        Measure("bent_error", "Bent", "?", table="bends"),
    )
    family = third_family(measures=measures, ranked_by=("exam_error",))
    vary = {"width": [0.5, 2.0]}
    runs, _ = third_results(family, vary)
    drawn = effects_figure.effects_figure(runs, study_of(vary), family, "error")
    markers = {"training": "o", "dev": "s", "other": "^", "exam": "D"}
    assert looks_of(drawn, "Measured on") == markers
    axes = panels_of(drawn)[0]
    assert axes.get_xlabel() == "Error (mm)"
    means = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    expected = runs.groupby("width")[[f"{part}_error" for part in parts]].mean()
    np.testing.assert_allclose(means, expected.to_numpy().ravel())


def test_effects_of_a_single_measure_stand_on_the_line_of_their_value():
    family = third_family(measures=(Measure("test_accuracy", "Accuracy", "?"),), time=None)
    runs = pd.DataFrame({"width": [0.5, 0.5, 2.0, 2.0], "seed": [0, 1] * 2, "test_accuracy": 0.5})
    drawn = effects_figure.effects_figure(runs, study_of({"width": [0.5, 2.0]}), family)
    heights = [line.get_ydata()[0] for line in panels_of(drawn)[0].lines]
    assert sorted(set(heights)) == [0, 1]
    assert looks_of(drawn, "Measured on") == {"test": "o"}


def test_final_chart_shows_the_accuracy_that_ranks_cells():
    family = third_family()
    vary = {"width": [0.5, 2.0]}
    runs, _ = third_results(family, vary)
    axes = panels_of(final_accuracy_figure.final_accuracy_figure(runs, study_of(vary), family))[0]
    assert axes.get_xlabel() == "dev_accuracy (share of correct answers)"
    means = runs.groupby("width")["dev_accuracy"].mean().sort_values(ascending=False)
    assert [text.get_text() for text in axes.texts] == [f"{mean:.4f}" for mean in means]


def test_layers_of_any_family_stand_over_its_own_time():
    family = third_family()
    _, history = third_results(family, {})
    cell = {axis: history[axis][0] for axis in family.axis_names}
    rows = history[[*family.keys, "epoch"]]
    table = pd.concat(
        rows.assign(layer=layer, grad_norm=1.0 + rows["epoch"], saturated_share=0.1, dead_share=0)
        for layer in ("first", "last")
    )
    runs = history[[*family.keys]].drop_duplicates()
    drawn = layer_figures.gradient_norm_figure(table, study_of({}), family, runs, [cell])
    axes = panels_of(drawn)[0]
    assert (axes.get_xlabel(), axes.get_xscale()) == ("Epochs seen", "linear")
    assert legends_of(drawn)["Layer"] == ["first", "last"]
    units = layer_figures.inactive_units_figure(table, study_of({}), family, runs, [cell])
    assert any("(unit, image) pairs" in text for text in legends_of(units)["Units"])


def test_a_panel_names_the_part_of_the_data_that_its_accuracy_is_of():
    cells = boundary_cells({"activation": ["tanh"]})
    cells[0]["accuracies"] = [Accuracy("training", 0.25, 0.3), Accuracy("exam", 0.5, 0.6)]
    drawn = boundaries.boundary_panel(cells, study_of({"activation": ["tanh"]}))
    words = [text.get_text() for text in panels_of(drawn)[0].texts]
    assert "mean 0.500; seed 0: 0.600\n1 of 3 straight" in words
    assert any("Numbers: exam accuracy." in text.get_text() for text in drawn.texts)
