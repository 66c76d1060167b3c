"""The page of a log directory: every number as in the files, or a word on what was thinned."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, bound_by_permissions, environment
from tensorboard.plugins.hparams import api as hparams
from tensorboard_server import (
    compare_histograms,
    compare_hparams,
    compare_images,
    compare_scalars,
    read_page,
    runs_with,
    serve,
    wait_for,
)
from test_event_files import number, start_of, write_events

from restudy.analysis.event_files import read_log, read_run
from restudy.views.graphs import arrange_graph
from restudy.views.tensorboard_page import (
    MIN_POINTS,
    PageSizeError,
    choose_evenly,
    choose_points,
    encode_edges,
    make_page,
    restore_edges,
    same_bits,
)

SCRIPT = ROOT / "scripts/export_tensorboard.py"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Runs of PyTorch, of several writers of TensorFlow, long ones, restarted and broken ones."""
    folder = tmp_path_factory.mktemp("page") / "logs"
    shutil.copytree(ROOT / "tests/data/pytorch_log", folder / "pytorch")
    random = np.random.default_rng(1)
    for run in ("long", "long/validation"):
        with tf.summary.create_file_writer(str(folder / run)).as_default():
            if run == "long":
                hparams.hparams({"rate": 0.1, "units": 3, "kind": "long", "deep": True}, "trial")
            for step in range(1100):
                tf.summary.scalar("loss/α & <b>", random.normal(), step)
                if step % 10 == 0:
                    tf.summary.histogram("tensor", random.normal(size=200), step)
                    tf.summary.histogram("constant", np.full(5, -3.5), step)
            tf.summary.scalar("loss/last", 0.5, 5)
            tf.summary.image("noise", random.uniform(size=(3, 5, 7, 1)), 0)

    @tf.function
    def double(x):
        with tf.name_scope("scope"):
            return 2.0 * x + tf.ones([2, 3])

    with tf.summary.create_file_writer(str(folder / "graph")).as_default():
        tf.summary.graph(double.get_concrete_function(tf.TensorSpec([2, 3])).graph)
        for step, value in enumerate((np.nan, np.inf, -np.inf)):
            tf.summary.scalar("not finite", value, 2**33 * step)
    for name, steps in (("1", range(6)), ("2", range(4, 9))):
        events = [start_of(), *(number("x", step, step + int(name)) for step in steps)]
        write_events(folder / f"restarted/a.tfevents.{name}", events)
    write_events(
        folder / "damaged/a.tfevents.1", [start_of(), *(number("x", i, i) for i in range(9))]
    )
    with (folder / "damaged/a.tfevents.1").open("ab") as file:
        file.write(b"remains of a disk")
    (folder / "empty").mkdir()
    (folder / "empty/a.tfevents.1").touch()
    return folder


@pytest.fixture(scope="module")
def page(logs):
    return read_page(make_page(read_log(logs), "all sorts", "the/logs"))


def test_page_has_what_the_server_returns_of_all_writers(logs, page):
    with serve(logs) as ask:
        names = {run["name"] for run in page["index"]["runs"]}
        wait_for(lambda: set(ask("runs")) == names and "restarted" in ask("plugin/scalars/tags"))
        assert compare_scalars(ask, page) == 2 * 1101 + 3 + 21 + 2 * 20 + 2 + 11 + 9
        assert compare_histograms(ask, page) == 2 * 220 + 6
        assert compare_images(ask, page) == 2 * 3 + 3
        tags = ask("plugin/scalars/tags")
        assert tags["long"].keys() == {"loss/α & <b>", "loss/last"}


