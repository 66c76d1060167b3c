"""The TensorBoard page in a real Chromium: every control, judged by data made here."""

import base64
import csv
import io
import json
import re
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest
from copied_tables import markdown_cells, pasted
from scipy import stats

from restudy.analysis.event_files import Run, Scalars
from restudy.internals.tensorboard_reading import GraphDef
from restudy.views.pages import render_page
from restudy.views.payload import pack
from restudy.views.tensorboard_page import make_page

# What is seen on a tab that has data.
MARKS = {
    "scalars": ".main",
    "images": ".image img",
    "graph": ".graph .box",
    "distributions": ".median",
    "histograms": ".ridge",
    "hparams": ".lines path",
}
TABS = tuple(MARKS)
RATES = (0.001, 0.01, 0.1)
ACTIVATIONS = ("tanh", "relu")
SEEDS = 3
STEPS = np.arange(0, 500, 10, dtype=np.int32)
START = 1_700_000_000.0
SVG = "{http://www.w3.org/2000/svg}"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#5A4500", "#473BCE")


def png(shade: int, side: int) -> np.ndarray:
    """Bytes of a grey picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + bytes([shade]) * side) * side
    parts = [
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0)),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    return np.frombuffer(b"".join(parts), np.uint8)


def make_runs() -> list[dict]:
    return [
        {
            "name": f"set~moons/rate~{rate}/activation~{activation}/seed~{seed}",
            "group": f"digest-{rate}-{activation}",
            "start": START,
            "hparams": {"rate": rate, "activation": activation, "seed": seed, "width": 8},
            "status": "success",
        }
        for rate in RATES
        for activation in ACTIVATIONS
        for seed in range(SEEDS)
    ]


def make_scalars(runs: list[dict]) -> dict[str, list[dict]]:
    """Series of every run by tag; of `odd/values` of the first two runs only."""
    draws = np.random.default_rng(1)
    tags = {}
    for tag in ("loss/train", "loss/test", "accuracy/train"):
        tags[tag] = []
        for number in range(len(runs)):
            decay = 2.3 * np.exp(-STEPS / (60 + 15 * number)) + 0.05
            values = decay + draws.normal(0, 0.05, len(STEPS))
            if tag == "loss/train":
                values[0] = 40.0 + number
            wall = START + STEPS * (0.5 + 0.01 * number)
            tags[tag].append(series(number, STEPS, wall, values.astype(np.float32)))
    odd = np.array([1, 2, np.nan, np.nan, 3, np.inf, 2, -np.inf, -1, 2.5])
    steps = np.arange(10, dtype=np.int32)
    tags["odd/values"] = [series(run, steps, START + steps, odd) for run in (0, 1)]
    tags["odd/single"] = [series(2, steps[:1], START + steps[:1], odd[:1])]
    return tags


def series(run: int, step: np.ndarray, wall: np.ndarray, value: np.ndarray) -> dict:
    return {"run": run, "step": step, "wall": wall.astype(float), "value": value, "of": len(step)}


def make_histograms(runs: list[dict]) -> dict[str, list[dict]]:
    """Per run and step: counts and edges, one with equal buckets and one with others."""
    draws = np.random.default_rng(2)
    steps = STEPS[::5]
    tags = {}
    for tag, bins in (("layer1/weights", 30), ("layer1/bias", [-2, -1, -0.5, 0, 0.1, 1, 3])):
        tags[tag] = []
        for number in range(len(runs)):
            found = [
                np.histogram(draws.normal(0.1 * k, 1 + 0.1 * k, 400), bins)
                for k in range(len(steps))
            ]
            counts = [count for count, _ in found]
            edges = [edge for _, edge in found]
            if bins == 30:
                low, high = (np.array([edge[place] for edge in edges]) for place in (0, -1))
                kind = {"kind": "linear", "single": False, "low": low, "high": high}
                edges = [linear(*ends) for ends in zip(low, high, strict=True)]
            else:
                kind = {"kind": "joined", "edges": np.concatenate(edges).astype(float)}
            tags[tag].append(
                {
                    "run": number,
                    "step": steps,
                    "wall": START + steps.astype(float),
                    "of": len(steps),
                    "buckets": np.array([len(count) for count in counts], np.int32),
                    "count": np.concatenate(counts).astype(np.uint16),
                    "edges": kind,
                    "truth": list(zip(counts, edges, strict=True)),
                }
            )
    return tags


def linear(low: float, high: float, size: int = 30) -> np.ndarray:
    """Edges as the page's contract with the exporter states them."""
    step = (high - low) / size
    return np.array([low, *(k * step + low for k in range(1, size)), high])


