"""What changes numbers beside code and data: taken out of jobs, or told."""

import os
import subprocess
import sys

import matplotlib as mpl
import pytest
from conftest import ROOT, printed_by
from threadpoolctl import threadpool_info

from restudy.provenance.pinning import (
    CHANGES_RESULTS,
    describe_arithmetic,
    pin_variables,
    unlocked_packages,
)
from restudy.views.style import STYLE, project_style


def test_variables_that_change_results_are_taken_out_and_told():
    variables = dict.fromkeys(CHANGES_RESULTS, "1") | {"HOME": "/home", "OMP_NUM_THREADS": "2"}
    told = pin_variables(variables)
    assert variables == {"HOME": "/home", "OMP_NUM_THREADS": "2"}
    assert told == [f"{name}=1" for name in CHANGES_RESULTS]
    assert pin_variables(variables) == []


KERNEL = """
import os, sys
import numpy as np
rng = np.random.default_rng(0)
print(os.environ.get("OPENBLAS_CORETYPE"), (rng.normal(size=(50, 70)) @ rng.normal(size=(70, 40))).sum().hex())
"""  # noqa: E501


def test_another_kernel_gives_other_bits_so_the_list_is_not_for_nothing():
    def run(variables):
        done = subprocess.run(
            [sys.executable, "-c", KERNEL],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[1]

    variables = {"OPENBLAS_CORETYPE": "Prescott"}
    if run({}) == run(variables):
        pytest.skip("this machine's own kernel is the oldest one")
    pin_variables(variables)
    assert run({}) == run(variables)


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (["scipy-1.17.1.dist-info"], {}),
        (["scipy-1.9.0.dist-info"], {"scipy": "1.9.0, not 1.17.1"}),
        (["Scikit_Learn-1.0.dist-info"], {"scikit-learn": "1.0, not 1.9.1"}),
        (["numpy-2.3.dist-info", "unknown-1.dist-info", "no_metadata"], {}),
    ],
)
def test_packages_that_are_not_the_locks_are_named(tmp_path, folders, told):
    for each in folders:
        (tmp_path / each).mkdir()
    locked = {"scipy": "1.17.1", "scikit-learn": "1.9.1", "numpy": "2.3 or 2.4", "absent": "1"}
    assert unlocked_packages(locked, [str(tmp_path)]) == told


def test_what_comes_first_on_the_search_path_counts(tmp_path):
    for folder, version in (("cluster", "1.9.0"), ("own", "1.17.1")):
        (tmp_path / folder / f"scipy-{version}.dist-info").mkdir(parents=True)
    paths = [str(tmp_path / folder) for folder in ("cluster", "own")]
    assert unlocked_packages({"scipy": "1.17.1"}, paths) == {"scipy": "1.9.0, not 1.17.1"}
    assert unlocked_packages({"scipy": "1.17.1"}, paths[::-1]) == {}
    assert unlocked_packages({"scipy": "1.17.1"}, ["", "/no/such/folder"]) == {}


def test_kernel_and_instructions_in_use_are_told():
    found = describe_arithmetic()
    (blas,) = {each["architecture"] for each in threadpool_info() if each["user_api"] == "blas"}
    assert blas in found["BLAS"]
    assert found["instructions"]


def test_a_style_of_the_users_does_not_reach_figures():
    with mpl.rc_context({"lines.linewidth": 99, "axes.facecolor": "black", "font.size": 3}):
        with project_style():
            assert mpl.rcParams["lines.linewidth"] != 99
            assert mpl.rcParams["axes.facecolor"] != "black"
            assert mpl.rcParams["font.size"] == STYLE["font.size"]
        assert mpl.rcParams["lines.linewidth"] == 99


def test_every_pinned_variable_is_named_in_the_documentation():
    text = (ROOT / "docs/reproducibility.md").read_text(encoding="utf-8")
    assert [name for name in CHANGES_RESULTS if name not in text] == []


def test_the_library_is_numpys_whatever_else_has_been_loaded():
    program = (
        "import numpy; from restudy.provenance.pinning import describe_arithmetic as describe; "
        "before = describe(); import scipy.linalg; print(before == describe(), before['BLAS'])"
    )
    same, _, library = printed_by(program).partition(" ")
    assert same == "True" and library != "none" and "," not in library
