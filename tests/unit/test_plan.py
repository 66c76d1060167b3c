"""The plan: which files there are, who makes them, what they are called; nothing runs for it."""

from dataclasses import replace

import pytest
import yaml
from conftest import ROOT

from restudy.families.contract import Artefact, Axis, Family, Measure
from restudy.families.registry import FAMILIES
from restudy.plan import files, notebooks, paths, report_labels
from restudy.plan.figures import (
    FILE_FORMATS,
    FileFormatError,
    cell_figure,
    cell_figures,
    check_figure,
    figure_label,
    study_figure,
    study_figures,
)
from restudy.plan.studies import MAX_PICTURED_CELLS, Plan, UnknownStudyError
from restudy.study.config import ConfigError, complete_config

DENSE, CONV = FAMILIES["dense"], FAMILIES["conv"]
PLAIN = Family(
    name="plain",
    title="Plain machines",
    description="A family that has no history.",
    noun="machines",
    takes="points",
    axes=(Axis("c", "C", "A price.", "number", above=0),),
    measures=(Measure("heldout_accuracy", "Held-out accuracy", "A share.", better="higher"),),
    ranked_by=("heldout_accuracy",),
    artefacts=(Artefact("runs.csv", "A row."), Artefact("support.npz", "Vectors.")),
    train="train",
)
THREE = {**FAMILIES, "plain": PLAIN}


def plan_of(config, families=FAMILIES, claim_tables=()):
    completed = complete_config(config, families)
    kinds = {name: each["kind"] for name, each in completed["datasets"].items()}
    features = {name: {"iris": 4}.get(kind, 2) for name, kind in kinds.items() if kind != "mnist"}
    return Plan(completed, features, {}, claim_tables, families)


def shipped(name):
    return yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())


@pytest.fixture(scope="module")
def smoke():
    return plan_of(shipped("smoke"), claim_tables=("dense_runs.csv",))


@pytest.fixture(scope="module")
def plain():
    config = {
        "datasets": {"moons": {"kind": "moons"}},
        "plain": {
            "baseline": {"dataset": "moons", "protocol": "usual", "c": 1},
            "protocols": {"usual": {"replicates": 2}},
            "studies": {"prices": {"question": "Which price?", "vary": {"c": [0.1, 1]}}},
        },
    }
    return plan_of(config, THREE)


def test_a_cell_that_studies_share_is_one_job_with_all_its_seeds(smoke):
    jobs = list(smoke.jobs(DENSE))
    assert len(jobs) == len({job.folder for job in jobs}) == len(smoke.cells(DENSE))
    assert {job.seeds for job in jobs} == {tuple(range(6))}
    assert jobs[0].folder == jobs[0].cell.folder


def test_a_family_of_one_seed_a_job_has_a_job_for_each(plain):
    places = [(job.cell["c"], job.place, job.seeds) for job in plain.jobs(PLAIN)]
    assert places == [
        (c, f"dataset~moons/protocol~usual/c~{text}/seed~{seed}", (seed,))
        for c, text in ((0.1, "0.1"), (1.0, "1"))
        for seed in (0, 1)
    ]


def test_settings_are_known_of_cells_in_and_out_of_studies(smoke):
    inside = smoke.cells(DENSE)[0]
    assert smoke.settings(DENSE, inside) is inside.settings
    outside = replace(inside, pairs=tuple((a, 7 if a == "depth" else v) for a, v in inside.pairs))
    assert outside not in smoke.cells(DENSE)
    assert smoke.settings(DENSE, outside)["cell"]["depth"] == 7
    wrong = replace(inside, pairs=tuple((a, 0 if a == "depth" else v) for a, v in inside.pairs))
    with pytest.raises(ConfigError, match=r"dense\.depth: got 0"):
        smoke.settings(DENSE, wrong)


def test_unknown_study_is_refused_with_those_that_there_are(smoke):
    with pytest.raises(UnknownStudyError, match=r"'sizes'.*activations, depths, optimizers"):
        smoke.study(DENSE, "sizes")


def test_everything_that_is_asked_for_has_one_path_and_a_family_gets_what_it_leaves(plain, smoke):
    asked = list(files.requested_files(smoke))
    assert len(asked) == len(set(asked))
    assert all(path.startswith("results/") for path in asked)
    assert "results/tables/claims.html" in asked
    assert list(files.requested_files(plain)) == [
        "results/provenance.json",
        "results/manifest.json",
        "results/report/certificate.html",
        "results/report/findings.json",
        "results/report/overview.html",
        "results/report/study.html",
        "results/report/configuration.html",
        "results/report/environment.html",
        "results/tables/benchmarks.html",
        "results/tables/plain_runs.html",
        "results/tables/plain_summary.html",
        "results/tables/studies/plain_prices.tex",
        "results/tables/studies/plain_prices.md",
        "results/figures/plain/prices_accuracy_effects.svg",
        "results/figures/data/moons.svg",
    ]


