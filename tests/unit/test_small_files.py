"""Small files are whole or not there, and one that is cut or garbage counts as none."""

import json

import pytest

from restudy.small_files import read_json, write_json, write_text


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": "ä"})
    assert read_json(path) == {"a": "ä"}
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half\ud800")
    assert read_json(path) == {"a": "ä"} and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [b"", b'{"a": 1', b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b"NaN"]
)
def test_a_file_that_is_cut_or_garbage_counts_as_none(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert read_json(path) == {}


def test_an_object_within_it_may_be_something_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": {"b": {"c": 1}}, "list": [1], "none": None})
    assert read_json(path, "a", "b") == {"c": 1}
    for keys in (("a", "b", "c"), ("list", "a"), ("none", "a"), ("none",), ("missing", "b")):
        assert read_json(path, *keys) == {}, keys


def test_so_does_one_that_is_missing_or_a_folder(tmp_path):
    assert read_json(tmp_path / "a.json") == read_json(tmp_path) == {}


def test_what_is_cut_anywhere_is_either_nothing_or_all(tmp_path):
    path, value = tmp_path / "a.json", {"findings": {"dense": ["0.1", {"é": None}]}}
    text = json.dumps(value).encode()
    for length in range(len(text)):
        path.write_bytes(text[:length])
        assert read_json(path) == {}
