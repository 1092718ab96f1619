"""Legends of whole pictures."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def below(figure: Figure, keys: Sequence[Any], labels: Sequence[str], **options: Any) -> None:
    """Adds one legend below all panels, in as few rows as fit the figure's width.

    Args:
      figure: with a constrained layout.
      keys: what Matplotlib draws beside each label.
      labels: as many.
      options: others of `Figure.legend`.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    for rows in range(1, len(labels) + 1):
        columns = math.ceil(len(labels) / rows)
        legend = figure.legend(keys, labels, loc="outside lower center", ncols=columns, **options)
        if legend.get_window_extent(renderer).width <= figure.bbox.width or columns == 1:
            return
        legend.remove()
