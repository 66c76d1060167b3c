"""What other libraries do not promise still holds, as far as `restudy.internals` relies on it.

Each test says what to do when a new version of a library breaks it. The last ones keep all such
uses in their two rooms.
"""

import ast
import base64
import importlib
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, environment, printed_by
from PIL import Image

from restudy.families.registry import FAMILIES
from restudy.provenance.imports import Sources
from restudy.views import style
from restudy.views.embedded_figures import embed_figure


def load(module, todo):
    """A module of the room; if it can't be loaded, the test says what to do."""
    try:
        return importlib.import_module(f"restudy.internals.{module}")
    except ImportError as error:
        pytest.fail(f"{error}; {todo}")


# TensorBoard: reading

MESSAGES = ("Event", "SessionLog", "GraphDef", "MetaGraphDef")


@pytest.fixture(scope="module")
def reading():
    return load(
        "tensorboard_reading",
        "tensorboard_reading: find how protobuf makes classes of descriptions now; TensorFlow has "
        "classes of its own (tf.compat.v1.Event), but takes seconds",
    )


def test_formats_are_tensorboards(reading):
    copying = load(
        "copy_tensorboard_formats",
        "copy_tensorboard_formats: find where TensorBoard has its messages now",
    )
    assert reading.descriptor_set() == copying.copied(), (
        "tensorboard_formats: PYTHONPATH=src python -m restudy.internals.copy_tensorboard_formats"
    )


def fields(message):
    """Number -> (name, type) of a message's fields."""
    return {each.number: (each.name, each.type) for each in message.DESCRIPTOR.fields}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_those_that_tensorflow_writes(reading, name):
    ours, theirs = getattr(reading, name), getattr(tf.compat.v1, name)
    assert fields(ours).items() >= fields(theirs).items(), (
        f"{name}: TensorFlow writes fields that TensorBoard does not know: install versions of the "
        "two that belong together"
    )


TYPES = {
    tf.float32: "DT_FLOAT",
    tf.float64: "DT_DOUBLE",
    tf.int64: "DT_INT64",
    tf.bool: "DT_BOOL",
    tf.string: "DT_STRING",
    tf.resource: "DT_RESOURCE",
}


def test_types_have_the_numbers_of_tensorflow(reading):
    named = {kind: reading.TYPES[kind.as_datatype_enum] for kind in TYPES}
    assert named == TYPES, "TYPES: look whether event_files.NUMBERS still has the right ones"


def tensors_of(array):
    """A tensor as TensorFlow writes it, with each number in a field, and with one for all."""
    whole = tf.make_tensor_proto(array)
    tensors = [whole]
    for values in (array.ravel(), array.ravel()[:1]):
        tensor = type(whole)(dtype=whole.dtype, tensor_shape=whole.tensor_shape)
        for value in values:
            part = tf.make_tensor_proto(value)
            part.ClearField("tensor_shape")
            tensor.MergeFrom(part)
        tensors.append(tensor)
    return tensors


@pytest.mark.parametrize(
    "kind",
    [
        *(tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.complex64, tf.complex128, tf.bool),
        *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
        tf.string,
    ],
    ids=lambda kind: kind.name,
)
def test_tensors_become_arrays(reading, kind):
    array = np.array([[1, 0, 100], [3, 0, 1]]).astype(kind.as_numpy_dtype)
    if kind.is_floating or kind.is_complex:
        array[0, 0] = -np.inf
    if kind == tf.string:
        array = np.array([[b"a", b"", b"bc"]], object)
    for tensor in (*tensors_of(array), *map(tf.make_tensor_proto, (array[:0], array[0, 0]))):
        message = reading.GraphDef().node.add().attr["value"].tensor
        message.ParseFromString(tensor.SerializeToString())
        found, expected = reading.make_ndarray(message), tf.make_ndarray(tensor)
        if kind == tf.bfloat16:
            expected = expected.astype(np.float32)
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
        assert found.flags.writeable


def test_what_is_no_array_is_refused(reading):
    message = reading.GraphDef().node.add().attr["value"].tensor
    message.dtype = tf.resource.as_datatype_enum
    with pytest.raises(TypeError, match="type 20"):
        reading.make_ndarray(message)
    message.dtype = tf.float32.as_datatype_enum
    message.tensor_shape.dim.add(size=3)
    message.float_val.extend([1.0, 2.0])
    with pytest.raises(ValueError, match="reshape"):
        reading.make_ndarray(message)


