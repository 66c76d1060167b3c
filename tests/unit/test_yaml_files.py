"""A configuration that can't be read, or that Snakemake would run, is refused in one line."""

import os

import pytest
from conftest import ROOT

from restudy.study.yaml_files import MOST_VALUES, YamlError, check_configfile, parse_yaml, read_yaml

LAUGHS = "\n".join(
    [
        "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)),
    ]
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("dense: ä".encode("utf-16"), "not UTF-8 text"),
        ("dense: ä".encode("latin-1"), "not UTF-8 text"),
        (b"dense: {depth: !!int abc}", "invalid literal for int"),
        (b"dense: {depth: !!float abc}", "could not convert"),
        (b"dense: 2026-13-45", "month must be in 1..12"),
        (b"dense: " + b"9" * 5000, "5000 digits"),
        (b"a: 1\nb: " + b"9" * 5000, "line 2: a value can't be read: it has 5000 digits"),
        (b"- dense", "got a list at its top level; allowed: keys with values"),
        (b"", "got nothing at its top level"),
        (b"dense", "got 'dense' at its top level"),
        (b"? " + b"k" * 900_000 + b"\n: 1\n? " + b"k" * 90 + b"\n: [", "not YAML"),
        (b" " * 1_000_001, "it has more than 1 MB"),
        (b"dense: &a {b: *a}", "nested without end"),
        (b"dense: &a [1, [*a]]", "nested without end"),
        (b"dense: " + b"[" * 60 + b"]" * 60, "nested without end"),
        (b"dense: " + b"[" * 20_000, "nested without end"),
        (b'{"dense": ' + b"[" * 20_000, "nested without end"),
        (LAUGHS.encode(), f"allowed: up to {MOST_VALUES:,}"),
        (b"dense: [1, 2\nconv: }", "not YAML: line 2"),
        (b"dense: 1\ndense: 2", "duplicate key 'dense', first in line 1"),
        (b"dense: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        (b"__use_yte__: true\ndense: 1", "__use_yte__: Snakemake takes such a file for a template"),
        (b"__use_yte__: ?[1]", "__use_yte__: Snakemake takes"),
    ],
)
def test_a_file_is_refused_by_name_in_one_line(tmp_path, content, told):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(YamlError) as fault:
        check_configfile(path)
    text = str(fault.value)
    assert text.startswith(f"{path}: ") and told in text and "\n" not in text


@pytest.mark.parametrize("path", ["nowhere.yaml", "."])
def test_so_is_one_that_is_not_there(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(YamlError, match=f"^{path}: "):
        check_configfile(path)


def test_configurations_of_the_project_can_be_read():
    for path in sorted((ROOT / "config").glob("*.yaml")):
        check_configfile(path)


def test_an_alias_may_be_used_again_and_again(tmp_path):
    path = tmp_path / "fine.yaml"
    path.write_text("a: &a {b: [1, 2]}\nc: [*a, *a, *a]\nd: {<<: *a}\n")
    check_configfile(path)


def test_a_text_of_the_command_line_is_named_by_its_place():
    assert parse_yaml("{a: 1.5}", "--config a") == {"a": 1.5}
    with pytest.raises(YamlError, match=r"^--config a b: not YAML: line 1: "):
        parse_yaml("[", "--config a b")


@pytest.mark.parametrize("kind", ["pipe", "device", "loop"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    told = {"pipe": "this is a pipe", "device": "this is a device", "loop": "Too many levels"}
    with pytest.raises(YamlError, match=told[kind]):
        check_configfile(tmp_path / kind)


@pytest.mark.parametrize("content", [b"a: &a {b: *a}", LAUGHS.encode()])
def test_a_file_of_claims_is_bounded_too(tmp_path, content):
    path = tmp_path / "claims.yaml"
    path.write_bytes(content)
    with pytest.raises(YamlError, match=r"nested without end|allowed: up to"):
        read_yaml(path)
