"""The configuration: what is refused, with what message, and which defaults are filled in."""

import copy

import pytest
import yaml
from conftest import ROOT

from restudy.data.image_files import PUBLISHED_SETS, ImageCounts
from restudy.data.inspection import PointFacts
from restudy.families.registry import FAMILIES
from restudy.study.config import (
    ConfigError,
    cell_settings,
    check_data,
    check_target,
    complete_config,
    fill_and_check,
)
from restudy.study.grid import all_cells
from restudy.study.reference import CLAIMS_SCHEMA, filled, schema_text
from restudy.study.schema import config_schema

DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text())
COUNTS = {"mnist": PUBLISHED_SETS["mnist"].counts}


def refused(change) -> str:
    """Message for the default configuration after a change to it."""
    config = copy.deepcopy(DEFAULT)
    change(config)
    with pytest.raises(ConfigError) as fault:
        check_data(complete_config(config), COUNTS)
    return str(fault.value)


@pytest.mark.parametrize("name", ["config", "smoke", "full"])
def test_shipped_configuration_is_accepted(name):
    config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
    completed = complete_config(config)
    assert all(all_cells(FAMILIES[name], completed[name]) for name in FAMILIES)


def test_completing_does_not_change_its_input_and_is_idempotent():
    before = copy.deepcopy(DEFAULT)
    completed = complete_config(DEFAULT)
    assert before == DEFAULT
    assert complete_config(completed) == completed


def test_defaults_of_the_schema_are_filled_in():
    config = copy.deepcopy(DEFAULT)
    config["dense"]["protocols"]["corrected"] = {"arithmetic": "corrected", "passes": 7}
    config["conv"]["protocols"]["full"] = {"steps": 9}
    completed = complete_config(config)
    assert completed["dense"]["protocols"]["corrected"] == {
        "arithmetic": "corrected",
        "passes": 7,
        "replicates": 20,
        "l2": 0.01,
        "l1": 0,
        "batch_size": 0,
        "schedule": {"kind": "constant", "warm_up": 0},
        "precision": "float64",
        "record_interval": 400,
        "snapshots": 20,
        "snapshot_megabytes": 8,
    }
    assert completed["dense"]["activations"] == {}
    assert completed["conv"]["protocols"]["full"]["dropout_keep"] == 0.5
    assert completed["dense"]["optimizers"]["momentum"]["momentum"] == 0.9
    assert "momentum" not in completed["dense"]["optimizers"]["gd"]


