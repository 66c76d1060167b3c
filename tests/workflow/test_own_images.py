"""The CNN on images of the user's own: it is trained on them, and again when they change.

Its only study is of a network that diverges before its first step: that is a result, and all that
is made of it is made. The one that learns is asked for by its path.
"""

import json

import nbformat
import numpy as np
import pytest
from conftest import Project, copy_project
from own_images import CONFIG, RUNS, write_config, write_images

from restudy.data.tables import read_table

STUDY = {"question": "Does it diverge?", "vary": {"initializer": ["huge"]}}
OURS = {
    **CONFIG,
    "conv": {
        **CONFIG["conv"],
        "initializers": {"huge": {"kind": "uniform", "limit": 1.0e38}},
        "studies": {"diverging": STUDY},
    },
}
HUGE = RUNS.replace("truncated_normal", "huge")
FIGURE = HUGE.replace("results/conv/", "results/figures/conv/cells/").replace("runs.csv", "{}.svg")
NOTEBOOK = "results/notebooks/convolutional_network.ipynb"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("images") / "project")
    write_config(project, OURS)
    write_images(project.folder / "photos", seed=0)
    figures = [FIGURE.format(kind) for kind in ("confusion", "conv1_statistics")]
    call(project, "--cores", "1", "--", RUNS, HUGE, *figures, NOTEBOOK)
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


def test_run_that_diverges_at_once_is_told_of_in_tables_figures_and_notebook(project):
    row = read_table(project.folder / HUGE).iloc[0]
    # ReLU can make a finite loss of what is not finite; then the weights' own figures tell.
    assert row["diverged_at"] == 0
    assert row["diverged_by"] in ("the training loss", "conv1/weights")
    assert (project.folder / FIGURE.format("conv1_statistics")).exists()
    cells = {cell.id: cell for cell in nbformat.read(project.folder / NOTEBOOK, 4).cells}
    (output,) = cells["first-layer-table"].outputs
    assert "diverged before its first layer was recorded" in output.data["text/markdown"]


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


def test_same_images_in_another_place_are_not_trained_on_again_and_others_are(project):
    (project.folder / "photos").rename(project.folder / "pictures")
    config = {**OURS, "datasets": {"ours": {**OURS["datasets"]["ours"], "path": "pictures"}}}
    write_config(project, config)
    call(project, "--cores", "1", "--", "results/data/ours/digests.json")
    assert jobs(project) == set()
    others = write_images(project.folder / "pictures", seed=1)
    assert jobs(project) == {"fetch_images", "train_conv"}
    # Also if the copy is made in a call of its own.
    call(project, "--cores", "1", "--", "results/data/ours/digests.json")
    for name, content in others.items():
        assert (project.folder / "results/data/ours" / name).read_bytes() == content
    assert jobs(project) == {"train_conv"}