def test_event_files_are_read_without_tensorflow(reading):
    program = "import sys, restudy.internals.tensorboard_reading; print(*sys.modules)"
    assert "tensorflow" not in modules_after(program), (
        "tensorboard_reading: one of its modules loads TensorFlow now, which costs every page and "
        "table seconds: find the messages in a module that does not"
    )


def test_hparams_names_its_tags_by_its_messages(reading):
    from tensorboard.plugins.hparams import metadata

    kinds = reading.HParamsPluginData.DESCRIPTOR.oneofs_by_name["data"].fields
    tags = {f"{reading.HPARAMS_TAG}{kind.name}" for kind in kinds}
    known = {value for name, value in vars(metadata).items() if name.endswith("_TAG")}
    assert tags == known, (
        "HPARAMS_TAG: find how tags and messages of HParams are named now; files written before "
        "keep the old names, so that both have to be read"
    )


def test_times_in_hparams_are_the_known_ones(reading):
    kinds = reading.HParamsPluginData.DESCRIPTOR.oneofs_by_name["data"].fields
    numbers = {
        each.name
        for kind in kinds
        for each in kind.message_type.fields
        if each.type in (each.TYPE_FLOAT, each.TYPE_DOUBLE)
    }
    assert numbers == set(reading.TIME_FIELDS), (
        "TIME_FIELDS: HParams keeps other times now: without them in the list, no two runs have "
        "the same event files for the manifest; a number that is no time gets a test of its own"
    )


def test_status_numbers_have_their_words(reading):
    from tensorboard.plugins.hparams.api_pb2 import Status

    words = {number: reading.status_name(number) for number in Status.values()}
    assert words == {number: name[7:].lower() for name, number in Status.items()}, (
        "STATUS: add the new number with its word here, and to web/src/tensorboard"
    )
    assert reading.status_name(99) == "unknown"


# TensorBoard: writing


@pytest.fixture(scope="module")
def writing():
    return load(
        "tensorboard_writing",
        "tensorboard_writing: find where TensorBoard's plugins keep what writes their summaries "
        "now; the messages alone would do (HParamsPluginData in a SummaryMetadata)",
    )