FAULTS = {
    "unknown parameter of an activation": (
        lambda c: c["dense"].update(activations={"wide": {"kind": "maxout", "peices": 3}}),
        ["dense.activations.wide", "'peices'", "did you mean 'pieces'"],
    ),
    "parameter out of range": (
        lambda c: c["dense"].update(activations={"wide": {"kind": "maxout", "pieces": 1}}),
        ["dense.activations.wide.pieces: got 1", "at least 2"],
    ),
    "unknown kind of initializer": (
        lambda c: c["dense"].update(initializers={"wide": {"kind": "unifrom"}}),
        ["dense.initializers.wide.kind", "did you mean 'uniform'", "orthogonal"],
    ),
    "unknown schedule": (
        lambda c: c["dense"]["protocols"]["corrected"].update(schedule={"kind": "cosin"}),
        ["dense.protocols.corrected.schedule.kind", "did you mean 'cosine'"],
    ),
    "warm-up beyond the passes": (
        lambda c: c["dense"]["protocols"]["corrected"].update(
            schedule={"kind": "cosine", "warm_up": 30000}
        ),
        ["dense.protocols.corrected.schedule.warm_up: got 30000", "at most 20000"],
    ),
    "misspelt value": (
        lambda c: c["dense"]["studies"]["activations"]["vary"].update(activation=["tahn"]),
        ["dense.studies.activations.vary.activation[0]", "'tahn'", "did you mean 'tanh'", "relu"],
    ),
    "misspelt axis": (
        lambda c: c["dense"]["studies"]["activations"]["vary"].update(activaton=["tanh"]),
        ["dense.studies.activations.vary", "'activaton'", "did you mean 'activation'", "depth"],
    ),
    "misspelt section": (lambda c: c.update(dens={}), ["top level", "'dens'", "dense, conv"]),
    "empty axis": (
        lambda c: c["dense"]["studies"]["depths"]["vary"].update(depth=[]),
        ["dense.studies.depths.vary.depth", "is empty", "at least one"],
    ),
    "no axis": (
        lambda c: c["dense"]["studies"]["depths"].update(vary={}),
        ["dense.studies.depths.vary", "is empty"],
    ),
    "negative size": (
        lambda c: c["dense"]["baseline"].update(hidden_size=-3),
        ["dense.baseline.hidden_size", "-3", "at least 1"],
    ),
    "fractional size": (
        lambda c: c["dense"]["baseline"].update(hidden_size=3.0),
        ["dense.baseline.hidden_size", "3.0", "a whole number"],
    ),
    "yes for a number": (
        lambda c: c["dense"]["baseline"].update(depth=True),
        ["dense.baseline.depth", "True", "a whole number"],
    ),
    "text for a number": (
        lambda c: c["dense"]["optimizers"]["gd"].update(learning_rate="1e-4"),
        ["dense.optimizers.gd.learning_rate", "'1e-4'", "a finite number", "1.0e-4"],
    ),
    "infinite number": (
        lambda c: c["dense"]["optimizers"]["gd"].update(learning_rate=float("inf")),
        ["dense.optimizers.gd.learning_rate", "inf", "a finite number"],
    ),
    "text for a section": (lambda c: c.update(dense="tanh"), ["dense", "'tanh'", "keys"]),
    "nothing for a section": (lambda c: c.update(conv=None), ["conv", "nothing", "keys"]),
    "foreign hyperparameter": (
        lambda c: c["dense"]["optimizers"]["gd"].update(momentum=0.9),
        ["dense.optimizers.gd", "'momentum'", "kind, learning_rate"],
    ),
    "unknown optimizer name": (
        lambda c: c["conv"]["studies"]["factors"]["vary"].update(optimizer=["sgd"]),
        ["conv.studies.factors.vary.optimizer[0]", "'sgd'", "defined: adam, gd"],
    ),
    "unknown protocol name": (
        lambda c: c["dense"]["baseline"].update(protocol="correct"),
        ["dense.baseline.protocol", "'correct'", "did you mean 'corrected'"],
    ),
    "data set of the other model": (
        lambda c: c["conv"]["baseline"].update(dataset="moons"),
        ["conv.baseline.dataset", "'moons'", "defined: mnist"],
    ),
    "axis both fixed and varied": (
        lambda c: c["dense"]["studies"]["depths"]["fix"].update(depth=2),
        ["dense.studies.depths.fix.depth", "is also under vary"],
    ),
    "repeated value": (
        lambda c: c["dense"]["studies"]["depths"]["vary"].update(depth=[1, 1]),
        ["dense.studies.depths.vary.depth", "each value once"],
    ),
    "missing key": (lambda c: c["dense"].pop("studies"), ["dense", "missing key 'studies'"]),
    "no model": (
        lambda c: (c.pop("dense"), c.pop("conv")),
        ["datasets", "one or more of dense, conv"],
    ),
    "name that no path can hold": (
        lambda c: c["datasets"].update({"My-data": {"kind": "moons"}}),
        ["datasets", "'My-data'", "lower case"],
    ),
    "batch larger than the data": (
        lambda c: c["conv"]["protocols"]["full"].update(batch_size=6000),
        ["conv.protocols.full.batch_size", "6000", "at most 5000", "'mnist'"],
    ),
    "held-out points that repeat the training points": (
        lambda c: c["datasets"]["moons"].update(heldout_seed=0),
        ["datasets.moons.heldout_seed", "the same as seed"],
    ),
    "more training images than there are": (
        lambda c: c["datasets"]["mnist"].update(train_examples=60000),
        ["datasets.mnist.train_examples", "60000", "at most 55000"],
    ),
    "no study": (
        lambda c: c["conv"].update(studies={}),
        ["conv.studies", "is empty", "at least one"],
    ),
    "number too large for anything": (
        lambda c: c["dense"]["optimizers"]["gd"].update(learning_rate=10**400),
        ["dense.optimizers.gd.learning_rate", "a finite number"],
    ),
    "layer too large for anything": (
        lambda c: c["dense"]["baseline"].update(hidden_size=10**30),
        ["dense.baseline.hidden_size", "at most 1000000000"],
    ),
    "more steps than any number": (
        lambda c: c["conv"]["protocols"]["full"].update(steps=10**400),
        ["conv.protocols.full.steps", "a whole number"],
    ),
    "number that overflows in 32 bits": (
        lambda c: c["conv"]["protocols"]["full"].update(initial_bias=-1e39),
        ["conv.protocols.full.initial_bias: got -1e+39; allowed: 0, or 1.2e-38 to 3.4e+38"],
    ),
    "number that vanishes in 32 bits": (
        lambda c: c["conv"]["optimizers"]["adam"].update(learning_rate=1e-40),
        ["conv.optimizers.adam.learning_rate: got 1e-40; allowed: 1.2e-38 to 3.4e+38"],
    ),
    "parameter of an initializer that overflows in 32 bits": (
        lambda c: c["conv"].update(initializers={"wide": {"kind": "uniform", "limit": 1e39}}),
        ["conv.initializers.wide.limit: got 1e+39; allowed: 1.2e-38 to 3.4e+38"],
    ),
    "parameter of an activation that vanishes in 32 bits": (
        lambda c: c["conv"].update(activations={"flat": {"kind": "elu", "alpha": 1e-50}}),
        ["conv.activations.flat.alpha: got 1e-50; allowed: 1.2e-38 to 3.4e+38"],
    ),
    "decay that is 1 in 32 bits": (
        lambda c: c["conv"]["optimizers"]["adam"].update(beta_2=0.99999999),
        ["conv.optimizers.adam.beta_2: got 0.99999999; allowed: at most 0.9999999,"],
    ),
    "dropout that keeps nothing": (
        lambda c: c["conv"]["protocols"]["full"].update(dropout_keep=1e-200),
        ["conv.protocols.full.dropout_keep: got 1e-200; allowed: at least 1e-06"],
    ),
    "a network without convolutions": (
        lambda c: c["conv"]["protocols"]["full"].update(channels=[]),
        ["conv.protocols.full.channels: is empty; allowed: at least one entry"],
    ),
    "more convolutions than there may be": (
        lambda c: c["conv"]["protocols"]["full"].update(channels=[8, 8, 8, 8, 8]),
        ["conv.protocols.full.channels: got 5 entries; allowed: at most 4"],
    ),
    "a convolution without channels": (
        lambda c: c["conv"]["protocols"]["full"].update(channels=[8, 0]),
        ["conv.protocols.full.channels[1]: got 0; allowed: at least 1"],
    ),
    "one number of channels for all convolutions": (
        lambda c: c["conv"]["protocols"]["full"].update(channels=8),
        ["conv.protocols.full.channels: got 8; allowed: a list"],
    ),
    "a kernel that is too large": (
        lambda c: c["conv"]["protocols"]["full"].update(kernel=16),
        ["conv.protocols.full.kernel: got 16; allowed: at most 15"],
    ),
    "no images left to train on": (
        lambda c: c["datasets"]["mnist"].update(validation_examples=60000),
        ["datasets.mnist.validation_examples: got 60000; allowed: at most 59999"],
    ),
    "more test images than there are": (
        lambda c: c["datasets"]["mnist"].update(test_examples=10001),
        ["datasets.mnist.test_examples: got 10001; allowed: at most 10000"],
    ),
    "images of the user without validation": (
        lambda c: c["datasets"].update(own={"kind": "idx", "path": "photos"}),
        ["datasets.own", "missing key 'validation_examples'"],
    ),
    "sources of the user's own images": (
        lambda c: c["datasets"].update(
            own={"kind": "idx", "path": "a", "validation_examples": 1, "sources": []}
        ),
        ["datasets.own", "unknown key 'sources'", "path"],
    ),
    "source without its key": (
        lambda c: c["datasets"]["mnist"].update(sources=[{"kind": "folder"}]),
        ["datasets.mnist.sources[0]", "missing key 'path'"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_with_what_was_found_and_what_is_allowed(fault):
    change, expected = FAULTS[fault]
    message = refused(change)
    assert len(message.splitlines()) <= 3
    for part in expected:
        assert part in message


def test_numbers_at_the_ends_of_32_bits_are_accepted():
    config = copy.deepcopy(DEFAULT)
    config["conv"]["protocols"]["full"].update(initial_bias=0, dropout_keep=1)
    config["conv"]["optimizers"]["adam"].update(
        learning_rate=3.4e38, epsilon=1.2e-38, beta_1=0, beta_2=0.9999999
    )
    assert complete_config(config)["conv"]["optimizers"]["adam"]["beta_1"] == 0


def test_every_fault_of_a_file_is_listed_at_once():
    def change(config):
        config["dense"]["baseline"].update(hidden_size=0, depth="two")

    assert len(refused(change).splitlines()) == 2


def test_every_key_of_the_schema_is_described():
    whole = config_schema(FAMILIES)

    def undescribed(schema, place):
        for key, value in schema.get("properties", {}).items():
            if "$ref" in value:
                value = whole["$defs"][value["$ref"].removeprefix("#/$defs/")]
            # What a study gives for an axis is described where the values of the axis are.
            if key not in ("kind", "values", "from", "to") and not (
                "description" in value or "description" in _items(value)
            ):
                yield f"{place}.{key}"
            yield from undescribed(value, f"{place}.{key}")
        for part in ("additionalProperties", "items"):
            if isinstance(schema.get(part), dict):
                yield from undescribed(schema[part], f"{place}.{part}")
        for branch in schema.get("allOf", []):
            yield from undescribed(branch["then"], place)

    def _items(value):
        reference = value.get("items", {}).get("$ref", "")
        return whole["$defs"].get(reference.removeprefix("#/$defs/"), {})

    assert "learning_rate" in str(whole)
    assert not list(undescribed(whole, "config"))


def test_schema_and_tables_of_the_readme_are_those_of_the_facts():
    written = (ROOT / "workflow/schemas/config.schema.yaml").read_text()
    assert written == schema_text(), "python -m restudy.study.reference writes it"
    claims = yaml.safe_load((ROOT / CLAIMS_SCHEMA).read_text())
    readme = (ROOT / "config/README.md").read_text()
    assert readme == filled(readme, claims), "python -m restudy.study.reference writes it"
    assert yaml.safe_load(written) == config_schema(FAMILIES)


def test_settings_of_a_cell_that_no_study_names_are_found():
    config = complete_config(DEFAULT)
    cell = config["dense"]["baseline"] | {"hidden_size": 7}
    settings = cell_settings(config, FAMILIES["dense"], cell)
    assert settings["cell"]["hidden_size"] == 7
    assert settings["optimizer"] == {"kind": "gradient_descent", "learning_rate": 0.01}


def test_settings_of_a_cell_with_an_undefined_name_are_refused():
    config = complete_config(DEFAULT)
    cell = config["dense"]["baseline"] | {"optimizer": "sgd"}
    with pytest.raises(ConfigError, match=r"dense\.optimizer: got 'sgd'"):
        cell_settings(config, FAMILIES["dense"], cell)


def test_settings_do_not_depend_on_the_order_of_keys_or_on_written_defaults():
    config = copy.deepcopy(DEFAULT)
    protocol = config["dense"]["protocols"]["corrected"]
    protocol = {"precision": "float64"} | dict(reversed(protocol.items()))
    config["dense"]["protocols"]["corrected"] = protocol
    settings = [
        repr(cell_settings(c, FAMILIES["dense"], c["dense"]["baseline"]))
        for c in (complete_config(config), complete_config(DEFAULT))
    ]
    assert settings[0] == settings[1]


def test_settings_leave_out_what_changes_no_number():
    config = complete_config(DEFAULT)
    settings = cell_settings(config, FAMILIES["conv"], config["conv"]["baseline"])
    assert "sources" not in settings["dataset"] and "replicates" not in settings["protocol"]
    settings = cell_settings(config, FAMILIES["dense"], config["dense"]["baseline"])
    assert settings["protocol"]["replicates"] == 70


def with_images(**settings):
    config = copy.deepcopy(DEFAULT)
    config["datasets"]["own"] = settings
    config["conv"]["baseline"]["dataset"] = "own"
    return complete_config(config)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"kind": "mnist"}, "sources"),
        ({"kind": "fashion_mnist"}, "sources"),
        ({"kind": "idx", "path": "photos", "validation_examples": 7}, "path"),
    ],
)
def test_settings_leave_out_where_images_come_from(settings, key):
    config = with_images(**settings)
    found = cell_settings(config, FAMILIES["conv"], config["conv"]["baseline"])["dataset"]
    assert key in config["datasets"]["own"]
    assert found == {
        "kind": settings["kind"],
        "test_examples": 0,
        "train_examples": 0,
        "validation_examples": settings.get("validation_examples", 5000),
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"validation_examples": 60},
            ["datasets.own.validation_examples: got 60; allowed: at most 59, which leaves one of"],
        ),
        (
            {"validation_examples": 55, "train_examples": 6, "test_examples": 21},
            [
                "datasets.own.train_examples: got 6; allowed: at most 5, what validation_examples ",
                "datasets.own.test_examples: got 21; allowed: at most 20, all test images",
            ],
        ),
        (
            {"validation_examples": 20},
            ["conv.protocols.short.batch_size: got 50; allowed: at most 20, the smallest part of"],
        ),
        (
            {"validation_examples": 20, "train_examples": 7},
            ["conv.protocols.short.batch_size: got 50; allowed: at most 7, the smallest part of"],
        ),
    ],
)
def test_no_more_images_are_taken_than_the_files_have(settings, expected):
    config = with_images(kind="idx", path="photos", **settings)
    counts = COUNTS | {"own": ImageCounts(train=60, test=20, height=9, width=8, classes=3)}
    with pytest.raises(ConfigError) as fault:
        check_data(config, counts)
    lines = [line for line in str(fault.value).splitlines() if "protocols.full" not in line]
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start)