def test_hyperparameters_are_those_of_the_server_whoever_wrote_them(tmp_path, logs):
    # In a directory of its own: of several experiments the server shows one at random.
    for name, source in (("tensorflow", "long"), ("pytorch", "pytorch/search")):
        shutil.copytree(logs / source, tmp_path / name / "runs")
        page = read_page(make_page(read_log(tmp_path / name), "x", "x"))
        with serve(tmp_path / name) as ask:
            wait_for(lambda ask=ask, page=page: len(ask("runs")) == len(page["index"]["runs"]))
            wait_for(lambda ask=ask: ask("plugin/scalars/tags"))
            rows = compare_hparams(ask, page)
        assert len(rows) == {"tensorflow": 1, "pytorch": 2}[name]
        kinds = {entry["name"]: entry["kind"] for entry in page["index"]["hparams"]["names"]}
        assert kinds["rate"] == "number" and kinds["kind"] == "text"
        assert kinds.get("deep", "boolean") == "boolean"


def test_index_names_runs_tags_and_faults(page, logs):
    index = page["index"]
    assert index["title"] == "all sorts" and index["logdir"] == "the/logs"
    assert index["thinned"] is None and index["full"] is None
    notes = "\n".join(index["notes"])
    for words in (
        "Run empty: ",
        "empty event file",
        "Run damaged: ",
        "damaged event file; 10 records of it can be read",
        "Run restarted: 2 values in 1 tag, such as x, stand before others",
        "another kind (text)",
    ):
        assert words in notes, words
    runs = {run["name"]: run for run in index["runs"]}
    assert runs["empty"]["start"] is None and runs["long"]["group"] == "trial"
    assert runs["long"]["hparams"] == {"deep": True, "kind": "long", "rate": 0.1, "units": 3}
    assert runs["long/validation"]["hparams"] is None
    assert runs["pytorch/search/trial_1"]["status"] == "success"
    assert index["colors"][0].startswith("#") and len(index["colors"]) == len(runs)
    described = {run: read_run(logs / run) for run in runs}
    assert [entry["tag"] for entry in index["scalars"]] == sorted(
        {tag for run in described.values() for tag in run.scalars}
    )


def test_seeds_of_a_trial_share_a_colour_and_trials_differ(tmp_path):
    for name, trial in (("a/0", "a"), ("a/1", "a"), ("b/0", "b")):
        with tf.summary.create_file_writer(str(tmp_path / name)).as_default():
            hparams.hparams({"name": trial}, trial_id=trial)
            tf.summary.scalar("loss", 1.0, 0)
    first, second, other = read_page(make_page(read_log(tmp_path), "x", "x"))["index"]["colors"]
    assert first == second != other


def test_steps_beyond_32_bits_and_what_is_no_number_are_kept(page):
    series = runs_with(page, "scalars")["graph"]["not finite"]
    assert series["step"] == [0, 2**33, 2**34]
    assert series["value"] == ["NaN", "Infinity", "-Infinity"]


def test_graph_has_operations_connections_and_shapes(logs, page):
    (place,) = (
        number
        for number, entry in enumerate(page["index"]["graphs"])
        if page["index"]["runs"][entry["run"]]["name"] == "graph"
    )
    nodes = page[f"graph-{place}"]["nodes"]
    assert nodes == arrange_graph(read_run(logs / "graph").graph)
    found = {node["name"]: node for node in nodes}
    add, ones = found["scope/add"], found["scope/ones"]
    assert add["op"] == "AddV2" and add["shapes"] == [[2, 3]] and add["attributes"]["T"] == "float"
    assert [nodes[source]["name"] for source, _ in add["inputs"]] == ["scope/mul", "scope/ones"]
    assert ones["shapes"] == [[2, 3]]


