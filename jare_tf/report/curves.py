"""Curves of several runs in one picture."""

import functools
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import ArrayLike

from jare_tf import files
from jare_tf.errors import InputError
from jare_tf.report import legends, styles
from jare_tf.report.columns import Columns, Series
from jare_tf.report.styles import Style
from jare_tf.training.run import Run

PARTS = 120  # into which a curve with more points than twice as many is cut, at most
_MARKED = 20  # markers that a curve has at most; on a web page one of more points has none, nor one of many curves
_LARGEST = 1e300  # that Matplotlib draws; its axes reach a little further
_INK = "#010203"  # becomes the colour of the text around


class Panel(NamedTuple):
    """Curves in one pair of axes.

    title: above them.
    curves: by label, which has one style in all panels, the curves of one or several seeds: each x and y. Of several
      it shows the median and the range, at what x they have in common.
    ylabel: what y is, where the title does not say it.
    """

    title: str
    curves: Mapping[str, Sequence[tuple[ArrayLike, ArrayLike]]]
    ylabel: str = ""


def check_titles(titles: Iterable[str]) -> None:
    """Raises InputError for a title that Matplotlib cannot draw: no UTF-8, or no formula between dollar signs."""
    for title in titles:
        try:
            title.encode()
            MathTextParser("path").parse(title)
        except ValueError as error:
            reason = str(error).splitlines()[-1]
            raise InputError(f"cannot draw the title {title!r}: {reason}; a dollar sign alone is \\$") from error


def panels(grid: Sequence[Sequence[Panel]], xlabel: str = "iteration", same_y: bool = False) -> Figure:
    """Rows of panels, with one legend below them; `same_y`: a row has one y axis.

    An axis is logarithmic where all values are positive and the largest is ten times the smallest, or more.
    """
    columns = max(map(len, grid))
    figure = Figure(figsize=(4.2 * columns, 3.1 * len(grid)), dpi=100, layout="constrained")
    labels = list(dict.fromkeys(label for row in grid for panel in row for label in panel.curves))
    looks = styles.of(labels)
    for row, axes_of_row in zip(
        grid, figure.subplots(len(grid), columns, squeeze=False, sharey="row" if same_y else False), strict=True
    ):
        for panel, axes in zip(row, axes_of_row, strict=False):
            for label, curves in panel.curves.items():
                look = looks[label]
                x, lowest, y, highest = _of_seeds(curves)
                every = max(1, np.size(x) // _MARKED)
                axes.plot(x, y, label=label, linewidth=1.2, markersize=3, markevery=every, **look._asdict())
                if len(curves) > 1:
                    axes.fill_between(x, lowest, highest, color=look.color, alpha=0.2, linewidth=0)
            axes.set(xlabel=xlabel, ylabel=panel.ylabel, title=panel.title)
            _scale(axes, np.concatenate([line.get_ydata() for line in axes.get_lines()]))
        for axes in axes_of_row[len(row) :]:
            axes.axis("off")
    lines = [Line2D([], [], linewidth=1.2, markersize=4, **looks[label]._asdict()) for label in labels]
    legends.below(figure, lines, labels)
    return figure


def _of_seeds(curves: Sequence[tuple[ArrayLike, ArrayLike]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, and of the curves' y there the lowest, the median and the highest."""
    arrays = [(np.asarray(x), np.asarray(y)) for x, y in curves]
    common = functools.reduce(np.intersect1d, [x for x, _ in arrays])
    values = [y[np.isin(x, common)] for x, y in arrays]
    return common, np.min(values, 0), np.median(values, 0), np.max(values, 0)


def draw(runs: Mapping[str, Sequence[Run]], tags: Mapping[str, str]) -> Figure:
    """A panel for each tag with a curve for each label (see `panels`).

    Args:
      runs: by label, of several seeds or of one.
      tags: titles by tag of metrics.jsonl.

    Raises:
      InputError: a run has no row with one of the tags.
    """
    columns = {label: [(run, Columns(run.rows())) for run in of_label] for label, of_label in runs.items()}

    def curve(run: Run, rows: Columns, tag: str) -> tuple[np.ndarray, np.ndarray]:
        points = rows.series(tag)
        if not len(points):
            raise InputError(f"no row of {run.metrics_file} has {tag!r}: nothing to draw")
        return points.steps, points.values

    def panel(tag: str, title: str) -> Panel:
        return Panel(title, {label: [curve(*one, tag) for one in of_label] for label, of_label in columns.items()})

    return panels([[panel(tag, title) for tag, title in tags.items()]])


def save(figure: Figure, path: str) -> None:
    """Writes the figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    files.replace(path, buffer.getvalue())


def logarithmic(values: ArrayLike) -> bool:
    """Whether the values are positive and span a decade."""
    return bool(np.min(values) > 0 and np.max(values) / 10 >= np.min(values))


def svg(lines: Mapping[Style, Series], name: str, parts: int = PARTS) -> str:
    """A panel as an <svg> element, to stand in HTML: its axes have the colour of the text around them.

    Of a curve of many points it shows the median in each of `parts`, and in a lighter shade the lowest to the highest.

    Args:
      lines: by its style a curve with a point or more.
      name: of this panel, which no other of the page has.
      parts: 50 bytes each.
    """
    settings = {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9, "axes.formatter.use_mathtext": False}
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    look: dict[Any, Any] = {**settings, **dict.fromkeys(inks, _INK)}  # Matplotlib's types know its keys
    clipped = lambda values: np.clip(values, -_LARGEST, _LARGEST)
    lines = {style: Series(points.steps, clipped(points.values)) for style, points in lines.items()}
    with matplotlib.rc_context(look):
        figure = Figure(figsize=(3.6, 2.3), layout="constrained")
        axes = figure.add_subplot(facecolor="none")
        for style, points in lines.items():
            _plot(axes, points, style, parts, marked=len(lines) < _MARKED)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        _scale(axes, np.concatenate([points.values for points in lines.values()]))
        return _inline(figure)


def _scale(axes: Axes, values: ArrayLike) -> None:
    axes.set_yscale("log" if logarithmic(values) else "linear")
    axes.grid(alpha=0.3)


def long(points: Series, parts: int = PARTS) -> bool:
    """Whether `svg` summarizes a curve of these points."""
    return len(points) > 2 * parts


def _plot(axes: Axes, points: Series, look: Style, parts: int, marked: bool) -> None:
    """Every point, or of a long curve the median and the range in each part."""
    steps, values = points.steps, points.values
    if long(points, parts):
        pieces = np.array_split(values, parts)
        steps = np.array([piece.mean() for piece in np.array_split(steps, parts)])
        lowest, values, highest = np.transpose([(piece.min(), np.median(piece), piece.max()) for piece in pieces])
        axes.fill_between(steps, lowest, highest, color=look.color, alpha=0.2, linewidth=0)
    if len(steps) > 1 and not (marked and len(steps) < _MARKED):
        look = look._replace(marker="")
    axes.plot(steps, values, **look._asdict(), linewidth=1.4, markersize=3)


def _inline(figure: Figure) -> str:
    """The figure as SVG without what HTML does not need, and without names that other figures have too."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r' (xmlns(:\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), text)  # coordinates, not labels
    return re.sub(r"\n\s*", "\n", text).strip()
