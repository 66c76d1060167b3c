"""What Snakemake does not promise still holds, as far as `workflow/internals.py` relies on it.

Each test says what to do when a new version of Snakemake breaks it. The tiny project below is run
by the real Snakemake.
"""

import base64
import dataclasses
import gc
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import snakemake.sourcecache
from conftest import ROOT, environment
from docutils.core import publish_parts
from forked_snakemake import run_snakemake
from packaging.requirements import Requirement
from snakemake.exceptions import WorkflowError
from snakemake.report import html_reporter
from snakemake.script import PythonScript


def load_internals() -> ModuleType:
    spec = importlib.util.spec_from_file_location("internals", ROOT / "workflow/internals.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["internals"] = module
    spec.loader.exec_module(module)
    return module


internals = load_internals()

SNAKEFILE = f"""
import dataclasses, json, os, sys
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT / "workflow")!r}]
import internals
from restudy.operation.tickets import Ticket

internals.check_place(workflow)
internals.decide_by_content()
internals.quote_python()
internals.mend_report()
internals.hide_in_logs()
CALL = internals.call_of(workflow)
OPTIONS = dict(config)
HERE = {{
    "call": dataclasses.asdict(CALL),
    "there": str(internals.fetch(workflow, "data.csv")),
    "missing": internals.fetch(workflow, "nothing.csv"),
}}
config["ticket"] = Ticket("0" * 64, [], internals.captioned_item, "p {{ margin: 0; }}")
if CALL.is_main and "take" in OPTIONS:
    internals.take_folder(CALL)
if "cut" in OPTIONS:
    internals.redo_damaged([OPTIONS["cut"]])
if "fork" in OPTIONS:
    internals.FEWEST_FORKED = OPTIONS["fork"]
SPEAKER = internals.speak_plainly(workflow, CALL) if "speak" in OPTIONS else None
ENDING = workflow, SPEAKER, [], OPTIONS.get("notify", ""), internals.Path("none"), []


onsuccess:
    internals.end_run(*ENDING)


onerror:
    internals.end_run(*ENDING, has_failed=True)


onstart:
    internals.begin_run(workflow)
    if SPEAKER:
        internals.expect(workflow, SPEAKER, internals.Path("none"))
    with open("executor.json", "w") as file:
        json.dump(workflow.executor_plugin.name, file)
    with open("trains.json", "w") as file:
        json.dump(sorted(internals.families_to_train(workflow)), file)


rule all:
    default_target: True
    input: "results/made.txt", "results/trained.txt", "look.json"


rule make:
    input:
        data="data.csv",
        code="code.py",
        large="large.bin",
    output:
        report("results/made.txt", caption="caption.rst", category="Made"),
    log: "results/logs/make.log"
    params:
        value=OPTIONS.get("value", 1),
        text="</script><b>&",
        place=lambda wildcards, output: output[0],
    script: "make.py"


rule train_tiny:
    input: rules.make.output
    output:
        first=report("results/trained.txt", caption="caption.rst", category="Trained"),
        second="results/second.txt",
    log: "results/logs/train.log"
    benchmark: "results/benchmarks/train_tiny/cell.tsv"
    params:
        own=OPTIONS.get("own", 1),
        family="tiny",
    priority: 7
    threads: 2
    script: "make.py"


rule look:
    output: "look.json"
    run:
        with open(output[0], "w") as file:
            json.dump(HERE["call"], file, default=str)


internals.keep_light_rules_local(workflow, CALL)
HERE["local"] = sorted(workflow._localrules)
if CALL.is_main:
    with open("here.json", "w") as file:
        json.dump(HERE, file, default=str)
"""
SCRIPT = """
import json, os, sys, time
from pathlib import Path

for path in snakemake.output:
    Path(path).write_text(str(snakemake.params.get("value")))
seen = {
    "file": sys.modules["__main__"].__file__,
    "argument": sys.argv[0],
    "locks": os.listdir(".snakemake/locks"),
    "config": type(snakemake.config["ticket"]).__name__,
    "names": list(snakemake.input.keys()),
    "command": Path("/proc/self/cmdline").read_text().split(chr(0)),
}
Path(f"seen_{snakemake.rule}.json").write_text(json.dumps(seen))
print("made", flush=True)
if Path("wait").exists():
    time.sleep(60)
"""
# Makes one dry run after another, each in another state of the project.
DRIVER = f"""
import dataclasses, json, os, sys, time
from pathlib import Path
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT / "workflow")!r}]
import internals

found, touched = {{}}, time.time() + 5

def note(run):
    jobs = [dataclasses.asdict(job) for job in run.jobs]
    found[state] = {{
        "jobs": {{job["rule"]: job for job in jobs}},
        "order": [job["rule"] for job in jobs],
        "triggers": sorted(run.triggers),
        "options": run.names["OPTIONS"],
    }}

def edit(path, text):
    Path(path).write_text(text)
    os.utime(path, (touched, touched))

for state, change, arguments in json.loads(sys.argv[1]):
    exec(change)
    try:
        internals.make_dry_run(Path("Snakefile"), arguments, note)
    except SystemExit as end:
        assert not end.code, state
Path("found.json").write_text(json.dumps(found, default=list))
"""
STATES = [
    ("same", "", []),
    ("newer", "edit('data.csv', 'data'); edit('large.bin', 'x' * 1_100_000)", []),
    ("script", "edit('make.py', Path('make.py').read_text() + '#')", []),
    ("forced", "", ["--forcerun", "make"]),
    ("params", "", ["--config", "value=2"]),
    ("changed", "edit('data.csv', 'other')", []),
    ("code", "edit('data.csv', 'data'); edit('code.py', 'other')", []),
    ("other triggers", "edit('code.py', 'code')", ["--rerun-triggers", "mtime"]),
    ("missing", "os.rename('results/trained.txt', 'kept')", []),
    ("again", "os.rename('kept', 'results/trained.txt')", []),
]


@dataclasses.dataclass
class Tiny:
    """A folder with a tiny workflow."""

    folder: Path

    def snakemake(self, *arguments: str, code: int = 0) -> str:
        done = run_snakemake(arguments, self.folder, environment())
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def read(self, name: str):
        return json.loads((self.folder / name).read_text())

    def write(self) -> "Tiny":
        texts = {
            "Snakefile": SNAKEFILE,
            "make.py": SCRIPT,
            "data.csv": "data",
            "code.py": "code",
            "large.bin": "x" * 1_100_000,
            "caption.rst": '{{ snakemake.config["ticket"](categories) }}\n',
            "own.yaml": "a: 1\n",
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text)
            os.utime(self.folder / name, (1, 1))  # long before any output
        return self


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Tiny:
    """A tiny project that has run."""
    tiny = Tiny(tmp_path_factory.mktemp("tiny")).write()
    tiny.snakemake("--cores", "1", "--config", "take=1")
    return tiny


def dry_runs(tiny: Tiny, states: list) -> dict:
    """What dry runs tell in some states, each a name, a change to the project and arguments."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(states)],
        cwd=tiny.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {"said": done.stdout + done.stderr, **tiny.read("found.json")}


@pytest.fixture(scope="module")
def dry(made) -> dict:
    """What dry runs tell in each of the states above."""
    return dry_runs(made, STATES)


TODO = "_jobs_that_would_run: find where the graph of jobs now says {}; causes.py needs it"


@pytest.mark.parametrize(
    ("package", "lock"),
    [
        ("snakemake", "requirements.lock"),
        ("tensorflow", "requirements.lock"),
        ("tensorboard", "requirements.lock"),
        ("snakemake-storage-plugin-s3", "requirements-kubernetes.lock"),
    ],
)
def test_a_version_that_nobody_tried_is_not_installed(package, lock):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    listed = [*itertools.chain(*extras), *project["dependency-groups"]["kubernetes"]]
    (bounds,) = (each for each in map(Requirement, listed) if each.name == package)
    assert "<" in str(bounds.specifier), f"{package}: pyproject.toml names no upper bound"
    (locked,) = re.findall(rf"^{package}==([\d.]+)", (ROOT / lock).read_text(), re.MULTILINE)
    assert bounds.specifier.contains(locked), (
        f"{package} {locked} is locked, and pyproject.toml says {bounds}: when the tests pass with "
        "it, raise the bound to the version after it"
    )


WORDS = ["own=2", "bundle={c: 2}"]


@pytest.fixture(scope="module")
def reported(made) -> dict:
    """Captions of a report with another configuration, by path; how the call was seen is `call`."""
    made.snakemake("--report", "report.html", "--configfile", "own.yaml", "--config", *WORDS)
    return {"call": made.read("here.json")["call"], "captions": captions(made)}


def captions(tiny: Tiny) -> dict[str, str]:
    """The captions in a report, by the path of their item."""
    text = (tiny.folder / "report.html").read_text(encoding="utf-8")
    results = text.partition('<script id="results">')[2].partition("= ")[2]
    items, _ = json.JSONDecoder().raw_decode(results)
    return {path: item["caption"] for path, item in items.items()}


def test_how_snakemake_was_called_is_known_while_the_snakefile_is_read(reported, dry, made):
    todo = "call_of: find where the Workflow now keeps what was given on the command line"
    call = reported["call"]
    assert call["is_main"] and call["only_looks"], todo
    for files in ("configfiles", "replacing"):
        assert [Path(file).name for file in call[files]] == ["own.yaml"], todo
    assert call["overrides"] == {"own": 2, "bundle": {"c": "2"}}, (
        f"{todo}; if values within mappings have their types now, `with_typed_values` can go"
    )
    assert call["override_words"] == WORDS and call["storage"] is None, todo
    assert call["deploys_conda"] is False, f"{todo} (--sdm conda)"
    dry_call = made.read("here.json")["call"]
    assert dry_call["only_looks"] and not dry_call["replacing"], f"{todo} (a dry run)"


@pytest.mark.parametrize("option", internals.ONLY_LOOK)
def test_options_that_only_look_are_those_of_snakemake(option):
    from snakemake.cli import get_argument_parser

    known = {action.dest for action in get_argument_parser()._actions}
    assert option in known, f"ONLY_LOOK: {option} is gone: find its new name, or take it out"


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        ("--cores 2 --summary", True),
        ("-S", True),
        ("-D --cores 1", True),
        ("-l", True),
        ("--lu", True),
        ("--list-changes params", True),
        ("--detailed", True),
        ("--report r.html", True),
        ("--report=r.html a.csv", True),
        ("--report r.html --report-after-run --cores 1", False),
        ("--cores 4", False),
        ("--cores 4 -- --summary", False),
        ("--unlock", False),
    ],
)
def test_a_command_that_only_looks_is_told_in_whatever_form(words, looks):
    from snakemake.cli import get_argument_parser

    options, _ = get_argument_parser().parse_known_args(words.split())
    assert internals.only_looks(options) is looks


def test_options_are_those_that_snakemake_has_parsed(tmp_path):
    """Of the command line and of a profile, and none where a program calls its functions."""
    (tmp_path / "profiles/default").mkdir(parents=True)
    (tmp_path / "profiles/default/config.yaml").write_text("report-after-run: true\n")
    (tmp_path / "Snakefile").write_text(
        f"import sys; sys.path[:0] = [{str(ROOT / 'workflow')!r}, {str(ROOT / 'src')!r}]\n"
        "import internals\n"
        "options = internals.parsed_options()\n"
        "print('parsed', options and (options.report_after_run, str(options.report)))\n"
        "print('looks', internals.only_looks(options))\n"
        "rule all:\n    output: 'x'\n    shell: 'touch x'\n"
    )
    words = ("--cores", "1", "--report", "r.html", "--dry-run")
    done = run_snakemake(words, tmp_path, environment())
    todo = "parsed_options: find which function of Snakemake's has what it parsed, and its name"
    assert "parsed (True, 'r.html')\nlooks False" in done.stdout, todo
    program = (
        "from pathlib import Path; from snakemake.api import *\n"
        "with SnakemakeApi(OutputSettings(dryrun=True)) as api:\n"
        "    flow = api.workflow(ResourceSettings(cores=1), snakefile=Path('Snakefile'))\n"
        "    flow.dag().execute_workflow(executor='dryrun')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--summary"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "parsed None\nlooks False" in done.stdout, done.stderr


def test_a_process_that_runs_a_job_is_not_the_main_one(made):
    call = made.read("look.json")
    assert not call["is_main"] and not call["only_looks"], (
        "call_of: `is_main_process` must be false where a single job runs, or every job would "
        "take the folder and plan anew"
    )


def test_results_are_found_whether_or_not_they_are_there(made):
    here = made.read("here.json")
    assert (here["there"], here["missing"]) == ("data.csv", None), (
        "fetch: find how a Snakefile now marks a file that may lie in the default storage"
    )


def test_light_rules_stay_here_and_training_goes_to_the_cluster(made):
    assert made.read("here.json")["local"] == ["all", "look", "make"], (
        "keep_light_rules_local: find what the directive `localrules` calls now"
    )


def test_locks_and_scripts_lie_where_the_run_lock_looks_for_them(made):
    todo = "PLACES: find where Snakemake now keeps {} and change the path"
    seen = made.read("seen_make.json")
    assert seen["locks"], todo.format("its locks while it runs")
    scripts = (made.folder / internals.PLACES.scripts).resolve()
    assert Path(seen["argument"]).resolve().is_relative_to(scripts), todo.format("running scripts")
    assert not list((made.folder / internals.PLACES.locks).glob("*")), (
        "PLACES: locks are left by a run that ended well, so they tell nothing of one that did not"
    )


def test_a_script_that_runs_as_a_copy_looks_like_the_original(made):
    assert made.read("seen_make.json")["file"] == str(made.folder / "make.py"), (
        "records lack the script and its digest now (restudy.job.begin_job): have the rules name "
        "their script in a parameter, or live with explanations by the script's date"
    )


def test_jobs_get_named_inputs_and_a_plain_configuration(made):
    seen = made.read("seen_make.json")
    assert seen["names"] == ["data", "code", "large"], (
        "records tell inputs by name: find how `snakemake.input` says its names now"
    )
    assert seen["config"] == "dict", (
        "restudy.operation.tickets.Ticket: a job can't load what captions need; keep it from "
        "config where jobs are started"
    )


def test_a_run_that_is_killed_leaves_a_lock_that_stops_no_other(tmp_path):
    tiny = Tiny(tmp_path).write()
    (tmp_path / "wait").touch()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--config", "take=1"]
    run = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "seen_make.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list((tmp_path / internals.PLACES.locks).iterdir())
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    (tmp_path / "wait").unlink()
    # The job itself is killed with the run: here all is one group of processes.
    states = [("killed", "edit('make.py', Path('make.py').read_text())", ["--rerun-incomplete"])]
    found = dry_runs(tiny, states)["killed"]["jobs"]["make"]
    assert found["interrupted"], TODO.format("whether the last run of a job had ended")
    again = tiny.snakemake(
        "--cores", "1", "--rerun-incomplete", "--config", "take=1", "--until", "make"
    )
    assert "Removed the lock of a run that was killed." in again, (
        "take_folder: Snakemake's lock of the killed run is not where PLACES says, or Snakemake "
        "got to it first"
    )


def test_what_was_cut_is_made_again_and_so_is_what_has_a_cut_record(made, tmp_path):
    shutil.copytree(made.folder, tmp_path, dirs_exist_ok=True)
    tiny, todo = Tiny(tmp_path), "redo_damaged: find what lets a job run whose output is incomplete"
    cut, other = "cut=results/second.txt", ("--config", "cut=results/none.txt")
    names = base64.urlsafe_b64encode(b"results/made.txt").decode()
    place = Path(".snakemake/metadata", names)
    assert (tmp_path / place).exists(), "redo_damaged: find where Snakemake records what it made"
    states = [  # in one process, in which what was cut once stays so
        ("whole", "", ["--rerun-incomplete"]),
        ("other", "", ["--rerun-incomplete", *other]),
        ("cut", "", ["--rerun-incomplete", "--config", cut]),
        ("record", f"Path({str(place)!r}).write_text('{{')", ["--rerun-incomplete", *other]),
    ]
    found = dry_runs(tiny, states)
    assert found["whole"]["jobs"] == found["other"]["jobs"] == {}, todo
    assert set(found["cut"]["jobs"]) == {"train_tiny"}, todo
    assert found["cut"]["jobs"]["train_tiny"]["damaged"], todo
    assert "make" in found["record"]["jobs"], todo


def test_submitting_without_slurm_is_refused_before_a_job_waits_for_ever(
    made, tmp_path, monkeypatch
):
    assert made.read("executor.json") == "local", (
        "begin_run: find how to tell, before jobs start, which executor they are given to"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(internals, "note_submission", lambda: noted.append("submits"))
    noted, dag = [], SimpleNamespace(needrun_jobs=list)
    slurm = SimpleNamespace(executor_plugin=SimpleNamespace(name="slurm"), dag=dag)
    try:
        with pytest.raises(WorkflowError, match="No sbatch on this host"):
            internals.begin_run(slurm)
        (tmp_path / "sbatch").touch(mode=0o755)
        assert noted == []
        internals.begin_run(slurm)
        assert noted == ["submits"] and gc.isenabled()
    finally:
        gc.unfreeze()


def test_the_place_of_a_script_is_parsed_once(monkeypatch):
    todo = (
        "speed_up_parsing: measure a dry run of config/scale.yaml without it; if it is as fast, "
        "take the cache out, and otherwise find what asks for the place of each job's script now"
    )
    asked, parse = [], snakemake.sourcecache.parse_uri
    monkeypatch.setattr(
        snakemake.sourcecache, "parse_uri", lambda path: asked.append(path) or parse(path)
    )
    file = snakemake.sourcecache.LocalSourceFile("/some/where/script.py")
    before = file.get_cache_path()
    assert len(asked) == 1, todo
    try:
        internals.speed_up_parsing()
        assert [file.get_cache_path() for _ in range(3)] == [before] * 3
        assert len(asked) == 2, todo
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_s3_plugin_is_asked_for_a_folder_each_time(monkeypatch):
    """The plugin itself is tried by tests/workflow/test_object_storage.py, with a folder."""
    internals.mend_s3_plugin()  # where it is not loaded, there is nothing to mend

    class StorageObject:
        stored = ()

        def is_dir(self):
            return False  # remembered

        def get_subkeys(self):
            return iter(self.stored)

    plugin = ModuleType("snakemake_storage_plugin_s3")
    plugin.StorageObject = StorageObject
    monkeypatch.setitem(sys.modules, plugin.__name__, plugin)
    internals.mend_s3_plugin()
    item = StorageObject()
    assert not item.is_dir()
    item.stored = ("file",)
    assert item.is_dir()


def test_families_that_would_train_are_known_before_a_job_starts(made):
    assert made.read("trains.json") == ["tiny"], (
        "families_to_train: find how to tell, before jobs start, which of them have to run"
    )


def test_training_with_an_environment_is_prepared_by_this_python(monkeypatch, tmp_path):
    used = []
    monkeypatch.setattr(
        PythonScript, "_execute_cmd", lambda self, cmd, **named: used.append(named["py_exec"])
    )
    monkeypatch.setattr(PythonScript, "_is_python_env", PythonScript._is_python_env)
    monkeypatch.setattr(PythonScript, "_get_python_version", lambda self: (3, 12))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    internals.prepare_here({"net"})
    for rule, family in (("train_net", "net"), ("train_other", "other"), ("plot_net", "net")):
        script = PythonScript.__new__(PythonScript)
        script.container_img = script.env_modules = None
        script.conda_env, script.conda_base_path = str(tmp_path), str(tmp_path)
        script.rulename, script.params = rule, {"family": family}
        script.execute_script("a.py")
    assert used == [sys.executable, "python", "python"], (
        "prepare_here: find how Snakemake now decides which Python a script runs with"
    )


def test_a_python_below_a_path_with_spaces_is_quoted(monkeypatch):
    commands = []
    monkeypatch.setattr(
        PythonScript, "_execute_cmd", lambda self, cmd, **named: commands.append(cmd)
    )
    internals.quote_python()
    script = PythonScript.__new__(PythonScript)
    script.container_img = script.conda_env = script.env_modules = None
    script.execute_script("a.py")
    assert commands == ["{py_exec:q} {fname:q}"], (
        "quote_python: find how Snakemake calls the Python of a script, or whether it quotes it now"
    )


FORK_SERVER = str(ROOT / "src/restudy/operation/fork_server.py")


def forks_of(tiny: Tiny, fewest: int) -> dict[str, bool]:
    """Which rules' scripts are forked, if a run of at least so many jobs forks them."""
    tiny.snakemake("--cores", "2", "--config", f"fork={fewest}")
    commands = {rule: tiny.read(f"seen_{rule}.json")["command"] for rule in ("make", "train_tiny")}
    return {rule: FORK_SERVER in words for rule, words in commands.items()}


@pytest.mark.skipif(sys.platform != "linux", reason="scripts are forked on Linux alone")
def test_scripts_of_one_thread_are_forked_where_there_are_enough_jobs(tmp_path):
    tiny = Tiny(tmp_path).write()
    assert forks_of(tiny, 4) == {"make": True, "train_tiny": False}, (
        "fork_scripts: find how Snakemake starts a script now (PythonScript._execute_cmd, which "
        "calls snakemake.shell.shell, which calls sp.Popen there)"
    )
    assert tiny.read("seen_make.json")["file"] == str((tmp_path / "make.py").resolve())
    shutil.rmtree(tmp_path / "results")
    (tmp_path / "look.json").unlink()
    assert forks_of(tiny, 5) == {"make": False, "train_tiny": False}


@pytest.mark.skipif(sys.platform != "linux", reason="scripts are forked on Linux alone")
def test_a_forked_script_that_fails_fails_its_job(tmp_path):
    tiny = Tiny(tmp_path).write()
    (tmp_path / "make.py").write_text("raise SystemExit(3)")
    said = tiny.snakemake("--cores", "2", "--config", "fork=1", code=1)
    assert "returned non-zero exit status 3" in said and "Error in rule make" in said


SPEAKS = "Speaker: find {} of Snakemake's records in its log now (snakemake/logging.py)"


def test_what_snakemake_says_is_told_in_few_lines(tmp_path):
    tiny = Tiny(tmp_path).write()
    told = tiny.snakemake("--cores", "2", "--config", "speak=1").splitlines()
    assert "4 jobs, of which 1 train." in told, SPEAKS.format("stats, by rule,")
    assert any(re.match(r"\d of 4 jobs \(\d+%\)", line) for line in told), SPEAKS.format("progress")
    assert told[-1].startswith("Done in "), "end_run: which hook is called at the end now?"
    assert len(told) < 10, "speak_plainly: what else writes to the terminal?"
    log = max((tmp_path / ".snakemake/log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    assert "Reason:" in log.read_text() or "reason:" in log.read_text()
    again = tiny.snakemake("--cores", "2", "--config", "speak=1")
    assert "Nothing to be done" in again


@pytest.mark.parametrize("asked", [["--verbose"], ["--quiet", "rules"], ["--printshellcmds"]])
def test_who_asks_for_other_words_gets_them(tmp_path, asked):
    tiny = Tiny(tmp_path).write()
    told = tiny.snakemake("--cores", "2", "--config", "speak=1", *asked)
    assert "of which 1 train" not in told and "steps (" in told


def test_a_failure_is_told_once_with_its_log_and_the_command_is_called(tmp_path):
    tiny = Tiny(tmp_path).write()
    (tmp_path / "make.py").write_text("print('last words', flush=True)\nraise SystemExit(3)")
    told = tiny.snakemake(
        "--cores", "2", "--config", "speak=1", "notify='echo $RESTUDY_OUTCOME > told'", code=1
    )
    assert "Failed: make (rule make)\nThe end of results/logs/make.log:" in told, SPEAKS.format(
        "job"
    )
    assert "returned non-zero" not in told and told.count("make.log") == 1, SPEAKS.format("error")
    assert "1 job failed after " in told
    assert (tmp_path / "told").read_text() == "failed\n"


def test_no_text_ends_a_script_of_the_report(made, reported):
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    todo = "mend_report: find which modules of the reporter write JSON into the page now"
    assert "</script><b>" not in text, todo
    assert "\\u003c/script>\\u003cb>" in text, todo


def test_the_report_has_our_style(made, reported):
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    todo = "mend_report: find how a stylesheet of one's own gets into the report"
    assert text.count(internals.VIEWER_STYLE) == 1, todo


def test_the_report_of_an_unfinished_run_shows_what_is_there(tmp_path):
    tiny = Tiny(tmp_path).write()
    todo = "mend_report: find where the reporter goes through the jobs, or whether it skips missing"
    for targets, missing, shown in (
        ([], 3, set()),
        (["results/made.txt", "look.json"], 1, {"results/made.txt"}),
    ):
        if targets:
            tiny.snakemake("--cores", "1", *targets)
        said = tiny.snakemake("--report", "report.html")
        assert f"of 3 jobs, {missing} have not made their results" in said, todo
        assert "Missing metadata" not in said, todo
        assert set(captions(tiny)) == shown, todo
    # What a job has begun to write is not there yet.
    (tmp_path / "wait").touch()
    with subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as call:
        while not (tmp_path / "seen_train_tiny.json").exists() and call.poll() is None:
            time.sleep(0.1)
        os.killpg(call.pid, signal.SIGKILL)
    assert (tmp_path / "results/second.txt").exists()
    tiny.snakemake("--unlock")
    said = tiny.snakemake("--rerun-incomplete", "--report", "report.html")
    assert "1 have not made" in said, todo
    assert set(captions(tiny)) == {"results/made.txt"}, todo


def test_passwords_stay_out_of_the_log(made):
    said = made.snakemake("-n", "--config", "address=https://me:hunter2@host/", "--quiet", "rules")
    logs = [path.read_text() for path in (made.folder / ".snakemake/log").iterdir()]
    assert "hunter2" not in said + "".join(logs), (
        "hide_in_logs: find where Snakemake logs the command line now"
    )


def test_a_folder_whose_name_is_a_pattern_is_refused():
    with pytest.raises(WorkflowError, match=r"takes the \{ and \} in that path for a pattern"):
        internals.check_place(SimpleNamespace(current_basedir="/a/{course}/workflow"))
    internals.check_place(SimpleNamespace(current_basedir="/a/My Course (2024)/O'Brien/workflow"))


def test_a_caption_knows_its_item_and_whether_it_is_out_of_date(reported):
    todo = (
        "captioned_item: find how a caption can know the item that it is written for (records "
        "without a caption yet, in order), or give up tickets in captions"
    )
    found = reported["captions"]
    assert set(found) == {"results/made.txt", "results/trained.txt"}, todo
    for path, caption in found.items():
        assert f"--force {path}" in caption, todo
    outdated = {path for path, caption in found.items() if "Out of date" in caption}
    assert outdated == {"results/trained.txt"}, todo


def test_the_reports_viewer_has_the_classes_that_our_styles_name():
    folder = Path(html_reporter.__file__).parent / "template"
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
             if path.suffix in (".js", ".jinja2")]  # fmt: skip
    named = [set(found.split()) for text in texts for found in re.findall(r'"([\w\s/.-]+)"', text)]
    selectors = re.findall(r"(?<=[\s\w])(?:\.[a-z][\w-]+)+", internals.VIEWER_STYLE)
    assert len(selectors) > 8
    for selector in selectors:
        classes = set(selector.strip(".").split("."))
        assert any(classes <= each for each in named), (
            f"VIEWER_STYLE: nothing in the viewer has the classes of {selector}: open a report, in "
            "a large window and in a small one, look whether its first page can still be read to "
            "the end and its lists are closed in the small one, and rename or drop them"
        )
    page = publish_parts("``path``::\n\n   command\n", writer="html")["body"]
    assert '<tt class="docutils' in page and '<pre class="literal-block"' in page, (
        "CAPTION_STYLE: docutils gives paths and commands other classes now"
    )


def test_a_plan_has_jobs_with_what_their_price_depends_on(made, monkeypatch):
    todo = "planned_jobs: find how the API hands out the graph of jobs, and their parts"
    monkeypatch.chdir(made.folder)
    with internals.planned_jobs(made.folder / "Snakefile", ["value=5"]) as (jobs, needed):
        found = {job.rule: job for job in jobs}
        assert set(found) == {"make", "train_tiny", "look"}, todo
        assert {jobs[place].rule for place in needed} == {"make", "train_tiny"}, todo
        trained = found["train_tiny"]
        assert trained.benchmark == "results/benchmarks/train_tiny/cell.tsv", todo
        assert (trained.priority, trained.threads) == (7, 1), f"{todo} (threads: at most the cores)"
        assert [jobs[place].rule for place in trained.needs] == ["make"], todo
        assert found["make"].read_params()["value"] == 5, todo
        assert (found["make"].benchmark, found["make"].needs) == ("", ()), todo
    with internals.planned_jobs(made.folder / "Snakefile", workdir=made.folder) as (jobs, needed):
        assert len(jobs) == 3 and not needed, todo


def test_a_dry_run_says_nothing_itself_and_hands_over_names_and_triggers(dry):
    assert "rule make" not in dry["said"] and "Building DAG" not in dry["said"], (
        "make_dry_run: find how Snakemake is kept from logging what a dry run would do"
    )
    assert dry["same"]["jobs"] == {}, "a job would run again for nothing"
    assert dry["same"]["options"] == {}, "make_dry_run: names of the Snakefile are elsewhere now"
    assert dry["params"]["options"] == {"value": 2}
    everything = {"code", "input", "mtime", "params", "software-env"}
    assert set(dry["same"]["triggers"]) == everything, TODO.format("what triggers a rerun")
    assert dry["other triggers"]["triggers"] == ["mtime"], TODO.format("what triggers a rerun")


def test_a_job_that_would_run_is_described_by_names(dry):
    job = dry["params"]["jobs"]["make"]
    assert job["inputs"] == {
        "data": ["data.csv"],
        "code": ["code.py"],
        "large": ["large.bin"],
    }, TODO.format("inputs")
    assert job["outputs"] == ["results/made.txt"], TODO.format("outputs")
    params = {"value": 2, "text": "</script><b>&", "place": "results/made.txt"}
    assert job["params"] == params, TODO.format("params")
    assert job["derived"] == ["place"], TODO.format("which params are made from outputs")
    assert job["log"] == "results/logs/make.log", TODO.format("the log")
    assert "Params have changed" in job["reason"], TODO.format("the reason")
    assert not (job["missing"] or job["newer"] or job["forced"] or job["interrupted"])
    assert not job["environment_changed"]
    trained = dry["params"]["jobs"]["train_tiny"]
    assert trained["needs"] == [0], TODO.format("whose outputs a job takes")
    assert dry["params"]["order"] == ["make", "train_tiny"], TODO.format("the order of jobs")


def test_what_makes_a_job_run_is_told_apart(dry):
    assert dry["newer"]["jobs"] == {}, (
        "decide_by_content: a newer file of the same content makes a job run, large ones perhaps"
    )
    assert dry["script"]["jobs"] == {}, "decide_by_content: a newer script makes a job run"
    forced = dry["forced"]["jobs"]
    assert forced["make"]["forced"], TODO.format("which jobs are forced")
    assert not forced["train_tiny"]["forced"], TODO.format("which jobs are forced")
    newer = {state: dry[state]["jobs"]["make"]["newer"] for state in ("changed", "code")}
    assert newer == {"changed": {"data.csv": ""}, "code": {"code.py": ""}}, TODO.format(
        "which inputs are newer, and what they were"
    )
    assert dry["changed"]["jobs"]["train_tiny"]["newer"] == {}, TODO.format("what is rebuilt")
    assert dry["missing"]["order"] == ["train_tiny"]
    missing = dry["missing"]["jobs"]["train_tiny"]["missing"]
    assert missing == ["results/trained.txt"], TODO.format("which outputs are missing")
