"""A family as a user would add one: support vector machines, one job per seed, no history."""

from pathlib import Path

import numpy as np
from sklearn.datasets import make_moons
from sklearn.svm import SVC

from restudy.families.contract import Artefact, Axis, Family, Measure, Run
from restudy.families.running import JobRun

FAMILY = Family(
    name="svc",
    title="Support vector machines",
    description="Support vector machines of scikit-learn.",
    takes="points",
    axes=(
        Axis("kernel", "Kernel", "Kernel.", "choice", choices=("linear", "rbf")),
        Axis("c", "C", "Inverse strength of the penalty.", "number", above=0),
    ),
    measures=(
        Measure("train_accuracy", "Training accuracy", "Of the training points.", better="higher"),
        Measure("validation_accuracy", "Validation accuracy", "To choose by.", better="higher"),
        Measure("heldout_accuracy", "Held-out accuracy", "To report.", better="higher"),
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("support.npz", "The support vectors and their coefficients."),
    ),
    train="train",
)
CELL = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 0.1}
SETTINGS = {"cell": CELL, "dataset": {"kind": "moons"}, "protocol": {}}


def train(run: Run) -> None:
    """Fit a machine, and keep its support vectors."""
    model = SVC(kernel=run.cell["kernel"], C=run.cell["c"], random_state=run.seed)
    model.fit(*run.data["train"])
    accuracies = {f"{part}_accuracy": model.score(*rows) for part, rows in run.data.items()}
    run.record(**accuracies)
    run.save("support.npz", {"vectors": model.support_vectors_, "coefficients": model.dual_coef_})


def train_job(folder: Path, seed: int = 0) -> Path:
    """Train a run as its job does, and return the folder in which its artefacts are."""
    folder.mkdir(parents=True)
    places = {artefact.name: folder / artefact.name for artefact in FAMILY.artefacts}
    data = {
        part: make_moons(60, noise=0.2, random_state=number)
        for number, part in enumerate(("train", "heldout", "validation"))
    }
    run = JobRun(FAMILY, SETTINGS, data, (seed,), places, folder / "scratch")
    train(run)
    run.finish()
    return folder


def change_array(path: Path, name: str, factor: float) -> None:
    """Multiply the first number of an array in a file."""
    with np.load(path) as arrays:
        changed = dict(arrays)
    changed[name] = changed[name].copy()
    changed[name].flat[0] *= factor
    np.savez(path, **changed)
