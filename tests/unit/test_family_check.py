"""Families that are broken on purpose: the check that is meant names the fault and its line."""

import copy
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from second_python import make_environment

from restudy.__main__ import main
from restudy.data.images import load_split
from restudy.data.tables import read_table
from restudy.errors import UserError
from restudy.families.contract import Axis, Setting
from restudy.families.registry import FAMILIES, read_family
from restudy.family_check.checks import NAMES, check_family
from restudy.family_check.example import NoExampleError, example_config
from restudy.family_check.subject import configured, example_of, with_python
from restudy.family_check.trials import Limits, start_server

GOOD = ROOT / "tests/data/logistic_regression.py"
TEXT = GOOD.read_text()
LAST = '    run.save("weights.npz", {"weights": weights})\n'
ORDER = 'run.generator("order", number)'
START = "    protocol, (x, label)"
SEEDED = (START, f"    np.random.seed(run.seed)\n{START}")
# Check -> patches of the good family (what is replaced, by what), the outcome, what is said, and
# the line to look at.
BROKEN = {
    "import error": (
        "load",
        [("import numpy as np\n", "import numpy as np\nimport no_such_package\n")],
        "FAILED",
        "ModuleNotFoundError: No module named 'no_such_package'",
        "import no_such_package",
    ),
    "no Python": ("load", [("def predict(", "def predict((")], "FAILED", "SyntaxError", "def pred"),
    "no family": ("load", [("FAMILY =", "OTHER =")], "FAILED", "has no FAMILY", '"""Logistic'),
    "wrong facts": (
        "load",
        [('ranked_by=("heldout_accuracy",)', 'ranked_by=("loss",)')],
        "FAILED",
        "ranked_by: got 'loss'; allowed: a measure of every run",
        'ranked_by=("loss",)',
    ),
    "a name that is taken": (
        "load",
        [('name="logistic"', 'name="dense"')],
        "FAILED",
        "its family is named 'dense', as is a built-in family",
        'name="dense"',
    ),
    "printing": ("load", [("\n\nFAMILY", "\nprint(1)\n\nFAMILY")], "FAILED", "prints", "print(1)"),
    "exit": (
        "load",
        [("\n\nFAMILY", "\nraise SystemExit(3)\n\nFAMILY")],
        "FAILED",
        "SystemExit: 3",
        "raise SystemExit(3)",
    ),
    "endless loop": (
        "load",
        [("\n\nFAMILY", "\nwhile True:\n    pass\n\nFAMILY")],
        "FAILED",
        "loading did not end within 1 s, and was stopped",
        ("while True:", "pass"),
    ),
    "thread": (
        "load",
        [
            (
                "\n\nFAMILY",
                "\nfrom threading import Event, Thread\n"
                "Thread(target=Event().wait, name='mine', daemon=True).start()\n\nFAMILY",
            )
        ],
        "FAILED",
        "leaves thread mine running",
        "Thread(target",
    ),
    "wrong name": (
        "train",
        [('["passes"] + 1', '["rounds"] + 1')],
        "FAILED",
        "KeyError: 'rounds'",
        'for number in range(done, protocol["rounds"] + 1):',
    ),
    "endless training": (
        "train",
        [(LAST, "    while True:\n        pass\n")],
        "FAILED",
        "training did not end within 1 s, and was stopped",
        ("while True:", "pass"),
    ),
    "death": (
        "train",
        [(LAST, "    import os\n    os._exit(3)\n")],
        "FAILED",
        "training ended its process (exit code 3)",
        "def train(run):",
    ),
    "exit from training": (
        "train",
        [(LAST, "    raise SystemExit('enough')\n")],
        "FAILED",
        "SystemExit: enough",
        "raise SystemExit",
    ),
    "undeclared measure": (
        "train",
        [('{f"{part}_accuracy": right.mean()}', '{f"{part}_share": right.mean()}')],
        "FAILED",
        "recorded 'heldout_share'; allowed: a measure in its facts",
        "run.record(number",
    ),
    "undeclared artefact": (
        "train",
        [('run.save("weights.npz"', 'run.save("w.npz"')],
        "FAILED",
        "saved 'w.npz'; allowed: an artefact in its facts",
        'run.save("w.npz"',
    ),
    "lacking artefact": ("train", [(LAST, "")], "FAILED", "did not save weights.npz", "def train("),
    "no seed": (
        "same_seed",
        [(ORDER, "np.random.default_rng()")],
        "FAILED",
        " differs (",
        "order = np.random.default_rng().permutation(len(x))",
    ),
    "clock": (
        "same_seed",
        [
            (
                LAST,
                "    import time\n    spent = time.time()\n"
                '    run.save("weights.npz", {"w": spent})\n',
            )
        ],
        "FAILED",
        "the first to differ is spent",
        "spent = time.time()",
    ),
    "order of a set": (
        "same_seed",
        [
            (
                LAST,
                '    names = list({"a", "b", "c", "d", "e", "f"})\n'
                '    run.save("weights.npz", {"w": names})\n',
            )
        ],
        "FAILED",
        "weights.npz differs",
        "names = list(",
    ),
    "fixed seed": (
        "other_seed",
        [(ORDER, "np.random.default_rng(SEED)"), ("\n\ndef train", "\n\nSEED = 3\n\n\ndef train")],
        "FAILED",
        "random numbers begin with a fixed seed",
        "order = np.random.default_rng(SEED)",
    ),
    "no chance": (
        "other_seed",
        [(f"{ORDER}.permutation(len(x))", "np.arange(len(x))")],
        "warning",
        "train never asks for its seed, and nothing depends on chance",
        "def train(run):",
    ),
    "no seed at all": (
        "random_state",
        [(ORDER, "np.random.default_rng()")],
        "FAILED",
        "a generator is made without a seed",
        "order = np.random.default_rng()",
    ),
    "NumPy's global state": (
        "random_state",
        [(f"{ORDER}.permutation(len(x))", "np.random.permutation(len(x))")],
        "FAILED",
        "numbers are drawn from NumPy's random",
        "order = np.random.permutation(len(x))",
    ),
    "NumPy's global state, seeded": (
        "random_state",
        [(f"{ORDER}.permutation(len(x))", "np.random.permutation(len(x))"), SEEDED],
        "FAILED",
        "numbers are drawn from NumPy's random",
        "order = np.random.permutation(len(x))",
    ),
    "a library's draw without effect": (
        "random_state",
        [(START, f"    from random_library import draw\n\n    draw()\n{START}")],
        "warning",
        "a library draws from NumPy's random, which changes no result here",
        "draw()",
    ),
    "a library's draw": (
        "random_state",
        [
            (f"{ORDER}.permutation(len(x))", "np.argsort([draw() for each in x])"),
            (START, f"    from random_library import draw\n\n{START}"),
        ],
        "FAILED",
        "a library draws from NumPy's random, which nothing seeds",
        "order = np.argsort([draw() for each in x])",
    ),
    "Python's global state": (
        "random_state",
        [
            (f"{ORDER}.permutation(len(x))", "random.sample(range(len(x)), len(x))"),
            ("import numpy as np\n", "import random\n\nimport numpy as np\n"),
        ],
        "FAILED",
        "numbers are drawn from Python's random",
        "order = random.sample(",
    ),
    "seeded alone": (
        "random_state",
        [("\n\nFAMILY", "\nnp.random.seed(3)\n\nFAMILY")],
        "warning",
        "NumPy's random: the state that all code of the process shares is seeded",
        "np.random.seed(3)",
    ),
    "threads change results": (
        "threads",
        [
            (START, f"    rate = run.cell['learning_rate'] / run.threads\n{START}"),
            ('run.cell["learning_rate"] * gradient', "rate * gradient"),
            ('    train="train",', '    resources=Resources(threads=2),\n    train="train",'),
            ("Measure, Time", "Measure, Resources, Time"),
        ],
        "FAILED",
        "on two threads instead of one, runs.csv differs",
        "rate = run.cell['learning_rate'] / run.threads",
    ),
    "threads change results of jobs with one": (
        "threads",
        [(LAST, LAST.replace("weights}", "weights / run.threads}"))],
        "warning",
        "on two threads instead of one, weights.npz differs",
        "def train(run):",
    ),
    "state that is lost": (
        "resume",
        [
            (ORDER, "generator"),
            (START, f'    generator = run.generator("order")\n{START}'),
        ],
        "FAILED",
        "killed after pass 5, runs.csv differs",
        "run.checkpoint(number",
    ),
    "checkpoints that nothing reads": (
        "resume",
        [("run.restored() or ", "")],
        "FAILED",
        "killed after pass 5, it starts anew",
        "run.checkpoint(number",
    ),
    "no state at the end": (
        "larger_budget",
        [
            ('    run.checkpoint(protocol["passes"], {"weights": weights})\n', ""),
            ("if number and number %", 'if 0 < number < protocol["passes"] and number %'),
        ],
        "FAILED",
        "after 10 passes, no state is kept",
        "run.checkpoint(number",
    ),
    "not a number": (
        "measures",
        [("right.mean()}", "right.mean() if number else np.nan}")],
        "FAILED",
        "heldout_accuracy is nan at pass 0, and the run is not told to diverge (and 2 more)",
        "run.record(number",
    ),
    "a measure that is never recorded": (
        "measures",
        [("in run.data.items():", 'in [("train", run.data["train"])]:')],
        "FAILED",
        "validation_accuracy is declared, and not recorded of seed 0",
        "def train(run):",
    ),
    "axes in a table": (
        "train",
        [
            (LAST, f"{LAST}    run.save('table.csv', pd.DataFrame({{'learning_rate': [1.0]}}))\n"),
            ("import numpy as np\n", "import numpy as np\nimport pandas as pd\n"),
            (
                '        Artefact("weights',
                '        Artefact("table.csv", ""),\n        Artefact("weights',
            ),
        ],
        "FAILED",
        "saved 'table.csv' with learning_rate; allowed: no axis as column",
        "run.save('table.csv'",
    ),
    "an end that is not recorded": (
        "measures",
        [(' or number == protocol["passes"]:', " and number < 20:")],
        "FAILED",
        "the last pass of seed 0 is 15, not 20",
        "def train(run):",
    ),
    "no bounds": (
        "settings",
        [('"number", above=0)', '"number")')],
        "warning",
        "any number is allowed of learning_rate",
        'axes=(Axis("learning_rate"',
    ),
    "a default that is not allowed": (
        "settings",
        [('"Passes between two records.", 10', '"Passes between two records.", -1')],
        "FAILED",
        "the default of record_interval: got -1; allowed: at least 1",
        'count("record_interval"',
    ),
    "an axis without effect": (
        "reads",
        [('run.cell["learning_rate"]', "0.1")],
        "warning",
        "train never reads axis learning_rate",
        'axes=(Axis("learning_rate"',
    ),
    "a file of its own": (
        "artefacts",
        [(LAST, f'{LAST}    (run.place("weights.npz").parent / "note").write_text("")\n')],
        "FAILED",
        "note is written beside its artefacts",
        '(run.place("weights.npz").parent',
    ),
    "objects": (
        "artefacts",
        [(LAST, '    run.save("weights.npz", {"w": np.array([None])})\n')],
        "FAILED",
        "weights.npz: 'w' holds Python objects",
        'run.save("weights.npz"',
    ),
    "predictions of one run": (
        "predict",
        [('for each in weights["weights"]], int)', 'for each in weights["weights"]][0], int)')],
        "FAILED",
        "returns the shape (60,); expected: (1, 60)",
        "def predict(",
    ),
    "predictions that are no classes": (
        "predict",
        [("points) > 0.5 for", "points) + 0.5 for"), ('["weights"]], int)', '["weights"]])')],
        "FAILED",
        "returns float64 with",
        "def predict(",
    ),
    "probabilities that do not add up": (
        "predict",
        [
            ("points) > 0.5 for", "points)[:, None] * [1, 0.5] for"),
            ('["weights"]], int)', '["weights"]])'),
        ],
        "FAILED",
        "of a point that do not add up to 1; expected: sums within 0.001 of 1",
        "def predict(",
    ),
    "data changed": (
        "side_effects",
        [(START, f"    run.data['train'][0][:] += 0.1\n{START}")],
        "FAILED",
        "changes what it is trained on: train points",
        "run.data['train'][0][:] += 0.1",
    ),
    "a file elsewhere": (
        "side_effects",
        [(LAST, f'{LAST}    open("notes.txt", "w").close()\n')],
        "FAILED",
        "writes notes.txt, outside the job's folder",
        'open("notes.txt"',
    ),
    "a thread that lives on": (
        "train",
        [
            (
                LAST,
                f"{LAST}    from threading import Event, Thread\n"
                "    Thread(target=Event().wait, name='mine').start()\n",
            )
        ],
        "FAILED",
        "leaves mine running (while it trained)",
        "def train(",
    ),
    "a process that lives on": (
        "side_effects",
        [(LAST, f"{LAST}    import subprocess\n    subprocess.Popen(['sleep', '5'])\n")],
        "FAILED",
        "leaves process sleep running",
        "subprocess.Popen(",
    ),
    "a variable": (
        "side_effects",
        [(LAST, f"{LAST}    import os\n    os.environ['MINE'] = '1'\n")],
        "warning",
        "sets the environment's variable MINE",
        "os.environ['MINE']",
    ),
    "another folder": (
        "side_effects",
        [(LAST, f"{LAST}    import os\n    os.chdir('/')\n")],
        "FAILED",
        "changes the working directory",
        "os.chdir('/')",
    ),
    "much memory": (
        "resources",
        [
            ('    train="train",', '    resources=Resources(mem_mb=1),\n    train="train",'),
            ("Measure, Time", "Measure, Resources, Time"),
        ],
        "warning",
        "of the 1 MB it asks for",
        "resources=Resources(mem_mb=1)",
    ),
}


