"""Notebooks: the templates, how they are run, and the pages that are made of them."""

import contextlib
import html
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from patches import patches_in

from restudy.data.points import make_points
from restudy.data.tables import write_table
from restudy.families.registry import load_plugins
from restudy.notebooks.display import Picture, Table, mean_and_deviation
from restudy.notebooks.execution import NotebookError, run_notebook
from restudy.notebooks.results import ShownResults
from restudy.operation.loading import load_study
from restudy.provenance.imports import imported_files
from restudy.study.yaml_files import read_yaml
from restudy.views.notebook_page import FormulaError, notebook_page, to_mathml
from restudy.views.style import new_figure

TEMPLATES = sorted((ROOT / "workflow/notebooks").glob("*.ipynb"))
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)


@pytest.fixture(params=TEMPLATES, ids=lambda path: path.stem)
def template(request):
    return nbformat.read(request.param, as_version=4)


def prose(notebook):
    """Text of a notebook outside its code, fenced or not."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return re.sub(r"```.*?```", "", "\n\n".join(cells), flags=re.S)


def formulas(notebook):
    return [block or inline for block, inline in FORMULA.findall(prose(notebook))]


def test_there_are_four_templates():
    assert [path.stem for path in TEMPLATES] == [
        "add_your_own_activation",
        "backpropagation",
        "convolutional_network",
        "dense_networks",
    ]


def test_template_is_committed_without_outputs_and_can_be_run(template):
    nbformat.validate(template)
    code = [cell for cell in template.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == [
        "parameters"
    ]
    assert template.metadata.kernelspec.name == "python3"
    assert template.metadata.language_info.name == "python"
    assert template.metadata.language_info.file_extension == ".py"
    ids = [cell.id for cell in template.cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)
    assert template.cells[0].source.startswith("# ")


def test_no_template_loads_tensorflow(template):
    source = "\n".join(cell.source for cell in template.cells if cell.cell_type == "code")
    assert not re.search(
        r"^(import|from)\s+(tensorflow|keras|restudy\.families\.conv)", source, re.M
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_modules_that_a_notebook_imports_are_found_and_none_is_of_the_cnn(path):
    files = {str(f.relative_to(ROOT / "src")) for f in imported_files(path, ROOT / "src")}
    assert "restudy/notebooks/display.py" in files
    # Its facts alone are read.
    of_the_cnn = {file for file in files if file.startswith("restudy/families/conv/")}
    assert {file.rpartition("/")[2] for file in of_the_cnn} <= {"__init__.py", "family.py"}
    if path.stem == "backpropagation":
        folder = "restudy/families/dense"
        assert {f"{folder}/stack.py", f"{folder}/layers.py"} <= files


def test_every_formula_of_a_template_stands_on_its_page_as_mathml(template):
    page = notebook_page(template)
    found = re.findall(r"<math[ >].*?</math>", page, re.S)
    headings = len(re.findall(r"^## .*\$", prose(template), re.M))  # stand in the contents too
    assert len(found) == len(formulas(template)) + headings
    for math in found:
        ElementTree.fromstring(re.sub(r"&(?!#|amp|lt|gt)\w+;", "?", math))
    apart = "|".join(
        rf"<{tag}[ >].*?</{tag}>" for tag in ("math", "pre", "code", "style", "script")
    )
    text = re.sub(apart, "", page, flags=re.S)
    assert "$" not in text and "\\" not in text


def test_page_names_no_address(template):
    page = notebook_page(template)
    assert "http:" not in page and "https:" not in page
    targets = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'>)\s]*)""", page)
    own = ("data:", "#", "URL.createObjectURL(")
    assert targets and all(target.startswith(own) for target in targets)


@pytest.mark.parametrize(
    "formula", [r"\unknown x", r"\begin{aligned} x &= 1 \end{aligned}", r"\left( x"]
)
def test_formula_that_cannot_be_shown_is_an_error(formula):
    with pytest.raises(FormulaError, match="formula"):
        to_mathml(formula)


def test_a_functions_argument_keeps_its_distance():
    assert re.search(r"log</m[io]><mspace", to_mathml(r"\log p"))
    assert "mspace" not in to_mathml(r"\log (p)")


def executed(*cells):
    return new_notebook(cells=[new_markdown_cell("# Title\n\n## First\n\n## Second"), *cells])


