"""A real Slurm on this host, from Debian's packages, for as long as the tests run."""

import getpass
import os
import socket
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import environment, need_debian_file

NODES = ("n1", "n2", "n3")
# Debian package by the program that is needed of it.
PACKAGES = {
    "/usr/sbin/munged": "munge",
    "/usr/sbin/slurmctld": "slurmctld",
    "/usr/sbin/slurmd": "slurmd",
    "/usr/bin/sbatch": "slurm-client",
}
# One CPU and 8 GB per node, whatever the host has. Without control groups, memory is limited by
# looking every second. A lost node is noticed, and its job starts again, as soon as can be. A job
# that doesn't ask for it is not put back into the queue; one of the partition `urgent` has others
# put back for it.
SLURM_CONF = """
ClusterName=tests
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[slurmctld]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=3600
SlurmdTimeout=5
KillWait=2
ReturnToService=2
JobRequeue=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MailProg=/bin/true
NodeName=DEFAULT CPUs=1 RealMemory=8000
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
NODE = "NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port}"
# The plugin takes SLURM_CONF from the environment of `srun`, which would then look in /etc. A
# configuration there would be one for every other Snakemake on this host.
SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec /usr/bin/srun "$@"
"""


class Cluster:
    """munged, slurmctld and a slurmd per node, with all their files in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.lost: set[str] = set()
        (folder / "bin").mkdir(parents=True)
        (folder / "state").mkdir()
        srun = folder / "bin/srun"
        srun.write_text(SRUN.format(folder=folder))
        srun.chmod(srun.stat().st_mode | stat.S_IXUSR)
        ports = free_ports(["slurmctld", *NODES])
        nodes = "\n".join(NODE.format(node=node, port=ports[node]) for node in NODES)
        (folder / "slurm.conf").write_text(
            SLURM_CONF.format(folder=folder, user=getpass.getuser(), ports=ports, nodes=nodes)
        )
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a user of this cluster."""
        variables = environment()
        variables["PATH"] = f"{self.folder / 'bin'}:{variables['PATH']}"
        return {**variables, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        """Start the daemons and wait until every node takes jobs."""
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        seed = f"--seed-file={self.folder}/munge.seed"
        self.run_daemon("munged", "--foreground", "--force", *options, seed)
        self.wait_until(lambda: (self.folder / "munge.socket").exists(), "munged's socket")
        self.run_daemon("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        idle = ["sinfo", "--noheader", "--Node", "--states=idle", "--format=%N"]
        self.wait_until(lambda: {*self.call(*idle).split()} == {*NODES}, "idle nodes")

    def wait_until(self, condition, what: str, process: subprocess.Popen | None = None) -> None:
        """Wait until a condition holds, as long as the daemons (and a process) run."""
        deadline = time.monotonic() + 1800
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            assert process is None or process.poll() is None, f"ended before there was {what}"
            for name, daemon in self.daemons.items():
                log = (self.folder / f"{name}.log").read_text()
                assert name in self.lost or daemon.poll() is None, f"{name} has ended:\n{log}"
            time.sleep(0.02)

    def start_node(self, node: str) -> None:
        """Start a node's slurmd."""
        (self.folder / f"spool.{node}").mkdir(exist_ok=True)
        self.lost.discard(node)
        self.run_daemon("slurmd", "-D", "-N", node, name=node)

    def run_daemon(self, program: str, *arguments: str, name: str = "") -> None:
        """Start a daemon as this process's child; it ends with it, even if it is killed."""
        name = name or program
        with (self.folder / f"{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", f"/usr/sbin/{program}", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def call(self, *command: str) -> str:
        """What a command of Slurm prints; nothing if it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def each_process(self, action, **variables: str) -> None:
        """Do something with each process of a job whose environment has these variables."""
        variables["SLURM_CONF"] = str(self.folder / "slurm.conf")
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                found = process.environ()
                if "SLURM_JOB_ID" in found and variables.items() <= found.items():
                    action(process)

    def kill_jobs(self, **variables: str) -> None:
        """Kill all that runs for jobs, each after the process by which Slurm has it."""

        def kill(process: psutil.Process) -> None:
            for parent in process.parents():
                if parent.name().startswith("slurmstepd"):
                    parent.kill()
            process.kill()

        self.each_process(kill, **variables)

    def freeze(self, job: str) -> None:
        """Stop all processes of a job, until Slurm ends it (or wakes them, to end them)."""
        self.each_process(psutil.Process.suspend, SLURM_JOB_ID=job)

    def lose_node(self, node: str) -> None:
        """Kill all of a node at once, as a power cut does."""
        self.lost.add(node)
        self.daemons[node].kill()
        self.daemons[node].wait()
        self.kill_jobs(SLURMD_NODENAME=node)

    def stop(self) -> None:
        """End what was started, jobs first."""
        self.call("scancel", f"--user={getpass.getuser()}")
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.kill_jobs()


def free_ports(names: list[str]) -> dict[str, int]:
    """A port of the loopback for each name, none of them in use."""
    sockets = {name: socket.socket() for name in names}
    for one in sockets.values():
        one.bind(("127.0.0.1", 0))
    ports = {name: one.getsockname()[1] for name, one in sockets.items()}
    for one in sockets.values():
        one.close()
    return ports


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Cluster:
    """A running cluster of three nodes."""
    for path, package in PACKAGES.items():
        need_debian_file(path, package)
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
