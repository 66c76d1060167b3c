"""Effects of axes: means by level, and shares of variance against least squares."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from restudy.analysis.effects import level_means, variance_shares

LEVELS = {"activation": ["tanh", "relu", "elu"], "depth": [1, 2], "optimizer": ["gd", "adam"]}


def some_runs(axes=tuple(LEVELS), seeds: int = 4) -> pd.DataFrame:
    generator = np.random.default_rng(7)
    rows = [
        dict(zip(axes, levels, strict=True)) | {"seed": seed}
        for levels in product(*(LEVELS[axis] for axis in axes))
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).assign(loss=generator.normal(size=len(rows)))


def dummies(runs: pd.DataFrame, terms) -> np.ndarray:
    """Design matrix of a linear model with the given terms, each a tuple of axes."""
    columns = [np.ones(len(runs))]
    for term in terms:
        names = runs[list(term)].astype(str).agg("/".join, axis=1)
        columns += [(names == name).to_numpy(float) for name in names.unique()]
    return np.stack(columns, axis=1)


def explained(runs: pd.DataFrame, terms) -> float:
    """Sum of squares that a least-squares fit of the terms explains."""
    design, y = dummies(runs, terms), runs["loss"].to_numpy()
    fit = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(((fit - y.mean()) ** 2).sum())


@pytest.mark.parametrize("axes", [("activation",), ("activation", "depth"), tuple(LEVELS)])
def test_shares_are_those_of_least_squares_in_a_balanced_design(axes):
    runs = some_runs(axes)
    shares = variance_shares(runs, axes, "loss").shares
    whole = ((runs["loss"] - runs["loss"].mean()) ** 2).sum()
    for axis in axes:
        assert shares[(axis,)] == pytest.approx(explained(runs, [(axis,)]) / whole)
    for pair in combinations(axes, 2):
        mains = [(axis,) for axis in pair]
        gained = explained(runs, [*mains, pair]) - explained(runs, mains)
        assert shares[pair] == pytest.approx(gained / whole)
    assert shares[("seed",)] == pytest.approx(1 - explained(runs, [axes]) / whole)
    assert sum(shares.values()) == pytest.approx(1)


def test_a_pure_interaction_has_no_main_effect():
    runs = some_runs(("depth", "optimizer"))
    runs["loss"] = np.where((runs["depth"] == 1) == (runs["optimizer"] == "gd"), 1.0, -1.0)
    shares = variance_shares(runs, ["depth", "optimizer"], "loss").shares
    assert shares[("depth", "optimizer")] == pytest.approx(1)
    assert shares[("depth",)] == pytest.approx(0, abs=1e-12)


def test_lost_runs_do_not_tilt_an_effect_that_is_not_there():
    runs = some_runs(("depth", "optimizer"), seeds=5)
    runs["loss"] = np.where(runs["depth"] == 1, 1.0, 3.0)
    # Most runs of one cell are lost: plain means of the optimizers would now differ.
    lost = (runs["depth"] == 2) & (runs["optimizer"] == "gd") & (runs["seed"] > 0)
    shares = variance_shares(runs[~lost], ["depth", "optimizer"], "loss").shares
    assert shares[("optimizer",)] == pytest.approx(0, abs=1e-12)
    assert shares[("depth",)] == pytest.approx(1)


def test_what_can_not_be_shared_out_has_a_reason():
    runs = some_runs(("depth", "optimizer"))
    empty = runs[~((runs["depth"] == 2) & (runs["optimizer"] == "gd"))]
    assert "no finished run" in variance_shares(empty, ["depth", "optimizer"], "loss").reason
    assert "same value" in variance_shares(runs.assign(loss=0.1), ["depth"], "loss").reason
    assert "Nothing varies" in variance_shares(runs, [], "loss").reason
    assert "no finished run" in variance_shares(runs.iloc[:0], ["depth"], "loss").reason


def test_level_means_take_a_seed_as_one_observation():
    runs = some_runs(("activation", "depth"), seeds=6)
    found = level_means(runs, ["depth"], "loss").set_index("depth")
    for depth in (1, 2):
        by_seed = runs[runs["depth"] == depth].pivot_table(index="seed", values="loss").to_numpy()
        expected = stats.t.interval(0.95, 5, by_seed.mean(), stats.sem(by_seed)[0])
        row = found.loc[depth]
        np.testing.assert_allclose([row["low"], row["high"]], expected)
        np.testing.assert_allclose(row["seeds"], by_seed[:, 0])


def test_a_single_seed_has_no_interval():
    found = level_means(some_runs(("depth",), seeds=1), ["depth"], "loss")
    assert found[["low", "high"]].isna().all().all()
    assert found["mean"].notna().all()
