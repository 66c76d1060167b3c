"""A CNN that diverges before its first step is a result, and all that is made of it is made."""

import copy

import nbformat
from conftest import copy_project
from own_images import CONFIG, RUNS, write_config, write_images

from restudy.data.tables import read_table

NOTEBOOK = "results/notebooks/convolutional_network.ipynb"
FIGURE = RUNS.replace("results/conv/", "results/figures/conv/cells/").replace("runs.csv", "{}.svg")


def test_run_that_diverges_at_once_is_told_of_in_tables_figures_and_notebook(tmp_path):
    project = copy_project(tmp_path / "project")
    config = copy.deepcopy(CONFIG)
    config["conv"]["initializers"] = {"huge": {"kind": "uniform", "limit": 1.0e38}}
    config["conv"]["baseline"]["initializer"] = "huge"
    write_config(project, config)
    write_images(project.folder / "photos", seed=0)
    figures = [FIGURE.format(kind) for kind in ("confusion", "conv1_statistics")]
    targets = [path.replace("truncated_normal", "huge") for path in (RUNS, *figures)]
    done = project.snakemake("--cores", "1", "--configfile", "ours.yaml", "--", *targets, NOTEBOOK)
    assert done.returncode == 0, done.stdout + done.stderr
    row = read_table(project.folder / targets[0]).iloc[0]
    # ReLU can make a finite loss of what is not finite; then the weights' own figures tell.
    assert row["diverged_at"] == 0
    assert row["diverged_by"] in ("the training loss", "conv1/weights")
    cells = {cell.id: cell for cell in nbformat.read(project.folder / NOTEBOOK, 4).cells}
    (output,) = cells["first-layer-table"].outputs
    assert "diverged before its first layer was recorded" in output.data["text/markdown"]