def test_large_studies_are_drawn_from_the_combined_table_and_without_single_cells(plain):
    config = {**plain.config, "families": []}
    values = [float(n) for n in range(1, MAX_PICTURED_CELLS + 2)]
    section = config["plain"]
    study = {"question": "Many?", "vary": {"c": values}}
    config = {
        "datasets": config["datasets"],
        "plain": {**section, "studies": {"many": study, **section["studies"]}},
    }
    large = plan_of(config, THREE)
    assert files.study_inputs(large, PLAIN, "many", "runs.csv") == ["results/tables/plain_runs.csv"]
    few = files.study_inputs(large, PLAIN, "prices", "runs.csv")
    assert len(few) == 4 and few[0].endswith("c~0.1/seed~0/runs.csv")
    assert {cell["c"] for cell in large.pictured_cells(PLAIN)} == {0.1, 1.0}


def test_boundaries_are_drawn_of_planes_alone(smoke):
    config = shipped("smoke")
    config["datasets"]["moons"] = {"kind": "iris"}
    flat = plan_of(config)
    of = list(files.requested_files(flat))
    assert "results/figures/dense/activations_boundaries.svg" not in of
    assert "results/figures/dense/depths_boundaries.svg" in of
    assert not [path for path in of if "dataset~moons" in path and path.endswith("boundary.svg")]
    assert "results/figures/dense/activations_boundaries.svg" in list(files.requested_files(smoke))


def test_manifest_describes_tables_behind_pages_and_leaves_out_what_has_a_reason(smoke):
    found = files.aggregates(smoke)
    assert "results/tables/dense_summary.csv" in found
    assert "results/tables/claims_tests.parquet" in found
    assert "results/data/moons/description.json" in found
    assert "results/tables/studies/dense_depths.tex" in found
    assert "results/tables/studies/dense_depths.csv" not in found
    assert "results/data/mnist/digests.json" in found
    for path in ("results/provenance.json", "results/tables/benchmarks.csv"):
        assert files.is_left_out(path) and path not in found
    assert not files.is_left_out("results/tables/dense_runs.csv")


def test_training_leaves_what_the_facts_name_and_its_record(plain, smoke):
    folder = "results/dense/dataset~{dataset}/protocol~{protocol}/activation~{activation}/"
    outputs = files.training_outputs(DENSE)
    assert outputs["runs"].startswith(folder) and outputs["runs"].endswith("/runs.csv")
    assert set(outputs) == {each.key for each in DENSE.artefacts} | {"provenance"}
    assert files.training_outputs(PLAIN) == {
        key: f"results/plain/dataset~{{dataset}}/protocol~{{protocol}}/c~{{c}}/seed~{{seed}}/{name}"
        for key, name in (
            ("runs", "runs.csv"),
            ("support", "support.npz"),
            ("provenance", "provenance.json"),
        )
    }
    folders = {"plain": [job.folder for job in plain.jobs(PLAIN)]}
    left = files.left_by(folders, THREE)
    assert len(left) == 4 * 3 and {path.rpartition("/")[2] for path in left} == {
        "runs.csv",
        "support.npz",
        "provenance.json",
    }
    assert paths.scratch(left[0]) == left[0].replace("results/", "results/certificate/")


def test_figures_follow_from_facts():
    names_alone = {"numbers": [], "sampled": False, "vary": {"depth": [1, 2]}, "scales": {}}
    *of_dense, last = study_figures(DENSE, names_alone)
    assert of_dense[:6] == [
        "loss_curves",
        "accuracy_curves",
        "loss_effects",
        "accuracy_effects",
        "gradient_norms",
        "inactive_units",
    ]
    assert last == "boundaries"
    of_conv = list(study_figures(CONV, names_alone))
    assert of_conv[:5] == [
        "loss_curves",
        "accuracy_curves",
        "final_accuracy",
        "gradient_norms",
        "inactive_units",
    ]
    assert "boundaries" not in of_conv and "loss_effects" not in of_conv
    assert study_figures(PLAIN, names_alone) == {"accuracy_effects": "Accuracy by axis"}
    assert cell_figures(PLAIN) == {}
    assert list(cell_figures(DENSE)) == ["boundary"]
    assert len(cell_figures(CONV)) == 5