LIBRARY = "import numpy as np\n\n\ndef draw():\n    return np.random.normal()\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """What forks all trials of this file; they find a library that draws from a global state."""
    folder = tmp_path_factory.mktemp("libraries")
    (folder / "random_library.py").write_text(LIBRARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        server = start_server()
        yield server
        server.stop()


def patched(folder, patches):
    """The good family with texts replaced, each once."""
    text = TEXT
    for old, new in patches:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "mine.py"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def second_python(tmp_path_factory):
    """Path of a Python that has NumPy, and the library that draws from a global state."""
    folder = tmp_path_factory.mktemp("second") / "environment"
    python = make_environment(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "random_library.py").write_text(LIBRARY)
    return str(python)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_family_is_told_of_with_its_line(fault, server, tmp_path):
    expect_verdict(fault, server, tmp_path)


# Of each way in which something is watched one; and what is said otherwise.
APART = {
    **{name: {} for name in ("wrong name", "endless training", "undeclared measure", "no seed")},
    **{name: {} for name in ("a library's draw", "NumPy's global state", "state that is lost")},
    **{name: {} for name in ("not a number", "data changed", "an axis without effect")},
    **{name: {} for name in ("a file elsewhere", "a thread that lives on", "a variable")},
    "a process that lives on": {},
    "death": {"found": "its Python ended with exit code 3 before training had ended"},
    "objects": {
        "check": "train",
        "found": "TypeError: 'w' is an array of object; allowed: numbers, truth values or text",
    },
}


@pytest.mark.parametrize("fault", APART)
def test_a_family_with_a_python_of_its_own_is_told_of_alike(fault, server, second_python, tmp_path):
    expect_verdict(fault, server, tmp_path, second_python, **APART[fault])


def expect_verdict(fault, server, tmp_path, python=None, **otherwise):
    """Expect what the table says of a broken family, which may have a Python of its own."""
    names = ("check", "patches", "outcome", "found", "looked_at")
    known = dict(zip(names, BROKEN[fault], strict=True)) | otherwise
    check, patches, outcome, found, looked_at = known.values()
    path = patched(tmp_path, patches)
    limits = Limits(1, 30) if "loop" in fault else Limits(30, 1 if "endless" in fault else 30)
    verdicts = {
        each.check: each
        for each in check_family(str(path), server, only=[check], limits=limits, python=python)
    }
    verdict = verdicts[check]
    assert verdict.outcome == outcome, verdict
    assert found in str(verdict)
    assert str(tmp_path) not in verdict.found
    _, line, text = re.fullmatch(r"(.*/mine\.py):(\d+)(?:: (.*))?", verdict.place).groups()
    assert text == (path.read_text().splitlines()[int(line) - 1].strip() or None)
    assert text.startswith(looked_at)


DOCUMENT = (ROOT / "docs/check.md").read_text()


def call(monkeypatch, capsys, *arguments):
    """Exit code and output of the command, called in the project's folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["restudy", "check", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return end.code, capsys.readouterr()
    return 0, capsys.readouterr()


