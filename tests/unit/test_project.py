"""The project's own files agree with one another."""

import ast
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib import metadata

import pytest
import yaml
from conftest import ROOT
from conftest import environment as environment_of_calls
from forked_snakemake import run_snakemake

from restudy.errors import EXTRAS
from restudy.families.contract import Family, Run


def pins_of(lock: str) -> dict[str, str]:
    """Versions of a lock by name; checks that all have a hash, and that no address is named."""
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=[a-z0-9._-]+==)", text)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, re.M))


LOCKED = pins_of("requirements.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def environment() -> dict[str, str]:
    """Pins of environment.yml, from conda's and pip's part."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pinned = [entry for entry in entries if isinstance(entry, str) and "=" in entry]
    pinned += next(entry for entry in entries if isinstance(entry, dict))["pip"]
    return dict(re.split("=+", entry) for entry in pinned)


def direct_dependencies():
    listed = [
        *PROJECT["project"]["dependencies"],
        *itertools.chain(*PROJECT["project"]["optional-dependencies"].values()),
        *PROJECT["dependency-groups"]["dev"],
    ]
    return {re.match(r"[A-Za-z0-9._-]+", entry)[0] for entry in listed}


def test_conda_environment_has_the_versions_of_the_lock():
    pins = environment()
    python = pins.pop("python")
    assert pins == {name: LOCKED[name] for name in pins}
    assert python in ("3.11", "3.12", "3.13")


def test_conda_environment_lists_every_direct_dependency():
    assert set(environment()) - {"python"} == direct_dependencies()


def test_lock_pins_every_direct_dependency():
    assert direct_dependencies() <= set(LOCKED)


def imported_packages():
    """Packages other than Python's own that the library imports, and TensorFlow, by its name."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (each.name.partition(".")[0] for each in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module.partition(".")[0]
    yield "tensorflow"


def test_every_package_that_a_light_install_lacks_is_known():
    """Of what `pip install .` does not bring, a message names the extra: `errors.EXTRAS`."""
    imported = set(imported_packages()) - {"restudy", *sys.stdlib_module_names}
    brought_by = metadata.packages_distributions()
    names = {name: {each.lower() for each in brought_by[name]} for name in imported}
    always = {re.match(r"[a-z0-9-]+", entry)[0] for entry in PROJECT["project"]["dependencies"]}
    lacking = {name for name in imported if not names[name] & always}
    assert lacking == set(itertools.chain(*EXTRAS.values()))
    extras = PROJECT["project"]["optional-dependencies"]
    assert extras.keys() == EXTRAS.keys()
    for extra, entries in extras.items():
        own = {re.match(r"[a-z0-9-]+", entry)[0] for entry in entries}
        for name, packages in EXTRAS.items():
            direct = {each for each in packages if names[each] & own}
            assert not direct or name == extra, (extra, direct)


@pytest.mark.parametrize("group", ["kubernetes", "kubernetes-test"])
def test_further_locks_go_with_the_first(group):
    pins = pins_of(f"requirements-{group}.lock")
    listed = [entry for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]
    assert {re.match(r"[a-z0-9-]+", entry)[0] for entry in listed} <= set(pins)
    shared = pins.keys() & LOCKED.keys()
    assert {name for name in shared if pins[name] != LOCKED[name]} == {"python-dateutil"}


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").glob("*.py")), ids=lambda p: p.name)
def test_script_is_thin_and_has_its_rule(script):
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert f"scripts/{script.name}" in rules
    # What training runs is one digest, since there are thousands of such jobs.
    tracked = (
        r"training_code\(family\)" if script.name == "train.py" else rf'code\(\s*"{script.name}"'
    )
    assert re.search(tracked, rules)
    assert len(script.read_text().splitlines()) <= 75
    assert script.read_text().startswith('"""')


def test_every_caption_is_used_and_every_used_one_exists():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    records = (ROOT / "src/restudy/plan/figures.py").read_text()
    used = set(re.findall(r"\w+\.rst", rules + records))
    assert used | {"workflow.rst"} == {path.name for path in (ROOT / "report").glob("*.rst")}


def test_every_rule_has_log_message_conda_and_script():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"\nrule ", path.read_text())[1:]:
            parts = ["log:", "message:", "conda:", "script:"]
            # What a user's own files consist of is a parameter.
            parts += [] if rule.startswith(("make_points:", "fetch_images:")) else ["input:"]
            # A rule without a file is a check: it runs on demand, every time.
            checks = ("check_claims:", "verify:", "certificate:")
            parts += [] if rule.startswith(checks) else ["output:"]
            for part in parts:
                assert f"    {part}\n" in rule, (rule.partition(":")[0], part)


