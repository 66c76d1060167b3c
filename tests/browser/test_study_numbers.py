"""Numbers on the page of the studies: responses, maps and samples, in a real Chromium."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from copied_tables import copy_as, markdown_cells
from opened_study import box, choose, open_at, rows, section, settle
from scipy import stats
from small_study import small_cell
from study_results import StudyResults, block

from restudy.analysis.summaries import rows_of
from restudy.plan.figures import IMPORTANCE

RATE, PENALTY = "optimizer.learning_rate", "protocol.l2"
CONFIG = {
    "datasets": {"moons": {"kind": "moons", "points": 40, "heldout_points": 40}},
    "dense": {
        "baseline": small_cell("moons", "short"),
        "protocols": {
            "short": {
                "arithmetic": "corrected",
                "passes": 60,
                "replicates": 3,
                "record_interval": 20,
                "snapshots": 3,
            }
        },
        "optimizers": {
            "gd": {"kind": "gradient_descent", "learning_rate": 0.01},
            "momentum": {"kind": "momentum", "learning_rate": 0.01},
        },
        "studies": {
            "grid": {
                "question": "Which rate and penalty?",
                "vary": {
                    RATE: {"from": 0.001, "to": 10.0, "count": 5, "scale": "log"},
                    PENALTY: [0.0, 0.01, 0.1],
                },
            },
            "conditions": {
                "question": "Does momentum help?",
                "vary": {
                    "optimizer": ["gd", "momentum"],
                    "optimizer.momentum": {
                        "values": [0.3, 0.6, 0.9],
                        "only_if": {"optimizer": "momentum"},
                    },
                },
            },
            "sample": {
                "question": "What matters?",
                "sample": {"size": 16},
                "vary": {
                    RATE: {"from": 0.001, "to": 1.0, "scale": "log"},
                    "hidden_size": {"from": 2, "to": 16},
                    PENALTY: {"from": 0.0, "to": 0.1},
                },
            },
            "few": {
                "question": "And of a few cells?",
                "sample": {"size": 4},
                "vary": {
                    RATE: {"from": 0.001, "to": 1.0, "scale": "log"},
                    "hidden_size": {"from": 2, "to": 16},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return StudyResults(CONFIG)


@pytest.fixture(scope="module")
def path(results, tmp_path_factory) -> Path:
    return results.write(tmp_path_factory.mktemp("numbers"))


@pytest.fixture
def study(page, path):
    return open_at(page, path)


def responses(page):
    settle(page)
    return page.locator(".plot-figure.response svg")


def marks(svg, kind: str) -> list[tuple[float, float]]:
    """Places of a picture's marks, in pixels."""
    return svg.locator(f".plot-{kind} circle").evaluate_all(
        "all => all.map((e) => [Number(e.getAttribute('cx')), Number(e.getAttribute('cy'))])"
    )


def test_a_number_is_drawn_as_a_number_and_on_the_scale_of_its_range(study):
    rate, penalty = responses(study).all()
    across = [x for x, _ in marks(rate, "dot")]
    assert len(across) == 5
    np.testing.assert_allclose(np.diff(across), np.diff(across)[0], rtol=1e-3)
    across = [x for x, _ in marks(penalty, "dot")]
    assert len(across) == 3
    assert (across[1] - across[0]) / (across[2] - across[0]) == pytest.approx(0.1, abs=1e-3)
    assert "against learning rate: 0.001 " in rate.get_attribute("aria-label")


def test_means_of_a_response_are_those_of_the_runs(study, results):
    runs = results.tables["dense"]["runs"]
    own = rows_of(runs, results.studies["dense"]["grid"]["cells"])
    rates = own["optimizer"].map(lambda text: results.varied["dense"]["optimizer"][text][RATE])
    (rate, _) = responses(study).all()
    titles = rate.locator(".plot-dot title").all_text_contents()
    for title, (value, group) in zip(titles, own.groupby(rates), strict=True):
        mean = group.groupby("seed")["heldout_loss"].mean().mean()
        assert title.startswith(f"Learning rate {value:g}: ")
        assert number_in(title) == pytest.approx(mean, rel=1e-3)


def number_in(title: str) -> float:
    return float(title.partition(": ")[2].partition(" ")[0])


def test_two_numbers_make_a_map_with_the_chosen_in_a_frame(study, path):
    choose(study, "Axes", "L2 penalty along learning rate")
    fields = study.locator(".plot-figure.map .plot-cell rect")
    assert fields.count() == 15 + 2
    titles = study.locator(".plot-figure.map .plot-cell title").all_text_contents()
    data = block(path.read_text(encoding="utf-8"), "study")["families"][0]["studies"][0]

    def means(measure):
        (pair,) = data["effects"][measure]["pairs"]
        return pair["mean"].tolist()

    note = study.locator("p", has_text="Frame: ").inner_text()
    assert note.endswith(", the cell with the lowest mean validation loss.")
    place = int(np.argmin(means("validation_loss")))
    shown = number_in(note.removeprefix("Frame: "))
    assert shown in map(number_in, titles)
    assert shown == pytest.approx(means("heldout_loss")[place], rel=1e-3)


