"""The real TensorBoard server, asked through its HTTP interface about runs of the CNN."""

import numpy as np
import pytest
from conv_noise import CELL, DATA, make_settings
from tensorboard_server import (
    compare_histograms,
    compare_hparams,
    compare_images,
    compare_scalars,
    read_page,
    serve,
    wait_for,
)

from restudy.analysis.event_files import read_log
from restudy.analysis.events import read_histograms, read_scalars
from restudy.families.conv.training import train_conv
from restudy.views.tensorboard_page import make_page


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Two seeds of one cell, and one of another that diverges."""
    folder = tmp_path_factory.mktemp("logs")
    diverging = {"kind": "gradient_descent", "learning_rate": 1e5}
    for name, seed, changes in (
        ("relu/seed~0", 0, {}),
        ("relu/seed~1", 1, {}),
        ("tanh/seed~0", 0, {"activation": "tanh"}),
        ("wild/seed~0", 0, {"optimizer": diverging}),
    ):
        train_conv(
            make_settings(**changes),
            DATA,
            seed,
            folder / name / "events",
            folder.parent / "checkpoints" / name,
            name,
            1,
            print,
            lambda step, loss: None,
        )
    return folder


@pytest.fixture(scope="module")
def ask(logs):
    """Function (path, query) -> the server's answer."""
    with serve(logs) as ask:
        wait_for(lambda: len(ask("plugin/images/tags")) == 3)
        yield ask


def test_runs_are_there(ask):
    assert set(ask("runs")) == {
        "relu/seed~0/events",
        "relu/seed~1/events",
        "tanh/seed~0/events",
        "wild/seed~0/events",
    }


def test_every_scalar_is_the_one_in_the_files(ask, logs):
    tags = ask("plugin/scalars/tags")
    for run in ("relu/seed~0/events", "wild/seed~0/events"):
        table = read_scalars(logs / run)
        assert set(tags[run]) == set(table["tag"])
        for tag, rows in table.groupby("tag"):
            answer = ask("plugin/scalars/scalars", run=run, tag=tag)
            assert [point[1] for point in answer] == rows["step"].tolist(), tag
            assert [point[2] for point in answer] == rows["value"].tolist(), tag


def test_tags_are_readable(ask):
    tags = set(ask("plugin/scalars/tags")["relu/seed~0/events"])
    assert {"loss/train", "accuracy/validation", "error/test", "speed/examples_per_second"} <= tags
    for layer in ("conv1", "conv2", "fc1", "fc2"):
        assert f"{layer}/grad_norm" in tags
        assert f"{layer}/weights/mean" in tags
        assert (f"{layer}/saturated_share" in tags) == (layer != "fc2")
        assert (f"{layer}/dead_share" in tags) == (layer != "fc2")
    assert {"conv1/net_input/std", "conv2/pooled/max", "fc1/activation/min"} <= tags


def test_histograms_and_distributions(ask, logs):
    run = "relu/seed~0/events"
    table = read_histograms(logs / run)
    assert set(ask("plugin/histograms/tags")[run]) == set(table["tag"])
    assert set(ask("plugin/distributions/tags")[run]) == set(table["tag"])
    for tag in ("conv1/weights", "fc1/net_input"):
        answer = ask("plugin/histograms/histograms", run=run, tag=tag)
        rows = table[table["tag"] == tag]
        assert [entry[1] for entry in answer] == sorted(set(rows["step"]))
        buckets = np.concatenate([entry[2] for entry in answer])
        np.testing.assert_array_equal(buckets, rows[["left", "right", "count"]])
        assert len(ask("plugin/distributions/distributions", run=run, tag=tag)) == len(answer)


def test_graph_with_name_scopes(ask):
    run = "relu/seed~0/events"
    assert ask("plugin/graphs/info")[run]["run_graph"]
    graph = ask("plugin/graphs/graph", run=run).decode()
    for scope in ("input", "conv1", "conv2", "fc1", "dropout", "fc2", "loss", "optimizer"):
        assert f'name: "{scope}/' in graph, scope


def test_images(ask):
    found = ask("plugin/images/tags")["tanh/seed~0/events"]
    assert set(found) == {"conv1/filters", "test/confusion", "test/worst_judged"}
    for tag in found:
        (entry,) = ask("plugin/images/images", run="tanh/seed~0/events", tag=tag, sample=0)
        assert entry["step"] == 8
        picture = ask(f"plugin/images/individualImage?{entry['query']}")
        assert picture.startswith(b"\x89PNG")


def test_hparams_group_the_seeds_of_a_cell(ask, logs):
    experiment = ask("plugin/hparams/experiment", body={"experimentName": ""})
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert set(CELL) | {"learning_rate", "steps", "batch_size", "dropout_keep"} == names
    metrics = [info["name"]["tag"] for info in experiment["metricInfos"]]
    assert metrics == ["accuracy/test", "loss/test", "accuracy/validation", "loss/validation"]

    answer = ask(
        "plugin/hparams/session_groups",
        body={
            "experimentName": "",
            "allowedStatuses": [
                f"STATUS_{status}" for status in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")
            ],
            "colParams": [{"hparam": "activation"}, {"metric": {"tag": "accuracy/test"}}],
            "startIndex": 0,
            "sliceSize": 10,
        },
    )
    groups = {
        tuple(sorted(session["name"] for session in group["sessions"])): group
        for group in answer["sessionGroups"]
    }
    assert set(groups) == {
        ("relu/seed~0/events", "relu/seed~1/events"),
        ("tanh/seed~0/events",),
        ("wild/seed~0/events",),
    }
    group = groups["relu/seed~0/events", "relu/seed~1/events"]
    assert group["hparams"]["activation"] == "relu"
    assert group["hparams"]["learning_rate"] == 1e-3
    assert {session["status"] for session in group["sessions"]} == {"STATUS_SUCCESS"}
    (wild,) = groups[("wild/seed~0/events",)]["sessions"]
    assert wild["status"] == "STATUS_FAILURE"
    for session in group["sessions"]:
        table = read_scalars(logs / session["name"])
        last = table[table["tag"] == "accuracy/test"]["value"].iloc[-1]
        (value,) = [m for m in session["metricValues"] if m["name"]["tag"] == "accuracy/test"]
        assert value["value"] == last


def test_page_has_what_the_server_returns(ask, logs):
    page = read_page(make_page(read_log(logs), "runs", str(logs)))
    assert compare_scalars(ask, page) > 1000
    assert compare_histograms(ask, page) > 150
    assert compare_images(ask, page) == 9
    assert len(compare_hparams(ask, page)) == 4
    assert page["index"]["notes"] == []
