"""What Snakemake and its S3 plugin do not promise, and we use all the same: all of it is here.

Whatever else the workflow uses of them is documented. Each member has a test of its contract in
``tests/unit/test_internals.py``; when a new version of Snakemake breaks one, its message says what
to do. Nothing here is imported by a job.
"""

import atexit
import contextlib
import gc
import importlib
import json
import logging
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import snakemake.sourcecache
from snakemake import cli
from snakemake.api import (
    ConfigSettings,
    DAGApi,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
    SnakemakeApi,
)
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.io import _IOFile
from snakemake.ioutils import exists
from snakemake.jobs import Job
from snakemake.logging import DefaultFormatter, logger
from snakemake.persistence.file import FilePersistence
from snakemake.script import PythonScript
from snakemake.settings.enums import PrintDag, Quietness
from snakemake.settings.types import DeploymentMethod
from snakemake_interface_logger_plugins.common import LogEvent

from restudy.disk import describe_fault, fault_in
from restudy.errors import UserError
from restudy.operation.explanation import PlannedJob
from restudy.operation.fork_server import PRELOADED, ForkedScript, ForkServer
from restudy.operation.run_lock import (
    FolderNotWritableError,
    Places,
    acquire_run_lock,
    check_writable,
    note_submission,
    who_runs,
)
from restudy.operation.run_log import DONE, FAILED, INTERRUPTED, Ending, RunLog, notify
from restudy.provenance.parts import note_parts
from restudy.provenance.records import named_files
from restudy.secret_text import hide_in_command, hide_secrets
from restudy.small_files import read_json

# Where Snakemake keeps its locks and the scripts that its jobs run; our file lies beside them.
PLACES = Places(
    owner=Path(".snakemake/owner.json"),
    locks=Path(".snakemake/locks"),
    scripts=Path(".snakemake/scripts"),
)
# Options of snakemake that start no job and change nothing, as its parser names them.
ONLY_LOOK = (
    "containerize",
    "d3dag",
    "dag",
    "detailed_summary",
    "filegraph",
    "lint",
    "list_input_changes",
    "list_params_changes",
    "list_changes",
    "list_conda_envs",
    "list_rules",
    "list_target_rules",
    "list_untracked",
    "print_compilation",
    "report",
    "rulegraph",
    "summary",
)
# Style of the report's viewer, by the classes that it gives its parts.
VIEWER_STYLE = """
/* The viewer centres this text; what is taller than the window could not be scrolled to. */
.grow.h-screen.overflow-auto.items-center { align-items: flex-start; }
.prose.max-w-lg { max-width: 46rem; }
/* How the rules hang together is for those who look for it: below the text. */
.grow.gap-3:has(> #rulegraph) { flex-direction: column; }
#rulegraph { max-height: none; max-width: 100%; overflow-x: auto; }
#rulegraph::before { content: "The rules, and which takes what another made"; display: block;
  margin: 1rem 0 .5rem; font-weight: 600; }
/* In a small window the lists are closed: a bar at the top, which opens over the content. */
@media (max-width: 700px) {
  nav.h-screen.overflow-auto { position: fixed; z-index: 50; width: 100%; height: auto;
    max-height: 2rem; overflow: hidden; background: rgb(15 23 42 / 0.95); }
  nav.h-screen.overflow-auto:is(:hover, :focus-within) { height: 75vh; max-height: none;
    overflow: auto; }
  nav.h-screen .sticky .grow.mr-5::after { content: " \\2630"; }
  nav.h-screen .sticky a { display: none; }
  nav.h-screen :is(td, th) { white-space: normal; padding-right: 0.5rem; }
  .grow.h-screen.overflow-auto { justify-content: flex-start; width: 100%; padding-top: 2rem; }
  .grow.gap-3.p-3 { flex-direction: column; width: 100%; min-width: 0; }
  .grow.gap-3.p-3 > * { max-width: 100%; overflow-x: auto; }
  .w-full.h-screen { height: calc(100vh - 2rem); }
}
"""
# The viewer's column is narrower than most paths.
CAPTION_STYLE = "tt.docutils, pre.literal-block { white-space: pre-wrap; overflow-wrap: anywhere; }"


# A line of a traceback, as Snakemake shortens it.
PLACE_IN_CODE = re.compile(r'\n  File "[^"\n]*", line \d+, in .*')

