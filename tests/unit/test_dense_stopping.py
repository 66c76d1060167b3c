"""Dense training that stops early, and training that goes on where an earlier one ended."""

import numpy as np
import pandas as pd
import pytest
from moons import moons

from restudy.families.dense import DenseNetwork, adam, gradient_descent, momentum
from restudy.families.dense import network as networks
from restudy.families.dense.schedules import constant, step
from restudy.families.dense.snapshots import snapshot_passes
from restudy.families.dense.training import MEASURES
from restudy.families.stopping import EarlyStopping

SEEDS = [4, 9, 0, 7]


def fit(network, optimizer, passes, **given):
    """Train on a few moons, with others for validation and held out."""
    data, validation, heldout = moons(40), moons(60, 2), moons(50, 1)
    settings = {
        "validation": (validation.x, validation.label),
        "heldout": (heldout.x, heldout.label),
        "record_interval": 7,
        **given,
    }
    return network.fit(data.x, data.label, optimizer, passes, **settings)


def network(seeds=SEEDS, **given):
    """One that learns forty points by heart, so that its validation loss rises in the end."""
    return DenseNetwork([2, 12, 2], seeds=seeds, **{"l2": 0.0, **given})


def assert_same(found, expected, snapshots=True):
    for name in ("runs", "history", "layers"):
        pd.testing.assert_frame_equal(
            getattr(found, name), getattr(expected, name), check_exact=True
        )
    pairs = [(found.weights, expected.weights)]
    if snapshots:
        assert list(found.snapshots) == list(expected.snapshots)
        pairs += [(each, expected.snapshots[mark]) for mark, each in found.snapshots.items()]
    for ours, theirs in pairs:
        for layer, same in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(layer, same)


# Early stopping -----------------------------------------------------------------------------


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("min_delta", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_the_rule_is_that_of_keras(better, min_delta, seed):
    keras = pytest.importorskip("keras")
    values = np.cumsum(np.random.default_rng(seed).normal(0, 0.1, 200)).tolist()
    values[5] = np.nan
    theirs = keras.callbacks.EarlyStopping(
        "loss", min_delta=min_delta, patience=6, mode={"lower": "min", "higher": "max"}[better]
    )
    theirs.set_model(keras.Sequential())
    theirs.model.stop_training = False
    theirs.on_train_begin()
    ours = EarlyStopping(better == "lower", patience=6, min_delta=min_delta)
    for epoch, value in enumerate(values):
        theirs.on_epoch_end(epoch, {"loss": value})
        ours.record(epoch, value)
        if theirs.model.stop_training:
            break
    assert theirs.model.stop_training
    assert (ours.stopped_at, ours.best_at) == (theirs.stopped_epoch, theirs.best_epoch)
    assert ours.best == theirs.best


RULE = {"measure": "validation_loss", "patience": 40, "min_delta": 0.0}


@pytest.fixture(scope="module")
def both():
    """The same training to the end, and stopped early."""
    return [fit(network(), adam(0.05), 900, stop_early=rule) for rule in (None, RULE)]


def test_runs_stop_one_by_one_and_keep_what_they_were_best_with(both):
    whole, stopped = both
    runs = stopped.runs.set_index("seed")
    assert runs["stopped_at"].nunique() > 2, "the case that is tested does not occur"
    assert (runs["stopped_at"] - runs["best_at"] >= 40).all()
    assert runs["passes"].equals(runs["stopped_at"].astype(int))
    assert whole.runs["stopped_at"].isna().all() and whole.runs["best_at"].isna().all()
    for place, seed in enumerate(SEEDS):
        end, best = int(runs["stopped_at"][seed]), int(runs["best_at"][seed])
        history = whole.history[whole.history["seed"] == seed].set_index("pass")
        # It ended at the first record that is far enough from the best one so far.
        losses = history["validation_loss"]
        assert losses.loc[:end].idxmin() == best
        before = [mark for mark in losses.index if mark < end]
        assert all(mark - losses.loc[:mark].idxmin() < 40 for mark in before)
        own = stopped.history[stopped.history["seed"] == seed].set_index("pass")
        pd.testing.assert_frame_equal(own, history.loc[:end], check_exact=True)
        for name in MEASURES:
            assert runs[name][seed] == history[name][best]
        then = fit(network(), adam(0.05), best).weights
        for layer, same in zip(stopped.weights, then, strict=True):
            np.testing.assert_array_equal(layer[place], same[place])


def test_no_run_knows_when_the_others_stop(both):
    stopped = both[1]
    for place, seed in enumerate(SEEDS):
        alone = fit(network([seed]), adam(0.05), 900, stop_early=RULE)
        for name in ("runs", "history", "layers"):
            table = getattr(stopped, name)
            own = table[table["seed"] == seed].reset_index(drop=True)
            pd.testing.assert_frame_equal(own, getattr(alone, name), check_exact=True)
        for layer, same in zip(stopped.weights, alone.weights, strict=True):
            np.testing.assert_array_equal(layer[place], same[0])


def test_later_snapshots_are_the_weights_that_are_kept(both):
    marks = [0, 50, 900]
    found = fit(network(), adam(0.05), 900, stop_early=RULE, snapshot_passes=marks)
    assert list(found.snapshots) == marks
    for last, kept in zip(found.snapshots[900], found.weights, strict=True):
        np.testing.assert_array_equal(last, kept)
    assert_same(found, both[1], snapshots=False)


def test_a_run_that_diverges_has_not_stopped():
    unlucky = network(seeds=[0, 1, 2], arithmetic="published")
    unlucky.weights[1][1, :, -1] = 708.0
    result = fit(unlucky, adam(0.05), 400, stop_early=RULE | {"patience": 300})
    runs = result.runs
    assert runs["diverged_at"].notna().tolist() == [False, True, False]
    assert runs.loc[1, ["stopped_at", "best_at", "validation_loss"]].isna().all()
    assert runs.loc[[0, 2], "best_at"].notna().all()


def test_without_end_the_best_weights_are_kept_all_the_same():
    result = fit(network(), adam(0.05), 100, stop_early=RULE | {"patience": 1000})
    assert result.runs["stopped_at"].isna().all() and (result.runs["passes"] == 100).all()
    history = result.history.set_index(["seed", "pass"])["validation_loss"]
    for row in result.runs.itertuples():
        assert row.best_at == history[row.seed].idxmin()
        assert row.validation_loss == history[row.seed].min()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"patience": 0}, "stop_early.patience: got 0, allowed: a whole number from 1"),
        ({"patience": 2, "measure": "heldout_loss"}, "validation_loss"),
        ({"patience": 2, "min_delta": -1}, "stop_early.min_delta: got -1, allowed"),
        (
            {"patience": 2, "wait": 1},
            "stop_early: got the key 'wait', allowed: a mapping",
        ),
        ({}, "stop_early: lacks the key 'patience'"),
        (7, "stop_early: got 7, allowed: a mapping of measure, patience, min_delta"),
    ],
)
def test_a_rule_that_is_none_is_refused(rule, told):
    with pytest.raises((TypeError, ValueError), match="stop_early") as found:
        fit(network(), adam(0.05), 10, stop_early=rule)
    assert told in str(found.value)