def test_what_lacks_a_setting_has_no_place_on_its_axis(study):
    box(study, "Study").select_option("dense/conditions")
    (momentum,) = responses(study).all()
    assert len(marks(momentum, "dot")) == 3
    found = [row[1] for row in rows(study)]
    assert found == ["none", "0.3", "0.6", "0.9"]
    assert "2 combinations of values are no cell" in study.locator(".summary").inner_text()
    # Nothing is said of a setting that is not there.
    assert "momentum none" not in study.locator(".summary").inner_text()


def test_a_sample_is_points_and_a_curve_and_its_values_are_a_range(study, results):
    box(study, "Study").select_option("dense/sample")
    rate, units, _ = responses(study).all()
    cells = results.studies["dense"]["sample"]["cells"]
    assert len(marks(rate, "dot")) == 16
    assert len(marks(units, "dot")) == len({cell["hidden_size"] for cell in cells})
    assert rate.locator(".plot-line path").count() == 1
    facts = study.locator(".summary .facts").inner_text()
    assert "16 values, from" in facts
    # Nothing can be averaged over values that hardly two cells share.
    assert study.get_by_role("combobox", name="Lines", exact=True).count() == 0


def test_shares_of_a_sample_are_those_that_were_computed_with_their_intervals(study, path):
    box(study, "Study").select_option("dense/sample")
    data = block(path.read_text(encoding="utf-8"), "study")["families"][0]["studies"][2]
    for measure, label in (
        ("heldout_loss", "Held-out loss"),
        ("train_loss", "Training loss"),
    ):
        choose(study, "Measure", label)
        found = data["effects"][measure]["importance"]
        expected = [[each["share"], each["low"], each["high"]] for each in found["shares"]]
        *shown, (together, share, *ends) = rows(study, "effects")
        names = [name for name, *_ in shown]
        assert sorted(names[:3]) == ["Hidden units", "L2 penalty", "Learning rate"]
        assert all(" × " in name for name in names[3:]) and len(names) == 6
        assert together == "Three axes or more together" and ends == ["–", "–"]
        texts = [[f"{100 * value:.1f}%" for value in row] for row in expected[:-1]]
        assert [row[1:] for row in shown] == texts and share == f"{100 * expected[-1][0]:.1f}%"
        assert sum(share for share, *_ in expected) == pytest.approx(1)
        text = section(study, "effects").inner_text()
        assert f"Share of the variance of {label[0].lower()}{label[1:]} between cells" in text
        assert f"{IMPORTANCE.shows} {IMPORTANCE.made} The forest's R² is " in text
        assert "Eta squared" not in text and "The cells are a sample" not in text


def test_shares_of_a_sample_are_copied_in_the_order_shown(study, path):
    box(study, "Study").select_option("dense/sample")
    settle(study)
    data = block(path.read_text(encoding="utf-8"), "study")["families"][0]["studies"][2]
    found = data["effects"]["heldout_loss"]["importance"]["shares"]
    head = section(study, "effects").get_by_role("button", name="Share")
    head.click()
    head.click()
    shown = rows(study, "effects")
    what = "the shares of the variance between cells"
    names, *lines = csv.reader(io.StringIO(copy_as(study, "CSV", what)))
    assert names == ["source", "share", "share_low", "share_high"]
    assert [line[0] for line in lines] == [row[0] for row in shown]
    falling = sorted(found, key=lambda each: -each["share"])
    for line, each in zip(lines, falling, strict=True):
        ends = ["" if each[end] is None else each[end] for end in ("low", "high")]
        assert float(line[1]) == each["share"]
        assert [end and float(end) for end in line[2:]] == ends
    table = markdown_cells(copy_as(study, "Markdown", what))
    assert table == [["Source", "Share", "95% from", "to"], *shown]
    assert r"95\% from & to \\" in copy_as(study, "LaTeX", what)


def test_too_few_cells_and_a_grid_say_what_they_have(study):
    box(study, "Study").select_option("dense/few")
    settle(study)
    text = section(study, "effects").inner_text()
    assert "a sample: shares are estimated of at least 16 cells" in text
    assert not rows(study, "effects")
    box(study, "Study").select_option("dense/grid")
    settle(study)
    text = section(study, "effects").inner_text()
    assert "Eta squared" in text and "between cells" not in text


