"""Point sets: drawn as scikit-learn draws them, or given, split and standardized as it does it."""

import copy
import os
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from sklearn.datasets import load_digits, load_iris, make_blobs, make_circles, make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from restudy.data.inspection import inspect_datasets
from restudy.data.kinds import kinds_that
from restudy.data.points import make_points, split
from restudy.data.tables import features_of, parts_of, read_table, write_table
from restudy.families.contract import POINTS
from restudy.families.registry import FAMILIES
from restudy.study.config import ConfigError, cell_settings, complete_config

SMOKE = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
TABLE = "height,kind,width\n1.5,b,2\n0.1,a,3\n0.2,a,-4e-3\n 7 ,b,1\n0.30000000000000004,b,0\n"


def complete(**settings) -> dict:
    """A data set with its defaults."""
    config = copy.deepcopy(SMOKE)
    config["datasets"]["ours"] = settings
    return complete_config(config)["datasets"]["ours"]


def make_parts(dataset):
    return parts_of(make_points(dataset)[0])


def make_spirals(points, **settings):
    dataset = complete(kind="spirals", points=points, **settings)
    return make_parts(dataset)["train"]


@pytest.fixture
def own(tmp_path):
    """Write a file; return the completed data set of kind csv that names it."""

    def write(content=TABLE, label="kind", name="own.csv", **settings):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        if content is not None:
            path.write_bytes(content)
        return complete(kind="csv", path=str(path), label=label, **settings)

    return write


def oracle(kind, points, seed):
    generator = np.random.RandomState(seed)
    if kind == "moons":
        return make_moons(points, noise=0.2, random_state=generator)
    if kind == "circles":
        return make_circles(points, noise=0.1, factor=0.5, random_state=generator)
    return make_blobs(points, centers=3, n_features=2, random_state=generator)


@pytest.mark.parametrize("kind", ["moons", "circles"])
def test_both_parts_are_scikit_learns(kind):
    parts = make_parts(complete(kind=kind, points=31, seed=5, heldout_points=77, heldout_seed=9))
    for part, points, seed in (("train", 31, 5), ("heldout", 77, 9)):
        x, label = oracle(kind, points, seed)
        np.testing.assert_array_equal(parts[part][0], x)
        np.testing.assert_array_equal(parts[part][1], label)


def test_blobs_are_scikit_learns_and_held_out_points_have_the_same_centres():
    dataset = complete(
        kind="blobs", classes=4, features=3, spread=0.5, seed=2, points=50, heldout_points=4000
    )
    parts = make_parts(dataset)
    x, label, centres = make_blobs(
        50,
        centers=4,
        n_features=3,
        cluster_std=0.5,
        random_state=np.random.RandomState(2),
        return_centers=True,
    )
    np.testing.assert_array_equal(parts["train"][0], x)
    np.testing.assert_array_equal(parts["train"][1], label)
    fresh, of_class = parts["heldout"]
    for number, centre in enumerate(centres):
        members = fresh[of_class == number]
        np.testing.assert_allclose(members.mean(axis=0), centre, atol=0.08)
        np.testing.assert_allclose(members.std(axis=0), 0.5, atol=0.05)


@pytest.mark.parametrize(("classes", "turns"), [(2, 1.0), (3, 0.75), (5, 2)])
def test_spirals_without_noise_lie_on_their_arms(classes, turns):
    x, label = make_spirals(103, classes=classes, turns=turns, noise=0)
    radius = np.hypot(*x.T)
    assert radius.max() < 2.0
    expected = 2 * np.pi * (turns * radius / 2 + label / classes)
    np.testing.assert_allclose(np.exp(1j * expected), (x[:, 0] + 1j * x[:, 1]) / radius, atol=1e-9)
    # Half of the points lie within radius 2 / √2: as many along the arm as its length asks for.
    assert (radius < 2 / np.sqrt(2)).mean() == pytest.approx(0.5, abs=0.15)
    assert np.ptp(np.bincount(label, minlength=classes)) <= 1
    assert not np.array_equal(label, np.sort(label))


