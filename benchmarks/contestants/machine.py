"""What this machine can do on one core: its best matrix product, and its hyperbolic tangent."""

import json
import sys
import time

import common  # noqa: F401  (one core, one thread)
import numpy as np

SIZE, TANH_SIZE = 1024, 10_000


def best_seconds(work, repeats: int = 20) -> float:
    """Shortest of several timings."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


precision = json.loads(sys.argv[1])["precision"]
a, b, out = (np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(precision) for _ in "abo")
z = np.random.default_rng(0).normal(size=TANH_SIZE).astype(precision)
value = np.empty_like(z)
product = best_seconds(lambda: np.matmul(a, b, out=out))
tanh = best_seconds(lambda: [np.tanh(z, out=value) for _ in range(100)]) / 100
print(
    json.dumps(
        {
            "precision": precision,
            "gigaflops": 2 * SIZE**3 / product / 1e9,
            "tanh_nanoseconds": tanh / TANH_SIZE * 1e9,
        }
    )
)
