"""What a job of the convolutional network leaves: its tables, and that they agree with the events.

The tables of scalars and histograms are collected while training writes the event files; here the
event files are read back, and have to say the same to the last bit.
"""

import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from conv_noise import ADAM, CELL, DATA, make_settings

from restudy.analysis.events import SPEED, read_histograms, read_scalars
from restudy.data.tables import combine, read_table, stack_tables, with_cell, write_table
from restudy.families.conv import runs as conv_runs
from restudy.families.conv import training
from restudy.families.conv.family import FAMILY
from restudy.families.registry import resolve
from restudy.families.running import JobRun, train
from restudy.study.labels import label_of

SEED = 3
AXES = list(CELL)
WILD = {"kind": "gradient_descent", "learning_rate": 1e5}


class KilledError(Exception):
    """Ends a training as a kill would: nothing is cleaned up."""


def prepare(folder, log=print, **settings):
    """Return a run whose artefacts go into a folder."""
    folder.mkdir(exist_ok=True)
    places = {artefact.name: folder / artefact.name for artefact in FAMILY.artefacts}
    return JobRun(
        FAMILY,
        make_settings(**settings),
        {SEED: DATA},
        (SEED,),
        places,
        folder / "scratch",
        "this",
        1,
        log,
    )


def train_plain(folder):
    """Train without interruption."""
    return finish(prepare(folder))


def train_small(folder):
    """Train a network of other sizes, its images pooled from 12 pixels to one."""
    return finish(prepare(folder, channels=[2, 3, 2, 4], kernel=4, units=8))


def train_resumed(folder):
    """Train until after the first checkpoint, and again from there."""
    killed = prepare(folder)

    def progress(step, loss):
        if step > 5:
            raise KilledError

    killed.progress = lambda total, unit: progress
    with pytest.raises(KilledError):
        train(killed)
    shutil.rmtree(folder / "events")  # as Snakemake does before it runs a job again
    lines = []
    run = finish(prepare(folder, lines.append))
    assert "resumed after 4 of 8 steps" in lines
    assert run.notes["continued_from"] == 4
    return run


def train_diverged(folder):
    """Train until it diverges, which happens between two records."""
    return finish(prepare(folder, optimizer=WILD))


def train_diverged_late(folder):
    """Train until held-out images diverge, at a step whose tensors have been written."""
    original = training.check_finite

    def fail_late(what, values, step):
        late = step == 5 and what == "the test loss"
        original(what, math.nan if late else values, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "check_finite", fail_late)
        return finish(prepare(folder, monitor_interval=5))


