"""Studies become cells: products, ranges, conditions, samples, and the spelling of overrides."""

import copy
import math

import numpy as np
import pytest
import svc_family
from scipy.stats import qmc

from restudy.families.registry import FAMILIES, read_family
from restudy.study.cell import make_cell
from restudy.study.config import ConfigError, cell_settings, check_target, complete_config
from restudy.study.design import baseline_cell, design_of, plain_section
from restudy.study.entries import Entries
from restudy.study.ranges import Range
from restudy.study.samples import METHODS

DENSE = FAMILIES["dense"]
CONFIG = {
    "datasets": {"moons": {"kind": "moons"}, "blobs": {"kind": "blobs", "classes": 3}},
    "dense": {
        "baseline": {
            "dataset": "moons",
            "protocol": "plain",
            "activation": "tanh",
            "hidden_size": 3,
            "depth": 1,
            "initializer": "fan_in_normal",
            "optimizer": "gd",
        },
        "protocols": {"plain": {"arithmetic": "corrected", "passes": 10, "l2": 0.01}},
        "optimizers": {
            "gd": {"kind": "gradient_descent", "learning_rate": 0.01},
            "momentum": {"kind": "momentum", "learning_rate": 0.01},
        },
        "studies": {},
    },
}
RATE, SHARE = "optimizer.learning_rate", "optimizer.momentum"


def completed(study, **changes):
    """A checked configuration with one study, ``s``."""
    config = copy.deepcopy(CONFIG)
    config["dense"] |= changes
    config["dense"]["studies"] = {"s": {"question": "?", **study}}
    return complete_config(config)


def design(study, **changes):
    return design_of(completed(study, **changes), DENSE, "s")


def fault(study, **changes):
    with pytest.raises(ConfigError) as caught:
        completed(study, **changes)
    return str(caught.value)


def optimizers(found):
    return [cell["optimizer"] for cell in found.cells]


def test_a_setting_is_varied_like_an_axis():
    found = design({"vary": {RATE: [0.1, 0.01, 0.03], "depth": [1, 2]}})
    assert optimizers(found)[::2] == ["gd+learning_rate=0.1", "gd", "gd+learning_rate=0.03"]
    assert [cell.at[RATE] for cell in found.cells][::2] == [0.1, 0.01, 0.03]
    assert {cell.at["optimizer"] for cell in found.cells} == {"gd"}
    assert found.axes == {RATE: [0.1, 0.01, 0.03], "depth": [1, 2]}
    assert (found.is_product, found.left_out) == (True, 0)


def test_settings_of_a_cell_are_those_of_its_entry_with_the_overrides():
    config = completed({"vary": {RATE: [0.5], "protocol.l2": [0, 0.25], "dataset.points": [50]}})
    cells = design_of(config, DENSE, "s").cells
    settings = [cell_settings(config, DENSE, cell) for cell in cells]
    assert [each["optimizer"]["learning_rate"] for each in settings] == [0.5, 0.5]
    assert [each["protocol"]["l2"] for each in settings] == [0.0, 0.25]
    assert {each["dataset"]["points"] for each in settings} == {50}
    named = cell_settings(config, DENSE, baseline_cell(Entries(config, DENSE)))
    changed = {k for k in named["protocol"] if named["protocol"][k] != settings[0]["protocol"][k]}
    assert changed == {"l2"}


