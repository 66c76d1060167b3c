"""The real TensorBoard server, and the data of this project's page, for tests that compare them."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import numpy as np
from conftest import ROOT, need_file

START_UP = 120  # seconds at most
# It thins every series otherwise; 0 would mean none.
EVERYTHING = "scalars=100000,histograms=100000,images=100000"

READ = """
import {{ inflate, unpack }} from "{shared}/payload.js";
import {{ pointsOf }} from "{shared}/histograms.js";
import {{ readFileSync }} from "node:fs";
const found = {{}};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {{
  const block = unpack(await inflate(text));
  const columns = block.columns ?? [];
  const resolve = (node) => {{
    if (node === null || typeof node !== "object") return node;
    if (ArrayBuffer.isView(node.data)) return node.data;
    if (typeof node.ref === "number") return columns[node.ref].data;
    if (Array.isArray(node)) return node.map(resolve);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolve(value)]));
  }};
  found[name] = resolve(block);
  if (name.startsWith("histograms-"))
    for (const series of found[name].series) series.points = pointsOf(series);
}}
const plain = (key, node) => ArrayBuffer.isView(node) ? Array.from(node, (value) =>
  Number.isFinite(value) ? value : String(value)) : node;
console.log(JSON.stringify(found, plain));
"""


def read_page(page):
    """The blocks of a page by name, decoded by the page's own modules in Node."""
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    blocks = dict(
        re.findall(r'<script type="text/plain" id="block-([^"]+)">([^<]*)</script>', page)
    )
    program = READ.format(shared=(ROOT / "web/src/shared").as_uri())
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=json.dumps(blocks), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@contextlib.contextmanager
def serve(folder):
    """Function (path, body, **query) -> the answer of a server that shows a log directory."""
    command = ["-m", "tensorboard.main", "--logdir", folder, "--port", "0", "--load_fast", "false"]
    command += ["--reload_interval", "1", "--samples_per_plugin", EVERYTHING]
    server = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        address = next(
            match[1] for line in server.stderr if (match := re.search(r"(http://\S+:\d+)/", line))
        )

        def ask(path, body=None, **query):
            url = f"{address}/data/{path}"
            if query:
                url += f"?{urllib.parse.urlencode(query)}"
            content = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return json.loads(content) if is_json else content

        yield ask
    finally:
        server.terminate()
        server.communicate(timeout=30)


def wait_for(condition):
    """Wait until the server has read all files."""
    end = time.monotonic() + START_UP
    while not condition():
        assert time.monotonic() < end, "TensorBoard has not read the event files in time"
        time.sleep(0.5)


def runs_with(page, kind):
    """Run -> tag -> the series of a page's runs, of a kind of data that stands tag by tag."""
    runs = page["index"]["runs"]
    found = {}
    for number, entry in enumerate(page["index"][kind]):
        block = page["scalars"]["series"][number] if kind == "scalars" else None
        for series in page[f"{kind}-{number}"]["series"] if block is None else block:
            found.setdefault(runs[series["run"]]["name"], {})[entry["tag"]] = series
    return found


def compare_tags(ask, page, kind):
    """Assert that server and page have the same runs and tags; yield (run, tag, page's series)."""
    there = {run: set(tags) for run, tags in ask(f"plugin/{kind}/tags").items()}
    here = runs_with(page, kind)
    assert {run: set(tags) for run, tags in here.items()} == there
    for run, tags in here.items():
        for tag, series in tags.items():
            yield run, tag, series


def compare_scalars(ask, page):
    """Assert that every number, step and time is the same; return how many there are."""
    count = 0
    for run, tag, series in compare_tags(ask, page, "scalars"):
        answer = ask("plugin/scalars/scalars", run=run, tag=tag)
        ours = np.array([series["wall"], series["step"], series["value"]], float).T
        np.testing.assert_array_equal(ours, np.array(answer, float), f"{run} {tag}")
        count += len(answer)
    return count


def compare_histograms(ask, page):
    """Assert that every bucket of every histogram is the same; return how many histograms."""
    count = 0
    for run, tag, series in compare_tags(ask, page, "histograms"):
        # The interface of the page "Histograms" gives 51 of them, this one all.
        query = json.dumps([{"plugin": "histograms", "tag": tag, "run": run}])
        (answer,) = ask("plugin/timeseries/timeSeries", requests=query)
        for theirs, ours in zip(answer["runToSeries"][run], series["points"], strict=True):
            assert (theirs["step"], theirs["wallTime"]) == (ours["step"], ours["wall"])
            buckets = [
                [bucket[key] for key in ("min", "max", "count")] for bucket in theirs["bins"]
            ]
            edges = np.array([ours["left"], ours["right"], ours["count"]], float).T
            np.testing.assert_array_equal(edges, np.array(buckets, float).reshape(-1, 3))
            count += 1
    return count


def compare_images(ask, page):
    """Assert that every file of a picture is the same; return how many there are."""
    count = 0
    for run, tag, series in compare_tags(ask, page, "images"):
        for sample in range(max(map(len, series["pictures"]))):
            answer = ask("plugin/images/images", run=run, tag=tag, sample=sample)
            assert [entry["step"] for entry in answer] == series["step"]
            for entry, pictures in zip(answer, series["pictures"], strict=True):
                picture = ask(f"plugin/images/individualImage?{entry['query']}")
                assert picture == bytes(pictures[sample])
                count += 1
    return count


def compare_hparams(ask, page):
    """Assert that the table of hyperparameters and metrics is the same; return its rows."""
    index = page["index"]
    experiment = ask("plugin/hparams/experiment", body={"experimentName": ""})
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert names == {entry["name"] for entry in index["hparams"]["names"]}
    metrics = [
        (info["name"]["tag"], info["name"].get("group", "")) for info in experiment["metricInfos"]
    ]
    assert metrics == [(metric["tag"], metric["group"]) for metric in index["hparams"]["metrics"]]
    statuses = ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")
    answer = ask(
        "plugin/hparams/session_groups",
        body={
            "experimentName": "",
            "allowedStatuses": [f"STATUS_{status}" for status in statuses],
            "colParams": [{"hparam": name} for name in sorted(names)],
            "startIndex": 0,
            "sliceSize": 1000,
        },
    )
    rows = {
        session["name"]: (group["name"], group["hparams"], session)
        for group in answer["sessionGroups"]
        for session in group["sessions"]
    }
    ours = {run["name"]: run for run in index["runs"] if run["hparams"] is not None}
    assert set(rows) == set(ours)
    scalars = runs_with(page, "scalars")
    for name, (group, hparams, session) in rows.items():
        run = ours[name]
        assert (run["group"], run["hparams"]) == (group, hparams)
        assert f"STATUS_{run['status'].upper()}" == session["status"]
        theirs = {
            (value["name"]["tag"], value["name"].get("group", "")): value["value"]
            for value in session.get("metricValues", [])
        }
        place = {tag_group: "/".join(filter(None, [name, tag_group[1]])) for tag_group in metrics}
        assert theirs == {
            (tag, suffix): scalars[place[tag, suffix]][tag]["value"][-1]
            for tag, suffix in metrics
            if tag in scalars.get(place[tag, suffix], {})
        }
    return list(rows)
