"""What files of the user's add beside families: used like built-in kinds, or refused in a line."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import svc_family
import tensorflow as tf
from conftest import ROOT, environment

from restudy.claims.document import claims_schema
from restudy.claims.forms import forms, with_own_forms
from restudy.data.points import make_points
from restudy.families.conv.activations import make_activation as make_tensorflow_activation
from restudy.families.dense.activations import make_activation
from restudy.families.dense.initializers import draw_weights
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.schedules import make_schedule
from restudy.families.dense.twin import describe_for_browser
from restudy.families.own_files import OwnFileError, load_file
from restudy.families.plugins import PLUGINS
from restudy.families.registry import FAMILIES, load_plugins, read_family
from restudy.families.running import JobRun, train
from restudy.plan.figures import all_study_figures
from restudy.study.config import ConfigError, cell_settings, complete_config
from restudy.study.labels import label_of
from restudy.study.yaml_files import read_yaml

EXAMPLES = ROOT / "examples/own_parts"
FILES = {
    "activations": "mish.py",
    "initializers": "sparse_normal.py",
    "optimizers": "lion.py",
    "schedules": "warm_restarts.py",
    "point_sets": "pinwheel.py",
    "claim_forms": "gain.py",
    "figures": "gap_figure.py",
}
CONFIG = {key: each for key, each in read_yaml(EXAMPLES / "config.yaml").items() if key != "claims"}


@pytest.fixture(autouse=True)
def only_built_in():
    """After each test nothing of a user's is left."""
    yield
    load_plugins({})


@pytest.fixture
def loaded():
    load_plugins({key: [EXAMPLES / name] for key, name in FILES.items()})
    return complete_config(CONFIG)


def settings_of(config, **values):
    dense = FAMILIES["dense"]
    return cell_settings(config, dense, {**config["dense"]["baseline"], **values})


def test_there_is_an_example_of_everything_that_a_file_may_add():
    assert list(FILES) == list(PLUGINS)
    assert sorted(FILES.values()) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert all(CONFIG[key] == [f"examples/own_parts/{name}"] for key, name in FILES.items())


def test_an_activation_is_that_of_keras_in_both_families(loaded):
    mish = make_activation({"kind": "mish"})
    z = np.linspace(-20, 20, 4001)
    out, slopes = np.empty_like(z), np.empty_like(z)
    mish.value(z, out)
    np.testing.assert_allclose(out, keras.activations.mish(tf.constant(z)), rtol=1e-12)
    mish.derivative(z, out, slopes)
    with tf.GradientTape() as tape:
        variable = tf.Variable(z)
        found = keras.activations.mish(variable)
    np.testing.assert_allclose(slopes, tape.gradient(found, variable), rtol=1e-10)
    assert mish.steepest == pytest.approx(np.abs(slopes).max())
    other = make_tensorflow_activation({"kind": "mish"})
    np.testing.assert_allclose(other.function(tf.constant(z)), out, rtol=1e-12)
    assert other.steepest == pytest.approx(mish.steepest, rel=1e-4)


