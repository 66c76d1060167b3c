"""What changed in a job's parameters, in the words of the configuration; which packages changed."""

import pytest

from restudy.operation.causes import (
    Cause,
    PendingJob,
    configuration_causes,
    explain,
)
from restudy.provenance.parts import (
    compare_modules,
    compare_packages,
    note_parts,
    noted_parts,
    read_packages,
)

CELL = {"dataset": "moons", "protocol": "corrected", "activation": "tanh", "optimizer": "gd"}
SETTINGS = {
    "cell": CELL,
    "dataset": {"kind": "moons", "noise": 0.2},
    "protocol": {"passes": 100, "schedule": {"kind": "constant"}},
    "optimizer": {"kind": "gradient_descent", "learning_rate": 0.01},
    "activation": {"kind": "tanh"},
}


def texts(old: dict, new: dict, wildcards=None) -> tuple[list[str], list[str]]:
    kept = sorted(map(repr, old.values()))
    named, unnamed = configuration_causes(kept, new, wildcards or {}, "dense")
    return [cause.text for cause in named], [cause.text for cause in unnamed]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"optimizer": {**SETTINGS["optimizer"], "learning_rate": 0.02}},
         "dense.optimizers.gd.learning_rate: 0.01 → 0.02"),
        ({"dataset": {"kind": "moons", "noise": 0.3}}, "datasets.moons.noise: 0.2 → 0.3"),
        ({"protocol": {"passes": 100, "schedule": {"kind": "cosine"}}},
         "dense.protocols.corrected.schedule.kind: constant → cosine"),
        ({"activation": {"kind": "tanh", "slope": 1}}, "dense.activations.tanh.slope: new, 1"),
    ],
)  # fmt: skip
def test_a_cells_setting_is_named_by_its_key_with_both_values(change, text):
    fixed = {"repository": ".", "checkpoints": "results/checkpoints"}
    new = {**fixed, "settings": {**SETTINGS, **change}}
    assert texts({**fixed, "settings": SETTINGS}, new) == ([text], [])
    many = {"settings": [SETTINGS, {**SETTINGS, **change}]}
    assert texts({"settings": [SETTINGS, SETTINGS]}, many) == ([text], [])


def test_old_values_are_told_apart_though_they_are_kept_without_names():
    study = {"name": "depths", "question": "?", "fix": {}, "vary": {"depth": [1, 4]}}
    old = {"study": study, "cells": [{**CELL, "depth": 1}], "seed": 3}
    new = {
        "study": {**study, "vary": {"depth": [1, 2, 4]}},
        "cells": [{**CELL, "depth": 1}, {**CELL, "depth": 2}],
        "seed": 3,
    }
    named, unnamed = texts(old, new, {"study": "depths"})
    assert named == ["dense.studies.depths.vary.depth: [1, 4] → [1, 2, 4]"]
    assert unnamed == ["cells: 1 entry → 2 entries"]


def test_another_order_is_told_where_nothing_else_differs():
    turned = dict(reversed(CELL.items()))
    assert texts({"cell": CELL}, {"cell": turned}) == ([], ["cell: the order of its entries"])


def test_jobs_are_grouped_by_their_own_causes_and_by_those_before_them():
    rate, code = Cause("configuration", "a: 1 → 2"), Cause("code", "b.py")
    jobs = [
        PendingJob("train", {"n": "1", "kind": "x"}, "one", [rate]),
        PendingJob("train", {"n": "2", "kind": "x"}, "two", [rate]),
        PendingJob("plot", {}, "picture", [code], [rate]),
        PendingJob("table", {}, "table", [], [rate]),
    ]
    assert explain(jobs).splitlines() == [
        "4 jobs would run. What changed since they ran last:",
        "",
        "  [1] configuration: a: 1 → 2",
        "  [2] code: b.py",
        "",
        "[1] itself: 2 jobs",
        "  train, 2 jobs (kind x): n 1; n 2",
        "",
        "[2] itself, and input made anew because of [1]: 1 job",
        "  plot: picture",
        "",
        "Input made anew because of [1]: 1 job",
        "  table: table",
    ]
    assert explain([]).startswith("Nothing would run")


def test_packages_of_a_lock_are_noted_and_compared(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nnumpy==1.0 \\\n    --hash=sha256:0\nscipy==2.0 ; python=='3'\n")
    assert read_packages(lock) == {"numpy": "1.0", "scipy": "2.0"}
    note_parts(tmp_path, "1" * 64, read_packages(lock))
    old = noted_parts(tmp_path, "1" * 64)
    assert noted_parts(tmp_path, "0" * 64) is None
    lock.write_text("numpy==1.1\npandas==3.0\n")
    assert compare_packages(old, read_packages(lock)) == (
        "numpy 1.0 → 1.1, pandas 3.0 is new, scipy 2.0 is gone"
    )
    assert compare_packages(old, old) == "the same packages and versions, other comments or hashes"


def test_modules_are_compared_by_name_and_content():
    old, new = {"a.py": "1", "b.py": "1", "c.py": "1"}, {"a.py": "2", "c.py": "1", "d.py": "1"}
    assert compare_modules(old, new) == ["a.py", "d.py is used now", "b.py is used no more"]