def make_graph() -> dict:
    names = [
        ("x", "Placeholder", [], [[-1, 2]]),
        ("layer1/kernel", "VarHandleOp", [], [[2, 8]]),
        ("layer1/MatMul", "MatMul", [[0, 0], [1, 0]], [[-1, 8]]),
        ("layer1/act/Tanh", "Tanh", [[2, 0]], [[-1, 8]]),
        ("layer1/act/Abs", "Abs", [[2, 0]], [[-1, 8]]),
        ("layer2", "Add", [[3, 0], [4, 0]], [[-1, 8]]),
        ("layer2/Sum", "Sum", [[5, 0], [3, 0]], [[]]),
        ("done", "NoOp", [[6, -1]], []),
    ]
    return {
        "nodes": [
            {
                "name": name,
                "op": op,
                "inputs": inputs,
                "shapes": shapes,
                "device": "/device:CPU:0",
                "attributes": {"T": "DT_FLOAT"},
            }
            for name, op, inputs, shapes in names
        ]
    }


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The page, and all that it was made from."""
    runs = make_runs()
    scalars = make_scalars(runs)
    histograms = make_histograms(runs)
    sides = {"pictures/one": 16, "pictures/two": 40}
    images = {
        tag: [
            {
                "run": run,
                "step": STEPS[:3],
                "wall": START + STEPS[:3].astype(float),
                "width": side,
                "height": side,
                "of": 3,
                "pictures": [[png(60 * k + 20, side)] for k in range(3)],
            }
            for run in (0, 4)
        ]
        for tag, side in sides.items()
    }
    names = [("rate", "number"), ("activation", "text"), ("seed", "number"), ("width", "number")]
    index = {
        "title": "Board of tests",
        "logdir": "logs/tests",
        "notes": ["The file events.1 is cut off after 100 bytes: its 3 whole events are shown."],
        "runs": runs,
        "scalars": [{"tag": tag, "description": f"About {tag}."} for tag in scalars],
        "histograms": [{"tag": tag, "description": ""} for tag in histograms],
        "images": [{"tag": tag, "description": ""} for tag in images],
        "graphs": [{"run": 0}],
        "hparams": {
            "names": [{"name": name, "kind": kind} for name, kind in names],
            "metrics": [
                {"tag": tag, "label": tag, "group": ""} for tag in ("loss/test", "accuracy/train")
            ],
        },
        "thinned": {"limit": 50, "series": 2, "kept": 100, "of": 12_000},
        "colors": [COLORS[number // SEEDS] for number in range(len(runs))],
        "full": "full.html",
    }
    blocks = {
        "index": pack(index),
        "scalars": pack({"columns": [STEPS], "series": shared(scalars)}),
        "graph-0": pack(make_graph()),
    }
    for number, part in enumerate(histograms.values()):
        plain = [{k: v for k, v in one.items() if k != "truth"} for one in part]
        blocks[f"histograms-{number}"] = pack({"series": plain})
    for number, part in enumerate(images.values()):
        blocks[f"images-{number}"] = pack({"series": part})
    path = tmp_path_factory.mktemp("board") / "board.html"
    path.write_text(render_page("tensorboard", index["title"], blocks), encoding="utf-8")
    return SimpleNamespace(
        path=path, runs=runs, scalars=scalars, histograms=histograms, index=index, blocks=blocks
    )


def shared(scalars: dict[str, list[dict]]) -> list[list[dict]]:
    """The series with the steps that most have by reference."""
    return [
        [{**one, "step": {"ref": 0}} if len(one["step"]) == len(STEPS) else one for one in part]
        for part in scalars.values()
    ]


def show(page, board, **state) -> None:
    """Open the page with settings in its address."""
    fragment = "&".join(
        f"{key}={quote(value if isinstance(value, str) else json.dumps(value))}"
        for key, value in state.items()
    )
    page.goto("about:blank")
    page.goto(f"{board.path.as_uri()}#{fragment}")
    page.locator("[role=tab]").first.wait_for()


def card(page, tag: str):
    found = page.locator(f".card[data-tag='{tag}']")
    found.locator("svg.frame, img, .empty").first.wait_for()
    return found


def paths(place, kind: str = ".main") -> list[str]:
    return place.locator(kind).evaluate_all("nodes => nodes.map(n => n.getAttribute('d'))")


def download(page, button) -> str:
    with page.expect_download() as waited:
        button.click()
    return Path(waited.value.path()).read_text(encoding="utf-8")


def rows_of(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def column(rows: list[dict], name: str, **where: str) -> list[float]:
    chosen = [row for row in rows if all(row[key] == value for key, value in where.items())]
    return [float(row[name].replace("Infinity", "inf")) for row in chosen]


def points_of(path: str) -> np.ndarray:
    return np.array([[float(x) for x in pair.split(",")] for pair in re.split("[ML]", path)[1:]])


def assert_affine(pixels, values, tolerance: float = 0.02) -> None:
    """Pixels lie on one straight line over values: the drawing shows these values."""
    pixels, values = np.ravel(pixels), np.ravel(values)
    slope, offset = np.polyfit(values, pixels, 1)
    assert slope < 0
    assert np.abs(slope * values + offset - pixels).max() < tolerance


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """Weighted means of all finite values so far: what TensorBoard's recursion amounts to."""
    result = np.array(values, float)
    finite = np.flatnonzero(np.isfinite(values))
    for rank, place in enumerate(finite):
        weights = weight ** np.arange(rank, -1, -1.0)
        result[place] = np.sum(weights * values[finite[: rank + 1]]) / weights.sum()
    return result


def visible_runs(page) -> str:
    return page.locator(".runs summary output").inner_text()


def test_csv_of_a_tag_holds_every_value_exactly(page, board):
    show(page, board)
    text = download(page, page.get_by_label("Download loss/train as CSV"))
    rows = rows_of(text)
    expected = [
        (board.runs[one["run"]]["name"], *point)
        for one in board.scalars["loss/train"]
        for point in zip(one["step"], one["wall"], map(float, one["value"]), strict=True)
    ]
    found = [(r["run"], int(r["step"]), float(r["wall_time"]), float(r["value"])) for r in rows]
    assert found == expected


@pytest.mark.parametrize("weight", [0.0, 0.35, 0.9, 0.999])
def test_smoothing_is_the_debiased_one_and_is_what_is_drawn(page, board, weight):
    show(page, board, outliers=True)
    place = card(page, "loss/test")
    before = paths(place)
    page.get_by_label("Smoothing weight").fill(str(weight))
    page.keyboard.press("Enter")
    page.wait_for_function(
        "([d]) => document.querySelector('[data-tag=\"loss/test\"] .main').getAttribute('d') !== d",
        arg=before,
    )
    drawn = paths(place)
    assert len(drawn) == len(before) == len(board.runs)
    rows = rows_of(download(page, page.get_by_label("Download loss/test as CSV")))
    for one, path in zip(board.scalars["loss/test"], drawn, strict=True):
        expected = smoothed(one["value"].astype(float), weight)
        name = board.runs[one["run"]]["name"]
        np.testing.assert_allclose(column(rows, "smoothed", run=name), expected, rtol=1e-9)
        assert_affine(points_of(path)[:, 1], expected)
    raw = paths(place, ".raw")
    assert_affine(points_of(raw[3])[:, 1], board.scalars["loss/test"][3]["value"])


