"""This project's convolutional network, through the function that its training jobs call."""

import gc

from conv_common import CASE, PROBE, batches, examples, initial_parameters, report, run

WARM_UP = 3  # steps

# After conv_common, which sets the number of threads.
from conv_project import prepare_check, seconds_per_step, split, train  # noqa: E402

images, labels = examples()
if CASE.check:
    run(lambda: prepare_check(images, labels, batches(), initial_parameters(), PROBE, CASE.threads))
else:
    data = split(images, labels, heldout=CASE.batch_size)
    train(data, CASE.threads, CASE.batch_size, WARM_UP, CASE.monitor_interval)
    gc.collect()  # a job trains once: what the warm-up leaves is not part of its memory
    seconds = seconds_per_step(
        data, CASE.threads, CASE.batch_size, CASE.steps, CASE.monitor_interval
    )
    report(milliseconds=1e3 * seconds)
