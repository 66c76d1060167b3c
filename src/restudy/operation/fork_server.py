"""Start Python scripts from a process that has imported their libraries once.

Most jobs of a run are short, and would import NumPy, pandas and Matplotlib for longer than they
compute. `ForkServer` imports these in a process of its own, and forks it for every script. A forked
script is a process like any: it has its own environment, folder and number, it ends with an exit
code, and can be killed. It finds no module of this project or of the user's imported, so that what
was edited counts for the next script.

Only where forking is safe, which is on Linux, and where no thread runs in the process that forks:
elsewhere `ForkServer.start` returns None, and the script has to be started in the usual way. So has
one of several threads: what does linear algebra decides on its threads when it is imported.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

# What the jobs of a run import most of: libraries alone.
PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "scipy.stats",
)
# So that importing them starts no thread: of what multiplies matrices, and of pyarrow's allocator.
WITHOUT_THREADS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
LONGEST_REQUEST = 100_000  # bytes: the path of a script and its environment
LONGEST_PATH = 4096  # bytes
READY, BEGUN, ENDED = b"ready", b"begun", b"ended"  # how messages begin
LAST_THREADS = 2.0  # seconds for threads to end that libraries start while they are imported


class ForkServer:
    """Starts scripts by forking a process that has imported libraries.

    Parameters
    ----------
    preloaded : sequence of str
        Names of the modules to import. What can't be imported is left out.
    env : mapping of str to str, optional
        The environment in which they are imported; by default, that of this process.
    prefix : sequence of str
        Words that lead the command of the process that forks, as of `setpriv`.
    """

    def __init__(
        self,
        preloaded: Sequence[str] = PRELOADED,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ):
        self.preloaded, self.prefix = tuple(preloaded), tuple(prefix)
        self.env = dict(os.environ if env is None else env)
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._socket: socket.socket | None = None
        self._is_ready: bool | None = None if sys.platform == "linux" else False

    def prepare(self) -> None:
        """Start importing, if that has not been done; return at once."""
        with self._lock:
            if self._process is None and self._is_ready is None:
                ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with its:
                    self._process = subprocess.Popen(
                        [
                            *(*self.prefix, sys.executable, __file__, str(its.fileno())),
                            *self.preloaded,
                            " " * LONGEST_PATH,  # room for the path of a script
                        ],
                        env=self.env | WITHOUT_THREADS,
                        pass_fds=[its.fileno()],
                    )
                self._socket = ours

    def start(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        folder: str | Path = ".",
        streams: Sequence[str | Path] = (),
    ) -> ForkedScript | None:
        """Start a script; return None if that is not possible here.

        Parameters
        ----------
        command : sequence of str
            A file in Python, and its arguments.
        env : mapping of str to str
            All of its environment.
        folder : path
            Its working directory.
        streams : sequence of path
            Files that it reads from and writes to: its standard input, output and errors. By
            default, it shares those of the process that started this one.
        """
        self.prepare()
        request = {
            "command": [os.fspath(word) for word in command],
            "env": dict(env),
            "folder": str(Path(folder).absolute()),
            "streams": [os.fspath(path) for path in streams],
        }
        message = json.dumps(request).encode()
        if len(message) > LONGEST_REQUEST or len(os.fsencode(command[0])) > LONGEST_PATH:
            return None
        with self._lock:
            if self._is_ready is None:
                self._is_ready = self._receive_ready()
            if not self._is_ready:
                return None
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with its:
                try:
                    socket.send_fds(self._socket, [message], [its.fileno()])
                except OSError:  # it has ended
                    self._is_ready = False
                    return None
        kind, _, number = _receive(ours).partition(b" ")
        # Else it ended before it had begun: for want of memory, or killed.
        return ForkedScript(int(number), ours) if kind == BEGUN else None

    def stop(self) -> None:
        """End the process that forks; scripts go on."""
        with self._lock:
            self._is_ready = False
            if self._socket is not None:
                self._socket.close()
                self._process.wait()
                self._socket = self._process = None

    def _receive_ready(self) -> bool:
        """Wait until all is imported; return whether scripts can be forked."""
        return _receive(self._socket) == READY


class ForkedScript:
    """A script that was started, with what of `subprocess.Popen` its starter needs.

    Attributes
    ----------
    pid : int
        Number of its process.
    returncode : int or None
        As of `subprocess.Popen`: None until its end is known, and negative for a signal.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket):
        self.pid, self.returncode = pid, None
        self._connection = connection
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        with self._lock:
            if self.returncode is None:
                _, _, code = _receive(self._connection).partition(b" ")
                # Whoever waits for it has been killed, and most likely the script with it.
                self.returncode = int(code) if code else -signal.SIGKILL
                self._connection.close()
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _receive(connection: socket.socket) -> bytes:
    """Return the next message; nothing if whoever had to send it has ended."""
    try:
        return connection.recv(32)
    except ConnectionError:
        return b""


