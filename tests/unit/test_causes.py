"""What changed for a job: in the words of the configuration, by file, by module and by package."""

import dataclasses
import json

import pytest

from restudy.families.contract import Axis, Bundle, Family, Kind, Measure, count
from restudy.families.registry import FAMILIES
from restudy.operation.causes import Cause, PendingJob, configuration_causes, explain
from restudy.operation.explanation import Explainer, PlannedJob
from restudy.provenance.environment import file_digest, read_packages
from restudy.provenance.parts import (
    KNOWN,
    compare_modules,
    compare_packages,
    data_digest,
    digest_of,
    note_parts,
    noted_parts,
)
from restudy.provenance.records import previous_path, record_path

CELL = {"dataset": "moons", "protocol": "corrected", "activation": "tanh", "optimizer": "gd"}
SETTINGS = {
    "cell": CELL,
    "dataset": {"kind": "moons", "noise": 0.2},
    "protocol": {"passes": 100, "schedule": {"kind": "constant"}},
    "optimizer": {"kind": "gradient_descent", "learning_rate": 0.01},
    "activation": {"kind": "tanh"},
}


def texts(old: dict, new: dict, wildcards=None) -> tuple[list[str], list[str]]:
    # As a record keeps it, and in an order that is none.
    kept = json.loads(json.dumps(dict(sorted(old.items(), key=lambda item: repr(item[1])))))
    named, unnamed = configuration_causes(kept, new, wildcards or {}, FAMILIES["dense"])
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


def test_values_are_compared_by_the_parameters_name():
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


def test_settings_of_several_jobs_are_named_alike():
    def jobs(rate):
        settings = {**SETTINGS, "optimizer": {"kind": "gradient_descent", "learning_rate": rate}}
        return [{"folder": "a", "cell": CELL, "settings": settings}]

    expected = ["dense.optimizers.gd.learning_rate: 0.01 → 0.02"]
    assert texts({"jobs": jobs(0.01)}, {"jobs": jobs(0.02)}) == (expected, [])


def test_a_setting_of_a_family_that_nobody_knew_is_named_by_its_own_section():
    kernels = Bundle("kernels", "Named kernels.", "A kernel.", (Kind("rbf"),))
    family = Family(
        name="svm",
        title="Support vector machines",
        description="Of scikit-learn.",
        takes="points",
        axes=(Axis("kernel", "Kernel", "A kernel.", bundle=kernels),),
        measures=(Measure("heldout_accuracy", "Accuracy", "Share classified correctly."),),
        train="train",
        protocol=(count("limit", "Iterations.", 100),),
    )
    cell = {"dataset": "moons", "protocol": "plain", "kernel": "wide"}

    def settings(gamma, limit):
        protocol, kernel = {"limit": limit}, {"kind": "rbf", "gamma": gamma}
        return {"settings": {"cell": cell, "protocol": protocol, "kernel": kernel}}

    named, unnamed = configuration_causes(settings(1.0, 10), settings(2.0, 20), {}, family)
    assert [cause.text for cause in named] == [
        "svm.protocols.plain.limit: 10 → 20",
        "svm.kernels.wide.gamma: 1.0 → 2.0",
    ]
    assert not unnamed
    # Of a job that belongs to no family, the parameter's own name has to do.
    assert not configuration_causes(settings(1.0, 10), settings(2.0, 10), {}, None)[0]


def test_a_parameter_that_comes_or_goes_is_told_by_its_name():
    assert texts({"a": 1}, {"b": 1}) == (
        [],
        ["b is asked for, which was not before", "a is no longer used"],
    )


def test_a_number_of_another_type_and_claims_by_their_id_are_told():
    claims = [{"id": "one", "margin": 1}, {"id": "two", "margin": 1}]
    changed = [claims[1], {"id": "one", "margin": 2}]
    assert texts({"claims": claims}, {"claims": changed}) == (["claims.one.margin: 1 → 2"], [])
    assert texts({"seed": 1}, {"seed": 1.0}) == ([], ["seed: 1 → 1.0"])


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
        "[2] itself, and input rebuilt because of [1]: 1 job",
        "  plot: picture",
        "",
        "Input rebuilt because of [1]: 1 job",
        "  table: table",
    ]
    assert explain([]).startswith("Nothing would run")


@pytest.fixture(autouse=True)
def no_digests():
    """A process whose digests stand for nothing yet."""
    before = dict(KNOWN)
    KNOWN.clear()
    yield
    KNOWN.clear()
    KNOWN.update(before)


