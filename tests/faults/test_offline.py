"""Where the data are there, a run needs no network: it ends in a namespace that has none."""

import subprocess
import sys

import pytest
from conftest import environment
from faults_form import LONG
from whole_runs import call, differing, write_study

NO_NETWORK = ("unshare", "--net", "--map-root-user")
PROBE = "import socket; socket.create_connection(('192.0.2.1', 9), 3)"


def test_a_run_with_its_data_there_needs_no_network(whole_study, tmp_path, tally):
    prefix = next((words for words in (NO_NETWORK[:2], NO_NETWORK) if can(words)), None)
    if prefix is None:
        pytest.skip("no network namespace can be made here: it takes root's rights, or user's own")
    work = write_study(tmp_path / "work")
    targets = ["results/tables/dense_summary.csv", "results/tables/svm_runs.csv"]
    code, told = call(work, *([] if LONG else ["--", *targets]), prefix=prefix)
    assert code == 0, told
    assert not LONG or differing(work, whole_study) == []
    for target in targets:
        assert (work / target).read_bytes() == (whole_study / target).read_bytes()
    tally("runs without a network", 1, 1)


def can(prefix) -> bool:
    """Whether a process can be started without a network, and then has none."""
    try:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", PROBE],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
    except OSError:
        return False
    return "Network is unreachable" in done.stderr