# ---- In the process that forks -----------------------------------------------------------------


def serve(connection: socket.socket, preloaded: Sequence[str]) -> list[str]:
    """Import libraries, and fork for every request; return in the fork, with its command.

    A fork of the fork runs the script, and the first one waits for it and tells its exit code. So
    many scripts can run at once, and this process does nothing but wait for requests.
    """
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGCHLD)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for scripts
    own = sys.path.pop(0)  # the folder of this file, whose modules are none of theirs
    for name in preloaded:
        # What can't be imported fails in the scripts that need it, and is told of there.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    sys.path.insert(0, own)
    if has_threads() or not show_in_command_line(""):
        sys.exit()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for scripts
    try:
        connection.send(READY)
    except OSError:  # whoever started it has ended
        sys.exit()
    while True:
        try:
            message, descriptors, *_ = socket.recv_fds(connection, LONGEST_REQUEST, 1)
        except ConnectionError:
            sys.exit()
        if not message:
            sys.exit()
        if os.fork() == 0:
            break
        os.close(descriptors[0])
    connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = json.loads(message)
    with socket.socket(fileno=descriptors[0]) as starter:
        if script := os.fork():
            _tell_end(script, starter)
        show_in_command_line(request["command"][0])
        with contextlib.suppress(OSError):  # whoever asked for it has ended
            starter.send(b"%s %d" % (BEGUN, os.getpid()))
    for number, handler in signals.items():
        signal.signal(number, handler)
    for number, path in enumerate(request["streams"]):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    tempfile.tempdir = None  # it was found by the environment
    if "numpy.random" in sys.modules:  # else scripts that don't seed it would draw alike
        sys.modules["numpy.random"].seed()
    return request["command"]


def has_threads() -> bool:
    """Return whether threads still run in this process, which then can't be forked safely."""
    end = time.monotonic() + LAST_THREADS
    while len([*Path("/proc/self/task").iterdir()]) > 1:
        if time.monotonic() > end:
            return True
        time.sleep(0.01)
    return False


def show_in_command_line(script: str) -> bool:
    """Put a path in the place of this process's last argument, in which it has room.

    So `ps` shows what runs, and a script that outlives its run is found by its path. Returns
    whether the system allows it.
    """
    words = Path("/proc/self/cmdline").read_bytes()
    # The 48th number, see proc_pid_stat(5); the second one is a name in brackets.
    start = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[48 - 3])
    try:
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(start + len(words) - 1 - LONGEST_PATH)
            memory.write(os.fsencode(script).ljust(LONGEST_PATH))
    except OSError:
        return False
    return True


def _tell_end(script: int, starter: socket.socket) -> None:
    """Wait for the end of a script's process, and tell its exit code."""
    _, status = os.waitpid(script, 0)
    with contextlib.suppress(OSError):  # whoever started it has ended
        starter.send(b"%s %d" % (ENDED, os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(command: Sequence[str]) -> types.ModuleType:
    """Return a module in which a script can run as `python` with the same words would run it."""
    main = types.ModuleType("__main__")
    main.__file__ = command[0]
    sys.modules["__main__"] = main
    sys.argv[:] = command
    sys.path[0] = str(Path(command[0]).resolve().parent)
    return main


def _leave(ended: Sequence[str]) -> None:
    """End the process of a script that ended well, without taking down what it had imported.

    Python would, object by object, and for that copy all memory that the fork shares.
    """
    if ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    ended_well = []
    # What is registered first is called last: after all that libraries and scripts register.
    atexit.register(_leave, ended_well)
    with socket.socket(fileno=int(sys.argv[1])) as server:
        command = serve(server, sys.argv[2:-1])
    code = compile(Path(command[0]).read_bytes(), command[0], "exec")
    exec(code, _become(command).__dict__)
    ended_well.append(command)