@pytest.mark.parametrize("tag", ["loss/test", "odd/values"])
def test_series_of_few_points_open_unsmoothed_and_smoothing_is_said(page, board, tag):
    show(page, board, tags=tag)
    place = card(page, tag)
    rows = rows_of(download(page, page.get_by_label(f"Download {tag} as CSV")))
    one = board.scalars[tag][0]
    weight = 0.6 if len(one["value"]) >= 50 else 0.0
    name = board.runs[one["run"]]["name"]
    expected = smoothed(one["value"].astype(float), weight)
    np.testing.assert_allclose(column(rows, "smoothed", run=name), expected, rtol=1e-9)
    assert (paths(place) == paths(place, ".raw")) == (weight == 0)
    assert ("Smoothed with weight 0.6" in place.inner_text()) == (weight > 0)
    assert "shown as recorded until smoothing is set" in page.locator(".content").inner_text()
    page.get_by_label("Smoothing weight").fill("0.3")
    page.keyboard.press("Enter")
    place.get_by_text("Smoothed with weight 0.3").wait_for()
    assert paths(place) != paths(place, ".raw")


def test_slider_of_smoothing_moves_by_keyboard(page, board):
    show(page, board)
    before = paths(card(page, "loss/train"))
    page.locator(".controls input[type=range]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.get_by_label("Smoothing weight").input_value() == "0.605"
    assert paths(card(page, "loss/train")) != before


def test_values_that_are_not_finite_are_marked_and_not_joined(page, board):
    show(page, board, tags="odd/values", smooth=0)
    place = card(page, "odd/values")
    assert place.locator(".odd").count() == 2 * 4
    texts = place.locator(".odd title").all_text_contents()
    assert sum("NaN" in text for text in texts) == 4
    assert sum(": ∞" in text for text in texts) == sum("−∞" in text for text in texts) == 2
    # Parts: 1-2, 3, 2, -1-2.5; lone points are dots.
    assert paths(place)[0].count("M") == 4
    assert place.locator(".dot").count() == 2 * 2
    rows = rows_of(download(page, page.get_by_label("Download odd/values as CSV")))
    expected = [*board.scalars["odd/values"][0]["value"]] * 2
    np.testing.assert_array_equal(column(rows, "value"), expected)
    page.get_by_label("Smoothing weight").fill("0.5")
    page.keyboard.press("Enter")
    rows = rows_of(download(page, page.get_by_label("Download odd/values as CSV")))
    one = smoothed(board.scalars["odd/values"][0]["value"], 0.5)
    np.testing.assert_allclose(column(rows, "smoothed"), [*one, *one], rtol=1e-12)


def test_single_point_is_seen_above_a_whole_step(page, board):
    show(page, board, tags="single")
    place = card(page, "odd/single")
    assert place.locator(".dot").count() == 1
    assert ticks(place, "x") == ["−1", "0", "1"]


def ticks(place, axis: str) -> list[str]:
    anchor = {"x": "middle", "y": "end"}[axis]
    return place.locator(f".frame > .grid text[text-anchor={anchor}]").all_text_contents()


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("−", "-").replace(",", "")) for text in texts]


def test_axes_are_steps_relative_times_and_wall_times(page, board):
    show(page, board)
    place = card(page, "loss/train")
    seen = {}
    for name in ("Relative", "Wall", "Step"):
        page.get_by_role("button", name=name, exact=True).click()
        label = place.locator(".axis-name").text_content()
        seen[label] = ticks(place, "x")
    assert list(seen) == ["Relative time (min)", "Wall time", "Step"]
    assert "400" in seen["Step"] and "400" not in seen["Relative time (min)"]
    assert any(re.search(r"\d\d:\d\d", text) for text in seen["Wall time"])


def test_outliers_widen_the_axis_only_when_they_are_asked_for(page, board):
    show(page, board)
    place = card(page, "loss/train")
    assert max(numbers(ticks(place, "y"))) < 20
    page.get_by_label("Ignore outliers").uncheck()
    assert max(numbers(ticks(place, "y"))) >= 50


def test_y_axis_ends_at_the_percentiles_that_tensorboard_takes(page, board):
    show(page, board, smooth=0)
    place = card(page, "loss/test")
    values = np.concatenate([one["value"] for one in board.scalars["loss/test"]]).astype(float)
    low, high = np.percentile(values, [5, 95])
    pixels = np.concatenate([points_of(path)[:, 1] for path in paths(place)])
    slope, offset = np.polyfit(values, pixels, 1)
    box = place.locator("clipPath rect").evaluate("n => [n.y, n.height].map(v => v.baseVal.value)")
    margin = 0.05 * (high - low)
    assert slope * (high + margin) + offset == pytest.approx(box[0] + 1, abs=0.1)
    assert slope * (low - margin) + offset == pytest.approx(box[0] + box[1] - 1, abs=0.1)


def test_log_scale_for_all_tags_and_for_one(page, board):
    show(page, board, outliers=True, smooth=0)
    place = card(page, "loss/train")
    values = board.scalars["loss/train"][0]["value"].astype(float)
    values, plain = values[:9], paths(place)
    page.get_by_label("Log scale", exact=True).check()
    first = points_of(paths(place)[0])[:, 1][:9]
    assert_affine(first, np.log(values), tolerance=0.05)
    # The button of a card turns its own scale back.
    page.get_by_label("Log scale of loss/train").click()
    assert paths(place) == plain
    assert page.get_by_label("Log scale of loss/train").get_attribute("aria-pressed") == "false"


def test_runs_are_filtered_by_pattern_and_checked_one_by_one(page, board):
    show(page, board)
    place = card(page, "loss/train")
    assert visible_runs(page) == "18 of 18 runs shown"
    page.get_by_label("Filter runs by pattern").fill(r"tanh/seed~[01]$|^0.1/relu")
    page.wait_for_function("document.querySelectorAll('.card .main').length < 50")
    assert place.locator(".main").count() == 9
    page.get_by_label("Filter runs by pattern").fill("tanh(")
    assert "Not a regular expression" in page.locator("#runs-error").inner_text()
    assert place.locator(".main").count() == 18
    page.get_by_label("Filter runs by pattern").fill("")
    assert page.locator("#runs-error").inner_text() == ""
    page.get_by_label("0.001/tanh/0", exact=True).uncheck()
    assert place.locator(".main").count() == 17
    page.get_by_label("Show only 0.1/relu/2").click()
    assert visible_runs(page) == "1 of 18 runs shown"
    assert place.locator(".main").get_attribute("data-run") == "0.1/relu/2"
    page.get_by_role("button", name="Hide all").click()
    assert "No run that is shown has this tag." in place.inner_text()
    page.get_by_role("button", name="Show all").click()
    assert place.locator(".main").count() == 18


