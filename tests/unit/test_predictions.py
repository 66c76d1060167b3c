"""Predictions of test images: counts against scikit-learn, classes against counting, findings."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix as reference_matrix
from sklearn.metrics import recall_score

from restudy.analysis.columns import describe_columns
from restudy.analysis.findings import describe_classes, describe_layers, describe_predictions
from restudy.analysis.predictions import confusion_matrix, count_classes, count_pairs
from restudy.data.class_names import CLASS_NAMES, class_names
from restudy.data.points import make_points
from restudy.data.tables import read_table, with_cell, write_table
from restudy.families.contract import Axis, Family
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.running import JobRun, load_data, train
from restudy.reading.predicted_points import as_predictions, predicted_runs
from restudy.study.config import cell_settings, complete_config
from restudy.study.design import baseline_cell
from restudy.study.entries import Entries

CELL = {
    "dataset": "mnist",
    "protocol": "full",
    "activation": "relu",
    "initializer": "truncated_normal",
    "optimizer": "adam",
}
RUN = (
    "dataset~mnist/protocol~full/activation~relu/initializer~truncated_normal/optimizer~adam/seed~"
)
ACCURACY = ("accuracy", "accuracy_low", "accuracy_high")
KINDS = {"mnist": "mnist", "clothes": "fashion_mnist", "mine": "idx"}


def predictions(seed=0, images=500, classes=10, **changes):
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, images)
    wrong = random.random(images) > 0.8
    predicted = np.where(wrong, random.integers(0, classes, images), label)
    table = {"seed": seed, "image": np.arange(images), "label": label, "predicted": predicted}
    frame = pd.DataFrame(table).assign(loss=random.exponential(size=images))
    return with_cell(frame, CELL | changes)


def nothing(seed):
    """What a run that diverged writes: the columns, without a type."""
    columns = ["seed", "image", "label", "predicted", "loss"]
    return with_cell(pd.DataFrame(columns=columns), CELL | {"optimizer": f"gd{seed}"})


@pytest.mark.parametrize("classes", [2, 10, 256])
def test_confusion_matrix_is_scikit_learns(classes):
    table = predictions(classes=classes)
    matrix = confusion_matrix(table["label"], table["predicted"], classes)
    expected = reference_matrix(table["label"], table["predicted"], labels=range(classes))
    np.testing.assert_array_equal(matrix, expected)


def test_every_run_has_every_pair_of_the_classes_of_its_data_set():
    tables = [
        predictions(0),
        predictions(1, images=30),
        predictions(2, classes=3, dataset="mine"),
        predictions(3, classes=5, dataset="mine"),
    ]
    pairs = count_pairs(CONV, iter(tables))
    assert list(pairs.columns) == [*CELL, "seed", "label", "predicted", "count"]
    for seed, classes in ((0, 10), (1, 10), (2, 5), (3, 5)):
        own = pairs[pairs["seed"] == seed]
        table = tables[seed]
        expected = reference_matrix(table["label"], table["predicted"], labels=range(classes))
        np.testing.assert_array_equal(own["count"].to_numpy().reshape(classes, -1), expected)
        np.testing.assert_array_equal(own["label"], np.repeat(np.arange(classes), classes))
        np.testing.assert_array_equal(own["predicted"], np.tile(np.arange(classes), classes))


def test_accuracy_of_a_class_is_its_recall():
    table = predictions()
    classes = count_classes(CONV, count_pairs(CONV, [table]))
    assert list(classes.columns) == [*CELL, "seed", "label", "images", "correct", *ACCURACY]
    recall = recall_score(table["label"], table["predicted"], average=None)
    np.testing.assert_allclose(classes["accuracy"], recall)
    np.testing.assert_array_equal(classes["images"], np.bincount(table["label"]))
    assert classes["correct"].sum() == (table["label"] == table["predicted"]).sum()
    for row in classes.itertuples():
        wilson = binomtest(row.correct, row.images).proportion_ci(method="wilson")
        assert (row.accuracy_low, row.accuracy_high) == pytest.approx(wilson)


def test_a_class_that_was_only_predicted_has_no_accuracy():
    table = predictions(classes=3)
    table.loc[0, "predicted"] = 4
    classes = count_classes(CONV, count_pairs(CONV, [table]))
    assert classes["images"].tolist()[3:] == [0, 0]
    for column in ACCURACY:
        assert classes[column].isna().tolist() == [False] * 3 + [True] * 2


def test_points_are_counted_with_the_weights_of_each_run_on_its_own_draw(tmp_path):
    config = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
    kept = {"datasets": config["datasets"], "dense": config["dense"]}
    kept["datasets"]["moons"] |= {"draws": 2, "heldout_points": 200}
    kept["dense"]["protocols"]["published"] |= {"replicates": 3}
    config = complete_config(kept)
    cell = baseline_cell(Entries(config, DENSE))
    settings = cell_settings(config, DENSE, cell)
    folder = tmp_path / "results/data/moons"
    folder.mkdir(parents=True)
    points = make_points(settings["dataset"])[0]
    write_table(points, folder / "points.csv")
    job = tmp_path / cell.folder
    job.mkdir(parents=True)
    places = {each.name: job / each.name for each in DENSE.artefacts}
    data = load_data(DENSE, folder / "points.csv", settings["dataset"], range(3))
    train(JobRun(DENSE, settings, data, (0, 1, 2), places, tmp_path / "scratch"))
    inputs = SimpleNamespace(
        runs=[str(job / "runs.csv")],
        weights=[str(job / "weights.npz")],
        points=[str(folder / "points.csv")],
    )
    jobs = [{"folder": cell.folder, "cell": cell.row, "settings": settings}]
    (told,) = predicted_runs(DENSE, jobs, inputs)
    runs = pd.read_csv(job / "runs.csv").set_index("seed")
    pairs = count_pairs(DENSE, [as_predictions(*told)])
    classes = count_classes(DENSE, pairs)
    assert classes["points"].groupby(classes["seed"]).sum().tolist() == [200] * 3
    # What training measured, of the same weights on the same points.
    share = classes.groupby("seed")[["correct", "points"]].sum()
    np.testing.assert_allclose(share["correct"] / share["points"], runs["heldout_accuracy"])
    for seed, run in zip((0, 1, 2), told[1], strict=True):
        assert run.seed == seed
        own = points[(points["draw"] == seed % 2) & (points["part"] == "heldout")]
        np.testing.assert_array_equal(run.label, own["label"])
        recall = recall_score(run.label, run.predicted, average=None)
        np.testing.assert_allclose(classes.loc[classes["seed"] == seed, "accuracy"], recall)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_diverged_runs_leave_no_row_and_change_no_type(tmp_path, ending):
    for name, table in (("a", nothing(1)), ("b", predictions()), ("c", nothing(2))):
        write_table(table, tmp_path / f"{name}.{ending}")
    paths = [tmp_path / f"{name}.{ending}" for name in "abc"]
    pairs = count_pairs(CONV, map(read_table, paths))
    pd.testing.assert_frame_equal(pairs, count_pairs(CONV, [predictions()]), check_dtype=False)
    assert pairs[["seed", "label", "predicted", "count"]].dtypes.eq("int64").all()
    pairs = count_pairs(CONV, map(read_table, paths[::2]))
    classes = count_classes(CONV, pairs)
    assert pairs.empty and classes.empty
    assert list(classes.columns) == [*CELL, "seed", "label", "images", "correct", *ACCURACY]


def test_columns_are_explained():
    pairs = count_pairs(CONV, [predictions()])
    for table in (predictions(), pairs, count_classes(CONV, pairs)):
        assert all(describe_columns(table.columns).values())


def test_findings_name_the_worst_class_and_the_most_frequent_confusion():
    label = np.repeat([0, 1, 2], [10, 10, 10])
    predicted = label.copy()
    predicted[10:14] = 2
    predicted[0:3] = [1, 1, 2]
    frame = pd.DataFrame({"seed": 0, "image": range(30), "label": label, "predicted": predicted})
    table = with_cell(frame, CELL | {"dataset": "clothes"})
    pairs = count_pairs(CONV, [table])
    runs = with_cell(pd.DataFrame({"seed": [0, 1]}), CELL | {"dataset": "clothes"})
    found = describe_predictions(CONV, runs, count_classes(CONV, pairs), pairs, KINDS)
    run = RUN.replace("mnist", "clothes", 1)
    assert found[f"{run}0"] == (
        "7 of 30 test images are classified wrongly (error 0.2333). Worst is class Trouser, with "
        "accuracy 0.6000 over 10 images; most often, Trouser is taken for Pullover (4 images)."
    )
    assert found[f"{run}1"] == "The run diverged, so it classified no images."
    assert describe_classes(CONV, count_classes(CONV, pairs), KINDS) == (
        "Of clothes, class Trouser is classified worst (accuracy 0.6000) and class Pullover is "
        "classified best (accuracy 1.0000)."
    )


def test_classes_of_unlike_networks_are_not_averaged():
    """One network mistakes class 1 for 2; of another that learned nothing, all are a class 3."""
    frame = predictions()
    good = frame.assign(predicted=frame["label"].where(frame["label"] != 1, 2))
    tables = [
        with_cell(good.drop(columns=CELL), CELL),
        with_cell(good.drop(columns=CELL), CELL | {"activation": "tanh"}),
        with_cell(good.drop(columns=CELL).assign(predicted=3), CELL | {"optimizer": "gd"}),
    ]
    text = describe_classes(CONV, count_classes(CONV, count_pairs(CONV, tables)), KINDS)
    assert "class 1 is classified worst in 2 of 3 cells (accuracy 0.0000)" in text


def test_predictions_of_any_family_are_counted_and_described_by_its_axes():
    family = Family(
        name="machines",
        title="Machines",
        description="Machines.",
        takes="points",
        axes=(
            Axis("c", "C", "Inverse strength of the penalty.", "number", above=0),
            Axis("degree", "Degree", "Degree of the kernel.", "whole_number", minimum=1),
        ),
        measures=(),
        train="train",
    )
    cell = {"dataset": "mine", "protocol": "plain", "c": 0.5, "degree": 3}
    frame = pd.DataFrame({"seed": 1, "label": [0, 0, 1], "predicted": [0, 1, 1]})
    lost = with_cell(frame.iloc[:0].astype(object).assign(seed=[]), cell)
    pairs = count_pairs(family, [lost, with_cell(frame, cell)])
    assert list(pairs.columns) == [*family.keys, "label", "predicted", "count"]
    assert pairs["count"].tolist() == [1, 1, 0, 1]
    assert pairs[["c", "degree"]].dtypes.tolist() == ["float64", "int64"]
    classes = count_classes(family, pairs)
    assert classes["correct"].tolist() == [1, 1]
    runs = with_cell(pd.DataFrame({"seed": [0, 1]}), cell)
    path = "dataset~mine/protocol~plain/c~0.5/degree~3/seed~"
    assert describe_predictions(family, runs, classes, pairs, KINDS) == {
        f"{path}0": "The run diverged, so it classified no points.",
        f"{path}1": (
            "1 of 3 test points are classified wrongly (error 0.3333). Worst is class 0, with "
            "accuracy 0.5000 over 2 points; most often, 0 is taken for 1 (1 points)."
        ),
    }


def test_findings_of_a_faultless_run_name_no_worst_class():
    table = predictions().assign(predicted=lambda frame: frame["label"])
    pairs = count_pairs(CONV, [table])
    runs = with_cell(pd.DataFrame({"seed": [0]}), CELL)
    found = describe_predictions(CONV, runs, count_classes(CONV, pairs), pairs, KINDS)
    assert found == {f"{RUN}0": "0 of 500 test images are classified wrongly (error 0.0000)."}


def test_findings_without_a_finished_run_say_so():
    classes = count_classes(CONV, count_pairs(CONV, [nothing(1)]))
    assert "no images were classified" in describe_classes(CONV, classes, KINDS)


def test_findings_on_layers_of_the_cnn_are_of_its_last_step():
    rows = [
        (step, layer, norm * (1 + step), share, share / 2)
        for step in (0, 100)
        for layer, norm, share in (
            ("conv1", 0.5, 0.25),
            ("conv2", 1.0, 0.5),
            ("fc1", 2.0, 0.75),
            ("fc2", 4.0, np.nan),
        )
    ]
    columns = ["step", "layer", "grad_norm", "saturated_share", "dead_share"]
    layers = pd.DataFrame(rows, columns=columns)
    layers.insert(0, "seed", 0)
    runs = pd.DataFrame({"seed": [0], "diverged_at": pd.array([None], "Int64")})
    study = {"question": "?", "vary": ["activation"], "cells": [CELL]}
    found = describe_layers(CONV, with_cell(runs, CELL), with_cell(layers, CELL), {"s": study})
    (gradients,) = found["s"]["gradients"]
    assert "gradient norm of the first layer with ReLU (50.5000" in gradients
    saturated, dead = found["s"]["units"]
    assert "(unit, image) pairs with ReLU (0.5000" in saturated
    assert "dead units with ReLU (0.2500" in dead


def test_published_sets_name_all_their_classes_and_others_are_numbered():
    assert all(len(set(names)) == len(names) == 10 for names in CLASS_NAMES.values())
    assert class_names("fashion_mnist", 10)[9] == "Ankle boot"
    assert class_names("mnist", 3) == ["0", "1", "2"]
    assert class_names("fashion_mnist", 11)[10] == "10"
