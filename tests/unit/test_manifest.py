"""Fingerprints and manifests: what is identical, equal within tolerance, different, missing."""

import copy
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import svc_family
import tensorflow as tf

from restudy.data.tables import write_table
from restudy.families.conv.summaries import write_end, write_trial
from restudy.verification.fingerprints import Fingerprint, describe_file, distance
from restudy.verification.manifest import (
    ManifestError,
    compare_manifests,
    describe_aggregates,
    describe_cells,
    make_manifest,
    read_manifest,
    state_comparison,
    write_manifest,
)

TOLERANCE = 1e-6
SHA = "0" * 64
ENVIRONMENT = {"python": "3.11.9", "libraries": {"numpy": "2.1.0"}, "processor": "A"}


def table() -> pd.DataFrame:
    """Numbers of many magnitudes, gaps, texts and whole numbers."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "activation": ["tanh", "relu"] * 3000,
            "seed": np.arange(6000),
            "loss": random.lognormal(sigma=3, size=6000),
            "small": 1e-9 * random.normal(size=6000),
            "gap": [np.nan, 0.5, np.inf] * 2000,
        }
    )


def last_bit(frame):
    frame.loc[4711, "loss"] = np.nextafter(frame.loc[4711, "loss"], np.inf)


def last_bits(frame):
    frame["loss"] = np.nextafter(frame["loss"], np.inf)


def fourth_digit(frame):
    frame.loc[4711, "loss"] *= 1.0001


def swapped_rows(frame):
    frame.iloc[[17, 5018]] = frame.iloc[[5018, 17]].to_numpy()


def swapped_values(frame):
    frame.loc[[17, 18], "loss"] = frame.loc[[18, 17], "loss"].to_numpy()


def renamed_column(frame):
    frame.columns = frame.columns.str.replace("loss", "losses")


def changed_label(frame):
    frame.loc[3, "activation"] = "elu"


def changed_count(frame):
    frame.loc[3, "seed"] += 1


def moved_gap(frame):
    frame.loc[[0, 1], "gap"] = frame.loc[[1, 0], "gap"].to_numpy()


def further_row(frame):
    frame.loc[6000] = frame.loc[0]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "change, outcome",
    [
        (last_bit, "within tolerance"),
        (last_bits, "within tolerance"),
        (fourth_digit, "different"),
        (swapped_rows, "different"),
        (swapped_values, "different"),
        (renamed_column, "different"),
        (changed_label, "different"),
        (changed_count, "different"),
        (moved_gap, "different"),
        (further_row, "different"),
    ],
)
def test_a_changed_table_is_told_from_one_within_tolerance(tmp_path, suffix, change, outcome):
    entries = []
    for name in ("one", "other"):
        frame = table()
        if name == "other":
            change(frame)
            frame = frame.astype({"seed": int})
        write_table(frame, tmp_path / f"{name}.{suffix}")
        entries.append(describe_file(tmp_path / f"{name}.{suffix}"))
    assert entries[0]["sha256"] != entries[1]["sha256"]
    apart = distance(entries[0]["fingerprint"], entries[1]["fingerprint"])
    assert (apart <= TOLERANCE) == (outcome == "within tolerance"), apart


def summary(*arrays, pieces=1):
    taken = Fingerprint()
    for place, array in enumerate(arrays):
        for piece in np.array_split(array, pieces):
            taken.add(str(place), piece)
    return taken.summary()


def test_distance_estimates_the_root_of_the_summed_squares():
    random = np.random.default_rng(1)
    for change in (1e-9, 1e-6, 1e-3):
        values = random.lognormal(size=20000)
        factors = 1 + change * random.normal(size=values.size)
        truth = np.linalg.norm(np.log(factors))
        assert truth / 3 < distance(summary(values), summary(values * factors)) < truth * 3


@pytest.mark.parametrize("place", [0, 1, 4095, 4096, 19999])
def test_a_single_change_is_never_underestimated_by_more_than_four(place):
    values = np.full(20000, 0.25)
    changed = values.copy()
    changed[place] *= 1.0001
    assert 1e-4 / 4.4 < distance(summary(values), summary(changed)) < 1e-4 * 2.2


def test_pieces_give_what_the_whole_gives():
    values = table()["gap"].to_numpy(), np.linspace(0, 1, 9001)
    whole, pieces = summary(*values), summary(*values, pieces=7)
    assert whole[:2] == pieces[:2] and distance(whole, pieces) < 1e-9


def test_a_weight_array_and_its_last_bit(tmp_path):
    weights = np.random.default_rng(0).normal(size=(20, 3, 4)).astype(np.float32)
    changed = weights.copy()
    changed[3, 1, 2] = np.nextafter(changed[3, 1, 2], np.float32(9))
    entries = []
    for array in (weights, changed, weights.reshape(20, 4, 3)):
        np.savez(tmp_path / "weights.npz", layer1=array)
        entries.append(describe_file(tmp_path / "weights.npz")["fingerprint"])
    assert 0 < distance(*entries[:2]) < TOLERANCE
    assert distance(entries[0], entries[2]) > TOLERANCE


def write_events(folder, loss, speed):
    """Event files as a CNN job writes them: with the times at which that happens."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        write_trial({"activation": "tanh"}, "cell")
        for step in range(5):
            tf.summary.scalar("loss/train", loss / (1 + step), step)
            tf.summary.scalar("speed/examples_per_second", speed, step)
            tf.summary.histogram("conv1/weights", [loss, step, 1.0], step)
        write_end(False)
    time.sleep(1.1)  # what HParams keeps counts in whole seconds