# So many jobs of a run, its target included, are worth importing libraries once for all.
FEWEST_FORKED = 5

# What Snakemake lets every script import.
IN_PREAMBLE = ("snakemake.iocontainers", "snakemake.logging")

STARTED = time.monotonic()

# What the names of rules that train begin with.
TRAINING = ("train_", "retrain_")

# Training jobs of a run of which each gets a price, so that the time that is left can be told.
MOST_PRICED = 2000


@dataclass(frozen=True)
class Call:
    """How Snakemake was called.

    Attributes
    ----------
    is_main : bool
        Whether this process plans and starts the jobs; one that a job is started in is not.
    only_looks : bool
        Whether it starts no job.
    configfiles : tuple of Path
        Configurations that were read.
    replacing : tuple of Path
        Those of them that ``--configfile`` names, in place of the default one.
    overrides : mapping
        What stands behind ``--config``, as keys and values; those within mappings are text.
    override_words : tuple of str
        The same, as it was typed.
    storage : str or None
        Where results are kept, if not in the working directory: "s3".
    deploys_conda : bool
        Whether jobs get the environments of their rules from conda.
    """

    is_main: bool
    only_looks: bool
    configfiles: tuple[Path, ...]
    replacing: tuple[Path, ...]
    overrides: Mapping[str, Any]
    override_words: tuple[str, ...]
    storage: str | None
    deploys_conda: bool


def call_of(workflow: Any) -> Call:
    """Return how Snakemake was called, while it reads the Snakefile."""
    return Call(
        is_main=workflow.is_main_process,
        only_looks=workflow.is_main_process
        and (workflow.output_settings.dryrun or only_looks(parsed_options())),
        configfiles=tuple(map(Path, workflow.configfiles)),
        replacing=replacing_files(workflow),
        overrides=workflow.config_settings.config or {},
        override_words=tuple(workflow.config_settings.config_args or ()),
        storage=workflow.storage_settings.default_storage_provider,
        deploys_conda=DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method,
    )


def replacing_files(workflow: Any) -> tuple[Path, ...]:
    """Return the configurations that ``--configfile`` names, in place of the default one."""
    return tuple(map(Path, workflow.overwrite_configfiles or ()))


def only_looks(options: Any) -> bool:
    """Return whether a call with such options starts no job; see `parsed_options`."""
    if options is None or options.report_after_run:
        return False
    return any(getattr(options, name, 0) for name in ONLY_LOOK)


def parsed_options() -> Any:
    """Return the options that Snakemake has parsed, of its command line and of profiles.

    None where no command line is parsed: a program calls Snakemake's functions, or a job's process.
    """
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code is cli.args_to_api.__code__:
            return frame.f_locals["args"]
        frame = frame.f_back
    return None


@contextlib.contextmanager
def reported(heading: str = "") -> Iterator[None]:
    """Report a user's mistake as Snakemake does its own, and without where in the code it shows."""
    try:
        yield
    except UserError as fault:
        logger.addFilter(_hide_places)
        raise WorkflowError(f"{heading}{fault}") from None


def _hide_places(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, str):
        record.msg = PLACE_IN_CODE.sub("", record.msg)
    return True


def take_folder(call: Call) -> None:
    """Let one run at a time work in the working directory; tell a call that only looks of it.

    Raises
    ------
    FolderNotWritableError, FolderInUseError, OrphanedJobsError
        If a run can't write there, another run works there, or jobs of one that was killed still
        compute.
    """
    try:
        check_writable(Path.cwd(), PLACES, call.only_looks)
    except FolderNotWritableError as fault:
        if not call.only_looks:
            raise
        keep_records_elsewhere()
        print(f"A run could not start here: {fault}", file=sys.stderr)
    if call.only_looks:
        if note := who_runs(Path.cwd(), PLACES):
            print(note, file=sys.stderr)
    # What a run that was killed outright has left must not stop the next.
    elif acquire_run_lock(Path.cwd(), PLACES):
        print("Removed the lock of a run that was killed.", file=sys.stderr)