def test_noise_of_spirals_is_normal_with_its_standard_deviation():
    clean, label = make_spirals(4000, noise=0)
    noisy, same = make_spirals(4000, noise=0.3)
    np.testing.assert_array_equal(label, same)
    noise = (noisy - clean).ravel()
    assert noise.std() == pytest.approx(0.3, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "load", "classes"),
    [
        ("iris", load_iris, ["setosa", "versicolor", "virginica"]),
        ("digits", load_digits, [str(number) for number in range(10)]),
    ],
)
def test_tables_of_scikit_learn_are_split_class_by_class(kind, load, classes):
    dataset = complete(kind=kind, standardize=False, heldout_share=0.25)
    parts, (_, description) = make_parts(dataset), make_points(dataset)
    x, label = load(return_X_y=True)
    rows = [
        (number, *row)
        for one, numbers in parts.values()
        for number, row in zip(numbers, one.tolist(), strict=True)
    ]
    assert sorted(rows) == sorted(zip(label, *x.T.tolist(), strict=True))
    assert description["classes"] == classes
    assert description["features"] == list(load().feature_names)
    *_, train, heldout = train_test_split(x, label, test_size=0.25, stratify=label, random_state=0)
    counts = {part: np.array(list(named.values())) for part, named in description["counts"].items()}
    assert list(counts) == ["train", "validation", "heldout"]
    for part, ours in counts.items():
        np.testing.assert_array_equal(ours, np.bincount(parts[part][1]))
    assert np.abs(counts["heldout"] - np.bincount(heldout)).max() <= 1
    seen = counts["train"] + counts["validation"]
    assert np.abs(seen - np.bincount(train)).max() <= 1
    np.testing.assert_allclose(counts["validation"], 0.2 * np.bincount(label), atol=1)


def test_split_follows_its_seed_and_leaves_every_class_in_every_part():
    label = np.repeat([0, 1, 2, 3], [3, 4, 200, 2])
    for shares in ((1e-9, 1e-9), (0.3, 0.2), (0.999, 1e-9), (1e-9, 0.999), (0.5, 0.499)):
        part_of = split(label, dict(zip(("heldout", "validation"), shares, strict=True)), seed=0)
        for number in range(3):
            assert set(part_of[label == number]) == {"train", "validation", "heldout"}, shares
        # Of two points, none is left for validation.
        assert sorted(part_of[-2:]) == ["heldout", "train"]
    shares = {"heldout": 0.3, "validation": 0.2}
    chosen = [split(label, shares, seed) for seed in (0, 0, 1)]
    counts = [(chosen[0][7:207] == part).sum() for part in ("train", "validation", "heldout")]
    assert counts == [100, 40, 60]
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


@pytest.mark.parametrize("seed", range(40))
def test_what_is_held_out_does_not_depend_on_the_validation_share(seed):
    generator = np.random.default_rng(seed)
    counts = generator.integers(3, 40, generator.integers(1, 6)).tolist()
    share, other = generator.uniform(0.01, 0.6), generator.uniform(0.01, 0.3)
    label = np.repeat(range(len(counts)), counts)
    found = [
        split(label, {"heldout": share, "validation": each}, seed) == "heldout"
        for each in (other, 0.9 - share)
    ]
    np.testing.assert_array_equal(*found)
    for number, count in enumerate(counts):
        wanted = min(max(round(share * count), 1), count - 2)
        assert found[0][label == number].sum() == wanted


def test_validation_points_are_fresh_ones_of_the_same_distribution():
    changed = {"validation_points": 300, "validation_seed": 5}
    for kind in ("moons", "circles", "spirals", "blobs"):
        parts = make_parts(complete(kind=kind, points=300, heldout_points=300, **changed))
        again = make_parts(complete(kind=kind, points=300, heldout_points=300, heldout_seed=5))
        for one, other in zip(parts["validation"], again["heldout"], strict=True):
            np.testing.assert_array_equal(one, other)
        rows = [set(map(tuple, x)) for x, _ in parts.values()]
        assert len(set.union(*rows)) == 900


@pytest.mark.parametrize("kind", ["iris", "digits", "moons", "blobs"])
def test_standardized_features_are_those_of_the_training_points_scaler(kind):
    plain = make_parts(complete(kind=kind, standardize=False))
    dataset = complete(kind=kind, standardize=True)
    scaled, (_, description) = make_parts(dataset), make_points(dataset)
    scaler = StandardScaler().fit(plain["train"][0])
    for part, (x, label) in plain.items():
        np.testing.assert_allclose(scaled[part][0], scaler.transform(x), atol=1e-12)
        np.testing.assert_array_equal(scaled[part][1], label)
    np.testing.assert_allclose(description["mean"], plain["train"][0].mean(axis=0), atol=1e-12)
    deviation = plain["train"][0].std(axis=0)
    np.testing.assert_allclose(description["scale"], np.where(deviation > 0, deviation, 1))


