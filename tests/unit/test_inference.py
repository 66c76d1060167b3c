"""The statistics under the verdicts, against SciPy, statsmodels and simulation."""

import math
import re

import numpy as np
import pytest
from conftest import ROOT
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from restudy.analysis.significance import correct
from restudy.claims.inference import (
    CAUTION,
    LEVEL,
    MIN_FOR_MEAN,
    NOWHERE,
    POWER,
    RARE,
    Sides,
    binomial_tail,
    critical_count,
    decided,
    interval,
    levels,
    one_sided_p,
    seeds_needed,
    share_interval,
    sides,
)
from restudy.claims.ways import MEAN, NORMAL, TYPICAL

WAYS = (MEAN, TYPICAL, NORMAL)


@pytest.mark.parametrize("bound", [0.0, 0.4, -1.0])
def test_p_values_of_normal_values_are_those_of_statsmodels(bound):
    values = np.random.default_rng(0).normal(0.3, 1.0, 20)
    above, below = one_sided_p(values, bound, NORMAL)
    reference = DescrStatsW(values)
    assert above == pytest.approx(reference.ttest_mean(bound, "larger")[1], rel=1e-12)
    assert below == pytest.approx(reference.ttest_mean(bound, "smaller")[1], rel=1e-12)


@pytest.mark.parametrize("bound", [0.0, 0.4, -1.0])
def test_p_values_of_a_typical_seed_are_those_of_scipys_sign_test(bound):
    values = np.random.default_rng(0).normal(0.3, 1.0, 21)
    for p, over in zip(one_sided_p(values, bound, TYPICAL), (1, -1), strict=True):
        count = int((over * (values - bound) > 0).sum())
        expected = stats.binomtest(count, 21, alternative="greater").pvalue
        assert p == pytest.approx(expected, rel=1e-10)


def test_p_values_of_a_mean_are_the_largest_of_four():
    values = np.random.default_rng(1).lognormal(size=60)
    u = (values.mean() - 1.0) / values.std(ddof=1)
    g = CAUTION * float((((values - values.mean()) / values.std(ddof=1)) ** 3).mean())
    t = [math.sqrt(60) * each for each in (u, u + g / 3 * u**2 + g**2 / 27 * u**3 + g / 360)]
    for p, sign in zip(one_sided_p(values, 1.0, MEAN), (1, -1), strict=True):
        count = int((sign * (values - 1.0) > 0).sum())
        signs = stats.binomtest(count, 60, alternative="greater").pvalue
        expected = max(signs, *(stats.t.sf(sign * each, 59) for each in t), (1 - RARE) ** 60)
        assert p == pytest.approx(expected, rel=1e-9)


def test_values_without_spread_tell_of_the_typical_seed_alone():
    for way in (MEAN, NORMAL):
        assert one_sided_p([0.25] * 60, 0.1, way) == (1.0, 1.0)
        assert interval([0.25] * 60, way)[0] == 0.25
        assert np.isnan(interval([0.25] * 60, way)[1:]).all()
        assert decided([0.25] * 60, way, LEVEL) == NOWHERE
    assert one_sided_p([0.25] * 5, 0.1, TYPICAL) == (2**-5, 1.0)
    assert one_sided_p([0.25] * 5, 0.25, TYPICAL) == (1.0, 1.0)
    assert interval([0.25] * 6, TYPICAL) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("odd", [0.97, 0.5])
def test_one_odd_value_among_equal_ones_gives_no_absurd_interval(odd):
    for n in (5, 20, 60):
        for way in WAYS:
            _, low, high = interval([0.965] * (n - 1) + [odd], way)
            assert not abs(high - low) > 20 * abs(odd - 0.965)


def test_what_did_not_finish_is_on_neither_side():
    assert sides([1.0, 2.0, -1.0, 0.0, math.inf], 0.0, 9) == Sides(3, 1, 9)
    nine = one_sided_p([1.0] * 9, 0.0, TYPICAL)[0]
    assert one_sided_p([1.0] * 9, 0.0, TYPICAL, 12)[0] == pytest.approx(stats.binom.sf(8, 12, 0.5))
    assert nine == 2**-9


def test_correction_is_holms():
    p_values = np.random.default_rng(1).random(14) ** 3
    expected = multipletests(p_values, method="holm")[1]
    assert correct(p_values) == pytest.approx(expected.tolist(), rel=1e-12)
    order = np.argsort(p_values)
    by_hand = np.maximum.accumulate(p_values[order] * np.arange(14, 0, -1)).clip(max=1)
    assert np.array(correct(p_values))[order] == pytest.approx(by_hand, rel=1e-12)
    assert correct([]) == []