def test_paths_of_figures_give_back_what_they_are_called(smoke):
    for family in (DENSE, CONV):
        for kind, label in study_figures(family).items():
            assert figure_label(study_figure(family, "my_loss_curves", kind)) == label
        cell = smoke.cells(family)[0]
        for kind, label in cell_figures(family).items():
            assert figure_label(cell_figure(cell, kind, 0)) == label


def test_figures_can_be_asked_for_in_the_formats_that_they_are_written_in(smoke):
    asked = [path for path in files.requested_files(smoke) if path.startswith(f"{paths.FIGURES}/")]
    assert {path.rpartition(".")[2] for path in asked} == {"svg"}
    for ending in FILE_FORMATS:
        for path in asked:
            check_figure(f"{path.rpartition('.')[0]}.{ending}")
    for target in ("all", "--cores", "results/figures/dense", "results/tables/a.eps"):
        check_figure(target)
    for ending in (".eps", ".PDF", ".jpg"):
        with pytest.raises(FileFormatError) as fault:
            check_figure(f"results/figures/dense/depths_boundaries{ending}")
        assert str(fault.value) == (
            f"results/figures/dense/depths_boundaries{ending}: got the ending {ending}; "
            "allowed of a figure: .svg, .png, .pdf"
        )


def test_categories_are_numbered_in_one_order():
    named = report_labels.categories(FAMILIES)
    assert named["dense"] == "4 Dense networks"
    assert named["provenance"] == "9 Provenance"
    assert list(named.values()) == sorted(named.values())
    three = report_labels.categories(THREE)
    assert three["plain"] == "06 Plain machines" and three["provenance"] == "10 Provenance"
    many = report_labels.categories({f"f{n}": replace(PLAIN, name=f"f{n}") for n in range(9)})
    assert list(many.values()) == sorted(many.values())


def test_labels_say_what_is_shown(smoke):
    cell = next(cell for cell in smoke.cells(DENSE) if cell["depth"] == 4)
    words = report_labels.cell_labels(cell)
    assert words["Hidden layers"].strip() == "4 hidden layers"
    assert len(words["Hidden layers"]) == len(words["Hidden units"])
    run = report_labels.cell_labels(smoke.cells(CONV)[0], "Filters", "3")
    assert next(iter(run)) == "Figure" and run["Seed"] == "seed      3"
    assert report_labels.table_labels("dense_runs", FAMILIES) == {
        "Networks": "Dense networks",
        "Rows": "Runs",
    }
    assert report_labels.study_table_labels(DENSE, "hidden_sizes", "LaTeX") == {
        "Networks": "Dense networks",
        "Rows": "Cells of hidden sizes",
        "Format": "LaTeX",
    }
    assert report_labels.table_labels("claims", FAMILIES) == {"Networks": "All", "Rows": "Claims"}


def test_every_notebook_of_a_family_has_its_plan_and_its_template(smoke):
    named = [name for family in FAMILIES.values() for name in family.notebooks]
    assert set(named) == set(notebooks.NOTEBOOKS)
    for name in named:
        assert (ROOT / f"workflow/notebooks/{name}.ipynb").is_file()
        assert notebooks.family_of(smoke, name).name in FAMILIES


def test_notebooks_read_results_that_exist_in_the_plan(smoke):
    made = set(
        files.left_by(
            {n: [j.folder for j in smoke.jobs(f)] for n, f in smoke.families.items()},
            smoke.families,
        )
    )
    for name in notebooks.notebook_names(smoke):
        if name == "convolutional_network":
            continue  # it needs what is known of the images
        for path in notebooks.results(smoke, name):
            below_tables = path.startswith(("results/tables/", "results/data/"))
            assert below_tables or path in made, path
        assert notebooks.parameters(smoke, name)


def test_time_machine_takes_the_cells_nearest_to_the_baseline(smoke, monkeypatch):
    assert smoke.machine_cells(DENSE) == smoke.cells(DENSE)
    monkeypatch.setattr("restudy.plan.studies.MAX_TIME_MACHINE_CELLS", 1)
    (nearest,) = smoke.machine_cells(DENSE)
    differing = {axis for axis in nearest if nearest[axis] != smoke.baseline(DENSE)[axis]}
    assert differing <= {"protocol"}, "the protocol does not count"


RATE = "optimizer.learning_rate"
NUMBERS = {
    "rates": {
        "question": "?",
        "vary": {
            "optimizer": ["gd", "adam"],
            RATE: {"from": 0.001, "to": 0.1, "count": 3, "scale": "log"},
        },
    },
    "noises": {
        "question": "?",
        "fix": {"protocol.replicates": 2},
        "sample": {"size": 4},
        "vary": {"dataset.noise": {"from": 0.0, "to": 0.4}, "depth": [1, 2]},
    },
}