def test_tags_are_filtered_by_pattern(page, board):
    show(page, board)
    page.get_by_label("Filter tags").fill("train$")
    page.locator(".group", has_text="accuracy").locator(".card").first.wait_for()
    assert page.locator(".card h3").all_inner_texts() == ["loss/train", "accuracy/train"]
    page.get_by_label("Filter tags").fill("nothing")
    page.get_by_text("No tag matches the pattern.").wait_for()
    page.get_by_label("Filter tags").fill("[")
    page.get_by_text("Not a regular expression").wait_for()


def test_groups_open_by_keyboard_and_show_their_number_of_tags(page, board):
    show(page, board)
    heads = page.locator(".group h2 button")
    assert [re.sub(r"\s+", " ", t[1:]).strip() for t in heads.all_inner_texts()] == [
        "loss 2 tags",
        "accuracy 1 tag",
        "odd 2 tags",
    ]
    assert page.locator(".card").count() == 2
    heads.nth(1).focus()
    page.keyboard.press("Enter")
    assert heads.nth(1).get_attribute("aria-expanded") == "true"
    card(page, "accuracy/train")
    page.get_by_role("button", name="Close all groups").click()
    assert page.locator(".slot").count() == 0
    page.get_by_role("button", name="Open all groups").click()
    assert page.locator(".slot").count() == 5


def readings(place) -> list[list[str]]:
    rows = place.locator(".readings tbody tr")
    rows.first.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]


def test_hover_tells_every_runs_value_in_order(page, board):
    show(page, board, smooth=0)
    place = card(page, "loss/test")
    box = place.locator(".chart").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 90)
    rows = readings(place)
    assert len(rows) == len(board.runs)
    values = [float(row[2].replace("−", "-")) for row in rows]
    assert values == sorted(values, reverse=True)
    step = int(rows[0][3])
    at = list(STEPS).index(step)
    expected = {
        "/".join(part.split("~")[1] for part in board.runs[one["run"]]["name"].split("/")[1:]): (
            one["value"][at]
        )
        for one in board.scalars["loss/test"]
    }
    for row in rows:
        assert float(row[2].replace("−", "-")) == pytest.approx(expected[row[0].strip()], rel=1e-3)
    page.mouse.move(5, 5)
    place.locator(".readings").wait_for(state="detached")


def test_cursor_moves_by_arrow_keys(page, board):
    show(page, board)
    place = card(page, "loss/train")
    place.locator(".chart").focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        seen.append(readings(place)[0][3])
    assert seen == ["0", "10", "490", "480", "0"]
    assert place.locator(".readings").get_attribute("role") == "status"
    page.keyboard.press("Escape")
    place.locator(".readings").wait_for(state="detached")


def drag(page, box, start, end) -> None:
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()


def test_dragging_zooms_and_double_click_and_button_reset(page, board):
    show(page, board)
    place = card(page, "loss/train")
    whole = paths(place)
    box = place.locator("svg.frame").bounding_box()
    drag(page, box, (0.4, 0.3), (0.6, 0.31))
    across = paths(place)
    steps = numbers(ticks(place, "x"))
    assert min(steps) > 120 and max(steps) < 320
    heights = [points_of(path[0])[:, 1] for path in (whole, across)]
    np.testing.assert_allclose(*heights, atol=0.01)
    page.get_by_role("button", name="Reset zoom").click()
    assert paths(place) == whole
    drag(page, box, (0.4, 0.2), (0.6, 0.5))
    assert not np.allclose(points_of(paths(place)[0])[:, 1], heights[0], atol=1)
    place.locator("svg.frame").dblclick()
    assert paths(place) == whole


def test_plus_zooms_and_zero_resets_by_keyboard(page, board):
    show(page, board)
    place = card(page, "loss/train")
    whole = paths(place)
    place.locator(".chart").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    spread = [np.ptp(points_of(path[0])[:, 0]) for path in (whole, paths(place))]
    assert spread[1] == pytest.approx(2 * spread[0], rel=1e-3)
    page.keyboard.press("0")
    assert paths(place) == whole


@pytest.mark.parametrize("band", ["range", "interval"])
def test_seeds_are_drawn_as_mean_and_band(page, board, band):
    show(page, board, smooth=0.5, outliers=True)
    place = card(page, "loss/test")
    page.get_by_label("Seeds as mean and band").check()
    page.get_by_role("combobox", name=re.compile("^Band")).select_option(band)
    assert place.locator(".main").count() == place.locator(".band").count() == 6
    said = page.locator(".content > p.muted").inner_text()
    assert ("Student" in said) == (band == "interval")
    rows = rows_of(download(page, page.get_by_label("Download loss/test as CSV")))
    for number, path in zip(range(0, 18, 3), paths(place), strict=True):
        trial = board.scalars["loss/test"][number : number + 3]
        values = np.array([smoothed(one["value"].astype(float), 0.5) for one in trial])
        mean, where = values.mean(0), {"trial": board.runs[number]["group"]}
        if band == "range":
            low, high = values.min(0), values.max(0)
        else:
            half = stats.sem(values, axis=0) * stats.t.ppf(0.975, SEEDS - 1)
            low, high = mean - half, mean + half
        np.testing.assert_allclose(column(rows, "smoothed_mean", **where), mean, rtol=1e-9)
        np.testing.assert_allclose(column(rows, "low", **where), low, rtol=1e-5)
        np.testing.assert_allclose(column(rows, "high", **where), high, rtol=1e-5)
        assert set(column(rows, "runs", **where)) == {3.0}
        assert_affine(points_of(path)[:, 1], mean)


def test_escape_shrinks_an_enlarged_card(page, board):
    show(page, board)
    tags = ("loss/train", "loss/test")
    small = card(page, tags[0]).bounding_box()["width"]
    for tag in tags:
        page.get_by_label(f"{tag} over the whole width").click()
    large = [card(page, tag).bounding_box()["width"] for tag in tags]
    assert min(large) > 1.5 * small
    page.get_by_label(f"{tags[0]} over the whole width").focus()
    page.keyboard.press("Escape")
    assert abs(card(page, tags[0]).bounding_box()["width"] - small) < 2
    assert card(page, tags[1]).bounding_box()["width"] == large[1]
    # Away from all cards, it is the one that was enlarged last.
    page.get_by_label("Smoothing weight").focus()
    page.keyboard.press("Escape")
    assert abs(card(page, tags[1]).bounding_box()["width"] - small) < 2


