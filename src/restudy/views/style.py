"""One look for every figure: palette, labels, page layout, and the only place that writes a file.

Colours are fixed by name, so that tanh is the same blue in every figure; pyplot is never imported.
"""

import contextlib
import functools
import io
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from restudy.disk import whole_file
from restudy.families.setting_axes import is_setting_axis
from restudy.internals.matplotlib_svg import shorten_svg
from restudy.study.labels import label_of, number_axes
from restudy.views.fonts import FONT, foreign_letters, further_fonts, texts_of
from restudy.views.palette import CLASS_COLORS

INK = "#1F2430"
MUTED = "#5A6270"
FAINT = "#E7E9ED"
PROBABILITY_COLORS = LinearSegmentedColormap.from_list(
    "probability",
    ["#8F79C6", "#C9BEE4", "#F7F6F8", "#F6D3AC", "#E9A35A"],
)
ORDINAL_COLORS = LinearSegmentedColormap.from_list(
    "ordinal",
    ["#D98B0B", "#D0562F", "#AE2C66", "#6F2391", "#2B1A6B", "#0B1030"],
)
# Of values below and above zero, which is white.
DIVERGING_COLORS = LinearSegmentedColormap.from_list(
    "diverging",
    ["#0A3A66", "#3E7FB8", "#A9CBE3", "#FFFFFF", "#F3BE85", "#CE6A1B", "#7A2E00"],
)
# Of counts: more is darker.
COUNT_COLORS = LinearSegmentedColormap.from_list(
    "count", ["#FFFFFF", "#FBE0B5", "#F0A04B", "#CF4F1F", "#7F1D0B"]
)

COLORS = {
    "activation": {
        "tanh": "#0072B2",
        "sigmoid": "#009E73",
        "relu": "#D55E00",
        "leaky_relu": "#6B3410",
        "maxout": "#A8006D",
        "identity": "#1E2733",
        "elu": "#473BCE",
        "gelu": "#1C1386",
        "softplus": "#733939",
        "silu": "#0F8299",
    },
    "initializer": {
        "fan_in_normal": "#332288",
        "truncated_normal": "#117733",
        "xavier_uniform": "#CC4C6A",
        "xavier_normal": "#882255",
        "he_normal": "#AA8118",
        "he_uniform": "#2972E0",
        "lecun_normal": "#5A1616",
        "orthogonal": "#B06FC4",
        "uniform": "#6B7A1E",
        "zeros": "#30353B",
    },
    "optimizer": {
        "gd": "#3B4252",
        "gradient_descent": "#3B4252",
        "momentum": "#0077BB",
        "nesterov": "#12A08A",
        "adam": "#DD6211",
        "adamw": "#7A1E3A",
        "adagrad": "#B02A86",
        "rmsprop": "#5A4500",
    },
    "protocol": {"published": "#8A5A2B", "corrected": "#1C6E8C"},
}
FALLBACK_COLORS = (
    "#7A4EAB",
    "#1B7F79",
    "#A63D40",
    "#3D5A98",
    "#6B7A1E",
    "#9C5518",
    "#C2417C",
    "#46627F",
)
# Where half of an ordinal axis' ramp is reached, and how steep the ramp is there; and the same of
# an axis of numbers that is not among them.
ORDINAL_AXES = {"hidden_size": (7.0, 1.5), "depth": (3.0, 2.0)}
OTHER_NUMBERS = (1.0, 0.5)

STYLE = {
    "font.family": [FONT],
    "font.size": 10,
    "text.color": INK,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "axes.edgecolor": "#9AA1AC",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": "#9AA1AC",
    "ytick.color": "#9AA1AC",
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.title_fontsize": 9.5,
    "lines.solid_capstyle": "round",
    "lines.linewidth": 2.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "restudy",
    # TrueType, embedded: journals refuse the default, Type 3.
    "pdf.fonttype": 42,
}

MISSING_COLOR = "#9AA1AC"
MARGIN = 0.16  # inches, round the page
COLOR_BAR_HEIGHT = 1.2
HEADING = {"va": "top", "fontsize": 9.5, "fontweight": "bold"}  # of a colour bar
LegendSection = tuple[str, Sequence[tuple[Artist, str]]]


class ColorBar(NamedTuple):
    """A colour scale beside the panels.

    Attributes
    ----------
    mappable : ScalarMappable
        Its colours.
    heading : str
        Its title.
    ticks : mapping
        Place on the scale -> label; without any, both ends and the middle are labelled.
    """

    mappable: Any
    heading: str
    ticks: Mapping[float, str] = MappingProxyType({})


