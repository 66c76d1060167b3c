"""The grid: products, order, deduplication and paths."""

import re
from dataclasses import FrozenInstanceError, replace

import pytest

from restudy.families.contract import Axis, Family
from restudy.families.registry import FAMILIES
from restudy.study.cell import cell_from_wildcards, cell_pattern, make_cell, unique_cells
from restudy.study.grid import (
    all_cells,
    compared_axes,
    nearest_cell,
    one_axis_studies,
    study_cells,
)

DENSE, CONV = FAMILIES["dense"], FAMILIES["conv"]

BASELINE = {
    "dataset": "moons",
    "protocol": "corrected",
    "activation": "tanh",
    "hidden_size": 3,
    "depth": 1,
    "initializer": "fan_in_normal",
    "optimizer": "gd",
}


def test_cells_are_the_product_of_the_varied_axes_last_axis_fastest():
    study = {"vary": {"activation": ["tanh", "relu"], "hidden_size": [3, 50]}}
    cells = study_cells(DENSE, BASELINE, study)
    assert [(cell["activation"], cell["hidden_size"]) for cell in cells] == [
        ("tanh", 3),
        ("tanh", 50),
        ("relu", 3),
        ("relu", 50),
    ]
    assert all(cell["optimizer"] == "gd" for cell in cells)


def test_fixed_values_replace_the_baseline():
    study = {"fix": {"hidden_size": 8}, "vary": {"depth": [1, 4]}}
    assert {cell["hidden_size"] for cell in study_cells(DENSE, BASELINE, study)} == {8}


def test_keys_stand_in_the_order_of_the_axes_whatever_the_order_in_the_file():
    shuffled = dict(reversed(BASELINE.items()))
    (cell,) = study_cells(DENSE, shuffled, {"vary": {"depth": [2]}})
    assert list(cell) == list(BASELINE)


def test_protocols_are_compared_only_where_nothing_else_varies():
    assert compared_axes({"vary": {"protocol": ["a", "b"], "depth": [1]}}) == ["depth"]
    assert compared_axes({"vary": {"protocol": ["a", "b"]}}) == ["protocol"]


def test_a_cell_that_two_studies_name_is_trained_once():
    section = {
        "baseline": BASELINE,
        "studies": {
            "one": {"vary": {"activation": ["tanh", "relu"]}},
            "two": {"vary": {"hidden_size": [3, 5]}},
        },
    }
    cells = all_cells(DENSE, section)
    assert len(cells) == 3
    assert cells[0].row == BASELINE


def test_repeats_keep_their_first_place():
    a, b = (make_cell(DENSE, {**BASELINE, "depth": depth}) for depth in (1, 2))
    assert unique_cells([b, a, b]) == [b, a]


def test_path_is_the_documented_one():
    assert make_cell(DENSE, BASELINE).path == (
        "dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1/"
        "initializer~fan_in_normal/optimizer~gd"
    )


@pytest.mark.parametrize("family", [DENSE, CONV], ids=lambda family: family.name)
def test_path_and_wildcards_are_inverse(family):
    cell = make_cell(family, BASELINE)
    wildcards = dict(part.split("~") for part in cell.path.split("/"))
    assert cell_from_wildcards(family, wildcards) == cell
    assert cell_pattern(family).format(**cell) == cell.path
    assert cell.folder == f"results/{family.name}/{cell.path}"


NUMBERS = Family(
    name="numbers",
    title="Numbers",
    description="A family with an axis of numbers.",
    takes="points",
    axes=(Axis("c", "C", "A number.", "number"), Axis("size", "Size", "A size.", "whole_number")),
    measures=(),
    train="train",
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1.0, "1"), (1e-5, "1e-5"), (1e22, "1e22"), (2.5e-300, "2.5e-300")],
)
def test_numbers_have_one_spelling_that_reads_back_the_same(value, text):
    cell = make_cell(NUMBERS, {"dataset": "moons", "protocol": "plain", "c": value, "size": 3})
    assert cell.path == f"dataset~moons/protocol~plain/c~{text}/size~3"
    assert re.fullmatch(NUMBERS.axis("c").pattern, text)
    wildcards = dict(part.split("~") for part in cell.path.split("/"))
    assert cell_from_wildcards(NUMBERS, wildcards) == cell


def test_cells_are_the_same_by_family_and_values_alone():
    plain = make_cell(DENSE, BASELINE)
    known = replace(plain, settings={"cell": BASELINE})
    assert known == plain and len({known, plain}) == 1
    assert plain != make_cell(DENSE, {**BASELINE, "depth": 2})
    assert plain.row == dict(plain) == BASELINE
    with pytest.raises(FrozenInstanceError):
        plain.family = "conv"


FACTORIAL = {
    "baseline": {
        "dataset": "moons",
        "protocol": "corrected",
        "activation": "tanh",
        "hidden_size": 3,
        "depth": 1,
        "initializer": "zeros",
        "optimizer": "gd",
    },
    "studies": {
        "factorial": {
            "question": "All at once?",
            "vary": {
                "protocol": ["published", "corrected"],
                "activation": ["tanh", "relu"],
                "hidden_size": [3, 8],
            },
        },
        "depths": {"question": "How deep?", "fix": {"hidden_size": 8}, "vary": {"depth": [1, 2]}},
    },
}


def test_one_axis_studies_are_those_that_vary_one_and_cuts_through_the_others():
    found = one_axis_studies(DENSE, FACTORIAL, max_cells=24)
    assert list(found) == ["depths", "by_activation", "by_hidden_size"]
    assert found["depths"] == FACTORIAL["studies"]["depths"]
    assert found["by_hidden_size"]["vary"] == {
        "protocol": ["published", "corrected"],
        "hidden_size": [3, 8],
    }
    trained = all_cells(DENSE, FACTORIAL)
    for study in found.values():
        assert all(cell in trained for cell in study_cells(DENSE, FACTORIAL["baseline"], study))


def test_one_axis_studies_leave_out_what_has_too_many_cells():
    assert list(one_axis_studies(DENSE, FACTORIAL, max_cells=2)) == ["depths"]


def test_nearest_cell_has_what_is_wanted_and_else_the_baselines_values():
    cells = all_cells(DENSE, FACTORIAL)
    baseline = FACTORIAL["baseline"]
    assert nearest_cell(cells, baseline, {"activation": "relu"}).row == {
        **baseline,
        "activation": "relu",
    }
    assert nearest_cell(cells, baseline, {"activation": "sigmoid"}) is None