def without_numbers(text):
    return re.sub(r"\d+(\.\d+)?", "N", text)


def test_the_documents_example_prints_what_it_shows(monkeypatch, capsys):
    command, shown = re.search("```sh\n(.*?)\n```\n\n```\n(.*?)```", DOCUMENT, re.S).groups()
    *_, name, file = command.split()
    assert (name, ROOT / file) == ("check", GOOD)
    code, printed = call(monkeypatch, capsys, file)
    assert (code, printed.err) == (0, "")
    assert without_numbers(printed.out) == without_numbers(shown)
    names = [line.split()[1] for line in printed.out.splitlines()[:-1]]
    assert names == list(NAMES)


def test_every_check_is_explained_and_a_fault_is_told_as_the_document_shows(server, tmp_path):
    explained = re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.M)
    assert explained == list(NAMES)
    _, patches, *_ = BROKEN["NumPy's global state"]
    path = patched(tmp_path, patches)
    *_, verdict = check_family(str(path), server, only=["random_state"])
    assert str(verdict).replace(f"{tmp_path}/", "") in DOCUMENT


def test_a_family_that_fails_ends_with_code_1_and_json_has_its_verdicts(
    monkeypatch, capsys, tmp_path
):
    path = patched(tmp_path, [("FAMILY =", "OTHER =")])
    code, printed = call(monkeypatch, capsys, path, "--json")
    (verdict,) = json.loads(printed.out)
    assert (code, verdict["check"], verdict["outcome"]) == (1, "load", "FAILED")
    assert verdict["place"].startswith(f"{path}:1: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py"], "none.py: no such file; expected: a Python file, or one of dense, conv"),
        ([GOOD, "--only", "seed"], "--only seed: no such check; allowed: load, cell, "),
        ([GOOD, "--cell", "learning_rate~1"], "--cell: is a cell of a configuration"),
        ([GOOD, "--python", "nowhere/python"], "nowhere/python', which does not exist; allowed: "),
        (["dense", "--python", sys.executable], "--python: a built-in family trains in this"),
        (["examples/pytorch/torch_network.py"], "activate it, or name a Python that has what the"),
    ],
)
def test_what_cannot_be_checked_ends_with_code_2(arguments, message, monkeypatch, capsys):
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    code, printed = call(monkeypatch, capsys, *arguments)
    assert code == 2 and message in printed.err


