"""Data sets of every kind: which pictures they get, and what an edit of a user's file re-runs."""

import re

import pytest
import yaml
from conftest import Project, copy_project

CONFIG = {
    "datasets": {
        "moons": {"kind": "moons"},
        "iris": {"kind": "iris"},
        "ours": {"kind": "csv", "path": "ours.csv", "label": "sort"},
    },
    "dense": {
        "baseline": {
            "dataset": "iris",
            "protocol": "short",
            "activation": "tanh",
            "hidden_size": 3,
            "depth": 1,
            "initializer": "fan_in_normal",
            "optimizer": "gd",
        },
        "protocols": {"short": {"arithmetic": "corrected", "passes": 1}},
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.1}},
        "studies": {
            "mixed": {"question": "Which?", "vary": {"dataset": ["moons", "iris", "ours"]}},
            "flowers": {"question": "How many?", "vary": {"hidden_size": [3, 4]}},
        },
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("sets") / "project")
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    (project.folder / "ours.csv").write_text("height,width,sort\n1,2,a\n3,5,b\n2,2,a\n4,4,b\n")
    return project


def call(project, *arguments) -> str:
    done = project.snakemake("--configfile", "ours.yaml", *arguments)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


def test_boundaries_are_drawn_of_two_features_alone(project):
    text = call(project, "-n", "--verbose")
    drawn = re.findall(r"Draw (\S+)", text)
    for name in ("moons", "iris", "ours"):
        assert f"results/figures/data/{name}.svg" in drawn
        cells = f"results/figures/dense/cells/dataset~{name}/"
        maps = [path for path in drawn if path.startswith(cells) and path.endswith("boundary.svg")]
        assert len(maps) == (0 if name == "iris" else 1)
    panels = [path for path in drawn if path.endswith("_boundaries.svg")]
    assert panels == ["results/figures/dense/mixed_boundaries.svg"]
    (reason,) = re.findall(r"Draw \S+mixed_boundaries.svg\nReason: (.*)", text)
    assert "dataset~moons" in reason and "dataset~ours" in reason
    assert "dataset~iris" not in reason


def test_edited_file_of_the_user_is_read_again(project):
    target = "results/data/ours/points.csv"
    job = "Make the points of ours"
    assert job in call(project, "--cores", "1", "--", target)
    lines = (project.folder / target).read_text().splitlines()
    assert lines[0] == "part,x1,x2,label" and len(lines) == 5
    assert job not in call(project, "-n", "--", target)
    with (project.folder / "ours.csv").open("a") as file:
        file.write("5,5,b\n")
    assert job in call(project, "-n", "--", target)
