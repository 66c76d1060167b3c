"""A stand-in for a cluster: takes jobs as Kubernetes' API does, and runs each as a process.

Each job has a working directory of its own that starts empty, and only the environment that it is
given, as a pod has. What a cluster does beyond that (images, memory, nodes) it does not do.
"""

import base64
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JOBS = "/apis/batch/v1/namespaces/default/jobs"
SECRETS = "/api/v1/namespaces/default/secrets"


class Cluster:
    """Jobs that were submitted, and the processes that run them.

    Parameters
    ----------
    folder : Path
        Where the pods' working directories and outputs go.
    environment : mapping
        What the image sets in every pod.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]):
        self.folder, self.environment = folder, environment
        self.secrets: dict[str, dict] = {}
        self.jobs: dict[str, dict] = {}
        self.pods: dict[str, subprocess.Popen] = {}
        (folder / "volumes" / "checkpoints").mkdir(parents=True)
        handler = type("BoundHandler", (Handler,), {"cluster": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def write_config(self, path: Path) -> None:
        """Write what a client has to know, the file that KUBECONFIG names."""
        address = f"http://127.0.0.1:{self.server.server_port}"
        config = {
            "clusters": [{"name": "stand-in", "cluster": {"server": address}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "stand-in", "user": "nobody"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(config))

    def submit(self, job: dict) -> None:
        """Start a job's container in an empty folder."""
        name = job["metadata"]["name"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        folder = self.folder / name
        folder.mkdir()
        for mount in container["volumeMounts"]:
            place = folder / Path(mount["mountPath"]).relative_to(container["workingDir"])
            if place != folder:  # that is the pod's own, which ends with it
                place.parent.mkdir(parents=True)
                place.symlink_to(self.folder / "volumes" / mount["name"])
        environment = {**self.environment, "HOME": str(folder)}
        for variable in container.get("env", []):
            key = variable["valueFrom"]["secretKeyRef"]
            value = base64.b64decode(self.secrets[key["name"]][key["key"]])
            environment[variable["name"]] = value.decode()
        with folder.with_suffix(".log").open("wb") as log:
            self.pods[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.jobs[name] = job

    def status(self, name: str) -> dict:
        """A job's status: empty while it runs."""
        code = self.pods[name].poll()
        return {} if code is None else {"failed": 1} if code else {"succeeded": 1}

    def output(self) -> str:
        """What all pods have printed."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """End the pods and the server."""
        for pod in self.pods.values():
            if pod.poll() is None:
                os.killpg(pod.pid, signal.SIGKILL)
            pod.wait()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """The few calls that Snakemake's plugin makes."""

    cluster: Cluster

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == SECRETS:
            self.cluster.secrets[body["metadata"]["name"]] = body.get("data", {})
        else:
            assert self.path == JOBS, self.path
            self.cluster.submit(body)
        self.reply(body)

    def do_GET(self):
        if found := re.fullmatch(f"{JOBS}/([^/]+)/status", self.path):
            name = found[1]
            self.reply({**self.cluster.jobs[name], "status": self.cluster.status(name)})
        else:
            self.reply({"items": []})

    def do_DELETE(self):
        self.reply({"kind": "Status", "status": "Success"})

    def reply(self, answer: dict) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass
