"""The statistics under the verdicts, against SciPy, statsmodels and simulation."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from restudy.claims import inference
from restudy.claims.inference import bootstrap_interval, correct, one_sided_p, seeds_needed


@pytest.mark.parametrize("bound", [0.0, 0.4, -1.0])
def test_p_values_are_those_of_statsmodels(bound):
    values = np.random.default_rng(0).normal(0.3, 1.0, 20)
    above, below = one_sided_p(values, bound)
    reference = DescrStatsW(values)
    assert above == pytest.approx(reference.ttest_mean(bound, "larger")[1], rel=1e-12)
    assert below == pytest.approx(reference.ttest_mean(bound, "smaller")[1], rel=1e-12)


def test_values_without_spread_are_on_one_side_or_on_none():
    assert one_sided_p([0.25] * 5, 0.1) == (0.0, 1.0)
    assert one_sided_p([0.25] * 5, 0.5) == (1.0, 0.0)
    assert one_sided_p([0.25] * 5, 0.25) == (1.0, 1.0)
    assert bootstrap_interval([0.25] * 5) == (0.25, 0.25)


def test_correction_is_holms():
    p_values = np.random.default_rng(1).random(14) ** 3
    expected = multipletests(p_values, method="holm")[1]
    assert correct(p_values) == pytest.approx(expected.tolist(), rel=1e-12)
    order = np.argsort(p_values)
    by_hand = np.maximum.accumulate(p_values[order] * np.arange(14, 0, -1)).clip(max=1)
    assert np.array(correct(p_values))[order] == pytest.approx(by_hand, rel=1e-12)
    assert correct([]) == []


@pytest.mark.parametrize(
    ("draw", "n"), [("normal", 3), ("normal", 5), ("normal", 10), ("normal", 20), ("skewed", 20)]
)
def test_intervals_cover_the_mean_in_95_of_100_samples(monkeypatch, draw, n):
    monkeypatch.setattr(inference, "RESAMPLES", 1_999)
    generator = np.random.default_rng(2)
    samples = {
        "normal": lambda: generator.normal(size=n),
        "skewed": lambda: generator.gamma(4.0, size=n) - 4.0,
    }[draw]
    count = 2_000
    hits = 0
    for seed in range(count):
        low, high = bootstrap_interval(samples(), seed)
        hits += low <= 0 <= high
    assert abs(hits / count - 0.95) <= 0.015


def test_interval_of_few_values_is_students():
    values = [1.0, 2.0, 4.0]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert bootstrap_interval(values) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(bootstrap_interval([1.0])).all()


def test_interval_of_five_values_is_the_bootstraps_and_as_skewed_as_they_are():
    values = np.array([0.0, 0.1, 0.2, 0.5, 2.0])
    low, high = bootstrap_interval(values)
    students = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert abs(high - students[1]) > 0.1
    assert high - values.mean() > 1.5 * (values.mean() - low)


def test_interval_of_nearly_equal_values_has_a_width():
    low, high = bootstrap_interval(1 + 1e-6 * np.arange(20))
    assert low < 1 + 9.5e-6 < high


def test_interval_is_the_same_every_time_and_moves_with_the_values():
    values = np.random.default_rng(3).exponential(size=20)
    low, high = bootstrap_interval(values)
    assert (low, high) == bootstrap_interval(values)
    assert bootstrap_interval(values + 5) == pytest.approx((low + 5, high + 5), rel=1e-9)
    assert bootstrap_interval(values * 3) == pytest.approx((low * 3, high * 3), rel=1e-9)


@pytest.mark.parametrize(("distance", "level"), [(0.5, 0.05), (0.2, 0.05), (1.0, 0.05 / 14)])
def test_needed_seeds_have_the_power_in_simulation(distance, level):
    n = seeds_needed(distance, 1.0, level)
    generator = np.random.default_rng(4)
    for count, enough in ((n, True), (int(0.8 * n), False)):
        samples = generator.normal(distance, 1.0, (4_000, count))
        found = (stats.ttest_1samp(samples, 0, axis=1).pvalue < level).mean()
        assert (found > 0.78) == enough
        if enough:
            assert found == pytest.approx(inference.POWER, abs=0.03)


def test_no_number_of_seeds_finds_nothing():
    assert seeds_needed(0.0, 1.0, 0.05) is None
    assert seeds_needed(1e-6, 1.0, 0.05) is None
    assert seeds_needed(0.0, 0.0, 0.05) is None
    assert seeds_needed(1.0, 0.0, 0.05) == 2