def test_images_that_suffice_are_accepted():
    config = with_images(kind="idx", path="photos", validation_examples=50, train_examples=50)
    counts = COUNTS | {"own": ImageCounts(train=100, test=1, height=9, width=8, classes=3)}
    check_data(config, counts)


def test_networks_that_no_machine_has_the_memory_for_are_refused():
    config = copy.deepcopy(DEFAULT)
    config["conv"]["protocols"]["full"].update(channels=[64, 512], kernel=3, units=8192)
    completed = complete_config(config)
    with pytest.raises(ConfigError) as fault:
        check_data(completed, COUNTS)
    (line,) = str(fault.value).splitlines()
    # 7·7·512·8192 weights of the dense layer alone, nine copies of 4 bytes: 7.4 GB
    assert line.startswith(
        "conv.protocols.full: got channels [64, 512], kernel 3, units 8192, batch_size 50, which "
        "take about 8,3"
    )
    assert line.endswith("MB of memory with data set 'mnist'; allowed: what takes at most 8,000 MB")


def test_memory_is_that_of_the_images_and_of_the_largest_network_of_a_study():
    config = with_images(kind="idx", path="photos", validation_examples=2000)
    config["conv"]["protocols"]["full"].update(channels=[64, 64], batch_size=2000)
    small = ImageCounts(train=4000, test=20, height=8, width=8, classes=3)
    check_data(config, COUNTS | {"own": small})
    large = ImageCounts(train=4000, test=20, height=64, width=64, classes=3)
    with pytest.raises(ConfigError, match=r"^conv\.protocols\.full: got .* with data set 'own'"):
        check_data(config, COUNTS | {"own": large})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"replicates": 1_000_000_000}, "replicates 1,000,000,000"),
        ({"passes": 1_000_000_000, "record_interval": 1}, "record_interval 1"),
    ],
)
def test_dense_networks_must_fit_into_memory(change, named):
    config = copy.deepcopy(DEFAULT)
    config["dense"]["protocols"]["corrected"].update(change)
    complete = complete_config(config)
    known = {name: PointFacts(2) for name in config["datasets"]} | COUNTS
    with pytest.raises(ConfigError, match=f"^dense.protocols.corrected: got .*{named}") as fault:
        check_data(complete, known)
    for line in str(fault.value).splitlines():
        assert line.endswith("; allowed: what takes at most 8,000 MB")


