"""The page of the studies in a real Chromium: every control has its effect, nothing is fetched."""

import base64
import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from copied_tables import copy_as, markdown_cells
from opened_study import box, choose, open_at, rows, section, settle
from PIL import Image
from small_study import small_cell
from study_results import StudyResults, block, support_vector_page

from restudy.analysis.summaries import rows_of
from restudy.analysis.typical import typical_seed
from restudy.families import components
from restudy.families.registry import FAMILIES
from restudy.views.palette import LINE_STYLES
from restudy.views.style import color_of

CONFIG = {
    "datasets": {
        "moons": {"kind": "moons", "points": 60, "heldout_points": 80},
        "blobs": {"kind": "blobs", "classes": 3, "points": 60, "heldout_points": 60},
        "iris": {"kind": "iris"},
    },
    "dense": {
        "baseline": small_cell("moons", "corrected"),
        "protocols": {
            "published": {"arithmetic": "published", "passes": 400, "replicates": 3},
            "corrected": {"arithmetic": "corrected", "passes": 400, "replicates": 3},
            "alone": {"arithmetic": "corrected", "passes": 100, "replicates": 1},
        },
        "optimizers": {
            "gd": {"kind": "gradient_descent", "learning_rate": 0.01},
            "wild": {"kind": "gradient_descent", "learning_rate": 1.0e6},
        },
        "studies": {
            "activations": {
                "question": "Which activation function reaches the lowest loss?",
                "vary": {
                    "protocol": ["published", "corrected"],
                    "activation": ["tanh", "relu"],
                },
            },
            "data_sets": {
                "question": "How is it on other data?",
                "vary": {"dataset": ["blobs", "iris"]},
            },
            "optimizers": {
                "question": "Which optimizer diverges?",
                "vary": {"optimizer": ["gd", "wild"]},
            },
            "single": {
                "question": "What does a single seed say?",
                "fix": {"protocol": "alone"},
                "vary": {"activation": ["tanh", "maxout"]},
            },
        },
    },
}
for protocol in CONFIG["dense"]["protocols"].values():
    protocol |= {"record_interval": 20, "snapshots": 8}


@pytest.fixture(scope="module")
def results() -> StudyResults:
    return StudyResults(CONFIG)


@pytest.fixture(scope="module")
def path(results, tmp_path_factory) -> Path:
    return results.write(tmp_path_factory.mktemp("study"))


@pytest.fixture
def study(page, path):
    """The page, opened from disk."""
    return open_at(page, path)


def picture(page, side: int = 0) -> tuple[str, str]:
    """Pixels and outline of a boundary, as text."""
    settle(page)
    plane = page.locator(".side").nth(side).locator(".plane")
    outlines = plane.locator(".border").evaluate_all("all => all.map((e) => e.getAttribute('d'))")
    return plane.locator("canvas").evaluate("c => c.toDataURL()"), " ".join(outlines)


def curves(page):
    settle(page)
    section = page.locator("section", has=page.locator("h2#curves"))
    return section.locator(".plot-figure svg")


def lines(page) -> list[str]:
    """Colours of the lines that are drawn as curves."""
    strokes = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke'))"
    return curves(page).locator(".plot-line path").evaluate_all(strokes)


def bands(page) -> int:
    return curves(page).locator(".plot-area path").count()


def state_of(page) -> str:
    """The fragment of the address, once it has settled."""
    seen, now = None, page.evaluate("location.hash")
    while seen != now:
        page.wait_for_timeout(400)
        seen, now = now, page.evaluate("location.hash")
    return now


