"""Time from the start of this project's job until its first update is done, part by part.

The case says when the process was started (``started``, seconds of the wall clock) and where the
MNIST files are (``folder``). What Snakemake does before is not counted.
"""

import json
import sys
import time

from process import take_cores

take_cores(1)

import conv_project  # noqa: E402

# These too are what a job imports.
from restudy.data import tables  # noqa: E402, F401
from restudy.data.images import load_images  # noqa: E402

case = json.loads(sys.argv[1])
imported = time.time()
data = load_images(case["folder"])
loaded = time.time()
result = conv_project.train(data, threads=1, batch_size=50, steps=1, monitor_interval=0)
# The measures after the last step are made in any case, and are no part of the start.
trained = time.time() - result.seconds["evaluation"]
print(
    json.dumps(
        {
            "import": imported - case["started"],
            "data": loaded - imported,
            "first_update": trained - loaded,
        }
    )
)
