"""Paths of results below the working directory, defined in this one place."""

from __future__ import annotations

from collections.abc import Mapping

from restudy.families.contract import ONE, Family, without_overrides
from restudy.study.cell import Cell, cell_pattern
from restudy.study.entries import split_value

REPORT = "results/report"
TABLES = "results/tables"
FIGURES = "results/figures"
CHECKPOINTS = "results/checkpoints"
SCRATCH = "results/certificate"  # folder in which the certificate's cells train again
MANIFEST = "results/manifest.json"
PROVENANCE = "results/provenance.json"
CERTIFICATE = "results/certificate.json"
VERIFICATION = "results/verification.csv"
FINDINGS = f"{REPORT}/findings.json"
BENCHMARKS = f"{TABLES}/benchmarks.csv"
RECORD = "provenance.json"  # a training job's record, beside its artefacts
PROMOTED = "promoted.json"  # which cell stands in a slot, in the slot's folder


# Files of a set of images.
IMAGE_FILES = [f"{part}-{what}.idx" for part in ("train", "test") for what in ("images", "labels")]


def job_pattern(family: Family) -> str:
    """Return the path of a family's training jobs below its folder, with wildcards."""
    seed = "/seed~{seed}" if family.seeds_per_job == ONE else ""
    return f"{cell_pattern(family)}{seed}"


def checkpoints(family: Family, wildcards: Mapping[str, str]) -> str:
    """Return the folder of a training job's checkpoints.

    It is the same for cells that differ by what overrides the budget of one protocol alone.
    """
    values = dict(wildcards.items())
    if family.time:
        values["protocol"] = without_overrides(values["protocol"], family.time.budget)
    return f"{CHECKPOINTS}/{family.name}/{job_pattern(family).format(**values)}"


def rung(family: str, study: str, number: int | str) -> str:
    """Return the folder of a rung of a study with successive halving."""
    return f"results/{family}/halving/{study}/rung~{number}"


def slot(family: str, study: str, number: int | str, place: int | str) -> str:
    """Return the folder of a slot of a rung, counted from 1."""
    return f"{rung(family, study, number)}/slot~{place}"


def job_places(cell: Cell, family: Family, replicates: int) -> list[str]:
    """Return the paths of a cell's training jobs: the cell's own, or one per seed."""
    if family.seeds_per_job != ONE:
        return [cell.path]
    return [f"{cell.path}/seed~{seed}" for seed in range(replicates)]


def table(family: Family | str, name: str) -> str:
    """Return the path of a table over all cells of a family, such as ``runs.csv``."""
    return f"{TABLES}/{family if isinstance(family, str) else family.name}_{name}"


def study_table(family: Family, study: str, ending: str) -> str:
    """Return the path of a study's cells as a table for a paper, ``tex`` or ``md``."""
    return f"{TABLES}/studies/{family.name}_{study}.{ending}"


def page_of(path: str) -> str:
    """Return the path of a table's page."""
    return path.replace(".csv", ".html")


def data_folder(dataset: str) -> str:
    """Return the folder of a data set."""
    return f"results/data/{dataset}"


def image_folder(dataset: str) -> str:
    """Return the folder of a set of images: which are used, and for what, changes none of them."""
    return data_folder(split_value(dataset)[0])


def scratch(path: str) -> str:
    """Return the path of a result when its job runs again for the certificate."""
    return path.replace("results/", f"{SCRATCH}/", 1)
