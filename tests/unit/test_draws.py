"""Several draws of a data set: what they share, what they don't, and which a run is trained on."""

import copy
import hashlib
import json
import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import svc_family
import yaml
from conftest import ROOT
from sklearn.datasets import make_blobs, make_moons
from sklearn.preprocessing import StandardScaler

from restudy.data import inspection
from restudy.data import points as point_sets
from restudy.data.points import PointsError, make_points, seeds_of_draws
from restudy.data.tables import (
    combine,
    describe_draw,
    parts_of,
    read_table,
    split_draws,
    stack_tables,
    with_cell,
    write_table,
)
from restudy.errors import UserError
from restudy.families import worker
from restudy.families.contract import Run, draw_of
from restudy.families.dense import DenseNetwork, adam
from restudy.families.dense.cells import points_of
from restudy.families.dense.training import CHUNK
from restudy.families.own_python import pack_data
from restudy.families.plugins import PointSet
from restudy.families.registry import FAMILIES, load_plugins
from restudy.families.running import BrokenPromiseError, JobRun, load_data
from restudy.plan.studies import Plan
from restudy.study.config import ConfigError, complete_config
from restudy.study.entries import Entries

SMOKE = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
TABLE = (
    "height,kind,width\n1.5,b,2\n0.1,a,3\n0.2,a,-4e-3\n 7 ,b,1\n0.30000000000000004,b,0\n0.4,a,9\n"
)
PINWHEEL = ROOT / "examples/own_parts/pinwheel.py"
SETS = {
    "moons": {},
    "circles": {"standardize": True},
    "spirals": {"classes": 3, "points": 31},
    "blobs": {"features": 3, "seed": 7},
    "iris": {},
    "digits": {"standardize": False},
    "csv": {"label": "kind"},
    "pinwheel": {"classes": 4},
}
# Beginnings of the digests of the files as they were before there were draws.
BEFORE = {
    "moons": "e03669e7d3b3c493",
    "circles": "2cea8aad740ea9a3",
    "spirals": "24869c099a47dc6f",
    "blobs": "34d16aa0f6d4169b",
    "iris": "c026f65f33538b5a",
    "digits": "8187491f4eb17872",
    "csv": "36bedcb1caf5513f",
}
GENERATED = ("moons", "circles", "spirals", "blobs", "pinwheel")
FEW = {"points": 40, "heldout_points": 30, "validation_points": 20}


@pytest.fixture
def completed(tmp_path):
    """Return a completed data set of a kind; files of the user's are there."""
    (tmp_path / "own.csv").write_text(TABLE)
    load_plugins({"point_sets": [PINWHEEL]})

    def complete(kind, **settings):
        given = {"kind": kind, **SETS[kind], **settings}
        if kind == "csv":
            given["path"] = str(tmp_path / "own.csv")
        config = copy.deepcopy(SMOKE)
        config["datasets"]["ours"] = given
        return complete_config(config)["datasets"]["ours"]

    yield complete
    load_plugins({})


def arrays_of(points):
    """Every part of every draw, by both."""
    return {
        (draw, part): x
        for draw, own in enumerate(split_draws(points))
        for part, (x, _) in parts_of(own).items()
    }


# Points -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("given", [{}, {"draws": 1}])
def test_one_draw_is_the_data_set_as_it_was_to_the_byte(completed, tmp_path, kind, given):
    dataset = completed(kind, **given)
    assert "draws" not in dataset
    points, description = make_points(dataset)
    write_table(points, tmp_path / "points.csv")
    content = (tmp_path / "points.csv").read_bytes() + json.dumps(description).encode()
    assert hashlib.sha256(content).hexdigest().startswith(BEFORE[kind])


