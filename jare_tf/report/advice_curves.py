"""The picture of advice on γ and η."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jare_tf.report.curves import logarithmic
from jare_tf.report.styles import BLUE, GRAY, GREEN, VERMILLION
from jare_tf.theory import eigenvalues
from jare_tf.theory.advice import REDUCTION, Advice


def draw(advice: Advice, title: str, gamma: float, step: float) -> Figure:
    """ζ, τ, stable and best steps, and the iterations that they need, over γ.

    Args:
      advice: what is drawn; where a value is infinite, or no step is stable, its curve has a gap.
      title: above all panels.
      gamma: the experiment's γ, a vertical line.
      step: its η, a horizontal line among the steps.
    """
    figure = Figure(figsize=(14, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    iterations = [eigenvalues.iterations(rate, REDUCTION) if rate < 1 else np.inf for rate in advice.best_rates]
    panels: list[tuple[str, Mapping[str, Sequence[float]]]] = [
        ("phase factor ζ", {"": advice.phase_factors}),
        ("conditioning τ", {"": advice.conditionings}),
        ("learning rate η", {"largest stable": advice.largest_steps, "of least rate": advice.best_steps}),
        ("iterations to a thousandth at the best η", {"": iterations}),
    ]
    for axes, (name, lines) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _plot(axes, advice.gammas, lines)
        axes.set_title(name, fontsize=9)
        axes.axvline(gamma, color=GRAY, linewidth=0.8, label="the experiment's" if len(lines) > 1 else None)
        if advice.gamma is not None:
            axes.axvline(advice.gamma, color=GREEN, linewidth=1.2, linestyle="dotted", label="best γ")
        if len(lines) > 1:
            axes.axhline(step, color=GRAY, linewidth=0.8)
            axes.legend(fontsize=7)
    return figure


def _plot(axes: Axes, gammas: Sequence[float], lines: Mapping[str, Sequence[float]]) -> None:
    shown = [value for values in lines.values() for value in values if 0 < value < np.inf]
    for (label, values), colour in zip(lines.items(), (BLUE, VERMILLION), strict=False):
        drawn = [value if 0 <= value < np.inf and not (label and value == 0) else np.nan for value in values]
        axes.plot(gammas, drawn, label=label or None, color=colour, linewidth=1.4, marker="o", markersize=2.5)
    axes.set(xscale="log", xlabel="γ", xlim=(gammas[0] / 1.3, gammas[-1] * 1.3))
    if not shown:
        axes.text(0.5, 0.5, "none is stable", transform=axes.transAxes, ha="center", backgroundcolor="white")
        axes.set_yticks([])
    if len(shown) == sum(map(len, lines.values())) and logarithmic(shown):
        axes.set_yscale("log")
    elif shown and max(shown) > 10 * min(shown):
        axes.set_yscale("symlog", linthresh=min(shown))
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=8)
