"""A small dense study whose every text is hostile, as a user writes it into a folder."""

import csv
from pathlib import Path

import yaml
from small_study import small_section

OWN = "document.title = 'owned'"
QUESTION = (
    f"Which?\n\n.. raw:: html\n\n   <script>{OWN}</script>\n\n.. include:: /etc/passwd\n\n"
    f'</script><img src=x onerror="{OWN}"> costs $5 and $x_1^$ `a`_ |b| {{{{ 7 * 7 }}}} {{course}}'
)
FEATURES = ("<b>depth</b> $a$ \\alpha", f"</script><script>{OWN}</script>")
CLASSES = (f'=HYPERLINK("x")<img src=x onerror="{OWN}">', "_b_ $y$ `c` %s")
WELLS = "own/{wells} $1.csv"
CONFIG = {
    "title": QUESTION,
    "datasets": {
        "moons": {"kind": "moons", "points": 40, "heldout_points": 60},
        "wells": {"kind": "csv", "path": WELLS, "label": "sort"},
    },
    "dense": small_section(
        "moons",
        {
            "sizes": {
                "question": QUESTION,
                "fix": {"dataset": "wells"},
                "vary": {"hidden_size": [3, 4]},
            },
        },
    ),
    "claims": "claims.yaml",
}
# One over a table of runs, one over the linearity of boundaries, one over the shapes of weights.
CLAIM = {"source": "nowhere", "statement": "It is so.", "model": "dense", "study": "sizes"}
CLAIMS = {
    "claims": [
        CLAIM
        | {
            "id": "all_of_it",
            "figure": "loss_effects",
            "tests": [
                {"form": "ordered", "measure": "train_loss", "axis": "hidden_size",
                 "order": [4, 3]},
                {"form": "linear_boundary", "cells": {"hidden_size": 3}},
                {"form": "distribution", "tensor": "layer1/weights", "shape": "initial",
                 "cells": {"hidden_size": 4}},
            ],
        }
    ]
}  # fmt: skip


def prepare(work: Path) -> Path:
    """Make a working folder with the configuration and the data, and return it."""
    (work / WELLS).parent.mkdir(parents=True)
    (work / "ours.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    (work / "claims.yaml").write_text(yaml.safe_dump(CLAIMS, sort_keys=False))
    with (work / WELLS).open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*FEATURES, "sort"])
        rows.writerows([n * 37 % 101 / 10, n * 53 % 89 / 7, CLASSES[n % 2]] for n in range(60))
    return work


def options(project: Path, work: Path) -> tuple[str, ...]:
    """Options of a call of snakemake, for a project in another folder."""
    return (
        *("--snakefile", str(project / "Snakefile"), "--configfile", str(work / "ours.yaml")),
        *("--directory", str(work)),
    )
