"""The best rate of a large float32 matrix product on the case's threads, by TensorFlow or NumPy."""

import json
import os
import sys
import time

from process import take_cores

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
threads = json.loads(sys.argv[1])["threads"]
take_cores(threads)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(threads)
SIZE = 1024


def best_seconds(work, repeats: int = 20) -> float:
    """Shortest of several timings."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


a, b, out = (np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32) for _ in "abo")
left, right = tf.constant(a), tf.constant(b)
rates = {
    "numpy": 2 * SIZE**3 / best_seconds(lambda: np.matmul(a, b, out=out)) / 1e9,
    # An eager operation returns when it has been computed.
    "tensorflow": 2 * SIZE**3 / best_seconds(lambda: tf.linalg.matmul(left, right)) / 1e9,
}
print(json.dumps({"threads": threads, **rates, "gigaflops": max(rates.values())}))