def test_a_rule_needs_the_points_of_its_measure():
    with pytest.raises(ValueError, match="validation"):
        fit(network(), adam(0.05), 10, validation=None, stop_early=RULE)


# More of the same ---------------------------------------------------------------------------

HOW = {
    "gradient descent": (gradient_descent(0.1), {}),
    "momentum": (momentum(0.05, momentum=0.9), {}),
    "Adam in minibatches": (adam(0.02), {"batch_size": 16}),
    "in steps": (adam(0.02), {"schedule": step(60, 9, 0.5)}),
    "stopping": (adam(0.05), {"stop_early": RULE | {"patience": 12}}),
}


def trained(how, ends, each=dict, **given):
    """A training in parts that end after these passes, each going on from the one before."""
    optimizer, settings = HOW[how]
    earlier = None
    for passes in ends:
        result = fit(
            network(**given),
            optimizer,
            passes,
            snapshot_passes=snapshot_passes(passes, 9),
            earlier=earlier,
            **settings,
        )
        earlier = result.state
    return result


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("ends", [(30, 60), (28, 60), (1, 2, 59, 60), (0, 60), (60, 60)])
def test_a_training_in_parts_ends_as_if_it_were_one(how, ends):
    assert_same(trained(how, ends), trained(how, [60]))


@pytest.mark.parametrize("how", ["momentum", "stopping"])
def test_that_holds_in_single_precision_and_for_blocks_of_replicates(how, monkeypatch):
    monkeypatch.setattr(networks, "WORKING_MEMORY", 2000)
    expected = trained(how, [60], precision="float32")
    assert len({name.partition("/")[0] for name in expected.state}) > 1
    assert_same(trained(how, (25, 60), precision="float32"), expected)


@pytest.mark.parametrize("ends", [(90,), (20, 90), (33, 90), (45, 46, 90), (60, 90)])
def test_that_holds_for_runs_that_diverge_before_or_after_the_pause(ends):
    def once(ends):
        earlier = None
        for passes in ends:
            unlucky = network(seeds=range(3), arithmetic="published")
            unlucky.weights[1][1, :, -1] = 708.0
            result = fit(
                unlucky,
                adam(0.05),
                passes,
                snapshot_passes=snapshot_passes(passes, 12),
                earlier=earlier,
            )
            earlier = result.state
        return result

    expected = once([90])
    assert expected.runs["diverged_at"].notna().tolist() == [False, True, False]
    assert_same(once(ends), expected)


@pytest.mark.parametrize("pause", [*range(5, 60, 6), 399])
def test_that_holds_for_losses_that_are_infinite_for_a_while(pause):
    def once(ends, earlier=None):
        for passes in ends:
            spiking = DenseNetwork([2, 8, 2], seeds=range(6), arithmetic="published", l2=0.0)
            result = fit(
                spiking,
                gradient_descent(100.0),
                passes,
                record_interval=50,
                snapshot_passes=snapshot_passes(passes, 12),
                earlier=earlier,
            )
            earlier = result.state
        return result

    assert_same(once((pause, 400)), once([400]))


def test_a_state_that_does_not_fit_is_refused():
    state = fit(network(), adam(0.05), 30, snapshot_passes=[0, 8, 30]).state
    with pytest.raises(ValueError, match="passes: got 20, allowed: at least 30"):
        fit(network(), adam(0.05), 20, earlier=state)
    with pytest.raises(ValueError, match="snapshot_passes: got 9, allowed: after the 30 passes"):
        fit(network(), adam(0.05), 50, earlier=state, snapshot_passes=[8, 9, 40])
    with pytest.raises(ValueError, match="earlier: got a state of 248 weights, allowed: of the 62"):
        fit(network([1]), adam(0.05), 50, earlier=state)


def test_the_schedule_is_asked_for_the_pass_of_the_whole_training():
    asked = []

    def schedule(number):
        asked.append(number)
        return constant(60)(number)

    earlier = fit(network(), adam(0.05), 30).state
    fit(network(), adam(0.05), 60, earlier=earlier, schedule=schedule)
    assert sorted(set(asked)) == [1, *range(31, 61)]
