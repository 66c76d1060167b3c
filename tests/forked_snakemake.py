"""Snakemake, from a process that has imported it once and forks for every call.

Most calls of tests take less time than importing Snakemake does. A call by `run_snakemake`, or by
`run_program` of a program that imports Snakemake, has its own process, folder, arguments, output
and exit code, and it ends as the command does. Only `/proc` tells the difference: there it has the
command line of this file. A test that sends a signal, or is about how an interpreter starts, has to
start the command itself.
"""

import functools
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    return server.call([os.fspath(each) for each in command], cwd, env)


@functools.cache
def _server(process: int, variables: frozenset, prefix: tuple[str, ...]) -> "_Server":
    """The process that forks calls with these variables; another one in a fork of this process."""
    _servers.append(_Server(dict(variables), prefix))
    return _servers[-1]


_servers: list["_Server"] = []


def stop_servers() -> None:
    """End the processes that calls were forked from."""
    while _servers:
        _servers.pop().stop()
    _server.cache_clear()


class _Server:
    def __init__(self, env: Mapping[str, str], prefix: Sequence[str]):
        from restudy.operation.fork_server import WITHOUT_THREADS

        # Libraries that the executor for Slurm imports would start some.
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [*prefix, sys.executable, __file__],
            env={**env, **WITHOUT_THREADS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder, self.lock:
            outputs = [f"{folder}/{name}" for name in ("stdout", "stderr")]
            request = {
                "command": command,
                "cwd": os.fspath(cwd),
                "env": dict(env),
                "outputs": outputs,
            }
            print(json.dumps(request), file=self.process.stdin, flush=True)
            child = int(self.process.stdout.readline())
            try:
                code = int(self.process.stdout.readline())
            except BaseException:  # such as Ctrl-C: no call outlives its test
                os.kill(child, signal.SIGKILL)
                self.process.stdout.readline()
                raise
            texts = [Path(path).read_text(encoding="utf-8") for path in outputs]
        return subprocess.CompletedProcess(command, code, *texts)

    def stop(self) -> None:
        self.process.communicate()


def serve() -> None:
    """Fork for every request; return in the child, with all as the command would find it."""
    for module in IMPORTED:
        importlib.import_module(module)
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, "a process with threads can't be forked safely"
    gc.freeze()
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            break
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    else:
        sys.exit()
    request = json.loads(line)
    for number, path in enumerate([os.devnull, *request["outputs"]]):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["cwd"])
    # The one thing that Snakemake takes of the folder in which it is imported; it shows it.
    sys.modules["snakemake.workflow"].Workflow._rundir = str(Path.cwd())
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[:] = request["command"]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)


if __name__ == "__main__":
    serve()
    main = types.ModuleType("__main__")
    main.__file__ = str(Path(sys.argv[0]).absolute())
    sys.modules["__main__"] = main
    exec(compile(Path(main.__file__).read_bytes(), main.__file__, "exec"), main.__dict__)
