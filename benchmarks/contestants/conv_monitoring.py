"""What this project's summaries cost: their share of the training time at the default interval.

They are dear and rare, so their price is measured where they are common: training with summaries
after every step, and training without, take turns in one process. The difference of neighbours in
time is the price; the share at the default interval follows.
"""

import statistics

from conv_common import CASE, examples, report

# After conv_common, which sets the number of threads.
from conv_project import seconds_per_step, split, train  # isort: skip

TURNS, MONITORED = 9, 10  # pairs; steps of a training with summaries, one without makes case.steps

images, labels = examples()
data = split(images, labels, heldout=CASE.batch_size)
train(data, CASE.threads, CASE.batch_size, steps=2, monitor_interval=1)
shares = []
for turn in range(TURNS):
    # Who goes first changes, so that a machine that slows down favours nobody.
    trainings = [(CASE.steps, 0), (MONITORED, 1)]
    times = {
        interval: seconds_per_step(data, CASE.threads, CASE.batch_size, steps, interval)
        for steps, interval in (trainings if turn % 2 else reversed(trainings))
    }
    shares.append(100 * (times[1] - times[0]) / (CASE.monitor_interval * times[0]))
low, middle, high = statistics.quantiles(shares, n=4)
report(low=low, median=middle, high=high)
