"""Student's distribution and the power of his test, against SciPy and statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from restudy.analysis.statistics import mean_interval
from restudy.analysis.student import power, quantile, upper_tail

FREEDOMS = (1, 2, 3, 4, 9, 19, 99, 1_999, 99_999)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_tails_are_scipys(freedom):
    for t in (-30.0, -2.0, -1e-3, 0.0, 0.5, 2.0, 4.0, 11.0, 30.0):
        expected = stats.t.sf(t, freedom)
        assert upper_tail(t, freedom) == pytest.approx(expected, rel=1e-11, abs=1e-300), t
    assert (upper_tail(np.inf, freedom), upper_tail(-np.inf, freedom)) == (0, 1)
    assert np.isnan(upper_tail(np.nan, freedom))


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_quantiles_are_scipys(freedom):
    for probability in (0.6, 0.975, 1 - 0.05 / 28, 1 - 1e-6):
        expected = stats.t.ppf(probability, freedom)
        assert quantile(probability, freedom) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("level", [0.05, 0.05 / 14, 1e-5])
def test_power_is_that_of_scipys_noncentral_distribution(level):
    for effect in (0.01, 0.2, 1.0, 5.0, 40.0):
        for n in (2, 3, 5, 20, 300, 20_000):
            found, noncentral = power(effect, n, level), stats.nct(n - 1, effect * np.sqrt(n))
            critical = stats.t.isf(level / 2, n - 1)
            # SciPy's lower tail is NaN where it is too small for a float.
            expected = noncentral.sf(critical) + np.nan_to_num(noncentral.cdf(-critical))
            assert found == pytest.approx(expected, abs=1e-9), (effect, n)


def test_power_is_statsmodels():
    expected = [TTestPower().power(0.5, n, 0.05) for n in (2, 5, 20, 100)]
    assert [power(0.5, n, 0.05) for n in (2, 5, 20, 100)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("values", [[0.7], [0.7] * 9, [0.1 + 0.2, 0.3, 0.3], [0.0, 0.0]])
def test_values_without_spread_have_no_interval(values):
    """That they are equal is no proof that all others are."""
    mean, low, high = mean_interval(values)
    assert mean == pytest.approx(np.mean(values)) and np.isnan([low, high]).all()
