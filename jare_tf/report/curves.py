"""Curves of several runs in one picture."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jare_tf.errors import InputError
from jare_tf.training.summaries import read_metrics


def draw(runs: Mapping[str, str], tags: Mapping[str, str]) -> Figure:
    """A panel for each tag with a curve for each run, on a logarithmic axis where all values are positive.

    Args:
      runs: run directories by label.
      tags: titles by tag of metrics.jsonl.

    Raises:
      InputError: a run has no row with one of the tags.
    """
    figure = Figure(figsize=(4.5 * len(tags), 3.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(1, len(tags)))
    rows = {label: read_metrics(run) for label, run in runs.items()}
    for axes, (tag, title) in zip(panels, tags.items(), strict=True):
        for label, metrics in rows.items():
            points = [(row["step"], row[tag]) for row in metrics if tag in row]
            if not points:
                raise InputError(f"no row of {runs[label]}/metrics.jsonl has {tag!r}: nothing to draw")
            axes.plot(*np.transpose(points), label=label, linewidth=1.2)
        positive = all(value > 0 for line in axes.get_lines() for value in line.get_ydata())
        axes.set(xlabel="iteration", title=title, yscale="log" if positive else "linear")
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def save(figure: Figure, path: str) -> None:
    """Writes the figure as a PNG file."""
    with tf.io.gfile.GFile(path, "wb") as file:
        figure.savefig(file, format="png")
