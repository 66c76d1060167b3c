"""Where results lie below the working directory: the one place that spells these paths."""

from __future__ import annotations

from restudy.families.contract import ONE, Family
from restudy.study.cell import Cell, cell_pattern

REPORT = "results/report"
TABLES = "results/tables"
CHECKPOINTS = "results/checkpoints"
SCRATCH = "results/certificate"  # where the certificate trains again
MANIFEST = "results/manifest.json"
PROVENANCE = "results/provenance.json"
CERTIFICATE = "results/certificate.json"
VERIFICATION = "results/verification.csv"
FINDINGS = f"{REPORT}/findings.json"
BENCHMARKS = f"{TABLES}/benchmarks.csv"
RECORD = "provenance.json"  # what a training job says of itself, beside its artefacts


# Of a set of images, below results/data.
IMAGE_FILES = [
    f"results/data/{{dataset}}/{part}-{what}.idx"
    for part in ("train", "test")
    for what in ("images", "labels")
]


def job_pattern(family: Family) -> str:
    """Return the place of a family's training jobs below a folder, with wildcards."""
    seed = "/seed~{seed}" if family.seeds_per_job == ONE else ""
    return f"{cell_pattern(family)}{seed}"


def job_places(cell: Cell, family: Family, replicates: int) -> list[str]:
    """Return the places of a cell's training jobs: itself, or one for each seed."""
    if family.seeds_per_job != ONE:
        return [cell.path]
    return [f"{cell.path}/seed~{seed}" for seed in range(replicates)]


def table(family: Family | str, name: str) -> str:
    """Return the path of a table over all cells of a family, such as ``runs.csv``."""
    return f"{TABLES}/{family if isinstance(family, str) else family.name}_{name}"


def page_of(path: str) -> str:
    """Return the path of a table's page."""
    return path.replace(".csv", ".html")


def data_folder(dataset: str) -> str:
    """Return the folder of a data set."""
    return f"results/data/{dataset}"


def scratch(path: str) -> str:
    """Return where a result goes when its job runs again for the certificate."""
    return path.replace("results/", f"{SCRATCH}/", 1)