@pytest.mark.parametrize("kind", SETS)
def test_more_draws_keep_the_earlier_ones_and_the_first_is_the_only_one(completed, kind):
    only, few, more = (make_points(completed(kind, draws=draws)) for draws in (1, 3, 5))
    assert list(few[0])[:2] == ["draw", "part"]
    pd.testing.assert_frame_equal(split_draws(few[0])[0], only[0], check_exact=True)
    for one, other in zip(split_draws(few[0]), split_draws(more[0])[:3], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert few[1]["draws"] == 3 and few[1]["by_draw"] == more[1]["by_draw"][:3]
    assert describe_draw(few[1], 0) == {**only[1], "draws": 3}


@pytest.mark.parametrize("kind", GENERATED)
def test_no_two_parts_of_any_draws_share_a_point(completed, kind):
    points, _ = make_points(completed(kind, draws=4))
    found = arrays_of(points)
    assert len(found) == 4 * 3
    for one, other in combinations(found.values(), 2):
        assert not set(map(tuple, one)) & set(map(tuple, other))


@pytest.mark.parametrize("kind", ["iris", "digits"])
def test_draws_of_a_table_are_splits_of_the_same_points(completed, kind):
    points, _ = make_points(completed(kind, draws=4, standardize=False))
    draws = split_draws(points)
    rows = [own.drop(columns="part").sort_values(list(own.columns[1:])) for own in draws]
    for other in rows[1:]:
        pd.testing.assert_frame_equal(
            rows[0].reset_index(drop=True), other.reset_index(drop=True), check_exact=True
        )
    heldout = [
        set(map(tuple, x)) for (_, part), x in arrays_of(points).items() if part == "heldout"
    ]
    assert len(set(map(frozenset, heldout))) == 4
    sizes = [own.groupby(["part", "label"]).size().to_dict() for own in draws]
    assert all(each == sizes[0] for each in sizes)


def test_every_draw_is_that_of_scikit_learn_with_its_seeds(completed):
    dataset = completed("moons", draws=3, noise=0.3)
    first = {"train": 0, "validation": 1_000_000, "heldout": 1}
    for own, seeds in zip(
        split_draws(make_points(dataset)[0]), seeds_of_draws(first, 3), strict=True
    ):
        for part, (x, label) in parts_of(own).items():
            expected = make_moons(
                len(x), noise=0.3, random_state=np.random.RandomState(seeds[part])
            )
            np.testing.assert_array_equal(x, expected[0])
            np.testing.assert_array_equal(label, expected[1])


def test_draws_of_blobs_have_the_same_centres(completed):
    dataset = completed("blobs", draws=3, points=6000, spread=0.5)
    _, _, centres = make_blobs(
        3, n_features=3, random_state=np.random.RandomState(7), return_centers=True
    )
    for own in split_draws(make_points(dataset)[0]):
        x, label = parts_of(own)["train"]
        means = np.stack([x[label == each].mean(axis=0) for each in range(3)])
        np.testing.assert_allclose(means, centres, atol=0.06)


@pytest.mark.parametrize("kind", ["circles", "iris"])
def test_features_are_standardized_by_the_training_points_of_their_own_draw(completed, kind):
    points, description = make_points(completed(kind, draws=3))
    plain, _ = make_points(completed(kind, draws=3, standardize=False))
    scales = []
    for draw, own in enumerate(split_draws(plain)):
        parts, scaler = parts_of(own), StandardScaler()
        scaler.fit(parts["train"][0])
        for part, x in arrays_of(points).items():
            if part[0] == draw:
                np.testing.assert_allclose(x, scaler.transform(parts[part[1]][0]), atol=1e-12)
        facts = describe_draw(description, draw)
        np.testing.assert_allclose(facts["mean"], scaler.mean_)
        np.testing.assert_allclose(facts["scale"], scaler.scale_)
        scales.append(facts["scale"])
    assert scales[0] != scales[1] != scales[2]


def test_no_two_seeds_are_equal_even_where_hashes_are(monkeypatch):
    first = {"train": 4, "validation": 5, "heldout": 6}
    found = [seed for seeds in seeds_of_draws(first, 2000) for seed in seeds.values()]
    assert found[:3] == [4, 5, 6] and len(set(found)) == 6000
    assert all(0 <= seed < 2**32 for seed in found)

    class Narrow:  # hashes of five bits collide all the time
        def __init__(self, entropy):
            self.whole = np.random.Generator(np.random.PCG64(entropy))

        def generate_state(self, count):
            return self.whole.integers(0, 32, count)

    monkeypatch.setattr(point_sets.np.random, "SeedSequence", Narrow)
    few, more = (seeds_of_draws(first, draws) for draws in (6, 10))
    assert few == more[:6]
    assert len({seed for seeds in more for seed in seeds.values()}) == 30


def test_draws_of_another_number_of_classes_are_refused(monkeypatch):
    # What a user's own kind could do: a class that not every draw has.
    def generate(generator, points):
        label = (np.arange(points) == 0) * int(generator.randint(3))
        return generator.normal(size=(points, 2)), label

    own = PointSet("rare", generate=generate, features=2, classes=3).completed()
    monkeypatch.setitem(point_sets.POINT_SETS, "rare", point_sets._own(own))
    dataset = {setting.name: setting.default for setting in own.settings} | {"draws": 20}
    with pytest.raises(PointsError, match=r"draws: the training points of draw \d+ are of \d cla"):
        make_points({"kind": "rare", **dataset, **FEW})


# Configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"kind": "moons", "draws": 0}, r"datasets\.ours\.draws: got 0; allowed: at least 1"),
        ({"kind": "moons", "draws": 2.5}, r"datasets\.ours\.draws: got 2\.5; allowed: .*whole"),
        (
            {"kind": "moons", "draws": 9000},
            r"datasets\.ours\.draws: got 9,000 of 2,000 heldout_points; allowed: .*10,000,000",
        ),
        (
            {"kind": "digits", "draws": 9000},
            r"datasets\.ours\.draws: got 9,000 of 1,797 rows; allowed: together at most 10,000,000",
        ),
        (
            {"kind": "mnist", "draws": 2},
            r"datasets\.ours: unknown key 'draws'; allowed: .*train_examples",
        ),
    ],
)
def test_draws_that_cannot_be_are_refused_in_one_line(dataset, message):
    config = copy.deepcopy(SMOKE)
    config["datasets"]["ours"] = dataset
    with pytest.raises(ConfigError, match=message) as fault:
        complete_config(config)
    # The validation points are as many as those that are held out.
    assert len(str(fault.value).splitlines()) == (2 if "heldout" in message else 1)


