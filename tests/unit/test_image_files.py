"""A user's own images: what is refused before they are read, and with what words."""

import gzip
import struct
import zlib

import numpy as np
import pytest

from restudy.data.idx import format_idx
from restudy.data.image_files import PUBLISHED_NAMES, ImageCounts, inspect_image_files
from restudy.data.inspection import inspect_datasets
from restudy.errors import UserError

TRAIN, TEST = 12, 5


def content_of(name, count=None, height=12, width=10, labels=(0, 1, 2)):
    count = count or (TRAIN if name.startswith("train") else TEST)
    if "images" in name:
        return format_idx(np.full((count, height, width), 7, np.uint8))
    return format_idx(np.resize(np.array(labels, np.uint8), count))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder ``photos`` below the working directory, with images of three classes."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, published in PUBLISHED_NAMES.items():
        (folder / published).write_bytes(content_of(name))
    return folder


def faults():
    with pytest.raises(UserError) as caught:
        inspect_datasets({"own": {"kind": "idx", "path": "photos"}})
    return str(caught.value).splitlines()


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("ours", [False, True])
def test_files_are_found_under_either_name_plain_or_compressed(folder, ours, ending):
    for name, published in PUBLISHED_NAMES.items():
        (folder / published).unlink()
        content = content_of(name)
        path = folder / ((name if ours else published) + ending)
        path.write_bytes(gzip.compress(content) if ending else content)
    expected = ImageCounts(train=TRAIN, test=TEST, height=12, width=10, classes=3)
    assert inspect_image_files(folder) == expected
    assert inspect_datasets({"own": {"kind": "idx", "path": "photos"}}) == {"own": expected}


@pytest.mark.parametrize(
    ("places", "folders"),
    [
        ("{part}-{what}.idx{n}-ubyte", ""),
        ("MNIST/raw/{old}-{what}-idx{n}-ubyte.gz", ""),
        ("{old}-{what}-idx{n}-ubyte/{old}-{what}-idx{n}-ubyte", ""),
        ("gzip/emnist-letters-{part}-{what}-idx{n}-ubyte.gz", ""),
        ("{part}-{what}-idx{n}-ubyte", "{old}-{what}.idx{n}-ubyte/{old}-{what}.idx{n}-ubyte"),
        ("a/{part}-{what}.idx", "a/{part}-{what}.idx.gz"),
    ],
)
def test_files_are_found_under_the_names_of_downloads(folder, places, folders):
    for name, published in PUBLISHED_NAMES.items():
        (folder / published).unlink()
        part, what = name.removesuffix(".idx").split("-")
        words = {"part": part, "what": what, "n": 3 if what == "images" else 1}
        words["old"] = "train" if part == "train" else "t10k"
        for place in filter(None, (places, folders)):
            path = folder / place.format(**words)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content_of(name)
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    assert inspect_image_files(folder).train == TRAIN


def test_several_files_that_may_be_meant_are_named(folder):
    for place in ("MNIST/raw", "KMNIST/raw"):
        (folder / place).mkdir(parents=True)
        for name, published in PUBLISHED_NAMES.items():
            (folder / place / published).write_bytes(content_of(name))
            (folder / published).unlink(missing_ok=True)
    first, *_ = lines = faults()
    assert len(lines) == len(PUBLISHED_NAMES)
    assert first == (
        "datasets.own.path: photos: has several files for train-images-idx3-ubyte: "
        "KMNIST/raw/train-images-idx3-ubyte, MNIST/raw/train-images-idx3-ubyte; allowed: one; "
        "name the folder that has the four"
    )


def test_what_is_there_is_named_when_a_file_is_missing(folder):
    (folder / "t10k-labels-idx1-ubyte").rename(folder / "labels.csv")
    for number in range(10):
        (folder / f"more{number}").mkdir()
        (folder / f"more{number}" / "image.png").touch()
    (line,) = faults()
    assert "has no t10k-labels-idx1-ubyte; allowed: " in line
    assert "; found: labels.csv, more0/image.png, " in line and line.endswith(" and 3 more")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_no_more_is_unpacked_than_there_should_be(folder, name):
    """A bomb: a small file that unpacks to a large one, with the size of a part at its end."""
    content = content_of(name)
    bomb = gzip.compress(content + bytes(2**26), 1) + gzip.compress(content)
    (folder / name).write_bytes(bomb[:-4] + struct.pack("<I", len(content)))
    if "labels" in name:
        (line,) = faults()
        assert "has more than 20 bytes, unpacked" in line
    (folder / name).write_bytes(gzip.compress(content + bytes(2**26), 1))
    (line,) = faults()
    assert "is too long: it has" in line