@pytest.mark.parametrize("depth", [100, 1_000_000])
def test_depth_and_file_count_too(depth):
    config = copy.deepcopy(DEFAULT)
    config["datasets"]["own"] = {"kind": "csv", "path": "own.csv", "label": "y"}
    config["dense"]["studies"] = {
        "deep": {"question": "?", "fix": {"dataset": "own"}, "vary": {"depth": [1, depth]}}
    }
    known = {name: PointFacts(2) for name in config["datasets"]} | COUNTS
    complete = complete_config(config)
    small = known | {"own": PointFacts(3, True, 500, 2)}
    large = known | {"own": PointFacts(3, True, 50_000_000, 2)}
    if depth == 100:
        check_data(complete, small)
    for each in (large, small) if depth > 100 else (large,):
        with pytest.raises(ConfigError, match="MB of memory with data set 'own'"):
            check_data(complete, each)


def test_points_must_fit_into_memory_too():
    set_of_points = {"kind": "blobs", "features": 10_000, "points": 10_000_000}
    message = refused(lambda c: c["datasets"].update(large=set_of_points))
    assert "datasets.large: got points 10,000,000, " in message
    assert "features 10,000, which take about " in message


def test_question_is_no_book():
    study = {"question": "x" * 2001, "vary": {"depth": [1]}}
    message = refused(lambda c: c["dense"]["studies"].update(long=study))
    assert "dense.studies.long.question: got 'xxx" in message
    assert message.endswith("allowed: at most 2000 characters") and len(message) < 200


