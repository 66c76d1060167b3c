"""Student's t in the page of the studies is SciPy's."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, need_file
from scipy import stats

FREEDOMS = [1, 2, 3, 4, 5, 9, 19, 20, 99, 500]


def evaluated(expression: str):
    """The value of an expression in which the module's names are known."""
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    module = (ROOT / "web/src/study/students.js").as_uri()
    program = f"import * as m from {json.dumps(module)}; console.log(JSON.stringify({expression}))"
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_p_values_and_quantiles_are_those_of_scipy():
    statistics = [0.0, 0.1, 1.0, -2.5, 6.0, 40.0]
    pairs = [[t, freedom] for freedom in FREEDOMS for t in statistics]
    found = evaluated(f"{json.dumps(pairs)}.map(([t, f]) => m.twoSided(t, f))")
    expected = [2 * stats.t.sf(abs(t), freedom) for t, freedom in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=3e-15)
    found = evaluated(f"{json.dumps(FREEDOMS)}.map((f) => m.quantile(0.95, f))")
    np.testing.assert_allclose(found, stats.t.ppf(0.975, FREEDOMS), rtol=1e-9)


def test_pairs_are_compared_as_by_scipy():
    rng = np.random.default_rng(0)
    one, two = rng.normal(0, 1, 12).tolist(), rng.normal(0.5, 2, 12).tolist()
    found = evaluated(f"m.comparePairs({one}, {two})")
    test = stats.ttest_rel(two, one)
    interval = test.confidence_interval()
    assert found["p"] == pytest.approx(test.pvalue, rel=1e-9)
    assert [found["low"], found["high"]] == pytest.approx([interval.low, interval.high])
    assert found["effect"] == pytest.approx(np.mean(two) - np.mean(one))
    assert found["signs"] == np.sign(np.subtract(two, one)).tolist()


@pytest.mark.parametrize(
    "pairs", [([1.0], [2.0]), ([1.0, 2.0], [2.0, 3.0]), ([1.0, 2.0], [1.0, 2.0])]
)
def test_without_a_spread_there_is_no_interval(pairs):
    found = evaluated(f"m.comparePairs({pairs[0]}, {pairs[1]})")
    assert (found["low"], found["high"], found["p"]) == (None, None, None)