def test_a_histogram_has_the_metadata_that_tensorflow_gives_it(writing, reading, tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.histogram("x", [1.0, 2.0], 0)
    (file,) = tmp_path.iterdir()
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    (metadata,) = (
        value.metadata
        for record in records
        for value in reading.Event.FromString(record).summary.value
    )
    ours = writing.histogram_metadata()
    assert ours.plugin_data.plugin_name == metadata.plugin_data.plugin_name, (
        "histogram_metadata: TensorFlow's own histograms belong to another plugin now: look "
        "whether it still wants rows of left edge, right edge and count"
    )
    assert ours.plugin_data.content == metadata.plugin_data.content, (
        "histogram_metadata: its version changed: look what the plugin's rows are now"
    )


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_session_is_written_as_tensorboard_reads_it(writing, tmp_path, succeeded):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    todo = "{}: find what HParams' page reads now; tests/unit/test_tensorboard_server.py asks it"
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        writing.write_session({"activation": "tanh", "rate": 0.5}, ["loss/test"], "trial")
        writing.write_session_end(succeeded)
    read = EventAccumulator(str(tmp_path)).Reload().SummaryMetadata

    def content(tag):
        return read(tag).plugin_data.content

    experiment = metadata.parse_experiment_plugin_data(content(metadata.EXPERIMENT_TAG))
    assert [each.name for each in experiment.hparam_infos] == ["activation", "rate"], todo.format(
        "write_session"
    )
    assert [each.name.tag for each in experiment.metric_infos] == ["loss/test"]
    tag = metadata.SESSION_START_INFO_TAG
    session = metadata.parse_session_start_info_plugin_data(content(tag))
    assert session.group_name == "trial", todo.format("write_session")
    assert session.hparams["activation"].string_value == "tanh"
    assert session.hparams["rate"].number_value == 0.5
    end = metadata.parse_session_end_info_plugin_data(content(metadata.SESSION_END_INFO_TAG))
    assert end.status == (1 if succeeded else 2), todo.format("write_session_end")


# TensorFlow


def test_tensorflow_is_loaded_without_what_keras_can_do_without():
    """In a process of its own: nothing optional is loaded with it, and all is there afterwards."""
    program = """
import gc, importlib, sys
from restudy.internals.lean_tensorflow import OPTIONAL, tf
print(*(name for name in OPTIONAL if name in sys.modules), tf.keras.layers.Dense(2).units)
importlib.import_module("tensorflow").constant([1.0])
print(*(importlib.import_module(name).__name__ for name in OPTIONAL), gc.isenabled())
"""
    assert printed_by(program).splitlines() == ["2", "matplotlib pandas scipy sklearn True"], (
        "lean_tensorflow: if Keras needs one of these libraries now, take it out of OPTIONAL; if "
        "another module loads one, see whether that can be put off"
    )


# Matplotlib's SVG


@pytest.fixture(scope="module")
def svg():
    return load("matplotlib_svg", "matplotlib_svg: NumPy or Pillow changed")


@style.styled
def drawn():
    """A figure with all that is shortened: lines, markers, clips, and an image of few colours."""
    figure, panels = style.new_figure(1, 2)
    panels[0, 0].plot([0, 1, 2], [0, 1 / 3, 1], marker="o")
    panels[0, 1].imshow(np.arange(6).reshape(2, 3), interpolation="none")
    return figure


@pytest.fixture(scope="module")
def written():
    """The figure as Matplotlib writes it."""
    buffer = io.StringIO()
    with style.mpl.rc_context(style.STYLE):
        drawn().savefig(buffer, format="svg", metadata={"Date": None, "Title": "a < b"})
    return buffer.getvalue()


@pytest.fixture(scope="module")
def shortened(svg, written):
    return svg.shorten_svg(written)


def elements(text):
    return [
        (each.tag.partition("}")[2], each.attrib) for each in ElementTree.fromstring(text).iter()
    ]


HREF = "{http://www.w3.org/1999/xlink}href"


def test_coordinates_have_the_attributes_that_are_cut(written, shortened):
    def longest(text):
        return max(
            len(digits)
            for _, attributes in elements(text)
            for name in ("d", "x", "y", "width", "height", "transform")
            for digits in re.findall(
                r"\.(\d+)", re.sub(r"(scale|matrix)\(.*?\)", "", attributes.get(name, ""))
            )
        )

    assert longest(written) > 2, (
        "COORDINATES: Matplotlib writes no more than two decimals itself now: take the cut out"
    )
    assert longest(shortened) == 2, (
        "COORDINATES: find how Matplotlib writes attributes now; uncut ones double a file's size"
    )


def test_names_of_clips_and_markers_look_like_digests(svg, written, shortened):
    used = {
        name
        for _, attributes in elements(written)
        for value in attributes.values()
        for name in re.findall(r"^url\(#(.+)\)$", value)
    }
    used |= {
        attributes[HREF][1:]
        for tag, attributes in elements(written)
        if tag == "use" and "x" in attributes and "y" in attributes  # a marker; not a letter
    }
    assert len(used) >= 3 and used == set(svg.NAME.findall(written)), (
        "NAME: find how Matplotlib names clips and markers now; with digests of positions in it, a "
        "figure is not the same file every time"
    )
    defined = {attributes["id"] for _, attributes in elements(shortened) if "id" in attributes}
    assert not used & defined
    for name in re.findall(r'url\(#(.+?)\)|href="#(.+?)"', shortened):
        assert "".join(name) in defined


def test_images_stand_in_the_file_as_base64(svg, written, shortened):
    (image,) = (attributes[HREF] for tag, attributes in elements(written) if tag == "image")
    assert image.startswith("data:image/png;base64,"), "EMBEDDED_IMAGE: find how it is embedded now"
    (found,) = svg.EMBEDDED_IMAGE.findall(written)
    before, after = (
        Image.open(io.BytesIO(base64.b64decode(text)))
        for text in (found, *svg.EMBEDDED_IMAGE.findall(shortened))
    )
    assert before.mode != "P", (
        "_with_palette: Matplotlib writes palettes itself now: compare sizes, and take it out"
    )
    assert after.mode == "P" and np.array_equal(before.convert("RGB"), after.convert("RGB"))


def leaves(text):
    """Every element that is no group: its tag, and its attributes with the style of its groups."""

    def found(element, style):
        own = {**style, **styles_of(element.attrib.get("style", ""))}
        if element.tag.endswith("}g"):
            for child in element:
                yield from found(child, own)
            return
        yield element.tag.partition("}")[2], {**element.attrib, "style": own}
        for child in element:
            yield from found(child, {})

    return list(found(ElementTree.fromstring(text), {}))


def styles_of(text):
    parts = (part.partition(":") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in parts}


def test_all_else_of_a_shortened_picture_is_as_it_was(written, shortened):
    for (tag, before), (other, after) in zip(leaves(written), leaves(shortened), strict=True):
        assert (tag, before.keys()) == (other, after.keys())
        rounded = {"d", "x", "y", "width", "height", "transform"}
        names = before.keys() - rounded - {"id", HREF, "clip-path"}
        assert {name: before[name] for name in names} == {name: after[name] for name in names}, (
            "shorten_svg: one of its patterns matches what it should not"
        )
        # Of a letter, whole units: a hundredth of the font's size.
        for one, two in zip(
            *(re.findall("[-0-9.]+", each.get("transform", "")) for each in (before, after)),
            strict=True,
        ):
            assert abs(float(one) - float(two)) <= (0.51 if tag == "use" else 0.005)
    assert len(shortened) < 0.8 * len(written) and "<!--" not in shortened


def test_a_look_that_is_not_inherited_stays_with_each_marker(svg):
    for opacity, grouped in (("fill-opacity: 0.5", True), ("opacity: 0.5", False)):
        marker = '<use xlink:href="#m1" x="{0}" y="1" style="fill: #ffffff; {1}"/>\n'
        text = "".join(marker.format(number, opacity) for number in range(3))
        found = svg.EQUAL_MARKERS.sub(svg._with_one_look, text)
        assert (found.count("style") == 1) is grouped and found.count("<use") == 3


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M 1 2 \nL 3.50 4.00 \nL 5 6 \nz", "M1 2 3.5 4 5 6 z"),
        (
            "M 0 0 \nQ 1 2 3 4 \nQ 5 6 7 8 \nL 9 9 \nM 2 2 \nL 1 1",
            "M0 0 Q1 2 3 4 5 6 7 8 L9 9 M2 2 1 1",
        ),
        ("M 10 20 \nM 30 40 \nM 5 5", "M10 20 M30 40 M5 5"),
        ("M -1.50 0.00 \nC 1 1 2 2 3 3", "M-1.5 0 C1 1 2 2 3 3"),
    ],
)
def test_a_path_says_a_command_once(svg, data, expected):
    assert svg._shorten_path(data) == expected