TARGET = (
    "results/dense/dataset~{dataset}/protocol~corrected/activation~{activation}/"
    "hidden_size~{hidden_size}/depth~1/initializer~zeros/optimizer~gd/runs.csv"
)
GOOD = {"dataset": "moons", "activation": "tanh", "hidden_size": "9"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"activation": "tahn"}, "dense.activation: got 'tahn' (did you mean 'tanh'?)"),
        (
            {"dataset": "mnist"},
            "dense.dataset: got 'mnist' (did you mean 'moons'?); defined: moons",
        ),
        ({"hidden_size": "0"}, "dense.hidden_size: got 0; allowed: at least 1"),
        ({"hidden_size": "many"}, "dense.hidden_size: got 'many'; allowed: a whole number"),
    ],
)
def test_target_that_spells_an_impossible_cell_is_refused(change, expected):
    config = complete_config(DEFAULT)
    with pytest.raises(ConfigError) as fault:
        check_target(config, TARGET.format(**GOOD | change))
    assert expected in str(fault.value)


def test_target_whose_network_is_too_large_is_refused():
    config = complete_config(DEFAULT)
    with pytest.raises(ConfigError, match="network of 1 hidden layers of 20,000,000 units"):
        check_target(config, TARGET.format(**GOOD | {"hidden_size": "20000000"}))
    target = (
        "results/conv/dataset~mnist/protocol~full+channels=64-512+kernel=3+units=8192/"
        "activation~relu/initializer~truncated_normal/optimizer~adam/seed~0/runs.csv"
    )
    check_target(config, target)
    with pytest.raises(ConfigError, match="MB of memory with data set 'mnist'; allowed"):
        check_target(config, target, known=COUNTS)