def keep_records_elsewhere() -> None:
    """Let a call that only looks do so in a folder that can't be written to.

    Snakemake makes folders for its records even then. It gets another place for them, with what is
    recorded here of earlier runs.
    """
    here, place = PLACES.locks.parent.absolute(), Path(tempfile.mkdtemp(prefix="restudy_"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for name in ("metadata", "incomplete"):
        if (here / name).is_dir():
            (place / name).symlink_to(here / name)
        else:
            (place / name).mkdir()
    initialize = FilePersistence.__init__

    def initialize_elsewhere(self: Any, **named: Any) -> None:
        initialize(self, **{**named, "path": place})

    FilePersistence.__init__ = initialize_elsewhere


def begin_run(workflow: Any, storage: str | None = None) -> None:
    """Do what is due before the first job starts; of a dry run, nothing.

    Raises
    ------
    WorkflowError
        If jobs are to be submitted where they cannot be: the plugin would wait for ever.
    """
    gc.freeze()
    gc.enable()
    # With results in a bucket, none lie here.
    if not storage:
        note_parts(Path.cwd())
    if workflow.executor_plugin.name == "slurm":
        if not shutil.which("sbatch"):
            with reported():
                raise UserError(
                    "No sbatch on this host: call it where you submit Slurm jobs, or without "
                    "--workflow-profile slurm."
                )
        note_submission()
    if len(list(workflow.dag.needrun_jobs())) >= FEWEST_FORKED:
        fork_scripts()


def keep_light_rules_local(workflow: Any, call: Call) -> None:
    """Let a cluster that shares this folder have the training jobs, and nothing else.

    All else takes seconds, or needs the network. (The directive ``localrules`` would say the same,
    and takes nothing but names that are written out.)
    """
    if not call.storage:
        light = [rule.name for rule in workflow.rules if not _trains(rule.name)]
        workflow.localrules(*light)


def speed_up_parsing() -> None:
    """Let Snakemake build the graph of thousands of jobs sooner; `begin_run` ends it.

    Once for every job it asks for the place of its script, and takes 0.3 ms for it: the answer
    depends on the path alone. And since the graph stays to the end, to look for garbage in it,
    again and again while it is built, takes Python an eighth of the time of a dry run.
    """
    gc.disable()
    if hasattr(snakemake.sourcecache, "parse_uri"):
        snakemake.sourcecache.parse_uri = cache(snakemake.sourcecache.parse_uri)


def decide_by_content() -> None:
    """Let nothing run again because a file is newer, or lies elsewhere.

    Snakemake compares scripts by their dates, which a checkout changes, and files of more than a
    megabyte by theirs, which a copy changes. Scripts count by their digest instead, with all that
    they import, as a parameter of their rule; and files of any size by their content.
    """
    Job.outputs_older_than_script_or_notebook = _none_older
    small_enough = _IOFile.is_checksum_eligible
    _IOFile.is_checksum_eligible = lambda file, threshold: small_enough(file, sys.maxsize)


# Results that run again because they, or Snakemake's record of them, were cut.
_damaged: set[str] = set()


def redo_damaged(results: Iterable[str]) -> None:
    """Let jobs run again whose results were cut, or of which Snakemake's record was.

    A record that was cut counts as none to Snakemake, which then takes any result for up to date.

    Parameters
    ----------
    results : iterable of str
        Paths of results that were cut.
    """
    cut, incomplete_files = set(results), DAG.incomplete_files

    async def incomplete_or_damaged(dag: DAG) -> list[Any]:
        known = dag.workflow.persistence
        damaged = [
            path
            for job in dag.jobs
            for path in job.output
            if str(path) in cut or _is_record_cut(known, path)
        ]
        _damaged.update(map(str, damaged))
        return [*await incomplete_files(dag), *damaged]

    DAG.incomplete_files = incomplete_or_damaged


def _is_record_cut(known: Any, path: Any) -> bool:
    """Whether what Snakemake's folder says of a result is no whole JSON object."""
    if not hasattr(known, "_record_path"):
        return False  # it keeps a database
    place = known._record_path(known._metadata_path, known._get_key(path))
    try:
        with open(place, "rb", buffering=0) as record:  # noqa: PTH123, this is for every result
            size = os.fstat(record.fileno()).st_size
            return not size or os.pread(record.fileno(), 1, size - 1) != b"}"
    except OSError:
        return False


def check_place(workflow: Any) -> None:
    """Refuse to run from a folder whose name Snakemake takes for a pattern.

    Raises
    ------
    WorkflowError
        Before any job; it names the characters, and what to do.
    """
    place = str(workflow.current_basedir)
    if found := [character for character in "{}" if character in place]:
        with reported():
            raise UserError(
                f"The project lies in {Path(place).parent}, and Snakemake takes the "
                f"{' and '.join(found)} in that path for a pattern: move the project into a folder "
                "whose path has none, and call again."
            )


def quote_python() -> None:
    """Let scripts run with a Python whose path has spaces, quotes or brackets."""
    execute = PythonScript._execute_cmd

    def execute_quoted(script: Any, command: str, **named: Any) -> Any:
        return execute(script, command.replace("{py_exec}", "{py_exec:q}"), **named)

    PythonScript._execute_cmd = execute_quoted


def prepare_here(families: Container[str]) -> None:
    """Let jobs that train some families start with this Python, in the environment of their rule.

    Snakemake would start them with that environment's, which lacks what prepares a training; they
    find it by the variables of the environment.
    """
    is_python_env = PythonScript._is_python_env

    def is_used(script: Any) -> bool:
        trains = script.rulename.startswith(TRAINING) and script.params.get("family") in families
        return not trains and is_python_env(script)

    PythonScript._is_python_env = is_used


def families_to_train(workflow: Any) -> set[str]:
    """Return the names of the families that the jobs of this run train."""
    jobs = (job for job in workflow.dag.needrun_jobs() if job.rule.name.startswith(TRAINING))
    return {job.params.get("family") for job in jobs}


def fork_scripts() -> None:
    """Let jobs of this process that are scripts in Python start with their libraries imported.

    Snakemake starts them in a shell, in which they would import everything anew. Those that need
    another environment, or several threads, still do.
    """
    server = ForkServer((*PRELOADED, *IN_PREAMBLE))
    server.prepare()
    atexit.register(server.stop)
    current = threading.local()
    execute = PythonScript._execute_cmd

    def execute_forked(script: Any, command: str, **named: Any) -> Any:
        elsewhere = (
            *(script.conda_env, script.container_img, script.env_modules, script.shadow_dir),
            *(script.threads != 1, named["py_exec"] != sys.executable),
        )
        current.path = None if any(elsewhere) else named["fname"]
        try:
            return execute(script, command, **named)
        finally:
            current.path = None

    def start(command: str, **options: Any) -> ForkedScript | subprocess.Popen:
        path = getattr(current, "path", None)
        forked = path and server.start([path], options["env"])
        return forked or subprocess.Popen(command, **options)

    PythonScript._execute_cmd = execute_forked
    shell = sys.modules["snakemake.shell"]  # the package's attribute of that name is the function
    shell.sp = SimpleNamespace(**{**vars(subprocess), "Popen": start})


# How lines begin that Snakemake prints before a run, and that say nothing of it.
PREAMBLE = (
    "Assuming unrestricted shared filesystem usage",
    "host: ",
    "Building DAG of jobs",
    "Using shell: ",
    "Group jobs: ",
    "Conda environments: ",
    "Singularity containers: ",
    "Creating report",
    "Adding ",
    "Loading ",
    "Downloading ",
)
# How errors begin, or end, that follow from one that has been told.
FOLLOWING = (
    "Exiting because a job execution failed",
    "At least one job did not complete successfully",
    "returned non-zero exit status",
    "died with <Signals",
)
# How a warning begins of a record that was cut; `redo_damaged` sees to it.
CUT_RECORD = "Ignore corrupted or currently written metadata record"
TERMINATING = "Terminating processes on user request"
REPORTED = "Report created"
GRACE = 0.5  # seconds in which an interruption, which makes jobs fail, is told of


class Speaker(logging.Handler):
    """Takes what Snakemake says for the terminal, and has a person told what matters of it.

    Parameters
    ----------
    formatter : logging.Formatter
        Of what is told as Snakemake says it.
    run_log : RunLog
        Tells the rest.
    report : Path or None
        What a report is written to, if one is.
    """

    def __init__(self, formatter: logging.Formatter, run_log: RunLog, report: Path | None = None):
        super().__init__()
        self.setFormatter(formatter)
        self.log, self.report = run_log, report
        self.has_begun = self.is_interrupted = self.has_told_of_disk = False
        self._failed: list[threading.Timer] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a record, or not."""
        take = {
            LogEvent.RUN_INFO: self._begin,
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: lambda record: self.log.end(record.job_id),
            LogEvent.JOB_ERROR: lambda record: self._fail([vars(record)]),
            LogEvent.GROUP_ERROR: lambda record: self._fail(record.job_error_info),
            LogEvent.PROGRESS: lambda record: self.log.progress(record.done, record.total),
            LogEvent.ERROR: self._say,
            None: self._say,
        }.get(getattr(record, "event", None))
        if take:
            try:
                take(record)
            except Exception:
                self.handleError(record)

    def _begin(self, record: logging.LogRecord) -> None:
        self.has_begun = True
        counts = {rule: count for rule, count in record.stats.items() if rule != "total"}
        self.log.begin(counts, [rule for rule in counts if _trains(rule)])

    def _start(self, record: logging.LogRecord) -> None:
        title = (record.rule_msg or record.rule_name).partition(";")[0]
        self.log.start(record.jobid, record.rule_name, title, _trains(record.rule_name))
        self.log.show()

    def _fail(self, jobs: Iterable[Mapping[str, Any]]) -> None:
        """Tell of jobs that failed, but not of those that an interruption has ended."""

        def tell() -> None:
            for job in jobs if not self.is_interrupted else ():
                self.log.fail(job["jobid"], job["rule_name"], job["log"])

        self._failed.append(threading.Timer(GRACE, tell))
        self._failed[-1].start()

    def finish(self) -> None:
        """Wait until all is told of."""
        for each in self._failed:
            each.join()

    def _say(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if not text or text == "None":
            return
        number = fault_in(text) if record.levelno >= logging.WARNING else None
        if number is not None:
            # Snakemake tells of its own files in many words, once for every job.
            if not self.has_told_of_disk:
                self.log.say(describe_fault(Path.cwd() / ".snakemake", number))
            self.has_told_of_disk = True
            return
        first = text.lstrip()
        if first.startswith(TERMINATING):
            self.is_interrupted = True
        elif first.startswith(REPORTED) and self.report:
            place = self.report.resolve()
            size = place.stat().st_size / 1e6
            self.log.say(f"{place} ({size:.1f} MB). To see it, open {place.as_uri()}")
        elif record.levelno >= logging.WARNING and not first.startswith(CUT_RECORD):
            follows = self.has_begun and any(each in text for each in FOLLOWING)
            if not follows:
                self.log.say(text)
        elif not self.has_begun and not first.startswith(PREAMBLE):
            self.log.say(text)


def _trains(rule: str) -> bool:
    return any(word in rule for word in TRAINING)


def speak_plainly(workflow: Any, call: Call) -> Speaker | None:
    """Have a person told what matters of a run; Snakemake's log in ``.snakemake/log`` has all.

    A dry run lists its jobs as ever, but for the reasons, which may fill pages. Who asks for other
    words (``--verbose``, ``--quiet``, ``--printshellcmds``, a logger plugin) gets these.
    """
    settings = workflow.output_settings
    shown = next((each for each in logger.handlers if each.name == "DefaultStreamHandler"), None)
    asked = settings.verbose or settings.quiet or settings.printshellcmds or settings.debug_dag
    if not call.is_main or shown is None or asked:
        return None
    if settings.dryrun:
        shown.setFormatter(DefaultFormatter({Quietness.REASON}, settings.show_failed_logs))
        return None
    report = reported_to(parsed_options())
    if call.only_looks and not report:
        return None
    speaker = Speaker(shown.formatter, RunLog(shown.stream, Path.cwd()), report)
    logger.removeHandler(shown)
    logger.addHandler(speaker)
    return speaker


def reported_to(options: Any) -> Path | None:
    """Return the file that a call with such options writes a report to, if any."""
    return Path(options.report) if options is not None and options.report else None


def cores_of(workflow: Any) -> int | None:
    """Return how many cores the call names; None of one that leaves them to a cluster."""
    try:
        return workflow.cores
    except WorkflowError:
        return None


def profile_words(arguments: Sequence[str]) -> list[str]:
    """Return the option that names a profile in place of the usual one, if a command line does."""
    words = list(arguments)
    for place, word in enumerate(words):
        if word == "--workflow-profile":
            return words[place : place + 2]
        if word.startswith("--workflow-profile="):
            return [word]
    return []


def expect(workflow: Any, speaker: Speaker, reference: Path) -> None:
    """Have it told how long a run will take, by the prices of its training jobs.

    It is worked out beside the run, which need not wait for it.
    """
    jobs = [job for job in workflow.dag.needrun_jobs() if _trains(job.rule.name)]
    cores = cores_of(workflow) if workflow.local_exec else workflow.nodes

    def price() -> None:
        from restudy.operation.cost import Job as JobToEstimate
        from restudy.operation.cost import Prices, identify_job, read_reference

        known = read_reference(reference) if reference.exists() else []
        prices = Prices([], known)
        found = {}
        for job in jobs if len(jobs) <= MOST_PRICED else ():
            kind, name = identify_job(str(job.benchmark))
            settings = dict(job.params.items()).get("settings")
            priced = prices.price(JobToEstimate(kind, name, settings), len(jobs))
            found[workflow.dag.jobid(job)] = priced.seconds
        speaker.log.expect(found, cores)

    threading.Thread(target=price, daemon=True).start()


def end_run(
    workflow: Any,
    speaker: Speaker | None,
    options: Sequence[str],
    command: str,
    findings: Path,
    pages: Sequence[Path],
    has_failed: bool = False,
) -> None:
    """Say how a run has ended, and call the user's command.

    Parameters
    ----------
    workflow : Workflow
        Of Snakemake.
    speaker : Speaker or None
        Tells of the run, if anything of ours does.
    options : sequence of str
        Of a call that runs the same configuration.
    command : str
        Of the user's; empty if there is none.
    findings : Path
        Where the run's findings are, if it made them.
    pages : sequence of Path
        What there is to look at, if it was made.
    has_failed : bool
        Whether it did not come to its end.
    """
    if speaker:
        speaker.finish()
    interrupted = speaker is not None and speaker.is_interrupted
    outcome = (INTERRUPTED if interrupted else FAILED) if has_failed else DONE
    dag = workflow.dag
    states = any(str(findings) in map(str, job.output) for job in dag.jobs)
    ending = Ending(
        outcome,
        speaker.log.seconds if speaker else time.monotonic() - STARTED,
        len(list(dag.finished_jobs)),
        speaker.log.failures if speaker else 0,
        read_json(findings) if states and findings.exists() and not has_failed else {},
        [*profile_words(sys.argv[1:]), *options],
        cores_of(workflow),
        [path for path in pages if states and path.exists()],
    )
    if speaker:
        speaker.log.say("\n".join(ending.lines))
    if command and (fault := notify(command, ending, Path.cwd())):
        print(fault, file=sys.stderr)


def hide_in_logs() -> None:
    """Keep the passwords of a command or an address out of the terminal and Snakemake's log.

    And what a full disk takes of that log stops nothing, and prints no traceback.
    """
    logger.addFilter(_hide_secrets)
    logging.raiseExceptions = False


def _hide_secrets(record: logging.LogRecord) -> bool:
    for name, value in vars(record).items():
        if name == "cmd":
            record.cmd = " ".join(hide_in_command(value.split(" ")))
        elif isinstance(value, str | tuple | dict | list):
            setattr(record, name, hide_secrets(value))
    return True


def mend_report() -> None:
    """Let the report show what is there, in our style, and no text of the user's end its scripts.

    Snakemake writes its data as JSON between script tags, where ``</script>`` would end them; and
    it makes no report at all as long as one of its items is missing.
    """
    options = parsed_options()
    if options is not None and not options.report:
        return  # importing the reporter takes a while
    from snakemake import report
    from snakemake.report import html_reporter
    from snakemake.report.html_reporter import data as report_data

    write = report.auto_report

    async def report_what_is_there(dag: Any, *given: Any) -> None:
        jobs = [job for job in dag.jobs if job.output]
        finished = [job for job in jobs if await _is_finished(job)]
        if missing := len(jobs) - len(finished):
            logger.warning(
                f"The run is not finished: of {len(jobs):,} jobs, {missing:,} have not made their "
                "results. The report shows what is there."
            )
        await write(_JobsOf(dag, finished), *given)

    report.auto_report = report_what_is_there

    for info in pkgutil.iter_modules(report_data.__path__, f"{report_data.__name__}."):
        module = importlib.import_module(info.name)
        if hasattr(module, "json"):
            module.json = SimpleNamespace(dumps=_dumps_for_script)
    html_reporter.json = SimpleNamespace(dumps=_dumps_for_script)

    begin = html_reporter.Reporter.__post_init__

    def begin_with_style(reporter: Any) -> None:
        begin(reporter)
        reporter.custom_stylesheet = VIEWER_STYLE + (reporter.custom_stylesheet or "")

    html_reporter.Reporter.__post_init__ = begin_with_style


async def _is_finished(job: Any) -> bool:
    if await job.dag.workflow.persistence.incomplete(job):
        return False
    return not [path async for path in job.missing_output(job.output)]


class _JobsOf:
    """A graph of jobs with only some of them; all else is the graph's."""

    def __init__(self, dag: Any, jobs: Sequence[Any]) -> None:
        self.jobs = jobs
        self._dag = dag

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dag, name)


def _dumps_for_script(value: Any, **named: Any) -> str:
    return json.dumps(value, **named).replace("<", r"\u003c")


async def _none_older(job: Any) -> AsyncIterator[str]:
    for path in ():
        yield path


def mend_s3_plugin() -> None:
    """Let the S3 plugin look for a folder each time that it is asked whether it is there.

    It remembers that a folder isn't there, and then does not see that a job has stored it.
    """
    plugin = sys.modules.get("snakemake_storage_plugin_s3")
    if plugin is not None:
        plugin.StorageObject.is_dir = lambda self: any(self.get_subkeys())


def lead_search_path(folder: Path) -> None:
    """Let jobs and notebooks' kernels look for modules in a folder before any other.

    Snakemake hands this process's search path on to scripts, but behind PYTHONPATH, where another
    package of our package's name could come first.
    """
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [each for each in before if each and each != str(folder)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *others])


