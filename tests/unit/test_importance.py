"""Shares of variance by a random forest, against closed forms, exact ANOVA and brute force."""

import functools
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from conftest import printed_by
from scipy.special import stdtrit
from scipy.stats import qmc

from restudy.analysis.effects import variance_shares
from restudy.analysis.importance import (
    FEWEST_PREDICTED,
    MAX_LEVELS,
    REPLICATES,
    decompose,
    encode,
    fit_forest,
    variance_importance,
)

importance = functools.partial(variance_importance, replicates=2)


def uniform(cells, axes="abc", low=-1.0, high=1.0, seed=0):
    """Cells whose settings are drawn independently and uniformly."""
    values = np.random.default_rng(seed).uniform(low, high, (cells, len(axes)))
    return pd.DataFrame(values, columns=list(axes))


def factorial(**levels):
    return pd.DataFrame(product(*levels.values()), columns=list(levels))


def shares_of(found):
    table = found.shares.set_index(["axis", "other"])["share"]
    return {tuple(filter(None, sorted(term))): share for term, share in table.items()}


def interval_of(found, axis, other=""):
    row = found.shares.set_index(["axis", "other"]).loc[(axis, other)]
    return row["share_low"], row["share_high"]


def test_decomposition_of_a_forest_is_that_of_all_its_predictions():
    generator = np.random.default_rng(3)
    cells = pd.DataFrame(
        {
            "activation": generator.choice(["tanh", "relu", "elu"], 60, p=[0.6, 0.3, 0.1]),
            "depth": generator.choice([1, 2, 4], 60),
            "momentum": generator.choice([np.nan, 0.5, 0.9], 60),
            "protocol": generator.choice(["published", "corrected", None], 60),
        }
    )
    factors = [encode(cells[axis]) for axis in cells]
    forest = fit_forest(factors, generator.normal(size=60), trees=20, seed=0)
    found = decompose(forest, factors)
    # Every combination of levels, as often as its probability says.
    counts = [np.rint(factor.weights * 60).astype(int) for factor in factors]
    levels = product(*(range(len(count)) for count in counts))
    table = pd.DataFrame(levels)
    table["weight"] = [
        np.prod([c[k] for c, k in zip(counts, row, strict=True)]) for row in table.to_numpy()
    ]
    columns = [
        table[[place]].to_numpy()
        if factor.ordered
        else (table[[place]].to_numpy() == np.arange(len(factor.weights)))
        for place, factor in enumerate(factors)
    ]
    table["mean"] = forest.predict(np.concatenate(columns, axis=1))
    explained = {(): 0.0} | {
        term: variance_of_means(table, list(term))
        for size in (1, 2, 4)
        for term in combinations(range(4), size)
    }
    for i in range(4):
        assert found[(i,)] == pytest.approx(explained[(i,)])
    for i, j in combinations(range(4), 2):
        expected = explained[i, j] - explained[(i,)] - explained[(j,)]
        assert found[i, j] == pytest.approx(expected)
    assert sum(found.values()) == pytest.approx(explained[0, 1, 2, 3])
    assert min(found.values()) > 1e-4


def variance_of_means(table, places):
    """Variance of the weighted means of all rows that have the same levels at these places."""
    groups = table.assign(total=table["mean"] * table["weight"]).groupby(places)
    weights, means = groups["weight"].sum(), groups["total"].sum() / groups["weight"].sum()
    return np.average((means - np.average(means, weights=weights)) ** 2, weights=weights)


def test_shares_of_a_sum_of_uniform_inputs():
    cells = pd.DataFrame(qmc.LatinHypercube(3, rng=0).random(512), columns=list("abc"))
    found = importance(cells.assign(y=cells @ [3.0, 2.0, 1.0]), list("abc"), "y")
    shares = shares_of(found)
    # The variance of c x is proportional to c².
    for axis, squared in zip("abc", (9, 4, 1), strict=True):
        assert shares[(axis,)] == pytest.approx(squared / 14, abs=0.03)
    assert sum(shares.values()) + found.higher == pytest.approx(1)
    assert found.r_squared > 0.9
    assert found.shares["axis"].tolist()[:3] == ["a", "b", "c"]


