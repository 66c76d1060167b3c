"""The grid: products, order, deduplication and paths."""

import pytest

from restudy.study.grid import (
    all_cells,
    cell_from_wildcards,
    cell_path,
    cell_pattern,
    compared_axes,
    nearest_cell,
    one_axis_studies,
    study_cells,
    unique_cells,
)

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
    cells = study_cells("dense", BASELINE, study)
    assert [(cell["activation"], cell["hidden_size"]) for cell in cells] == [
        ("tanh", 3),
        ("tanh", 50),
        ("relu", 3),
        ("relu", 50),
    ]
    assert all(cell["optimizer"] == "gd" for cell in cells)


def test_fixed_values_replace_the_baseline():
    study = {"fix": {"hidden_size": 8}, "vary": {"depth": [1, 4]}}
    assert {cell["hidden_size"] for cell in study_cells("dense", BASELINE, study)} == {8}


def test_keys_stand_in_the_order_of_the_axes_whatever_the_order_in_the_file():
    shuffled = dict(reversed(BASELINE.items()))
    (cell,) = study_cells("dense", shuffled, {"vary": {"depth": [2]}})
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
    cells = all_cells("dense", section)
    assert len(cells) == 3
    assert cells[0] == BASELINE


def test_repeats_keep_their_first_place():
    a, b = {"depth": 1}, {"depth": 2}
    assert unique_cells([b, a, b]) == [b, a]


def test_path_is_the_documented_one():
    assert cell_path(BASELINE) == (
        "dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1/"
        "initializer~fan_in_normal/optimizer~gd"
    )


@pytest.mark.parametrize("model", ["dense", "conv"])
def test_path_and_wildcards_are_inverse(model):
    cell = {axis: BASELINE[axis] for axis in BASELINE if f"{{{axis}}}" in cell_pattern(model)}
    wildcards = dict(part.split("~") for part in cell_path(cell).split("/"))
    assert cell_from_wildcards(model, wildcards) == cell
    assert cell_pattern(model).format(**cell) == cell_path(cell)


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
    found = one_axis_studies("dense", FACTORIAL, most=24)
    assert list(found) == ["depths", "by_activation", "by_hidden_size"]
    assert found["depths"] == FACTORIAL["studies"]["depths"]
    assert found["by_hidden_size"]["vary"] == {
        "protocol": ["published", "corrected"],
        "hidden_size": [3, 8],
    }
    trained = all_cells("dense", FACTORIAL)
    for study in found.values():
        assert all(cell in trained for cell in study_cells("dense", FACTORIAL["baseline"], study))


def test_one_axis_studies_leave_out_what_has_too_many_cells():
    assert list(one_axis_studies("dense", FACTORIAL, most=2)) == ["depths"]


def test_nearest_cell_has_what_is_wanted_and_else_the_baselines_values():
    cells = all_cells("dense", FACTORIAL)
    baseline = FACTORIAL["baseline"]
    assert nearest_cell(cells, baseline, {"activation": "relu"}) == {
        **baseline,
        "activation": "relu",
    }
    assert nearest_cell(cells, baseline, {"activation": "sigmoid"}) is None
