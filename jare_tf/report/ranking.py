"""Methods by how well they did: a row for each, with a dot for every seed."""

import math
import statistics
from collections.abc import Mapping, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jare_tf.report.styles import BLUE


def draw(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Panels side by side with the same rows: a small dot for every seed, and a bar at their mean.

    A method with values that are not finite has words in place of the bar.

    Args:
      panels: by title, the values of every method; the first method is the topmost.
    """
    labels = list(next(iter(panels.values())))
    figure = Figure(figsize=(3.2 * len(panels) + 3, 0.24 * len(labels) + 1), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, of) in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items(), strict=True
    ):
        for row, label in enumerate(labels):
            finite = [value for value in of[label] if math.isfinite(value)]
            if len(finite) == len(of[label]):
                axes.barh(row, statistics.fmean(finite), height=0.7, color=BLUE, alpha=0.25)
            else:
                words = f"{len(of[label]) - len(finite)} of {len(of[label])} diverged"
                axes.text(0.02, row, words, transform=axes.get_yaxis_transform(), va="center", size="small")
            axes.plot(finite, [row] * len(finite), ".", color=BLUE)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(title=title, ylim=(len(labels) - 0.5, -0.5), xlim=(0, None))
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    return figure