@pytest.mark.parametrize("name", CONFIG["dense"]["studies"])
def test_every_study_shows_its_question_cells_and_answer(study, results, name):
    wanted = CONFIG["dense"]["studies"][name]
    label = name.replace("_", " ").capitalize()
    box(study, "Study").select_option(label=label)
    assert study.locator("h2#question").inner_text() == wanted["question"]
    shown = study.locator(".summary").inner_text()
    sentences = results.findings["families"]["dense"]["studies"][name]["outcome"]
    assert sentences
    for sentence in sentences:
        assert sentence in shown
    cells = results.studies["dense"][name]["cells"]
    assert f"{len(cells)} cells" in shown
    assert len(rows(study)) == len(cells)
    pressed = study.locator(".cards button[aria-pressed=true]")
    assert wanted["question"] in pressed.inner_text()


def test_cards_choose_a_study_too(study):
    study.locator(".cards button", has_text="Optimizers").click()
    assert study.locator("h2#question").inner_text() == "Which optimizer diverges?"
    assert "diverged and count in no mean" in study.locator(".summary").inner_text()


def test_one_colour_per_value_through_everything(study):
    tanh, relu = (color_of("activation", name).lower() for name in ("tanh", "relu"))
    assert sorted(lines(study)) == sorted([tanh, relu] * 2)
    strokes = {
        path.get_attribute("stroke")
        for path in study.locator(".parallel-coordinates .lines path").all()
    }
    assert strokes == {tanh, relu}
    for part in ("curves", "effects"):
        sample = section(study, part).locator(".legend > span", has_text="tanh").locator("line")
        assert sample.get_attribute("stroke") == tanh
    # Squares stand beside the values that are coloured, and nowhere else.
    expected = ", ".join(str(int(tanh[i : i + 2], 16)) for i in (1, 3, 5))
    for row in section(study, "cells").locator("tbody tr").all():
        protocol, activation = row.locator("td").all()[:2]
        assert protocol.locator(".swatch").count() == 0
        color = activation.locator(".swatch").evaluate("e => getComputedStyle(e).backgroundColor")
        assert (color == f"rgb({expected})") == (activation.inner_text() == "tanh")
    assert study.locator(".summary .swatch").count() == 0


def test_held_out_lines_are_dashed_as_in_the_figures(study):
    _, lengths = LINE_STYLES[1]
    dashed = " ".join(f"{2 * length:g}" for length in lengths)

    def dashes() -> set:
        found = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke-dasharray'))"
        return set(curves(study).locator(".plot-line path").evaluate_all(found))

    choose(study, "Measure", "Held-out loss")
    assert dashes() == {dashed}
    legend = section(study, "curves").locator(".legend", has_text="Line")
    assert legend.locator("line").get_attribute("stroke-dasharray") == dashed
    choose(study, "Measure", "Training loss")
    assert dashes() <= {None, ""}
    machine = study.locator(".side").first.locator(".plot-line")
    found = machine.evaluate_all("all => all.map((e) => e.getAttribute('stroke-dasharray') ?? '')")
    assert found == ["", dashed]


def test_the_other_axis_has_panels_and_no_dashes(study):
    panels = curves(study).locator(".plot-text text")
    assert panels.all_text_contents() == ["published arithmetic", "corrected arithmetic"]
    left, right = (panel.bounding_box() for panel in panels.all())
    assert right["x"] - left["x"] > 300 and abs(left["y"] - right["y"]) < 1
    study.set_viewport_size({"width": 400, "height": 800})
    settle(study)
    left, right = (panel.bounding_box() for panel in panels.all())
    assert right["y"] - left["y"] > 150 and abs(left["x"] - right["x"]) < 1


def test_no_line_shows_between_the_letters_of_a_label(study):
    study.locator(".parallel-coordinates").scroll_into_view_if_needed()
    colours = [
        [int(color_of("activation", name)[i : i + 2], 16) for i in (1, 3, 5)]
        for name in ("tanh", "relu")
    ]
    for tick in study.locator(".parallel-coordinates g.axis").nth(1).locator("tspan").all()[-2:]:
        box = tick.bounding_box()
        clip = {key: box[key] for key in ("x", "y", "width", "height")}
        shot = np.asarray(Image.open(io.BytesIO(study.screenshot(clip=clip))).convert("RGB"), int)
        inner = shot[3:-3, 1:-1]
        for colour in colours:
            assert (np.abs(inner - colour).sum(axis=2) < 90).sum() == 0
        assert (inner.sum(axis=2) < 300).sum() > 20, "the letters are there"


