"""The manifest of a run, the comparison with another run's, and the certificate."""

import itertools
import json
import os
import shutil
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROMOTED_JOBS, SMOKE_JOBS, Project

from restudy.study.grid import choose_folders

CONFIG = ("--configfile", "config/smoke.yaml")
CELL = (
    "results/dense/dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)


@pytest.fixture(scope="module")
def copied(smoke, tmp_path_factory) -> Project:
    """The smoke run, as it stands, in a folder that may be damaged."""
    folder = tmp_path_factory.mktemp("verification") / "project"
    shutil.copytree(smoke.folder, folder)
    return Project(folder)


def manifest_of(project) -> dict:
    return json.loads((project.folder / "results/manifest.json").read_text())


def in_secret(path: Path, change) -> None:
    """Change a file such that Snakemake does not notice."""
    times = path.stat()
    change(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def add_to_weight(path: Path) -> None:
    with np.load(path) as arrays:
        weights = {name: arrays[name].copy() for name in arrays.files}
    weights["layer1"][4, 0, 0] *= 1.001
    np.savez(path, **weights)


def test_manifest_lists_all_results_but_records_of_time_and_machine(smoke):
    manifest = manifest_of(smoke)
    listed = set(manifest["aggregates"]["files"])
    for folder, cell in manifest["cells"].items():
        record = json.loads((smoke.folder / folder / "provenance.json").read_text())
        for name in ("settings", "data", "code", "lock"):
            assert cell[name] == record[f"{name}_sha256"]
        listed |= {f"{folder}/{name}" for name in cell["files"]}
    assert len(manifest["cells"]) == sum(SMOKE_JOBS.values()) + PROMOTED_JOBS
    reasons = {entry["artefacts"]: entry["reason"] for entry in manifest["left_out"]}
    assert all(reasons.values())
    results = smoke.folder / "results"
    for path in results.rglob("*"):
        place = path.relative_to(smoke.folder)
        if path.is_dir() or "events" in place.parts:
            continue
        left_out = any(fnmatch(str(place), pattern) for pattern in reasons)
        checks = {"manifest.json", "certificate.json", "verification.csv"}
        assert (str(place) in listed) != (left_out or place.name in checks), place
    events = {f"{folder}/events" for folder in manifest["cells"] if "/conv/" in folder}
    assert events < listed and len(events) == SMOKE_JOBS["conv"]


def test_verify_names_what_differs_and_finds_all_else_the_same(copied, tmp_path):
    other = tmp_path / "their manifest.json"
    manifest = manifest_of(copied)
    other.write_text(json.dumps(manifest))
    count = sum(len(cell["files"]) for cell in manifest["cells"].values())
    count += len(manifest["aggregates"]["files"])
    path = copied.folder / CELL / "weights.npz"
    original = path.read_bytes()
    in_secret(path, add_to_weight)
    done = copied.snakemake("verify", "--cores", "1", *CONFIG, "--config", f"against={other}")
    in_secret(path, lambda path: path.write_bytes(original))
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{CELL}/weights.npz; changed here since its manifest was written" in text
    assert (
        f"{count} artefacts, tolerance 1e-06: {count - 1} identical, 0 within tolerance, " in text
    )
    assert " 0 within tolerance, 1 different, 0 missing" in text
    assert "Traceback" not in text
    table = pd.read_csv(copied.folder / "results/verification.csv")
    assert len(table) == count
    assert table["outcome"].value_counts().to_dict() == {"identical": count - 1, "different": 1}


def test_what_can_not_be_compared_stops_before_any_job(copied):
    # What else a manifest may lack, tests/unit/test_manifest.py has.
    changed = manifest_of(copied) | {"configuration": "0" * 64}
    (copied.folder / "changed.json").write_text(json.dumps(changed))
    against = ("--config", "against=changed.json")
    done = copied.snakemake("verify", "--cores", "1", *CONFIG, *against)
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "changed.json: the manifest of another configuration" in text
    assert "Traceback" not in text and "rule verify" not in text


def test_keys_of_checks_run_nothing_again(copied):
    manifest = copied.folder / "results/manifest.json"
    keys = (f"against={manifest}", "tolerance=0.5", "certificate={share: 0.5, seed: 3}")
    assert copied.jobs("--config", *keys) == {}


def certificate(copied, *choice: str) -> tuple[int, str, dict]:
    """Make the certificate of what is there; its scratch folder is there already."""
    done = copied.snakemake("certificate", "--cores", "2", *CONFIG, *choice)
    made = json.loads((copied.folder / "results/certificate.json").read_text())
    return done.returncode, done.stdout + done.stderr, made


def test_certificate_tells_the_same_from_the_changed(copied):
    folders = manifest_of(copied)["cells"]
    of_dense, of_conv = (
        [f for f in folders if f.startswith(f"results/{model}/")] for model in ("dense", "conv")
    )
    (plain,), (conv,) = (choose_folders(each, 0.1, 0) for each in (of_dense, of_conv))
    # Those that are chosen by default, and a promoted cell.
    share = 2 / len(of_dense)
    promoted, seed = next(
        (folder, seed)
        for seed in itertools.count()
        for folder in choose_folders(of_dense, share, seed)
        if "/halving/" in folder
        and plain in choose_folders(of_dense, share, seed)
        and choose_folders(of_conv, share, seed) == [conv]
    )
    choice = ("--config", f"certificate={{share: {share}, seed: {seed}}}")
    scratch, kept = copied.folder / "results/certificate", copied.folder / "kept"
    again = [
        folder.replace("results/", "results/certificate/") + "/runs.csv"
        for folder in (plain, promoted, conv)
    ]
    # As if the call had been killed after the training: the next one goes on, and trains nothing.
    done = copied.snakemake(*again, "--cores", "2", *CONFIG, *choice)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(scratch, kept)
    page = copied.folder / "results/report/certificate.html"
    assert "Not made yet" in page.read_text()
    code, text, made = certificate(copied, *choice)
    assert code == 0 and "Train" not in text, text
    assert "3 of 3 came out identical" in text
    assert [job["folder"] for job in made["jobs"]] == [plain, promoted, conv]
    assert all(job["identical"] for job in made["jobs"])
    assert made["date"] in page.read_text() and "3 of 3 came out identical" in page.read_text()
    assert not scratch.exists()
    assert copied.jobs() == {}, "a second look is idle, also after the certificate"
    # The promoted cell was trained from nothing.
    name = promoted.removeprefix("results/dense/")
    first, second = (
        (copied.folder / f"results/logs/{verb}_dense/{name}.log").read_text()
        for verb in ("train", "retrain")
    )
    assert "goes on from 500 of 700 passes" in first and "goes on" not in second

    shutil.copytree(kept, scratch, ignore=shutil.ignore_patterns("halving"))
    in_secret(copied.folder / plain / "weights.npz", add_to_weight)
    code, text, made = certificate(copied)
    assert code != 0 and "Traceback" not in text
    message = "first difference: at the end of training, layer1 weights, seed 4: up to "
    assert message in text and f"identical: {conv}" in text
    assert "1 of 2 came out different" in page.read_text()
    assert not scratch.exists()