def fetch(workflow: Any, path: str) -> Path | None:
    """Return a result as a file on this machine, fetched from a bucket if need be.

    None if there is no such result yet.
    """
    file = workflow.inputfile(path)
    if not exists(file):
        return None
    if file.is_storage:
        workflow.async_run(file.storage_object.managed_retrieve())
    return Path(file)


def captioned_item(categories: Mapping) -> tuple[str, bool]:
    """Return the path of the item whose caption is being written, and whether it is out of date.

    Parameters
    ----------
    categories : mapping
        The variable of that name in captions: category -> subcategory -> records. Captions are
        written in that order.
    """
    record = next(
        record
        for group in categories.values()
        for records in group.values()
        for record in records
        if not hasattr(record, "caption")
    )
    return str(record.path), record.job.dag.needrun(record.job)


# ---- A run that is planned, and not started --------------------------------------------------


@dataclass(frozen=True)
class JobToPrice:
    """A job of a plan, as far as its price depends on it.

    Attributes
    ----------
    rule : str
        Its rule.
    benchmark : str
        Its benchmark file; empty if it has none.
    threads, priority : int
        Cores that it takes; which of the jobs that are ready starts first.
    needs : tuple of int
        Places, in the sequence of jobs, of those that have to end before it.
    read_params : callable
        Returns its parameters, name -> value, which are worked out only now.
    """

    rule: str
    benchmark: str
    threads: int
    priority: int
    needs: tuple[int, ...]
    read_params: Callable[[], dict[str, Any]]