@pytest.fixture(scope="module")
def numbers():
    config = shipped("smoke")
    del config["conv"], config["claims"]
    config["dense"]["studies"] = NUMBERS
    return plan_of(config)


def test_settings_that_vary_have_a_column_of_their_value_in_every_cell(numbers):
    assert numbers.setting_axes(DENSE) == ["dataset.noise", RATE]
    found = numbers.setting_values(DENSE)
    rates = {value: settings[RATE] for value, settings in found["optimizer"].items()}
    assert rates == {
        **{
            f"{name}+learning_rate={spelled}": rate
            for name in ("gd", "adam")
            for spelled, rate in (("0.001", 0.001), ("0.1", 0.1))
        },
        "gd": 0.01,
        "adam": 0.01,
    }
    assert found["dataset"]["moons"]["dataset.noise"] == 0.2
    assert len(found["dataset"]) == 5


def test_rows_of_a_study_are_those_of_its_cells(numbers):
    rows = numbers.rows(DENSE, "rates")
    assert rows["cells"] == []
    assert rows["levels"]["optimizer"][:2] == ["gd+learning_rate=0.001", "gd"]
    assert rows["coordinates"]["optimizer"]["gd"] == {"optimizer": "gd", RATE: 0.01}
    rows = numbers.rows(DENSE, "noises")
    assert [tuple(cell) for cell in rows["cells"]] == [
        tuple(cell.values()) for cell in numbers.cells(DENSE, "noises")
    ]


def test_a_data_set_with_other_settings_is_a_data_set(numbers):
    noisy = next(name for name in numbers.used_datasets(DENSE) if "+" in name)
    noise = float(noisy.partition("noise=")[2])
    assert numbers.dataset_facts(noisy)["noise"] == noise
    assert numbers.data_file(noisy) == f"results/data/{noisy}/points.csv"
    assert numbers.dataset_kinds[noisy] == "moons"
    assert len(numbers.planar(numbers.cells(DENSE))) == len(numbers.cells(DENSE))
    with pytest.raises(ConfigError, match="'moons' has no setting 'nois'"):
        numbers.dataset_facts("moons+nois=0.1")
    with pytest.raises(ConfigError, match=r"noise: got -1.0; allowed: at least 0"):
        numbers.dataset_facts("moons+noise=-1")
    assert numbers.feature_count("blobs+features=5") == 5


def test_combinations_that_make_no_sense_are_told_of(numbers):
    assert not list(numbers.remarks())
    config = shipped("search")
    (line,) = plan_of(config).remarks()
    assert line == (
        "dense.studies.optimizers: 4 of 16 combinations are no cells of their own and left out: "
        "12 cells."
    )


def test_overridden_seeds_are_trained(numbers):
    cell = numbers.cells(DENSE, "noises")[0]
    assert numbers.replicates(cell) == 2
    assert {len(job.seeds) for job in numbers.jobs(DENSE, [cell])} == {2}


def test_figures_of_numbers_are_asked_for_where_a_study_has_them(numbers, smoke):
    def endings(plan, study):
        found = files.pictures_of_study(plan, DENSE, study)
        return {path.partition(f"{study}_")[2].partition(".")[0] for path in found}

    assert "loss_response" in endings(numbers, "rates")
    assert {"loss_map", "loss_parallel"} & endings(numbers, "rates") == set()
    assert {"loss_response", "loss_parallel", "loss_effects"} < endings(numbers, "noises")
    assert not [name for name in endings(smoke, "activations") if "response" in name]
    assert "accuracy_response" in endings(smoke, "optimizers")


def test_images_lie_in_one_place_whatever_parts_of_them_are_used():
    config = shipped("smoke")
    study = {"question": "?", "vary": {"dataset.train_examples": [500, 1000]}}
    config["conv"]["studies"] = {"sizes": study}
    del config["claims"]
    plan = plan_of(config)
    names = plan.used_datasets(CONV)
    assert names == ["mnist+train_examples=500", "mnist"]
    assert {plan.data_file(name) for name in names} == {"results/data/mnist/digests.json"}
    settings = [plan.settings(CONV, cell)["dataset"] for cell in plan.cells(CONV)]
    assert [each["train_examples"] for each in settings] == [500, 1000]


def test_a_job_plans_no_other_cell(numbers, monkeypatch):
    cell = numbers.cells(DENSE, "noises")[1]
    alone = replace(numbers, of_job=True)

    def refuse(*_):
        raise AssertionError("the cells of a study are not needed")

    monkeypatch.setattr("restudy.plan.studies.design_of", refuse)
    assert alone.settings(DENSE, cell) == numbers.settings(DENSE, cell)