def test_one_cell_has_one_spelling_whatever_order_and_form_it_was_written_in():
    vary = {SHARE: [0.5], RATE: [1.0e-5]}
    (cell,) = design({"fix": {"optimizer": "momentum"}, "vary": vary}).cells
    assert cell["optimizer"] == "momentum+learning_rate=1e-5+momentum=0.5"
    (other,) = design(
        {"fix": {SHARE: 0.50, RATE: 0.00001}, "vary": {"optimizer": ["momentum"]}}
    ).cells
    assert other == cell
    (same,) = design({"vary": {"optimizer": ["momentum+learning_rate=1e-5+momentum=0.5"]}}).cells
    assert same == cell


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("momentum+momentum=0.5+learning_rate=0.1", "momentum+learning_rate=0.1+momentum=0.5"),
        ("gd+learning_rate=1e-01", "gd+learning_rate=0.1"),
        ("gd+learning_rate=0.10", "gd+learning_rate=0.1"),
        ("gd+learning_rate=0.01", "gd"),
        ("gd+learning_rate=1.0", "gd+learning_rate=1"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(value, right):
    line = f"got {value!r}; allowed: {right!r}, the one spelling of it"
    assert line in fault({"vary": {"optimizer": [value]}})
    config = completed({"vary": {"depth": [1]}})
    path = baseline_cell(Entries(config, DENSE)).folder
    with pytest.raises(ConfigError, match="the one spelling of it") as caught:
        check_target(config, path.replace("optimizer~gd", f"optimizer~{value}") + "/runs.csv")
    assert line in str(caught.value)


def test_a_cell_of_no_study_can_be_asked_for():
    config = completed({"vary": {"depth": [1]}})
    path = baseline_cell(Entries(config, DENSE)).folder
    check_target(config, path.replace("~gd", "~gd+learning_rate=0.5") + "/runs.csv")
    with pytest.raises(ConfigError, match="'gd' has no setting 'momentum'"):
        check_target(config, path.replace("~gd", "~gd+momentum=0.5") + "/runs.csv")
    with pytest.raises(ConfigError, match=r"learning_rate: got -1.0; allowed: more than 0"):
        check_target(config, path.replace("~gd", "~gd+learning_rate=-1") + "/runs.csv")


def test_baseline_takes_overrides():
    baseline = CONFIG["dense"]["baseline"] | {RATE: 0.3, "protocol.l2": 0.5}
    found = design({"vary": {"depth": [1, 2]}}, baseline=baseline)
    assert set(optimizers(found)) == {"gd+learning_rate=0.3"}
    assert {cell["protocol"] for cell in found.cells} == {"plain+l2=0.5"}
    # What a study gives for the axis replaces it, overrides and all.
    found = design({"vary": {"optimizer": ["gd", "momentum"]}}, baseline=baseline)
    assert optimizers(found) == ["gd", "momentum"]
    found = design({"vary": {RATE: [0.1]}}, baseline=baseline)
    assert optimizers(found) == ["gd+learning_rate=0.1"]


def test_an_axis_varies_only_where_its_condition_is_met():
    vary = {
        "optimizer": ["gd", "momentum"],
        RATE: [0.1, 0.2],
        SHARE: {"values": [0.5, 0.7, 0.9], "only_if": {"optimizer": "momentum"}},
    }
    found = design({"vary": vary})
    assert (len(found.cells), found.combinations, found.left_out) == (8, 12, 4)
    shares = {cell.at[SHARE] for cell in found.cells if cell.at["optimizer"] == "gd"}
    assert shares == {None}
    assert found.axes[SHARE] == [0.5, 0.7, 0.9]


def test_conditions_may_build_on_each_other_and_on_fixed_values():
    vary = {
        "hidden_size": {"values": [3, 8], "only_if": {RATE: 0.1}},
        RATE: {"values": [0.1, 0.2], "only_if": {"depth": [2, 3]}},
        "depth": [1, 2],
    }
    cells = [(c["depth"], c.at[RATE], c["hidden_size"]) for c in design({"vary": vary}).cells]
    assert sorted(cells) == [(1, 0.01, 3), (2, 0.1, 3), (2, 0.1, 8), (2, 0.2, 3)]
    vary = {RATE: {"values": [0.1, 0.2], "only_if": {"depth": 2}}}
    assert optimizers(design({"vary": vary})) == ["gd"]
    assert len(design({"fix": {"depth": 2}, "vary": vary}).cells) == 2


def test_what_makes_no_sense_is_refused_before_a_job_starts():
    line = fault({"vary": {"optimizer": ["gd", "momentum"], SHARE: [0.5]}})
    assert line == (
        "dense.studies.s.vary.optimizer.momentum: optimizer 'gd' has no setting 'momentum'; "
        "allowed: learning_rate, or only_if: a condition under which optimizer.momentum varies"
    )
    assert "fix.optimizer.momentum" in fault({"fix": {SHARE: 0.5}, "vary": {"depth": [1]}})


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({"optimizer.lerning_rate": [1]}, "did you mean 'optimizer.learning_rate'?"),
        ({"dataset.path": ["x"]}, "unknown key 'dataset.path'"),
        ({RATE: [0.0]}, "vary.optimizer.learning_rate[0]: got 0.0; allowed: more than 0"),
        ({RATE: ["fast"]}, "got 'fast'; allowed: a finite number"),
        ({RATE: ["1e-3"]}, "YAML wants it written 1.0e-3"),
        ({RATE: []}, "is empty"),
        ({RATE: [0.1, 0.1]}, "each value once"),
        ({RATE: 0.1}, "allowed: a list or keys with values"),
        ({"depth": {"from": 1, "to": 4, "count": 9}}, "only 4 of the values are different"),
        ({RATE: {"from": 1.0, "to": 0.1, "count": 3}}, ".to: got 0.1; allowed: more than from"),
        ({RATE: {"from": 0.1, "to": 1.0}}, "missing key 'count'"),
        ({RATE: {"from": 0.1, "count": 3}}, "allowed: values, or a range with from and to"),
        ({RATE: {"from": -1.0, "to": 1.0, "count": 3}}, ".from: got -1.0; allowed: more than 0"),
        ({"activation": {"from": 1, "to": 2}}, "unknown key 'from'"),
        ({RATE: {"from": 0.1, "to": 1.0, "count": 3, "scale": "ln"}}, "linear, log"),
        (
            {"protocol.l2": {"from": 0.0, "to": 1.0, "count": 3, "scale": "log"}},
            "allowed with scale: log: more than 0",
        ),
        ({"depth": {"values": [1, 2], "only_if": {"optimzer": 1}}}, "did you mean 'optimizer'?"),
        (
            {"depth": {"values": [1], "only_if": {"optimizer": "adam"}}},
            "only_if.optimizer: got 'adam'",
        ),
        (
            {
                "depth": {"values": [1, 2], "only_if": {"hidden_size": 3}},
                "hidden_size": {"values": [3, 4], "only_if": {"depth": 1}},
            },
            "conditions refer to each other",
        ),
        ({"dataset.classes": [2]}, "'moons' has no setting 'classes'"),
        ({"dataset.heldout_seed": [0]}, "the same as seed"),
        ({"protocol.passes": [2_000_000_000]}, "at most 1000000000"),
    ],
)
def test_each_fault_has_a_line_with_its_place(vary, words):
    assert words in fault({"vary": vary})


