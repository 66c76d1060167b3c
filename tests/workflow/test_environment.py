"""The same bytes wherever, whenever and by whomever it is run; and nothing runs again for a place.

A small study is run twice: plainly, and with all varied that must not matter (in the manner of
reprotest). What must not start a job is tried on the plain one: `small_run` in tests/conftest.py.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import SKIPPED, Project, copy_project, environment
from forked_snakemake import run_snakemake
from small_run import CLASSES, WELLS, options, prepare

CELL = (
    "results/dense/dataset~wells/protocol~tiny/activation~tanh/hidden_size~4/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)


def call(project: Path, work: Path, *arguments: str) -> str:
    """Run snakemake of a project in another folder; return what it prints."""
    return output_of(run_snakemake((*options(project, work), *arguments), project, environment()))


def output_of(done: subprocess.CompletedProcess) -> str:
    """What a call prints, which must not fail."""
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return text


def planned(project: Path, work: Path) -> set[str]:
    """Rules of the jobs that a dry run announces."""
    text = call(project, work, "-n")
    return set(re.findall(r"^(\w+) +\d+$", text, re.M)) - {"everything", "total"}


# ---- Nothing runs again without a cause --------------------------------------------------------


def test_nothing_is_computed_again_wherever_project_results_and_data_lie(small_run, tmp_path):
    project, work = small_run
    moved = tmp_path / "another name" / "of it"
    shutil.copytree(project, moved, ignore=shutil.ignore_patterns(*SKIPPED))  # with new dates
    for path in moved.rglob("*.py"):
        os.utime(path)
    os.utime(moved / "requirements.lock")
    link = tmp_path / "a link"
    link.symlink_to(moved)
    elsewhere = tmp_path / "much" / "deeper" / "work"
    shutil.copytree(work, elsewhere, copy_function=shutil.copyfile)  # every date is new
    assert planned(link, elsewhere) == set()
    (elsewhere / "data").mkdir()
    place = elsewhere / "data" / Path(WELLS).name
    (elsewhere / WELLS).rename(place)
    config = yaml.safe_load((elsewhere / "ours.yaml").read_text())
    config["datasets"]["wells"]["path"] = str(place)
    (elsewhere / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    # The record of the configuration has the new path; nothing is computed for it.
    records = {"record_provenance", "render_provenance", "build_overview"}
    records |= {"write_manifest", "render_certificate"}
    assert planned(project, elsewhere) == records
    # Other content is another matter.
    with place.open("a") as file:
        file.write(f"1.0,2.0,{CLASSES[1]}\n")
    assert "make_points" in planned(project, elsewhere)


def test_an_edited_script_is_a_cause_for_its_own_jobs(small_run, tmp_path):
    project, work = small_run
    edited = tmp_path / "edited"
    shutil.copytree(project, edited, ignore=shutil.ignore_patterns(*SKIPPED))
    with (edited / "scripts/summarize_runs.py").open("a") as file:
        file.write("\n# another line\n")
    rules = planned(edited, work)
    assert "summarize_runs" in rules and not {"train_dense", "make_points"} & rules


# ---- Damage ------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    """Cut a file at the end of its last line but one, and leave its date as it was."""
    status = path.stat()
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_verify_alone_compares_a_run_with_its_own_manifest(small_run, tmp_path):
    project, work = small_run
    own = tmp_path / "work"
    shutil.copytree(work, own)
    cut(own / CELL / "runs.csv")
    (own / "results/tables/dense_summary.csv").unlink()
    with pytest.raises(AssertionError) as failed:
        call(project, own, "--cores", "1", "verify")
    assert f"{CELL}/runs.csv; changed here since its manifest was written" in str(failed.value)
    assert "dense_summary.csv; removed here since its manifest was written" in str(failed.value)
    # And finds all others as they were.
    assert " 1 different, 1 missing" in str(failed.value)


# A training's result and data, whose digests are kept in two ways, and what is made from them.
MADE_FROM = {
    f"{CELL}/runs.csv": f"{CELL.replace('/dense/', '/figures/dense/cells/', 1)}/boundary.svg",
    "results/data/moons/points.csv": "results/tables/dense_gradients.csv",
}


def alter(path: Path) -> None:
    """Change a file such that it is as long as before."""
    text = path.read_text()
    digit = text.rindex("1")
    path.write_text(f"{text[:digit]}2{text[digit + 1 :]}")


def test_what_was_altered_is_refused_by_name_and_made_again_when_it_is_deleted(small_run, tmp_path):
    project, work = small_run
    own = tmp_path / "work"
    shutil.copytree(work, own)
    for path, made in MADE_FROM.items():
        alter(own / path)
        (own / made).unlink()
    with pytest.raises(AssertionError) as failed:
        call(project, own, "--cores", "1", "--keep-going", "--", *MADE_FROM.values())
    words = " ".join(str(failed.value).replace("\\n", " ").split())
    for path, made in MADE_FROM.items():
        assert f"cut, altered or copied in part: {path} Delete what is named" in words
        assert not (own / made).exists()
        (own / path).unlink()
    call(project, own, "--cores", "1", "--", *MADE_FROM, *MADE_FROM.values())
    for each in (*MADE_FROM, *MADE_FROM.values()):
        assert (own / each).read_bytes() == (work / each).read_bytes(), each


def test_what_was_cut_is_made_again(small_run, tmp_path):
    project, work = small_run
    own = tmp_path / "work"
    shutil.copytree(work, own)
    for path, made in MADE_FROM.items():
        cut(own / path)
        (own / made).unlink()
    call(project, own, "--cores", "1", "--", *MADE_FROM.values())
    for each in (*MADE_FROM, *MADE_FROM.values()):
        assert (own / each).read_bytes() == (work / each).read_bytes(), each


@pytest.mark.parametrize(
    ("option", "findings", "provenance"),
    [
        ("--unlock", b'{"families": {"dense"', b"\xff"),
        ("--list-rules", b"[]", b'{"environment": [1]}'),
    ],
)
def test_what_is_read_while_parsing_may_be_garbage(
    small_run, tmp_path, option, findings, provenance
):
    own = prepare(tmp_path / "work")
    (own / "results/report").mkdir(parents=True)
    (own / "results/report/findings.json").write_bytes(findings)
    (own / "results/provenance.json").write_bytes(provenance)
    call(small_run[0], own, option)


# ---- All varied at once ------------------------------------------------------------------------

FOREIGN = "raise SystemExit('this is not the package of the project')"


@pytest.fixture(scope="module")
def varied(tmp_path_factory) -> tuple[Path, Path, str]:
    """The same study where everything is different that must not matter; and what was printed."""
    folder = tmp_path_factory.mktemp("varied")
    # Inside the repository of somebody's home folder, below a path with much in it.
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    identity = ["-c", "user.name=u", "-c", "user.email=u@example.org"]
    commit = ["git", *identity, "-C", str(folder), "commit", "--quiet", "--allow-empty", "-m", "x"]
    subprocess.run(commit, check=True)
    place = folder / "My Course (2024) 50% étude" / "O'Brien's [x]"
    project, work = copy_project(place / "project").folder, prepare(place / "wörk $HOME")
    site = folder / "site"
    (site / "scipy-1.9.0.dist-info").mkdir(parents=True)
    (site / "restudy").mkdir()
    (site / "restudy" / "__init__.py").write_text(FOREIGN)
    (work / "matplotlibrc").write_text("lines.linewidth: 99\naxes.facecolor: black\n")
    temporary = folder / ("scratch_of_a_batch_system_" * 4)
    temporary.mkdir()
    env = environment() | {
        "GIT_DIR": str(folder / ".git"),
        "HOME": "/dev/null",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3",
        "OPENBLAS_CORETYPE": "Prescott",
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": str(site),
        "RESTUDY_REVISION": "0123456789abcdef",
        "TERM": "dumb",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TMPDIR": str(temporary),
        "TZ": "Asia/Kathmandu",
    }
    for name in ("XDG_CACHE_HOME", "COLUMNS"):
        env.pop(name, None)
    umask = ["sh", "-c", 'umask 077 && exec "$@"', "sh"]
    done = subprocess.run(
        [*umask, "snakemake", *options(project, work), "--cores", "1"],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return project, work, output_of(done)


def test_all_results_are_the_same_bytes(small_run, varied):
    manifest = shlex.quote(str(small_run[1] / "results/manifest.json"))
    text = call(*varied[:2], "--cores", "1", "verify", "--config", f"against={manifest}")
    assert ", 0 within tolerance, 0 different, 0 missing, 0 additional" in text
    recorded = json.loads((small_run[1] / "results/manifest.json").read_text())
    compared = recorded["aggregates"]["files"]
    tables = (
        "claims.csv",
        "claims_tests.parquet",
        "dense_linearity.parquet",
        "dense_shapes.parquet",
    )
    for path in (
        *(f"tables/{name}" for name in tables),
        *(
            "notebooks/dense_networks.ipynb",
            "report/study.html",
            "figures/dense/gradient_check.svg",
        ),
    ):
        assert f"results/{path}" in compared
    # The baseline's points, which no cell of a study has: for the gradients and the notebooks.
    points = "results/data/moons/points.csv"
    assert (small_run[1] / points).read_bytes() == (varied[1] / points).read_bytes()


def test_what_was_pinned_and_what_is_not_locked_is_told(varied):
    _, work, text = varied
    for line in ("OPENBLAS_CORETYPE=Prescott", "TF_ENABLE_ONEDNN_OPTS=0"):
        assert f"{line} would change results: jobs run without it." in text
    assert "Packages that are not those of the lock: scipy 1.9.0, not " in text
    log = (work / "results/logs/summarize_runs/dense.log").read_text()
    assert "warning: packages that are not those of the lock: scipy 1.9.0" in log
    recorded = json.loads((work / "results/provenance.json").read_text())["environment"]
    assert recorded["unlocked"].startswith("scipy 1.9.0, not ")
    assert recorded["arithmetic"]["BLAS"] and "Prescott" not in recorded["arithmetic"]["BLAS"]


def test_neither_a_repository_around_nor_a_variable_gives_the_revision(varied):
    recorded = json.loads((varied[1] / "results/provenance.json").read_text())
    assert recorded["environment"]["revision"] == "unknown"


def test_the_file_that_says_who_runs_is_for_the_owner_alone(small_run):
    assert Path(small_run[1], ".snakemake/owner.json").stat().st_mode & 0o077 == 0


def test_secrets_reach_neither_terminal_nor_log_nor_record(tmp_path):
    project = copy_project(tmp_path / "project")
    config = yaml.safe_load((project.folder / "config/smoke.yaml").read_text())
    address = "http://me:hunter2@127.0.0.1:9/mnist/"
    config["datasets"]["mnist"]["sources"] = [{"kind": "url", "base": address}]
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = project.snakemake(
        *("--cores", "1", "--configfile", "ours.yaml", "--printshellcmds", "--keep-going"),
        *("--config", "claims=config/smoke_claims.yaml"),
        *("--", "results/data/mnist/digests.json", "results/figures/data/moons.svg"),
    )
    assert done.returncode != 0 and "no source provided MNIST" in done.stdout + done.stderr
    assert (project.folder / "results/figures/data/moons.svg").exists()
    assert "hunter2" not in done.stdout + done.stderr
    shutil.rmtree(project.folder / "tests")
    kept = [path for path in project.folder.rglob("*") if path.is_file()]
    with_secret = [p for p in kept if b"hunter2" in p.read_bytes()]
    assert with_secret == [project.folder / "ours.yaml"]


def test_looks_go_on_while_a_run_is_on_and_runs_do_not(tmp_path):
    project = Project(copy_project(tmp_path / "project").folder)
    (project.folder / ".snakemake").mkdir()
    lock = project.folder / ".snakemake" / "owner.json"
    holder = subprocess.Popen(
        ["flock", "--exclusive", str(lock), "sleep", "600"], stdout=subprocess.DEVNULL
    )
    try:
        subprocess.run(["sh", "-c", f"while flock -n {lock} true; do sleep 0.1; done"], check=True)
        for look in ("-n", "--summ"):  # tests/unit/test_internals.py has all
            done = project.snakemake(*look.split(), "--configfile", "config/smoke.yaml")
            assert done.returncode == 0, (look, done.stderr)
        run = ("--report", "r.html", "--report-after-run", "--", "results/data/moons/points.csv")
        done = project.snakemake("--cores", "1", "--configfile", "config/smoke.yaml", *run)
        assert done.returncode != 0 and "Another run works in this folder" in done.stderr
        assert not (project.folder / "results").exists()
    finally:
        holder.kill()
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
        holder.wait()