def test_draws_of_a_file_that_are_too_many_are_refused_when_it_is_looked_at(completed, monkeypatch):
    monkeypatch.setattr(inspection, "LARGEST_SET", 20)
    assert inspection.inspect_datasets({"ours": completed("csv", draws=3)})
    with pytest.raises(UserError, match=r"^datasets\.ours\.draws: got 4 of 6 rows; allowed: toge"):
        inspection.inspect_datasets({"ours": completed("csv", draws=4)})


def config_of(datasets, **study):
    config = copy.deepcopy(SMOKE)
    config["datasets"] |= datasets
    config["dense"]["studies"] = {"one": {"question": "?", **study}}
    return complete_config(config)


def test_draws_are_an_axis_and_one_draw_is_the_data_set_without_the_setting():
    vary = {"dataset.draws": [1, 4]}
    plan = Plan(config_of({}, vary=vary), {"moons": 2})
    names = [cell["dataset"] for cell in plan.cells(FAMILIES["dense"])]
    assert names == ["moons", "moons+draws=4"]
    assert [cell.at["dataset.draws"] for cell in plan.cells(FAMILIES["dense"], "one")] == [1, 4]
    assert [plan.draws(name) for name in names] == [1, 4]
    assert plan.dataset_facts("moons") == {
        key: value for key, value in plan.dataset_facts(names[1]).items() if key != "draws"
    }
    # The other way round: an entry of four draws, of which a cell takes one.
    config = config_of({"many": {"kind": "moons", "draws": 4}}, vary=vary, fix={"dataset": "many"})
    plan = Plan(config, {"moons": 2, "many": 2})
    names = [cell["dataset"] for cell in plan.cells(FAMILIES["dense"])]
    assert names == ["many+draws=1", "many"]
    assert "draws" not in plan.dataset_facts(names[0])
    entries = Entries(config, FAMILIES["dense"])
    assert [entries.value("dataset", name, "draws") for name in names] == [1, 4]


def test_settings_of_other_data_sets_do_not_change_with_draws():
    def settings(draws):
        config = config_of(
            {"many": {"kind": "moons", "draws": draws}}, vary={"dataset": ["moons", "many"]}
        )
        cells = Plan(config, {"moons": 2, "many": 2}).cells(FAMILIES["dense"])
        return {cell["dataset"]: cell.settings for cell in cells}

    one, three = settings(1), settings(3)
    assert one["moons"] == three["moons"] and one["many"] != three["many"]


# Runs ---------------------------------------------------------------------------------------


def written(folder, dataset):
    """The file of a data set's points."""
    write_table(make_points(dataset)[0], folder / "points.csv")
    return folder / "points.csv"


def test_seeds_take_turns_and_more_of_them_change_no_other(completed, tmp_path):
    path = written(tmp_path, completed("moons", draws=3, **FEW))
    few, more = (load_data(FAMILIES["dense"], path, {}, range(seeds)) for seeds in (4, 8))
    draws = [parts_of(own) for own in split_draws(read_table(path))]
    for seed, data in more.items():
        assert data is more[seed % 3]
        for part, (x, label) in draws[seed % 3].items():
            np.testing.assert_array_equal(data[part][0], x)
            np.testing.assert_array_equal(data[part][1], label)
    for seed, data in few.items():
        np.testing.assert_array_equal(data["train"][0], more[seed]["train"][0])