def test_event_files_are_described_by_what_they_say(tmp_path):
    for name, loss, speed in (("one", 0.5, 10), ("again", 0.5, 11), ("other", 0.50005, 10)):
        write_events(tmp_path / name, loss, speed)
    one, again, other = (describe_file(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again and "sha256" not in one
    assert one["content_sha256"] != other["content_sha256"]
    assert distance(one["fingerprint"], other["fingerprint"]) > TOLERANCE


def test_a_folder_of_other_files_is_described_by_their_names_and_bytes(tmp_path):
    for name in ("one", "again", "changed", "renamed"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep/tree.json").write_text("1")
    (tmp_path / "again/.snakemake_timestamp").touch()
    (tmp_path / "changed/deep/tree.json").write_text("2")
    (tmp_path / "renamed/deep/tree.json").rename(tmp_path / "renamed/tree.json")
    one, *others = (
        describe_file(tmp_path / name) for name in ("one", "again", "changed", "renamed")
    )
    assert one["bytes"] == 1 and "sha256" not in one
    assert [one == other for other in others] == [True, False, False]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no file"):
        describe_file(tmp_path / "empty")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Results of two jobs, a table and a picture, and their manifest."""
    monkeypatch.chdir(tmp_path)
    record = {f"{name}_sha256": SHA for name in ("settings", "data", "code", "lock")}
    for number in range(2):
        folder = tmp_path / f"results/dense/cell~{number}"
        folder.mkdir(parents=True)
        np.savez(folder / "weights.npz", layer1=np.linspace(0.1, 1, 10) + number)
        (folder / "provenance.json").write_text(json.dumps({**record, "environment": ENVIRONMENT}))
    write_table(table(), "results/table.csv")
    (tmp_path / "results/figure.svg").write_text("<svg/>")
    (tmp_path / "lock").write_text("")
    return tmp_path


def manifest_of(root=Path(), **environment):
    """The manifest of what is there, as read back from its file."""
    folders = {"dense": [f"results/dense/cell~{number}" for number in range(2)]}
    provenance = {"configuration_sha256": SHA, "environment": {**ENVIRONMENT, **environment}}
    cells = describe_cells(root, folders, {"dense": ["weights.npz"]})
    paths = [root / "results/table.csv", root / "results/figure.svg"]
    aggregates = describe_aggregates(root, paths, provenance, SHA, SHA)
    made = make_manifest(cells, aggregates, "configuration", {"results/logs": "times"})
    write_manifest("manifest.json", made)
    found = read_manifest("manifest.json", "configuration")
    assert found == made
    return found


def test_copies_of_what_is_in_a_bucket_have_the_same_manifest(run):
    own = manifest_of()
    copies = Path(".snakemake/storage/s3/bucket/study")
    copies.mkdir(parents=True)
    Path("results").rename(copies / "results")
    assert manifest_of(copies) == own


def outcomes(own, other, tolerance=TOLERANCE):
    return compare_manifests(own, other, tolerance).set_index("path")


def change_weights(factor):
    with np.load("results/dense/cell~1/weights.npz") as arrays:
        weights = arrays["layer1"].copy()
    weights[3] *= factor
    np.savez("results/dense/cell~1/weights.npz", layer1=weights)


def test_the_same_results_are_identical(run):
    own = manifest_of()
    found = outcomes(own, own)
    assert list(found["outcome"]) == ["identical"] * 4
    assert state_comparison(found.reset_index(), 1e-6)[-1].startswith(
        "4 artefacts, tolerance 1e-06: 4 identical, 0 within tolerance, 0 different, 0 missing"
    )
    assert own["cells"]["results/dense/cell~0"]["settings"] == SHA
    assert own["left_out"] == [{"artefacts": "results/logs", "reason": "times"}]
    assert own["environments"] == [ENVIRONMENT]


def test_a_manifest_has_a_line_for_each_artefact(run):
    manifest_of()
    lines = [line for line in (run / "manifest.json").read_text().splitlines() if "sha256" in line]
    assert len(lines) == 4


@pytest.mark.parametrize(
    "factor, outcome", [(1 + 2**-52, "within tolerance"), (1.001, "different")]
)
def test_what_changed_after_the_manifest_was_written_is_noticed(run, factor, outcome):
    own = manifest_of()
    change_weights(factor)
    found = outcomes(own, own)
    changed = found.loc["results/dense/cell~1/weights.npz"]
    assert changed["outcome"] == outcome
    assert changed["why"] == "changed here since its manifest was written"
    assert (found["outcome"] == "identical").sum() == 3


def test_missing_and_additional_artefacts_are_told(run):
    own = manifest_of()
    other = copy.deepcopy(own)
    other["aggregates"]["files"]["results/further.csv"] = {"sha256": SHA, "bytes": 1}
    del other["cells"]["results/dense/cell~0"]
    shutil.rmtree("results/dense/cell~1")
    found = outcomes(own, other)
    assert dict(found["outcome"]) == {
        "results/dense/cell~1/weights.npz": "missing",
        "results/dense/cell~0/weights.npz": "additional",
        "results/table.csv": "identical",
        "results/figure.svg": "identical",
        "results/further.csv": "missing",
    }


def test_a_damaged_file_is_different(run):
    own = manifest_of()
    path = run / "results/dense/cell~1/weights.npz"
    path.write_bytes(path.read_bytes()[:100])
    found = outcomes(own, own).loc["results/dense/cell~1/weights.npz"]
    assert found["outcome"] == "different" and "can't be read here" in found["why"]


def test_what_differs_behind_a_result_is_named(run):
    other = manifest_of()
    for place in run.glob("results/dense/*/provenance.json"):
        record = json.loads(place.read_text())
        record["code_sha256"] = "1" * 64
        record["environment"]["libraries"]["numpy"] = "2.2.0"
        place.write_text(json.dumps(record))
    change_weights(1.5)
    found = outcomes(manifest_of(), other).loc["results/dense/cell~1/weights.npz"]
    assert found["why"] == "code differs; numpy: 2.2.0 here, 2.1.0 there"


def test_a_difference_without_a_cause_is_said_to_have_none(run):
    other = manifest_of()
    change_weights(1.5)
    found = outcomes(manifest_of(), other).loc["results/dense/cell~1/weights.npz"]
    assert found["why"] == "same settings, data, code, lock and environment"


def test_artefacts_of_any_family_are_listed_and_compared(run):
    place = "results/svc/dataset~moons/protocol~plain/kernel~rbf/c~0.1/seed~0"
    folder = svc_family.train_job(Path(place))
    record = (run / "results/dense/cell~0/provenance.json").read_text()
    (folder / "provenance.json").write_text(record)
    names = [artefact.name for artefact in svc_family.FAMILY.artefacts]

    def listed() -> dict:
        aggregates = {"settings": SHA, "code": SHA, "lock": SHA, "environment": ENVIRONMENT}
        cells = describe_cells(Path(), {"svc": [place]}, {"svc": names})
        return make_manifest(cells, aggregates | {"files": {}}, "configuration", {})

    own = listed()
    assert set(own["cells"][place]["files"]) == {"runs.csv", "support.npz"}
    assert list(outcomes(own, own)["outcome"]) == ["identical"] * 2
    for factor, outcome in ((1 + 2**-51, "within tolerance"), (1.01, "different")):
        svc_family.change_array(folder / "support.npz", "coefficients", factor)
        found = outcomes(listed(), own)["outcome"]
        assert dict(found) == {f"{place}/runs.csv": "identical", f"{place}/support.npz": outcome}


def redraw():
    (path,) = Path("results").glob("figure.svg")
    path.write_text("<svg>another digit</svg>")


def test_a_picture_of_results_within_tolerance_is_within_tolerance(run):
    other = manifest_of()
    change_weights(1 + 2**-52)
    redraw()
    own = manifest_of()
    assert outcomes(own, other).loc["results/figure.svg", "outcome"] == "within tolerance"
    # Drawn by other code, it may be another picture altogether.
    own["aggregates"]["code"] = "1" * 64
    assert outcomes(own, other).loc["results/figure.svg", "outcome"] == "different"


def test_a_picture_that_differs_though_no_result_does_is_different(run):
    other = manifest_of()
    redraw()
    assert outcomes(manifest_of(), other).loc["results/figure.svg", "outcome"] == "different"


def test_a_picture_of_different_results_is_different(run):
    other = manifest_of()
    change_weights(1.5)
    redraw()
    assert outcomes(manifest_of(), other).loc["results/figure.svg", "outcome"] == "different"


def test_a_wider_tolerance_lets_more_pass(run):
    other = manifest_of()
    change_weights(1.001)
    assert set(outcomes(manifest_of(), other, tolerance=0.1)["outcome"]) == {
        "identical",
        "within tolerance",
    }


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "no such file; expected a manifest.json"),
        ("{", "can't be read as a manifest (not JSON)"),
        ("[1]", "no manifest; it lacks some of: aggregates, cells"),
        ('{"format": 1}', "no manifest; it lacks some of: aggregates, cells"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, content, message):
    path = tmp_path / "their.json"
    if content:
        path.write_text(content)
    with pytest.raises(ManifestError) as fault:
        read_manifest(path)
    assert str(fault.value).startswith(f"{path}: {message}")


def test_a_manifest_of_another_configuration_or_format_is_refused(run):
    manifest_of()
    with pytest.raises(ManifestError, match=r"of another configuration \(digest configuratio"):
        read_manifest("manifest.json", "another")
    text = Path("manifest.json").read_text()
    Path("manifest.json").write_text(text.replace('"format":1', '"format":2'))
    with pytest.raises(ManifestError, match="format 2; this code reads 1"):
        read_manifest("manifest.json")


def test_a_folder_in_place_of_a_manifest_is_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"can't be read as a manifest \(this is a folder"):
        read_manifest(tmp_path)


ODD = [
    *(None, 1, -1, 0, True, "x", "", [], {}, [1], {"a": 1}, 1e400, float("nan"), 10**400),
    *("<script>", "\ud800", [[]], {"sha256": 1}, 99, -99, "../../etc/passwd", 1e200),
]


def places_of(value, at=()):
    """Every place in a JSON value, as keys and indices."""
    yield at
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from places_of(value[key], (*at, key))


def test_a_damaged_manifest_is_compared_or_refused_in_one_message(run):
    """Each place of it is deleted or gets an odd value."""
    own, refused = manifest_of(), 0
    for number, place in enumerate(places_of(own)):
        for damage in (None, ODD[number % len(ODD)], ODD[(7 * number + 3) % len(ODD)]):
            other = copy.deepcopy(own)
            *way, last = place or ("format",)
            group = other
            for key in way:
                group = group[key]
            if damage is None:
                del group[last]
            else:
                group[last] = damage
            Path("other.json").write_text(json.dumps(other))
            try:
                table = compare_manifests(own, read_manifest("other.json"), TOLERANCE)
                "\n".join(state_comparison(table, TOLERANCE)).encode()
            except ManifestError as fault:
                assert str(fault).startswith("other.json: ")
                refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    "content", [b"", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'{"format":']
)
def test_what_is_no_json_is_refused_in_one_message(tmp_path, content):
    (tmp_path / "other.json").write_bytes(content)
    with pytest.raises(ManifestError):
        read_manifest(tmp_path / "other.json")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with pytest.raises(ManifestError, match=f"this is a {kind}"):
        read_manifest(tmp_path / kind)


def test_names_of_another_run_are_short_and_printable_in_words(run):
    own = manifest_of()
    other = copy.deepcopy(own)
    entry = {"sha256": SHA, "bytes": 1}
    names = ["\x1b[2J", "a\nb", "x" * 10_000, *map(str, range(2000))]
    other["aggregates"]["files"] |= dict.fromkeys(names, entry)
    lines = state_comparison(compare_manifests(own, other, TOLERANCE), TOLERANCE)
    assert len(lines) == 1002 and lines[-2] == "and 1,003 artefacts more"
    assert all(len(line) <= 500 and line.isprintable() for line in lines)