LOGISTIC = read_family(GOOD)
CONFIG = {
    "datasets": {"moons": {"kind": "moons", "points": 30}, "blobs": {"kind": "blobs"}},
    "dense": {"not": "read"},
    "logistic": {
        "baseline": {"dataset": "moons", "protocol": "short", "learning_rate": 0.5},
        "protocols": {"short": {"passes": 7}},
        "studies": {"s": {"question": "?", "vary": {"learning_rate": [0.5, 1]}}},
    },
}


def test_a_configuration_gives_its_baseline_or_a_cell_of_it(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    subject = configured(LOGISTIC, str(path), None)
    assert subject.cell.path == "dataset~moons/protocol~short/learning_rate~0.5"
    assert subject.settings["protocol"]["passes"] == 7
    cell = "results/logistic/dataset~moons+noise=0.4/protocol~short+passes=3/learning_rate~2/seed~1"
    subject = configured(LOGISTIC, str(path), cell)
    assert subject.settings["protocol"]["passes"] == 3 and subject.cell["learning_rate"] == 2
    points = subject.make_data(tmp_path / "data").read_text()
    assert points.count("train,") == 30
    assert points != configured(LOGISTIC, str(path), None).make_data(tmp_path / "d").read_text()
    for wrong, message in (
        ("dataset~moons/protocol~short", "lacks learning_rate; expected: dataset~…/protocol~…/"),
        (cell.replace("rate~2", "rate~0"), "learning_rate: got 0.0; allowed: more than 0"),
    ):
        with pytest.raises(UserError, match=re.escape(message)):
            configured(LOGISTIC, str(path), wrong)
    with pytest.raises(UserError, match="has no section 'svm', the family's name"):
        configured(replace(LOGISTIC, name="svm"), str(path), None)


def test_the_python_of_a_family_is_the_one_given_or_the_configurations_or_condas(
    second_python, tmp_path, monkeypatch
):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"python": {"logistic": second_python}}))
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert with_python(LOGISTIC, "mine.py", None, None) is LOGISTIC
    assert with_python(LOGISTIC, "mine.py", str(path), None).python == second_python
    given = with_python(LOGISTIC, "mine.py", str(path), sys.executable)
    assert given.python == sys.executable
    monkeypatch.setenv(
        "CONDA_PREFIX", second_python.removesuffix(f"/bin/{Path(sys.executable).name}")
    )
    made = replace(LOGISTIC, environment="envs/mine.yaml")
    assert (
        Path(with_python(made, "mine.py", None, None).python).parent == Path(second_python).parent
    )