@contextlib.contextmanager
def planned_jobs(
    snakefile: Path,
    config: Sequence[str] | None = None,
    configfiles: Iterable[Path] = (),
    targets: Iterable[str] = (),
    workdir: Path | None = None,
) -> Iterator[tuple[list[JobToPrice], set[int]]]:
    """Plan a run, and print nothing.

    Parameters
    ----------
    snakefile : Path
        The workflow.
    config, configfiles, targets, workdir
        As Snakemake's options ``--config``, ``--configfile`` and ``--directory`` take them.

    Yields
    ------
    (jobs, needed)
        All jobs that lead to the targets, and the places in that list of those that would run.
    """
    settings = ConfigSettings(
        config=cli.parse_config(config), configfiles=[file.resolve() for file in configfiles]
    )
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api,
    ):
        workflow = api.workflow(
            ResourceSettings(cores=1), settings, snakefile=snakefile, workdir=workdir
        )
        dag_settings = DAGSettings(targets=set(targets), print_dag_as=str(PrintDag.DOT))
        # Printing the graph is the only promised way to have it built.
        workflow.dag(dag_settings).printdag()
        dag = workflow._workflow.dag
        jobs = [job for job in dag.jobs if not job.rule.norun]
        places = {job: place for place, job in enumerate(jobs)}
        found = [
            JobToPrice(
                rule=job.rule.name,
                benchmark=str(job.benchmark or ""),
                threads=job.threads,
                priority=job.rule.priority,
                needs=tuple(places[each] for each in dag.dependencies[job] if each in places),
                read_params=lambda job=job: dict(job.params.items()),
            )
            for job in jobs
        ]
        yield found, {places[job] for job in dag.needrun_jobs() if job in places}