def test_card_takes_the_whole_width(page, board):
    show(page, board)
    place = card(page, "loss/test")
    before = place.bounding_box()["width"]
    page.get_by_label("loss/test over the whole width").click()
    page.wait_for_function(
        "([place, before]) => place.getBoundingClientRect().width > 2 * before",
        arg=[place.element_handle(), before],
    )


@pytest.mark.parametrize(
    ("tab", "tag", "kind", "count"),
    [
        ("scalars", "loss/train", "main", 18),
        ("distributions", "layer1/weights", "edge", 8),
        ("histograms", "layer1/weights", "ridge", 10),
    ],
)
def test_svg_of_a_card_is_xml_with_all_that_is_drawn(page, board, tab, tag, kind, count):
    show(page, board, tab=tab)
    drawn = set(paths(card(page, tag), f".{kind}"))
    root = ElementTree.fromstring(download(page, page.get_by_label(f"Download {tag} as SVG")))
    assert root.tag == f"{SVG}svg"
    found = {node.get("d") for node in root.iter(f"{SVG}path")}
    assert drawn <= found and len(drawn) == count
    texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert tag in texts
    assert "0.001/tanh/0" in texts


def test_quantiles_are_those_of_tensorboards_compressor(page, board):
    compressor = pytest.importorskip("tensorboard.plugins.distribution.compressor")
    show(page, board, tab="distributions")
    for tag, part in board.histograms.items():
        place = card(page, tag)
        expected = np.array(
            [
                [
                    value
                    for _, value in compressor.compress_histogram(
                        [*zip(edges[:-1], edges[1:], count, strict=True)]
                    )
                ]
                for count, edges in part[0]["truth"]
            ]
        )
        drawn = [*paths(place, ".edge"), *paths(place, ".median")]
        order = [0, 1, 2, 3, 5, 6, 7, 8, 4]
        pixels = [points_of(path)[:, 1] for path in drawn]
        assert_affine(pixels, expected.T[order])
        texts = place.locator(".quantiles dd").all_inner_texts()
        said = [float(text.replace("−", "-")) for text in texts]
        np.testing.assert_allclose(said, expected[-1], rtol=6e-3)