def test_constant_feature_is_only_centred(own):
    rows = "".join(f"0.1,{kind},{number}\n" for number, kind in enumerate("abababab"))
    x, _ = make_parts(own(f"same,kind,width\n{rows}"))["train"]
    np.testing.assert_allclose(x[:, 0], 0, atol=1e-12)
    assert x[:, 1].std() == pytest.approx(1)


def test_drawn_sets_are_as_drawn_and_given_ones_standardized_by_default():
    for kind in kinds_that(POINTS):
        keys = {"path": "x.csv", "label": "y"} if kind == "csv" else {}
        assert complete(kind=kind, **keys)["standardize"] == (kind in ("iris", "digits", "csv"))


def test_description_and_table_survive_being_written(tmp_path):
    points, description = make_points(complete(kind="spirals", classes=3, points=10))
    write_table(points, tmp_path / "points.csv")
    again = read_table(tmp_path / "points.csv")
    assert list(again.columns) == ["part", "x1", "x2", "label"]
    np.testing.assert_array_equal(features_of(again), features_of(points))
    assert description == {
        "kind": "spirals",
        "classes": ["0", "1", "2"],
        "features": ["x1", "x2"],
        "counts": {
            "train": {"0": 4, "1": 3, "2": 3},
            "validation": {"0": 667, "1": 667, "2": 666},
            "heldout": {"0": 667, "1": 667, "2": 666},
        },
    }


def test_features_are_read_in_the_order_of_their_numbers():
    points, _ = make_points(complete(kind="blobs", features=11, points=5))
    assert features_of(points).shape == (4005, 11)
    with pytest.raises(ValueError, match="x1, x2, …"):
        features_of(points.rename(columns={"x2": "width"}))


def test_parts_keep_their_own_rows_in_the_order_of_the_table():
    table = pd.DataFrame(
        [(0.5, 1.5, "train", 1), (2.5, 3.5, "heldout", 0), (4.5, 5.5, "train", 2)],
        columns=["x1", "x2", "part", "label"],
    )
    found = {part: (x.tolist(), label.tolist()) for part, (x, label) in parts_of(table).items()}
    assert found == {
        "train": ([[0.5, 1.5], [4.5, 5.5]], [1, 2]),
        "heldout": ([[2.5, 3.5]], [0]),
    }


def test_number_of_features_is_known_before_the_points_are_made(own):
    datasets = {kind: complete(kind=kind) for kind in ("moons", "circles", "spirals", "iris")}
    datasets |= {
        "digits": complete(kind="digits"),
        "flat": complete(kind="blobs", features=1),
        "mnist": complete(kind="mnist"),
        "own": own(),
        "few": own("kind,x\na,1\na,2\nb,3\nb,4\n", name="few.csv"),
    }
    known = inspect_datasets(datasets)
    assert list(known) == list(datasets) and known.pop("mnist").train == 60_000
    for name, facts in known.items():
        points = make_points(datasets[name])[0]
        assert features_of(points).shape[1] == facts.features
        assert ("validation" in set(points["part"])) == facts.has_validation
    assert not known["few"].has_validation and known["own"].has_validation


def test_own_file_is_read_to_the_last_digit(own):
    points, description = make_points(own(standardize=False, heldout_share=0.5))
    assert description["classes"] == ["a", "b"]
    assert description["features"] == ["height", "width"]
    assert description["counts"] == {
        "train": {"a": 1, "b": 1},
        "validation": {"a": 0, "b": 1},
        "heldout": {"a": 1, "b": 1},
    }
    found = sorted(zip(points["x1"], points["x2"], points["label"], strict=True))
    assert found == [
        (0.1, 3.0, 0),
        (0.2, -0.004, 0),
        (0.30000000000000004, 0.0, 1),
        (1.5, 2.0, 1),
        (7.0, 1.0, 1),
    ]


