"""Looks that figures and interactive pages share: no plotting library is needed for them."""

# Of the measures of a quantity, in the order of the family's facts, as Matplotlib has dashes: the
# first is what is trained on, and the second what is held out.
LINE_STYLES = ("-", (0, (3.2, 1.8)), (0, (1.2, 1.3)), (0, (6, 1.5, 1.2, 1.5)))

# Chosen to stay apart for colour-blind readers, the darkest and the palest last.
CLASS_COLORS = (
    "#5B3E9E",
    "#D06A00",
    "#17957A",
    "#772200",
    "#CC66EE",
    "#0044DD",
    "#997744",
    "#9988BB",
    "#663366",
    "#224433",
)


def run_color(place: int) -> str:
    """Return the colour of the runs of a trial, given by its place, as ``#rrggbb``.

    The first ten are those of classes; the next ten are paler ones, after which they repeat.
    """
    turn, number = divmod(place, len(CLASS_COLORS))
    color = CLASS_COLORS[number]
    if turn % 2 == 0:
        return color
    parts = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(0.55 * part + 0.45 * 255):02X}" for part in parts)
