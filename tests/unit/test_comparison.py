"""Two cells compared: numbers against R and SciPy, what is said of them, and the command."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import svc_family
from conftest import ROOT
from scipy import stats
from small_study import small_cell, small_section
from study_results import train_run

from restudy.analysis.comparison import (
    Side,
    as_table,
    compare_cells,
    compare_measure,
    describe,
    remarks,
)
from restudy.data.points import make_points
from restudy.data.tables import write_table
from restudy.families.registry import FAMILIES
from restudy.operation.cell_results import measures_of, read_cell, read_side
from restudy.reading.files import ResultsError
from restudy.study.addresses import NoCellError
from restudy.study.cell import make_cell
from restudy.study.config import cell_settings, complete_config

DENSE = FAMILIES["dense"]
CELL = small_cell("moons", "tiny")


def series(values, first=0):
    return pd.Series(values, index=range(first, first + len(values)), dtype=float)


def side(values, diverged=(), passes=20, root="/here", family=DENSE, **cell):
    """A cell with made-up values of the training loss; runs that diverged have none."""
    values = series(values)
    runs = pd.DataFrame({"seed": values.index, "passes": passes, "train_loss": values})
    runs["diverged_at"] = pd.array([5 if s in diverged else pd.NA for s in values.index], "Int64")
    finished = values[~values.index.isin(diverged)]
    full = make_cell(DENSE, CELL | cell)
    return Side(root, family, full, runs, {"train_loss": finished})


def said(first, second):
    return " ".join(remarks(first, second, compare_cells(first, second), ["train_loss"]))


def test_numbers_are_those_of_the_paired_t_test_in_rs_manual():
    # Student's (1908) data on sleep, `sleep` in R; the figures are those of R's
    # t.test(extra ~ group, data = sleep, paired = TRUE), of the second group minus the first.
    first = series([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = series([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = compare_measure("extra", first, second)
    assert found.effect == pytest.approx(1.58)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858))
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert found.signs == {seed: int(seed != 4) for seed in range(10)}


@pytest.mark.parametrize("pairs", [2, 5, 40])
def test_effect_interval_and_p_are_scipys(pairs):
    generator = np.random.default_rng(pairs)
    first = series(generator.lognormal(size=pairs + 3))
    second = series(generator.lognormal(0.3, size=pairs + 3), first=3)
    found = compare_measure("train_loss", first, second)
    one, other = first.iloc[3:], second.iloc[:-3]
    expected = stats.ttest_rel(other, one)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.effect == pytest.approx((other - one).mean())
    assert (found.first, found.second) == pytest.approx((one.mean(), other.mean()))
    assert list(found.signs) == list(range(3, pairs + 3))
    assert list(found.signs.values()) == np.sign(other - one).tolist()


@pytest.mark.parametrize(
    ("first", "second", "reason", "signs"),
    [
        (series([0.5]), series([0.25]), "a single pair", {0: -1}),
        (series([0.5, 1.0]), series([0.5, 1.0], first=2), "no pairs", {}),
        (series([]), series([0.5]), "no pairs", {}),
        (series([0.3, 0.6]), series([0.1 + 0.2, 0.6]), "all pairs equal", {0: 0, 1: 0}),
        (series([0.1, 0.2]), series([0.4, 0.5]), "all pairs differ alike", {0: 1, 1: 1}),
    ],
)
def test_pairs_without_a_spread_have_neither_interval_nor_p(first, second, reason, signs):
    found = compare_measure("train_loss", first, second)
    assert (found.reason, found.signs) == (reason, signs)
    assert found.low is found.high is found.p is None
    assert (found.effect is None) == (reason == "no pairs")
    cells = side([1]), side([2], activation="relu")
    numbers = describe(*cells, [found]).split("\n\n")[1].splitlines()[1]
    assert numbers.endswith(f" {reason}")


def test_runs_that_diverged_are_named_and_left_out():
    first = side([1, 2, 3, 4, 5], diverged=(0, 1, 2, 4))
    second = side([2, 2, 2, 3, 5], diverged=(1,))
    (found,) = compare_cells(first, second)
    assert found.signs == {3: -1}
    assert "left out: seeds 0 to 2, 4 of the first." in said(first, second)
    assert "left out: seed 1 of the second." in said(first, second)
    nothing = side([1, 2], diverged=(0, 1))
    assert [each.reason for each in compare_cells(nothing, nothing)] == ["no pairs"]


def test_seeds_that_only_one_cell_has_are_named():
    words = said(side([1, 2, 3, 4, 5]), side([1, 2]))
    assert "Only the first has seeds 2 to 4." in words
    assert "Only the second" not in words
    assert said(side([1, 2]), side([3, 1], activation="relu")) == ""


def test_what_pairs_do_not_share_is_said():
    other = side([2, 1], dataset="blobs")
    assert "The data sets differ" in said(side([1, 2]), other)
    assert "but not their data" in said(side([1, 2]), other)
    long = side([2, 1], passes=20_000, activation="relu")
    words = "Training differs in length: 20 passes in the first, 20,000 passes in the second."
    assert words in said(side([1, 2]), long)
    assert "Both are the same cell." in said(side([1, 2]), side([1, 2]))
    elsewhere = said(side([1, 2]), side([1, 2], root="/there"))
    assert "different folders" in elsewhere and "/here and /there" in elsewhere
    foreign = side([1, 2], family=svc_family.FAMILY)
    assert "The families differ (dense, svc)" in said(side([1, 2]), foreign)


def some_values(count=25):
    """Values of many measures, of all sizes, as two cells have them."""
    generator = np.random.default_rng(0)
    names = {
        "train_loss": 0.3,
        "validation_accuracy": 0.9,
        "tiny": 1e-7,
        "huge": 3e9,
        "heldout_accuracy_of_a_name_that_is_long": 0.5,
    }
    return tuple(
        {name: series(generator.normal(size, size / 20, count)) for name, size in names.items()}
        for _ in "12"
    )


def test_text_is_aligned_and_fits_a_terminal():
    one, other = some_values()
    first, second = side([1] * 25), side([2] * 25, activation="relu", optimizer="adam")
    found = [compare_measure(name, one[name], other[name]) for name in one]
    text = describe(first, second, found, remarks(first, second, found, ["nothing"]))
    assert max(map(len, text.splitlines())) <= 80
    head, numbers, *signs, last = text.split("\n\n")
    assert head.splitlines()[-2:] == [
        "First:   activation tanh, optimizer gd",
        "Second:  activation relu, optimizer adam",
    ]
    assert "hidden_size 3" in head and "dataset moons" in head
    lines = numbers.splitlines()
    assert len({len(line) for line in lines if not line.startswith("heldout")}) == 1
    assert lines[-2] == "heldout_accuracy_of_a_name_that_is_long"
    for each, line in zip(found, [*lines[1:5], lines[6]], strict=True):
        shown = [float(word.strip("<")) for word in line.split()[-6:]]
        half = (each.high - each.low) / 2
        exact = [each.first, each.second, each.effect, each.low, each.high]
        # Enough digits to see the interval; powers of ten have three digits.
        rounding = half / 50 if "e" not in line else max(map(abs, exact)) / 150
        np.testing.assert_allclose(shown[:-1], exact, atol=rounding, rtol=0)
        assert shown[-1] == pytest.approx(max(each.p, 0.001), abs=0.0005)
    assert [len(block.splitlines()) for block in signs] == [8, 7]
    assert signs[0].splitlines()[1].split() == [str(seed) for seed in range(20)]
    marks = dict(line.split(maxsplit=1) for line in signs[1].splitlines()[1:4])
    signs_of = [found[0].signs[seed] for seed in range(20, 25)]
    assert marks["train_loss"].split() == ["+" if sign > 0 else "-" for sign in signs_of]
    assert "Not in these results: nothing." in last
    assert "each measure by itself" in " ".join(last.split())


def test_csv_has_the_exact_numbers():
    one, other = some_values(4)
    found = [compare_measure(name, one[name], other[name]) for name in one]
    found.append(compare_measure("single", series([1]), series([3])))
    table = pd.read_csv(io.StringIO(as_table(found).to_csv(index=False)))
    assert table["effect"].tolist() == pytest.approx([each.effect for each in found], rel=1e-12)
    assert table["n"].tolist() == [4] * 5 + [1]
    last = table.iloc[-1]
    assert last[["ci_low", "ci_high", "p_value"]].isna().all()
    assert (last["signs"], table["seeds"][0]) == ("1", "0 1 2 3")


SEEDS = 70  # as many as in the README's example


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two cells of a real run: one only in its own folder, the other only in the table."""
    folder = tmp_path_factory.mktemp("results")
    section = small_section(
        "moons", {"one": {"question": "?", "vary": {"activation": ["tanh", "relu"]}}}
    )
    section["protocols"]["tiny"]["replicates"] = SEEDS
    moons = {"kind": "moons", "points": 60, "heldout_points": 40}
    config = complete_config({"datasets": {"moons": moons}, "dense": section})
    points, _ = make_points(config["datasets"]["moons"])
    runs = {}
    for activation in ("tanh", "relu"):
        cell = make_cell(DENSE, CELL | {"activation": activation})
        runs[activation] = train_run(cell_settings(config, DENSE, cell), points).tables["runs"]
        (folder / cell.folder).mkdir(parents=True)
    own = folder / make_cell(DENSE, CELL).folder
    write_table(runs["tanh"], own / "runs.csv")
    (folder / "results/tables").mkdir()
    write_table(runs["relu"], folder / "results/tables/dense_runs.csv")
    return folder, runs


