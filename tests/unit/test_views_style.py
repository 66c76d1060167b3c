"""Palette, labels, page layout and reproducible files."""

import base64
import io
import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, need_debian_file
from matplotlib.cbook import is_math_text
from matplotlib.colors import to_rgb
from PIL import Image

from restudy.families.contract import Axis, Family
from restudy.families.registry import FAMILIES
from restudy.plan.figures import FILE_FORMATS
from restudy.study import labels
from restudy.views import style

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ rgb.clip(0, 1)
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast_with_white(color):
    return 1.05 / (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05)


@pytest.mark.parametrize("axis", style.COLORS)
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_known_colors_stay_apart_for_colour_blind_readers(axis, deficiency):
    seen = {
        name: lab(DEFICIENCIES[deficiency] @ linear(color))
        for name, color in style.COLORS[axis].items()
    }
    nearest = min(
        (np.linalg.norm(seen[a] - seen[b]), a, b)
        for a, b in itertools.combinations(seen, 2)
        if labels.label_of(a) != labels.label_of(b)
    )
    assert nearest[0] > 9, nearest


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_class_colors_stay_apart_for_colour_blind_readers(deficiency):
    seen = [lab(DEFICIENCIES[deficiency] @ linear(color)) for color in style.CLASS_COLORS]
    assert len(seen) == 10
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 20
    assert min(map(contrast_with_white, style.CLASS_COLORS)) >= 3


@pytest.mark.parametrize(
    "text", ["$x$ and $y", "cost $x_{ and $", "_private", "50 % of a\\b", "x" * 90]
)
def test_users_texts_are_drawn_as_they_are(text):
    from matplotlib.figure import Figure

    shown = style.plain_text(text)
    figure = Figure()
    axes = figure.subplots()
    legend = figure.legend(handles=axes.plot([0, 1]), labels=[shown])
    axes.set_xlabel(shown)
    figure.draw_without_rendering()
    assert len(legend.get_texts()) == 1
    assert len(shown) <= 40
    assert not is_math_text(shown)


@pytest.mark.parametrize(
    ("axis", "value"),
    [(axis, name) for axis, names in style.COLORS.items() for name in names]
    + [("hidden_size", n) for n in (5, 8, 50)]
    + [("depth", n) for n in (2, 4)],
)
def test_colors_stand_out_from_the_page(axis, value):
    assert contrast_with_white(style.color_of(axis, value)) >= 3


@pytest.mark.parametrize("axis", style.ORDINAL_AXES)
def test_ordinal_ramp_darkens_with_the_value(axis):
    lightness = [lab(linear(style.color_of(axis, value)))[0] for value in (1, 2, 3, 4, 5, 8, 12)]
    assert (np.diff(lightness) < -0.5).all()


def test_numbers_on_any_axis_lie_on_a_ramp(monkeypatch):
    kernel_width = Axis("kernel_width", "Width of the kernel", "?", "number")
    family = Family("third", "Third", "?", "points", (kernel_width,), (), "train")
    monkeypatch.setitem(FAMILIES, "third", family)
    values = (0.1, 0.5, 1.0, 3.0, 10.0)
    lightness = [lab(linear(style.color_of("kernel_width", value)))[0] for value in values]
    assert (np.diff(lightness) < -0.5).all()


def test_unknown_names_get_a_colour_that_depends_on_the_name_only():
    assert style.color_of("activation", "swish") == style.color_of("activation", "swish")
    assert style.color_of("activation", "swish") in style.FALLBACK_COLORS


def test_numpy_numbers_and_python_numbers_share_a_colour():
    assert style.color_of("hidden_size", np.int64(8)) == style.color_of("hidden_size", 8)


@pytest.mark.parametrize(
    ("name", "axis", "label"),
    [
        ("hidden_size", None, "Hidden units"),
        (3, "hidden_size", "3 units"),
        (1, "hidden_size", "1 unit"),
        (1, "depth", "1 hidden layer"),
        ("relu", "activation", "ReLU"),
        ("gd", "optimizer", "gradient descent"),
        ("xavier_uniform", None, "Xavier uniform"),
        ("published", "protocol", "published arithmetic"),
        ("never_heard_of", None, "never heard of"),
    ],
)
def test_labels_are_words_for_people(name, axis, label):
    assert labels.label_of(name, axis) == label


def small_figure():
    figure, panels = style.new_figure()
    panels[0, 0].plot([0, 1], [0, 1.123456789])
    return style.compose(figure, "A title", "A subtitle", "A note")


