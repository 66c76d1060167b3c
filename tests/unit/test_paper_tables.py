"""Tables for papers: true to the runs, rounded as metrologists round, and legal in their format."""

import re
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import svc_family
from conftest import need_file
from hostile_names import HOSTILE_NAMES
from markdown_it import MarkdownIt
from scipy import constants, stats

from restudy.analysis.markup import in_one_line
from restudy.analysis.rounding import Number, exact_number, round_to_uncertainty
from restudy.families.registry import FAMILIES
from restudy.study.grid import study_cells
from restudy.views.paper_tables import MAX_ROWS, study_table, to_latex, to_markdown

DENSE = FAMILIES["dense"]
BASELINE = {
    "dataset": "moons",
    "protocol": "corrected",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}
VARY = {"hidden_size": [8, 3], "activation": ["tanh", "relu", "elu"]}
LATEX_HEAD = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}"


def made_up(vary, seeds=20, family=DENSE, baseline=BASELINE, spread=0.05):
    """A study, and its runs with made-up measures."""
    random = np.random.default_rng(3)
    study = {"name": "my_study", "question": "Which is best?", "vary": vary}
    rows = []
    for cell in study_cells(family, baseline, study):
        told = dict.fromkeys([*family.ranked_by, family.choice.name])
        means = random.uniform(0.3, 0.9, len(told))
        for seed in range(seeds):
            values = means + spread * random.standard_normal(len(means))
            measured = {each.name: np.nan for each in family.measures if each.in_runs}
            measured |= dict(zip(told, values, strict=True))
            rows.append({**cell, "seed": seed, **measured, "diverged_at": pd.NA})
    return study, pd.DataFrame(rows)


def table_of(study, runs, family=DENSE):
    return study_table(family, runs, study)


def column(table, heading):
    return next(each for each in table.columns if each.heading.startswith(heading))


# ---- Rounding --------------------------------------------------------------------------------


def test_rounding_is_that_of_the_published_constants():
    # CODATA publishes two digits of every uncertainty: what is rounded already stays as it is.
    measured = {
        name: (value, doubt)
        for name, (value, _, doubt) in constants.physical_constants.items()
        if doubt and len(Decimal(repr(doubt)).normalize().as_tuple().digits) == 2
    }
    assert len(measured) > 200
    for name, (value, doubt) in measured.items():
        number = round_to_uncertainty(value, doubt)
        scale = Decimal(1).scaleb(number.power)
        assert Decimal(number.digits) * scale == Decimal(repr(value)), name
        assert Decimal(number.uncertainty) * scale == Decimal(repr(doubt)), name
        decimals = [text.partition(".")[2] for text in number[:2]]
        assert len(decimals[0]) == len(decimals[1]), name


@pytest.mark.parametrize(
    ("value", "doubt", "printed"),
    [
        # Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008), 7.2.2 and 7.2.6.
        (100.02147, 0.00035, Number("100.02147", "0.00035")),
        (10.05762, 0.027, Number("10.058", "0.027")),
        (0.5, 0.0996, Number("0.50", "0.10")),
        (0.99951, 0.00996, Number("1.000", "0.010")),
        (1234.5, 250.0, Number("1230", "250")),
        (-0.0004, 0.05, Number("0.000", "0.050")),
        (-3.14159, 0.2, Number("-3.14", "0.20")),
        (0.6931471805599453, 0.0, Number("0.6931", "0")),
        (0.6931471805599453, 1e-17, Number("0.6931", "0")),
        (0.98686, np.nan, Number("0.9869")),
        (1.0, np.nan, Number("1.000")),
        (0.0, 0.0, Number("0", "0")),
        (0.0, 2.5e-7, Number("0.0", "2.5", -7)),
        (3.2e-9, 4.17e-10, Number("3.20", "0.42", -9)),
        (7.7e8, np.nan, Number("7.700", "", 8)),
        (np.nan, np.nan, Number()),
        (np.inf, np.nan, Number()),
    ],
)
def test_the_uncertainty_decides_the_digits(value, doubt, printed):
    assert round_to_uncertainty(value, doubt) == printed