def test_graph_tells_outputs_from_order_and_enters_functions():
    @tf.function
    def inner(x):
        return tf.math.top_k(x, 2)

    @tf.function
    def outer(x):
        with tf.control_dependencies([tf.constant(1.0, name="before")]):
            values, places = inner(x)
            return values, tf.cast(places, tf.float32)

    graph = outer.get_concrete_function(tf.TensorSpec([5])).graph.as_graph_def()
    nodes = arrange_graph(graph.SerializeToString())
    found = {node["name"]: node for node in nodes}
    call = found["PartitionedCall"]
    assert [[nodes[source]["name"], output] for source, output in call["inputs"]] == [
        ["x", 0],
        ["before", -1],
    ]
    (cast,) = (node for node in graph.node if node.op == "Cast")
    ((source, output),) = found[cast.name]["inputs"]
    expected = cast.input[0].split(":")
    assert nodes[source]["name"] == expected[0] and output == int([*expected, 0][1])
    scope = call["attributes"]["f"]
    inside = [node for node in nodes if node["name"].startswith(f"{scope}/")]
    assert "TopKV2" in {node["op"] for node in inside}
    assert "Argument" in {node["op"] for node in inside}
    (top,) = (node for node in inside if node["op"] == "TopKV2")
    assert nodes[top["inputs"][0][0]]["name"] == f"{scope}/x"


def test_graph_that_is_damaged_has_no_operations():
    assert arrange_graph(b"no graph") == []


def series_of_numbers(kind, count=1000):
    random = np.random.default_rng(count)
    return {
        "noise": random.normal(size=count),
        "rising": np.arange(count, dtype=float),
        "constant": np.ones(count),
        "spike": np.where(np.arange(count) == 577, 1e9, 0.0),
        "infinite": np.where(np.arange(count) == 3, -np.inf, random.normal(size=count)),
        "broken": np.where(np.arange(count) >= 600, np.nan, random.normal(size=count)),
        "nan": np.full(count, np.nan),
    }[kind]


@pytest.mark.parametrize("cap", [MIN_POINTS, 6, 50, 333, 999])
@pytest.mark.parametrize(
    "kind", ["noise", "rising", "constant", "spike", "infinite", "broken", "nan"]
)
def test_thinning_keeps_ends_extremes_and_the_first_that_is_no_number(kind, cap):
    values = series_of_numbers(kind)
    kept = choose_points(values, cap)
    assert len(kept) <= cap and kept[0] == 0 and kept[-1] == len(values) - 1
    assert np.all(np.diff(kept) > 0)
    if kind != "nan":
        assert np.nanmin(values[kept]) == np.nanmin(values)
        assert np.nanmax(values[kept]) == np.nanmax(values)
    if np.isnan(values).any():
        assert np.flatnonzero(np.isnan(values))[0] in kept


def test_thinning_keeps_least_and_largest_of_every_stretch():
    values = series_of_numbers("noise", 2002)
    kept = choose_points(values, 42)
    assert len(kept) == 42
    for stretch in np.split(np.arange(1, 2001), 20):
        inside = values[kept[(kept >= stretch[0]) & (kept <= stretch[-1])]]
        assert sorted(inside) == [values[stretch].min(), values[stretch].max()]