def test_a_p_value_is_significant_after_the_correction_where_it_does_not_exceed_its_level():
    generator = np.random.default_rng(2)
    for _ in range(40):
        p = generator.random(int(generator.integers(1, 9))) ** 5
        corrected = [each <= LEVEL for each in multipletests(p, method="holm")[1]]
        assert [each <= level for each, level in zip(p, levels(p), strict=True)] == corrected
        assert max(levels(p)) <= LEVEL


@pytest.mark.parametrize("way", WAYS)
def test_between_the_decided_bounds_nothing_is_significant(way):
    generator = np.random.default_rng(3)
    for n in (8, 30, 64):
        values = generator.exponential(size=n) - 0.5
        for level, started in ((0.025, n), (0.0016, n), (0.025, n + 3)):
            low, high = decided(values, way, level, started)
            for bound, side in ((low, 0), (high, 1)):
                if math.isinf(bound):
                    extreme = (-1e6, 1e6)[side]
                    assert one_sided_p(values, extreme, way, started)[side] > level
                    continue
                outer, inner = (bound - 1e-7, bound + 1e-7)[:: 1 if side == 0 else -1]
                assert one_sided_p(values, outer, way, started)[side] <= level * (1 + 1e-5)
                assert one_sided_p(values, inner, way, started)[side] > level * (1 - 1e-5)


def test_the_interval_of_normal_values_is_students():
    values = [1.0, 2.0, 4.0]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert interval(values, NORMAL)[1:] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(interval([1.0], NORMAL)[1:]).all()
    assert np.isnan(interval([], NORMAL)).all()


def test_the_interval_of_a_mean_has_both_tests_at_its_level():
    values = np.random.default_rng(4).exponential(size=30)
    _, low, high = interval(values, MEAN)
    students = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    g = CAUTION * float((((values - values.mean()) / values.std(ddof=1)) ** 3).mean())

    def hall(bound):
        u = (values.mean() - bound) / values.std(ddof=1)
        return math.sqrt(30) * (u + g / 3 * u**2 + g**2 / 27 * u**3 + g / 180)

    halls = [
        optimize.brentq(lambda b, t=t: hall(b) - t, -5, 9) for t in stats.t.ppf([0.975, 0.025], 29)
    ]
    assert (low, high) == pytest.approx(
        (min(students[0], halls[0]), max(students[1], halls[1])), rel=1e-9
    )
    assert high > students[1]  # the long tail is on that side
    assert np.isnan(interval(values[: MIN_FOR_MEAN - 1], MEAN)[1:]).all()


def test_the_interval_of_a_median_lies_between_values_in_order():
    values = np.random.default_rng(5).permutation(np.arange(1.0, 21.0))
    median, low, high = interval(values, TYPICAL)
    # 1 - 2 P(Bin(20, 1/2) < k) is 0.959 for k = 6 and 0.885 for k = 7.
    assert median == 10.5 and 6.0 < low < 7.0 and low + high == pytest.approx(21)
    covered = [stats.binom.cdf(k, 20, 0.5) for k in (5, 6)]
    excess = (0.05 - 2 * covered[0]) / (2 * covered[1] - 2 * covered[0])
    share = (20 - 6) * excess / (6 + (20 - 12) * excess)
    assert low == pytest.approx(6 + share, rel=1e-9)
    assert np.isnan(interval(values[:5], TYPICAL)[1:]).all()
    infinite = interval([1.0, 2.0, 3.0, math.inf, math.inf, math.inf, math.inf], TYPICAL)
    assert infinite[0] == math.inf and infinite[2] == math.inf and not math.isnan(infinite[1])


# What covers by construction is simulated at full length in benchmarks/claims_errors.py.
SAMPLES = {
    "normal": lambda generator, shape: generator.normal(size=shape),
    "skewed": lambda generator, shape: generator.lognormal(size=shape) - math.exp(0.5),
    "heavy": lambda generator, shape: generator.standard_t(3, size=shape),
    "two groups": lambda generator, shape: (
        np.where(
            generator.random(shape) < 0.85,
            generator.normal(0.0, 0.02, shape),
            generator.normal(1.0, 0.05, shape),
        )
        - 0.15
    ),
}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("n", [MIN_FOR_MEAN, 60])
def test_intervals_of_a_mean_cover_it_in_at_least_93_of_100_samples(kind, n):
    samples = SAMPLES[kind](np.random.default_rng(6), (1_000, n))
    hits = sum(low <= 0 <= high for _, low, high in map(interval, samples))
    # Of 93%, the standard error is 0.8%.
    assert hits / 1_000 >= 0.93 - 2 * 0.008


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_mean_is_falsely_decided_in_at_most_5_of_100_samples(kind):
    samples = SAMPLES[kind](np.random.default_rng(7), (1_000, 64))
    wrong = sum(2 * min(one_sided_p(each, 0.0)) <= LEVEL for each in samples)
    assert wrong / 1_000 <= 0.05 + 2 * 0.007