def test_the_view_box_of_a_figure_is_its_size_in_points(shortened):
    width, height = (inches * 96 for inches in drawn().get_size_inches())
    embedded = embed_figure(shortened.encode())
    assert (embedded["width"], embedded["height"]) == (round(width), round(height)), (
        "embed_figure: figures are shown in another size: find in which unit viewBox is now"
    )
    assert embedded["title"] == "a < b", "embed_figure: find where the title of an SVG stands now"


# Snakemake

SNAKEFILE = """
rule make:
    output: directory("made")
    shell: "mkdir -p made && echo 1 > made/result.txt"
"""


def test_snakemake_leaves_one_known_file_in_a_folder(tmp_path):
    from restudy.internals.snakemake_folders import TIMESTAMP

    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
    subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"result.txt", TIMESTAMP}, (
        "TIMESTAMP: Snakemake leaves other files in folders now: have fingerprints pass over them, "
        "or a folder in the manifest is never the same"
    )


# One room for the library, one for the workflow

ROOMS = ("src/restudy/internals/", "workflow/internals.py")
LIBRARIES = ("snakemake", "tensorboard", "matplotlib", "mpl_toolkits", "jsonschema")
# Of these, no other module may be used outside the rooms; of the others any without an underscore.
PROMISED = {"snakemake": ("snakemake.utils", "snakemake.exceptions"), "tensorboard": ()}