def test_bounds_that_differ_between_kinds_are_those_of_the_entry():
    kinds = {"u": {"kind": "uniform"}, "o": {"kind": "orthogonal"}}
    study = {"fix": {"initializer": "u"}, "vary": {"initializer.limit": [1e200]}}
    assert "allowed: at most 1e+150" in fault(study, initializers=kinds)


def test_a_choice_a_truth_value_and_a_whole_number_vary_too():
    vary = {
        "protocol.arithmetic": ["published", "corrected"],
        "dataset.standardize": [True, False],
        "protocol.batch_size": [16],
    }
    found = design({"vary": vary})
    assert found.cells[0]["protocol"] == "plain+arithmetic=published+batch_size=16"
    assert [cell["dataset"] for cell in found.cells[:2]] == ["moons+standardize=true", "moons"]
    assert found.axes["dataset.standardize"] == ["true", "false"]


def test_ranges_have_both_ends_and_values_that_can_be_typed():
    values = Range(1e-4, 1.0, "log", count=9).values()
    assert values[0::2] == [0.0001, 0.001, 0.01, 0.1, 1.0]
    assert values[1] == 0.000316228
    np.testing.assert_allclose(values, np.geomspace(1e-4, 1.0, 9), rtol=5e-6)
    np.testing.assert_allclose(Range(-0.5, 0.3, count=9).values(), np.linspace(-0.5, 0.3, 9))
    assert Range(-1, 1, count=3).values() == [-1.0, 0.0, 1.0]
    # Where the arithmetic leaves -5.6e-17.
    assert Range(-0.3, 0.6, count=10).values()[3] == 0.0
    assert Range(1, 64, "log", whole=True, count=7).values() == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_whole_numbers_are_drawn_with_the_weight_of_their_part_of_the_scale(scale):
    numbers = Range(1, 8, scale, whole=True)
    shares = (np.arange(80_000) + 0.5) / 80_000
    drawn = np.bincount([numbers.draw(share) for share in shares], minlength=9)[1:] / 80_000
    edges = np.arange(0.5, 9)
    places = np.log(edges) if scale == "log" else edges
    np.testing.assert_allclose(drawn, np.diff(places) / (places[-1] - places[0]), atol=1e-3)
    assert [numbers.draw(share) for share in (0.0, math.nextafter(1.0, 0.0))] == [1, 8]