def test_page_has_outputs_escaped_and_pictures_with_their_text():
    png = new_output(
        "display_data",
        {"image/png": "aGVsbG8=\n", "text/plain": "x"},
        metadata={"image/png": {"alt": 'two "moons"', "width": 300}},
    )
    outputs = [new_output("stream", text="a < b & c"), png]
    page = notebook_page(executed(new_code_cell("x = 'a<b'", outputs=outputs)))
    assert "a &lt; b &amp; c" in page
    assert 'alt="two &quot;moons&quot;"' in page and 'width="300"' in page
    assert "data:image/png;base64,aGVsbG8=" in page
    assert "a&lt;b" in page and "a<b" not in page
    assert '<a href="#first">First</a>' in page and 'id="second"' in page


def test_formulas_keep_their_source_for_copies_escaped():
    page = notebook_page(executed(new_markdown_cell('$a < "b" \\& \\sigma$, and $c$.')))
    sources = re.findall(r'<math display="inline" data-latex="([^"]*)">', page)
    assert [html.unescape(text) for text in sources] == [r'a < "b" \& \sigma', "c"]
    # A comma stays with the formula before it.
    assert page.count('<span class="together"><math') == 2


def test_only_a_page_with_a_table_has_a_script_of_tables():
    page = notebook_page(executed(new_markdown_cell("no table")))
    assert page.count("<script>") == page.count("</script>") == 1
    page = notebook_page(executed(new_markdown_cell("| a |\n|---|\n| b |")))
    assert page.count("<script>") == page.count("</script>") == 2


def test_raw_html_in_a_text_is_shown_and_not_obeyed():
    page = notebook_page(executed(new_markdown_cell("<script>alert(1)</script> <b>x</b>")))
    assert "<script>alert" not in page and "&lt;b&gt;" in page


def test_folded_cells_can_be_opened_and_default_parameters_are_left_out():
    cells = [
        new_code_cell("value = 1", metadata={"tags": ["parameters"]}),
        new_code_cell("value = 2", metadata={"tags": ["injected-parameters"]}),
        new_code_cell("value + 1", metadata={"jupyter": {"source_hidden": True}}),
    ]
    page = notebook_page(executed(*cells))
    assert page.count("<details>") == 2 and "Parameters of this run" in page
    assert "value" in page and '<span class="mi">1</span>\n' not in page.split("</details>")[0]


def test_table_escapes_and_rounds():
    frame = pd.DataFrame({"a<b": ["<i>"], "x": [0.123456], "y": [-3e-9], "z": [np.nan]})
    found = Table(frame, "caption")._repr_html_()
    assert "a&lt;b" in found and "&lt;i&gt;" in found
    assert ' data-value="0.123456">0.1235<' in found and ' data-value="">–<' in found
    assert ">−3.00e−9<" in found


def test_mean_and_deviation_of_one_seed_has_no_deviation():
    summary = pd.DataFrame({"x_mean": [0.5, 0.25, np.nan], "x_sd": [0.1, np.nan, np.nan]})
    words = [
        text.replace("\N{NO-BREAK SPACE}", " ") for text in mean_and_deviation(summary, "x", 2)
    ]
    assert words == ["0.50 ± 0.10", "0.25", "all diverged"]


def test_picture_is_the_same_bytes_each_time_and_not_too_wide():
    def made():
        figure, panels = new_figure(panel_size=(30, 4))
        panels[0, 0].plot([0, 1], [0, 1])
        return Picture(figure, "a line")

    data, about = made()._repr_mimebundle_()
    assert data["image/png"] == made()._repr_mimebundle_()[0]["image/png"]
    assert int.from_bytes(data["image/png"][16:20], "big") <= 1400
    assert about["image/png"]["alt"] == "a line" == data["text/plain"]


@pytest.fixture
def written(tmp_path):
    """Function of code cells: a template with a parameters cell and these."""

    def write(*sources):
        cells = [new_code_cell("value = 1", id="parameters", metadata={"tags": ["parameters"]})]
        cells += [new_code_cell(text, id=f"cell-{n}") for n, text in enumerate(sources, start=1)]
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "file_extension": ".py"},
        }
        path = tmp_path / "tried.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        return path

    return write