def test_shares_of_ishigamis_function_are_the_published_sobol_indices():
    # Saltelli et al. (2008), a = 7 and b = 0.1: S1, S2, S3 and the only interaction.
    published = {("a",): 0.3139, ("b",): 0.4424, ("c",): 0.0, ("a", "c"): 0.2437}
    x = uniform(2000, low=-np.pi, high=np.pi)
    y = np.sin(x["a"]) + 7 * np.sin(x["b"]) ** 2 + 0.1 * x["c"] ** 4 * np.sin(x["a"])
    found = importance(x.assign(y=y), list("abc"), "y")
    for term, share in shares_of(found).items():
        assert share == pytest.approx(published.get(term, 0.0), abs=0.03)
    assert found.r_squared > 0.9


def test_a_product_of_centred_inputs_is_all_interaction():
    cells = factorial(a=np.linspace(-1, 1, 10), b=np.linspace(-1, 1, 10), useless=[1, 2])
    found = importance(cells.assign(y=cells["a"] * cells["b"]), list(cells), "y")
    shares = shares_of(found)
    assert shares[("a", "b")] > 0.95
    assert max(shares[("a",)], shares[("b",)], shares[("useless",)]) < 0.02


def test_names_have_the_shares_of_their_known_effects():
    effects = {"tanh": -1.0, "relu": 0.0, "elu": 0.0, "gelu": 3.0}
    slopes = {"gd": 0.0, "adam": 1.5}
    generator = np.random.default_rng(0)
    cells = factorial(activation=list(effects), optimizer=list(slopes), width=range(1, 9))
    noise = generator.normal(0, 0.01, len(cells))
    y = cells["activation"].map(effects) + cells["optimizer"].map(slopes) + noise
    found = importance(cells.assign(y=y), list(cells), "y")
    variances = np.var(list(effects.values())), np.var(list(slopes.values()))
    for axis, variance in zip(("activation", "optimizer"), variances, strict=True):
        assert shares_of(found)[(axis,)] == pytest.approx(variance / sum(variances), abs=0.02)


def test_an_axis_that_does_nothing_has_no_share():
    cells = uniform(200).assign(name=np.random.default_rng(1).choice(["x", "y"], 200))
    y = cells["a"] + cells["b"] ** 2 + np.random.default_rng(2).normal(0, 0.1, 200)
    found = variance_importance(cells.assign(y=y), [*"abc", "name"], "y")
    for axis in ("c", "name"):
        assert shares_of(found)[(axis,)] < 0.01
        assert interval_of(found, axis)[0] == 0


def some_factorial():
    """A full factorial with effects of one axis, of two and of three, and noise between seeds."""
    levels = {
        "activation": ["tanh", "relu", "elu"],
        "hidden_size": [3, 5, 8, 50],
        "depth": [1, 2, 4],
        "optimizer": ["gd", "adam"],
        "seed": range(4),
    }
    runs = factorial(**levels)
    deep, relu, adam = runs["depth"] > 1, runs["activation"] == "relu", runs["optimizer"] == "adam"
    loss = 2 * relu - np.log2(runs["hidden_size"]) / 4 + 1.5 * (deep & adam) - (relu & ~deep & adam)
    noise = np.random.default_rng(0).normal(0, 0.2, len(runs))
    return runs.assign(loss=loss + noise), list(levels)[:-1]


def test_shares_are_close_to_the_exact_ones_of_a_full_factorial():
    runs, axes = some_factorial()
    cells = runs.groupby(axes, as_index=False, sort=False)["loss"].mean().assign(seed=0)
    exact = variance_shares(cells, axes, "loss").shares
    found = variance_importance(runs, axes, "loss")
    shares = shares_of(found)
    for term, share in exact.items():
        if len(term) <= 2 and term != ("seed",):
            assert shares[tuple(sorted(term))] == pytest.approx(share, abs=0.015)
    assert found.higher == pytest.approx(exact[tuple(axes)], abs=0.015)
    assert found.cells == 72
    deviations = runs.groupby(axes)["loss"].std()
    assert found.within == pytest.approx((deviations**2).mean())
    assert found.between == pytest.approx(cells["loss"].var())