@pytest.mark.parametrize("method", METHODS)
def test_longer_sequences_begin_like_shorter_ones(method):
    whole = METHODS[method](128, 3, 5)
    for size in (1, 2, 50, 64, 100):
        np.testing.assert_array_equal(METHODS[method](size, 3, 5), whole[:size])
    assert whole.min() >= 0 and whole.max() < 1
    assert not np.array_equal(whole, METHODS[method](128, 3, 6))


@pytest.mark.parametrize("size", [1, 2, 16, 256])
def test_every_power_of_two_is_a_latin_hypercube(size):
    points = METHODS["latin_hypercube"](size, 4, 7)
    for axis in range(4):
        parts = np.floor(points[:, axis] * size).astype(int)
        assert sorted(parts) == list(range(size))
    if size == 256:
        # Of SciPy's measure of unevenness, as much as its own hypercubes have.
        own, scipys = (
            np.mean([qmc.discrepancy(draw(seed)) for seed in range(20)])
            for draw in (
                lambda seed: METHODS["latin_hypercube"](size, 4, seed),
                lambda seed: qmc.LatinHypercube(4, rng=seed).random(size),
            )
        )
        random = np.mean([qmc.discrepancy(METHODS["random"](size, 4, s)) for s in range(20)])
        assert own < 1.5 * scipys < random


SAMPLED = {
    RATE: {"from": 1.0e-4, "to": 1.0, "scale": "log"},
    "hidden_size": {"from": 2, "to": 64, "scale": "log"},
    "activation": ["tanh", "relu", "sigmoid"],
}


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_sample_keeps_the_cells_of_a_smaller_one(method):
    sizes = [
        design({"vary": SAMPLED, "sample": {"size": size, "method": method}}) for size in (20, 64)
    ]
    assert [len(each.cells) for each in sizes] == [20, 64]
    assert sizes[1].cells[:20] == sizes[0].cells
    again = design({"vary": SAMPLED, "sample": {"size": 64, "method": method, "seed": 1}})
    assert set(again.cells) != set(sizes[1].cells)
    rates = [cell.at[RATE] for cell in sizes[1].cells]
    assert sizes[1].axes[RATE] == sorted(rates)
    # A quarter of the points in each decade, but for chance.
    counts = np.histogram(np.log10(rates), bins=[-4, -3, -2, -1, 0])[0]
    assert counts.min() >= (6 if method == "random" else 15)


def test_a_sample_of_a_product_of_lists_has_different_cells():
    vary = {"depth": [1, 2, 3, 4], "activation": ["tanh", "relu"]}
    found = design({"vary": vary, "sample": {"size": 8}})
    assert len(set(found.cells)) == 8
    assert found.is_product
    line = fault({"vary": vary, "sample": {"size": 9}})
    assert line == (
        "dense.studies.s.sample.size: got 9; allowed: at most 8, the different cells that there "
        "are to draw"
    )