def test_slider_of_steps_shows_the_counts_of_that_step_everywhere(page, board):
    show(page, board, tab="histograms")
    places = [card(page, tag) for tag in board.histograms]
    assert "step 450 · 400 values" in places[0].inner_text()
    slider = places[0].locator("input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    for place, part in zip(places, board.histograms.values(), strict=True):
        assert "step 50 ·" in place.inner_text()
        assert place.locator(".strong").get_attribute("data-step") == "50"
        place.locator("summary").click()
        place.locator(".buckets tbody").wait_for()
        counts = place.locator(".buckets tbody td:nth-child(3)").all_inner_texts()
        assert [int(text) for text in counts] == list(part[0]["truth"][1][0])
        cells = "all => all.map((row) => [...row.cells].map((cell) => cell.innerText))"
        shown = place.locator(".buckets tr").evaluate_all(cells)
        copy = place.get_by_role("group", name="Copy the buckets")
        copy.get_by_role("button", name="Copy as Markdown").click()
        copy.get_by_role("status").get_by_text("as Markdown.").wait_for()
        assert markdown_cells(pasted(page)) == shown


def test_csv_of_histograms_restores_every_bucket(page, board):
    show(page, board, tab="histograms")
    for tag, part in board.histograms.items():
        card(page, tag)
        rows = rows_of(download(page, page.get_by_label(f"Download {tag} as CSV")))
        truth = part[0]["truth"]
        assert column(rows, "left") == [float(x) for _, edges in truth for x in edges[:-1]]
        assert column(rows, "right") == [float(x) for _, edges in truth for x in edges[1:]]
        assert column(rows, "count") == [float(x) for count, _ in truth for x in count]


def test_histograms_stand_behind_one_another_or_overlaid(page, board):
    show(page, board, tab="histograms")
    place = card(page, "layer1/weights")
    ridges = paths(place, ".ridge")
    bases = [points_of(path.rstrip("Z"))[0, 1] for path in ridges]
    assert len(bases) == 10 and bases == sorted(bases) and bases[0] < bases[-1] - 50
    page.get_by_role("button", name="Overlay").click()
    bases = {points_of(path)[0, 1] for path in paths(place, ".outline")}
    assert len(bases) == 1
    # What is drawn keeps all values: areas in bins of one width are the counts.
    page.get_by_role("combobox", name=re.compile("^Run")).select_option("*")
    assert place.count() == 18
    page.get_by_role("combobox", name=re.compile("^Run")).select_option(board.runs[4]["name"])
    assert place.count() == 1
    assert place.get_attribute("data-run") == board.runs[4]["name"]


def test_outlines_are_the_counts_in_equal_bins(page, board):
    show(page, board, tab="histograms", ridges="overlay")
    place = card(page, "layer1/weights")
    truth = board.histograms["layer1/weights"][0]["truth"]
    low = min(edges[0] for _, edges in truth)
    high = max(edges[-1] for _, edges in truth)
    grid = np.linspace(low, high, 31)
    expected = []
    for count, edges in truth:
        total = np.interp(grid, edges, np.concatenate([[0], np.cumsum(count)]))
        expected.append(np.diff(total))
    pixels = [points_of(path)[1:-1, 1] for path in paths(place, ".outline")]
    assert_affine(pixels, expected)


def test_offset_axis_can_be_time(page, board):
    show(page, board, tab="histograms")
    place = card(page, "layer1/weights")
    before = place.locator(".offsets").text_content()
    page.get_by_role("button", name="Relative").click()
    after = place.locator(".offsets").text_content()
    assert before != after and "Relative time" in after


def test_pictures_follow_the_slider(page, board):
    show(page, board, tab="images")
    place = page.locator(f".card[data-tag='pictures/one'][data-run='{board.runs[4]['name']}']")
    picture = place.locator("img")
    picture.wait_for()
    shade = """async node => {
      await node.decode();
      const canvas = document.createElement("canvas");
      const pen = canvas.getContext("2d");
      pen.drawImage(node, 0, 0);
      return pen.getImageData(0, 0, 1, 1).data[0];
    }"""
    assert picture.evaluate(shade) == 140
    assert picture.evaluate("node => node.naturalWidth") == 16
    place.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    place.get_by_text("step 0").wait_for()
    assert picture.evaluate(shade) == 20
    assert "step 0" in place.inner_text() and "16\u00a0×\u00a016\u00a0pixels" in place.inner_text()
    assert picture.bounding_box()["width"] == pytest.approx(320, abs=40)
    page.get_by_label("Actual size").check()
    assert picture.bounding_box()["width"] == 16
    page.get_by_label("Brightness").focus()
    page.keyboard.press("ArrowRight")
    assert "brightness(1.05)" in picture.get_attribute("style")
    page.get_by_role("button", name="Reset").click()
    assert "brightness" not in (picture.get_attribute("style") or "")


def boxes(page) -> set[str]:
    return set(page.locator(".graph .box").evaluate_all("n => n.map(e => e.dataset.path)"))


def test_graph_opens_and_closes_scopes_by_pointer_and_keyboard(page, board):
    show(page, board, tab="graph")
    page.locator(".graph .box").first.wait_for()
    assert boxes(page) == {"x", "layer1", "layer2", "done"}
    assert "8 ops; 4 boxes" in page.locator(".content").inner_text()
    assert set(page.locator(".edge text").evaluate_all("n => n.map(e => e.firstChild.data)")) == {
        "?×2",
        "2 × (?×8)",
    }
    page.locator("[data-path=layer1]").focus()
    page.keyboard.press("Enter")
    page.locator(".cluster[data-path=layer1]").wait_for()
    assert boxes(page) == {
        "x",
        "layer1/kernel",
        "layer1/MatMul",
        "layer1/act",
        "layer2",
        "done",
    }
    assert page.locator("[data-path=layer1]").get_attribute("aria-expanded") == "true"
    page.locator("[data-path='layer1/act']").click()
    page.locator(".cluster[data-path='layer1/act']").wait_for()
    assert {"layer1/act/Tanh", "layer1/act/Abs"} < boxes(page)
    page.get_by_role("button", name="Close all scopes").click()
    page.locator(".cluster").first.wait_for(state="detached")
    assert boxes(page) == {"x", "layer1", "layer2", "done"}


def test_graph_keeps_the_focus_and_arrows_go_to_the_next_box(page, board):
    show(page, board, tab="graph")
    page.locator("[data-path=layer1]").focus()
    page.keyboard.press("Enter")
    page.locator(".cluster[data-path=layer1]").wait_for()
    page.wait_for_function("document.activeElement.dataset.path === 'layer1'")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.dataset.path !== 'layer1'")
    page.keyboard.press("Enter")
    assert page.locator(".graph aside h2").inner_text() != ""


def test_graph_tells_about_a_node_and_finds_it(page, board):
    show(page, board, tab="graph")
    page.get_by_label("Search for a node").fill("tanh")
    assert page.locator(".found li").count() == 1
    page.locator(".found button").click()
    page.locator(".chosen[data-path='layer1/act/Tanh']").wait_for()
    facts = page.locator(".graph aside")
    text = facts.inner_text()
    for part in ("layer1/act/Tanh", "?×8", "DT_FLOAT", "/device:CPU:0", "layer1/MatMul"):
        assert part in text
    assert "Inputs (1)" in text and "Outputs (2)" in text
    facts.get_by_role("button", name="layer2", exact=True).click()
    page.locator(".chosen[data-path='layer2/(layer2)']").wait_for()


def test_graph_leaves_out_constants_and_zooms(page, board):
    show(page, board, tab="graph", open=["layer1"])
    page.locator(".graph .box").first.wait_for()
    assert page.locator(".box.auxiliary").count() == 3
    page.get_by_label("Constants and variables").uncheck()
    page.locator("[data-path=x]").wait_for(state="detached")
    assert page.locator(".box.auxiliary").count() == 0
    layer = page.locator(".graph svg > g")
    page.get_by_role("button", name="Fit").click()
    seen = [layer.get_attribute("transform")]
    for name in ("Zoom in", "Zoom out", "Zoom out"):
        page.get_by_role("button", name=name).click()
        seen.append(layer.get_attribute("transform"))
    scales = [float(re.search(r"scale\(([\d.]+)\)", text)[1]) for text in seen]
    assert scales[1] == pytest.approx(1.4 * scales[0])
    assert scales[3] < scales[2] < scales[1]
    box = page.locator(".graph svg").bounding_box()
    drag(page, box, (0.9, 0.5), (0.8, 0.4))
    assert layer.get_attribute("transform") != seen[-1]


def last_values(board, tag: str) -> np.ndarray:
    return np.array([float(one["value"][-1]) for one in board.scalars[tag]])


def test_table_of_trials_holds_means_of_last_values_and_sorts_by_keyboard(page, board):
    show(page, board, tab="hparams")
    head = page.locator("th", has_text="loss/test")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    rows = rows_of(download(page, page.get_by_role("button", name="Download as CSV")))
    means = last_values(board, "loss/test").reshape(-1, SEEDS).mean(1)
    order = np.argsort(means)
    groups = [board.runs[SEEDS * place]["group"] for place in order]
    assert [row["id"] for row in rows] == groups
    np.testing.assert_allclose(column(rows, "loss/test"), means[order], rtol=1e-12)
    assert {row["runs"] for row in rows} == {"3"}
    shown = page.locator(".data-table tbody tr td:nth-child(2)").all_inner_texts()
    assert [text.strip() for text in shown] == ["/".join(group.split("-")[1:]) for group in groups]
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"


def test_table_of_runs_has_a_row_per_run_and_filters(page, board):
    show(page, board, tab="hparams")
    page.get_by_role("button", name="Run", exact=True).click()
    text = download(page, page.get_by_role("button", name="Download as CSV"))
    rows = rows_of(text)
    assert [row["id"] for row in rows] == [run["name"] for run in board.runs]
    assert column(rows, "loss/test") == list(last_values(board, "loss/test"))
    assert column(rows, "rate") == [run["hparams"]["rate"] for run in board.runs]
    page.locator(".data-table input[type=search]").fill("relu 0.01")
    page.locator(".data-table output", has_text="3 of 18 rows").wait_for()
    rows = rows_of(download(page, page.get_by_role("button", name="Download as CSV")))
    assert len(rows) == page.locator(".data-table tbody tr").count() == 3


def test_brush_selects_runs_everywhere_until_it_is_cleared(page, board):
    show(page, board, tab="hparams")
    page.locator(".parallel-coordinates .lines path").first.wait_for()
    overlay = page.locator(".brush[data-axis=rate] .overlay")
    box = overlay.bounding_box()
    # The upper end of the axis is the highest rate.
    drag(page, box, (0.5, 0.0), (0.5, 0.3))
    assert "Selection by HParams: 6 runs of 18" in page.locator(".chip").inner_text()
    assert page.locator(".lines path.active").count() == 2
    assert page.locator(".lines path.faint").count() == 4
    assert page.locator(".data-table tbody tr").count() == 2
    assert page.locator(".matrix circle.outside").count() > 0
    page.locator("#tab-scalars").click()
    assert card(page, "loss/train").locator(".main").count() == 6
    assert visible_runs(page) == "6 of 18 runs shown"
    page.get_by_role("button", name="Clear selection").click()
    assert card(page, "loss/train").locator(".main").count() == 18
    assert page.locator(".chip").count() == 0


def test_brushes_can_be_set_by_keyboard_alone(page, board):
    show(page, board, tab="hparams")
    page.locator(".ranges summary").focus()
    page.keyboard.press("Enter")
    field = page.locator("fieldset", has_text="loss/test").get_by_label("most")
    means = np.sort(last_values(board, "loss/test").reshape(-1, SEEDS).mean(1))
    field.focus()
    page.keyboard.type(f"{(means[2] + means[3]) / 2:.6f}")
    page.keyboard.press("Enter")
    page.locator(".parallel-coordinates output", has_text="3 of 6 lines").wait_for()
    box = page.locator("fieldset", has_text="activation").get_by_label("relu")
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelectorAll('.lines path.active').length < 3")
    assert page.locator(".brush[data-axis=activation] .selection").get_attribute("height")
    page.get_by_role("button", name="Clear all brushes").focus()
    page.keyboard.press("Enter")
    page.locator(".parallel-coordinates output", has_text="all 6 lines").wait_for()


def test_scatter_matrix_has_a_panel_per_pair_and_a_point_per_trial(page, board):
    show(page, board, tab="hparams")
    matrix = page.locator(".matrix")
    matrix.wait_for()
    assert matrix.locator(".panel").count() == 2 * 2
    assert matrix.locator("circle").count() == 2 * 2 * 6
    axis = page.locator(".axes")
    axis.locator("summary").click()
    axis.get_by_label("accuracy/train").uncheck()
    assert matrix.locator(".panel").count() == 2
    pixels = (
        matrix.locator("g > g")
        .first.locator("circle")
        .evaluate_all("n => n.map(e => e.cy.baseVal.value)")
    )
    means = last_values(board, "loss/test").reshape(-1, SEEDS).mean(1)
    assert_affine(pixels, means)


def test_lines_take_the_colour_of_a_metric(page, board):
    show(page, board, tab="hparams")
    lines = page.locator(".lines path")
    lines.first.wait_for()
    before = lines.evaluate_all("n => n.map(e => e.getAttribute('stroke'))")
    page.get_by_label("Colour").select_option("loss/test")
    after = lines.evaluate_all("n => n.map(e => e.getAttribute('stroke'))")
    assert before != after and len(set(after)) == 6
    page.locator(".color-bar").wait_for()


def test_checked_rows_are_the_runs_that_are_drawn(page, board):
    show(page, board, tab="hparams")
    page.get_by_label("Choose digest-0.1-relu").uncheck()
    assert visible_runs(page) == "15 of 18 runs shown"
    assert page.locator(".lines path").count() == 5
    page.get_by_label("Choose all rows shown").check()
    assert visible_runs(page) == "18 of 18 runs shown"


def test_tabs_move_by_arrow_keys(page, board):
    show(page, board)
    page.locator("#tab-scalars").focus()
    for name in (*TABS[1:], TABS[0]):
        page.keyboard.press("ArrowRight")
        assert page.locator(f"#tab-{name}").get_attribute("aria-selected") == "true"
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
    page.keyboard.press("End")
    assert page.locator("#tab-hparams").get_attribute("aria-selected") == "true"


def test_every_control_is_reached_by_tab_key(page, board):
    show(page, board)
    card(page, "loss/train")
    wanted = page.locator("button:visible:not([tabindex='-1']), input:visible, select:visible")
    number = wanted.count()
    page.locator("body").evaluate("() => document.activeElement.blur()")
    reached = set()
    for _ in range(number + 30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "[...document.querySelectorAll('button, input, select')]"
                ".indexOf(document.activeElement)"
            )
        )
    disabled = page.locator(":disabled").count()
    assert len(reached - {-1}) >= number - disabled