@pytest.mark.parametrize(
    ("texts", "classes"),
    [
        (["10", "9", "10", "9", "-1", "-1"], ["-1", "9", "10"]),
        (["1.0", "1", "2.50", "2.5"], ["1", "2.5"]),
        # Codes: different texts are different classes, though their values may be the same.
        (["01", "1", "01", "1"], ["01", "1"]),
        (["1E2", "100", "1E2", "100"], ["100", "1E2"]),
        ([f"90000000000000000{n % 3}" for n in range(6)], [f"90000000000000000{n}" for n in "012"]),
        (["NA", "DE", "NA", "DE"], ["DE", "NA"]),
        (["10", "9", "10", "9", "none", "none"], ["10", "9", "none"]),
        (["é", "a", "é", "a"], ["a", "é"]),
    ],
)
def test_classes_are_sorted_and_numbers_by_their_value(own, texts, classes):
    rows = "".join(f"{text},{number}\n" for number, text in enumerate(texts))
    points, description = make_points(own(f"kind,x\n{rows}", standardize=False))
    assert description["classes"] == classes
    for number, label in zip(points["x1"], points["label"], strict=True):
        text = texts[int(number)]
        assert classes[label] == text or text in ("1.0", "2.50")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "Unnamed: 0,x,kind\n0,1.5,a\n1,2,b\n2,1,a\n3,7,b\n4,8,b\n",
            "column 'Unnamed: 0' counts the rows",
        ),
        ("row,x,kind\n1,1.5,a\n2,2,b\n3,1,a\n4,7,b\n5,7,a\n", "column 'row' counts the rows"),
        ("id,x,kind\n7,1.5,a\n9,2,b\n12,1,a\n30,7,b\n31,8,b\n", "column 'id' counts the rows"),
        ("id,x,kind\n3,1.5,a\n1,2,b\n4,1,a\n2,7,b\n5,8,b\n", "column 'id' counts the rows"),
        ("x,kind\n1,a\n3,b\n,\n2,a\n , \n9,b\n8,b\n", "without a single value are left out (2"),
        ("x,kind\n1,?\n3,b\n2,?\n9,b\n8,b\n", "'?' in column 'kind' is a class"),
        (
            "x,kind\n1,caf\u00e9\n3,b\n2,cafe\u0301\n9,b\n8,b\n",
            "such as 'café'; they are one class",
        ),
        ("x,kind\n1,a b\n3,b\n2,a\u00a0b\n9,b\n8,b\n", "such as 'a b'; they are one class"),
        ("x,kind\n1,a\u200b\n3,b\n2,a\n9,b\n8,b\n", "such as 'a'; they are one class"),
        ("x,kind\n1,1\n3,2\n2,1.0\n9,2\n8,2\n", "numbers written in several ways"),
        ("x,kind\n1,Yes\n3,yes\n2,Yes\n9,yes\n8,yes\n", "'Yes' and 'yes'; they are different"),
        ("x,kind\n1,NA\n3,b\n2,NA\n9,b\n8,b\n", "'NA' in column 'kind' is a class"),
        ("x,kind\n1,a\n3,b\n2,a\n9,b\n8,b\n", ""),
        ("x,kind\n1,a\n3,b\n2,a\n9,b\n", "no class of column 'kind' has a third row"),
    ],
)
def test_what_is_allowed_and_perhaps_not_meant_is_told(tmp_path, content, told):
    (tmp_path / "own.csv").write_text(content)
    dataset = {"kind": "csv", "path": str(tmp_path / "own.csv"), "label": "kind"}
    lines = []
    inspect_datasets({"ours": dataset}, lines.append)
    assert len(lines) == bool(told)
    assert all(line.startswith("datasets.ours: ") and told in line for line in lines)


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\n\n").encode(),
        TABLE.replace("height,kind", '" height ","kind"').encode(),
        TABLE.rstrip("\n").encode(),
    ],
    ids=["mark", "carriage returns", "blank lines", "quotes", "no last newline"],
)
def test_own_file_may_come_from_any_program(own, content):
    expected, description = make_points(own())
    points, same = make_points(own(content))
    assert points.equals(expected) and same == description