def test_numbers_without_uncertainty_have_the_decimals_of_the_largest():
    column = [0.23, 0.07, 0.0712345, 1.2e-3, -0.00034, 4e-5]
    shown = [round_to_uncertainty(value, largest=max(column)).digits for value in column]
    assert shown == ["0.2300", "0.0700", "0.0712", "0.0012", "-0.00034", "4.0"]
    assert round_to_uncertainty(12.0, largest=1234.5).digits == "12"
    assert round_to_uncertainty(0.5, 0.01, largest=1234.5).digits == "0.500"


def test_values_of_axes_keep_all_digits():
    assert exact_number(0.1) == Number("0.1") and exact_number(50) == Number("50")
    assert exact_number(1e-5) == Number("1", power=-5)
    assert exact_number(100000.0) == Number("100000") and exact_number(0.0) == Number("0")
    assert exact_number(12345678) == Number("1.2345678", power=7)


# ---- What is in the table --------------------------------------------------------------------


def test_means_and_intervals_are_those_of_scipy():
    study, runs = made_up(VARY)
    runs.loc[[3, 25], "diverged_at"] = 100
    runs.loc[[3, 25], list(DENSE.ranked_by)] = np.inf
    table = table_of(study, runs)
    cells = list(study_cells(DENSE, BASELINE, study))
    for name, heading in (("train_loss", "Training loss (n"), ("heldout_accuracy", "Held-out a")):
        for cell, number in zip(cells, column(table, heading).cells, strict=True):
            own = runs[np.logical_and.reduce([runs[axis] == cell[axis] for axis in cell])]
            values = own.loc[own["diverged_at"].isna(), name]
            low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
            last = 10.0 ** -len(number.digits.partition(".")[2])
            assert float(number.digits) == pytest.approx(values.mean(), abs=0.5001 * last)
            assert float(number.uncertainty) == pytest.approx((high - low) / 2, abs=0.5001 * last)
            assert len(number.uncertainty.lstrip("0.")) == 2
    assert [each.digits for each in column(table, "Runs").cells] == ["20"] * 6
    diverged = [each.digits for each in column(table, "Diverged").cells]
    assert diverged == ["1", "1", "0", "0", "0", "0"]


def test_columns_are_what_differs_and_the_caption_has_the_rest():
    study, runs = made_up({**VARY, "depth": [2]})
    table = table_of(study, runs)
    assert [each.heading for each in table.columns] == [
        *("Hidden units", "Activation", "Training loss (nats)", "Validation loss (nats)"),
        *("Held-out accuracy", "Runs", "Diverged"),
    ]
    assert [each.digits for each in table.columns[0].cells] == ["8"] * 3 + ["3"] * 3
    assert table.columns[1].cells == ["tanh", "ReLU", "ELU"] * 2
    assert table.name == "dense-my-study" and table.note == ""
    assert table.caption.startswith("Which is best? Means over the runs that did not diverge")
    same = "two moons, corrected arithmetic, 2 hidden layers, fan-in normal, gradient descent."
    assert table.caption.endswith(f"The same in all cells: {same}")


@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_are_in_the_order_of_the_study_whatever_that_of_the_runs(shuffled):
    study, runs = made_up(VARY)
    expected = table_of(study, runs)
    runs = runs.sample(frac=1, random_state=0) if shuffled else runs.iloc[::-1]
    again = table_of(study, runs)
    assert [each.cells for each in again.columns] == [each.cells for each in expected.columns]


def test_only_the_chosen_is_bold():
    study, runs = made_up(VARY)
    runs["heldout_accuracy"] = runs["validation_loss"]
    table = table_of(study, runs)
    by_cell = runs.groupby(["hidden_size", "activation"], sort=False)
    chosen = by_cell["validation_loss"].mean().to_numpy().argmin()
    # It is neither the one with the lowest training loss nor that with the best held-out accuracy.
    assert chosen != by_cell["train_loss"].mean().to_numpy().argmin()
    assert chosen != by_cell["heldout_accuracy"].mean().to_numpy().argmax()
    measured = ("Training loss", "Validation loss", "Held-out accuracy")
    for heading in measured:
        assert np.flatnonzero(column(table, heading).marked).tolist() == [chosen]
    others = [each for each in table.columns if not each.heading.startswith(measured)]
    assert not any(any(each.marked) for each in others)
    assert to_latex(table).count(r"\mathbf") == 3 and to_markdown(table).count("**") == 6
    assert "Bold: the cell with the lowest mean validation loss." in table.caption