def with_draws(folder, draws, **protocol):
    """A configuration whose points have several draws."""
    config = copy.deepcopy(CONFIG)
    config["datasets"]["moons"]["draws"] = draws
    config["logistic"]["protocols"]["short"] |= protocol
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_a_sound_family_is_sound_on_several_draws(server, tmp_path):
    path = patched(tmp_path, [])
    configfile = with_draws(tmp_path, 3, passes=20)
    found = list(check_family(str(path), server, configfile=configfile))
    assert [each.check for each in found if each.outcome == "FAILED"] == []
    assert {each.outcome for each in found if each.check in ("same_seed", "predict")} == {"ok"}


def test_other_points_are_not_taken_for_the_effect_of_another_seed(server, tmp_path):
    patches = [(f"{ORDER}.permutation(len(x))", "np.arange(len(x))")]
    call = {"only": ["other_seed"], "configfile": with_draws(tmp_path, 3)}
    (verdict,) = check_family(str(patched(tmp_path, patches)), server, **call)
    assert verdict.outcome == "warning" and "nothing depends on chance" in verdict.found


def test_a_job_of_several_seeds_is_told_to_ask_for_the_points_of_each(server, tmp_path):
    patches = [('    train="train",', '    train="train",\n    seeds_per_job="all",')]
    configfile = with_draws(tmp_path, 2, replicates=2)
    call = {"only": ["train"], "configfile": configfile}
    (verdict,) = check_family(str(patched(tmp_path, patches)), server, **call)
    assert verdict.outcome == "FAILED"
    assert "run.data and run.parts: the seeds of this job train on several draws" in verdict.found
    assert verdict.place.endswith(
        'protocol, (x, label) = run.settings["protocol"], run.data["train"]'
    )


