"""A user's own images, which tests make, and a configuration that trains the CNN on them."""

import gzip

import numpy as np
import yaml

from restudy.data.idx import format_idx

HEIGHT, WIDTH, CLASSES = 12, 10, 3
CONFIG = {
    "datasets": {"ours": {"kind": "idx", "path": "photos", "validation_examples": 20}},
    "conv": {
        "baseline": {
            "dataset": "ours",
            "protocol": "short",
            "activation": "relu",
            "initializer": "truncated_normal",
            "optimizer": "adam",
        },
        "protocols": {"short": {"steps": 2, "batch_size": 10}},
        "optimizers": {"adam": {"kind": "adam", "learning_rate": 0.001}},
        "studies": {"one": {"question": "Does it run?", "vary": {"activation": ["relu"]}}},
    },
}
RUNS = (
    "results/conv/dataset~ours/protocol~short/activation~relu/initializer~truncated_normal/"
    "optimizer~adam/seed~0/runs.csv"
)
NAMES = {"train": "train", "test": "t10k"}


def write_images(folder, seed) -> dict[str, bytes]:
    """Bright bars, one place for each class, in the user's four files; our names to content."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    contents = {}
    for part, count in {"train": 60, "test": 15}.items():
        labels = random.integers(0, CLASSES, count).astype(np.uint8)
        images = random.integers(0, 60, (count, HEIGHT, WIDTH)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, WIDTH // CLASSES * label :][:, : WIDTH // CLASSES] += 150
        contents[f"{part}-images.idx"] = format_idx(images)
        contents[f"{part}-labels.idx"] = format_idx(labels)
        for kind in ("images-idx3", "labels-idx1"):
            content = contents[f"{part}-{kind[:6]}.idx"]
            path = folder / f"{NAMES[part]}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(content))
    return contents


def write_config(project, config):
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
