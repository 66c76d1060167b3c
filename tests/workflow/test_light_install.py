"""A light install: the wheel with what it depends on, in an environment of its own, as users do it.

What it computes is compared with what the whole environment does.
"""

import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, copy_project

from restudy.analysis.event_files import read_log
from restudy.views.tensorboard_page import make_page

MEGABYTE = 1_000_000
# Whatever may lie in a folder that one installs from.
STRAYS = ("results/restudy/cell.py", ".venv/lib/module.py", "node_modules/library/index.js")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CELLS = "results/dense/dataset~wells/protocol~tiny/activation~tanh/hidden_size~{}/depth~1/"
CELLS += "initializer~fan_in_normal/optimizer~gd"


def run(*command, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess:
    """Call a program, to which nothing of this process's Python is known."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that is built in a folder with much else in it."""
    folder = tmp_path_factory.mktemp("wheel")
    project = copy_project(folder / "project").folder
    for stray in STRAYS:
        (project / stray).parent.mkdir(parents=True)
        (project / stray).touch()
    files = sorted(project.rglob("*"))
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, project)
    run(sys.executable, *build, cwd=folder)
    assert sorted(project.rglob("*")) == files
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def light(wheel, tmp_path_factory) -> Path:
    """Python of an environment in which pip has installed the wheel, with the lock's versions."""
    folder = tmp_path_factory.mktemp("light")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9._-]+==[^\\\n]+", lock, re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(pins), encoding="utf-8")
    run(sys.executable, "-m", "venv", folder / "environment", cwd=folder)
    python = folder / "environment/bin/python"
    install = ("-m", "pip", "install", "--quiet", "--constraint", folder / "constraints.txt")
    run(python, *install, wheel, cwd=folder)
    return python


def test_wheel_has_what_the_library_reads_and_nothing_else(wheel):
    package = ROOT / "src/restudy"
    files = (path for path in package.rglob("*") if path.is_file())
    expected = {
        path.relative_to(ROOT / "src").as_posix()
        for path in files
        if "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith("/METADATA"))
        described = email.message_from_bytes(archive.read(metadata))
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert set(described["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert described["License-Expression"] == "MIT"
    assert described["Description-Content-Type"] == "text/markdown"
    assert set(described.get_all("Provides-Extra")) == {"workflow", "tensorflow"}


def test_environment_is_small(light, tmp_path):
    found = run(light, "-m", "pip", "list", "--format=freeze", cwd=tmp_path).stdout
    names = {line.partition("==")[0].lower() for line in found.splitlines()}
    heavy = {"tensorflow", "snakemake", "tensorboard", "scipy", "pyarrow", "matplotlib"}
    assert "restudy" in names and not names & heavy
    files = (path for path in light.parents[1].rglob("*") if not path.is_symlink())
    assert sum(path.stat().st_size for path in files if path.is_file()) < 250 * MEGABYTE


def test_commands_of_the_readme_run(light, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (example,) = (block for block in blocks if "DenseNetwork(" in block)
    (commands,) = re.findall(r"```sh\npython3 -m venv light\n(.*?)```", README, re.DOTALL)
    install, *further = commands.splitlines()
    assert install.startswith("light/bin/pip install ") and len(further) == 2
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    (tmp_path / "light").symlink_to(light.parents[1])
    logs = shutil.copytree(ROOT / "tests/data/pytorch_log", tmp_path / "path/to/logs")
    shares, written = (run("sh", "-c", command, cwd=tmp_path).stdout for command in further)
    assert len(re.findall(r"0\.\d+", shares)) == 20
    assert re.search(r"^page.html: 0\.\d\d MB, 6 runs$", written)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page == make_page(read_log(logs), title="logs", folder="path/to/logs")


def test_networks_are_those_of_the_whole_environment(light, tmp_path):
    program = """
import numpy as np
from restudy.families.dense import DenseNetwork, momentum
from restudy.families.dense.gradient_check import check_gradients

x = np.random.default_rng(1).normal(size=(30, 2))
network = DenseNetwork([2, 4, 3, 2], activation="tanh", seeds=range(3))
label = (x.sum(axis=1) > 0).astype(int)
network.fit(x, label, momentum(0.05), passes=40)
np.savez("weights.npz", *network.weights)
kinds = {each: {"kind": each} for each in ("tanh", "relu")}
errors = check_gradients([2, 4, 2], kinds, {"kind": "fan_in_normal"}, x, label, 0.01)
errors = errors.loc[errors["arithmetic"] == "corrected", "relative_error"]
assert len(errors) == 8 and errors.max() < 1e-6
"""
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    weights = []
    for name, python in (("light", light), ("whole", sys.executable)):
        (tmp_path / name).mkdir()
        command = ("env", f"PYTHONPATH={ROOT / 'src'}", python) if name == "whole" else (python,)
        run(*command, "../train.py", cwd=tmp_path / name)
        with np.load(tmp_path / name / "weights.npz") as arrays:
            weights.append([arrays[each] for each in arrays])
    assert len(weights[0]) == 3
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_what_an_extra_is_needed_for_says_so(light, tmp_path):
    program = "from restudy.families.dense import DenseNetwork; DenseNetwork([2, 3, 2], 'gelu')"
    done = run(light, "-c", program, cwd=tmp_path, expected=1)
    assert done.stderr.endswith(
        "MissingPackageError: this needs scipy, which is not installed; "
        "`pip install '.[workflow]'` in the project's folder brings it\n"
    )


JUDGE = """
from pathlib import Path
import yaml
from restudy.claims.evidence import Evidence
from restudy.claims.verdicts import judge_claims
from restudy.data.tables import read_table, write_table
from restudy.operation.loading import load_study

config = yaml.safe_load(Path("ours.yaml").read_text())
study = load_study(config, {}, [Path("ours.yaml")], [], Path())
tables = {Path(name).stem: read_table(f"results/tables/{name}") for name in study.plan.claim_tables}
claims = judge_claims(study.claims, Evidence(tables))["claims"]
write_table(claims.assign(registration=""), "claims.csv")
"""


READ = """
from restudy import open_results

results = open_results("results")
for table in (results.runs, results.history, results.layers, results.summary):
    print(table("dense").to_csv(float_format="%.15g"))
cell = results.cell("dense", hidden_size=3)
points = results.points("wells")
print(cell.predict(points.filter(regex="^x[0-9]").to_numpy()).tolist())
"""


def test_results_are_read_and_claims_judged_as_in_the_whole_environment(light, small_run, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(small_run[1], work)
    (work / "judge.py").write_text(JUDGE, encoding="utf-8")
    run(light, "judge.py", cwd=work)
    assert (work / "claims.csv").read_bytes() == (work / "results/tables/claims.csv").read_bytes()
    cells = [CELLS.format(size) for size in (3, 4)]
    compared = run(light, "-m", "restudy", "compare", *cells, cwd=work).stdout
    whole = ("env", f"PYTHONPATH={ROOT / 'src'}", sys.executable)
    assert compared == run(*whole, "-m", "restudy", "compare", *cells, cwd=work).stdout
    assert "train_loss" in compared and "grad_norm" in compared
    read, known = (
        run(*python, "-c", READ, cwd=work).stdout for python in ((light,), (*whole[:2], whole[2]))
    )
    assert read == known and read.count("\n") > 20
