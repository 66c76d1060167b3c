"""The CNN's training that stops early, and training that goes on where an earlier one ended."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conv_noise import DATA, make_settings
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from restudy.analysis.event_files import read_run
from restudy.families.checkpoints import list_checkpoints
from restudy.families.conv.runs import tabulate
from restudy.families.conv.training import MEASURES, train_conv

SMALL = {
    "channels": [3, 4],
    "units": 8,
    "monitor_interval": 4,
    "evaluate_interval": 5,
    "checkpoint_interval": 1000,
}
TABLES = ("runs.csv", "history.parquet", "layers.parquet", "judgements.parquet", "scalars.parquet")
RULE = {"measure": "validation_accuracy", "patience": 15, "min_delta": 0.0}


def train(folder, name, checkpoints, lines=None, kept=50.0, **protocol):
    result = train_conv(
        make_settings(activation="tanh", **SMALL | protocol),
        DATA,
        3,
        folder / name,
        folder / checkpoints,
        "the same but for the steps",
        1,
        (lines if lines is not None else []).append,
        lambda step, loss: None,
        kept,
    )
    return result, tabulate(result, protocol["steps"], DATA.test_labels)


def assert_same(found, expected):
    for name in (*TABLES, "histograms.parquet"):
        pd.testing.assert_frame_equal(found[1][name], expected[1][name], check_exact=True)
    assert found[0].weights_sha256 == expected[0].weights_sha256


def shown(folder):
    """What TensorBoard shows of a run, but for times and speeds."""
    run = read_run(folder)
    scalars = {
        tag: list(zip(each.step.tolist(), each.value.tolist(), strict=True))
        for tag, each in run.scalars.items()
        if not tag.startswith("speed/")
    }
    trial = run.hparams["session_start_info"].hparams
    return scalars, {name: str(value) for name, value in sorted(trial.items())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, one_thread):
    """A folder, and what a training without a pause ended with."""
    folder = tmp_path_factory.mktemp("whole")
    return folder / "whole", train(folder, "whole", "none", kept=0.0, steps=40)


def test_a_training_in_parts_ends_as_if_it_were_one(tmp_path, whole):
    # It pauses where neither interval ends, where both do, and just before the end.
    ends = (13, 20, 39, 40)
    told = {}
    for steps in ends:
        found = train(tmp_path, f"until{steps}", "kept", told.setdefault(steps, []), steps=steps)
    for before, steps in pairwise(ends):
        assert f"resumed after {before} of {steps} steps" in told[steps]
    assert_same(found, whole[1])
    assert shown(tmp_path / "until40") == shown(whole[0])
    assert shown(tmp_path / "until40")[1] != shown(tmp_path / "until39")[1]


def test_a_state_changes_nothing_and_serves_neither_the_same_budget_nor_a_smaller_one(
    tmp_path, whole
):
    assert_same(train(tmp_path, "first", "kept", steps=40), whole[1])
    assert not (whole[0].parent / "none").exists()
    for steps in (40, 12):
        lines = []
        train(tmp_path, f"again{steps}", "kept", lines, steps=steps)
        assert not any("resumed" in line for line in lines)
    assert [path.name for path in list_checkpoints(tmp_path / "kept")] == [
        "ended-000000040.checkpoint",
        "ended-000000012.checkpoint",
    ]


def test_a_state_that_is_too_large_is_not_kept_and_the_log_says_so(tmp_path, one_thread):
    lines = []
    train(tmp_path, "first", "kept", lines, kept=0.001, steps=8)
    assert list_checkpoints(tmp_path / "kept") == []
    (line,) = [each for each in lines if "not kept" in each]
    assert "where kept_state_megabytes is 0.001; a larger budget would start anew" in line


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, one_thread):
    """A folder, and the same training to the end and stopped early."""
    folder = tmp_path_factory.mktemp("stopped")
    whole = train(folder, "whole", "none", steps=150)
    return folder, whole, train(folder, "stopped", "kept", steps=150, stop_early=RULE)


def test_a_run_stops_when_it_has_not_become_better_and_keeps_its_best_weights(stopped):
    folder, (whole, tables), (result, short) = stopped
    row = short["runs.csv"].iloc[0]
    end, best = int(row["stopped_at"]), int(row["best_at"])
    assert 0 < best < end < 150, "the case that is tested does not occur"
    assert row["steps"] == end and end - best >= 15
    values = tables["history.parquet"].set_index("step")["validation_accuracy"].dropna()
    assert values.loc[:end].idxmax() == best
    assert all(mark - values.loc[:mark].idxmax() < 15 for mark in values.index if mark < end)
    kept = short["history.parquet"].set_index("step")
    for name in MEASURES:
        assert row[name] == kept[name][best]
        # Training measures of the best row may be measured for it alone.
        pd.testing.assert_series_equal(
            kept[name][
                tables["history.parquet"].set_index("step")[name].reindex(kept.index).notna()
            ],
            tables["history.parquet"].set_index("step")[name].reindex(kept.index).dropna(),
        )
    then, _ = train(folder, "then", "none", kept=0.0, steps=best)
    assert then.weights_sha256 == result.weights_sha256 != whole.weights_sha256
    for name, values in result.predictions.items():
        np.testing.assert_array_equal(values, then.predictions[name])
    assert result.final["test_accuracy"] == (
        (result.predictions["predicted"] == DATA.test_labels).mean()
    )


def test_a_pause_does_not_change_when_it_stops(stopped):
    folder, _, expected = stopped
    # Before it has become as good as it will, and when it has stopped.
    for steps in (12, 40, 150):
        lines = []
        found = train(folder, f"until{steps}", "paused", lines, steps=steps, stop_early=RULE)
        assert any("resumed" in line for line in lines) == (steps > 12)
    assert_same(found, expected)


def test_with_more_steps_a_run_that_has_stopped_stays_stopped(stopped):
    folder, _, (result, tables) = stopped
    lines = []
    more, more_tables = train(folder, "more", "kept", lines, steps=400, stop_early=RULE)
    assert f"resumed after {result.stopped_at} of 400 steps" in lines
    assert_same((more, more_tables), (result, tables))


def test_pictures_are_of_the_weights_that_are_kept(stopped):
    folder, _, (result, _) = stopped

    def picture(name):
        accumulator = EventAccumulator(str(folder / name), {"tensors": 0}).Reload()
        (found,) = accumulator.Tensors("conv1/filters")
        return found

    assert picture("stopped").step == result.stopped_at
    kept, then = (picture(name).tensor_proto.string_val for name in ("stopped", "then"))
    assert kept == then