def titled(title):
    figure, panels = style.new_figure()
    panels[0, 0].set_xlabel(title)
    return style.compose(figure, title)


def test_letters_that_the_own_font_lacks_come_from_an_installed_one(tmp_path):
    need_debian_file("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "fonts-wqy-microhei")
    drawn = []
    for title in ("花瓣", "花瓣 A", "更多"):
        style.save(style.styled(titled)(title), tmp_path / "figure.svg")  # and nobody is warned
        drawn.append(
            re.findall(r'<path id="([\w-]*MicroHei[\w-]*)"', (tmp_path / "figure.svg").read_text())
        )
    assert len(drawn[0]) == 2 and drawn[0] == drawn[1]
    assert len(drawn[2]) == 2 and not {*drawn[0]} & {*drawn[2]}


@pytest.mark.parametrize("suffix", FILE_FORMATS)
def test_letters_that_no_font_has_are_told_of_once(tmp_path, suffix):
    with pytest.warns(UserWarning) as told:
        style.save(style.styled(titled)("\U00012000 and \U00012001"), tmp_path / f"a.{suffix}")
    (line,) = (str(each.message) for each in told)
    assert line.startswith(f"a.{suffix}: no installed font has \U00012000\U00012001: boxes")


def test_other_fonts_change_no_figure_that_needs_none(tmp_path, monkeypatch):
    monkeypatch.setattr("restudy.views.fonts.findSystemFonts", lambda: pytest.fail("looked"))
    style.save(style.styled(titled)("Größe 50 % \\alpha → ½\n²"), tmp_path / "figure.svg")


@pytest.mark.parametrize("suffix", FILE_FORMATS)
def test_two_renderings_have_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for path in paths:
        style.save(style.styled(small_figure)(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_saving_twice_has_the_same_bytes(tmp_path):
    figure = style.styled(small_figure)()
    for name in ("one.svg", "two.svg"):
        style.save(figure, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_last_bits_of_a_layout_do_not_change_an_svg(tmp_path):
    for name, shift in (("one.svg", 0), ("two.svg", 1e-12)):
        figure = style.styled(small_figure)()
        figure.set_layout_engine("none")
        figure.axes[0].set_position([0.2, 0.2 + shift, 0.6, 0.6])
        style.save(figure, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    defined, used = (set(re.findall(p, text)) for p in (r' id="(p\d+)"', r"url\(#(\w+)\)"))
    assert used and used == defined


def test_svg_has_a_title_no_date_and_short_coordinates(tmp_path):
    style.save(style.styled(small_figure)(), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "A title" in text
    assert "<dc:date>" not in text
    assert "<text" not in text  # text is drawn as paths: no font needed to read it
    paths = [part.split('"')[0] for part in text.split(' d="')[1:]]
    assert max(len(n.split(".")[1]) for p in paths for n in p.split() if "." in n) == 2


def test_other_formats_are_refused_and_the_plan_knows_which_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"\.pdf, not as '\.eps'"):
        style.save(style.styled(small_figure)(), tmp_path / "a.eps")
    assert [f".{each}" for each in FILE_FORMATS] == list(style.WRITERS)


def test_a_pdf_is_the_same_bytes_in_every_process(tmp_path):
    program = (
        "import sys; sys.path[:0] = ['src', 'tests', 'tests/unit']\n"
        "import test_views_style as t\n"
        "t.style.save(t.style.styled(t.small_figure)(), sys.argv[1])"
    )
    for name, seed in (("one", "1"), ("two", "2")):
        subprocess.run(
            [sys.executable, "-c", program, tmp_path / f"{name}.pdf"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"},
            check=True,
        )
    one = (tmp_path / "one.pdf").read_bytes()
    assert one == (tmp_path / "two.pdf").read_bytes()
    assert b"CreationDate" not in one


def test_last_bits_of_a_layout_do_not_change_a_pdf(tmp_path):
    for name, shift in (("one.pdf", 0), ("two.pdf", 1e-12)):
        figure = style.styled(small_figure)()
        figure.set_layout_engine("none")
        figure.axes[0].set_position([0.2, 0.2 + shift, 0.6, 0.6])
        style.save(figure, tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_a_pdf_has_its_text_as_text_and_its_fonts_embedded(tmp_path):
    need_debian_file("/usr/bin/pdftotext", "poppler-utils")
    need_debian_file("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "fonts-wqy-microhei")
    path = tmp_path / "a.pdf"
    style.save(style.styled(titled)("Größe 花瓣 → ½, 5 % − $x$"), path)
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True)
    assert "Größe 花瓣 → ½, 5 % − $x$" in text.stdout
    listed = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True)
    fonts = [
        re.split(r"\s{2,}|(?<=\w) (?=yes|no)", line) for line in listed.stdout.splitlines()[2:]
    ]
    assert len(fonts) >= 3
    for name, kind, _, embedded, *_ in fonts:
        assert (kind, embedded) == ("CID TrueType", "yes"), name


def test_a_pdf_has_the_look_of_the_png(tmp_path):
    need_debian_file("/usr/bin/pdftoppm", "poppler-utils")
    figure = style.styled(small_figure)()
    for name in ("a.png", "a.pdf"):
        style.save(figure, tmp_path / name)
    drawn = ["pdftoppm", "-r", "200", "-png", "-singlefile", tmp_path / "a.pdf", tmp_path / "b"]
    subprocess.run(drawn, check=True)
    one, other = (Image.open(tmp_path / name).convert("L") for name in ("a.png", "b.png"))
    assert np.abs(np.subtract(one.size, other.size)).max() <= 1
    # Seen from afar, where letters are hinted does not show.
    small = [np.asarray(each.resize((80, 60), Image.Resampling.BOX), int) for each in (one, other)]
    assert np.ptp(small[0]) > 60
    assert np.abs(small[0] - small[1]).max() < 25


def test_long_titles_wrap_and_panels_keep_their_size():
    long, _ = style.new_figure()
    style.compose(long, "many words " * 30, "more " * 60, "notes " * 60)
    short, _ = style.new_figure()
    style.compose(short, "few words")
    assert long.get_size_inches()[0] == pytest.approx(short.get_size_inches()[0])
    assert long.get_size_inches()[1] > short.get_size_inches()[1] + 1
    long.draw_without_rendering()
    short.draw_without_rendering()
    heights = [figure.axes[0].get_window_extent().height / figure.dpi for figure in (long, short)]
    assert heights[0] == pytest.approx(heights[1], abs=0.02)


def test_drawing_never_imports_pyplot():
    code = (
        "import sys, restudy.views.boundaries, restudy.views.curves, restudy.views.layer_figures, "
        "restudy.views.final_accuracy_figure, "
        "restudy.views.filters, restudy.views.prediction_figures, restudy.views.html_tables, "
        "restudy.views.weights; "
        "banned = {'matplotlib.pyplot', 'tensorflow', 'sklearn'} & set(sys.modules); "
        "assert not banned, banned"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": sys.path[0]})


def embedded_image(svg: str) -> Image.Image:
    (encoded,) = re.findall(r'base64,([^"]+)', svg)
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


@pytest.mark.parametrize(
    ("colors", "alpha", "mode"), [(256, 255, "P"), (257, 255, None), (9, 128, None)]
)
def test_images_in_svgs_keep_every_pixel_and_get_a_palette_where_one_is_enough(
    tmp_path, colors, alpha, mode
):
    numbers = np.arange(40 * 30) * 7 % colors
    pixels = np.stack([numbers % 256, numbers // 256 * 90, 255 - numbers % 251], axis=-1)
    pixels = np.dstack([pixels.reshape(30, 40, 3), np.full((30, 40), alpha)]).astype(np.uint8)
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) == colors
    figure, panels = style.new_figure()
    panels[0, 0].imshow(pixels, interpolation="none")
    path = tmp_path / "image.svg"
    style.save(figure, path)
    image = embedded_image(path.read_text())
    assert (image.mode == "P") == (mode == "P")
    # Matplotlib turns an image over where the y axis points down.
    found = np.asarray(image.convert("RGBA"))
    assert np.array_equal(found, pixels) or np.array_equal(found, pixels[::-1])


def test_last_bits_of_the_layout_change_no_pixel(tmp_path):
    for name, shift in (("one", 0.0), ("other", 2e-9)):
        figure, panels = style.new_figure(1, 2)
        for axes in panels[0]:
            axes.plot(np.linspace(0, 1, 400), np.sin(np.linspace(0, 9, 400)))
        style.compose(figure, "Waves", "", "", [])
        engine = figure.get_layout_engine()

        def execute(figure, lay_out=engine.execute, shift=shift):
            lay_out(figure)
            for axes in figure.axes:
                axes.set_position(axes.get_position(original=True).translated(shift, shift))

        engine.execute = execute
        style.save(figure, tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