class PlainRun(Run):
    """A run that only has data."""

    def __init__(self, data_by_seed):
        self.data_by_seed, self.seeds = data_by_seed, tuple(data_by_seed)


def parts(shift=0, classes=2):
    x = np.arange(12.0).reshape(6, 2) + shift
    label = np.arange(6) % classes
    return {"train": (x, label), "validation": (x, label), "heldout": (x, label)}


def test_a_run_of_one_seed_has_its_data_and_one_of_several_those_of_each():
    one, other = parts(), parts(5, classes=3)
    alone = PlainRun({7: other})
    assert alone.data is alone.parts is alone.parts_of(7) is other and alone.classes == 3
    shared = PlainRun({0: one, 1: one})
    assert shared.data is shared.parts is one and shared.classes == 2
    apart = PlainRun({0: one, 1: other})
    assert apart.parts_of(1) is other and apart.classes == 3
    for name in ("data", "parts"):
        with pytest.raises(
            ValueError, match=r"several draws .* allowed: run\.data_by_seed\[seed\]"
        ):
            getattr(apart, name)


def test_another_python_gets_the_points_of_each_seed():
    one, other = parts(), parts(5)
    places, arrays = pack_data("points", {0: one, 1: other, 2: one})
    assert len(arrays) == 2 * 3 * 2  # those that are shared, once
    found = worker.unpack_data("points", json.loads(json.dumps(places)), arrays)
    assert list(found) == [0, 1, 2] and found[0] is found[2]
    np.testing.assert_array_equal(found[1]["train"][0], other["train"][0])
    assert list(found[0]) == list(one)


def job(folder, draws, seed=0):
    """A job of a support vector machine, whose data set has so many draws."""
    family = svc_family.FAMILY
    places = {artefact.name: folder / artefact.name for artefact in family.artefacts}
    settings = copy.deepcopy(svc_family.SETTINGS)
    settings["dataset"]["draws"] = draws
    return JobRun(family, settings, {seed: parts()}, (seed,), places, folder / "scratch")


def test_the_table_of_runs_says_the_draw_behind_the_seed(tmp_path):
    run = job(tmp_path, 3, 4)
    run.record(train_accuracy=0.5)
    run.save("support.npz", {})
    run.finish()
    table = read_table(tmp_path / "runs.csv")
    assert list(table)[4:6] == ["seed", "draw"]
    assert table[["seed", "draw"]].to_numpy().tolist() == [[4, 1]]


def test_of_a_single_draw_the_table_of_runs_does_not_speak(tmp_path):
    run = job(tmp_path, 1)
    run.record(train_accuracy=0.5)
    run.save("support.npz", {})
    run.finish()
    assert "draw" not in read_table(tmp_path / "runs.csv")


@pytest.mark.parametrize("columns", [{"seed": [0], "draw": [0]}, {"measure": [1.0]}])
def test_a_family_that_says_the_draw_itself_is_told(tmp_path, columns):
    with pytest.raises(BrokenPromiseError, match=r"allowed: with seed, from which the draw"):
        job(tmp_path, 3).save("runs.csv", columns)


def test_tables_of_runs_of_one_and_of_several_draws_are_one(tmp_path):
    runs = pd.DataFrame({"seed": range(4), "train_loss": [0.1, math.nan, 3.0, 1e-9]})
    with_draw = runs.copy()
    with_draw.insert(1, "draw", draw_of(runs["seed"], 3))
    paths = []
    for name, table in {"one": runs, "three": with_draw, "other": runs}.items():
        paths.append(tmp_path / f"{name}.csv")
        write_table(with_cell(table, {"dataset": name, "c": 1.5}), paths[-1])
    further = {"dataset": {name: {"dataset.draws": n} for n, name in ((1, "one"), (3, "three"))}}
    further["dataset"]["other"] = {"dataset.draws": 1}
    for more in ({}, further):
        assert stack_tables(paths, tmp_path / "all.csv", more) == 12
        table = read_table(tmp_path / "all.csv")
        assert list(table)[:4] == ["dataset", "c", "seed", "draw"]
        assert table["draw"].tolist() == [0] * 4 + [0, 1, 2, 0] + [0] * 4
    write_table(combine(paths), tmp_path / "combined.csv")
    stack_tables(paths, tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "combined.csv").read_bytes()


# Dense networks -----------------------------------------------------------------------------


