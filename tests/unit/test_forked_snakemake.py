"""A call of snakemake that is forked gives what the command gives."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import bound_by_permissions, environment
from forked_snakemake import run_program, run_snakemake

SNAKEFILE = """
import atexit, json, locale, os, signal, sys, threading, time

def last():
    print("at the end", file=sys.stderr)

atexit.register(last)
seen = {
    "arguments": sys.argv,
    "path": sys.path,
    "main": sys.modules["__main__"].__file__,
    "folder": os.getcwd(),
    "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "encodings": [sys.stdout.encoding, sys.stderr.encoding, locale.getpreferredencoding()],
    "terminals": [file.isatty() for file in (sys.stdin, sys.stdout, sys.stderr)],
    "input": sys.stdin.read(),
    "threads": threading.active_count(),
    "signals": [str(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
    "umask": os.umask(0o22),
    "ours": [name for name in sys.modules if name.startswith("restudy")],
}
os.umask(seen["umask"])
with open("seen.json", "w") as file:
    json.dump(seen, file)
end = config.get("end")
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if end == "thread":
    threading.Thread(target=lambda: (time.sleep(0.3), print("a thread's end", flush=True))).start()

rule all:
    output: "made.txt"
    params: end
    shell: "echo from the job; echo {params} >&2; [ {params} != fail ] && touch {output}"
"""
# Times, and names that Snakemake makes up.
OF_THE_CALL = (
    r"\[\w{3} \w{3} .*\]|\d{4}-\d\d-\d\d[T ][\d:.]+|(Elapsed time|Workflow ID): .*|\btmp\w+"
)

ENV = {**environment(), "PYTHONHASHSEED": "0"}  # some messages have sets in them


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cores", "1"),
        ("--cores", "1", "--config", "end=fail"),
        ("-n", "--config", "end=thread"),
        ("-n", "--config", "end=kill"),
        ("--no-such-option",),
    ],
    ids=lambda arguments: arguments[-1],
)
def test_forked_call_is_like_the_command(tmp_path, arguments):
    calls = []
    for forked in (False, True):
        for path in tmp_path.glob("*"):
            path.unlink() if path.is_file() else None
        (tmp_path / "Snakefile").write_text(SNAKEFILE)
        if forked:
            done = run_snakemake(arguments, tmp_path, ENV)
        else:
            done = subprocess.run(
                ["snakemake", *arguments],
                cwd=tmp_path,
                env=ENV,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        seen = tmp_path / "seen.json"
        calls.append(
            {
                "code": done.returncode,
                "stdout": re.sub(OF_THE_CALL, "…", done.stdout),
                "stderr": re.sub(OF_THE_CALL, "…", done.stderr),
                "seen": json.loads(seen.read_text()) if seen.exists() else None,
                "made": (tmp_path / "made.txt").exists(),
            }
        )
    assert calls[1] == calls[0]
    if "end=kill" not in arguments and calls[0]["seen"]:
        assert "at the end" in calls[1]["stderr"]


def test_forked_program_is_like_one_of_python(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/beside.py").write_text("place = __file__\n")
    (tmp_path / "tools/tell.py").write_text(
        "import sys, beside\n"
        "print(sys.argv, sys.path[0], __file__, __name__, beside.place)\n"
        "sys.exit('in the end')\n"
    )
    command = ["tools/tell.py", "--option", "ä b"]
    forked = run_program(command, tmp_path, ENV)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
    )
    for name in ("returncode", "stdout", "stderr"):
        assert getattr(forked, name) == getattr(done, name)


def test_one_call_leaves_nothing_for_the_next(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Snakefile").write_text(
            "import builtins, os\n"
            "assert not hasattr(builtins, 'left') and 'LEFT' not in os.environ\n"
            "builtins.left = os.environ['LEFT'] = 'here'\n"
            "rule all:\n    shell: 'true'\n"
        )
        done = run_snakemake(["-n"], tmp_path / name, ENV)
        assert done.returncode == 0, done.stderr


def test_a_call_that_is_interrupted_is_ended_and_another_can_follow(tmp_path):
    begun = tmp_path / "begun"
    (tmp_path / "Snakefile").write_text(
        "import os, time\n"
        "if config:\n"
        "    open('pid', 'w').write(str(os.getpid()))\n"
        "    os.rename('pid', 'begun')\n"
        "    time.sleep(600)\n"
    )

    def interrupt(*_):
        raise KeyboardInterrupt

    def send():
        while not begun.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Thread(target=send, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            run_snakemake(["-n", "--config", "wait=1"], tmp_path, ENV)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not Path(f"/proc/{begun.read_text()}").exists()
    assert run_snakemake(["-n"], tmp_path, ENV).returncode == 0


def test_what_leads_the_command_holds_for_the_call(tmp_path):
    (tmp_path / "Snakefile").write_text("open('made.txt', 'w')\nrule all:\n    shell: 'true'\n")
    tmp_path.chmod(0o555)
    try:
        done = run_snakemake(["-n"], tmp_path, environment(), prefix=bound_by_permissions())
    finally:
        tmp_path.chmod(0o755)
    assert done.returncode == 1 and "Permission denied" in done.stdout + done.stderr
