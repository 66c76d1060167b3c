"""How a layer's weights and biases move during training: their statistics, and their histograms.

Reads tables of what was recorded (tag, step, value or bucket).
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from restudy.study.labels import label_of
from restudy.views.panels import set_time_axis
from restudy.views.style import (
    MUTED,
    compose,
    empty_figure,
    new_figure,
    styled,
    title_case,
)

TENSORS = ("weights", "bias")
EXTREME_COLOR, MEAN_COLOR, BAND_COLOR = "#5B8DB8", "#0B3C5D", "#0072B2"
TIME_COLORS = LinearSegmentedColormap.from_list(
    "time", ["#E2A23B", "#C2524F", "#6A2C7F", "#1D1B52"]
)
RIDGES = 24  # at most so many steps are drawn
BINS = 90
OVERLAP = 2.6  # height of the tallest ridge, in distances between ridges


@styled
def statistics_figure(scalars: pd.DataFrame, layer: str, title: str = "", note: str = "") -> Figure:
    """Draw how the values of a layer's weights and bias move, and mean and deviation on their own.

    The first row has minimum, mean ± standard deviation and maximum.

    Parameters
    ----------
    scalars : DataFrame
        Columns tag (``{layer}/weights/mean`` and so on), step, value.
    layer : str
        First part of the tags.
    title, note : str
        Texts; the title defaults to the layer's name.
    """
    title = title or f"{label_of(layer)}: weights and bias during training"
    tensors = [tensor for tensor in TENSORS if (scalars["tag"] == f"{layer}/{tensor}/mean").any()]
    if not tensors:
        return empty_figure(title, f"No statistics of {layer} recorded.")
    figure, panels = new_figure(3, len(tensors), panel_size=(4.5, 2.4), sharex="col")
    for column, tensor in zip(panels.T, tensors, strict=True):
        table = statistics_table(scalars, f"{layer}/{tensor}")
        values, mean, deviation = column
        _draw_statistics(values, table)
        values.set_title(title_case(tensor))
        # On the axis of all values, their drift is too small to be seen.
        _draw_drift(mean, table["mean"], MEAN_COLOR)
        _draw_drift(deviation, table["std"], BAND_COLOR)
        deviation.set_xlabel(label_of("step"))
    for axes, words in zip(panels[:, 0], ("Value", "Mean", "Standard deviation"), strict=True):
        axes.set_ylabel(f"{words}\n(dimensionless)")
    figure.align_ylabels(panels[:, 0])
    legend = [
        (Line2D([], [], color=EXTREME_COLOR, linewidth=1.3), "maximum, minimum"),
        (Line2D([], [], color=MEAN_COLOR, linewidth=2.2), "mean"),
        (Patch(facecolor=BAND_COLOR, alpha=0.2), "mean ± standard\ndeviation"),
    ]
    return compose(figure, title, "", note, [("Over all elements", legend)])


@styled
def histograms_figure(
    histograms: pd.DataFrame, layer: str, title: str = "", note: str = ""
) -> Figure:
    """Draw the histograms of a layer's weights and bias as ridges, the first step at the back.

    Parameters
    ----------
    histograms : DataFrame
        Columns tag (``{layer}/weights``, with or without a last part), step, left, right, count: a
        row per bucket.
    layer : str
        First part of the tags.
    title, note : str
        Texts; the title defaults to the layer's name.
    """
    title = title or f"{label_of(layer)}: distribution of weights and bias during training"
    tensors = [tensor for tensor in TENSORS if len(_of_tensor(histograms, layer, tensor))]
    if not tensors:
        return empty_figure(title, f"No histogram of {layer} recorded.")
    figure, panels = new_figure(1, len(tensors), panel_size=(4.7, 5.0), sharey=True)
    capped = False
    for axes, tensor in zip(panels[0], tensors, strict=True):
        capped |= _draw_ridges(axes, _of_tensor(histograms, layer, tensor))
        axes.set_title(title_case(tensor))
        axes.set_xlabel("Value (dimensionless)")
    panels[0, 0].set_ylabel(label_of("step"))
    cap = "Ridges that would stand far above the others are cut at the top." if capped else ""
    subtitle = "Height: share of elements per unit of value, lightly smoothed; one scale per panel"
    return compose(figure, title, subtitle, " ".join(filter(None, [note, cap])))


def statistics_table(scalars: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return min, max, mean and std by step, from tags ``prefix/min`` and so on.

    A step recorded twice, by a run that was resumed, counts with its last value.
    """
    kinds = ("min", "max", "mean", "std")
    rows = scalars[scalars["tag"].isin([f"{prefix}/{kind}" for kind in kinds])]
    rows = rows.drop_duplicates(["tag", "step"], keep="last")
    table = rows.pivot(index="step", columns="tag", values="value").sort_index()
    table.columns = [tag.rsplit("/", 1)[1] for tag in table.columns]
    return table.reindex(columns=list(kinds))