def test_too_few_seeds_to_rule_out_rare_failures_decide_nothing_of_a_mean():
    sure = np.random.default_rng(7).normal(100.0, 1.0, 36)
    assert 2 * one_sided_p(sure[:35], 0.0)[0] > LEVEL >= 2 * one_sided_p(sure, 0.0)[0]


@pytest.mark.parametrize("n", [6, 10, 20])
def test_intervals_of_a_median_cover_it_in_95_of_100_samples(n):
    samples = np.random.default_rng(8).exponential(size=(2_000, n)) - math.log(2)
    hits = sum(low <= 0 <= high for _, low, high in (interval(x, TYPICAL) for x in samples))
    assert abs(hits / 2_000 - 0.95) <= 0.015


def test_the_interval_of_a_share_is_clopper_and_pearsons():
    for above, n in ((0, 5), (18, 20), (20, 20), (7, 60)):
        expected = stats.binomtest(above, n).proportion_ci()
        found = share_interval(Sides(above, n - above, n), 0.025)
        assert found == pytest.approx(tuple(expected), abs=1e-9)
    low, high = share_interval(Sides(10, 5, 20), 0.025)  # five are on neither side
    assert low == pytest.approx(stats.binomtest(10, 20).proportion_ci().low)
    assert high == pytest.approx(stats.binomtest(15, 20).proportion_ci().high)


def test_tails_and_critical_counts_are_scipys():
    for n in (1, 7, 60, 2_000):
        for share in (0.02, 0.5, 0.9):
            for count in {0, 1, n // 2, n, n + 1}:
                expected = stats.binom.sf(count - 1, n, share)
                assert binomial_tail(n, count, share) == pytest.approx(expected, rel=1e-9)
    assert critical_count(5, 0.025) is None
    assert critical_count(6, 0.025) == 6
    assert critical_count(20, 0.025) == int(stats.binom.isf(0.025, 20, 0.5)) + 1


@pytest.mark.parametrize(("distance", "level"), [(0.5, 0.025), (0.2, 0.025), (1.0, 0.025 / 14)])
@pytest.mark.parametrize("way", [TYPICAL, NORMAL])
def test_needed_seeds_have_the_power_in_simulation(distance, level, way):
    share = stats.norm.cdf(distance)
    n = seeds_needed(share, distance, level, way)
    generator = np.random.default_rng(9)
    for count, enough in ((n, True), (int(0.8 * n), False)):
        samples = generator.normal(distance, 1.0, (4_000, count))
        if way == NORMAL:
            p = stats.ttest_1samp(samples, 0, axis=1, alternative="greater").pvalue
        else:
            p = stats.binom.sf((samples > 0).sum(axis=1) - 1, count, 0.5)
        found = (p <= level).mean()
        assert (found > 0.78) == enough
        if enough:
            assert found == pytest.approx(POWER, abs=0.05)


def test_a_mean_needs_what_its_tests_need_and_enough_to_rule_out_rare_failures():
    assert seeds_needed(0.999, 50.0, 0.025) == math.ceil(math.log(0.025) / math.log(0.9)) == 36
    signs = seeds_needed(0.7, 0.52, 0.025, TYPICAL)
    assert seeds_needed(0.7, 0.52, 0.025) == max(signs, seeds_needed(0.7, 0.52, 0.025, NORMAL), 36)


@pytest.mark.parametrize("document", ["docs/statistics.md", "config/README.md"])
def test_the_least_numbers_of_seeds_stand_in_the_documents(document):
    text = (ROOT / document).read_text()
    for way in WAYS:
        least = [seeds_needed(1 - 1e-9, math.inf, LEVEL / 2 / m, way) for m in (1, 16)]
        (row,) = re.findall(rf"^\| `{way}` \|.*?([\d, |]+) \|$", text, re.M)
        found = [int(number) for number in re.findall(r"\d+", row)]
        assert found in (least, least[:1])


def test_no_number_of_seeds_finds_nothing():
    for way in WAYS:
        assert seeds_needed(0.5, 0.0, 0.025, way) is None
        assert seeds_needed(0.5 + 1e-6, 1e-6, 0.025, way) is None
    assert seeds_needed(1.0, math.inf, 0.025, TYPICAL) == 6
    assert seeds_needed(1.0, math.inf, 0.025, NORMAL) == 2


def test_a_share_is_found_to_exceed_another_one():
    n = seeds_needed(0.95, 0.0, 0.025, "share", null=0.8)
    count = critical_count(n, 0.025, 0.8)
    assert stats.binom.sf(count - 1, n, 0.8) <= 0.025 < stats.binom.sf(count - 2, n, 0.8)
    assert stats.binom.sf(count - 1, n, 0.95) >= 0.8