def test_a_plain_study_has_the_same_cells():
    vary = {"optimizer": ["gd", "momentum"], RATE: [0.01, 0.1], "depth": [1, 2]}
    config = completed({"fix": {"protocol.l2": 0.5}, "vary": vary})
    found = {"s": design_of(config, DENSE, "s")}
    section = plain_section(config, DENSE, found)
    study = section["studies"]["s"]
    assert list(study["vary"]) == ["optimizer", "depth"]
    assert study["fix"] == {"protocol": "plain+l2=0.5"}
    assert section["protocols"]["plain+l2=0.5"]["l2"] == 0.5
    assert section["optimizers"]["gd+learning_rate=0.1"]["learning_rate"] == 0.1
    row = dict(found["s"].cells[0]) | {"optimizer": "gd+learning_rate=0.1"}
    assert make_cell(DENSE, row) in found["s"].cells


def test_settings_of_the_cells_are_checked_like_those_that_are_written():
    warm = {
        "arithmetic": "corrected",
        "passes": 50,
        "schedule": {"kind": "constant", "warm_up": 20},
    }
    line = fault({"vary": {"protocol.passes": [10]}}, protocols={"plain": warm})
    assert "schedule.warm_up: got 20; allowed: at most 10" in line


def test_a_list_of_whole_numbers_is_one_value():
    conv = {
        "datasets": {"mnist": {"kind": "mnist"}},
        "conv": {
            "baseline": {
                "dataset": "mnist",
                "protocol": "tiny",
                "activation": "relu",
                "initializer": "truncated_normal",
                "optimizer": "adam",
            },
            "protocols": {"tiny": {"steps": 10}},
            "optimizers": {"adam": {"kind": "adam", "learning_rate": 0.001}},
            "studies": {
                "s": {
                    "question": "?",
                    "vary": {
                        "protocol.channels": [[32, 64], [8], [4, 8, 16]],
                        "protocol.kernel": {
                            "values": [3, 5],
                            "only_if": {"protocol.channels": [[8]]},
                        },
                    },
                }
            },
        },
    }
    config = complete_config(conv)
    found = design_of(config, FAMILIES["conv"], "s")
    assert [cell["protocol"] for cell in found.cells] == [
        "tiny",
        "tiny+channels=8+kernel=3",
        "tiny+channels=8",
        "tiny+channels=4-8-16",
    ]
    assert found.axes["protocol.channels"] == ["32-64", "8", "4-8-16"]
    settings = cell_settings(config, FAMILIES["conv"], found.cells[3])
    assert settings["protocol"]["channels"] == [4, 8, 16]
    conv["conv"]["studies"]["s"]["vary"] = {"protocol.channels": [[1, 2, 3, 4, 5]]}
    with pytest.raises(ConfigError, match="got 5 entries; allowed: at most 4"):
        complete_config(conv)
    target = found.cells[1].folder.replace("kernel=3", "kernel=4") + "/seed~0/runs.csv"
    check_target(config, target)
    with pytest.raises(ConfigError, match="channels: got"):
        check_target(config, target.replace("channels=8", "channels=8-x"))


def test_settings_and_numbers_of_a_users_own_family_are_axes():
    family = read_family(svc_family.EXAMPLE)
    config = complete_config(
        {
            "datasets": {"moons": {"kind": "moons"}},
            "svm": {
                "baseline": {"dataset": "moons", "protocol": "usual", "kernel": "rbf", "c": 1},
                "protocols": {"usual": {"replicates": 2}},
                "studies": {
                    "s": {
                        "question": "?",
                        "vary": {
                            "protocol.share": {"from": 0.25, "to": 1.0, "count": 4},
                            "c": {"from": 0.01, "to": 100.0, "count": 5, "scale": "log"},
                        },
                    }
                },
            },
        },
        {"svm": family},
    )
    found = design_of(config, family, "s")
    assert found.axes == {
        "protocol.share": [0.25, 0.5, 0.75, 1.0],
        "c": [0.01, 0.1, 1.0, 10.0, 100.0],
    }
    # Its own share is 1, its own C is that of the baseline.
    assert found.cells[-1].path.endswith("protocol~usual/kernel~rbf/c~100")
    facts = found.facts("s", config["svm"]["studies"]["s"])
    assert facts["numbers"] == ["protocol.share", "c"]
    with pytest.raises(ConfigError, match=r"share: got -1\.0; allowed: more than 0"):
        check_target(
            config, found.cells[0].folder.replace("share=0.25", "share=-1"), {"svm": family}
        )
