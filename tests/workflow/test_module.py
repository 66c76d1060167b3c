"""Two doors: the workflow from its own Snakefile, and as a module of somebody else's."""

import subprocess

import pytest
import yaml
from conftest import ROOT, SMOKE_JOBS, copy_project, environment
from forked_snakemake import run_snakemake
from small_study import small_cell

CONFIG = {
    "datasets": {"moons": {"kind": "moons", "points": 60, "heldout_points": 100}},
    "dense": {
        "baseline": small_cell("moons", "short"),
        "protocols": {
            "short": {
                "arithmetic": "corrected",
                "passes": 100,
                "replicates": 3,
                "record_interval": 20,
            }
        },
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.05}},
        "studies": {"sizes": {"question": "How wide?", "vary": {"hidden_size": [2, 3]}}},
    },
}
# As a workflow of one's own, with all rules under a prefix and one target beside them.
PREFIXED = """
configfile: "config/config.yaml"

module study:
    snakefile: "{project}/workflow/Snakefile"
    config: config

use rule * from study as study_*

rule mine:
    default_target: True
    input:
        rules.study_all.input,
"""
# As `snakedeploy deploy-workflow` writes it.
DEPLOYED = """
from snakemake.utils import min_version

min_version("6.10.0")

configfile: "config/config.yaml"

# declare https://somewhere/restudy as a module
module restudy:
    snakefile:
        "{project}/workflow/Snakefile"
    config:
        config

# use all rules from https://somewhere/restudy
use rule * from restudy
"""


# From a repository: Snakemake itself fetches the Snakefile alone.
FETCHED = """
configfile: "config/config.yaml"

module restudy:
    snakefile: "git+file://{project}/workflow/Snakefile@v1"
    config: config

use rule * from restudy
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, checked in and released."""
    project = copy_project(tmp_path_factory.mktemp("module") / "project")
    names = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "As it is"), ("tag", "v1")):
        subprocess.run(["git", *names, *words], cwd=project.folder, check=True)
    return project


def call(folder, *arguments):
    return run_snakemake(arguments, folder, environment())


@pytest.fixture
def workdir(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return tmp_path


@pytest.mark.parametrize(
    ("snakefile", "prefix"),
    [(PREFIXED, "study_"), (DEPLOYED, ""), (FETCHED, "")],
    ids=["prefixed", "deployed", "fetched"],
)
def test_module_plans_everything_with_the_importers_own_configuration(
    project, workdir, snakefile, prefix
):
    (workdir / "Snakefile").write_text(snakefile.format(project=project.folder))
    done = call(workdir, "-n", "--quiet", "rules")
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    for rule in ("train_dense", "plot_curves_dense", "build_study_page", "write_manifest"):
        assert f"{prefix}{rule} " in told
    assert "train_conv" not in told, "the importer's configuration has no such section"
    cloned = workdir / ".snakemake/modules/restudy-v1/src/restudy"
    assert cloned.is_dir() == (snakefile == FETCHED)


def test_module_trains_tabulates_and_draws(project, workdir):
    (workdir / "Snakefile").write_text(PREFIXED.format(project=project.folder))
    figure = "results/figures/dense/sizes_loss_curves.svg"
    done = call(workdir, "--cores", "2", "results/tables/dense_summary.csv", figure)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workdir / "results/tables/dense_summary.csv").read_text().count("\n") == 3
    assert (workdir / figure).stat().st_size > 1000
    again = call(workdir, "-n", "results/tables/dense_summary.csv", figure)
    assert "Nothing to be done" in again.stdout + again.stderr


def test_mistakes_are_reported_as_through_the_front_door(project, workdir):
    (workdir / "Snakefile").write_text(DEPLOYED.format(project=project.folder))
    config = {**CONFIG, "dense": {**CONFIG["dense"], "optimisers": {}}}
    (workdir / "config/config.yaml").write_text(yaml.safe_dump(config))
    done = call(workdir, "-n")
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "dense: unknown key 'optimisers' (did you mean 'optimizers'?)" in told
    assert "Traceback" not in told


def test_both_doors_plan_the_same():
    plans = []
    for door in ("Snakefile", "workflow/Snakefile"):
        arguments = ("--snakefile", str(ROOT / door), "-n", "--quiet", "rules")
        done = call(ROOT, *arguments, "--forceall", "--configfile", "config/smoke.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        told = done.stdout + done.stderr
        table = told[told.index("Job stats") :].partition("\ntotal")[0].splitlines()[3:]
        counts = dict(line.split() for line in table)
        plans.append({rule: n for rule, n in counts.items() if rule not in ("all", "everything")})
    assert plans[0] == plans[1] and plans[0]["train_conv"] == str(SMOKE_JOBS["conv"])