def keys_and_names(schema):
    """Every key and every allowed name anywhere in a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from keys_and_names(part)
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from schema.get("enum", [])
        for part in schema.values():
            yield from keys_and_names(part)


def test_the_catalogue_finds_what_its_standardised_usage_wants():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert {"flags", "desc"} <= set(usage["mandatory-flags"])
    assert usage["software-stack-deployment"]["conda"] and usage["report"]
    for path in ("workflow/Snakefile", "config/README.md", "config/config.yaml", "LICENSE"):
        assert (ROOT / path).is_file()


def test_every_key_of_the_configuration_is_in_its_readme():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    text = (ROOT / "config/README.md").read_text()
    names = set(keys_and_names(schema))
    assert {"learning_rate", "heldout_seed", "orthogonal", "published"} < names
    # A setting as an axis has the names of both.
    names = {part for name in names for part in str(name).split(".")}
    assert {name for name in names if f"`{name}`" not in text} == set()


def commands(document):
    """Lines of the shell blocks of a document, without their comments."""
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.S):
        for line in block.splitlines():
            yield line.partition("  #")[0].strip()


def first_and_last_levels(config):
    """The settings by which a configuration's studies vary every axis, over two of its levels."""
    families = yaml.safe_load((ROOT / config).read_text())
    for family in ("dense", "conv"):
        studies = {
            name: {
                "vary": {axis: [levels[0], levels[-1]] for axis, levels in study["vary"].items()}
            }
            for name, study in families[family]["studies"].items()
        }
        yield f"{family}={json.dumps({'studies': studies})}"


SNAKEMAKE = [
    line
    for document in ("README.md", "docs/your_own_model.md")
    for line in commands(document)
    if line.startswith("snakemake")
]
# All are made dry runs, so that the one that is a dry run already is the first of the others.
DRY = [line for line in SNAKEMAKE if "--report" not in line and line != "snakemake -n"]
POINTS = ["--", "results/data/moons/points.csv"]
# Where thousands of cells take long: all are read, for a single file, and few are planned.
SHORTENED = {
    "config/scale.yaml": [POINTS],
    "config/full.yaml": [POINTS, ["--config", *first_and_last_levels("config/full.yaml")]],
}


@pytest.mark.parametrize("command", DRY)
def test_snakemake_command_of_the_documents_is_accepted(command, tmp_path):
    # What a user has made or installed: here any Python with NumPy will do, and no conda.
    command = command.replace("torch/bin/python", sys.executable).replace("--sdm conda ", "")
    arguments = shlex.split(command)[1:]
    if "--directory" in arguments:
        place = arguments.index("--directory")
        del arguments[place : place + 2]
    configs = [SHORTENED[argument] for argument in arguments if argument in SHORTENED]
    for shortened in configs[0] if configs else [[]]:
        call = ("-n", "--quiet", "all", "--directory", tmp_path, *arguments, *shortened)
        done = run_snakemake(call, ROOT, environment_of_calls())
        assert done.returncode == 0, done.stdout + done.stderr


def test_python_example_of_the_readme_runs(tmp_path):
    section = (ROOT / "README.md").read_text().partition("\n## The networks from Python\n")[2]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.S)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"0\.\d+", done.stdout)) == 20


def test_the_example_of_a_family_stands_in_the_document_as_it_is():
    text = (ROOT / "docs/your_own_model.md").read_text()
    for language, name in (("python", "support_vectors.py"), ("yaml", "config.yaml")):
        (shown,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
        assert shown == (ROOT / "examples/scikit_learn" / name).read_text()


def test_the_facts_and_offers_of_the_document_are_those_of_the_contract():
    text = (ROOT / "docs/your_own_model.md").read_text()
    facts, offers = (re.split(r"\n## ", text)[part] for part in (2, 3))
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", facts, re.M))))
    assert named - {"Family"} <= {each.name for each in fields(Family)}
    named = set(re.findall(r"`run\.(\w+)", offers))
    offered = {name for name in vars(Run) if not name.startswith("_")} | set(Run.__annotations__)
    assert named == offered - {"scratch", "identity"}


def test_make_targets_of_the_readme_exist():
    named = set(
        re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", (ROOT / "README.md").read_text(), re.M)
    )
    named = {one or other for one, other in named}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"study", "test", "smoke", "check"} <= named & targets
    assert named <= targets


def test_continuous_integration_calls_the_documented_commands():
    text = (ROOT / ".ci/run").read_text()
    assert "make test" in text and "make check" in text


def set_up(folder, python):
    """Call the set-up in an empty folder where nothing but the given python3 is found."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "rm").symlink_to(shutil.which("rm"))
    if python:
        (tools / "python3").write_text(python)
        (tools / "python3").chmod(0o755)
    return subprocess.run(
        [shutil.which("sh"), ROOT / "scripts/set_up.sh"],
        cwd=folder,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("python", "found"),
    [
        (None, "no python3"),
        ("#!/bin/sh\n[ $1 = --version ] && echo Python 3.8.18 || exit 1\n", "Python 3.8.18"),
    ],
)
def test_set_up_says_which_python_it_needs_and_removes_nothing(tmp_path, python, found):
    (tmp_path / ".venv").mkdir()
    done = set_up(tmp_path, python)
    assert done.returncode == 1
    assert f"needs Python 3.11, 3.12 or 3.13; found: {found}" in done.stderr
    assert (tmp_path / ".venv").exists()


def test_set_up_says_when_the_venv_module_is_missing(tmp_path):
    no_venv = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n'
    done = set_up(tmp_path, no_venv)
    assert done.returncode == 1
    assert "python3 has no venv module" in done.stderr


def test_pictures_of_the_documents_exist_and_are_all_shown():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    texts = "".join(path.read_text() for path in documents)
    shown = set(re.findall(r"\]\((?:docs/)?screenshots/(\w+\.png)\)", texts))
    taken = {path.name for path in (ROOT / "docs/screenshots").iterdir()}
    assert shown == taken != set()