def test_packages_of_a_lock_are_noted_and_compared(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nnumpy==1.0 \\\n    --hash=sha256:0\nscipy==2.0 ; python=='3'\n")
    assert read_packages(lock) == {"numpy": "1.0", "scipy": "2.0"}
    digest_of("packages", read_packages(lock), "1" * 64)
    note_parts(tmp_path)
    KNOWN.clear()  # as in a later run
    old = noted_parts(tmp_path, "1" * 64, "packages")
    assert noted_parts(tmp_path, "1" * 64, "modules") is None
    assert noted_parts(tmp_path, "0" * 64, "packages") is None
    lock.write_text("numpy==1.1\npandas==3.0\n")
    assert compare_packages(old, read_packages(lock)) == (
        "numpy 1.0 → 1.1, pandas 3.0 is new, scipy 2.0 is gone"
    )
    assert compare_packages(old, old) == "the same packages and versions, other comments or hashes"


def test_modules_are_compared_by_name_and_content():
    old, new = {"a.py": "1", "b.py": "1", "c.py": "1"}, {"a.py": "2", "c.py": "1", "d.py": "1"}
    assert compare_modules(old, new) == ["a.py", "d.py is used now", "b.py is no longer used"]


# ---- Jobs against their records ---------------------------------------------------------------

CONFIG = {"datasets": {"own": {"path": "own.csv"}}}


@dataclasses.dataclass
class Folder:
    """A project that is its own working directory, in which one job has run."""

    root: object
    job: PlannedJob

    def record(self, **changes):
        """Write the record of the last run, as it was but for some changes."""
        job = self.job
        record = {
            "rule": job.rule,
            "wildcards": job.wildcards,
            "input": job.inputs,
            "sha256": {p: file_digest(p) for paths in job.inputs.values() for p in paths},
            "params": json.loads(json.dumps(job.params)),
        }
        path = record_path(job.log)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record | changes))

    def causes(self, triggers=("params", "input", "software-env"), rebuilt=(), **changes):
        job = dataclasses.replace(self.job, **changes)
        explainer = Explainer(CONFIG, triggers)
        return [str(cause) for cause in explainer.causes(job, rebuilt)]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    for path in ("results/t.csv", "results/u.csv"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    folder = Folder(
        tmp_path,
        PlannedJob(
            rule="plot",
            inputs={"table": ["results/t.csv"], "": ["results/u.csv"]},
            outputs=["results/figure.svg"],
            params={"seed": 1, "study": {"name": "sizes", "vary": {"depth": [1, 2]}}},
            wildcards={"family": "dense", "study": "sizes"},
            log="results/logs/plot/sizes.log",
        ),
    )
    folder.record()
    return folder


def test_a_job_that_did_not_change_has_no_cause(folder):
    assert folder.causes() == []
    newer = dict.fromkeys(("results/t.csv", "results/u.csv"), "by its date")
    assert folder.causes(newer=newer) == [], "a file that is only newer"


def test_an_input_with_other_content_is_told(folder):
    (folder.root / "results/t.csv").write_text("edited")
    assert folder.causes() == ["data: results/t.csv is another than this was made from"]
    # What another job rebuilds is a cause of that job.
    assert folder.causes(rebuilt=["results/t.csv"]) == []


def test_a_file_of_which_no_digest_is_recorded_is_told_by_its_date(folder):
    folder.record(sha256={})
    assert folder.causes() == []
    newer = {"results/t.csv": "by its date: what it was is not recorded"}
    assert folder.causes(newer=newer) == [
        "data: results/t.csv is another than this was made from "
        "(by its date: what it was is not recorded)"
    ]


def test_parameters_and_inputs_that_changed_are_told_as_far_as_they_trigger(folder):
    study = {"name": "sizes", "vary": {"depth": [1, 2, 4]}}
    inputs = {"table": ["results/t.csv", "results/v.csv", "results/w.csv"]}
    changes = {"params": {"seed": 1, "study": study}, "inputs": inputs}
    depths = "configuration: dense.studies.sizes.vary.depth: [1, 2] → [1, 2, 4]"
    assert folder.causes(**changes) == [depths]
    assert folder.causes(triggers=["params"], **changes) == [depths]
    more = "configuration: other results are its input: 2 more and 1 fewer than before"
    assert folder.causes(triggers=["input"], **changes) == [more]
    assert folder.causes(triggers=[], **changes) == []


def test_a_derived_parameter_is_no_cause_of_its_own(folder):
    params = {**folder.job.params, "place": "results/other"}
    folder.record(params={**folder.job.params, "place": "results/one"})
    assert folder.causes(params=params, derived=frozenset(["place"])) == []
    assert folder.causes(params=params) == ["configuration: place: results/one → results/other"]


def test_modules_behind_a_digest_are_told_apart(folder):
    old = digest_of("modules", {"src/a.py": "1", "src/b.py": "1"})
    note_parts(folder.root)
    KNOWN.clear()
    folder.record(params={"code": old})
    new = digest_of("modules", {"src/a.py": "2", "src/c.py": "1"})
    assert folder.causes(params={"code": new}) == [
        "code: src/a.py",
        "code: src/c.py is used now",
        "code: src/b.py is no longer used",
    ]
    folder.record(params={"code": "9" * 64})
    assert folder.causes(params={"code": new}) == [
        "code: modules of the job; what they were is not recorded"
    ]
    folder.record(params={"code": new})
    assert folder.causes(params={"code": new}) == []


def test_packages_behind_a_digest_are_told_apart(folder):
    old = digest_of("packages", {"numpy": "1.0"}, "1" * 64)
    note_parts(folder.root)
    KNOWN.clear()
    folder.record(params={"lock": old})
    new = digest_of("packages", {"numpy": "2.0"}, "2" * 64)
    told = "environment: requirements.lock: "
    assert folder.causes(params={"lock": new}) == [f"{told}numpy 1.0 → 2.0"]
    folder.record(params={"lock": "9" * 64})
    other = f"{told}other content; which packages it named is not recorded"
    assert folder.causes(params={"lock": new}) == [other]
    # The last whole run recorded at least the main libraries.
    made = {"lock_sha256": "9" * 64, "environment": {"libraries": {"numpy": "1.5"}}}
    (folder.root / "results/provenance.json").write_text(json.dumps(made))
    (cause,) = folder.causes(params={"lock": new})
    assert cause.endswith("whose versions the results record, numpy 1.5 → 2.0")


def test_files_of_the_users_behind_a_digest_are_named(folder):
    own = folder.root / "own.csv"
    own.write_text("a,b")
    old = data_digest([str(own)])
    note_parts(folder.root)
    KNOWN.clear()
    folder.record(params={"own": old})
    wildcards = {"dataset": "wells"}
    assert folder.causes(params={"own": data_digest([str(own)])}, wildcards=wildcards) == []
    moved = folder.root / "results" / "own.csv"
    moved.write_text("a,b,c")
    changed = {"params": {"own": data_digest([str(moved)])}, "wildcards": wildcards}
    told = ["data: own.csv, of data set wells, has other content"]
    assert folder.causes(**changed) == told
    folder.record(params={"own": "9" * 64})
    assert folder.causes(**changed) == told


def test_a_configuration_behind_a_digest_is_told_by_its_keys(folder):
    old = digest_of("configuration", {"dense": {"studies": {}}, "claims": [{"id": "a", "n": 1}]})
    note_parts(folder.root)
    KNOWN.clear()
    folder.record(params={"computed": old})
    new = digest_of("configuration", {"dense": {"studies": {}}, "claims": [{"id": "a", "n": 2}]})
    assert folder.causes(params={"computed": new}) == ["configuration: claims.a.n: 1 → 2"]


def test_what_is_gone_never_was_or_was_interrupted_is_told_apart(folder):
    missing = {"missing": folder.job.outputs}
    gone = "gone: deleted, or lost by a run that failed, since it was made"
    never = "never made: nothing is known of an earlier run"
    seed = "configuration: seed: 1 → 2"
    changed = {"params": {**folder.job.params, "seed": 2}}
    assert folder.causes(**missing, **changed) == [gone, seed]
    # A job that began again and failed has set its record aside.
    path = record_path(folder.job.log)
    path.rename(previous_path(path))
    assert folder.causes(**missing, **changed) == [gone, seed]
    assert folder.causes(interrupted=True, **changed) == [
        "interrupted: the last run had not ended",
        seed,
    ]
    # Of outputs that are there, a record that was set aside says nothing.
    assert folder.causes(**changed) == []
    previous_path(path).unlink()
    assert folder.causes(**missing, **changed) == [never]
    outputs = ["results/figure.svg", "results/other.svg"]
    folder.record()
    assert folder.causes(outputs=outputs, missing=outputs[1:]) == [f"{gone}: results/other.svg"]


def test_forced_checks_and_snakemakes_own_words(folder):
    forced = "forced: asked for by --force, --forcerun or --forceall"
    assert folder.causes(forced=True) == [forced]
    (damaged,) = folder.causes(damaged=True, forced=True)
    assert str(damaged) == "damaged: what it made, or what was noted of it, was cut since"
    assert folder.causes(outputs=[]) == [
        "always: makes no file, so it runs whenever it is asked for"
    ]
    job = dataclasses.replace(folder.job, reason="The moon is full")
    (told,) = Explainer(CONFIG).explain([job])
    assert list(map(str, told.causes)) == ["Snakemake says: The moon is full"]


def test_causes_are_inherited_from_the_jobs_that_rebuild_inputs(folder):
    first = dataclasses.replace(folder.job, params={"seed": 2, "study": folder.job.params["study"]})
    second = PlannedJob(
        "table", outputs=["results/table.html"], needs=(0,), log="results/logs/table.log"
    )
    told = Explainer(CONFIG).explain([first, second])
    assert [(job.name, list(map(str, job.inherited))) for job in told] == [
        ("plot", []),
        ("table", ["configuration: seed: 1 → 2"]),
    ]


def test_other_cells_are_told_by_the_studies_of_the_same_family(folder):
    studies = {"conv": {"studies": {"a": 1}}, "dense": {"studies": {"a": 1}}}
    provenance = {"configuration": {**CONFIG, **studies}}
    (folder.root / "results/provenance.json").write_text(json.dumps(provenance))
    now = {**CONFIG, "conv": {"studies": {"a": 2}}, "dense": {"studies": {"a": 3}}}
    job = dataclasses.replace(folder.job, inputs={**folder.job.inputs, "more": ["results/x.csv"]})
    causes = [str(cause) for cause in Explainer(now).causes(job)]
    assert causes == ["configuration: dense.studies.a: 1 → 3"]