def test_pictures_are_thinned_at_even_distances():
    assert choose_evenly(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert choose_evenly(7, 2).tolist() == [0, 6]
    assert choose_evenly(7, 7).tolist() == choose_evenly(7, 0).tolist() == list(range(7))


def buckets_of(low, high, size, kind=np.float64):
    """Rows as NumPy's linspace makes them."""
    edges = np.linspace(kind(low), kind(high), size + 1, dtype=np.float64)
    return np.stack([edges[:-1], edges[1:], np.ones(size)], axis=1)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_equal_buckets_are_restored_bit_by_bit(kind):
    random = np.random.default_rng(0)
    lows = random.normal(size=500) * 10.0 ** random.integers(-30, 30, 500)
    highs = lows + random.exponential(size=500) * np.abs(lows) * 10.0 ** random.integers(-3, 3, 500)
    rows = [buckets_of(low, high, 30, kind) for low, high in zip(lows, highs, strict=True)]
    edges = encode_edges(np.full(500, 30), np.concatenate(rows))
    assert edges["kind"] == "linear" and edges["single"] == (kind is np.float32)
    assert edges["low"].dtype == kind
    restored = restore_edges(np.full(500, 30), edges["low"], edges["high"], edges["single"])
    assert same_bits(restored, np.concatenate(rows)[:, :2])


def test_unequal_buckets_keep_their_edges():
    rows = np.concatenate([buckets_of(0, 1, 3), buckets_of(5, 9, 2)])
    assert encode_edges(np.array([3, 0, 2]), rows)["kind"] == "linear"
    rows[1, 0] = rows[0, 1] = np.nextafter(rows[1, 0], 1)
    joined = encode_edges(np.array([3, 0, 2]), rows)
    assert joined["kind"] == "joined"
    expected = [0, rows[0, 1], rows[1, 1], 1, 5, 7, 9]
    assert joined["edges"].tolist() == expected
    rows[4, 0] = 7.5
    explicit = encode_edges(np.array([3, 0, 2]), rows)
    assert explicit["kind"] == "explicit"
    assert explicit["left"].tolist() == rows[:, 0].tolist()
    assert explicit["right"].tolist() == rows[:, 1].tolist()


def test_asked_number_of_points_is_kept_and_the_page_says_so(logs):
    page = read_page(make_page(read_log(logs), "x", "x", points=20))
    index = page["index"]
    long = runs_with(page, "scalars")["long"]["loss/α & <b>"]
    assert len(long["step"]) == 20 and long["of"] == 1100
    values = read_run(logs / "long").scalars["loss/α & <b>"].value
    assert {values.min(), values.max(), values[0], values[-1]} <= set(long["value"])
    histograms = runs_with(page, "histograms")["long"]["tensor"]
    assert len(histograms["points"]) == 20 and histograms["of"] == 110
    assert (histograms["step"][0], histograms["step"][-1]) == (0, 1090)
    assert index["thinned"]["limit"] == 20 and index["thinned"]["series"] == 2 + 4 + 1
    assert index["thinned"]["of"] > index["thinned"]["kept"] > 100
    assert index["notes"][0].startswith("Scalars: 3 series thinned to at most 20 points")


def test_page_gets_as_small_as_it_must_and_says_where_the_full_one_is(logs):
    runs = read_log(logs)
    whole = make_page(runs, "x", "x")
    rest = len(make_page(runs[:0], "x", "x").encode())
    assert make_page(runs, "x", "x", max_bytes=len(whole.encode())) == whole
    for share in (0.8, 0.5, 0.35):
        room = int(share * (len(whole.encode()) - rest))
        text = make_page(runs, "x", "x", max_bytes=rest + room, full="all.html")
        assert rest + 0.5 * room < len(text.encode()) <= rest + room
        page = read_page(text)
        index = page["index"]
        assert index["full"] == "all.html"
        assert index["thinned"]["kept"] < index["thinned"]["of"] == 2288 + 446 + 5
        assert "The file all.html beside this one has all of them." in index["notes"][0]
        assert set(runs_with(page, "scalars")) == {run.name for run in runs if run.scalars}
    assert "left out" in "\n".join(index["notes"])
    with pytest.raises(PageSizeError, match="can't be as small as"):
        make_page(runs, "x", "x", max_bytes=rest + 1000)


def test_page_is_the_same_bytes_every_time(logs):
    assert make_page(read_log(logs), "x", "x") == make_page(read_log(logs), "x", "x")


def call(*arguments, before=()):
    return subprocess.run(
        [*before, sys.executable, "-m", "restudy", "tensorboard", *map(str, arguments)],
        env={**environment(), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_writes_the_page_and_reports_faults(logs, tmp_path):
    done = call(logs, tmp_path / "page.html", "--title", "My runs")
    assert done.returncode == 0, done.stderr
    assert "empty event file" in done.stderr and "MB, 12 runs" in done.stdout
    index = read_page((tmp_path / "page.html").read_text(encoding="utf-8"))["index"]
    assert index["title"] == "My runs" and index["logdir"] == str(logs)


@pytest.mark.parametrize(
    "options, words",
    [
        (["nowhere", "{page}"], "nowhere: no such directory"),
        (["{empty}", "{page}"], "no TensorBoard event file"),
        (["{logs}", "{page}", "--points-per-series", "2"], "2 points per series: it takes 5"),
        (["{logs}", "{page}", "--max-megabytes", "0.01"], "can't be as small as 0.01 MB"),
        (["{logs}", "{page}", "--max-megabytes", "nan"], "it takes more than 0"),
        (["{logs}", "no/folder/page.html"], "no/folder/page.html"),
    ],
)
def test_users_mistake_is_one_message_and_exit_code_2(logs, tmp_path, options, words):
    (tmp_path / "empty").mkdir()
    places = {"logs": logs, "empty": tmp_path / "empty", "page": tmp_path / "page.html"}
    done = call(*(option.format(**places) for option in options))
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "page.html").exists()


# As a job of the workflow

FAMILY_FILE = """
from restudy.families.contract import Artefact, Family, Measure

FAMILY = Family(
    name="svm", title="{title}", description="Support vectors.", takes="points", axes=(),
    measures=(Measure("train_accuracy", "Training accuracy", "Share."),), train="train",
    artefacts=(Artefact("runs.csv", "A row."), Artefact("events", "Events.", folder=True)),
)
"""
JOB = """
import json, runpy, sys
from types import SimpleNamespace


class Named(list):
    # As Snakemake has inputs, outputs, parameters and wildcards.
    def __init__(self, named):
        super().__init__(named.values())
        self.__dict__ = named
        self.items, self.get = dict(named).items, dict(named).get

given = json.loads(sys.argv[1])
job = SimpleNamespace(
    rule="export_tensorboard",
    wildcards=Named({}),
    log=[given["log"]],
    config={"files": {"families": given["files"]}},
    input=Named({"events": given["events"]}),
    params=Named({"families": given["families"]}),
    output=Named({"full": given["full"], "thinned": given["thinned"]}),
)
runpy.run_path(given["script"], init_globals={"snakemake": job})
"""


@pytest.mark.parametrize(
    ("title", "families", "heading", "directory", "names"),
    [
        ("SVM", ["svm"], "TensorBoard: SVM", "results/svm", ["x/events"]),
        ("Support vectors", ["svm"], "TensorBoard: support vectors", "results/svm", ["x/events"]),
        (
            "SVM",
            ["conv"],
            "TensorBoard: convolutional network",
            "results/conv",
            ["a/seed~0/events", "a/seed~1/events"],
        ),
        (
            "SVM",
            ["conv", "svm"],
            "TensorBoard",
            "results",
            ["conv/a/seed~0/events", "conv/a/seed~1/events", "svm/x/events"],
        ),
    ],
)
def test_job_shows_the_runs_of_every_family_that_leaves_events(
    tmp_path, title, families, heading, directory, names
):
    (tmp_path / "svm.py").write_text(FAMILY_FILE.format(title=title), encoding="utf-8")
    results = tmp_path / "bucket/results"
    for name in ("report", "logs"):
        (results / name).mkdir(parents=True)
    places = {"svm": ["svm/x/events"], "conv": ["conv/a/seed~1/events", "conv/a/seed~0/events"]}
    events = [str(results / place) for family in families for place in places[family]]
    for place in (place for family in places.values() for place in family):
        write_events(results / place / "a.tfevents.1", [start_of(), number("x", 0, 1)])
    given = {
        "script": str(SCRIPT),
        "log": str(results / "logs/export_tensorboard.log"),
        "files": [str(tmp_path / "svm.py")],
        "events": events,
        "families": families,
        "full": str(results / "report/tensorboard.html"),
        "thinned": str(results / "report/tensorboard_thinned.html"),
    }
    done = subprocess.run(
        [sys.executable, "-c", JOB, json.dumps(given)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    log = (results / "logs/export_tensorboard.log").read_text(encoding="utf-8")
    assert done.returncode == 0, done.stderr + log
    for name, full in (("full", None), ("thinned", "tensorboard.html")):
        page = read_page((results / given[name]).read_text(encoding="utf-8"))
        index = page["index"]
        assert (index["title"], index["logdir"]) == (heading, directory)
        assert [run["name"] for run in index["runs"]] == names
        assert index["full"] == full


def test_folders_whose_names_are_no_text_have_runs_of_their_own(tmp_path):
    events = [start_of(), number("loss", 0, 1)]
    for name in (b"exp\xe9rience", b"exp\xe8rience", "表".encode()):
        folder = os.fsdecode(os.fsencode(tmp_path / "logs") + b"/" + name)
        (tmp_path / "written").unlink(missing_ok=True)
        write_events(tmp_path / "written", events)
        Path(folder).mkdir(parents=True)
        shutil.copy(tmp_path / "written", f"{folder}/events.out.tfevents.1")
        # A note that names the file.
        shutil.copy(ROOT / "README.md", f"{folder}/events.out.tfevents.2")
    done = call(tmp_path / "logs", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    index = read_page((tmp_path / "page.html").read_text(encoding="utf-8"))["index"]
    names = [run["name"] for run in index["runs"]]
    assert sorted(names) == ["exp\ufffdrience", "exp\ufffdrience (2)", "表"]
    assert len(index["notes"]) == 3 and all("no event file" in note for note in index["notes"])


def test_steps_too_large_for_a_browser_are_told_of(tmp_path):
    first = 1_700_000_000_000_000_000
    write_events(
        tmp_path / "logs/a/events.out.tfevents.1",
        [start_of(), *(number("loss", first + 100 * i, i, wall=1.0 + i) for i in range(9))],
    )
    write_events(tmp_path / "logs/b/events.out.tfevents.1", [number("loss", 2**53, 1)])
    blocks = read_page(make_page(read_log(tmp_path / "logs"), "t", "logs"))
    ((run, other),) = blocks["scalars"]["series"]
    assert run["value"] == list(range(9)) and other["step"] == [2**53]
    expected = sum(int(float(step)) != step for step in range(first, first + 900, 100))
    (note,) = blocks["index"]["notes"]
    assert note.startswith(f"Run a: {expected} steps beyond 2^53") and "rounded" in note


def call_while_closed(place, folder):
    """Ask for the page of a folder's logs while a place in them may not be read."""
    place.chmod(0o000)
    try:
        return call(folder / "logs", folder / "page.html", before=bound_by_permissions())
    finally:
        place.chmod(0o755)


@pytest.mark.parametrize("hidden", ["colleague", "colleague/deep", "mine"])
def test_a_folder_that_may_not_be_read_is_told_of(tmp_path, hidden):
    for run in ("mine", "colleague/deep"):
        write_events(
            tmp_path / "logs" / run / "events.out.tfevents.1", [start_of(), number("loss", 0, 1)]
        )
    place = tmp_path / "logs" / hidden
    done = call_while_closed(place, tmp_path)
    said = f"{place}: Permission denied; nothing is read of it"
    assert done.returncode == 0 and said in done.stderr, done.stderr
    index = read_page((tmp_path / "page.html").read_text(encoding="utf-8"))["index"]
    other = "mine" if hidden != "mine" else "colleague/deep"
    assert sorted(run["name"] for run in index["runs"]) == sorted([hidden, other])
    assert index["notes"] == [f"Run {hidden}: {said}."]


def test_without_a_single_folder_that_may_be_read_there_is_no_page(tmp_path):
    folder = tmp_path / "logs/mine"
    write_events(folder / "events.out.tfevents.1", [start_of(), number("loss", 0, 1)])
    done = call_while_closed(folder, tmp_path)
    assert done.returncode == 2 and f"{folder}: Permission denied" in done.stderr
    assert not (tmp_path / "page.html").exists()
