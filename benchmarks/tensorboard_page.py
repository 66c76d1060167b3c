"""How large the page of a large TensorBoard log directory is, and how soon it is made and seen.

    python benchmarks/tensorboard_page.py [--runs 20] [--tags 100] [--points 100] [--logdir DIR]

Writes event files with TensorFlow's own writer: every run has as many tags with scalars as with
histograms, and every tag as many points. A histogram has 30 buckets of 10,000 normal numbers, whose
counts are drawn anew at every point, so that they compress worse than those of weights in training,
which change little. Then the page is made, full and thinned, by ``python -m restudy tensorboard``,
and opened in Chromium. The figures go into a table.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "tensorboard_page.csv"
BUCKETS, NUMBERS = 30, 10_000
CHROMIUM = "/usr/bin/chromium"
SMALL = 1.39  # MB: what stands in a report


def write_runs(folder: Path, runs: int, tags: int, points: int) -> None:
    """Write the event files."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    sys.path.insert(0, str(ROOT / "src"))
    import tensorflow as tf

    from restudy.families.conv.summaries import write_histogram

    random = np.random.default_rng(0)
    for run in range(runs):
        with tf.summary.create_file_writer(str(folder / f"run_{run:02}")).as_default():
            scales = random.uniform(0.01, 3, tags)
            for point in range(points):
                losses = np.float32(random.exponential(1 / (1 + point), tags))
                counts = random.multinomial(NUMBERS, normal_shares(random, tags))
                low, high = (
                    np.float32(scales * side * random.normal(3.9, 0.25, tags)) for side in (-1, 1)
                )
                for tag in range(tags):
                    tf.summary.scalar(f"layer_{tag // 10}/scalar_{tag}", losses[tag], 100 * point)
                    edges = np.linspace(low[tag], high[tag], BUCKETS + 1, dtype=np.float64)
                    rows = np.stack([edges[:-1], edges[1:], counts[tag]], axis=1)
                    write_histogram(f"layer_{tag // 10}/tensor_{tag}", rows, 100 * point)


def normal_shares(random: np.random.Generator, tags: int) -> np.ndarray:
    """Shares of normal numbers in equal buckets between their extremes, (tags, buckets)."""
    centres = np.linspace(-1, 1, BUCKETS) * random.normal(3.9, 0.25, (tags, 1))
    shares = np.exp(-(centres**2) / 2)
    return shares / shares.sum(axis=1, keepdims=True)


def export(folder: Path, page: Path, *options: str) -> float:
    """Seconds that the command takes, from the start of its Python to its end."""
    command = [sys.executable, "-m", "restudy", "tensorboard", str(folder), str(page), *options]
    start = time.perf_counter()
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, check=True)
    return time.perf_counter() - start


def seconds_to_view(page: Path, turns: int = 5) -> float | None:
    """Median seconds from the call of the page to its first curve; None without Chromium."""
    if not Path(CHROMIUM).exists():
        return None
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as playwright:
        for _ in range(turns):
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="commit")
            tab.locator("article path.main").first.wait_for(state="attached", timeout=60_000)
            seconds.append(time.perf_counter() - start)
            browser.close()
    return statistics.median(seconds)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    for name, default in (("runs", 20), ("tags", 100), ("points", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--logdir", type=Path, help="keep the event files there, for another time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.logdir or Path(temporary) / "logs"
        if not folder.exists():
            write_runs(folder, arguments.runs, arguments.tags, arguments.points)
        files = list(folder.rglob("*tfevents*"))
        rows = []
        for name, options in (("full", []), ("thinned", ["--max-megabytes", str(SMALL)])):
            page = Path(temporary) / f"{name}.html"
            built = export(folder, page, *options)
            seen = seconds_to_view(page)
            rows.append(
                {
                    "page": name,
                    "runs": arguments.runs,
                    "tags": arguments.tags,
                    "points": arguments.points,
                    "event_files_mb": round(sum(f.stat().st_size for f in files) / 1e6, 1),
                    "page_mb": round(page.stat().st_size / 1e6, 2),
                    "build_seconds": round(built, 1),
                    "view_seconds": "" if seen is None else round(seen, 2),
                }
            )
            print(rows[-1], flush=True)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
