"""What a page carries comes out as it went in, read by the page's own program in Node."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, need_file

from restudy.views.payload import DTYPES, pack

READ = """
import {{ inflate, unpack }} from "{module}";
import {{ readFileSync }} from "node:fs";
const tree = unpack(await inflate(readFileSync(0, "utf8")));
const plain = (key, node) => ArrayBuffer.isView(node)
  ? Array.from(node, (value) => Number.isFinite(value) ? value : String(value)) : node;
console.log(JSON.stringify(tree, plain));
"""


def read_in_node(text: str):
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    program = READ.format(module=(ROOT / "web/src/shared/payload.js").as_uri())
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("dtype", DTYPES)
def test_columns_keep_every_value_and_their_shape(dtype):
    type_ = np.dtype(dtype)
    generator = np.random.default_rng(0)
    raw = generator.integers(0, 256, 6 * 5 * type_.itemsize, dtype=np.uint8)
    values = raw.view(type_)
    if type_.kind == "f":
        values = np.concatenate(
            [values[np.isfinite(values)][:27], np.array([0.0, 6e-8, -0.5], type_)]
        )
    found = read_in_node(pack({"values": values.reshape(6, 5)}))["values"]
    assert found["shape"] == [6, 5]
    assert np.array_equal(np.array(found["data"], np.float64), values.astype(np.float64))


def test_non_finite_values_survive():
    values = np.array([np.nan, np.inf, -np.inf, 1.5])
    for dtype in ("float16", "float32", "float64"):
        found = read_in_node(pack([values.astype(dtype)]))[0]["data"]
        assert found == ["NaN", "Infinity", "-Infinity", 1.5]


def test_trees_of_text_numbers_and_columns_stand_side_by_side():
    tree = {"name": "α </script> 𝄞", "none": None, "list": [1, 2.5, True, {"deep": []}]}
    columns = {"a": np.arange(3, dtype=np.uint8), "b": [np.array([], np.float32)]}
    found = read_in_node(pack(tree | columns))
    assert {key: found[key] for key in tree} == tree
    assert found["a"]["data"] == [0, 1, 2]
    assert found["b"][0] == {"data": [], "shape": [0]}


def test_big_endian_and_strided_columns_are_read_as_values():
    values = np.arange(12, dtype=">f8").reshape(3, 4)[:, ::2]
    assert read_in_node(pack([values]))[0]["data"] == [0, 2, 4, 6, 8, 10]


def test_a_dtype_that_browsers_lack_is_refused():
    with pytest.raises(ValueError, match="int64"):
        pack({"values": np.arange(3)})
    with pytest.raises(ValueError):
        pack({"values": float("nan")})