def test_compressed_file_in_several_pieces_is_read_to_its_end(folder):
    content = content_of("train-images.idx")
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))
    assert inspect_image_files(folder).train == TRAIN


@pytest.mark.parametrize(("labels", "classes"), [((0, 1), 2), ((0, 5), 6), ((3, 255), 256)])
def test_classes_are_counted_from_0_to_the_largest_training_label(folder, labels, classes):
    for part, published in (("train", "train"), ("test", "t10k")):
        content = content_of(f"{part}-labels.idx", labels=labels)
        (folder / f"{published}-labels-idx1-ubyte").write_bytes(content)
    assert inspect_image_files(folder).classes == classes


@pytest.mark.parametrize(("height", "width"), [(8, 8), (64, 64), (8, 64)])
def test_smallest_and_largest_images_are_allowed(folder, height, width):
    for part, published in (("train", "train"), ("test", "t10k")):
        content = content_of(f"{part}-images.idx", height=height, width=width)
        (folder / f"{published}-images-idx3-ubyte").write_bytes(content)
    counts = inspect_image_files(folder)
    assert (counts.height, counts.width) == (height, width)


IMAGES = content_of("train-images.idx")
LABELS = content_of("train-labels.idx")
FAULTS = {  # file, its content, the line
    "picture": (
        "train-images-idx3-ubyte",
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        "photos/train-images-idx3-ubyte: begins with 89 50 4e 47; allowed: 00 00 08 03, an IDX "
        "file of unsigned bytes, images x rows x columns",
    ),
    "labels for images": (
        "train-images-idx3-ubyte",
        LABELS,
        "photos/train-images-idx3-ubyte: begins with 00 00 08 01; allowed: 00 00 08 03, an IDX",
    ),
    "colours": (
        "t10k-images-idx3-ubyte",
        format_idx(np.zeros((5, 12, 10, 3), np.uint8)),
        "photos/t10k-images-idx3-ubyte: begins with 00 00 08 04; allowed: 00 00 08 03, an IDX",
    ),
    "empty file": (
        "t10k-labels-idx1-ubyte",
        b"",
        "photos/t10k-labels-idx1-ubyte: begins with nothing; allowed: 00 00 08 01, an IDX file of "
        "unsigned bytes, one label per image",
    ),
    "header alone in part": (
        "train-images-idx3-ubyte",
        IMAGES[:9],
        "photos/train-images-idx3-ubyte: is truncated after 9 bytes; allowed: at least 16",
    ),
    "truncated": (
        "train-images-idx3-ubyte",
        IMAGES[:-1],
        "photos/train-images-idx3-ubyte: is truncated: it has 1455 bytes; allowed: 1456, as its "
        "header says",
    ),
    "too long": (
        "train-labels-idx1-ubyte",
        LABELS + b"\0",
        "photos/train-labels-idx1-ubyte: is too long: it has 21 bytes; allowed: 20, as its",
    ),
    "truncated, then compressed": (
        "train-images-idx3-ubyte",
        gzip.compress(IMAGES[:-1]),
        "photos/train-images-idx3-ubyte: is truncated: it has 1455 bytes; allowed: 1456, as its "
        "header says",
    ),
    "compressed, then truncated": (
        "train-images-idx3-ubyte",
        gzip.compress(IMAGES)[:-9],
        "photos/train-images-idx3-ubyte: damaged gzip data (Compressed file ended before the "
        "end-of-stream marker was reached); allowed: a complete gzip file, or an uncompressed one",
    ),
    "damaged labels": (
        "train-labels-idx1-ubyte",
        gzip.compress(LABELS)[:-8] + b"\0\0\0\0" + struct.pack("<I", len(LABELS)),
        "photos/train-labels-idx1-ubyte: damaged gzip data (CRC check failed",
    ),
    "one image without a label": (
        "train-labels-idx1-ubyte",
        content_of("train-labels.idx", count=TRAIN - 1),
        "photos/train-labels-idx1-ubyte: has 11 labels; allowed: 12, as many as there are images "
        "in train-images-idx3-ubyte",
    ),
    "no images": (
        "t10k-images-idx3-ubyte",
        struct.pack(">I3I", 0x803, 0, 12, 10),
        "photos/t10k-labels-idx1-ubyte: has 5 labels; allowed: 0, as many",
    ),
    "test images of another size": (
        "t10k-images-idx3-ubyte",
        content_of("test-images.idx", width=12),
        "photos/t10k-images-idx3-ubyte: has images of 12x12 pixels (height x width); allowed: "
        "12x10, as in train-images-idx3-ubyte",
    ),
    "test labels beyond the classes": (
        "t10k-labels-idx1-ubyte",
        content_of("test-labels.idx", labels=(0, 3, 7, 1)),
        "photos/t10k-labels-idx1-ubyte: has the label 3 (1 more like it); allowed: 0 to 2, the "
        "classes of train-labels-idx1-ubyte",
    ),
    "one class": (
        "train-labels-idx1-ubyte",
        content_of("train-labels.idx", labels=(4,)),
        "photos/train-labels-idx1-ubyte: has only the class 4; allowed: two or more, counted "
        "from 0",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_a_file_is_one_line(folder, fault):
    name, content, expected = FAULTS[fault]
    (folder / name).write_bytes(content)
    (line,) = faults()
    assert line.startswith(f"datasets.own.path: {expected}")


@pytest.mark.parametrize(("height", "width"), [(7, 28), (28, 65)])
def test_images_too_small_or_too_large_are_refused(folder, height, width):
    for part, published in (("train", "train"), ("test", "t10k")):
        content = content_of(f"{part}-images.idx", height=height, width=width)
        (folder / f"{published}-images-idx3-ubyte").write_bytes(content)
    (line,) = faults()
    assert line == (
        f"datasets.own.path: photos/train-images-idx3-ubyte: has images of {height}x{width} pixels "
        "(height x width); allowed: 8x8 to 64x64"
    )


def test_single_training_image_is_refused(folder):
    for kind in ("images-idx3", "labels-idx1"):
        content = content_of(f"train-{kind[:6]}.idx", count=1)
        (folder / f"train-{kind}-ubyte").write_bytes(content)
    (line,) = faults()
    assert line == (
        "datasets.own.path: photos/train-images-idx3-ubyte: has 1 images; allowed: at least 2"
    )


def test_no_test_image_is_refused(folder):
    (folder / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">I3I", 0x803, 0, 12, 10))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 0))
    assert faults() == [
        "datasets.own.path: photos/t10k-images-idx3-ubyte: has 0 images; allowed: at least 1"
    ]