@pytest.mark.parametrize("width", [400, 1280])
def test_every_part_is_reached_and_the_bar_covers_no_heading(study, width):
    study.set_viewport_size({"width": width, "height": 800})
    settle(study)
    parts = study.get_by_role("navigation", name="Parts of the page")
    for button in parts.get_by_role("button").all():
        button.click()
        settle(study)
        heading = study.get_by_role("heading", name=button.inner_text(), exact=True)
        bar = study.locator(".sticky").bounding_box()
        box = heading.bounding_box()
        assert bar["y"] == 0 and bar["height"] < 130
        assert box["y"] >= bar["height"] - 1 and box["y"] < 800
    time = study.locator(".time").bounding_box()
    assert time["y"] >= bar["height"] - 1
    output = study.locator(".time output").bounding_box()
    assert output["x"] + output["width"] <= time["x"] + time["width"]
    if width == 400:
        shown = parts.evaluate("nav => nav.scrollWidth <= nav.clientWidth || nav.dataset.more")
        assert shown


def test_values_stand_in_the_order_of_the_configuration(study):
    names = study.locator(".parallel-coordinates g.axis").all()
    for axis, expected in zip(
        names[:2], (["published", "corrected"], ["tanh", "ReLU"]), strict=True
    ):
        ticks = axis.locator(".tick > text > tspan:first-of-type")
        heights = [tick.bounding_box()["y"] for tick in ticks.all()]
        words = [text.strip() for text in ticks.all_text_contents()]
        assert words == expected and heights == sorted(heights)


def test_controls_of_the_curves(study):
    assert len(lines(study)) == 4 and bands(study) == 4
    study.get_by_label("95% bands").uncheck()
    assert bands(study) == 0 and len(lines(study)) == 4
    before = curves(study).inner_html()
    study.get_by_label("Log time").check()
    logarithmic = curves(study).inner_html()
    assert logarithmic != before
    study.get_by_label("Log measure").check()
    assert curves(study).inner_html() != logarithmic
    choose(study, "Lines", "mean by activation")
    assert len(lines(study)) == 2
    choose(study, "Lines", "each cell")
    choose(study, "Colour", "protocol")
    assert set(lines(study)) == {
        color_of("protocol", name).lower() for name in ("published", "corrected")
    }
    choose(study, "Measure", "Held-out accuracy")
    assert "Held-out accuracy over training" in curves(study).get_attribute("aria-label")


def test_curves_draw_the_means_of_the_table(study, results):
    choose(study, "Measure", "Training loss")
    svg = curves(study)
    ticks = svg.locator(".plot-y-axis-tick-label text")
    labels = [float(text.replace("−", "-")) for text in ticks.all_text_contents()]
    heights = [
        float(re.search(r",([\d.]+)\)", one.get_attribute("transform"))[1]) for one in ticks.all()
    ]
    per_pixel = (labels[1] - labels[0]) / (heights[1] - heights[0])
    history = results.tables["dense"]["history"]
    for place, line in enumerate(svg.locator(".plot-line path").all()):
        cell = results.studies["dense"]["activations"]["cells"][place]
        own = history[np.logical_and.reduce([history[axis] == cell[axis] for axis in cell])]
        last = own[own["pass"] == 400]["train_loss"].mean()
        end = float(line.get_attribute("d").rsplit(",", 1)[1])
        offset = heights[0] - 0.5
        assert labels[0] + (end - offset) * per_pixel == pytest.approx(last, abs=2 * abs(per_pixel))