def test_a_cell_with_a_diverged_run_is_chosen_after_all_others():
    study, runs = made_up(VARY)
    own = runs["activation"] == "elu"
    runs.loc[own, "validation_loss"] = 0.01
    runs.loc[runs.index[own][[0, 20]], ["diverged_at", "validation_loss"]] = 5, np.nan
    marked = column(table_of(study, runs), "Validation loss").marked
    assert sum(marked) == 1 and not any(marked[2::3])


def holm_rejects(p_values):
    """Which null hypotheses Holm (1979) rejects at 5%: step by step, until one is not rejected."""
    order, rejected = np.argsort(p_values), np.zeros(len(p_values), bool)
    for step, place in enumerate(order):
        if p_values[place] > 0.05 / (len(p_values) - step):
            break
        rejected[place] = True
    return rejected


@pytest.mark.parametrize("spread", [0.05, 0.2, 0.4])
def test_the_caption_counts_what_scipy_cannot_tell_apart_from_the_chosen(spread):
    study, runs = made_up(VARY, spread=spread)
    runs.loc[[4, 30], "diverged_at"] = 100
    runs.loc[[4, 30], ["train_loss", "validation_loss", "heldout_accuracy"]] = np.nan
    by_cell = {
        cell: own.set_index("seed")["validation_loss"]
        for cell, own in runs.groupby(["hidden_size", "activation"], sort=False)
    }
    whole = {cell: values.mean() for cell, values in by_cell.items() if values.notna().all()}
    chosen = by_cell[min(whole, key=whole.get)]
    differences = [(v - chosen).dropna() for v in by_cell.values() if v is not chosen]
    p_values = np.array(
        [stats.binomtest(int((each > 0).sum()), len(each)).pvalue for each in differences]
    )
    count = int((~holm_rejects(p_values)).sum())
    assert (count == 0) == (spread == 0.05)
    assert (
        f"Of the 5 other cells, {count} are indistinguishable from it by that measure at 5% (sign "
        "tests paired by seed, Holm's correction)."
    ) in table_of(study, runs).caption


def test_a_large_study_shows_its_best_and_says_how_many_are_left_out():
    study, runs = made_up({"hidden_size": list(range(1, 41))}, seeds=3)
    runs.loc[runs["hidden_size"] == 7, "diverged_at"] = 1
    table = table_of(study, runs)
    means = runs[runs["diverged_at"].isna()].groupby("hidden_size")["validation_loss"].mean()
    sizes = [int(each.digits) for each in table.columns[0].cells]
    assert sizes == means.sort_values().index[:MAX_ROWS].tolist()
    note = "Of 40 cells, the 30 with the best validation loss are shown; 10 are left out."
    assert table.note == note
    assert note in to_latex(table) and note in to_markdown(table)
    assert column(table, "Held-out accuracy").marked == [True] + [False] * 29


def test_a_study_of_one_cell_and_single_runs_has_no_interval_and_nothing_bold_to_compare():
    study, runs = made_up({"activation": ["tanh"]}, seeds=1)
    table = table_of(study, runs)
    assert table.columns[0].heading == "Activation"
    assert "Single runs." in table.caption and "bold" not in table.caption
    assert "pm" not in to_latex(table) and "±" not in to_markdown(table)


def test_runs_that_all_diverged_leave_a_dash():
    study, runs = made_up({"optimizer": ["gd", "adam"]})
    runs.loc[runs["optimizer"] == "gd", "diverged_at"] = 5
    table = table_of(study, runs)
    assert column(table, "Training loss").cells[0] == Number()
    assert "0 of 0" not in table.caption and " of 1 by" not in table.caption
    assert r"gradient descent & -- & -- & -- & 20 & 20 \\" in to_latex(table)
    assert re.search(r"\| gradient descent \| +– \| +– \| +– \| +20 \| +20 \|", to_markdown(table))
    runs["diverged_at"] = 5
    assert to_latex(table_of(study, runs)).count("--") == 6


