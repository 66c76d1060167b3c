"""Why a job would run: each cause by itself and several at once, in a run of two tiny cells."""

import subprocess

import pytest
import yaml
from conftest import Project, copy_project, environment
from forked_snakemake import run_program

CELL = (
    "dataset~own/protocol~tiny/activation~tanh/hidden_size~3/depth~1/initializer~xavier_normal/"
    "optimizer~{}"
)
RUNS = f"results/dense/{CELL}/runs.csv"
FIGURE = f"results/figures/dense/cells/{CELL}/boundary.svg"
TARGETS = [FIGURE.format("gd"), FIGURE.format("adam"), "results/provenance.json"]


def explain(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    """Ask why, from the folder of the project."""
    command = ["workflow/explain_jobs.py", "--configfile", "own.yaml", *arguments]
    return run_program(command, project.folder, environment())


def answer(project: Project, *arguments: str) -> tuple[dict[str, int], str]:
    """The causes that are told, each with its number, and all that is told."""
    done = explain(project, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    causes = {}
    for part in done.stdout.split("\n\n")[1].split("\n  ["):
        number, _, cause = " ".join(part.split()).lstrip("[").partition("] ")
        causes[cause] = int(number)
    return causes, text


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A project whose two cells have been trained and drawn."""
    project = copy_project(tmp_path_factory.mktemp("why") / "project")
    rows = [f"{x},{y},{int(x > y)}" for x in range(6) for y in range(6)]
    (project.folder / "own.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    config = yaml.safe_load((project.folder / "config/smoke.yaml").read_text())
    dense = {
        "baseline": {
            "dataset": "own",
            "protocol": "tiny",
            "activation": "tanh",
            "hidden_size": 3,
            "depth": 1,
            "initializer": "xavier_normal",
            "optimizer": "gd",
        },
        "protocols": {"tiny": {"arithmetic": "corrected", "passes": 20, "replicates": 2}},
        "optimizers": {name: config["dense"]["optimizers"][name] for name in ("gd", "adam")},
        "studies": {"optimizers": {"question": "?", "vary": {"optimizer": ["gd", "adam"]}}},
    }
    own = {"kind": "csv", "path": "own.csv", "label": "label"}
    write_config(project, {"datasets": {"own": own}, "dense": dense})
    done = project.snakemake("--cores", "2", "--configfile", "own.yaml", "--", *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def write_config(project: Project, config: dict) -> None:
    (project.folder / "own.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.fixture
def edit(project):
    """Change the text of a file; taken back afterwards."""
    originals = {}

    def change(path, old, new):
        file = project.folder / path
        originals.setdefault(file, file.read_text())
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))

    yield change
    for file, text in originals.items():
        file.write_text(text)


def test_files_that_are_only_newer_are_no_cause(project):
    for path in ("own.csv", "requirements.lock", "src/restudy/families/dense/network.py"):
        (project.folder / path).touch()
    done = explain(project, "--", *TARGETS)
    assert (done.returncode, done.stdout.startswith("Nothing would run")) == (0, True), done.stdout


def test_settings_code_and_a_deleted_file_are_told_apart_where_they_meet(project, edit):
    edit(
        "own.yaml", "kind: adam\n      learning_rate: 0.01", "kind: adam\n      learning_rate: 0.5"
    )
    edit("src/restudy/views/boundaries.py", '"""', '"""Edited. ')
    edit("src/restudy/families/dense/schedules.py", '"""', '"""Edited. ')
    (project.folder / "results/provenance.json").rename(project.folder / "kept.json")
    try:
        causes, text = answer(project, "--", *TARGETS, RUNS.format("sgd").replace("sgd", "gd"))
    finally:
        (project.folder / "kept.json").rename(project.folder / "results/provenance.json")
    rate, code = (
        causes["configuration: dense.optimizers.adam.learning_rate: 0.01 → 0.5"],
        causes["code: src/restudy/views/boundaries.py"],
    )
    trained = causes["code: src/restudy/families/dense/schedules.py"]
    assert len(causes) == 4
    both = " ".join(f"[{number}]" for number in sorted((rate, trained)))
    assert f"{both} themselves: 1 job train_dense: {RUNS.format('adam')}" in text
    assert f"[{trained}] itself: 1 job train_dense: {RUNS.format('gd')}" in text
    assert (
        f"[{code}] itself, and input rebuilt because of [{trained}]: 1 job plot_boundary_dense: "
        f"{FIGURE.format('gd')}" in text
    )
    # A picture is drawn by what the settings say, and from the weights.
    own = " ".join(f"[{number}]" for number in sorted((rate, code)))
    assert (
        f"{own} themselves, and input rebuilt because of [{trained}]: 1 job plot_boundary_dense: "
        f"{FIGURE.format('adam')}" in text
    )
    gone = causes["gone: deleted, or lost by a run that failed, since it was made"]
    own = " ".join(f"[{number}]" for number in sorted((rate, trained, gone)))
    assert f"{own} themselves: 1 job record_provenance" in text


def test_own_data_and_packages_are_told_apart_where_they_meet(project, edit):
    edit("own.csv", "0,0,0", "0,0.5,0")
    lines = (project.folder / "requirements.lock").read_text().splitlines()
    (numpy,) = (line for line in lines if line.startswith("numpy=="))
    (scipy,) = (line for line in lines if line.startswith("scipy=="))
    edit("requirements.lock", numpy, "numpy==99.1 \\")
    edit("requirements.lock", scipy, "scypi==1.0 \\")
    edit("own.yaml", "- adam", "- adam\n        - rest")
    edit(
        "own.yaml",
        "optimizers:\n    gd:",
        "optimizers:\n    rest: {kind: adagrad, learning_rate: 0.1}\n    gd:",
    )
    causes, text = answer(
        project, "--forcerun", "plot_boundary_dense", "--", *TARGETS, RUNS.format("rest")
    )
    was = numpy.split()[0].removeprefix("numpy==")
    gone = scipy.split()[0].removeprefix("scipy==")
    data = causes["data: own.csv, of data set own, has other content"]
    lock = causes[
        f"environment: requirements.lock: numpy {was} → 99.1, "
        f"scypi 1.0 is new, scipy {gone} is gone"
    ]
    never = causes["never made: nothing is known of an earlier run"]
    forced = causes["forced: asked for by --force, --forcerun or --forceall"]
    assert "configuration: dense.studies.optimizers.vary.optimizer: " in " ".join(causes)
    assert f"[{data}] [{lock}] themselves" in text.replace(
        f"[{lock}] [{data}]", f"[{data}] [{lock}]"
    )
    assert f"train_dense: {RUNS.format('rest')}" in text
    assert f"[{never}] itself, and input rebuilt because of" in text
    assert f"[{forced}] itself, and input rebuilt because of" in text


def test_a_mistake_in_the_configuration_ends_it_with_the_usual_message(project):
    done = explain(project, "--config", "densee=1", "--", *TARGETS)
    assert done.returncode == 1
    assert "unknown key 'densee' (did you mean 'dense'?)" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
