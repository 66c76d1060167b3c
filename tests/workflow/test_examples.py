"""The complete examples of families, run as a user would, and a family in a Python of its own."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, copy_project, environment
from forked_snakemake import run_program
from second_python import install, make_environment

TORCH = "RESTUDY_TORCH_PYTHON"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("examples") / "project")


def run(project, name, *arguments):
    """Run snakemake on an example's configuration, in a folder of its own; return the folder."""
    folder = project.folder / "results" / name
    options = ("--configfile", f"examples/{name}/config.yaml", "--directory", f"results/{name}")
    done = project.snakemake("--cores", "2", *options, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results"


def check_learned(results, family, accuracy, replicates=3):
    """Check the tables that a study leaves, and that its networks have learned."""
    summary = pd.read_csv(results / f"tables/{family}_summary.csv")
    assert (summary["n"] == replicates).all() and (summary["diverged"] == 0).all()
    assert summary[f"{accuracy}_mean"].min() > 0.7
    history = pd.read_parquet(results / f"tables/{family}_history.parquet")
    losses = history.groupby("step")["train_loss"].mean()
    assert losses.iloc[-1] < 0.5 * losses.iloc[0]
    assert (results / "report/study.html").stat().st_size > 10_000


# Trains a run whole, and once more with a stop at its first checkpoint.
RESUME = """
import json, sys
from pathlib import Path

import numpy as np

from restudy.data.images import ImageSplit
from restudy.families.own_python import find_interpreter
from restudy.families.registry import read_family
from restudy.families.running import JobRun, train
from restudy.provenance.sums import byte_digest

folder, file, python, cell = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
family = read_family(Path(file))
generator = np.random.default_rng(0)
label = generator.integers(0, 3, 60)
x = generator.normal(label[:, None], size=(60, 64))
if family.takes == "points":
    data = dict.fromkeys(("train", "validation", "heldout"), (x, label))
else:
    images = np.clip(100 + 20 * x, 0, 255).astype("u1").reshape(-1, 8, 8)
    data = ImageSplit(*(images, label) * 3)
protocol = {"steps": 20, "batch_size": 10, "record_interval": 10, "filters": 2}
settings = {"cell": cell, "dataset": {}, "protocol": protocol}


class Stopped(KeyboardInterrupt):
    pass


class StoppedRun(JobRun):
    def checkpoint(self, step, state):
        super().checkpoint(step, state)
        if step == 10:
            raise Stopped


def train_in(name, kind):
    place = Path(folder, name)
    place.mkdir(exist_ok=True)
    places = {each.name: place / each.name for each in family.artefacts}
    run = kind(family, settings, data, (3,), places, place / "scratch", "id", 1, print)
    train(run, find_interpreter(python, "python") if python else None)
    return run.notes, {name: byte_digest(path) for name, path in places.items()}


_, whole = train_in("whole", JobRun)
try:
    train_in("resumed", StoppedRun)
except Stopped:
    notes, resumed = train_in("resumed", JobRun)
print(json.dumps({"from": notes["continued_from"], "same": whole == resumed}))
"""


def check_resumed(project, folder, file, cell, python=""):
    """Check that a run which was stopped ends with the bytes of one that was not."""
    cell = json.dumps({"dataset": "own", "protocol": "short", **cell})
    done = project.python("-c", RESUME, str(folder), file, python, cell)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"from": 10, "same": True}


def test_keras_goes_on_from_a_checkpoint(project, tmp_path):
    file = "examples/keras_images/small_network.py"
    check_resumed(project, tmp_path, file, {"activation": "tanh", "learning_rate": 0.01})


def test_keras_on_images(project):
    # Of three seeds one, as every job loads TensorFlow.
    fewer = {"protocols": {"short": {"replicates": 1}}}
    results = run(project, "keras_images", "--config", f"keras_net={json.dumps(fewer)}")
    check_learned(results, "keras_net", "test_accuracy", replicates=1)
    (weights, *others) = results.glob("keras_net/**/weights.npz")
    assert len(others) == 1
    with np.load(weights) as arrays:
        assert [array.ndim for array in arrays.values()] == [4, 1, 2, 1]


@pytest.fixture
def torch_python():
    """A Python that has PyTorch, which takes 5 GB with what it depends on."""
    if TORCH not in os.environ:
        pytest.skip(f"{TORCH} names no Python that has PyTorch")
    return os.environ[TORCH]


def test_pytorch_goes_on_from_a_checkpoint(project, tmp_path, torch_python):
    file = "examples/pytorch/torch_network.py"
    check_resumed(project, tmp_path, file, {"activation": "tanh", "channels": 2}, torch_python)


def test_pytorch_in_an_environment_of_its_own(project, torch_python):
    choice = ("--config", f"python={{torch_net: {torch_python}}}")
    check_learned(run(project, "pytorch", *choice), "torch_net", "heldout_accuracy")


# ---- A Python of its own -----------------------------------------------------------------------

