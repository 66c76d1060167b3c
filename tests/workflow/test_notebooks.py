"""Notebooks in a real run: made for every model, and stopped by a failing cell."""

import json
import re
import shutil

import nbformat
import pytest
import yaml
from conftest import ROOT, Project

from restudy.data.tables import read_table

NAMES = (
    "add_your_own_activation",
    "backpropagation",
    "convolutional_network",
    "dense_networks",
)
SMOKE = ("--cores", "1", "--configfile", "config/smoke.yaml")


def text_of(notebook, ident):
    """What a cell shows, as text."""
    (cell,) = [cell for cell in notebook.cells if cell.id == ident]
    outputs = [output.get("data", {}) for output in cell.outputs]
    return "\n".join(
        data.get("text/html", data.get("text/markdown", data.get("text/plain", "")))
        for data in outputs
    )


def numbers_of(notebook, ident):
    """The numbers in a table that a cell shows."""
    return [float(text) for text in re.findall(r">([0-9.]+)</td>", text_of(notebook, ident))]


@pytest.mark.parametrize("name", NAMES)
def test_run_makes_the_executed_notebook_and_its_page(smoke, name):
    path = smoke.folder / f"results/notebooks/{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert "error" not in kinds and kinds
    # Whatever a library complains about would stand there as a stream of errors.
    assert not [o for cell in code for o in cell.outputs if o.get("name") == "stderr"]
    text = path.read_text()
    for folder in (smoke.folder, smoke.made_in or smoke.folder, ROOT):
        assert str(folder) not in text
    assert "papermill" not in notebook.metadata
    page = smoke.folder / f"results/report/{name}_notebook.html"
    assert page.stat().st_size < 1_390_000
    assert not (smoke.folder / f"results/logs/run_notebook/{name}.ipynb").exists()


def test_gradients_are_checked_on_the_networks_of_the_run(smoke):
    notebook = nbformat.read(smoke.folder / "results/notebooks/backpropagation.ipynb", 4)
    rows = text_of(notebook, "load").split("<tr>")
    kinds = {re.search("<td[^>]*>([^<]*)<", row)[1]: row for row in rows if "<td" in row}
    assert "by the run" in kinds["tanh"] and "by the run" in kinds["ReLU"]
    assert "in this notebook" in kinds["sigmoid"]  # which config/smoke.yaml does not train
    assert ">500<" in kinds["tanh"]


def test_numbers_of_the_dense_notebook_are_those_of_the_tables(smoke):
    notebook = nbformat.read(smoke.folder / "results/notebooks/dense_networks.ipynb", 4)
    summary = read_table(smoke.folder / "results/tables/dense_summary.csv")
    activations = summary[(summary["dataset"] == "moons") & (summary["optimizer"] == "gd")]
    table = text_of(notebook, "activations-table")
    for mean in activations["heldout_accuracy_mean"]:
        assert f"{mean:.4f}" in table
    # config/smoke.yaml varies no number of units.
    sentence = text_of(notebook, "units-table")
    assert "has no study" in sentence and "hidden units" in sentence


def test_numbers_of_the_cnn_notebook_are_those_of_the_tables(smoke):
    notebook = nbformat.read(smoke.folder / "results/notebooks/convolutional_network.ipynb", 4)
    runs = read_table(smoke.folder / "results/tables/conv_runs.csv")
    baseline = runs[(runs["activation"] == "relu") & (runs["optimizer"] == "adam")]
    accuracy = pytest.approx(baseline["test_accuracy"].item(), abs=5e-5)
    assert accuracy in numbers_of(notebook, "accuracy-table")
    # Of 4 and 8 channels and 32 units: 104 + 808 + 12,576 + 330.
    assert "13,818 parameters" in text_of(notebook, "architecture-table")
    varied = runs[(runs["activation"] == "tanh") & (runs["optimizer"] == "gd")]
    accuracy = pytest.approx(varied["test_accuracy"].item(), abs=5e-5)
    assert accuracy in numbers_of(notebook, "variation-table")


def test_edited_template_runs_its_notebook_alone(smoke):
    path = smoke.folder / "workflow/notebooks/backpropagation.ipynb"
    text = path.read_text()
    path.write_text(text.replace("derived and checked", "derived, and checked"))
    try:
        # The manifest has every result, and the certificate's page says whether it still holds.
        assert smoke.jobs() == {"run_notebook": 1, "write_manifest": 1, "render_certificate": 1}
    finally:
        path.write_text(text)


def test_configuration_of_one_model_runs_its_notebooks_alone(smoke, tmp_path):
    config = yaml.safe_load((smoke.folder / "config/smoke.yaml").read_text())
    for left_out, notebooks in (("conv", 3), ("dense", 1)):
        path = tmp_path / f"without_{left_out}.yaml"
        # The claims are about both models.
        kept = {k: v for k, v in config.items() if k not in (left_out, "claims")}
        path.write_text(yaml.safe_dump(kept))
        jobs = smoke.jobs("--configfile", str(path), "--directory", str(tmp_path))
        assert jobs["run_notebook"] == notebooks
        assert {"train_dense", "train_conv"} & set(jobs) == {"train_dense", "train_conv"} - {
            f"train_{left_out}"
        }


def test_failing_cell_fails_the_rule_and_its_error_is_in_the_log(smoke, tmp_path):
    shutil.copytree(smoke.folder, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    path = project.folder / "workflow/notebooks/add_your_own_activation.ipynb"
    template = json.loads(path.read_text())
    (cell,) = [cell for cell in template["cells"] if cell["id"] == "check"]
    cell["source"].append("\nraise RuntimeError('broken on purpose')")
    path.write_text(json.dumps(template))
    target = "results/report/add_your_own_activation_notebook.html"
    done = project.snakemake(*SMOKE, "--", target)
    assert done.returncode != 0
    log = project.folder / "results/logs/run_notebook/add_your_own_activation.log"
    text = log.read_text()
    number = [one["id"] for one in template["cells"]].index("check") + 1
    assert f"cell {number} of {len(template['cells'])} (check) failed" in text
    assert "RuntimeError: broken on purpose" in text
    assert "z = np.linspace(-30, 30, 6001)" in text
    assert "\x1b" not in text
    assert not (project.folder / target).exists()
    kept = nbformat.read(log.with_suffix(".ipynb"), as_version=4)
    ids = {cell.id: cell for cell in kept.cells}
    assert ids["define"].execution_count and not ids["train-networks"].outputs
    # Snakemake shows the log of the failed job.
    assert "broken on purpose" in done.stdout + done.stderr
    for output in ("results/notebooks/backpropagation.ipynb", "results/report/findings.json"):
        assert (project.folder / output).exists()