def unpromised(source):
    """Names in Python that no library promises, as `line: name`.

    An attribute with an underscore counts, whatever it is of: that can't be told from the text. But
    for `os._exit`, which Python documents.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            if is_private(node.attr) and not whole.startswith(("self.", "cls.", "os._exit")):
                yield f"{node.lineno}: {whole}"
            continue
        else:
            continue
        for name in names:
            library, *parts = name.split(".")
            promised = PROMISED.get(library, (library,))
            if library in LIBRARIES and (
                any(map(is_private, parts))
                or not any(f"{name}.".startswith(f"{each}.") for each in promised)
            ):
                yield f"{node.lineno}: {name}"


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def unpromised_in_rules(source):
    """The same of a Snakefile, whose own words Python can't parse: it is gone through by tokens."""
    line = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            words = [each.string for each in line]
            if words and words[0] in ("import", "from"):
                for found in unpromised(" ".join(words)):
                    yield f"{line[0].start[0]}:{found.partition(':')[2]}"
            for owner, dot, name in zip(line, line[1:], line[2:], strict=False):
                is_own = owner.string in ("self", "cls")
                if dot.string == "." and is_private(name.string) and not is_own:
                    yield f"{name.start[0]}: {owner.string}.{name.string}"
            line = []
        elif token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            line.append(token)


def code_of(path):
    """The Python of a file; of a notebook, that of its code cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_what_is_not_promised_is_used_in_its_rooms_alone():
    found, files = [], 0
    for folder in ("src", "scripts", "workflow"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            is_rules = path.suffix == ".smk" or path.name == "Snakefile"
            if name.startswith(ROOMS) or not (is_rules or path.suffix in (".py", ".ipynb")):
                continue
            files += 1
            check = unpromised_in_rules if is_rules else unpromised
            found += [f"{name}:{each}" for each in check(code_of(path))]
    assert files > 100
    assert not found, (
        "use what a library documents, or move it to src/restudy/internals/ (of the library) or "
        f"workflow/internals.py (of the workflow) and test its contract: {found}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "from tensorboard.compat.proto.event_pb2 import Event",
        "from tensorboard import util",
        "import tensorboard.plugins.hparams.api as hparams",
        "from matplotlib._path import affine_transform",
        "from matplotlib import _api",
        "import matplotlib._api",
        "from jsonschema import _types",
        "from snakemake import cli",
        "from snakemake.io import (\n    expand,\n    IOFile,\n)",
        "if True:\n    import snakemake.workflow",
        "found = validator._resolver.lookup(1)",
        "dag = workflow.api._workflow.dag",
        "axes._axis_map",
        "def draw(figure):\n    return figure.axes[0]._axis_map",
    ],
)
def test_what_is_not_promised_is_found(line):
    assert len({each.partition(":")[0] for each in unpromised(line)}) == 1
    assert len({each.partition(":")[0] for each in unpromised_in_rules(f"{line}\n")}) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import matplotlib as mpl",
        "from matplotlib.backends.backend_agg import FigureCanvasAgg",
        "from jsonschema import Draft202012Validator, validators",
        "from snakemake.utils import min_version",
        "from snakemake.exceptions import WorkflowError",
        "self._places = snakemake_names",
        "from restudy.internals.tensorboard_reading import Event",
        "type(found).__name__",
    ],
)
def test_what_is_promised_is_left_alone(line):
    assert not list(unpromised(line))
    assert not list(unpromised_in_rules(f"{line}\n"))


# Who depends on the room


def modules_after(program):
    """Modules that are loaded when a program has run, and the packages that they are of."""
    return {
        name for module in printed_by(program).split() for name in (module, module.split(".")[0])
    }


def test_facts_and_plans_load_no_library_with_a_room():
    """Each process that Snakemake starts for a job loads them."""
    names = [f"restudy.plan.{path.stem}" for path in (ROOT / "src/restudy/plan").glob("*.py")]
    names = [name.removesuffix(".__init__") for name in names]
    program = f"import sys, restudy.operation.loading, {', '.join(names)}; print(*sys.modules)"
    loaded = modules_after(program)
    assert not {"tensorboard", "matplotlib", "snakemake", "restudy.internals"} & loaded


def test_a_training_job_depends_on_no_more_of_the_room_than_it_needs():
    room = Path("src/restudy/internals")
    parts = {
        name: {path for path in Sources(ROOT).training(family) if Path(path).parent == room}
        for name, family in FAMILIES.items()
    }
    # What a folder of results is, which jobs digest.
    shared = {f"{room}/__init__.py", f"{room}/snakemake_folders.py"}
    own = {f"{room}/{name}.py" for name in ("lean_tensorflow", "tensorboard_writing")}
    assert parts == {"dense": shared, "conv": shared | own}
