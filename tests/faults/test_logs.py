"""A log that takes nothing stops no job, and then the terminal has the reason why one ended."""

import subprocess
import sys

import pytest
from conftest import ROOT

BEGINNING = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from restudy.errors import UserError
from restudy.log import start_log
log = start_log("{{}}")
print("a library prints", flush=True)
print("and warns", file=sys.stderr)
log("a line")
"""
# The first is as a file on a full disk; the second can't be opened.
PLACES = ("/dev/full", "/nowhere/at/all.log")
ENDINGS = {
    "": (0, ""),
    "raise UserError('a.csv: no')": (1, "stopped: a.csv: no\n"),
    "raise OSError(28, 'No space left on device', 'a.csv')": (
        1,
        "stopped: a.csv can't be written: the disk is full. Free some space, then call again: what "
        "is finished stays.\n",
    ),
    "raise KeyError('a')": (1, "failed: KeyError: 'a'\n"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_log_may_take_nothing(place, ending, tmp_path, tally):
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING.format(place) + ending],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    code, told = ENDINGS[ending]
    warned = (
        "" if place == PLACES[0] else f"warning: no log in {place} (No such file or directory)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", warned + told)
    tally("logs that take nothing", 1, 1)