def test_other_targets_are_left_alone():
    config = complete_config(DEFAULT)
    for target in (TARGET.format(**GOOD), "all", "results/tables/dense_runs.csv", "a~b/dense"):
        check_target(config, target)


def without_validation(change):
    """The default configuration on a table too small for a validation part, with a change."""
    config = copy.deepcopy(DEFAULT)
    config["datasets"]["few"] = {"kind": "csv", "path": "few.csv", "label": "kind"}
    config["dense"]["baseline"]["dataset"] = "few"
    change(config["dense"])
    return complete_config(config)


def stop_early(measure):
    def change(section):
        section["protocols"]["corrected"]["stop_early"] = {"measure": measure, "patience": 5}

    return change


def halve(measure):
    def change(section):
        halving = {"budgets": [20, 60], "keep": 0.5, "measure": measure}
        section["studies"] = {
            "halved": {"question": "?", "vary": {"hidden_size": [2, 3]}, "halving": halving}
        }

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (stop_early("validation_loss"), "dense.protocols.corrected.stop_early"),
        (halve("validation_accuracy"), "dense.studies.halved.halving"),
    ],
)
def test_what_is_decided_by_validation_needs_a_validation_part(change, place):
    completed = without_validation(change)
    with pytest.raises(ConfigError) as fault:
        check_data(completed, COUNTS | {"few": PointFacts(2, has_validation=False)})
    (line,) = str(fault.value).splitlines()
    assert line.startswith(f"{place}.measure: got 'validation_")
    assert line.endswith(
        "; allowed with data set 'few', no class of which has a third row for validation: "
        "train_loss, train_accuracy"
    )
    check_data(completed, COUNTS | {"few": PointFacts(2, has_validation=True)})