@dataclass(frozen=True)
class DryRun:
    """A dry run that has ended.

    Attributes
    ----------
    jobs : list of PlannedJob
        Those that would run, those first that others need.
    triggers : frozenset of str
        What makes jobs run again, as ``--rerun-triggers`` names it.
    names : mapping
        What the Snakefile and the files that it includes have defined.
    """

    jobs: list[PlannedJob]
    triggers: frozenset[str]
    names: Mapping[str, Any]


def make_dry_run(snakefile: Path, arguments: Sequence[str], use: Callable[[DryRun], None]) -> None:
    """Make a dry run, silent but for errors, and hand it over when it has ended.

    Parameters
    ----------
    snakefile : Path
        The workflow.
    arguments : sequence of str
        Further ones, as ``snakemake`` takes them. A fault in them ends this process.
    use : callable
        Takes the dry run.
    """
    execute = DAGApi.execute_workflow

    def execute_and_hand_over(api: DAGApi, *positional: Any, **named: Any) -> None:
        execute(api, *positional, **named)
        workflow = api.workflow_api._workflow
        triggers = frozenset(map(str, workflow.rerun_triggers))
        use(DryRun(workflow.async_run(_jobs_that_would_run(workflow)), triggers, workflow.globals))

    DAGApi.execute_workflow = execute_and_hand_over
    logger.addFilter(_is_warning)
    # With this quietness a dry run ends before it goes through the jobs one by one.
    quiet = ["--quiet", "rules", "progress", "--dry-run"]
    try:
        cli.main(["--snakefile", str(snakefile), *quiet, *arguments])
    finally:
        DAGApi.execute_workflow = execute
        logger.removeFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