def test_noise_is_not_taken_for_what_pairs_do():
    cells = factorial(a=range(5), b=range(5), c=range(5))
    y = cells["a"] + np.random.default_rng(0).normal(0, 1, len(cells))
    factors = [encode(cells[axis]) for axis in cells]
    plain = decompose(fit_forest(factors, y.to_numpy(), trees=100, seed=0), factors)
    of_pairs = sum(variance for term, variance in plain.items() if len(term) == 2)
    found = variance_importance(cells.assign(y=y), list(cells), "y").shares
    pairs = found[found["other"] != ""]
    assert pairs["share"].sum() < 0.5 * of_pairs / sum(plain.values())
    assert (pairs["share_low"] == 0).all()


def test_an_interval_is_as_wide_as_shares_of_other_cells_vary():
    def drawn(seed):
        cells = uniform(80, seed=seed)
        noise = np.random.default_rng([seed, 1]).normal(0, 0.5, len(cells))
        return cells, (cells @ [3.0, 2.0, 1.0] + noise).to_numpy()

    shares = []
    for seed in range(24):
        cells, y = drawn(seed)
        factors = [encode(cells[axis]) for axis in cells]
        variances = decompose(fit_forest(factors, y, trees=25, seed=0), factors)
        shares.append(variances[(0,)] / sum(variances.values()))
    widths = []
    for seed in range(2):
        cells, y = drawn(seed)
        found = variance_importance(cells.assign(y=y), list(cells), "y")
        share, (low, _) = shares_of(found)[("a",)], interval_of(found, "a")
        widths.append((share - low) / stdtrit(REPLICATES - 1, 0.975))
    assert np.mean(widths) == pytest.approx(np.std(shares, ddof=1), rel=0.4)


def test_a_scale_makes_no_difference():
    cells = uniform(150, low=-7, high=0)
    y = np.sin(cells["a"]) + cells["b"] * cells["c"]
    found = importance(cells.assign(y=y), list("abc"), "y")
    logarithmic = importance((10**cells).assign(y=y), list("abc"), "y")
    pd.testing.assert_frame_equal(found.shares, logarithmic.shares)
    # A variance below the smallest that trees split.
    tiny = importance(cells.assign(y=y / 2**40), list("abc"), "y")
    pd.testing.assert_frame_equal(found.shares, tiny.shares)


def test_many_numbers_are_grouped_into_parts_of_equal_size():
    factor = encode(pd.Series(np.random.default_rng(0).lognormal(size=MAX_LEVELS * 10)))
    np.testing.assert_allclose(factor.weights, 1 / MAX_LEVELS)
    assert encode(pd.Series([8, 3, 50, 3])).codes.tolist() == [1, 0, 2, 0]


def test_a_setting_that_some_cells_lack_is_a_value_of_its_own():
    sizes = pd.Series([8, np.nan, 3, 8], dtype="Float64")
    assert encode(sizes).codes.tolist() == [2, 0, 1, 2]
    assert encode(sizes).weights.tolist() == [0.25, 0.25, 0.5]
    assert encode(pd.Series(["b", None, "a"])).codes.tolist() == [2, 0, 1]
    cells = factorial(momentum=[np.nan, 0.5, 0.9], width=range(1, 17))
    y = cells["momentum"].isna() * 1.0
    found = importance(cells.assign(y=y), list(cells), "y")
    assert shares_of(found)[("momentum",)] > 0.98


