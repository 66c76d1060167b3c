"""Time to evaluate 10,000 images with this project's network, on one thread."""

from conv_common import examples, initial_parameters, report

# After conv_common, which sets the number of threads.
from conv_project import evaluation_seconds  # isort: skip

IMAGES = 10_000
images, labels = examples(IMAGES)
report(seconds=evaluation_seconds(images, labels, initial_parameters()))