def comparison(page) -> dict[str, list[str]]:
    """Cells of the table that compares two cells, by the measure of their row."""
    settle(page)
    found = page.locator(".comparison tbody tr").evaluate_all(
        "all => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
    )
    return {first: rest for first, *rest in found}


def test_any_two_cells_are_compared_seed_by_seed(study, results):
    choose(study, "First cell", "learning rate 0.001, L2 penalty 0")
    choose(study, "Second cell", "learning rate 1, L2 penalty 0.1")
    runs = results.tables["dense"]["runs"]
    texts = (("gd+learning_rate=0.001", "short+l2=0"), ("gd+learning_rate=1", "short+l2=0.1"))
    one, two = (
        runs[(runs["optimizer"] == optimizer) & (runs["protocol"] == protocol)]
        .set_index("seed")["heldout_loss"]
        .sort_index()
        for optimizer, protocol in texts
    )
    test = stats.ttest_rel(two, one)
    low, high = test.confidence_interval()
    first, second, effect, from_, to, p, signs = comparison(study)["Held-out loss"]
    expected = [one.mean(), two.mean(), (two - one).mean(), low, high]
    shown = [float(text.replace("−", "-")) for text in (first, second, effect, from_, to)]
    assert shown == pytest.approx(expected, rel=1e-3)
    assert float(p) == pytest.approx(test.pvalue, abs=6e-4)
    assert signs.split(" ") == ["+" if each > 0 else "−" for each in two - one]
    assert "Over 3 pairs" in study.locator("section", has=study.locator("h2#compare")).inner_text()


def test_a_comparison_is_copied_as_it_is_shown(study, results):
    choose(study, "First cell", "learning rate 0.001, L2 penalty 0")
    choose(study, "Second cell", "learning rate 1, L2 penalty 0.1")
    shown = [[name, *rest] for name, rest in comparison(study).items()]
    head, *table = markdown_cells(copy_as(study, "Markdown", "the comparison"))
    assert head == ["Measure", "First", "Second", "Effect", "95% from", "to", "p", "Signs"]
    assert table == shown
    names, *lines = csv.reader(io.StringIO(copy_as(study, "CSV", "the comparison")))
    assert names[:4] == ["measure", "first_mean", "second_mean", "effect"]
    assert [line[0] for line in lines[:2]] == ["train_loss", "train_accuracy"]
    for line, row in zip(lines, shown, strict=True):
        for value, text in zip(line[1:6], row[1:6], strict=True):
            if text != "–":
                last = 10.0 ** -len(text.partition(".")[2])
                number = float(text.replace("−", "-"))
                assert float(value) == pytest.approx(number, abs=0.51 * last)
        signs = [{1: "+", 0: "0", -1: "−"}[int(sign)] for sign in line[-1].split()]
        assert " ".join(signs) == row[-1]


def test_a_cell_is_equal_to_itself_and_the_choice_is_in_the_address(study):
    choose(study, "First cell", "learning rate 1, L2 penalty 0")
    choose(study, "Second cell", "learning rate 1, L2 penalty 0")
    rows = comparison(study)
    assert {tuple(row[2:]) for row in rows.values()} == {("0", "–", "–", "–", "0 0 0")}
    section = study.locator("section", has=study.locator("h2#compare"))
    assert "Both are the same cell." in section.inner_text()
    study.wait_for_function("location.hash.includes('one=')")


def test_colour_follows_the_number_and_a_legend_has_their_scale(study):
    box(study, "Study").select_option("dense/sample")
    settle(study)
    curves = study.locator("section", has=study.locator("h2#curves"))
    legend = curves.locator(".legend").first
    assert legend.locator("strong").inner_text() == "Learning rate"
    named = [float(text) for text in legend.locator(".ends > span").all_inner_texts()]
    assert len(named) == 3 and named == sorted(named)
    assert curves.locator(".plot-line path").count() == 16
    choose(study, "Measure", "Training loss")
    dashes = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke-dasharray') ?? '')"
    assert set(curves.locator(".plot-line path").evaluate_all(dashes)) == {""}


@pytest.mark.parametrize("name", CONFIG["dense"]["studies"])
def test_nothing_sticks_out_on_a_phone(study, check_accessibility, name):
    study.set_viewport_size({"width": 400, "height": 800})
    box(study, "Study").select_option(f"dense/{name}")
    settle(study)
    assert study.evaluate("document.documentElement.scrollWidth") <= 400
    check_accessibility(study)
    # Tables of shares have no need to be moved sideways.
    sticking_out = "all => all.filter((e) => e.scrollWidth > e.clientWidth).length"
    assert section(study, "effects").locator(".table-scroll").evaluate_all(sticking_out) == 0
    study.emulate_media(color_scheme="dark")
    settle(study)
    check_accessibility(study, colors_alone=True)
