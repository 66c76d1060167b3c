"""Families that are broken on purpose: the check that is meant names the fault and its line."""

import re

import pytest
from conftest import ROOT

from restudy.family_check.checks import check_family
from restudy.family_check.trials import Limits, start_server

GOOD = ROOT / "tests/data/logistic_regression.py"
TEXT = GOOD.read_text()
LAST = '    run.save("weights.npz", {"weights": weights})\n'
ORDER = 'run.generator("order", number)'
START = "    protocol, (x, label)"
# Check -> patches of the good family (what is replaced, by what), the outcome, what is said, and
# the line to look at.
BROKEN = {
    "import error": (
        "load",
        [("import numpy as np\n", "import numpy as np\nimport no_such_package\n")],
        "FAILED",
        "ModuleNotFoundError while it was loaded: No module named 'no_such_package'",
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
    "printing": ("load", [("\n\nFAMILY", "\nprint(1)\n\nFAMILY")], "FAILED", "prints", "print(1)"),
    "exit": (
        "load",
        [("\n\nFAMILY", "\nraise SystemExit(3)\n\nFAMILY")],
        "FAILED",
        "SystemExit while it was loaded: 3",
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
        "runs.csv differs (at the end of training, ",
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
        [(START, f"    np.random.seed(run.seed)\n    np.random.normal()\n{START}")],
        "FAILED",
        "numbers are drawn from NumPy's random",
        "np.random.seed(run.seed)",
    ),
    "global state without effect": (
        "random_state",
        [(START, f"    np.random.normal()\n{START}")],
        "warning",
        "numbers are drawn from NumPy's random, which changes no result here",
        "np.random.normal()",
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
        "side_effects",
        [
            (
                LAST,
                f"{LAST}    from threading import Event, Thread\n"
                "    Thread(target=Event().wait, name='mine').start()\n",
            )
        ],
        "FAILED",
        "leaves thread mine running",
        "Thread(target",
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


@pytest.fixture(scope="module")
def server():
    """What forks all trials of this file."""
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


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_family_is_told_of_with_its_line(fault, server, tmp_path):
    check, patches, outcome, found, looked_at = BROKEN[fault]
    path = patched(tmp_path, patches)
    limits = Limits(1, 30) if "loop" in fault else Limits(30, 1 if "endless" in fault else 30)
    verdicts = {
        each.check: each for each in check_family(str(path), server, only=[check], limits=limits)
    }
    verdict = verdicts[check]
    assert verdict.outcome == outcome, verdict
    assert found in str(verdict)
    assert str(tmp_path) not in verdict.found
    _, line, text = re.fullmatch(r"(.*/mine\.py):(\d+)(?:: (.*))?", verdict.place).groups()
    assert text == (path.read_text().splitlines()[int(line) - 1].strip() or None)
    assert text.startswith(looked_at)