CONFIG = {
    "families": ["numpy_network.py", "support_vectors.py"],
    "datasets": {"moons": {"kind": "moons", "points": 60, "heldout_points": 100}},
    "python": {"softmax": "second/bin/python"},
    "softmax": {
        "baseline": {"dataset": "moons", "protocol": "short", "rate": 0.5},
        "protocols": {"short": {"steps": 40, "replicates": 2}},
        "studies": {"rates": {"question": "How fast?", "vary": {"rate": [0.1, 0.5]}}},
    },
    "svm": {
        "baseline": {"dataset": "moons", "protocol": "usual", "kernel": "rbf", "c": 1},
        "protocols": {"usual": {"replicates": 1}},
        "studies": {"prices": {"question": "How dear?", "vary": {"c": [1]}}},
    },
}
CALL = ("--configfile", "mine/config.yaml", "--directory", "mine")
TABLES = ("results/tables/softmax_runs.csv", "results/tables/svm_runs.csv")


@pytest.fixture(scope="module")
def mine(project):
    """A folder in which a family trained in a second Python, and another one in the usual one."""
    folder = project.folder / "mine"
    folder.mkdir()
    for file in ("tests/data/numpy_network.py", "examples/scikit_learn/support_vectors.py"):
        shutil.copy(ROOT / file, folder)
    make_environment(folder / "second")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    done = project.snakemake("--cores", "2", *CALL, "--", *TABLES)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def why(project, *arguments):
    """What `explain_jobs` tells of the two tables."""
    call = (ROOT / "workflow/explain_jobs.py", *CALL, *arguments, "--", *TABLES)
    done = run_program(call, project.folder, environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_installed_there_is_recorded_of_its_jobs_alone(mine):
    runs = pd.read_csv(mine / TABLES[0])
    assert len(runs) == 4 and (runs["heldout_accuracy"] > 0.6).all()
    for path in mine.glob("results/softmax/**/provenance.json"):
        own = json.loads(path.read_text())["own_python"]
        assert own["packages"] == {"numpy": np.__version__} and own["python"]
    (other,) = mine.glob("results/svm/**/provenance.json")
    assert "own_python" not in json.loads(other.read_text())


def test_another_version_there_trains_its_family_again_and_no_other(project, mine):
    assert "Nothing would run" in why(project)
    moved = "--config", "python={softmax: there/bin/python}"
    (mine / "there").symlink_to("second")
    assert "Nothing would run" in why(project, *moved)
    install(mine / "second", "torchlike", "1.0")
    told = why(project)
    words = (
        "environment: requirements.lock, and the environment of softmax: torchlike (softmax) 1.0"
    )
    assert words in " ".join(told.split())
    assert "train_softmax, 4 jobs" in told and "train_svm" not in told


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("{softmax: nowhere/python}", "nowhere/python', which does not exist; allowed: the path"),
        ("{sotfmax: second/bin/python}", "python: got 'sotfmax'; allowed: the name of a family"),
        ("second/bin/python", "python: got 'second/bin/python'; allowed: keys with values"),
    ],
)
def test_a_python_that_cannot_be_used_stops_the_run_in_a_line(project, mine, python, words):
    done = project.snakemake("-n", *CALL, "--config", f"python={python}", "--", *TABLES)
    told = done.stdout + done.stderr
    assert done.returncode == 1 and words in told and "Traceback" not in told


def test_an_environment_that_nobody_makes_stops_the_run_before_a_job(project, tmp_path):
    call = ("--configfile", "examples/pytorch/config.yaml", "--directory", str(tmp_path))
    dry = project.snakemake("-n", *call)
    assert dry.returncode == 0, "a dry run needs none"
    done = project.snakemake("--cores", "1", *call)
    told = done.stdout + done.stderr
    assert done.returncode == 1 and "call snakemake with --sdm conda, or name a Python" in told
    assert "Traceback" not in told and not Path(tmp_path, "results").exists()


def test_what_fails_there_is_in_the_log_with_file_and_line(project, mine):
    text = (mine / "numpy_network.py").read_text()
    (mine / "broken.py").write_text(text.replace('run.log("trained")', "_helper()"))
    config = {**CONFIG, "families": ["broken.py"]}
    del config["svm"]
    (mine / "broken.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    cell = "dataset~moons/protocol~short/rate~0.2/seed~0"
    call = ("--configfile", "mine/broken.yaml", "--directory", "mine")
    done = project.snakemake("--cores", "1", *call, "--", f"results/softmax/{cell}/runs.csv")
    assert done.returncode == 1
    log = (mine / f"results/logs/train_softmax/{cell}.log").read_text()
    line = text.splitlines().index('    run.log("trained")') + 1
    stopped = f"stopped: broken.py, line {line}: NameError: name '_helper' is not defined"
    assert log.splitlines()[-1].endswith(stopped)
    assert f'broken.py", line {line}, in train' in log, "its traceback stands before"
