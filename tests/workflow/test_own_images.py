"""The CNN on images of the user's own: it is trained on them, and again when they change."""

import gzip
import json

import numpy as np
import pytest
import yaml
from conftest import Project, copy_project

from backprop.data.idx import format_idx
from backprop.data.tables import read_table

# Nothing special: any size from 8x8 to 64x64 and any number of classes from 2 to 256 is allowed.
HEIGHT, WIDTH, CLASSES = 28, 28, 3
CONFIG = {
    "datasets": {"ours": {"kind": "idx", "path": "photos", "validation_examples": 20}},
    "conv": {
        "baseline": {
            "dataset": "ours",
            "protocol": "short",
            "activation": "relu",
            "initializer": "truncated_normal",
            "optimizer": "adam",
        },
        "protocols": {"short": {"steps": 2, "batch_size": 10}},
        "optimizers": {"adam": {"kind": "adam", "learning_rate": 0.001}},
        "studies": {"one": {"question": "Does it run?", "vary": {"activation": ["relu"]}}},
    },
}
RUNS = (
    "results/conv/dataset~ours/protocol~short/activation~relu/initializer~truncated_normal/"
    "optimizer~adam/seed~0/runs.csv"
)
NAMES = {"train": "train", "test": "t10k"}


def write_images(folder, seed) -> dict[str, bytes]:
    """Bright bars, one place for each class, in the user's four files; our names to content."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    contents = {}
    for part, count in {"train": 60, "test": 15}.items():
        labels = random.integers(0, CLASSES, count).astype(np.uint8)
        images = random.integers(0, 60, (count, HEIGHT, WIDTH)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, WIDTH // CLASSES * label :][:, : WIDTH // CLASSES] += 150
        contents[f"{part}-images.idx"] = format_idx(images)
        contents[f"{part}-labels.idx"] = format_idx(labels)
        for kind in ("images-idx3", "labels-idx1"):
            content = contents[f"{part}-{kind[:6]}.idx"]
            path = folder / f"{NAMES[part]}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(content))
    return contents


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("images") / "project")
    write_config(project, CONFIG)
    write_images(project.folder / "photos", seed=0)
    call(project, "--cores", "1", "--", RUNS)
    return project


def write_config(project, config):
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


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
