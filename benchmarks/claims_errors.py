"""How often verdicts are wrong, intervals miss, and effects are found, by simulation.

    python benchmarks/claims_errors.py [--tables 2000] [--document docs/statistics.md]

Every table has a family of claims, of one contrast each, that are judged by the project's own
functions: p-values, Holm's correction over the family, intervals. At first the true value (the
mean; the median, where the typical seed is judged) is exactly the margin, so that every verdict is
false, and the share of tables with one is what must not exceed 5%; then it exceeds the margin by
one standard deviation. The results go into results/claims_errors.csv and into the document, where
they stand between two marks. Student's tail is SciPy's here, which is faster than the project's own
and equal to it (tests/unit/test_student.py).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from restudy.analysis.groups import two_groups  # noqa: E402
from restudy.analysis.significance import correct  # noqa: E402
from restudy.claims import inference  # noqa: E402
from restudy.claims.ways import MEAN, NORMAL, TYPICAL  # noqa: E402

SEEDS = (3, 5, 10, 20, 40, 70)
FAMILIES = (1, 16)
RESULTS = ROOT / "benchmarks/results/claims_errors.csv"
BLOCK = r"(<!-- simulated: {} -->\n).*?(<!-- end of simulated -->)"

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _groups(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """85% of networks train, and 15% are dead."""
    trained = generator.random(shape) < 0.85
    return np.where(trained, generator.normal(0.2, 0.02, shape), generator.normal(0.7, 0.05, shape))


def _rare(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """One in ten loses 0.02 of accuracy, all others are alike but for the grid of 1,000 points."""
    failed = generator.random(shape) < 0.1
    return np.round(generator.normal(0.985, 0.001, shape) - 0.02 * failed, 3)


def _paired(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """The difference of two skewed losses that share what the seed does to both."""
    shared = generator.normal(0.0, 0.5, shape)
    one, other = (np.exp(shared + generator.normal(0.0, 0.3, shape)) for _ in range(2))
    return 1.2 * one - other


KINDS: dict[str, tuple[str, Draw]] = {
    "normal": ("normal", lambda generator, shape: generator.normal(size=shape)),
    "skewed": ("exponential", lambda generator, shape: generator.exponential(size=shape)),
    "very skewed": ("lognormal, σ = 1", lambda generator, shape: generator.lognormal(size=shape)),
    "heavy": (
        "Student's with 3 degrees of freedom",
        lambda generator, shape: generator.standard_t(3, size=shape),
    ),
    "grid": (
        "accuracy of deviation 0.004 on a grid of 0.005",
        lambda generator, shape: np.round(generator.normal(0.9013, 0.004, shape) / 0.005) * 0.005,
    ),
    "saturated": (
        "accuracy about 0.997 on a grid of 0.005, at most 1",
        lambda generator, shape: np.minimum(
            np.round(generator.normal(0.997, 0.006, shape) / 0.005) * 0.005, 1.0
        ),
    ),
    "two groups": ("loss of 85% trained, 15% dead networks", _groups),
    "rare failures": ("accuracy, of which one in ten loses 0.02", _rare),
    "paired": ("difference of two lognormal losses of one seed", _paired),
}


def truths(draw: Draw) -> tuple[float, float, float]:
    """Return mean, median and standard deviation of a kind, from ten million values."""
    values = draw(np.random.default_rng(1), (100, 100_000))
    return float(values.mean()), float(np.median(values)), float(values.std())


def verdicts(values: np.ndarray, bounds: np.ndarray, way: str) -> np.ndarray:
    """Return of a family of samples (M, n): 1 above its bound, -1 below, 0 undecided."""
    pairs = [inference.one_sided_p(x, bound, way) for x, bound in zip(values, bounds, strict=True)]
    corrected = correct([min(1.0, 2 * min(pair)) for pair in pairs])
    return np.array(
        [
            0 if p > inference.LEVEL else 1 if above <= below else -1
            for p, (above, below) in zip(corrected, pairs, strict=True)
        ]
    )


def simulate(tables: int) -> Iterator[dict]:
    """Yield a row for each kind, number of seeds, way and size of a family."""
    for kind, (_, draw) in KINDS.items():
        mean, median, deviation = truths(draw)
        for n in SEEDS:
            for way in (MEAN, TYPICAL, NORMAL):
                true = median if way == TYPICAL else mean
                for size in FAMILIES:
                    generator = np.random.default_rng([n, size, len(way)])
                    false, found = 0, 0
                    count = tables if size == 1 else tables // 5
                    for _ in range(count):
                        values = draw(generator, (size, n))
                        false += bool(verdicts(values, np.full(size, true), way).any())
                        found += (verdicts(values, np.full(size, true - deviation), way) > 0).mean()
                    yield {
                        "kind": kind,
                        "seeds": n,
                        "judged_by": way,
                        "family": size,
                        "tables": count,
                        "false": false / count,
                        "found": found / count,
                    } | (coverage(draw, true, n, way, tables) if size == 1 else {})
                    print(kind, n, way, size, flush=True)


def coverage(draw: Draw, true: float, n: int, way: str, tables: int) -> dict[str, float]:
    """Return how many intervals there are, how many of these cover, and two groups are seen."""
    samples = draw(np.random.default_rng([n, 2]), (tables, n))
    ends = np.array([inference.interval(each, way)[1:] for each in samples])
    given = ~np.isnan(ends[:, 0])
    hits = (ends[given, 0] <= true + 1e-12) & (true - 1e-12 <= ends[given, 1])
    return {
        "given": float(given.mean()),
        "covers": float(hits.mean()) if given.any() else np.nan,
        "two_groups": float(np.mean([two_groups(each) is not None for each in samples])),
    }


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f}"


def document(table: pd.DataFrame, text: str) -> str:
    """Return a document with the tables between its marks."""
    blocks = {}
    for way in (MEAN, TYPICAL, NORMAL):
        rows = table[table["judged_by"] == way]
        for column, name in (("false", "false verdicts"), ("found", "found effects")):
            lines = [
                "| values over seeds | "
                + " | ".join(f"{n} seeds" for n in SEEDS)
                + " |\n|---|"
                + "---|" * len(SEEDS)
            ]
            for kind, (words, _) in KINDS.items():
                cells = []
                for n in SEEDS:
                    found = rows[(rows["kind"] == kind) & (rows["seeds"] == n)].set_index("family")
                    cells.append(" / ".join(_percent(found.loc[m, column]) for m in FAMILIES))
                lines.append(f"| {words} | " + " | ".join(cells) + " |")
            blocks[f"{name} by {way}"] = "\n".join(lines) + "\n"
        lines = ["| values over seeds | " + " | ".join(f"{n} seeds" for n in SEEDS) + " |"]
        lines.append("|---|" + "---|" * len(SEEDS))
        for kind, (words, _) in KINDS.items():
            own = rows[(rows["kind"] == kind) & (rows["family"] == 1)].set_index("seeds")
            cells = (
                _percent(own.loc[n, "covers"])
                + (f" ({_percent(own.loc[n, 'given'])})" if 0 < own.loc[n, "given"] < 0.995 else "")
                for n in SEEDS
            )
            lines.append(f"| {words} | " + " | ".join(cells) + " |")
        blocks[f"coverage by {way}"] = "\n".join(lines) + "\n"
    for name, block in blocks.items():
        pattern = BLOCK.format(re.escape(name))
        text = re.sub(
            pattern, lambda found, block=block: found[1] + block + found[2], text, flags=re.S
        )
    return text


def main() -> None:
    """Simulate, and write the results and the document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--tables", type=int, default=2000, help="tables of a row; of 16 claims, a fifth"
    )
    parser.add_argument("--document", type=Path, default=ROOT / "docs/statistics.md")
    parser.add_argument("--only-write", action="store_true", help="write the document alone")
    options = parser.parse_args()
    if not options.only_write:
        inference.upper_tail = lambda t, freedom: float(stats.t.sf(t, freedom))
        pd.DataFrame(simulate(options.tables)).round(5).to_csv(RESULTS, index=False)
    table = pd.read_csv(RESULTS)
    options.document.write_text(document(table, options.document.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
