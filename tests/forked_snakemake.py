"""Snakemake, from a process that has imported it once and forks for every call.

Most calls of tests take less time than importing Snakemake does. A call by `run_snakemake`, or by
`run_program` of a program that imports Snakemake, has its own process, folder, arguments, output
and exit code, and it ends as the command does. Only `/proc` tells the difference: there it has the
command line of this file. A test that sends a signal, or is about how an interpreter starts, has to
start the command itself.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a forked call finds nothing of this project imported
    from restudy.operation.fork_server import ForkServer

# Imported by Snakemake in most calls, or by what is imported then: nothing of this project.
IMPORTED = (
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "jsonschema",
    "nbformat",
    "psutil",
    "smart_open",
)
# No other variable changes between the tests of a session.
OF_THE_TEST = "PYTEST_CURRENT_TEST"


def run_snakemake(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess:
    """Run snakemake in a folder and an environment; `prefix` leads the command, as `setpriv` does.

    What Python reads of the environment when it starts has to be the same for every folder: a
    relative PYTHONPATH is not.
    """
    return run_program([shutil.which("snakemake", path=env["PATH"]), *arguments], cwd, env, prefix)


def run_program(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess:
    """Run a program in Python, as `python` does with the same words after it."""
    variables = frozenset(item for item in env.items() if item[0] != OF_THE_TEST)
    server = _server(os.getpid(), variables, tuple(prefix))
    words = [os.fspath(each) for each in command]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        process = server.start([__file__, *words], env, cwd, [os.devnull, *outputs])
        assert process is not None, "Snakemake can't be forked: find out what starts a thread"
        try:
            code = process.wait()
        except BaseException:  # such as Ctrl-C: no call outlives its test
            process.kill()
            process.wait()
            raise
        texts = [path.read_text(encoding="utf-8") for path in outputs]
    return subprocess.CompletedProcess(words, code, *texts)


@functools.cache
def _server(process: int, variables: frozenset, prefix: tuple[str, ...]) -> ForkServer:
    """What forks calls with these variables; another one in a fork of this process."""
    from restudy.operation.fork_server import ForkServer

    _servers.append(ForkServer(IMPORTED, dict(variables), prefix))
    return _servers[-1]


_servers: list[ForkServer] = []


def stop_servers() -> None:
    """End the processes that calls were forked from."""
    while _servers:
        _servers.pop().stop()
    _server.cache_clear()


if __name__ == "__main__":
    # The one thing that Snakemake takes of the folder in which it is imported; it shows it.
    sys.modules["snakemake.workflow"].Workflow._rundir = str(Path.cwd())
    sys.argv.pop(0)
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    program = Path(sys.argv[0]).absolute()
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = str(program)
    exec(compile(program.read_bytes(), program, "exec"), main.__dict__)