def test_lost_runs_are_counted_and_lost_cells_still_weigh():
    runs, axes = some_factorial()
    lost = (runs["activation"] == "relu") & (runs["depth"] == 4) & (runs["optimizer"] == "gd")
    lost |= (runs["seed"] == 0) & (runs["activation"] == "tanh")
    broken = runs.assign(loss=runs["loss"].where(~lost))
    found = importance(broken, axes, "loss")
    assert (found.cells, found.lost_cells, found.lost_runs) == (68, 4, lost.sum())
    marked = runs.assign(diverged_at=np.where(lost, 7.0, np.nan))
    pd.testing.assert_frame_equal(importance(marked, axes, "loss").shares, found.shares)
    cells = factorial(name=["x", "y"], width=range(1, 21))
    y = (cells["name"] == "x") * 2.0
    # Half the cells of x are lost; both names still weigh the same: the variance is that of ±1.
    y = y.where((cells["name"] == "y") | (cells["width"] % 2 == 0))
    factors = [encode(cells[axis]) for axis in cells]
    assert factors[0].weights.tolist() == [0.5, 0.5]
    found = importance(cells.assign(y=y), list(cells), "y")
    assert (found.cells, found.lost_cells) == (30, 10)
    assert shares_of(found)[("name",)] > 0.98


def test_the_only_axis_has_all_the_variance():
    cells = factorial(width=range(1, 33))
    found = variance_importance(cells.assign(y=np.log(cells["width"])), ["width"], "y")
    assert found.shares.iloc[:, 2:].to_numpy().tolist() == [[1.0, 1.0, 1.0]]
    assert found.higher == 0 and 0.9 < found.r_squared < 1


def test_an_axis_may_have_any_name():
    cells = factorial(value=range(6), mean=["x", "y"], variance=[1, 2])
    found = importance(cells.assign(loss=cells["value"] * 1.0), list(cells), "loss")
    assert shares_of(found)[("value",)] > 0.98


def test_an_axis_of_a_single_value_has_no_share():
    cells = factorial(width=range(1, 33), name=["tanh"])
    found = variance_importance(cells.assign(y=np.log(cells["width"])), list(cells), "y")
    assert shares_of(found)[("name",)] == pytest.approx(0, abs=1e-12)
    assert shares_of(found)[("name", "width")] == pytest.approx(0, abs=1e-12)


WIDE = factorial(a=range(8), b=range(4))


@pytest.mark.parametrize(
    ("runs", "axes", "reason"),
    [
        (WIDE.assign(y=1.0), [], "Nothing varies"),
        (WIDE.assign(y=0.1), ["a", "b"], "All cells have the same mean"),
        (WIDE.assign(y=np.nan), ["a", "b"], "0 cells have a finished run"),
        (WIDE.iloc[:0].assign(y=1.0), ["a", "b"], "0 cells have a finished run"),
        (
            WIDE.iloc[: FEWEST_PREDICTED - 1].assign(y=range(FEWEST_PREDICTED - 1)),
            ["a", "b"],
            "at least 16",
        ),
        (
            pd.DataFrame({"a": [f"n{k}" for k in range(70)], "y": range(70)}),
            ["a"],
            "a has 70 names; at most 64",
        ),
    ],
)
def test_what_can_not_be_shared_out_has_a_reason(runs, axes, reason):
    found = importance(runs, axes, "y")
    assert reason in found.reason
    assert found.shares.empty and list(found.shares)[2:] == ["share", "share_low", "share_high"]
    assert found.r_squared is None and found.higher is None


@pytest.mark.parametrize("exponent", [-1000, 600, 1023])
def test_shares_do_not_depend_on_the_scale_even_where_squares_are_infinite(exponent):
    runs, axes = some_factorial()
    runs["loss"] /= runs["loss"].abs().max() * 1.01
    large = runs.assign(loss=np.ldexp(runs["loss"], exponent))
    pd.testing.assert_frame_equal(
        importance(large, axes, "loss").shares, importance(runs, axes, "loss").shares
    )
    assert variance_shares(large, axes, "loss") == variance_shares(runs, axes, "loss")


def test_the_same_cells_have_the_same_shares_in_any_order():
    runs, axes = some_factorial()
    # Of one seed, so that means have no rounding.
    runs = runs[runs["seed"] == 0]
    found = importance(runs, axes, "loss").shares
    again = importance(runs.sample(frac=1, random_state=1), axes, "loss").shares
    pd.testing.assert_frame_equal(found, again)


def test_nothing_loads_scikit_learn_before_a_forest_is_trained():
    program = "import sys, restudy.analysis.importance; print('sklearn' in sys.modules)"
    assert printed_by(program) == "False"
