"""The benchmarks' own sums, and that their contestants train one and the same network."""

import importlib.util
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from restudy.data.idx import format_idx, read_idx
from restudy.data.points import make_points
from restudy.data.tables import write_table
from restudy.study.config import complete_config

FOLDER = ROOT / "benchmarks"
CASE = {"units": 3, "depth": 2, "replicates": 2, "precision": "float64", "passes": 20}
sys.path += [str(FOLDER), str(FOLDER / "contestants")]

import claims_errors  # noqa: E402
import conv_project  # noqa: E402
import conv_speed  # noqa: E402
import dense_speed  # noqa: E402
import draw_conv_speed  # noqa: E402
import interleave  # noqa: E402
import scale  # noqa: E402

CONV_CASE = {"threads": 1, "batch_size": 4, "steps": 2}
MODULES = {"pytorch": "torch", "jax": "jax"}  # what a peer needs


def contest(name, case=CASE):
    done = subprocess.run(
        [sys.executable, FOLDER / "contestants" / f"{name}.py", json.dumps(case)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_this_project_and_the_published_style_end_with_the_same_losses():
    ours, theirs = contest("this_project"), contest("published_style")
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-12)
    assert ours["microseconds"] > 0 and ours["memory_mb"] > 10


def test_scikit_learn_runs():
    assert len(contest("scikit_learn")["losses"]) == CASE["replicates"]


def test_floor_counts_every_product_and_every_tanh():
    machine = {"gigaflops": 1.0, "tanh_nanoseconds": 0.0}
    # Two products of 3 x 3 x 200 for the first layer, three of 2 x 4 x 200 for the last.
    expected = 2 * 200 * (2 * 9 + 3 * 8) / 1e3
    case = CASE | {"depth": 1}
    assert dense_speed.floor_microseconds(case, machine) == pytest.approx(expected)
    machine = {"gigaflops": float("inf"), "tanh_nanoseconds": 2.0}
    assert dense_speed.floor_microseconds(case, machine) == pytest.approx(1.2)


def test_cases_that_are_not_measured_again_stay_in_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(interleave, "HERE", tmp_path)

    def rows(*cases, value):
        return [
            {"units": units, "precision": precision, "contestant": name, "value": value}
            for units, precision in cases
            for name in ("b", "a")
        ]

    keys = ("units", "precision")
    interleave.write_table(rows((50, "float32"), (3, "float64"), value=1), "t.csv", keys)
    interleave.write_table(rows((50, "float32"), (100, "float32"), value=2), "t.csv", keys)
    lines = (tmp_path / "results/t.csv").read_text().splitlines()
    assert lines == [
        "units,precision,contestant,value",
        *("3,float64,b,1", "3,float64,a,1"),
        *("50,float32,b,2", "50,float32,a,2"),
        *("100,float32,b,2", "100,float32,a,2"),
    ]


def test_a_contestant_that_trains_something_else_is_refused():
    results = {
        "this_project": {"losses": [0.5, 0.25]},
        "published_style": {"losses": [0.5, 0.25 * (1 + 1e-8)]},
    }
    with pytest.raises(SystemExit, match="published_style"):
        dense_speed.check_losses(results, "float64")
    dense_speed.check_losses(results, "float32")


def test_filters_pick_cases_by_all_of_their_values():
    assert interleave.matches(CASE, {"units": "3", "precision": "float64"})
    assert interleave.matches(CASE, {})
    assert not interleave.matches(CASE, {"units": "3", "depth": "1"})
    four_layers = CASE | {"depth": 4}
    assert interleave.pick([CASE, four_layers], ["units=50", "units=3,depth=4"]) == [four_layers]


def test_ratios_are_those_of_the_medians():
    results = {
        name: [{"microseconds": time, "memory_mb": 100} | {"losses": [1.0]} for time in times]
        for name, times in (("this_project", (1, 2, 9)), ("published_style", (8, 30, 10)))
    }
    rows = dense_speed.summarize(CASE, results, {"gigaflops": 50, "tanh_nanoseconds": 2})
    ratios = {row["contestant"]: row["this_project_over_it"] for row in rows}
    assert ratios == {"this_project": 1.0, "published_style": 0.2}


def test_programs_take_turns(monkeypatch):
    order = []
    monkeypatch.setattr(interleave, "measure", lambda program: order.append(program.script))
    programs = {name: interleave.Program(name, CASE) for name in ("a", "b")}
    interleave.take_turns(programs, repeats=2)
    assert order == ["a", "b", "a", "b"]


def test_a_program_that_fails_is_left_out_with_its_message(capfd):
    assert interleave.measure_all({"none": interleave.Program("no_such_program", {})}) == {}
    assert "no_such_program left out: " in capfd.readouterr().err


def test_what_a_program_found_is_the_last_line_that_it_prints(tmp_path, monkeypatch):
    monkeypatch.setattr(interleave, "HERE", tmp_path)
    (tmp_path / "contestants").mkdir()
    script = (
        "import json, sys\nprint('a library says hello')\nprint(json.dumps({'got': sys.argv[1]}))\n"
    )
    (tmp_path / "contestants/chatty.py").write_text(script)
    found = interleave.measure(interleave.Program("chatty", {"units": 3}))
    assert json.loads(found["got"]) == {"units": 3}


def test_conv_contestants_train_one_and_the_same_network():
    names = [
        name
        for name in conv_speed.CONTESTANTS
        if name not in MODULES or importlib.util.find_spec(MODULES[name])
    ]
    losses = {name: contest(f"conv_{name}", CONV_CASE | {"check": True})["loss"] for name in names}
    assert conv_speed.agreeing(losses) == tuple(names)
    assert len(names) >= 2


def test_conv_step_of_this_project_is_timed():
    found = contest("conv_this_project", CONV_CASE | {"monitor_interval": 1})
    assert found["milliseconds"] > 0 and found["memory_mb"] > 10


def test_conv_step_without_summaries_is_timed():
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10
    data = conv_project.split(images, labels, heldout=4)
    assert conv_project.seconds_per_step(data, 1, 4, steps=2, monitor_interval=0) > 0


def test_conv_start_up_is_told_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(conv_speed, "TRAINING_IMAGES", 5100)
    monkeypatch.setattr(conv_speed, "TEST_IMAGES", 10)
    conv_speed.write_images(tmp_path)
    for path in tmp_path.glob("*-images.idx"):  # 5,000 of them are evaluated in the end
        path.write_bytes(format_idx(read_idx(path)[:, ::3, ::3]))
    found = contest("conv_start_up", {"folder": str(tmp_path), "started": time.time()})
    assert found.keys() == {"import", "data", "first_update"}
    assert min(found.values()) > 0


def test_conv_machine_takes_the_better_library():
    found = contest("conv_machine", {"threads": 1})
    assert found["gigaflops"] == max(found["numpy"], found["tensorflow"]) > 0


def test_conv_step_counts_every_product_but_the_first_layers_input_gradient():
    convolutions = 2 * 28 * 28 * 25 * 32 + 3 * 14 * 14 * 25 * 32 * 64
    dense = 3 * 3136 * 1024 + 3 * 1024 * 10
    assert conv_speed.step_gigaflop(50) == pytest.approx(2e-9 * 50 * (convolutions + dense))


def test_conv_cases_need_as_many_cores_as_threads():
    assert {case["threads"] for case in conv_speed.cases(1.0, cores=1)} == {1}
    assert len(conv_speed.cases(1.0, cores=2)) == 4


def test_conv_summaries_are_timed_over_whole_intervals():
    assert conv_speed.monitored(CONV_CASE | {"steps": 101}).case["steps"] == 200


def test_a_conv_contestant_that_trains_something_else_is_left_out(capsys):
    losses = {"jax": 2.01, "pytorch": 2.001, "this_project": 2.0}
    assert conv_speed.agreeing(losses) == ("pytorch", "this_project")
    assert capsys.readouterr().err.startswith("jax left out")


def test_conv_rows_and_picture(tmp_path):
    results = {
        name: [CONV_CASE | {"milliseconds": time, "memory_mb": 100} for time in times]
        for name, times in (("pytorch", (8, 30, 10)), ("this_project", (1, 2, 9)))
    }
    rows = conv_speed.summarize(CONV_CASE, results, gigaflops=1e3 * conv_speed.step_gigaflop(4))
    assert [row["this_project_over_it"] for row in rows] == [0.2, 1.0]
    assert [row["share_of_machine"] for row in rows] == [0.1, 0.5]
    assert [row["examples_per_second"] for row in rows] == [400, 2000]
    assert conv_speed.describe(rows).startswith("threads 1, batches of 4: pytorch 10.0,")
    table = tmp_path / "conv_speed.csv"
    interleave.write_table(rows, table)
    draw_conv_speed.draw(table, tmp_path / "conv_speed.svg")
    assert (tmp_path / "conv_speed.svg").stat().st_size > 1000


def test_made_up_results_are_those_that_training_jobs_leave(tmp_path):
    config = yaml.safe_load(scale.CONFIG.read_text())
    family = scale.family_of(config)
    part = scale.PARTS[100] | {"initializer": ["orthogonal"], "protocol": ["l2_0", "l2_0_1"]}
    part |= {"hidden_size": [2, 3], "activation": ["tanh", "relu"]}
    config[family.name]["studies"]["grid"]["vary"] = part
    folder = tmp_path / "results/data/moons"
    folder.mkdir(parents=True)
    write_table(make_points(complete_config(config)["datasets"]["moons"])[0], folder / "points.csv")
    scale.write_results(tmp_path, config)
    names = {artefact.name for artefact in family.artefacts} | {"provenance.json"}
    runs = sorted((tmp_path / "results").rglob("runs.csv"))
    assert len(runs) == 2 * 2 * 2
    losses = set()
    for path in runs:
        assert {each.name for each in path.parent.iterdir()} == names
        for table in (pd.read_csv(path), pd.read_parquet(path.parent / "history.parquet")):
            (row,) = table[list(family.axis_names)].drop_duplicates().astype(str).to_numpy()
            spelled = zip(family.axis_names, row, strict=True)
            place = "/".join(f"{axis}~{value}" for axis, value in spelled)
            assert path.parent == tmp_path / "results" / family.name / place
        losses.update(table["train_loss"])
    assert len(losses) == len(runs) * len(table)


# ---- How often verdicts are wrong ---------------------------------------------------------------


def test_the_page_of_statistics_shows_what_was_simulated_and_it_keeps_its_promise():
    table = pd.read_csv(FOLDER / "results/claims_errors.csv")
    text = (ROOT / "docs/statistics.md").read_text()
    assert claims_errors.document(table, text) == text
    assert set(table["kind"]) == set(claims_errors.KINDS) and set(table["seeds"]) == set(
        claims_errors.SEEDS
    )
    # What is promised of any distribution; a share of 5% has a standard error.
    promised = table[table["judged_by"] != "normal"]
    assert (promised["false"] <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / promised["tables"])).all()
    covers = promised.loc[promised["given"] > 0.5, "covers"]
    assert (covers >= 0.93).all()


def test_simulated_errors_are_those_of_known_distributions():
    """Of the sign test, a false verdict is a tail of the binomial distribution, on either side."""
    generator = np.random.default_rng(0)
    for n in (10, 20):
        count = int(stats.binom.isf(0.025, n, 0.5)) + 1
        expected = 2 * stats.binom.sf(count - 1, n, 0.5)
        wrong = [
            claims_errors.verdicts(generator.normal(size=(1, n)), np.zeros(1), "typical_seed").any()
            for _ in range(2_000)
        ]
        assert np.mean(wrong) == pytest.approx(expected, abs=3 * np.sqrt(expected / 2_000))