def test_effects_state_means_and_interaction_follows_its_choice(study, results):
    choose(study, "Measure", "Training loss")
    effects = section(study, "effects")
    runs = results.tables["dense"]["runs"]
    cells = results.studies["dense"]["activations"]["cells"]
    own = runs.merge(pd.DataFrame([cell.row for cell in cells]))
    label = effects.locator("figure", has_text="Activation").locator("svg").first
    words = label.get_attribute("aria-label")
    for activation, name in (("tanh", "tanh"), ("relu", "ReLU")):
        mean = own[own["activation"] == activation]["train_loss"].mean()
        assert float(re.search(rf"{name} ([\d.]+)", words)[1]) == pytest.approx(mean, rel=1e-3)
    before = effects.locator(".legends").inner_text()
    choose(study, "Axes", "protocol along activation")
    assert effects.locator(".legends").inner_text() != before
    assert "published arithmetic" in effects.locator(".legends").inner_text()


def test_shares_of_the_variance_are_sorted_and_copied(study, results, path):
    data = block(path.read_text(encoding="utf-8"), "study")
    shares = data["families"][0]["studies"][0]["effects"]["heldout_loss"]["variance"]
    shown = rows(study, "effects")
    names = ["Protocol", "Activation", "Protocol × Activation", "Seeds within cells"]
    assert sorted(name for name, _ in shown) == sorted(names)
    assert [text for _, text in shown] == [f"{100 * each['share']:.1f}%" for each in shares]
    section(study, "effects").get_by_role("button", name="Share", exact=True).click()
    rising = rows(study, "effects")
    assert rising == sorted(rising, key=lambda row: float(row[1].rstrip("%")))
    what = "the shares of the variance"
    head, *lines = csv.reader(io.StringIO(copy_as(study, "CSV", what)))
    assert head == ["source", "share"] and [line[0] for line in lines] == [row[0] for row in rising]
    assert [float(line[1]) for line in lines] == sorted(each["share"] for each in shares)
    assert markdown_cells(copy_as(study, "Markdown", what)) == [["Source", "Share"], *rising]
    latex = copy_as(study, "LaTeX", what)
    assert r"\begin{tabular}{lr}" in latex
    assert " & ".join(rising[0]).replace("%", r"\%") + r" \\" in latex


def test_dragging_along_an_axis_filters_table_and_curves(study):
    axis = study.locator("[data-axis=activation] .overlay")
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    x = box["x"] + box["width"] / 2
    study.mouse.move(x, box["y"] + 4)
    study.mouse.down()
    study.mouse.move(x, box["y"] + box["height"] / 2, steps=5)
    study.mouse.up()
    kept = {row[1] for row in rows(study)}
    assert len(rows(study)) == 2 and len(kept) == 1
    assert len(lines(study)) == 2 and len(set(lines(study))) == 1
    study.get_by_role("button", name="Clear all brushes").click()
    assert len(rows(study)) == 4 and len(lines(study)) == 4


def test_all_cells_of_all_studies_stand_side_by_side(study, results):
    choose(study, "Cells", f"of all studies ({len(results.cells)})")
    drawn = study.locator(".parallel-coordinates .lines path")
    assert drawn.count() == len(results.cells) == len(rows(study))
    names = study.locator(".parallel-coordinates .tick tspan").all_text_contents()
    assert "published" in names and not any("…" in name for name in names)
    study.get_by_text("Measures shown").click()
    axes = study.locator(".parallel-coordinates g.axis").count()
    study.locator(".choice").get_by_label("Gradient norm").check()
    assert study.locator(".parallel-coordinates g.axis").count() == axes + 1


