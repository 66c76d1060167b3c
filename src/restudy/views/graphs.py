"""A TensorFlow graph as lists that a page can draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError

from restudy.internals.tensorboard_reading import TYPES, GraphDef, make_ndarray

LONGEST = 160  # letters of an attribute
SHAPES = "_output_shapes"
OF_OBJECTS = [
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
]


def arrange_graph(content: bytes) -> list[dict[str, Any]]:
    """Return the operations of a graph, in the order of the file.

    Operations inside a function stand below its name. What can't be read gives no operation.

    Parameters
    ----------
    content
        A serialised GraphDef.

    Returns
    -------
    list of dict
        name; op; inputs, pairs of an operation's place in the list and the number of its output,
        -1 where it just has to run before; shapes of the outputs as far as they are known, a list
        (-1 for a size that is open) or None each; device; attributes, name to short text.
    """
    try:
        graph = GraphDef.FromString(content)
    except DecodeError:
        return []
    nodes = [("", node) for node in graph.node]
    entries = [_arrange(node.name, node) for node in graph.node]
    for function in graph.library.function:
        scope = f"{function.signature.name}/"
        for argument in function.signature.input_arg:
            nodes.append((scope, None))
            entries.append(_arrange(f"{scope}{argument.name}", None))
        nodes += [(scope, node) for node in function.node_def]
        entries += [_arrange(f"{scope}{node.name}", node) for node in function.node_def]
    places = {entry["name"]: place for place, entry in enumerate(entries)}
    for entry, (scope, node) in zip(entries, nodes, strict=True):
        for text in node.input if node else ():
            # "name", "name:output", within functions "name:kind:output"; "^name" just comes before.
            name, *output = text.removeprefix("^").split(":")
            if (source := places.get(scope + name)) is not None:
                number = int(output[-1]) if output and output[-1].isdigit() else 0
                entry["inputs"].append([source, -1 if text.startswith("^") else number])
    for entry, name in zip(entries, _usable_names([e["name"] for e in entries]), strict=True):
        entry["name"] = name
    return entries


def _usable_names(names: Sequence[str]) -> list[str]:
    """Return names that a page can draw: none empty, none twice, with words between the slashes."""
    taken: dict[str, None] = {}
    for name in names:
        first, *others = [part for part in name.split("/") if part] or ["(no name)"]
        # In JavaScript, every object has these.
        usable = path = "/".join([f"({first})" if first in OF_OBJECTS else first, *others])
        number = 1
        while usable in taken:
            number += 1
            usable = f"{path} ({number})"
        taken[usable] = None
    return list(taken)


def _arrange(name: str, node: Any) -> dict[str, Any]:
    """An operation without its inputs; without a node, an argument of a function."""
    attributes = node.attr if node else {}
    return {
        "name": name,
        "op": node.op if node else "Argument",
        "inputs": [],
        "shapes": _shapes(attributes),
        "device": node.device if node else "",
        "attributes": {key: _short(attributes[key]) for key in sorted(attributes) if key != SHAPES},
    }


def _shapes(attributes: Any) -> list[list[int] | None]:
    """Shapes of the outputs: as noted by TensorFlow, or of what the operation holds."""
    if SHAPES in attributes:
        return [_shape(shape) for shape in attributes[SHAPES].list.shape]
    if "value" in attributes and attributes["value"].HasField("tensor"):
        return [_shape(attributes["value"].tensor.tensor_shape)]
    if "shape" in attributes and attributes["shape"].HasField("shape"):
        return [_shape(attributes["shape"].shape)]
    return []


def _shape(shape: Any) -> list[int] | None:
    return None if shape.unknown_rank else [dim.size for dim in shape.dim]


def _short(value: Any) -> str:
    """An attribute as a short text."""
    kind = value.WhichOneof("value")
    content = getattr(value, kind) if kind else ""
    if kind == "list":
        # One of its fields has the items, in a file that TensorFlow wrote.
        items = [(each.name, item) for each, field in content.ListFields() for item in field]
        text = ", ".join(_words(*item) for item in items[:20])
        text = f"[{text}{', …' if len(items) > 20 else ''}]"
    else:
        text = _words(kind, content)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _words(kind: str | None, content: Any) -> str:
    if kind == "s":
        return content.decode(errors="replace")
    if kind == "type":
        return _type_name(content)
    if kind == "shape":
        return _shape_words(content)
    if kind == "tensor":
        words = f"{_type_name(content.dtype)} {_shape_words(content.tensor_shape)}"
        try:
            array = make_ndarray(content)
        except (ValueError, TypeError):
            return words
        return f"{words} = {array.tolist()}" if array.size <= 16 else words
    if kind == "func":
        return content.name
    return str(content)


def _type_name(number: int) -> str:
    return TYPES.get(number, str(number)).removeprefix("DT_").lower()


def _shape_words(shape: Any) -> str:
    sizes = _shape(shape)
    return "any shape" if sizes is None else f"[{', '.join(str(size) for size in sizes)}]"