def color_of(axis: str, value: Any, among: Sequence = ()) -> str:
    """Return the colour of an axis value, as ``#rrggbb``: one for each, but for settings.

    Parameters
    ----------
    axis : str
        Name of the axis, such as ``activation``.
    value : Any
        A value on it. Numbers lie on a ramp, small ones light; a name that has no fixed colour
        gets one that depends on the name, and on others only where they would have the same. A
        missing number is grey.
    among : sequence
        All values that are shown. Of a setting such as ``optimizer.learning_rate``, whose numbers
        may be of any size, the place among them decides.
    """
    if _is_missing(value):
        return MISSING_COLOR
    if is_setting_axis(axis) and axis in number_axes():
        ranked = sorted({float(each) for each in among if not _is_missing(each)} | {float(value)})
        return to_hex(ORDINAL_COLORS(ranked.index(float(value)) / max(len(ranked) - 1, 1)))
    if axis in ORDINAL_AXES or axis in number_axes():
        middle, slope = ORDINAL_AXES.get(axis, OTHER_NUMBERS)
        position = 1 / (1 + (middle / max(float(value), 1e-9)) ** slope)
        return to_hex(ORDINAL_COLORS(position))
    return COLORS.get(axis, {}).get(str(value)) or _fallback_color(axis, str(value), among)


def _fallback_color(axis: str, name: str, among: Sequence) -> str:
    """Return the colour of a name that has none of its own, other than those of its neighbours."""
    fixed = COLORS.get(axis, {})
    taken: dict[str, str] = {}
    for other in dict.fromkeys([*map(str, among), name]):
        if other not in fixed:
            start = zlib.crc32(f"{axis}={other}".encode()) % len(FALLBACK_COLORS)
            turned = [*FALLBACK_COLORS[start:], *FALLBACK_COLORS[:start]]
            free = [color for color in turned if color not in taken.values()]
            taken[other] = (free or turned)[0]
    return taken[name]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def class_color(label: int) -> str:
    """Return the colour of a class, as ``#rrggbb``; they repeat from the eleventh on."""
    return CLASS_COLORS[label % len(CLASS_COLORS)]


def ink_on(color: Sequence[float]) -> str:
    """Return black or white, whichever has the greater contrast (WCAG) on a colour (r, g, b)."""
    channels = np.asarray(color)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def as_written(text: str) -> str:
    """Return a user's text such that a figure shows it as it is, in one line before wrapping."""
    # Matplotlib reads dollars as mathematics.
    return " ".join(text.split()).replace("$", r"\$")