def test_notebook_runs_with_its_parameters_and_leaves_no_trace(written, tmp_path, monkeypatch):
    shadow = tmp_path / "kernels/kernels/python3"
    shadow.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "another", "language": "python"}
    (shadow / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "kernels"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = written(
        "from restudy.study.labels import label_of\nprint(label_of('relu'), value)",
        # Printed in two pieces, which come through the socket as one or as two.
        "import sys, time\nprint('tensorflow' in sys.modules, flush=True)\n"
        "time.sleep(0.4)\nprint('later')",
    )
    partial = tmp_path / "partial.ipynb"
    first, second = (run_notebook(path, {"value": 7}, partial) for _ in range(2))
    texts = [output.text for cell in first.cells for output in cell.get("outputs", [])]
    assert texts == ["ReLU 7\n", "False\nlater\n"]
    assert nbformat.writes(first) == nbformat.writes(second)
    assert str(tmp_path) not in nbformat.writes(first)
    assert "papermill" not in first.metadata and "duration" not in nbformat.writes(first)
    assert not partial.exists()


def test_kernel_is_this_python_and_keeps_to_a_private_folder(written, tmp_path):
    path = written(
        "import os, sys, ipykernel\n"
        "from pathlib import Path\n"
        "transport = ipykernel.get_connection_info(unpack=True)['transport']\n"
        "folder = Path(ipykernel.get_connection_file()).parent\n"
        "is_private = folder == Path(os.environ['IPYTHONDIR'])\n"
        "print(sys.executable, transport, is_private, folder, sep='\\n')",
    )
    notebook = run_notebook(path, {"value": 7}, tmp_path / "partial.ipynb")
    (printed,) = (output.text for output in notebook.cells[-1].outputs)
    executable, transport, is_private, folder = printed.splitlines()
    assert (executable, transport, is_private) == (sys.executable, "ipc", "True"), (
        "_kernel_manager: find which attributes of jupyter_client's KernelManager (or options of "
        "papermill) now say what the kernel's command is and where its sockets lie"
    )
    assert not Path(folder).exists()


def test_failing_cell_is_named_with_its_source_and_error_and_the_rest_is_kept(written, tmp_path):
    path = written("print('before')", "divisor = 0\nvalue / divisor", "print('after')")
    partial = tmp_path / "partial.ipynb"
    with pytest.raises(NotebookError) as raised:
        run_notebook(path, {"value": 3}, partial)
    message = str(raised.value)
    assert (
        "tried.ipynb: cell 3 of 4 (cell-2) failed: ZeroDivisionError: division by zero" in message
    )
    assert "divisor = 0\nvalue / divisor" in message
    assert "----> 2 value / divisor" in message
    assert "\x1b" not in message and str(partial) in message
    kept = nbformat.read(partial, as_version=4)
    printed = [o.text for c in kept.cells for o in c.get("outputs", []) if "text" in o]
    assert printed == ["before\n"]


def test_dead_kernel_is_said_in_a_sentence(written, tmp_path):
    path = written("import os\nos._exit(1)")
    with pytest.raises(NotebookError, match="its kernel died"):
        run_notebook(path, {"value": 3}, tmp_path / "partial.ipynb")


MOONS = {
    "kind": "moons",
    "points": 200,
    "noise": 0.2,
    "seed": 0,
    "heldout_points": 20,
    "heldout_seed": 1,
    "validation_points": 20,
    "validation_seed": 2,
    "standardize": False,
}


@pytest.fixture(scope="module")
def derivation(tmp_path_factory):
    """Cells of the backpropagation notebook, and all names once they have run on two moons."""
    notebook = nbformat.read(ROOT / "workflow/notebooks/backpropagation.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    folder = tmp_path_factory.mktemp("moons")
    (folder / "results/data/moons").mkdir(parents=True)
    write_table(make_points(MOONS)[0], folder / "results/data/moons/points.csv")
    names = {}
    with contextlib.chdir(folder):
        for name, source in cells.items():
            if name == "parameters":
                source = "networks = {}\ndataset = 'moons'"
            exec(source, names)
            if name == "relu-b1-check":
                break
    return cells, names


WRONG = {
    "w2": lambda text: text.replace(' + net["l2"] * net["W2"]', ""),
    "b2": lambda text: text.replace("delta_2.sum(axis=0)", "delta_2.sum(axis=0) * 1.00001"),
    "w1": lambda text: re.sub(
        r"\* \(.*\)$",
        "* (1 - np.tanh(A) ** 2)",
        text,
        count=1,
        flags=re.M,
    ),
    "b1": lambda text: text.replace("delta_1.sum(axis=0)", "delta_1.mean(axis=0)"),
}


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("parameter", WRONG)
def test_wrong_formula_stops_the_derivation(derivation, activation, parameter):
    cells, names = derivation
    names = dict(names)
    exec(cells[f"{activation}-w2-check"], names)
    exec(cells[f"{activation}-w1-check"], names)
    right = cells[f"{activation}-{parameter}-check"]
    wrong = WRONG[parameter](right)
    assert wrong != right
    exec(right, names)
    with pytest.raises(AssertionError, match=f"with {activation} is wrong"):
        exec(wrong, names)


def test_derivation_is_written_out_before_each_check(derivation):
    notebook = nbformat.read(ROOT / "workflow/notebooks/backpropagation.ipynb", as_version=4)
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if re.fullmatch(r"(tanh|sigmoid|relu)-(w2|b2|w1|b1)-check", cell.id):
            assert f"{before.id}-check" == cell.id
            kind, number = before.id.split("-")[1]
            assert (
                rf"\partial {kind.upper() if kind == 'w' else kind}_{number}" in before.source
                or (
                    rf"\partial ({kind.upper() if kind == 'w' else kind}_{number})" in before.source
                )
            )
            assert "$$" in before.source


LESSON = ROOT / "workflow/notebooks/add_your_own_activation.ipynb"


@pytest.fixture
def lesson():
    """The cells of the lesson by name; afterwards nothing of it is known any more."""
    yield {cell.id: cell.source for cell in nbformat.read(LESSON, as_version=4).cells}
    load_plugins({})


def test_lesson_checks_the_derivative(lesson):
    define = lesson["define"]
    wrong = define.replace("return s + beta * z", "return s + z")
    assert wrong != define
    for source, fails in ((define, False), (wrong, True)):
        load_plugins({})
        names = {"beta": 2.0}
        exec(source, names)
        exec(lesson["register-here"], names)
        if fails:
            with pytest.raises(AssertionError, match="derivative is wrong"):
                exec(lesson["check"], names)
        else:
            exec(lesson["check"], names)


def test_the_file_and_the_edits_of_the_lesson_add_a_cell_for_each_protocol(lesson, tmp_path):
    folder = tmp_path / "project"
    (folder / "config").mkdir(parents=True)
    for name in ("config.yaml", "claims.yaml"):
        shutil.copy(ROOT / "config" / name, folder / "config")
    (folder / "swish.py").write_text(lesson["define"])
    patches = patches_in(lesson["permanent"])
    assert len(patches) == 2
    for patch in patches:
        patch.apply(folder)
    plans = []
    for config in (ROOT / "config/config.yaml", folder / "config/config.yaml"):
        own = read_yaml(config)
        own |= {"activations": [str(folder / "swish.py")]} if "activations" in own else {}
        plans.append(load_study(own, {}, (), (), ROOT).plan)
    before, after = ({job.place for job in plan.jobs(plan.families["dense"])} for plan in plans)
    assert before < after and len(after - before) == 2
    assert all("activation~swish_of_2/" in place for place in after - before)


def test_templates_lie_where_the_plan_looks_for_them():
    places = [*(ROOT / "workflow/rules").glob("*.smk"), *(ROOT / "src/restudy/plan").glob("*.py")]
    plan = "".join(path.read_text() for path in places)
    for path in TEMPLATES:
        assert f'"{path.stem}"' in plan
    assert Path(ROOT / "report/notebook.rst").read_text().count(': "') >= 2 * len(TEMPLATES)


def test_the_run_that_a_notebook_shows_is_the_one_nearest_the_median():
    def chosen(accuracies, diverged=()):
        runs = pd.DataFrame({"seed": range(len(accuracies)), "test_accuracy": accuracies})
        runs = runs.assign(
            test_loss=0.1, diverged_at=np.where(runs["seed"].isin(diverged), 3, np.nan)
        )
        cell = SimpleNamespace(runs=runs, seeds=runs["seed"].tolist())
        run = SimpleNamespace(cell=lambda folder: cell)
        return ShownResults(run, "conv", {}, {}).run_of("results/conv/a")

    assert chosen([0.99, 0.5, 0.9])[1] == 2
    assert chosen([0.99, 0.5, 0.9], diverged=[2])[1] == 0
    assert chosen([0.9], diverged=[0])[1] == 0