def test_address_restores_the_view(page, board):
    show(page, board)
    page.get_by_label("Smoothing weight").fill("0.8")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Relative", exact=True).click()
    page.get_by_label("Ignore outliers").uncheck()
    page.get_by_label("Log scale", exact=True).check()
    page.get_by_label("Filter runs by pattern").fill("tanh")
    page.get_by_label("0.1/tanh/1", exact=True).uncheck()
    page.get_by_label("Seeds as mean and band").check()
    place = card(page, "loss/test")
    drag(page, place.locator("svg.frame").bounding_box(), (0.3, 0.2), (0.7, 0.5))
    page.wait_for_function("location.hash.includes('zoom=')")
    drawn, address = paths(place), page.url
    other = page.context.new_page()
    other.goto(address)
    again = card(other, "loss/test")
    assert paths(again) == drawn
    assert other.get_by_label("Filter runs by pattern").input_value() == "tanh"
    assert visible_runs(other) == "8 of 18 runs shown"
    assert other.get_by_role("button", name="Reset zoom").count() == 1
    other.close()


def test_address_restores_brushes_graph_and_step(page, board):
    show(page, board, tab="hparams", brushes={"activation": ["relu"]}, by="run")
    page.locator(".chip", has_text="9 runs of 18").wait_for()
    show(page, board, tab="graph", open=["layer1", "layer1/act"], node="layer1/act/Tanh")
    page.locator(".chosen[data-path='layer1/act/Tanh']").wait_for()
    show(page, board, tab="distributions", step=50)
    assert "step 50 ·" in card(page, "layer1/bias").inner_text()


