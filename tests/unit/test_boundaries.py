"""Decision boundaries: a typical run's own predictions, every other run's line, how many bend."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import PathPatch
from moons import moons

from restudy.analysis.boundaries import map_boundaries
from restudy.analysis.shapes import line_agreement
from restudy.analysis.typical import typical_seed, typical_seeds
from restudy.data.planes import grid_axes, plane_extent
from restudy.families.dense import DenseNetwork, adam
from restudy.families.predicting import predict_classes, predict_probabilities
from restudy.families.registry import FAMILIES
from restudy.views import boundaries

DENSE = FAMILIES["dense"]
TANH = {"activation": {"kind": "tanh"}}
MOONS = {"classes": ["0", "1"], "features": ["x1", "x2"]}


def points_table(seed=0, draws=1, classes=2):
    tables = []
    for draw in range(draws):
        random = np.random.default_rng(100 * seed + draw)
        label = np.arange(120) % classes
        x = random.normal(size=(120, 2)) + 2.5 * np.column_stack([label % 2, label // 2])
        part = np.where(np.arange(120) < 60, "train", "heldout")
        table = pd.DataFrame({"draw": draw, "x1": x[:, 0], "x2": x[:, 1], "label": label})
        tables.append(table.assign(part=part))
    table = pd.concat(tables, ignore_index=True)
    return table if draws > 1 else table.drop(columns="draw")


def moons_table(training, heldout):
    return pd.concat(
        pd.DataFrame(points.x, columns=["x1", "x2"]).assign(label=points.label, part=part)
        for part, points in (("train", training), ("heldout", heldout))
    )


def layers_of(network):
    return {f"layer{n}": layer for n, layer in enumerate(network.weights, start=1)}


def runs_of(accuracies, losses=None, diverged=()):
    seeds = range(len(accuracies))
    return pd.DataFrame(
        {
            "seed": seeds,
            "train_accuracy": accuracies,
            "heldout_accuracy": accuracies,
            "train_loss": losses or [0.3] * len(accuracies),
            "diverged_at": [5.0 if seed in diverged else np.nan for seed in seeds],
        }
    )


def test_the_typical_seed_is_that_nearest_the_median():
    runs = runs_of([0.99, 0.5, 0.87, 0.88, 0.86])
    assert typical_seeds(runs, DENSE) == [2, 3, 4, 0, 1]
    tied = runs_of([0.9, 0.8, 0.8, 0.8, 0.8], [0.1, 0.5, 0.2, 0.31, 0.3])
    # Of the four at the median, the one whose loss is nearest the median of the losses.
    assert typical_seeds(tied, DENSE) == [4, 3, 2, 1, 0]
    gone = runs_of([0.9, 0.8, 0.7], diverged=[1])
    assert typical_seeds(gone, DENSE) == [0, 2]
    assert typical_seed(runs_of([0.9], diverged=[0]), DENSE) is None


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_boundaries_are_the_networks_own_predictions(classes):
    points = points_table(classes=classes)
    network = DenseNetwork([2, 5, classes], seeds=range(3))
    x, label = points[["x1", "x2"]].to_numpy(), points["label"].to_numpy()
    network.fit(x, label, adam(0.05), 60)
    found = map_boundaries(
        DENSE, TANH, runs_of([0.8, 0.9, 0.7]), layers_of(network), points, classes
    )
    assert (found.seed, found.others) == (0, (1, 2))
    for row, column in ((3, 5), (200, 100), (-1, -1)):
        at = np.array([[found.x1[column], found.x2[row]]])
        expected = network.predict_proba(at)[0, 0]
        np.testing.assert_allclose(found.probability[row, column], expected, rtol=1e-9)
    at = np.array([[found.line_x1[7], found.line_x2[4]]])
    for place, seed in enumerate(found.others):
        own = network.predict_proba(at)[seed, 0]
        lead = [own[c] - max(np.delete(own, c)) for c in range(classes)]
        expected = lead[1:] if classes == 2 else lead
        np.testing.assert_allclose(found.leads[place, :, 4, 7], expected, atol=1e-12)
    # Where a class leads, it is the one that is chosen.
    if classes > 2:
        chosen = found.probability.argmax(axis=-1)
        assert ((found.lead > 0).argmax(axis=0) == chosen)[found.lead.max(axis=0) > 0].all()


def test_straight_boundaries_are_counted_like_the_measure_of_each_run():
    data, heldout = moons(), moons(1000, seed=1)
    network = DenseNetwork([2, 3, 2], seeds=range(12))
    network.fit(data.x, data.label, adam(0.02), 200)
    table = moons_table(data, heldout)
    network.weights[-1][3] = 0.0  # gives all points the same class
    network.weights[-1][3, 0, -1] = 1.0
    found = map_boundaries(DENSE, TANH, runs_of([0.9] * 12), layers_of(network), table, 2)
    agreement = [line_agreement(heldout.x, each) for each in network.predict(heldout.x)]
    straight = sum(each >= 0.98 for place, each in enumerate(agreement) if place != 3)
    assert found.straight == straight and 0 < straight < 11
    assert found.single == 1


def test_each_run_is_asked_of_its_own_draw_and_all_share_a_plane():
    points = points_table(draws=3)
    network = DenseNetwork([2, 4, 2], seeds=range(4))
    runs = runs_of([0.5, 0.8, 0.9, 0.95])
    found = map_boundaries(DENSE, TANH, runs, layers_of(network), points, 2)
    low, high = plane_extent(points.loc[points["part"] == "train", ["x1", "x2"]].to_numpy())
    assert (found.x1[0], found.x2[0]) == tuple(low) and found.x1[-1] <= high[0]
    own, note = boundaries.points_of_seed(points, found)
    assert found.seed == 1 and "draw 1 of 3 (from 0), on which seed 1 was trained" in note
    assert own["x1"].tolist() == points.loc[points["draw"] == 1, "x1"].tolist()


def test_a_family_that_says_classes_alone_has_all_probability_on_them(monkeypatch):
    classes = np.array([[0, 2, 1]])
    monkeypatch.setattr("restudy.families.dense.predictions.predict", lambda *_: classes)
    assert (predict_classes(DENSE, TANH, {}, np.zeros((3, 2))) == classes).all()
    found = predict_probabilities(DENSE, TANH, {}, np.zeros((3, 2)), 3)
    assert found.tolist() == [[[1, 0, 0], [0, 0, 1], [0, 1, 0]]]


def test_the_picture_is_of_the_majority_with_every_other_line_and_the_count():
    # Sixteen networks with a straight boundary, and four, the first among them, with a bent one.
    bent = (0, 2, 4, 16)
    points = pd.concat([points_table(number) for number in range(8)], ignore_index=True)
    points[["x1", "x2"]] = np.random.default_rng(0).uniform(-2, 4, (len(points), 2))
    weights = DenseNetwork([2, 3, 2], seeds=range(20)).weights
    first, last = (np.zeros_like(layer) for layer in weights)
    for seed in range(20):
        first[seed, 0] = [1.0, -1.0, 0.02 * seed]
        last[seed, 1, 0] = 3.0
        if seed in bent:
            # A step up at 0 and one down at 2.
            first[seed, 1:] = [[4.0, 0.0, 0.0], [4.0, 0.0, -8.0]]
            last[seed, 1, 1:3] = [1.4, -1.4]
    accuracies = [0.96 if seed in bent else 0.87 + 0.0001 * seed for seed in range(20)]
    runs, layers = runs_of(accuracies), {"layer1": first, "layer2": last}
    found = map_boundaries(DENSE, TANH, runs, layers, points, 2)
    assert found.straight == 16 and found.single == 0 and found.seed not in bent
    accuracies = boundaries.accuracies_of(runs, DENSE, found)
    figure = boundaries.boundary_figure(found, points, MOONS, "tanh", "", accuracies)
    texts = [text.get_text().replace("\n", " ") for text in figure.texts]
    own = runs["heldout_accuracy"][found.seed]
    assert any(f"Accuracy of seed {found.seed}: " in text for text in texts)
    assert any(f"held-out {own:.3f}. Mean of 20 seeds: training 0.889" in text for text in texts)
    assert any("Boundaries: 16 of 20 straight." in text for text in texts)
    assert any("seed whose held-out accuracy is nearest the median" in text for text in texts)
    lines = [each for each in figure.axes[0].patches if isinstance(each, PathPatch)]
    widths = [line.get_linewidth() for line in lines]
    assert widths.count(boundaries.THICK) == 1 and widths.count(boundaries.THIN) >= 19
    cell = {"values": {"activation": "tanh", "protocol": None}, "points": points}
    cell |= {"boundaries": found, "description": MOONS, "accuracies": accuracies}
    study = {"name": "s", "question": "?", "vary": {"activation": ["tanh"]}}
    panel = boundaries.boundary_panel([cell], study)
    words = [text.get_text() for text in panel.axes[0].texts]
    assert words[0] == f"mean 0.889; seed {found.seed}: {own:.3f}\n16 of 20 straight"
    alone = replace(found, others=(), leads=found.leads[:0])
    one = boundaries.boundary_figure(alone, points, MOONS, "tanh", "", accuracies)
    said = " ".join(text.get_text() for text in one.texts)
    assert "straight" not in said and "median" not in said and "Mean" not in said


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        ([0.5, 0.5], "no boundary: all classes\nequally probable"),
        ([0.3, 0.7], "no boundary:\nclass 1 everywhere"),
        ([0.2, 0.7, 0.1], "no boundary:\nclass 1 everywhere"),
    ],
)
def test_a_boundary_that_does_not_exist_has_a_word_why(probability, words):
    points = points_table(classes=len(probability))
    network = DenseNetwork([2, 3, len(probability)], "tanh", "zeros", seeds=range(3))
    network.weights[-1][:, :, -1] = np.log(probability)
    found = map_boundaries(
        DENSE, TANH, runs_of([0.5] * 3), layers_of(network), points, len(probability)
    )
    names = {"classes": [str(n) for n in range(len(probability))], "features": ["x1", "x2"]}
    figure = boundaries.boundary_figure(found, points, names, "zeros")
    assert [text.get_text() for text in figure.axes[0].texts] == [words]
    assert not [each for each in figure.axes[0].patches if isinstance(each, PathPatch)]
    assert found.single == 3
    if len(probability) == 2:
        accuracies = [boundaries.Accuracy("held-out", 0.5, 0.5)]
        figure = boundaries.boundary_figure(found, points, names, "zeros", "", accuracies)
        said = [text.get_text().replace("\n", " ") for text in figure.texts]
        assert any("0 of 3 have a boundary" in text for text in said)


def test_a_drawn_line_stays_where_the_network_is_undecided():
    data = moons()
    network = DenseNetwork([2, 8, 2], seeds=range(2))
    network.fit(data.x, data.label, adam(0.02), 800)
    table = moons_table(data, moons(100, seed=1))
    found = map_boundaries(DENSE, TANH, runs_of([0.9, 0.9]), layers_of(network), table, 2)
    figure = boundaries.boundary_figure(found, table, MOONS, "tanh")
    lines = [each for each in figure.axes[0].patches if isinstance(each, PathPatch)]
    for width, seed, most in ((boundaries.THICK, 0, 0.01), (boundaries.THIN, 1, 0.04)):
        for line in (each for each in lines if each.get_linewidth() == width):
            ends = line.get_path().vertices
            # Between the points that were kept, too.
            between = np.concatenate(
                [ends + t * np.diff(ends, axis=0, append=ends[-1:]) for t in (0.0, 0.5)]
            )
            probability = network.predict_proba(between)[seed, :, 1]
            step = 1e-4
            slope = np.hypot(
                *[
                    (
                        network.predict_proba(between + step * np.eye(2)[axis])[seed, :, 1]
                        - probability
                    )
                    / step
                    for axis in (0, 1)
                ]
            )
            assert (np.abs(probability - 0.5) / slope).max() < most


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_grids_are_fine_enough_at_any_scale(scale):
    x1, x2 = grid_axes(scale * points_table()[["x1", "x2"]].to_numpy())
    assert min(len(x1), len(x2)) >= 100 and len(x1) * len(x2) <= 200_000
    for bad, name in ((np.zeros((0, 2)), "shape"), (np.full((3, 2), np.nan), "not finite")):
        with pytest.raises(ValueError, match=f"^points: .*{name}.*allowed: "):
            plane_extent(bad)
