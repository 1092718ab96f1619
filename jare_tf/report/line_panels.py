"""Lines and points in panels whose axes are named."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from jare_tf.report import legends, styles

Scale = Literal["linear", "log"]
Drawn = Mapping[str, tuple[ArrayLike, ArrayLike]]


class LinePanel(NamedTuple):
    """A pair of axes.

    title: above it; "" where the axes say everything.
    xlabel, ylabel: what the axes are.
    lines: x and y by label.
    points: x and y by label, without a line; lines beside points have no markers. A label has one style in all panels.
    xscale, yscale: of the axes.
    levels: horizontal lines in gray, by what they mean.
    circle: whether the unit circle is drawn, and both axes have one scale.
    """

    title: str
    xlabel: str
    ylabel: str
    lines: Drawn = {}
    points: Drawn = {}
    xscale: Scale = "linear"
    yscale: Scale = "linear"
    levels: Mapping[str, float] = {}
    circle: bool = False


def draw(grid: Sequence[Sequence[LinePanel]], width: float = 4.2, height: float = 3.1) -> Figure:
    """Rows of panels, `width` by `height` inches each, with one legend below them."""
    columns = max(map(len, grid))
    figure = Figure(figsize=(width * columns, height * len(grid) + 0.3), dpi=110, layout="constrained")
    panels = [panel for row in grid for panel in row]
    lines = list(dict.fromkeys(label for panel in panels for label in panel.lines))
    points = list(dict.fromkeys(label for panel in panels for label in panel.points))
    looks = styles.of([*lines, *points])
    for row, axes_of_row in zip(grid, figure.subplots(len(grid), columns, squeeze=False), strict=True):
        for panel, axes in zip(row, axes_of_row, strict=False):
            _draw(axes, panel, looks)
        for axes in axes_of_row[len(row) :]:
            axes.axis("off")
    marked = {label for panel in panels if not panel.points for label in panel.lines}
    keys = [
        Line2D(
            [], [], linewidth=1.5, markersize=4, **(_whole(looks[label]) if label in marked else _line(looks[label]))
        )
        for label in lines
    ]
    keys += [Line2D([], [], markersize=4, **_marker_only(looks[label])) for label in points if label not in lines]
    shown = [*lines, *(label for label in points if label not in lines)]
    legends.below(figure, keys, shown, fontsize=8)
    return figure


def _draw(axes, panel: LinePanel, looks: Mapping[str, styles.Style]) -> None:
    for meaning, level in panel.levels.items():
        axes.axhline(level, color="0.6", linewidth=0.8, zorder=0)
        axes.annotate(meaning, (0.98, level), xycoords=("axes fraction", "data"), xytext=(0, 2),
                      textcoords="offset points", ha="right", fontsize=7, color="0.4")  # fmt: skip
    if panel.circle:
        axes.add_patch(Circle((0, 0), 1, fill=False, color="gray"))
        axes.set_aspect("equal")
    for label, (x, y) in panel.lines.items():
        look = _line(looks[label]) if panel.points else _whole(looks[label])
        axes.plot(x, y, linewidth=1.5, markersize=4, markevery=max(1, np.size(x) // 6), **look)
    for label, (x, y) in panel.points.items():
        axes.plot(x, y, markersize=4, alpha=0.8, **_marker_only(looks[label]))
    axes.set_title(panel.title, fontsize=9)
    axes.set(xscale=panel.xscale, yscale=panel.yscale)
    axes.set_xlabel(panel.xlabel, fontsize=8)
    axes.set_ylabel(panel.ylabel, fontsize=8)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=7, which="both")


def _whole(look: styles.Style) -> dict[str, Any]:
    return look._asdict()


def _line(look: styles.Style) -> dict[str, Any]:
    return {"color": look.color, "linestyle": look.linestyle}


def _marker_only(look: styles.Style) -> dict[str, Any]:
    return {"color": look.color, "marker": look.marker, "linestyle": "none"}