def test_a_family_of_the_users_gets_its_numbers_aligned(monkeypatch):
    monkeypatch.setitem(FAMILIES, "svc", svc_family.FAMILY)
    baseline = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 1.0}
    study, runs = made_up({"c": [0.1, 10.0, 1e-7]}, family=svc_family.FAMILY, baseline=baseline)
    table = table_of(study, runs, svc_family.FAMILY)
    rows = re.findall(r"^\$?(.*?)\$? & ", to_latex(table).partition(r"\midrule")[2], re.M)
    assert rows == ["0.1", r"10\phantom{.0}", r"1 \times 10^{-7}"]
    assert "1 × 10⁻⁷" in to_markdown(table)


# ---- Formats ---------------------------------------------------------------------------------


def uneven():
    """A table whose numbers have different digits, some of them none."""
    study, runs = made_up({"hidden_size": [1, 2, 3, 4, 5, 6]})
    wide = dict(zip(range(1, 7), (1.0, 0.1, 1e-3, 0.0, 30.0, 1.0), strict=True))
    offset = runs["train_loss"] - runs.groupby("hidden_size")["train_loss"].transform("mean")
    runs["train_loss"] = runs["hidden_size"] + offset * runs["hidden_size"].map(wide) * 20
    last = runs["hidden_size"] == 6
    runs.loc[last & (runs["seed"] > 0), "diverged_at"] = 1
    return table_of(study, runs)


def test_latex_numbers_take_the_same_room_around_their_points():
    rows = to_latex(uneven()).partition(r"\midrule")[2].splitlines()[1:7]
    shapes = set()
    for row in rows:
        cell = row.split(" & ")[1].strip("$")
        full = re.sub(r"\\(?:phantom|mathbf)\{((?:\{\}|[^{}])*)\}", r"\1", cell)
        mean, doubt = full.replace("{}", "").split(r" \pm ")
        fraction = mean.partition(".")[2]
        shapes.add((len(fraction), tuple(map(len, doubt.partition(".")))))
    assert len(shapes) == 1 and next(iter(shapes))[0] > 3


def test_markdown_numbers_stand_below_one_another():
    lines = to_markdown(uneven()).splitlines()[2:]
    assert len({len(line) for line in lines}) == 1
    cells = [line.split("|")[2].replace("*", "") for line in lines[2:]]
    ends = {len(cell.rstrip(" ")) - cell.index(".") for cell in cells if "." in cell}
    assert len(ends) == 1
    assert len({len(cell) - cell.index("±") for cell in cells if "±" in cell}) == 1


def test_same_runs_same_bytes():
    one, two = uneven(), uneven()
    assert to_latex(one) == to_latex(two) and to_markdown(one) == to_markdown(two)


def hostile():
    """A study of a family whose every word is hostile."""
    names = [in_one_line(name) for name in HOSTILE_NAMES if name.strip()]
    measures = tuple(
        replace(measure, label=f"{label} {measure.name}", unit=unit)
        for measure, label, unit in zip(
            svc_family.FAMILY.measures,
            (r"M_1 & 5% $\a", "<v>", "| h *b*"),
            ("{", "%", "#^~"),
            strict=True,
        )
    )
    kernel, c = svc_family.FAMILY.axes
    kernel = replace(kernel, label=r"K_\e|r $n", choices=tuple(names))
    ranked = tuple(measure.name for measure in measures)
    family = replace(
        svc_family.FAMILY, axes=(kernel, c), measures=measures, ranked_by=ranked, title="<T>"
    )
    baseline = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 1.0}
    study, runs = made_up({"kernel": names}, 2, family, baseline)
    study["question"] = r"Costs it $5 or \$6, 50% of {a} #1 & a_b^c~d | <e> *f*"
    table = study_table(family, runs, study)
    return [replace_rows(table, names, start) for start in range(0, len(names), MAX_ROWS)]


def replace_rows(table, names, start):
    """The table with other names as its first column: there are more than a page has rows."""
    first = table.columns[0]
    rows = [names[(start + row) % len(names)] for row in range(MAX_ROWS)]
    return table._replace(columns=[first._replace(cells=rows), *table.columns[1:]])