def plain_text(text: str, longest: int = 28) -> str:
    """Return a user's text for a legend or an axis: as it is, cut where it is long."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    # What starts with "_" is left out of a legend.
    return (" " if text.startswith("_") else "") + as_written(text)


def title_case(text: str) -> str:
    """Return the text with its first letter in upper case, activations such as tanh left alone."""
    names = {label_of(name).split(" ")[0] for name in COLORS["activation"]}
    return text if text.split(" ")[0] in names else text[:1].upper() + text[1:]


@contextlib.contextmanager
def project_style(letters: frozenset[str] = frozenset()) -> Iterator[None]:
    """Give figures the project's look, whatever a ``matplotlibrc`` of the user's says.

    Characters that the project's font lacks come from installed fonts, if there are any.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        # A line for every letter: `save` has one for all.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        if letters:
            mpl.rcParams["font.family"] = [FONT, *further_fonts(letters)[0]]
        yield


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a drawing function so that all it makes has the project's look.

    It is called again where the figure says something for which another font is needed.
    """

    @functools.wraps(draw)
    def drawn(*arguments: Any, **options: Any) -> Figure:
        with project_style():
            figure = draw(*arguments, **options)
        if letters := foreign_letters(texts_of(figure)):
            with project_style(letters):
                figure = draw(*arguments, **options)
        return figure

    return drawn


def new_figure(
    rows: int = 1,
    columns: int = 1,
    panel_size: tuple[float, float] = (4.2, 3.2),
    sharex: bool | str = False,
    sharey: bool | str = False,
    width_ratios: Sequence[float] | None = None,
) -> tuple[Figure, np.ndarray]:
    """Make a figure of equal panels; ``compose`` later adds the room for title and legend.

    Parameters
    ----------
    rows, columns : int
        The panels.
    panel_size : tuple of float
        Width and height of one panel with its labels, in inches.
    sharex, sharey : bool or str
        As in ``Figure.subplots``.
    width_ratios : sequence of float, optional
        Widths of the columns to one another; without it they are equal.

    Returns
    -------
    figure : Figure
    panels : ndarray of Axes, shape (rows, columns)
    """
    figure = Figure(
        figsize=(columns * panel_size[0], rows * panel_size[1]),
        layout="constrained",
    )
    panels = figure.subplots(
        rows, columns, sharex=sharex, sharey=sharey, squeeze=False, width_ratios=width_ratios
    )
    return figure, panels


def enlarge(pixels: np.ndarray, side: int) -> np.ndarray:
    """Repeat rows and columns of a small image until its longer side has at least so many pixels.

    Viewers differ in how they enlarge the image of an SVG; some blur it.

    Parameters
    ----------
    pixels : ndarray, shape (height, width) or (height, width, channels)
    side : int
    """
    times = -(-side // max(pixels.shape[:2]))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def compose(
    figure: Figure,
    title: str,
    subtitle: str = "",
    note: str = "",
    legends: Sequence[LegendSection] = (),
    color_bar: ColorBar | None = None,
) -> Figure:
    """Set title and subtitle above, notes below and legends to the right of the panels.

    The page grows by what they need, so that panels keep their size and nothing overlaps.

    Parameters
    ----------
    figure : Figure
        A figure from ``new_figure`` with its panels drawn.
    title, subtitle, note : str
        Texts; long ones are wrapped, empty ones take no room.
    legends : sequence of (heading, entries)
        Entries are pairs of a handle and its text. Sections without entries are left out.

    color_bar : ColorBar, optional
        Set below the legends.

    Returns
    -------
    Figure
        The same figure.
    """
    title = as_written(title)
    width, height = figure.get_size_inches()
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [
        figure.legend(
            handles=[handle for handle, _ in entries],
            labels=[text for _, text in entries],
            title=heading,
            title_fontproperties={"weight": "bold", "size": 9.5},
            alignment="left",
            loc="upper left",
            borderpad=0,
            borderaxespad=0,
            handlelength=2.4,
            labelspacing=0.45,
        )
        for heading, entries in legends
        if entries
    ]
    extents = [box.get_window_extent(renderer) for box in boxes]
    legend_width = max((box.width / figure.dpi for box in extents), default=0)
    if color_bar:
        legend_width = max(legend_width, _bar_width(figure, color_bar, renderer))
    legend_height = sum(box.height / figure.dpi + 0.2 for box in extents)
    legend_height += COLOR_BAR_HEIGHT + 0.6 if color_bar else 0
    page_width = width + legend_width + (0.25 if legend_width else 0)

    def text(words: str, **look: Any) -> Text | None:
        return _wrapped(figure, words, page_width - 2 * MARGIN, renderer, **look) if words else None

    heading = text(title, fontsize=13, fontweight="bold", color=INK)
    subheading = text(subtitle, fontsize=10, color=MUTED)
    footing = text(note, fontsize=8.8, color=MUTED)
    top = MARGIN + sum(_height(part, renderer) + 0.08 for part in (heading, subheading) if part)
    bottom = MARGIN / 2 + (_height(footing, renderer) + 0.1 if footing else 0)
    middle = max(height, legend_height + 0.1)
    page_height = top + middle + bottom

    figure.set_size_inches(page_width, page_height)
    cursor = MARGIN
    for part in (heading, subheading):
        if part:
            part.set_position((MARGIN / page_width, 1 - cursor / page_height))
            cursor += _height(part, renderer) + 0.08
    if footing:
        footing.set_position((MARGIN / page_width, (bottom - 0.1) / page_height))
    cursor = top + 0.12
    for box, extent in zip(boxes, extents, strict=True):
        box.set_bbox_to_anchor(
            (1 - (legend_width + MARGIN) / page_width, 1 - cursor / page_height),
            transform=figure.transFigure,
        )
        cursor += extent.height / figure.dpi + 0.2
    if color_bar:
        _add_color_bar(figure, color_bar, page_width - legend_width - MARGIN, cursor)
    figure.get_layout_engine().set(
        rect=(
            0.004,
            (bottom + middle - height) / page_height,
            width / page_width - 0.008,
            height / page_height,
        ),
        w_pad=0.06,
        h_pad=0.06,
        wspace=0.05,
        hspace=0.04,
    )
    figure.set_label(title)
    return figure


def empty_figure(title: str, reason: str = "No finished run to show.", note: str = "") -> Figure:
    """Return a page that says why there is nothing to see: an empty table is no error."""
    figure, panels = new_figure(panel_size=(6.0, 1.4))
    panels[0, 0].set_axis_off()
    panels[0, 0].text(0.5, 0.5, reason, ha="center", va="center", color=MUTED)
    return compose(figure, title, note=note)


def settle(figure: Figure, dpi: float) -> None:
    """Lay a figure out for good, its axes at positions without their last bits.

    These differ from one process to another, and with them the shade of a few pixels of a line.
    """
    figure.set_dpi(dpi)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(part, 6) for part in axes.get_position(original=True).bounds])


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure, the same bytes every time.

    An SVG has its text as paths, a PNG has 200 dpi, and a PDF has its text as text, with the fonts
    embedded.

    Raises
    ------
    ValueError
        If the path ends in none of ``.svg``, ``.png`` and ``.pdf``.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        raise ValueError(f"a figure is saved as {', '.join(WRITERS)}, not as {path.suffix!r}")
    letters = foreign_letters(texts_of(figure))
    if letters and (missing := further_fonts(letters)[1]):
        warnings.warn(
            f"{path.name}: no installed font has {missing}: boxes stand for them; install one that "
            "has, such as Noto, and draw again",
            stacklevel=2,
        )
    with project_style(letters), whole_file(path) as file:
        WRITERS[path.suffix](figure, file, figure.get_label() or path.stem)


def _save_svg(figure: Figure, file: BinaryIO, title: str) -> None:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=100, metadata={"Date": None, "Title": title})
    file.write(shorten_svg(buffer.getvalue()).encode())


def _save_png(figure: Figure, file: BinaryIO, title: str) -> None:
    settle(figure, 200)
    # Level 4 takes half the time of the default for a few per cent more bytes.
    options = {"compress_level": 4}
    figure.savefig(file, format="png", dpi=200, metadata={"Title": title}, pil_kwargs=options)


def _save_pdf(figure: Figure, file: BinaryIO, title: str) -> None:
    settle(figure, 100)
    figure.savefig(file, format="pdf", dpi=200, metadata={"CreationDate": None, "Title": title})


WRITERS = {".svg": _save_svg, ".png": _save_png, ".pdf": _save_pdf}


def _add_color_bar(figure: Figure, color_bar: ColorBar, left: float, top: float) -> None:
    """Add a small upright colour bar; ``left`` and ``top`` in inches from the upper left."""
    mappable, heading, ticks = color_bar
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, heading, **HEADING)
    top += 0.24 * (1 + heading.count("\n"))
    bounds = (left + 0.05, height - top - COLOR_BAR_HEIGHT, 0.16, COLOR_BAR_HEIGHT)
    bounds = [bound / side for bound, side in zip(bounds, (width, height) * 2, strict=True)]
    axes = figure.add_axes(bounds, label="color bar")
    low, high = mappable.get_clim()
    bar = figure.colorbar(mappable, cax=axes, ticks=list(ticks) or [low, (low + high) / 2, high])
    if ticks:
        bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.minorticks_off()
    bar.outline.set_visible(False)
    axes.tick_params(length=0)


def _bar_width(figure: Figure, color_bar: ColorBar, renderer: Any) -> float:
    """Return how many inches a colour bar takes, its heading and the labels beside it."""
    widths = []
    ticks = ((words, 0.35) for words in color_bar.ticks.values())
    for words, beside in ((color_bar.heading, 0.0), *ticks):
        text = figure.text(0, 0, words, **HEADING)
        widths.append(beside + text.get_window_extent(renderer).width / figure.dpi)
        text.remove()
    return max(widths)


def _wrapped(
    figure: Figure, words: str, width: float, renderer: Any, fontsize: float, **look: Any
) -> Text:
    """Place text at the top left, broken into lines that are at most ``width`` inches wide."""
    text = figure.text(0, 0, words, fontsize=fontsize, va="top", linespacing=1.3, **look)
    characters = int(width * 72 / (fontsize * 0.5))
    while text.get_window_extent(renderer).width / figure.dpi > width and characters > 10:
        text.set_text(textwrap.fill(words, characters))
        characters -= 2
    return text


def _height(text: Text, renderer: Any) -> float:
    return text.get_window_extent(renderer).height / text.figure.dpi
