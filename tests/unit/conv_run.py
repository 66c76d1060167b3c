"""A small training of the CNN, each time in a process of its own, for tests that kill it.

The program reads a line [FOLDER, SECONDS] in JSON for each training and answers with its exit code.
Each is a fork of this process, which imports TensorFlow once and computes nothing with it.

A training kills itself, as `kill -9` would, so many seconds after it began; with SECONDS "never"
it does not, and with "saving" in the middle of writing its second checkpoint. What it ends with
stands in FOLDER/result.json, and its tables of scalars and histograms beside it; FOLDER/log has
a line for what it says.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
from conv_noise import DATA, make_settings

from restudy.families import checkpoints
from restudy.families.conv.runs import tabulate
from restudy.families.conv.training import train_conv

SETTINGS = make_settings(
    activation="tanh",
    initializer="xavier_uniform",
    steps=40,
    batch_size=20,
    monitor_interval=4,
    evaluate_interval=9,
    checkpoint_interval=7,
)


def die() -> None:
    """Kill this process without a chance to clean up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_while_saving(folder: Path) -> None:
    """Leave half of a checkpoint behind, and one whole one."""
    original = checkpoints.os.fsync

    def half(descriptor):
        if checkpoints.list_checkpoints(folder):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        original(descriptor)

    checkpoints.os.fsync = half


def main(folder: Path, when: str) -> None:
    """Train, and be killed or not."""
    # As Snakemake does before it runs a job anew.
    shutil.rmtree(folder / "events", ignore_errors=True)
    saved, begun = folder / "checkpoints", threading.Event()

    def wait_and_die():
        begun.wait()
        time.sleep(float(when))
        die()

    if when == "saving":
        die_while_saving(saved)
    elif when != "never":
        threading.Thread(target=wait_and_die, daemon=True).start()
    with (folder / "log").open("a", encoding="utf-8") as log:

        def progress(step, loss):
            print(f"step {step} at {time.monotonic()}", file=log, flush=True)
            begun.set()

        result = train_conv(
            SETTINGS,
            DATA,
            3,
            folder / "events",
            saved,
            "the same",
            1,
            lambda line: print(line, file=log, flush=True),
            progress,
        )
    found = {
        "weights": result.weights_sha256,
        "history": result.history,
        "layers": result.layers,
        "predicted": result.predictions["predicted"].tolist(),
    }
    tables = tabulate(result, SETTINGS["protocol"]["steps"], DATA.test_labels)
    for name in ("scalars.parquet", "histograms.parquet"):
        tables[name].to_parquet(folder / name)
    (folder / "result.json").write_text(json.dumps(found))


def main_in_a_fork(folder: str, when: str) -> int:
    """Train in a process of its own; its exit code, negative for the signal that ended it."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    try:
        main(Path(folder), when)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        print(main_in_a_fork(*json.loads(line)), flush=True)