def test_of_several_files_the_published_name_is_taken_and_plain_before_compressed(folder):
    ours = folder / "train-labels.idx"
    ours.write_bytes(content_of("train-labels.idx", labels=(0, 8)))
    published = folder / "train-labels-idx1-ubyte"
    labels = content_of("train-labels.idx", labels=(0, 1, 5))
    published.with_name(f"{published.name}.gz").write_bytes(gzip.compress(labels))
    assert inspect_image_files(folder).classes == 3  # those of the published name, plain
    published.unlink()
    assert inspect_image_files(folder).classes == 6


def test_missing_folder_and_missing_files_are_named(folder):
    (folder / "t10k-images-idx3-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte").unlink()
    assert faults() == [
        f"datasets.own.path: photos: has no {name}; allowed: {name}, {name}.gz, {ours}, {ours}.gz"
        for name, ours in (
            ("t10k-images-idx3-ubyte", "test-images.idx"),
            ("t10k-labels-idx1-ubyte", "test-labels.idx"),
        )
    ]
    folder.rename(folder.with_name("pictures"))
    (line,) = faults()
    assert line == (
        f"datasets.own.path: got 'photos', no such folder below {folder.parent}; allowed: a folder "
        "with four IDX files"
    )
    folder.write_bytes(b"")
    (line,) = faults()
    assert line.startswith("datasets.own.path: got 'photos', not a folder")


def test_faults_of_all_files_and_all_data_sets_are_listed_at_once(folder):
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(UserError) as caught:
        inspect_datasets(
            {
                "own": {"kind": "idx", "path": "photos"},
                "table": {"kind": "csv", "path": "none.csv", "label": "sort"},
                "mnist": {"kind": "mnist"},
            }
        )
    places = [line.partition(": ")[0] for line in str(caught.value).splitlines()]
    assert places == ["datasets.own.path", "datasets.own.path", "datasets.table.path"]


def test_images_are_not_decompressed_for_the_inspection(folder):
    """Damage that only decompression would show is left to the job that reads the images."""
    random = np.random.default_rng(0)
    images = format_idx(random.integers(0, 256, (TRAIN, 12, 10), np.uint8))
    content = bytearray(gzip.compress(images))
    content[len(content) // 2] ^= 0xFF
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises((OSError, zlib.error)):
        gzip.decompress(content)
    assert inspect_image_files(folder).train == TRAIN