def without_escapes(text):
    return re.sub(r"\\[\\{}_%&#$]", lambda found: "\n" if found[0] == r"\\" else "x", text)


def test_latex_is_balanced_and_every_row_has_all_its_cells():
    for table in (uneven(), *hostile()):
        text = to_latex(table)
        body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
        spec = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1]
        assert len(spec) == len(table.columns)
        depth = 0
        for character in re.sub(r"(?m)^%.*$", "", without_escapes(text)):
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0
        assert depth == 0
        rows = [row for row in without_escapes(body).split("\n") if "&" in row]
        assert len(rows) == 1 + len(table.columns[0].cells)
        assert {row.count("&") for row in rows} == {len(spec) - 1}
        assert all(row.count("$") % 2 == 0 for row in rows)
        environments = re.findall(r"\\(begin|end)\{(\w+)\}", text)
        assert environments == [
            *(("begin", "table"), ("begin", "tabular")),
            *(("end", "tabular"), ("end", "table")),
        ]


def test_markdown_is_one_table_that_shows_every_name():
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for table in (uneven(), *hostile()):
        page = parser.render(to_markdown(table))
        assert page.count("<table>") == 1
        rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
        assert len(rows) == 1 + len(table.columns[0].cells)
        assert {len(re.findall(r"<t[hd]\b", row)) for row in rows} == {len(table.columns)}
        assert not re.search(r"<(script|a|em|code|del|img|b|h\d|li|pre|hr)\b", page)
        if isinstance(table.columns[0].cells[0], str):
            shown = [re.search("<td[^>]*>(.*?)</td>", row, re.S)[1] for row in rows[1:]]
            for entity, mark in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
                shown = [text.replace(entity, mark) for text in shown]
            assert shown == table.columns[0].cells


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_latex_compiles(tmp_path, engine):
    need_file(
        shutil.which(engine) or engine,
        f"no {engine}; on Debian: apt install texlive-latex-recommended lmodern",
    )
    tables = [to_latex(table) for table in (uneven(), *hostile())]
    packages = {
        each for text in tables for each in re.findall(r"% Needs (\\usepackage.*?)\.", text)
    }
    assert packages == {r"\usepackage{booktabs}"}
    text = (
        f"{LATEX_HEAD}{''.join(packages)}\\begin{{document}}\n{''.join(tables)}\\end{{document}}\n"
    )
    if engine == "pdflatex":
        text = re.sub("[λ→∞≤花瓣\U0001f600]", "x", text)
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-800:].decode(errors="replace")
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000


def test_latex_says_what_letters_beyond_ascii_need():
    plain, *strange = uneven(), *hostile()
    assert "fontenc" not in to_latex(plain)
    assert any(r"% Its letters beyond ASCII need \usepackage[T1]{fontenc}" in to_latex(each)
               for each in strange)  # fmt: skip


def test_settings_that_vary_are_columns_and_one_that_a_cell_lacks_is_a_dash():
    rate, share = "optimizer.learning_rate", "optimizer.momentum"
    study = {
        "name": "rates",
        "question": "Which?",
        "vary": {"optimizer": ["gd", "momentum"], rate: [0.1, 1e-5], share: [0.5, 0.9]},
    }
    runs = pd.concat(
        [
            made_up({"optimizer": [name]})[1].assign(**{rate: at, share: part})
            for name, parts in (("momentum", (0.9, 0.5)), ("gd", (np.nan,)))
            for at in (1e-5, 0.1)
            for part in parts
        ],
        ignore_index=True,
    )
    table = table_of(study, runs)
    headings = [column.heading for column in table.columns[:3]]
    assert headings == ["Optimizer", "Learning rate", "Momentum"]
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")][2:]
    cells = [[part.strip() for part in line.split("|")[1:4]] for line in lines]
    first = [(row[0], row[1].replace("\u2007", "").strip()) for row in cells]
    assert [name for name, _ in first] == ["gradient descent"] * 2 + ["momentum"] * 4
    assert "0.1" in first[0][1] and "–" in cells[0][2] + cells[1][2]
    assert "Of the 5 other cells, " in table.caption