FILE_FAULTS = {
    "missing file": (None, ["ours.path: got", "own.csv', no such file", "allowed: a CSV file"]),
    "empty file": ("", ["ours.path: got", "it is empty"]),
    "header alone": ("a,kind\n", ["ours.path: got", "no rows"]),
    "other encoding": ("a,kind\né,1\n".encode("latin-1"), ["not UTF-8 text", "invalid byte 0xe9"]),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", ["not UTF-8 text", "invalid byte 0x89"]),
    "open quote": ('a,kind\n1,"x\n2,y\n', ["line 3 is not CSV"]),
    "short row": (
        "a,b,kind\n1,2,x\n1,x\n1,2,x\n5\n",
        ["own.csv, line 3: got 2 values", "1 more like it", "allowed: 3"],
    ),
    "column twice": ("a,b,a,kind\n1,2,3,x\n", ["2 columns are called 'a'", "each name once"]),
    "column without name": (",a,kind\n0,1,x\n", ["column 1 has no name"]),
    "no such label": (
        "a,Kind\n1,x\n",
        ["ours.label: got 'kind'", "did you mean 'Kind'", "a, Kind"],
    ),
    "no such label of many": (
        ",".join(f"c{number}" for number in range(30)) + "\n" + "1," * 29 + "1\n",
        ["c19 and 10 more"],
    ),
    "semicolons": ("a;kind\n1;x\n", ["ours.path", "separated by ';'", "allowed: commas"]),
    "bars": ("a|kind\n1|x\n", ["separated by '|'", "allowed: commas"]),
    "quoted semicolons": ('"a";"kind"\n1;x\n', ["separated by ';'", "allowed: commas"]),
    "decimal commas of a spreadsheet": ("a;kind\n1,5;x\n", ["separated by ';'", "points in"]),
    "decimal commas": ("a,b,kind\n1,5,2,1,x\n2,5,1,1,y\n", ["got 5 values", "write 1.5 for 1,5"]),
    "line for a spreadsheet": ("sep=;\na;kind\n1;x\n", ["'sep=;', is for a spreadsheet"]),
    "UTF-16": ("a,kind\n1,x\n".encode("utf-16"), ["it is UTF-16 text; save it as UTF-8"]),
    "UTF-16, no mark": ("a,kind\n1,x\n".encode("utf-16-le"), ["line 1 has a NUL", "is it UTF-16?"]),
    "gzip": (b"\x1f\x8b\x08\x00", ["compressed with gzip; unpack it"]),
    "spreadsheet": (b"PK\x03\x04", ["a spreadsheet or a ZIP archive; export the table as CSV"]),
    "blank rows alone": ("a,kind\n,\n , \n", ["all its rows are blank"]),
    "names of rows": ("a,b,kind\n1,5,2,x\n2,6,2,y\n", ["got 4 values", "row.names=FALSE"]),
    "index of pandas": (
        ",a,kind\n0,1,x\n1,1,x\n2,3,y\n3,3,y\n",
        ["column 1 has no name (an index? pandas leaves it out with index=False"],
    ),
    "commas at ends": ("a,kind,\n1,x,\n2,y,\n", ["column 3 has no name (and no value"]),
    **{
        f"value {text}": (
            f"a,kind\n1,x\n{text},x\n2,y\n2,y\n",
            [f"the value is missing ('{text}')"],
        )
        for text in ("NA", "?", "-", "N/A", "#N/A", "None", ".", "null")
    },
    "no feature": ("kind\nx\ny\n", ["no column besides 'kind'", "at least one feature"]),
    "missing value": (
        "a,b,kind\n1,2,x\n1,,x\nNA,nan,y\n1,2,y\n",
        ["own.csv, line 3, column 'b': the value is missing", "2 more like it", "a number"],
    ),
    "text": (
        "a,kind\n1,x\n1_0,x\ntall,y\n1,y\n",
        ["line 3, column 'a': got '1_0'", "1 more like it"],
    ),
    "decimal comma": (
        'a,kind\n1,x\n"1,5",x\n2,y\n2,y\n',
        ["line 3, column 'a': got '1,5'", "a number"],
    ),
    "infinite": (
        "a,kind\n1,x\n-inf,x\n1e200,y\n1,y\n",
        ["line 3, column 'a': got '-inf'", "1e+100"],
    ),
    "missing class": (
        "a,kind\n1,x\n1, \n1,NaN\n",
        ["ours.label", "line 3, column 'kind'", "1 more like it"],
    ),
    "one class": ("a,kind\n1,x\n2,x\n", ["ours.label", "only the class 'x'", "two or more"]),
    "class of one row": (
        "a,kind\n1,x\n2,x\n3,y\n4,z\n",
        ["ours.label", "class 'y' of column 'kind' has a single row", "1 more like it", "two"],
    ),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_file_that_cannot_be_used_is_refused_in_one_line(own, fault):
    content, expected = FILE_FAULTS[fault]
    with pytest.raises(ValueError, match="datasets") as found:
        inspect_datasets({"ours": own(content)})
    message = str(found.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("datasets.ours.") and "; " in message
    for part in expected:
        assert part in message


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    dataset = complete(kind="csv", path=str(tmp_path), label="y")
    with pytest.raises(ValueError, match="this is a folder"):
        inspect_datasets({"ours": dataset})


def test_all_faults_of_all_files_are_listed_at_once(own):
    two = own("a,kind\nx,\n1,p\n,p\n", name="two.csv")
    with pytest.raises(ValueError, match="datasets") as found:
        inspect_datasets({"one": own(None, name="one.csv"), "two": two, "fine": own()})
    lines = str(found.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "datasets.one.path",
        "datasets.two.label",
        "datasets.two.path",
        "datasets.two.path",
    ]


KEY_FAULTS = {
    "too few points": (
        {"kind": "blobs", "classes": 5, "points": 4},
        ["datasets.ours.points: got 4", "at least 5"],
    ),
    "too few held-out points": (
        {"kind": "spirals", "classes": 5, "heldout_points": 3},
        ["datasets.ours.heldout_points: got 3", "at least 5"],
    ),
    **{
        f"one seed for all {kind}": (
            {"kind": kind, "seed": 1},
            ["datasets.ours.heldout_seed: got 1, the same as seed"],
        )
        for kind in ("moons", "circles", "spirals", "blobs")
    },
    "one class": ({"kind": "blobs", "classes": 1}, ["ours.classes: got 1", "at least 2"]),
    "nothing held out": (
        {"kind": "iris", "heldout_share": 0},
        ["ours.heldout_share: got 0", "more than 0"],
    ),
    "all held out": ({"kind": "iris", "heldout_share": 1}, ["heldout_share", "less than 1"]),
    "no label": ({"kind": "csv", "path": "a.csv"}, ["datasets.ours", "missing key 'label'"]),
    "number for a label": (
        {"kind": "csv", "path": "a.csv", "label": 3},
        ["ours.label: got 3", "allowed: text"],
    ),
    "text for yes": (
        {"kind": "iris", "standardize": "on"},
        ["ours.standardize: got 'on'", "true or false"],
    ),
    "key of another kind": (
        {"kind": "circles", "turns": 2},
        ["datasets.ours: unknown key 'turns'", "factor"],
    ),
    "unknown kind": (
        {"kind": "spiral"},
        ["'spiral'", "did you mean 'spirals'", "csv, mnist, fashion_mnist, idx"],
    ),
    "circle as large as the other": (
        {"kind": "circles", "factor": 1.0},
        ["ours.factor: got 1.0", "less than 1"],
    ),
}


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_setting_that_cannot_be_is_refused_in_one_line(fault):
    settings, expected = KEY_FAULTS[fault]
    with pytest.raises(ConfigError) as found:
        complete(**settings)
    assert len(str(found.value).splitlines()) == 1
    for part in expected:
        assert part in str(found.value)


@pytest.mark.parametrize("kind", kinds_that(POINTS))
def test_dense_networks_take_every_point_set_and_the_cnn_none(kind):
    config = copy.deepcopy(SMOKE)
    keys = {"path": "x.csv", "label": "y"} if kind == "csv" else {}
    config["datasets"]["ours"] = {"kind": kind, **keys}
    config = complete_config(config)
    cell = config["dense"]["baseline"] | {"dataset": "ours"}
    assert cell_settings(config, FAMILIES["dense"], cell)["dataset"]["kind"] == kind
    with pytest.raises(ConfigError, match="defined: mnist"):
        cell_settings(config, FAMILIES["conv"], config["conv"]["baseline"] | {"dataset": "ours"})


def test_configuration_is_inspected_without_a_large_library():
    import subprocess
    import sys

    code = (
        "import sys, restudy.data.inspection; "
        "banned = {'pandas', 'sklearn', 'numpy'} & set(sys.modules); assert not banned, banned"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT / "src")})


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "link to nothing", "socket"])
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    Path("link to nothing").symlink_to("nowhere")
    Path("device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        dataset = complete(kind="csv", path=kind, label="y")
        with pytest.raises(ValueError, match=f"ours.path: got '{kind}', ") as found:
            inspect_datasets({"ours": dataset})
    assert {
        "pipe": "this is a pipe",
        "device": "this is a device",
        "loop": "Too many levels of symbolic links",
        "link to nothing": "a link to nowhere, where there is nothing",
        "socket": "this is a socket",
    }[kind] in str(found.value)


def test_file_that_is_too_large_is_refused(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(ValueError, match="it has more than 100 MB"):
        inspect_datasets({"ours": complete(kind="csv", path=str(path), label="y")})


def test_message_quotes_no_more_of_a_file_than_can_be_read(own):
    for content in (f"{'x' * 90_000},kinds\n1,a\n", f"x,kind\n{'9' * 90_000}z,a\n2,b\n"):
        with pytest.raises(ValueError, match="ours") as found:
            inspect_datasets({"ours": own(content)})
        assert len(str(found.value)) < 1000