def test_a_cell_of_one_draw_of_a_data_set_of_several_has_the_points_of_one(tmp_path):
    cell = "dataset~moons+draws=1/protocol~short/learning_rate~0.5"
    subject = configured(LOGISTIC, with_draws(tmp_path, 3), cell)
    assert "draw" not in read_table(subject.make_data(tmp_path / "data"))


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_an_example_of_a_built_in_family_is_small_and_can_be_trained(name, tmp_path):
    subject = example_of(FAMILIES[name], tmp_path / "images")
    protocol = subject.settings["protocol"]
    assert protocol[FAMILIES[name].time.budget] == 20
    data = subject.make_data(tmp_path / "data")
    if name == "conv":
        (split,) = load_split(data, subject.settings["dataset"])
        assert split.train_images.shape == (200, 28, 28) and split.classes == 10
        assert len(split.validation_images) == 40 and len(split.test_images) == 120
        assert protocol["checkpoint_interval"] == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": (Axis("shape", "", "", "name"),)}, "axis 'shape': its facts don't say"),
        (
            {"protocol": (Setting("path", "", "text", required=True),)},
            "protocol.path: is required, and its facts don't say what it could be; add a default",
        ),
    ],
)
def test_what_the_facts_leave_open_is_not_guessed(change, message, tmp_path):
    with pytest.raises(NoExampleError, match=re.escape(message)):
        example_config(replace(LOGISTIC, time=None, **change), tmp_path)


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"above": 0}, 1.0),
        ({"minimum": 5}, 5),
        ({"maximum": -3.0}, -3.0),
        ({"above": 0.6, "below": 0.8}, 0.7),
        ({"above": 10.0}, 11.0),
    ],
)
def test_a_number_of_an_example_is_within_its_bounds(bounds, value, tmp_path):
    axis = Axis("learning_rate", "", "", "number", **bounds)
    config = example_config(replace(LOGISTIC, axes=(axis,)), tmp_path)
    assert config["logistic"]["baseline"]["learning_rate"] == pytest.approx(value)