@pytest.mark.parametrize("change", [stop_early("train_loss"), halve("train_accuracy")])
def test_what_is_decided_by_training_points_needs_no_validation_part(change):
    known = COUNTS | {"few": PointFacts(2, has_validation=False)}
    check_data(without_validation(change), known)


def test_a_cell_asked_for_by_its_path_is_refused_like_those_of_studies():
    config = copy.deepcopy(DEFAULT)
    config["datasets"]["few"] = {"kind": "csv", "path": "few.csv", "label": "kind"}
    stop_early("validation_loss")(config["dense"])
    known = COUNTS | {"few": PointFacts(2, has_validation=False)}
    with pytest.raises(ConfigError, match=r"stop_early\.measure: got 'validation_loss'"):
        check_target(
            complete_config(config), TARGET.format(**GOOD | {"dataset": "few"}), known=known
        )


@pytest.mark.parametrize(
    ("written", "advice"),
    [("1e-4", "1.0e-4"), ("1e4", "1.0e+4"), ("1.0e4", "1.0e+4"), ("1E-4", "1.0e-4")],
)
def test_advice_on_numbers_is_what_yaml_reads_as_one(written, advice):
    assert isinstance(yaml.safe_load(written), str)
    assert isinstance(yaml.safe_load(advice), float)
    message = refused(lambda c: c["dense"]["optimizers"]["gd"].update(learning_rate=written))
    assert f"written {advice})" in message


def test_named_activation_and_initializer_bring_their_parameters():
    config = copy.deepcopy(DEFAULT)
    config["dense"]["activations"] = {"wide_maxout": {"kind": "maxout", "pieces": 4}}
    config["dense"]["initializers"] = {"small": {"kind": "uniform", "limit": 0.01}}
    config["dense"]["baseline"].update(activation="wide_maxout", initializer="small")
    completed = complete_config(config)
    settings = cell_settings(completed, FAMILIES["dense"], completed["dense"]["baseline"])
    assert settings["activation"] == {"kind": "maxout", "pieces": 4}
    assert settings["initializer"] == {"kind": "uniform", "limit": 0.01}


def test_plain_kind_of_activation_and_initializer_gets_the_defaults():
    config = copy.deepcopy(DEFAULT)
    config["dense"]["baseline"].update(activation="maxout", initializer="orthogonal")
    completed = complete_config(config)
    settings = cell_settings(completed, FAMILIES["dense"], completed["dense"]["baseline"])
    assert settings["activation"] == {"kind": "maxout", "pieces": 2}
    assert settings["initializer"] == {"gain": 1.0, "kind": "orthogonal"}


def test_what_refers_to_a_definition_has_its_default_unless_it_has_its_own():
    share = {"$ref": "#/$defs/share"}
    schema = {
        "$defs": {"share": {"type": "number", "default": 0.5}, "name": {"type": "string"}},
        "properties": {
            "one": share,
            "other": {**share, "default": 0.25},
            "name": {"$ref": "#/$defs/name"},
            "inner": {
                "default": {},
                "properties": {"list": {"items": {"properties": {"x": share}}}},
            },
        },
    }
    document = {"inner": {"list": [{}, {"x": "much"}]}}
    (fault,) = fill_and_check(document, schema)
    assert fault == "inner.list[1].x: got 'much'; allowed: a finite number"
    inner = {"list": [{"x": 0.5}, {"x": "much"}]}
    assert document == {"one": 0.5, "other": 0.25, "inner": inner}