def test_an_optimizer_is_that_of_keras(loaded):
    rule = make_optimizer({"kind": "lion", "learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95})
    keras_rule = keras.optimizers.Lion(0.02, beta_1=0.8, beta_2=0.95)
    generator = np.random.default_rng(0)
    parameters, gradients = generator.normal(size=6), generator.normal(size=(4, 6))
    variable = tf.Variable(parameters)
    slots = [np.full(6, value) for value in rule.slots]
    for number, gradient in enumerate(gradients, start=1):
        rule.update(parameters, gradient.copy(), slots, number, 1.0)
        keras_rule.apply_gradients([(tf.constant(gradient), variable)])
    np.testing.assert_allclose(parameters, variable, rtol=1e-6)


def test_a_schedule_is_that_of_keras_and_warms_up(loaded):
    settings = {"kind": "warm_restarts", "interval": 10, "warm_up": 4}
    schedule = make_schedule(settings, 34)
    expected = keras.optimizers.schedules.CosineDecayRestarts(1.0, 10, t_mul=1.0)
    found = [schedule(number) for number in range(1, 35)]
    np.testing.assert_allclose(found[:4], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(found[4:], [expected(step) for step in range(30)], atol=1e-6)


def test_an_initializer_connects_as_many_inputs_as_its_setting_says(loaded):
    settings = {"kind": "sparse_normal", "connections": 3}
    first, last = draw_weights([6, 8, 2], settings, seed=0, arithmetic="corrected")
    assert (np.count_nonzero(first, axis=0) == 3).all() and first.shape == (6, 8)
    assert (np.count_nonzero(last, axis=0) == 3).all() and last.shape == (8, 2)


def test_points_have_their_parts_like_other_sets(loaded):
    points, description = make_points(loaded["datasets"]["arms"])
    assert description["kind"] == "pinwheel" and description["classes"] == ["0", "1", "2"]
    assert points.groupby("part").size().to_dict() == {
        "heldout": 500,
        "train": 200,
        "validation": 2000,
    }
    train, heldout = (points.loc[points["part"] == part, "x1"] for part in ("train", "heldout"))
    assert not set(train) & set(heldout)


def test_forms_figures_and_labels_are_among_the_others(loaded):
    schema = with_own_forms(claims_schema())
    assert schema["$defs"]["test"]["properties"]["form"]["enum"][-1] == "gain"
    assert list(forms())[-1] == "gain"
    figure = all_study_figures()[-1]
    title = "Held-out against training loss"
    assert {ending: kind.title for ending, kind in figure.kinds_of(FAMILIES["dense"]).items()} == {
        "loss_gap": title
    }
    assert label_of("mish") == "Mish" and label_of("lion") == "Lion"
    assert describe_for_browser(settings_of(loaded, activation="mish"))["form"] == ""


def test_what_cannot_be_used_by_a_family_is_not_offered_to_it(loaded):
    offered = {bundle.name: bundle.kinds for bundle in FAMILIES["conv"].bundles.values()}
    assert "mish" in [kind.name for kind in offered["activations"]]
    assert "lion" not in [kind.name for kind in offered["optimizers"]]
    load_plugins({})
    with pytest.raises(ConfigError, match=r"datasets\.arms\.kind: got 'pinwheel'"):
        complete_config({key: CONFIG[key] for key in ("datasets", "dense")})


def test_the_digest_of_a_file_is_a_parameter_of_those_that_use_it_alone(loaded, tmp_path):
    before = {name: settings_of(loaded, **values) for name, values in CELLS.items()}
    for key, name in FILES.items():
        text = (EXAMPLES / name).read_text()
        (tmp_path / name).write_text(f"{text}\n# edited\n" if key == "activations" else text)
    load_plugins({key: [tmp_path / name] for key, name in FILES.items()})
    after = {name: settings_of(loaded, **values) for name, values in CELLS.items()}
    assert [name for name in CELLS if before[name] != after[name]] == ["mish"]
    assert len(before["lion"]["optimizer"]["code"]) == 64
    assert before["restarts"]["protocol"]["schedule"]["code"] != before["mish"]["dataset"]["code"]
    assert "code" not in before["lion"]["protocol"]["schedule"]


CELLS = {
    "plain": {},
    "mish": {"activation": "mish"},
    "lion": {"optimizer": "lion"},
    "restarts": {"protocol": "restarts"},
}

# An example, what of it is replaced by what, and what is said.
FAULTS = [
    ("mish.py", "1 - t**2", "1 + t**2", "derivative: got 64.4 at z = 31.7; central differences"),
    ("mish.py", "return z * np.tanh(np", "z[:] = 0; return z * np.tanh(np", "changes the array"),
    ("mish.py", "return z * np.tanh(np.logaddexp(0, z))", "return np.log(z)", "at z = -5.99263"),
    ("mish.py", "return z * np.tanh(np.logaddexp(0, z))", "return z.mean()", "got shape ()"),
    (
        "mish.py",
        "return z * np.tanh(",
        "return z.max() * np.tanh(",
        "depends on the other elements",
    ),
    ("mish.py", '"mish"', '"relu"', "is named 'relu', as is a built-in activation function"),
    ("mish.py", '"mish"', '"My Mish"', "its name has to be a letter from a to z"),
    ("mish.py", "value=value", "value=3", "value: got 3; allowed: a function"),
    ("mish.py", "value=value,", "", "TypeError"),
    ("mish.py", "MISH = Activation(", "MISH = str(", "TypeError"),
    ("mish.py", "return z * np.tanh(", "return z * np.tan_h(", "AttributeError"),
    (
        "mish.py",
        "import numpy as np\n",
        "import nothing_like_it\n",
        "mish.py:3: ModuleNotFoundError",
    ),
    ("mish.py", "def value(z):", "def value(z:", "mish.py:8: SyntaxError"),
    ("mish.py", "import numpy as np\n", "import sys\nsys.exit(0)\n", "mish.py:4: ends the process"),
    ("lion.py", "np.sign(beta_1", "np.linalg.norm(beta_1", "it has to be elementwise"),
    ("lion.py", "(mean,) = slots", "mean = slots", "lion.py:12: TypeError"),
    ("lion.py", "mean += (1 - beta_2) * gradient", "return mean", "returned ndarray"),
    ("lion.py", "parameters -= ", "parameters = parameters - ", "changed no parameter"),
    ("lion.py", '"beta_1"', '"kind"', "got the setting name 'kind'"),
    ("sparse_normal.py", "generator.uniform(size", "np.random.uniform(size", "its generator alone"),
    ("sparse_normal.py", "generator.", "np.random.RandomState(0).", "one result with two seeds"),
    ("sparse_normal.py", "0.0)\n", "0.0).T\n", "got shape (6, 20)"),
    ("sparse_normal.py", '"integer", 15', '"integer", None', "'connections' lacks a default"),
    ("pinwheel.py", "return x[order], label[order]", "return x[order]", "got ndarray; expected"),
    ("pinwheel.py", "    features=2,\n", "", "features: how many is not known"),
    (
        "pinwheel.py",
        "np.arange(points) % classes",
        "np.arange(points) % 2",
        "got the classes [0, 1]",
    ),
    ("pinwheel.py", '"bend"', '"seed"', "two settings are named 'seed'"),
    ("warm_restarts.py", "interval / interval", "interval / passes", "with until_end=True"),
    ("warm_restarts.py", "0.5 * (1 +", "(0.5 -", "allowed: a finite number from 0"),
    ("gap_figure.py", "draw=draw", 'draw="draw"', "draw: got 'draw'; allowed: a function"),
]


@pytest.mark.parametrize(("name", "old", "new", "expected"), FAULTS)
def test_a_fault_is_told_in_a_line(tmp_path, name, old, new, expected):
    text = (EXAMPLES / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new))
    (key,) = (key for key, each in FILES.items() if each == name)
    with pytest.raises(OwnFileError) as fault:
        load_plugins({key: [path]})
    assert expected in str(fault.value) and str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("key", "own", "built_in"),
    [
        ("activations", "mish", "relu"),
        ("initializers", "sparse_normal", "zeros"),
        ("optimizers", "lion", "adam"),
        ("schedules", "warm_restarts", "cosine"),
        ("point_sets", "pinwheel", "moons"),
        ("point_sets", "pinwheel", "mnist"),
        ("claim_forms", "gain", "ordered"),
        ("figures", "loss_gap", "curves"),
        ("figures", "loss_gap", "loss_curves"),
        ("figures", "loss_gap", "boundaries"),
    ],
)
def test_no_name_of_a_built_in_thing_can_be_taken(tmp_path, key, own, built_in):
    path = tmp_path / FILES[key]
    path.write_text((EXAMPLES / FILES[key]).read_text().replace(f'"{own}"', f'"{built_in}"'))
    with pytest.raises(OwnFileError, match=rf"is named '{built_in}', as is a built-in "):
        load_plugins({key: [path]})


def test_a_file_that_lacks_what_its_key_says_is_refused():
    with pytest.raises(OwnFileError, match=r"lion\.py: has no activation function; expected: "):
        load_plugins({"activations": [EXAMPLES / "lion.py"]})
    with pytest.raises(OwnFileError, match=r"none\.py: no such Python file"):
        load_plugins({"figures": [Path("none.py")]})


def test_two_files_with_one_name_are_refused(tmp_path):
    again = tmp_path / "again.py"
    again.write_text((EXAMPLES / "mish.py").read_text())
    with pytest.raises(OwnFileError, match=r"again\.py: .* 'mish', as is .*own_parts/mish\.py"):
        load_plugins({"activations": [EXAMPLES / "mish.py", again]})


# What a file does while it is loaded, within how many seconds it may, and what is told.
STRANGE = {
    "hangs": ("while True: pass", "own.py:1: was not loaded within 0.5 seconds"),
    "sleeps": ("import time\ntime.sleep(9)", "own.py:2: was not loaded within 0.5 seconds"),
    "threads": (
        "import threading, time\n"
        "def work(): time.sleep(1000)\n"
        "threading.Thread(target=work).start()",
        "leaves Thread-1 (work) running (while it was loaded)",
    ),
    "prints": ("print('hello')", "own.py:1: prints 'hello' while it is loaded"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_what_a_file_does_while_it_is_loaded_stops_no_process(tmp_path, what):
    code, expected = STRANGE[what]
    (tmp_path / "own.py").write_text(code)
    program = (
        "from pathlib import Path; from restudy.families.own_files import load_file; "
        "load_file(Path('own.py'), seconds=0.5)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert expected in done.stderr and done.stdout == ""
    assert (done.returncode == 0) == (what == "prints")


# What training does, and how the job's message ends.
BROKEN_TRAINING = {
    "raises": ("{}['missing']", "own.py:5: KeyError: 'missing' (while it trained)"),
    "ends": ("sys.exit(0)", "own.py:5: ends the process (sys.exit) while it trained"),
    "threads": ("threading.Thread(target=GO_ON.wait).start()", "leaves Thread-"),
}
FAMILY_FILE = """
import sys, threading
GO_ON = threading.Event()
def train(run):
    {}
    run.record(train_accuracy=1, validation_accuracy=1, heldout_accuracy=1)
    run.save("support.npz", {{}})

from svc_family import FAMILY
"""


@pytest.mark.parametrize("what", BROKEN_TRAINING)
def test_what_training_does_ends_its_job_in_a_line(tmp_path, what):
    code, expected = BROKEN_TRAINING[what]
    path = tmp_path / "own.py"
    path.write_text(FAMILY_FILE.format(code))
    family = read_family(path)
    places = {artefact.name: tmp_path / artefact.name for artefact in family.artefacts}
    run = JobRun(family, svc_family.SETTINGS, {0: {}}, (0,), places, tmp_path / "scratch")
    try:
        with pytest.raises(OwnFileError) as fault:
            train(run)
    finally:
        load_file(path).GO_ON.set()
    assert expected in str(fault.value) and "\n" not in str(fault.value)
    assert not (tmp_path / "runs.csv").exists()


def test_the_command_tries_parts_too(tmp_path):
    def checked(path):
        program = (sys.executable, "-m", "restudy", "check", str(path))
        done = subprocess.run(
            program,
            env={**environment(), "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    assert checked(EXAMPLES / "lion.py") == (0, "ok       optimizers     lion: can be used")
    path = tmp_path / "lion.py"
    path.write_text((EXAMPLES / "lion.py").read_text().replace("np.sign", "np.cumsum"))
    code, told = checked(path)
    assert code == 1 and told.startswith("FAILED   optimizers") and "elementwise" in told
