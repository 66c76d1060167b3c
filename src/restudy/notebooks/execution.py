"""Run a notebook template, and leave no trace of when, where or in which folder that was."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets import Unicode

import restudy
from restudy.errors import UserError
from restudy.log import without_escapes

LIBRARY = Path(restudy.__file__).parents[1]
# Of 107 characters of a socket's path, what the names of our own folder and of the socket leave.
LONGEST_FOLDER = 70
VOLATILE = ("papermill", "execution")  # metadata that tell of times and paths


class NotebookError(UserError):
    """A cell of a notebook failed; the message names the cell, and shows its source and error."""


def run_notebook(
    template: str | Path,
    parameters: Mapping[str, Any],
    partial_notebook: str | Path,
    folder: str | Path = ".",
) -> NotebookNode:
    """Execute a template.

    The kernel is the Python that runs this function, with this library on its path, whatever
    kernels the user has installed; it talks over sockets in a temporary folder, not over ports.

    Parameters
    ----------
    template : path
        Notebook with a cell tagged ``parameters``.
    parameters : mapping
        Values that replace those of that cell.
    partial_notebook : path
        Where the notebook is kept, as far as it was executed, if a cell fails.
    folder : path
        Working directory of the notebook: where ``results`` lies.

    Returns
    -------
    NotebookNode
        The executed notebook; the same inputs give the same one.

    Raises
    ------
    NotebookError
        If a cell fails, or the kernel dies.
    """
    template, partial_notebook = Path(template), Path(partial_notebook)
    partial_notebook.unlink(missing_ok=True)
    with TemporaryDirectory(dir=short_folder()) as private:
        try:
            notebook = papermill.execute_notebook(
                template,
                partial_notebook,
                dict(parameters),
                kernel_name="python3",
                kernel_manager_class=_kernel_manager(private),
                progress_bar=False,
                cwd=str(folder),
            )
        except PapermillExecutionError as error:
            kept = nbformat.read(partial_notebook, as_version=4)
            nbformat.write(_without_traces(kept), partial_notebook)
            raise NotebookError(_describe(error, template, partial_notebook)) from None
        except DeadKernelError:
            raise NotebookError(
                f"{template.name}: its kernel died, perhaps for want of memory; the notebook as "
                f"far as it was executed: {partial_notebook}"
            ) from None
    partial_notebook.unlink()
    return _without_traces(notebook)


def short_folder() -> str | None:
    """Return a folder for temporary files whose path leaves room for the name of a socket.

    None stands for the usual one. Systems bound the length of a socket's path: that of its folder
    may have 80 characters, and batch systems give jobs longer ones.
    """
    places = [gettempdir(), "/tmp", "/var/tmp", "/dev/shm"]
    fitting = [place for place in places if len(os.fsencode(place)) <= LONGEST_FOLDER]
    return next((place for place in fitting if os.access(place, os.W_OK | os.X_OK)), None)


def _kernel_manager(folder: str) -> type[AsyncKernelManager]:
    """Manager of a kernel in this environment that keeps all its files in one folder."""
    paths = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    spec = KernelSpec(
        # An end of its own accord interrupts the kernel, which would call that an error in the log.
        argv=[
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            "--log-level=50",
        ],
        display_name="Python 3",
        language="python",
        env={"PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": folder},
    )

    class EnvironmentKernelManager(AsyncKernelManager):
        transport = "ipc"
        connection_file = Unicode(str(Path(folder) / "kernel.json"))
        kernel_spec = spec

    return EnvironmentKernelManager


def _without_traces(notebook: NotebookNode) -> NotebookNode:
    """Take times, durations, paths and warnings out of a notebook; in place."""
    for node in (notebook, *notebook.cells):
        for key in VOLATILE:
            node.metadata.pop(key, None)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs of a cell; what it printed in one piece, however it came through the socket.

    What libraries say on stderr tells of caches and paths, and not of results: it is left out.
    """
    joined = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _describe(error: PapermillExecutionError, template: Path, partial_notebook: Path) -> str:
    """Say which cell failed, show it and its error, and where the rest can be looked at."""
    ids = [cell.id for cell in nbformat.read(template, as_version=4).cells]
    failed = next(
        cell
        for cell in nbformat.read(partial_notebook, as_version=4).cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    )
    which = (
        f"cell {ids.index(failed.id) + 1} of {len(ids)} ({failed.id})"
        if failed.id in ids
        else "the cell with the parameters of the run"
    )
    trace = without_escapes("\n".join(error.traceback))
    return (
        f"{template.name}: {which} failed: {error.ename}: {without_escapes(error.evalue)}\n"
        f"--- the cell\n{error.source}\n"
        f"--- its error\n{trace}\n"
        f"--- the notebook as far as it was executed: {partial_notebook}"
    )