def drawn(seeds, draws=3, **settings):
    """Points of the parts, stacked by seed as a dense job has them."""
    dataset = {"kind": "moons", "noise": 0.2, "seed": 0, "heldout_seed": 1, "validation_seed": 2}
    sizes = {"points": 37, "heldout_points": CHUNK + 23, "validation_points": 1}
    table, _ = make_points(dataset | sizes | {"standardize": False, "draws": draws} | settings)
    data = [parts_of(own) for own in split_draws(table)]
    return PlainRun({seed: data[draw_of(seed, draws)] for seed in seeds})


def trained(seeds, draws=3, passes=30, sizes=(2, 5, 2), activation="tanh", **settings):
    run = drawn(seeds, draws)
    network = DenseNetwork(list(sizes), activation, seeds=seeds)
    return network.fit(
        *points_of(run, "train"),
        adam(0.05),
        passes,
        validation=points_of(run, "validation"),
        heldout=points_of(run, "heldout"),
        record_interval=7,
        snapshot_passes=[3, passes],
        **settings,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 10},
        {"batch_size": 36},  # of which the last batch has a single point
        {"activation": {"kind": "maxout", "pieces": 3}, "sizes": (2, 20, 4, 2)},
        {"stop_early": {"patience": 7, "measure": "train_loss", "min_delta": 0.01}},
    ],
)
@pytest.mark.parametrize("draws", [2, 5])
def test_each_seed_comes_out_as_if_it_were_trained_alone(settings, draws):
    together = trained(range(5), draws, **settings)
    for seed in range(5):
        alone = trained([seed], draws, **settings)
        for name in ("runs", "history", "layers"):
            table = getattr(together, name)
            own = table[table["seed"] == seed].reset_index(drop=True)
            pd.testing.assert_frame_equal(own, getattr(alone, name), check_exact=True)
        states = [(together.weights, alone.weights)]
        states += [(together.snapshots[mark], alone.snapshots[mark]) for mark in (3, 30)]
        for layers, same in states:
            for layer, other in zip(layers, same, strict=True):
                np.testing.assert_array_equal(layer[seed], other[0])


def test_points_of_each_seed_that_are_equal_are_as_good_as_shared_ones():
    shared = points_of(drawn([0], 1), "train")
    found = []
    for x, label in (shared, [np.stack([each] * 3) for each in shared]):
        network = DenseNetwork([2, 5, 2], seeds=range(3))
        found.append(network.fit(x, label, adam(0.05), 20, batch_size=8, heldout=(x, label)))
    pd.testing.assert_frame_equal(found[0].runs, found[1].runs, check_exact=True)


def test_measures_of_a_seed_are_those_on_its_own_points():
    result, run = trained(range(4)), drawn(range(4))
    network = DenseNetwork([2, 5, 2], seeds=range(4))
    network.weights = result.weights
    for part in ("train", "heldout"):
        expected = [
            (
                network.predict(run.parts_of(seed)[part][0])[seed] == run.parts_of(seed)[part][1]
            ).mean()
            for seed in range(4)
        ]
        np.testing.assert_allclose(result.runs[f"{part}_accuracy"], expected, rtol=1e-12)


def test_blocks_of_replicates_keep_their_points(monkeypatch):
    together = trained(range(5))
    monkeypatch.setattr("restudy.families.dense.network.WORKING_MEMORY", 10_000)
    apart = trained(range(5))
    pd.testing.assert_frame_equal(together.runs, apart.runs, check_exact=True)


def test_training_goes_on_with_the_points_of_each_seed():
    half, whole = trained(range(3), passes=14), trained(range(3), passes=28)
    rest = trained(range(3), passes=28, earlier=half.state)
    pd.testing.assert_frame_equal(rest.runs, whole.runs, check_exact=True)
    pd.testing.assert_frame_equal(rest.history, whole.history, check_exact=True)


@pytest.mark.parametrize(
    ("x", "label", "message"),
    [
        (
            np.zeros((2, 4, 2)),
            np.zeros((2, 4), int),
            r"x: got shape \(2, 4, 2\), allowed: .*\(3, N, 2\)",
        ),
        (np.zeros((3, 4, 2)), np.zeros(4, int), r"label: got shape \(4,\), allowed: \(3, 4\)"),
        (np.zeros((3, 0, 2)), np.zeros((3, 0), int), "x: got no points"),
    ],
)
def test_points_that_do_not_fit_the_seeds_are_refused(x, label, message):
    with pytest.raises(ValueError, match=message):
        DenseNetwork([2, 3, 2], seeds=range(3)).fit(x, label, adam(0.01), 1)