def test_table_sorts_filters_and_downloads_what_it_shows(study):
    study.get_by_role("button", name="Held-out loss").click()
    values = [float(row[2]) for row in rows(study)]
    assert values == sorted(values)
    study.get_by_role("button", name="Held-out loss").click()
    assert [float(row[2]) for row in rows(study)] == values[::-1]
    study.get_by_label("Filter").fill("corrected")
    shown = rows(study)
    assert len(shown) == 2
    with study.expect_download() as download:
        group = study.get_by_role("group", name="Download the table", exact=True)
        group.get_by_role("button", name="Download as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    head, *lines = csv.reader(io.StringIO(text))
    assert download.value.suggested_filename == "activations_cells.csv"
    assert head[:4] == ["protocol", "activation", "heldout_loss", "heldout_loss_sd"]
    assert len(lines) == len(shown)
    for line, row in zip(lines, shown, strict=True):
        for value, seen in zip(line, row, strict=True):
            if value == seen or not value:
                continue
            last = 10.0 ** -len(seen.partition(".")[2])
            assert float(value) == pytest.approx(float(seen.replace("−", "-")), abs=0.51 * last)


def test_table_is_copied_as_it_is_shown(study):
    study.get_by_role("button", name="Held-out loss").click()
    study.get_by_label("Filter").fill("corrected")
    shown = rows(study)
    assert len(shown) == 2
    texts = {form: copy_as(study, form) for form in ("LaTeX", "Markdown", "CSV")}
    head, *lines = csv.reader(io.StringIO(texts["CSV"]))
    assert head[:4] == ["protocol", "activation", "heldout_loss", "heldout_loss_sd"]
    assert [line[:2] for line in lines] == [row[:2] for row in shown]
    for line, row in zip(lines, shown, strict=True):
        assert float(line[2]) == pytest.approx(float(row[2]), rel=1e-3)
        assert len(line[2]) > len(row[2])
    assert markdown_cells(texts["Markdown"])[1:] == shown
    heads = section(study, "cells").locator(".data-table th button").all_inner_texts()
    assert markdown_cells(texts["Markdown"])[0] == [head.rstrip(" ▲▼") for head in heads]
    body = texts["LaTeX"].partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    cells = [line.removesuffix(r" \\").split(" & ") for line in body.splitlines()]
    assert [cell[:3] for cell in cells] == [row[:3] for row in shown]
    assert r"\begin{tabular}{ll" + "r" * (len(heads) - 2) + "}" in texts["LaTeX"]


def test_slider_moves_boundary_loss_weights_and_units_together(study, results):
    slider = study.get_by_label("Snapshot", exact=True)
    history = results.tables["dense"]["history"]
    cells = results.studies["dense"]["activations"]["cells"]
    corrected = cells[0].row | {"protocol": "corrected"}
    sides = (cells[0], next(cell for cell in cells if cell.row == corrected))
    # It opens with the seed nearest the median on the left.
    seed = typical_seed(rows_of(results.tables["dense"]["runs"], [cells[0]]), FAMILIES["dense"])
    assert study.get_by_role("combobox", name="Seed").input_value() == str(seed)
    said = study.locator(".side").first.inner_text()
    assert "This seed is the nearest to the median by held-out accuracy, of 3 seeds." in said
    seen = []
    last = int(slider.get_attribute("max"))
    for place in (0, last // 2, last):
        slider.fill(str(place))
        number = int(study.locator(".time strong").inner_text().replace(",", ""))
        settle(study)
        for side, cell in enumerate(sides):
            pixels, border = picture(study, side)
            article = study.locator(".side").nth(side)
            loss = float(article.locator("[data-figure=train_loss]").inner_text())
            own = history[np.logical_and.reduce([history[axis] == cell[axis] for axis in cell])]
            own = own[(own["seed"] == seed) & (own["pass"] == number)]
            if len(own):
                assert loss == pytest.approx(own["train_loss"].item(), rel=2e-4)
                accuracy = article.locator("[data-figure=heldout_accuracy]").inner_text()
                assert float(accuracy) == pytest.approx(own["heldout_accuracy"].item(), rel=1e-3)
            weights = article.locator(".histogram .plot-rect").first.inner_html()
            cursor = article.locator(".plot-rule path, .plot-rule line").first
            seen.append(
                (side, number, pixels, border, loss, weights, cursor.evaluate("e => e.outerHTML"))
            )
    assert {one[1] for one in seen} >= {0, 400}
    for side in (0, 1):
        own = [one for one in seen if one[0] == side]
        pictures, borders, losses, weights, cursors = zip(*(one[2:] for one in own), strict=True)
        for parts in (pictures, borders, losses, cursors):
            assert len(set(parts)) == 3
        # Few weights may fall into the same bins twice.
        assert weights[0] != weights[-1]


def test_dead_units_are_counted_as_training_counted_them(page, path, results):
    open_at(page, path, "#study=dense%2Factivations")
    layers = results.tables["dense"]["layers"]
    relu = results.studies["dense"]["activations"]["cells"][1]
    choose(page, "Left", "published arithmetic, ReLU")
    for seed in (0, 1, 2):
        choose(page, "Seed", str(seed))
        own = layers[np.logical_and.reduce([layers[axis] == relu[axis] for axis in relu])]
        own = own[(own["seed"] == seed) & (own["layer"] == 1)].set_index("pass")
        for place, number in (("0", 0), (str(7), 400)):
            page.get_by_label("Snapshot", exact=True).fill(place)
            settle(page)
            words = page.locator(".side").first.locator(".units .words").inner_text()
            dead, units, share = re.search(r"(\d+) of (\d+) units dead, ([\d.]+)%", words).groups()
            assert int(dead) == round(own.loc[number, "dead_share"] * int(units))
            assert float(share) == pytest.approx(100 * own.loc[number, "saturated_share"], abs=0.06)


def test_cells_and_seed_are_chosen(study):
    first = picture(study)
    choose(study, "Seed", "2")
    assert picture(study) != first
    choose(study, "Seed", "0")
    assert picture(study) == first
    choose(study, "Left", "corrected arithmetic, ReLU")
    assert picture(study) != first
    assert study.locator(".side h3").first.inner_text() == "corrected arithmetic, ReLU"
    choose(study, "Right", "nothing")
    assert study.locator(".side").count() == 1


def test_play_goes_through_training_and_stops_at_the_end(study):
    slider = study.get_by_label("Snapshot", exact=True)
    last = slider.get_attribute("max")
    slider.fill("0")
    study.get_by_role("button", name="Next snapshot").click()
    assert slider.input_value() == "1"
    study.get_by_role("button", name="Previous snapshot").click()
    assert slider.input_value() == "0"
    study.get_by_role("button", name="Play").click()
    study.get_by_role("button", name="Pause").wait_for()
    study.wait_for_function(f"document.querySelector('.time input').value === '{last}'")
    study.get_by_role("button", name="Play").wait_for()


def test_state_stands_in_the_address(page, path):
    study = open_at(page, path)
    choose(study, "Measure", "Held-out accuracy")
    study.get_by_label("Log time").check()
    choose(study, "Lines", "mean by protocol")
    choose(study, "Axes", "protocol along activation")
    study.get_by_role("button", name="Runs", exact=True).click()
    study.get_by_label("Filter").fill("tanh")
    study.get_by_text("Brushes as fields").click()
    study.locator("fieldset", has_text="Protocol").get_by_label("published").uncheck()
    choose(study, "Seed", "1")
    choose(study, "Right", "corrected arithmetic, ReLU")
    study.get_by_label("Snapshot", exact=True).fill("3")
    fragment = state_of(study)

    def shown() -> tuple:
        effects = page.locator("section", has=page.locator("h2#effects")).inner_text()
        return rows(page), picture(page, 1), curves(page).inner_html(), effects

    before = shown()
    open_at(page, path, fragment)
    for _ in range(50):
        if shown() == before:
            break
        page.wait_for_timeout(100)
    assert shown() == before
    assert page.get_by_label("Log time").is_checked()
    assert page.get_by_label("Snapshot", exact=True).input_value() == "3"
    assert state_of(page) == fragment


def test_what_a_foreign_address_says_does_no_harm(page, path):
    open_at(page, path, "#study=conv/none&measure=x&a=y&b=z&seed=99&pass=7.5&brushes=[1]&sort={}")
    assert page.locator(".side").count() == 2


def test_several_classes_have_a_boundary_and_four_features_say_why_not(study):
    choose(study, "Study", "Data sets")
    blobs, iris = study.locator(".side").nth(0), study.locator(".side").nth(1)
    assert blobs.locator(".plane").count() == 1
    assert blobs.locator(".legend span.swatch").count() == 3
    assert blobs.locator(".border").count() == 2
    assert iris.locator(".plane").count() == 0
    assert "4 features" in iris.inner_text()
    assert float(iris.locator("[data-figure=train_loss]").inner_text()) > 0
    assert iris.locator(".histogram").count() == 2


def test_an_activation_without_javascript_is_shown_all_the_same(
    page, path, results, tmp_path, monkeypatch
):
    fragment = "#study=dense%2Factivations&pass=20"
    open_at(page, path, fragment)
    settle(page)
    shown = page.locator(".side").first.inner_text()
    side = page.locator(".side").first
    bare = [replace(kind, javascript="") for kind in components.ACTIVATIONS]
    monkeypatch.setattr(components, "ACTIVATIONS", tuple(bare))
    open_at(page, results.write(tmp_path), fragment)
    settle(page)
    note = "Computed beforehand: this activation has no form for the browser."
    assert page.get_by_text(note).count() == 2
    assert side.inner_text().replace(note, "").split() == shown.split()
    first = picture(page)
    assert first[1].startswith("M")
    page.get_by_label("Snapshot", exact=True).fill("0")
    assert picture(page) != first
    choose(page, "Study", "Data sets")
    assert page.locator(".side").nth(0).locator(".border").count() == 2
    assert "4 features" in page.locator(".side").nth(1).inner_text()


def test_an_activation_whose_javascript_is_another_ones_is_not_shown_under_its_name(
    page, path, results, tmp_path, monkeypatch
):
    fragment = "#study=dense%2Factivations&pass=200"
    open_at(page, path, fragment)
    assert page.get_by_text("Not shown:").count() == 0
    kinds = {kind.name: kind for kind in components.ACTIVATIONS}
    wrong = replace(kinds["tanh"], javascript=kinds["relu"].javascript)
    others = [kind for kind in components.ACTIVATIONS if kind.name != "tanh"]
    monkeypatch.setattr(components, "ACTIVATIONS", (wrong, *others))
    open_at(page, results.write(tmp_path), fragment)
    side = page.locator(".side").first
    assert "tanh" in side.locator("h3").inner_text()
    history = results.tables["dense"]["history"]
    cell = results.studies["dense"]["activations"]["cells"][0]
    own = history[np.logical_and.reduce([history[axis] == cell[axis] for axis in cell])]
    recorded = own[own["seed"] == 0]["train_loss"]
    said = side.locator(".note.warning").inner_text()
    assert "another network than the one that was trained" in said
    assert any(f"{loss:.4g}" in said for loss in recorded)
    assert side.locator("canvas").count() == 0 and side.locator("[data-figure]").count() == 0
    assert side.locator(".histogram").count() == 2 and "Not counted." in side.inner_text()
    choose(page, "Left", "published arithmetic, ReLU")
    assert page.locator(".side").first.locator("canvas").count() == 1


def test_a_family_without_history_says_what_it_lacks(page, tmp_path):
    path = tmp_path / "study.html"
    path.write_text(support_vector_page()[0], encoding="utf-8")
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(path.as_uri())
    page.locator("h2#question").wait_for()
    text = page.locator("main").inner_text()
    assert "Support vector machines" in text and "Higher." in text
    assert "Nothing is recorded during training, so there are no curves" in text
    assert "no family of this configuration keeps any" in text
    assert len(rows(page)) == 6
    effects = page.locator("section", has=page.locator("h2#effects"))
    assert "Main effects on held-out accuracy" in effects.inner_text()
    choose(page, "Measure", "Training accuracy")
    assert "Main effects on training accuracy" in effects.inner_text()
    assert not errors


def test_divergence_and_single_seeds_are_said(study):
    choose(study, "Study", "Optimizers")
    assert "This run diverged after" in study.locator(".side").nth(1).inner_text()
    choose(study, "Study", "Single")
    assert "single seed" in study.locator(".summary").inner_text()
    assert bands(study) == 0 and len(lines(study)) == 2
    assert "pieces dead" in study.locator(".side").nth(1).inner_text()


def test_keyboard_alone_reaches_and_moves_everything(study):
    def focused() -> str:
        return study.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
            " ?? ''"
        )

    def tab_to(wanted: str) -> None:
        for _ in range(120):
            study.keyboard.press("Tab")
            if wanted in focused():
                return
        raise AssertionError(f"the keyboard doesn't reach {wanted}")

    tab_to("Optimizers")
    study.keyboard.press("Enter")
    assert study.locator("h2#question").inner_text() == "Which optimizer diverges?"
    study.keyboard.press("Shift+Tab")
    study.keyboard.press("Shift+Tab")
    study.keyboard.press("Enter")
    tab_to("Time machine")
    study.keyboard.press("Enter")
    assert focused() == "Time machine"
    before = picture(study)
    tab_to("Snapshot")
    study.keyboard.press("Home")
    assert picture(study) != before
    start = study.locator(".time strong").inner_text()
    study.keyboard.press("ArrowRight")
    assert study.locator(".time strong").inner_text() != start
    box(study, "Study").focus()
    tab_to("Brushes as fields")
    study.keyboard.press("Enter")
    study.keyboard.press("Tab")
    study.keyboard.press("Space")
    assert len(rows(study)) == 2 and len(lines(study)) == 2
    tab_to("Held-out loss")
    study.keyboard.press("Enter")
    head = section(study, "cells").locator(".data-table th", has_text="Held-out loss")
    assert head.get_attribute("aria-sort") == "ascending"


def test_who_wants_no_motion_gets_none_of_itself(open_page, path):
    with open_page(reduced_motion="reduce") as page:
        open_at(page, path)
        assert not page.locator(".play").is_visible()
        assert page.get_by_role("button", name="Next snapshot").is_visible()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", CONFIG["dense"]["studies"])
def test_readable_and_accessible(page, path, check_accessibility, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    open_at(page, path, f"#study=dense%2F{name}")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    check_accessibility(page)
    if width > 400:  # a narrow page shows less, in the same colours
        page.emulate_media(color_scheme="dark")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        check_accessibility(page, colors_alone=True)


def test_works_in_the_iframe_of_a_report(page, path):
    content = base64.b64encode(path.read_bytes()).decode()
    page.set_content(
        "<iframe style='width:100%;height:850px;border:0' "
        f"src='data:text/html;base64,{content}'></iframe>"
    )
    frame = page.frames[1]
    frame.locator(".time").wait_for()
    before = frame.locator(".plane canvas").first.evaluate("c => c.toDataURL()")
    frame.get_by_label("Snapshot", exact=True).fill("0")
    assert frame.locator(".plane canvas").first.evaluate("c => c.toDataURL()") != before
    frame.get_by_label("Filter").fill("corrected")
    assert section(frame, "cells").locator(".data-table tbody tr").count() == 2


def test_real_run_with_both_kinds_of_network(page, smoke):
    path = smoke.folder / "results/report/study.html"
    assert path.stat().st_size < 1_400_000
    open_at(page, path)
    data = block(path.read_text(encoding="utf-8"), "study")
    assert [family["name"] for family in data["families"]] == ["dense", "conv"]
    for family in data["families"]:
        for study in family["studies"]:
            box(page, "Study").select_option(f"{family['name']}/{study['name']}")
            assert page.locator("h2#question").inner_text() == study["question"]
            for measure in family["measures"]:
                choose(page, "Measure", measure["label"])
            assert len(rows(page)) == len(study["cells"])
    box(page, "Study").select_option("conv/factors")
    assert "It shows the dense networks" in page.locator("main").inner_text()