async def _jobs_that_would_run(workflow: Any) -> list[PlannedJob]:
    dag, known, found, places = workflow.dag, workflow.persistence, [], {}
    for job in (job for level in dag.toposorted() for job in level):
        if not dag.needrun(job) or job.rule.norun:
            continue
        rebuilt = dag.reason(job).updated_input_run
        own = job.non_derived_params
        found.append(
            PlannedJob(
                rule=job.rule.name,
                wildcards=dict(job.wildcards_dict),
                inputs=named_files(job.input),
                outputs=[str(path) for path in job.output],
                params=dict(job.params.items()),
                derived=frozenset(name for name, each in job.params.items() if each not in own),
                log=str(job.log[0]) if job.log else "",
                needs=tuple(
                    places[other]
                    for other, files in dag.dependencies[job].items()
                    if other in places and files & rebuilt
                ),
                # Snakemake's reason is silent on that after another job.
                forced=(job.rule in dag.forcerules and job not in dag.omitforce)
                or not dag.forcefiles.isdisjoint(job.output),
                interrupted=bool(await known.incomplete(job)),
                damaged=not _damaged.isdisjoint(map(str, job.output)),
                missing=[str(path) async for path in job.missing_output(set(job.output))],
                newer=dict([each async for each in _newer_inputs(workflow, job)]),
                environment_changed=any(known.software_stack_changed(job)),
                reason=str(dag.reason(job)),
            )
        )
        places[job] = len(found) - 1
    return found


async def _newer_inputs(workflow: Any, job: Any) -> AsyncIterator[tuple[str, str]]:
    """Inputs that no job rebuilds and that are newer than the output, with other content.

    Each with the reason why its content was not compared; empty if it was.
    """
    oldest, dag, known = await job.output_mintime, workflow.dag, workflow.persistence
    largest = known.max_checksum_file_size
    rebuilt = {
        str(path)
        for other, files in dag.dependencies[job].items()
        if dag.needrun(other)
        for path in files
    }
    for path in job.input if oldest is not None else ():
        if str(path) in rebuilt or not await path.exists() or not await path.is_newer(oldest):
            continue
        if not await path.is_checksum_eligible(largest):
            yield str(path), "by its date: of a folder, only that is compared"
            continue
        checksums = known.input_checksums(job, path) - {None}
        if not checksums:
            yield str(path), "by its date: what it was is not recorded"
        elif len(checksums) > 1 or not await path.is_same_checksum(*checksums, largest):
            yield str(path), ""