def path_of(**values):
    return make_cell(DENSE, CELL | values).folder


def compare(folder, *arguments):
    """Call the command as a user would, with the library on the path."""
    return subprocess.run(
        [sys.executable, "-m", "restudy", "compare", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_compares_cells_of_a_run(results):
    folder, runs = results
    done = compare(folder, path_of(), path_of(activation="relu"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "First:   activation tanh\nSecond:  activation relu" in done.stdout
    names = [line.split()[0] for line in done.stdout.split("\n\n")[1].splitlines()[1:]]
    parts = ("train", "validation", "heldout")
    present = [f"{part}_{each}" for part in parts for each in ("loss", "accuracy")]
    at_end = ["heldout_ece", "heldout_brier", "grad_norm"]
    assert names == [*present, *at_end, "generalisation_gap"]
    assert "Not in these results: reported_loss, boundary_linearity." in done.stdout
    done = compare(folder, path_of(), path_of(activation="relu"), "--csv", "--measure", "grad_norm")
    table = pd.read_csv(io.StringIO(done.stdout))
    expected = stats.ttest_rel(runs["relu"]["grad_norm"], runs["tanh"]["grad_norm"])
    assert table["p_value"].tolist() == pytest.approx([expected.pvalue])
    interval = expected.confidence_interval()
    assert table[["ci_low", "ci_high"]].to_numpy()[0] == pytest.approx(
        [interval.low, interval.high]
    )


def shape(text):
    """What a comparison consists of, whatever its numbers are."""
    marked = re.sub(r"[+-]?\d+\.\d+", "number", text.replace("<", ""))
    signs = re.sub(r"(?<= )[+0-](?= |$)", "sign", marked, flags=re.M)
    return re.sub(" +", " ", signs)


def test_example_of_the_readme_prints_what_it_shows(results, tmp_path):
    _, runs = results
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "results/tables").mkdir(parents=True)
    table = pd.concat(runs.values()).assign(protocol="corrected")
    write_table(table, tmp_path / "results/tables/dense_runs.csv")
    section = (ROOT / "README.md").read_text().partition("\n### Any two cells\n")[2]
    command, shown = re.search("```sh\n(.*?)```\n\n```\n(.*?)```", section, re.S).groups()
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert shape(done.stdout) == shape(shown)
    numbers = re.search(r"train_loss +70 +(\S+) +(\S+)", done.stdout).groups()
    means = [runs[name]["train_loss"].mean() for name in ("relu", "tanh")]
    assert [float(number) for number in numbers] == pytest.approx(means, abs=0.01)


def test_a_family_of_the_users_own_is_compared_too(tmp_path):
    file = svc_family.EXAMPLE
    cells = []
    for c, accuracies in ((0.01, (0.75, 0.8)), (1, (0.9, 0.85))):
        cell = f"results/svm/dataset~moons/protocol~usual/kernel~rbf/c~{c}"
        cells.append(cell)
        for seed, accuracy in enumerate(accuracies):
            (tmp_path / cell / f"seed~{seed}").mkdir(parents=True)
            row = {"dataset": "moons", "protocol": "usual", "kernel": "rbf", "c": float(c)}
            row |= {"seed": seed, "heldout_accuracy": accuracy, "diverged_at": pd.NA}
            write_table(pd.DataFrame([row]), tmp_path / cell / f"seed~{seed}/runs.csv")
    done = compare(tmp_path, cells[0], f"{cells[1]}/seed~1", "--family", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert "First:   c 0.01\nSecond:  c 1\n" in done.stdout
    assert "heldout_accuracy     2" in done.stdout and "+0.100" in done.stdout
    done = compare(tmp_path, *cells)
    assert done.returncode == 2
    assert "got the family 'svm'; known: dense, conv (--family FILE" in done.stderr


@pytest.mark.parametrize(
    "given",
    [
        "{path}",
        "{path}/",
        "./{path}",
        "{path}/runs.csv",
        "{path}/seed~3/events",
        "{root}/{path}/weights.npz",
        "dense/{below}",
        "../{folder}/{path}",
    ],
)
def test_a_cell_is_found_by_whatever_path_a_shell_completes(results, given, monkeypatch):
    folder, _ = results
    path = path_of()
    below = path.removeprefix("results/dense/")
    text = given.format(path=path, root=folder, below=below, folder=folder.name)
    monkeypatch.chdir(folder)
    assert found_at(text) == (folder, make_cell(DENSE, CELL))
    monkeypatch.chdir(folder.parent)
    if not given.startswith(".."):
        assert found_at(text, folder.name) == (folder, make_cell(DENSE, CELL))
    monkeypatch.chdir(folder / "results/dense")
    assert found_at(below) == (folder, make_cell(DENSE, CELL))


def found_at(*given):
    """The folder that has the results, and the cell, that a path names."""
    results, cell = read_cell(*given)
    return Path(results.path).parent, cell.values


def test_a_completed_path_may_begin_with_the_directory(results, monkeypatch):
    folder, _ = results
    monkeypatch.chdir(folder.parent)
    assert found_at(f"{folder.name}/{path_of()}", folder.name)[0] == folder


def test_cells_of_results_that_are_called_otherwise_are_compared(results, tmp_path):
    folder, _ = results
    shutil.copytree(folder / "results", tmp_path / "ours")
    below = path_of().removeprefix("results/")
    done = compare(tmp_path, tmp_path / "ours" / below, folder / path_of(activation="relu"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"different folders, in which a name may stand for different settings: {tmp_path}" in (
        " ".join(done.stdout.split())
    )


def test_a_cell_without_results_is_answered_with_the_nearest(results):
    folder, _ = results
    for values, nearest in (
        ({"depth": 2}, {}),
        ({"activation": "relu", "optimizer": "adam"}, {"activation": "relu"}),
    ):
        with pytest.raises(NoCellError, match=f"nearest: {path_of(**nearest)}$"):
            read_cell(path_of(**values), folder)
    conv = "results/conv/dataset~a/protocol~a/activation~a/initializer~a/optimizer~a"
    with pytest.raises(ResultsError, match=r"got 'conv'; found in .*/results: dense$"):
        read_cell(conv, folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("results", "not a path of a cell, such as results/dense/dataset~moons"),
        ("results/rnn/dataset~moons", "got the family 'rnn'; known: dense, conv"),
        ("results/dense/dataset~moons/protocol~tiny", "a dense cell has one of each of dataset, "),
        (path_of().replace("depth~1", "depth~one"), "depth: got 'one', allowed: a number"),
    ],
)
def test_a_path_of_no_cell_is_answered_with_what_is_allowed(text, message, tmp_path):
    with pytest.raises(NoCellError, match=message) as caught:
        read_cell(text, tmp_path)
    assert "\n" not in str(caught.value)


def test_mistakes_end_in_one_line(results):
    folder, _ = results
    asked = compare(folder, path_of(), path_of(activation="relu"), "--measure", "loss")
    absent = compare(
        folder, path_of(), path_of(activation="relu"), "--measure", "boundary_linearity"
    )
    for done, message in (
        (asked, "--measure: got 'loss', allowed: train_loss, "),
        (absent, "the results of both cells lack boundary_linearity"),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("python -m restudy compare: ") and message in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "can't be read: No columns"), ("dataset,seed\nmoons,0\n", "lacks the columns protocol")],
)
def test_a_broken_table_is_named(tmp_path, content, message):
    (tmp_path / path_of()).mkdir(parents=True)
    (tmp_path / path_of() / "runs.csv").write_text(content)
    with pytest.raises(ValueError, match=f"runs.csv: {message}"):
        read_cell(path_of(), tmp_path)


def test_a_measure_that_is_worked_out_later_comes_from_its_table(results, tmp_path):
    _, runs = results
    (tmp_path / "results/tables").mkdir(parents=True)
    both = pd.concat(runs.values(), ignore_index=True)
    write_table(both, tmp_path / "results/tables/dense_runs.csv")
    linearity = both[list(DENSE.keys)].assign(boundary_linearity=np.linspace(0, 1, len(both)))
    write_table(linearity, tmp_path / "results/tables/dense_linearity.parquet")
    cells = [read_cell(path_of(activation=name), tmp_path) for name in runs]
    measures = measures_of([cell for _, cell in cells], None)
    found = compare_cells(*(read_side(*cell, measures) for cell in cells))
    (last,) = (each for each in found if each.measure == "boundary_linearity")
    means = linearity.groupby("activation")["boundary_linearity"].mean()
    assert (last.first, last.second) == pytest.approx((means["tanh"], means["relu"]))
    assert last.reason == "all pairs differ alike"