def train_diverged_at_once(folder):
    """Train on nothing: the initial values are not finite already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "check_finite", fail)
        return finish(prepare(folder))


def fail(what, values, step):
    raise training.DivergenceError(what, step)


def finish(run):
    train(run)
    return run


RUNS = {
    "plain": train_plain,
    "small": train_small,
    "resumed": train_resumed,
    "diverged": train_diverged,
    "diverged_late": train_diverged_late,
    "diverged_at_once": train_diverged_at_once,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, one_thread):
    """Function name -> folder of a run, trained when it is first asked for, and the run."""
    known = {}

    def get(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = folder, RUNS[name](folder)
        return known[name]

    return get


def read_old_scalars(folder):
    """Return the scalars of the event files, without those about the machine."""
    scalars = read_scalars(folder / "events")
    return scalars[~scalars["tag"].str.startswith(SPEED)].reset_index(drop=True)


@pytest.mark.parametrize("name", RUNS)
def test_tables_of_scalars_and_histograms_equal_the_event_files(trained, name):
    folder, _ = trained(name)
    for table, expected in (
        ("scalars", read_old_scalars(folder)),
        ("histograms", read_histograms(folder / "events")),
    ):
        found = pd.read_parquet(folder / f"{table}.parquet")
        assert list(found.columns) == [*AXES, "seed", *expected.columns]
        assert (found[AXES] == pd.Series(CELL)).all(axis=None)
        assert (found["seed"] == SEED).all()
        pd.testing.assert_frame_equal(
            found[expected.columns], expected, check_exact=True, check_dtype=len(expected) > 0
        )


def test_runs_are_what_their_names_say(trained):
    steps = {
        name: sorted(set(pd.read_parquet(trained(name)[0] / "histograms.parquet")["step"]))
        for name in RUNS
    }
    assert steps["plain"] == steps["small"] == steps["resumed"] == [0, 3, 6, 8]
    assert steps["diverged"] == [0]
    assert steps["diverged_late"] == [0, 5]
    assert steps["diverged_at_once"] == []
    for name in RUNS:
        row = read_table(trained(name)[0] / "runs.csv").iloc[0]
        assert pd.isna(row["diverged_at"]) == (not name.startswith("diverged")), name
    # Of the step that diverged the tensors are there, but not the measures.
    late = pd.read_parquet(trained("diverged_late")[0] / "scalars.parquet")
    tags = set(late[late["step"] == 5]["tag"])
    assert "conv1/weights/mean" in tags and "loss/test" not in tags


def test_resumed_run_leaves_the_same_bytes(trained):
    (plain, _), (resumed, _) = trained("plain"), trained("resumed")
    for artefact in FAMILY.artefacts:
        if not artefact.folder:
            assert (resumed / artefact.name).read_bytes() == (plain / artefact.name).read_bytes()


def test_one_table_of_all_runs_is_that_of_the_event_files_to_the_byte(trained, tmp_path):
    # As tables were made of event files: the cell's columns, the seed, the scalars.
    folders = [trained(name)[0] for name in ("plain", "diverged")]
    parts = []
    for folder in folders:
        scalars = read_old_scalars(folder)
        scalars.insert(0, "seed", SEED)
        parts.append(with_cell(scalars, CELL))
    write_table(pd.concat(parts, ignore_index=True), tmp_path / "read.parquet")
    paths = [folder / "scalars.parquet" for folder in folders]
    write_table(combine(paths), tmp_path / "combined.parquet")
    stack_tables(paths, tmp_path / "stacked.parquet")
    expected = (tmp_path / "read.parquet").read_bytes()
    assert (tmp_path / "combined.parquet").read_bytes() == expected
    assert (tmp_path / "stacked.parquet").read_bytes() == expected


def test_speed_is_in_the_event_files_alone(trained):
    folder, _ = trained("plain")
    assert read_scalars(folder / "events")["tag"].str.startswith(SPEED).any()
    assert not pd.read_parquet(folder / "scalars.parquet")["tag"].str.startswith(SPEED).any()


@pytest.mark.parametrize(("name", "tensors"), [("plain", 16), ("small", 26)])
def test_monitored_scalars_match_the_pattern_of_the_facts(trained, name, tensors):
    tags = pd.Series(pd.read_parquet(trained(name)[0] / "scalars.parquet")["tag"].unique())
    matching = tags[tags.str.fullmatch(FAMILY.monitored)]
    assert len(matching) == tensors * 4
    assert set(matching.str.rpartition("/")[0]) == set(
        pd.read_parquet(trained(name)[0] / "histograms.parquet")["tag"]
    )


def test_sizes_are_those_of_the_protocol(trained):
    folder, run = trained("small")
    with np.load(folder / "weights.npz") as weights:
        assert {name: weights[name].shape for name in weights.files} == {
            "conv1/weights": (4, 4, 1, 2),
            "conv1/bias": (2,),
            "conv2/weights": (4, 4, 2, 3),
            "conv2/bias": (3,),
            "conv3/weights": (4, 4, 3, 2),
            "conv3/bias": (2,),
            "conv4/weights": (4, 4, 2, 4),
            "conv4/bias": (4,),
            "fc1/weights": (4, 8),
            "fc1/bias": (8,),
            "fc2/weights": (8, 10),
            "fc2/bias": (10,),
        }
        assert all(re.fullmatch(FAMILY.tensors, name) for name in weights.files)
    layers = list(dict.fromkeys(read_table(folder / "layers.parquet")["layer"]))
    assert layers == resolve(FAMILY, FAMILY.layers)(run.settings)
    assert [label_of(layer) for layer in layers[2:4]] == ["Third convolution", "Fourth convolution"]


def test_columns_are_those_of_the_facts(trained):
    folder, _ = trained("plain")
    measures = [measure.name for measure in FAMILY.measures]
    expected = {
        "runs.csv": ["steps", *measures, "diverged_at", "diverged_by", "stopped_at", "best_at"],
        "history.parquet": ["step", *(each.name for each in FAMILY.recorded_measures)],
        "layers.parquet": ["step", "layer", "grad_norm", "saturated_share", "dead_share"],
        "judgements.parquet": ["image", "label", "predicted", "loss"],
        "scalars.parquet": ["tag", "step", "value"],
        "histograms.parquet": ["tag", "step", "left", "right", "count"],
    }
    assert set(expected) == {each.name for each in FAMILY.artefacts if each.is_table}
    for name, columns in expected.items():
        assert list(read_table(folder / name).columns) == [*FAMILY.keys, *columns], name


def test_predictions_are_a_row_per_test_image(trained):
    table = pd.read_parquet(trained("plain")[0] / "judgements.parquet")
    assert table["image"].tolist() == list(range(len(DATA.test_labels)))
    assert table["label"].tolist() == DATA.test_labels.tolist()
    (row,) = read_table(trained("plain")[0] / "runs.csv").itertuples()
    assert (table["predicted"] == table["label"]).mean() == row.test_accuracy
    assert table["loss"].astype(float).mean() == pytest.approx(row.test_loss, rel=1e-12)


def test_run_that_diverged_has_its_step_and_no_measures(trained):
    for name, at in (("diverged_late", 5), ("diverged_at_once", 0)):
        folder, _ = trained(name)
        (row,) = read_table(folder / "runs.csv").to_dict("records")
        assert row["steps"] == row["diverged_at"] == at
        assert all(math.isnan(row[measure.name]) for measure in FAMILY.measures)
        assert len(pd.read_parquet(folder / "judgements.parquet")) == 0


def test_weights_are_saved_and_their_digest_is_noted(trained):
    folder, run = trained("plain")
    with np.load(folder / "weights.npz") as weights:
        found = {name: weights[name] for name in weights.files}
    assert run.notes == {"seed": SEED, "weights_sha256": training.digest_weights(found)}
    assert not run.scratch.exists()


def test_facts_name_this_module():
    assert FAMILY.train == f"{conv_runs.__name__}:{conv_runs.train.__name__}"
    assert ADAM["kind"] in {kind.name for kind in FAMILY.bundles["optimizer"].kinds}
