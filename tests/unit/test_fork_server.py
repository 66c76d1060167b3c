"""Scripts that are forked from a process with their libraries: each is a process like any other."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, environment

from restudy.operation.fork_server import LONGEST_REQUEST, ForkServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scripts are forked on Linux alone")

# What a script can see of where it runs.
SHOWN = """
import json, os, signal, sys, threading
facts = {
    "argv": sys.argv, "path": sys.path, "name": __name__, "file": __file__, "cwd": os.getcwd(),
    "environment": dict(os.environ), "main": sys.modules["__main__"].__dict__ is globals(),
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGCHLD)],
    "threads": threading.active_count(),
}
print(json.dumps(facts), flush=True)
"""


@pytest.fixture(scope="module")
def server():
    server = ForkServer()
    yield server
    server.stop()


@pytest.fixture
def script(tmp_path):
    """Function that writes a script, in a folder whose name a shell would stumble over."""

    def write(text: str) -> Path:
        path = tmp_path / "its own 'folder' {of}" / "script.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def written_by(server: ForkServer, path: Path, **variables: str) -> str:
    """Run a script whose output goes to a file, and return what it wrote."""
    output = path.with_suffix(".txt")
    text = path.read_text()
    path.write_text(f"import sys; sys.stdout = open({str(output)!r}, 'w')\n{text}")
    process = server.start([path], {**environment(), **variables})
    assert process.wait() == 0
    path.write_text(text)
    return output.read_text()


def test_a_script_sees_what_it_would_see_in_an_interpreter_of_its_own(server, script):
    path = script(SHOWN)
    alone = subprocess.run(
        [sys.executable, str(path)], env=environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(written_by(server, path)) == json.loads(alone.stdout)


def test_its_libraries_are_imported_and_nothing_of_this_project(server, script):
    path = script("import sys; print(*sys.modules)")
    loaded = written_by(server, path).split()
    assert {"numpy", "pandas", "pyarrow.parquet", "matplotlib.figure"} <= set(loaded)
    assert not [name for name in loaded if name.partition(".")[0] == "restudy"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("import os; os._exit(7)", 7),
        ("import sys; sys.stderr = open('/dev/null', 'w'); 1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_it_ends_with_its_own_exit_code(server, script, text, code):
    process = server.start([script(text)], environment())
    assert process.wait() == process.wait() == process.returncode == code


def test_what_is_to_happen_at_its_end_happens(server, script):
    assert written_by(server, script("import atexit; atexit.register(print, 'end')")) == "end\n"


def test_scripts_run_side_by_side_and_share_no_random_numbers(server, script):
    path = script("import random, numpy; print(random.random(), numpy.random.random())")
    draws = [written_by(server, path) for _ in range(3)]
    assert len({number for line in draws for number in line.split()}) == 6
    sleeping = script("import time; time.sleep(60)")
    processes = [server.start([sleeping], environment()) for _ in range(3)]
    assert len({each.pid for each in processes}) == 3
    for process in processes:
        process.kill()
        assert process.wait() == -signal.SIGKILL
    processes[0].terminate()  # of one that has ended, nothing happens


def test_its_command_line_has_its_path_as_other_scripts_have(server, script):
    path = script("import time; time.sleep(60)")
    process = server.start([path], environment())
    assert psutil.Process(process.pid).cmdline()[-1].rstrip() == str(path)
    process.terminate()
    assert process.wait() == -signal.SIGTERM


def test_temporary_files_lie_where_its_environment_says(script, tmp_path, monkeypatch):
    path = script("import tempfile; print(tempfile.gettempdir())")
    # Whatever a library has found out while it was imported.
    path.with_name("asks.py").write_text("import tempfile; tempfile.gettempdir()")
    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    server = ForkServer(["asks"])
    assert written_by(server, path, TMPDIR=str(tmp_path)) == f"{tmp_path}\n"
    server.stop()


def test_where_it_cannot_be_forked_nothing_is_started(script, monkeypatch):
    path = script("")
    program = "import threading, time; threading.Thread(target=time.sleep, args=[4]).start()"
    path.with_name("threaded.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    server = ForkServer(["threaded"])
    assert server.start([path], environment()) is None
    server.stop()
    assert server.start([path], environment()) is None


def test_a_request_that_is_too_long_leaves_the_others_alone(server, script):
    path = script("")
    assert server.start([path], {"LONG": "x" * LONGEST_REQUEST}) is None
    assert server.start([path], environment()).wait() == 0


def test_scripts_outlive_the_process_that_started_them(script, tmp_path):
    """As those that a shell was given do; whoever looks for them finds them by their path."""
    path = script("import time; time.sleep(60)")
    program = (
        "import os; from restudy.operation.fork_server import ForkServer; server = ForkServer([]); "
        f"print(server.start([{str(path)!r}], os.environ).pid, flush=True); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment() | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter.stdout as output:
        survivor = psutil.Process(int(output.readline()))
    assert starter.wait() == -signal.SIGKILL
    assert survivor.cmdline()[-1].rstrip() == str(path)
    survivor.kill()