def test_page_says_what_is_damaged_and_what_was_thinned(page, board):
    show(page, board)
    text = page.locator("header").first.inner_text()
    assert board.index["notes"][0] in text
    assert "100 of 12,000 points are in this page" in text
    assert page.get_by_role("link", name="open it").get_attribute("href") == "full.html"


def test_tabs_without_data_say_what_is_missing(page, tmp_path, board):
    kept = {name: board.index[name] for name in ("title", "logdir", "runs", "colors")}
    index = {
        **kept,
        **{"notes": [], "scalars": [], "histograms": [], "images": [], "graphs": []},
        **{"hparams": None, "thinned": None, "full": None},
    }
    path = tmp_path / "empty.html"
    path.write_text(render_page("tensorboard", "Empty", {"index": pack(index)}), encoding="utf-8")
    page.goto(path.as_uri())
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        assert "This page holds no" in page.locator(".content").inner_text()


def test_page_works_inside_a_report(page, board):
    content = base64.b64encode(board.path.read_bytes()).decode()
    page.set_content(
        "<iframe style='width:100%;height:850px;border:0' "
        f"src='data:text/html;base64,{content}'></iframe>"
    )
    frame = page.frames[1]
    frame.locator(".main").first.wait_for()
    frame.get_by_label("Filter runs by pattern").fill("relu")
    frame.locator("output", has_text="9 of 18").wait_for()
    page.wait_for_timeout(300)
    for tab, mark in MARKS.items():
        frame.locator(f"#tab-{tab}").click()
        frame.locator(mark).first.wait_for(state="attached")


def tabs_drawn(page):
    """Open every tab in turn; yield its name once all that is in view of it is drawn."""
    for tab in TABS:
        page.locator(f"#tab-{tab}").click()
        page.locator(MARKS[tab]).first.wait_for(state="attached")
        page.wait_for_function(
            """() => [...document.querySelectorAll(".card")]
              .every(card => card.querySelector("svg.frame, img, .empty"))"""
        )
        settle(page)
        yield tab


def settle(page) -> None:
    """Wait until the page has drawn what it was told."""
    frame = "new Promise((done) => requestAnimationFrame(done))"
    idle = "new Promise((done) => requestIdleCallback(done, { timeout: 200 }))"
    page.evaluate(f"{frame}.then(() => {frame}).then(() => {idle})")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_tab_has_a_serious_fault_of_accessibility(page, board, check_accessibility, scheme):
    page.emulate_media(color_scheme=scheme)
    show(page, board, brushes={"activation": ["relu"]}, open=["layer1"], trials=True)
    for _ in tabs_drawn(page):
        check_accessibility(page, colors_alone=scheme == "dark")


@pytest.mark.parametrize("width", [1280, 400])
def test_every_tab_fits_its_width(page, board, width):
    page.set_viewport_size({"width": width, "height": 800})
    show(page, board, open=["layer1", "layer1/act"])
    for tab in tabs_drawn(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_colours_of_lines_stand_out_in_light_and_dark(page, board):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        show(page, board)
        place = card(page, "loss/train")
        strokes = set(
            place.locator(".main").evaluate_all("n => n.map(e => e.getAttribute('stroke'))")
        )
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        back = luminance([int(part) for part in re.findall(r"\d+", ground)[:3]])
        for stroke in strokes:
            own = luminance([int(stroke[place : place + 2], 16) for place in (1, 3, 5)])
            low, high = sorted([own, back])
            assert (high + 0.05) / (low + 0.05) >= 3, (scheme, stroke)


@pytest.mark.parametrize("name", ["tensorboard", "tensorboard_thinned"])
def test_pages_of_real_runs_show_every_kind_of_data(page, smoke, name):
    path = smoke.folder / f"results/report/{name}.html"
    show(page, SimpleNamespace(path=path), tab="scalars", open=["conv1"])
    assert list(tabs_drawn(page)) == [*TABS]
    page.locator("#tab-graph").click()
    page.locator(".cluster[data-path=conv1]").wait_for()
    texts = page.locator(".edge text").evaluate_all("n => n.map(e => e.firstChild.data)")
    assert any("28×28×4" in text for text in texts)


def luminance(rgb: list[int]) -> float:
    share = np.array(rgb) / 255
    linear_light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear_light @ [0.2126, 0.7152, 0.0722])


NO_NUMBERS = """() => [...document.querySelectorAll("svg *")].flatMap((mark) =>
  [...mark.attributes].filter(({ value }) => /NaN|Infinity|undefined/.test(value))
    .map(({ name, value }) => `${mark.tagName} ${name}=${value}`))"""


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308, 1e308],
        [1.7e308, 1.7e308],
        [5e-324, 1e-323, 0],
        [np.nan, np.nan],
        [np.inf, -np.inf, 1],
    ],
)
def test_numbers_at_the_ends_of_what_there_is_are_drawn_as_numbers(page, tmp_path, values):
    graph = GraphDef()
    for name in ("", "x//y/", "x/y", "__proto__", "hasOwnProperty", "constructor/a", "x/y"):
        graph.node.add(name=name, op="Const")
    graph.node.add(name="last", op="Add", input=["__proto__", "x/y", "hasOwnProperty"])
    step = np.linspace(-(2**62), 2**62, len(values)).astype(np.int64)
    series = Scalars(step, np.full(len(values), START), np.array(values))
    runs = [Run("odd", START, {"odd": series}, graph=graph.SerializeToString())]
    path = tmp_path / "page.html"
    path.write_text(make_page(runs, "odd", "logs"))
    page.goto(path.as_uri())
    chart = page.locator("svg.frame")
    chart.hover()
    assert page.evaluate(NO_NUMBERS) == []
    page.get_by_label("Log scale of odd").click()
    chart.hover()
    assert page.evaluate(NO_NUMBERS) == []
    page.locator("#tab-graph").click()
    page.locator(".graph .box").first.wait_for()
    assert page.evaluate(NO_NUMBERS) == []