def rebin(left: np.ndarray, right: np.ndarray, count: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Spread bucket counts over other bins, each bucket evenly over its width.

    Parameters
    ----------
    left, right, count : ndarray, shape (n,)
        Buckets, which do not overlap.
    edges : ndarray, shape (m + 1,)
        Increasing; bins that cover all buckets keep the total.

    Returns
    -------
    ndarray, shape (m,)
        Counts per bin, fractional.
    """
    order = np.argsort(left, kind="stable")
    left, right, count = left[order], right[order], count[order]
    right = np.maximum(right, left + 1e-12 * np.maximum(1.0, np.abs(left)))
    positions = np.stack([left, right], axis=1).ravel()
    total = np.cumsum(count)
    cumulated = np.stack([total - count, total], axis=1).ravel()
    return np.diff(np.interp(edges, np.maximum.accumulate(positions), cumulated))


def _of_tensor(histograms: pd.DataFrame, layer: str, tensor: str) -> pd.DataFrame:
    tag = f"{layer}/{tensor}"
    return histograms[(histograms["tag"] == tag) | histograms["tag"].str.startswith(f"{tag}/")]


def _draw_statistics(axes: Axes, table: pd.DataFrame) -> None:
    steps = table.index.to_numpy()
    low, high = table["mean"] - table["std"], table["mean"] + table["std"]
    axes.fill_between(steps, low, high, color=BAND_COLOR, alpha=0.2, linewidth=0)
    for kind in ("max", "min"):
        axes.plot(steps, table[kind], color=EXTREME_COLOR, linewidth=1.3)
    axes.plot(steps, table["mean"], color=MEAN_COLOR, linewidth=2.2)
    set_time_axis(axes, steps, "linear")


def _draw_drift(axes: Axes, line: pd.Series, color: str) -> None:
    """Draw a statistic on an axis of its own, with how much it has changed in the end."""
    steps, values = line.index.to_numpy(), line.to_numpy(float)
    axes.plot(steps, values, color=color, linewidth=2.2)
    set_time_axis(axes, steps, "linear")
    change = values[-1] - values[0]
    if np.isfinite(change):
        words = f"{change:+.2g} from step {steps[0]:,} to {steps[-1]:,}".replace("-", "\u2212")
        axes.set_title(words, loc="right", fontsize=8.8, fontweight="normal", color=MUTED)


def _draw_ridges(axes: Axes, frame: pd.DataFrame) -> bool:
    """Draw up to ``RIDGES`` steps; return whether the tallest were cut."""
    steps = evenly(np.unique(frame["step"].to_numpy()), RIDGES)
    filled = frame[frame["count"] > 0]
    low, high = filled["left"].min(), filled["right"].max()
    padding = 0.08 * (high - low) or 0.5
    edges = np.linspace(low - padding, high + padding, BINS + 1)
    densities = np.array([_density(frame[frame["step"] == step], edges) for step in steps])
    peaks = densities.max(axis=1)
    reference = min(peaks.max(), 2.0 * np.median(peaks)) or 1.0
    distance = float(np.median(np.diff(steps))) if len(steps) > 1 else 1.0
    heights = np.minimum(densities / reference, 1.0) * OVERLAP * distance
    centres = (edges[:-1] + edges[1:]) / 2
    span = max(float(steps[-1] - steps[0]), 1.0)
    for rank, (step, height) in enumerate(zip(steps, heights, strict=True)):
        color = to_hex(TIME_COLORS((step - steps[0]) / span))
        # Later steps stand lower on the page and in front: the axis is upside down.
        axes.fill_between(
            centres, step, step - height, color=color, alpha=0.82, linewidth=0, zorder=2 + rank
        )
        axes.plot(centres, step - height, color="white", linewidth=0.8, zorder=2.5 + rank)
    axes.set_ylim(steps[-1] + 0.4 * distance, steps[0] - (OVERLAP + 0.2) * distance)
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_yticks(steps[:: -(-len(steps) // 7)])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return bool((peaks > reference * 1.001).any())


def _density(frame: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Return the share of elements per unit of value, in each bin."""
    columns = (frame[name].to_numpy(dtype=float) for name in ("left", "right", "count"))
    counts = rebin(*columns, edges)
    share = counts / max(counts.sum(), 1e-300)
    return _smooth(share, total=float(frame["count"].sum())) / np.diff(edges)


def _smooth(share: np.ndarray, total: float) -> np.ndarray:
    """Smooth with a normal kernel of half the width that Silverman's rule gives, in bins."""
    position = np.arange(len(share))
    mean = (share * position).sum()
    deviation = np.sqrt((share * (position - mean) ** 2).sum())
    width = 0.45 * deviation * max(total, 1.0) ** -0.2
    if width < 0.3:
        return share
    kernel = np.exp(-0.5 * ((position[:, None] - position) / width) ** 2)
    return (kernel / kernel.sum(axis=0)) @ share


def evenly(steps: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many steps at equal distances, the last one included.

    The first is included too if the number of steps allows a distance up to twice the smallest.
    """
    last = len(steps) - 1
    least = max(1, -(-last // max(most - 1, 1)))
    stride = next((n for n in range(least, 2 * least + 1) if last % n == 0), least)
    return steps[last % stride :: stride]
