"""The CNN on images of the user's own: it is trained on them, and again when they change."""

import json

import numpy as np
import pytest
from conftest import Project, copy_project
from own_images import CONFIG, RUNS, write_config, write_images

from restudy.data.tables import read_table


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("images") / "project")
    write_config(project, CONFIG)
    write_images(project.folder / "photos", seed=0)
    call(project, "--cores", "1", "--", RUNS)
    return project


def call(project, *arguments) -> str:
    done = project.snakemake("--configfile", "ours.yaml", *arguments)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


def jobs(project) -> set[str]:
    """Rules that a dry run announces for the one run."""
    text = call(project, "-n", "--", RUNS)
    return {rule for rule in ("fetch_images", "train_conv") if f"\n{rule} " in text}


def test_network_is_trained_on_them(project):
    row = read_table(project.folder / RUNS).iloc[0]
    assert row["steps"] == 2 and np.isfinite(row["test_loss"])
    for part, images in {"validation": 20, "test": 15}.items():
        correct = row[f"{part}_accuracy"] * images
        assert correct == pytest.approx(round(correct), abs=1e-6)
    for name, content in write_images(project.folder.parent / "same", seed=0).items():
        assert (project.folder / "results/data/ours" / name).read_bytes() == content
    assert jobs(project) == set()


def test_settings_of_the_run_say_what_was_taken_and_not_from_where(project):
    record = json.loads((project.folder / RUNS).with_name("provenance.json").read_text())
    assert record["settings"]["dataset"] == {
        "kind": "idx",
        "test_examples": 0,
        "train_examples": 0,
        "validation_examples": 20,
    }


def test_edited_file_is_copied_and_trained_on_again(project):
    before = (project.folder / RUNS).read_bytes()
    write_images(project.folder / "photos", seed=1)
    assert jobs(project) == {"fetch_images", "train_conv"}
    # Also if the copy is made in a call of its own.
    call(project, "--cores", "1", "--", "results/data/ours/digests.json")
    assert jobs(project) == {"train_conv"}
    call(project, "--cores", "1", "--", RUNS)
    assert jobs(project) == set()
    assert (project.folder / RUNS).read_bytes() != before


def test_same_images_in_another_place_are_not_trained_on_again(project):
    (project.folder / "photos").rename(project.folder / "pictures")
    config = {**CONFIG, "datasets": {"ours": {**CONFIG["datasets"]["ours"], "path": "pictures"}}}
    write_config(project, config)
    call(project, "--cores", "1", "--", "results/data/ours/digests.json")
    assert jobs(project) == set()
