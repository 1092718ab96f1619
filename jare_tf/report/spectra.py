"""Pictures of eigenvalues and of vector fields."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from jare_tf.theory.analysis import Analysis
from jare_tf.theory.streamlines import Streamlines


def draw(rows: Mapping[str, Sequence[Analysis]]) -> Figure:
    """For each row, where a rule's eigenvalues lie, and the unit circle that its steps must stay in.

    Left and middle, the eigenvalues λ of every analysis of the row (ConOpt Fig. 3: simultaneous gradient descent and
    the regularised field, before and after training from top to bottom), on an axis that is linear near 0 and
    logarithmic beyond. Right, 1 + ηλ of the last one in the unit circle, for η the experiment's learning rate and for
    the largest stable one (ConOpt Fig. 1), or where there is none for 1/max|λ|.

    Args:
      rows: analyses at one point, by the row's title; the last of each is the rule of the experiment.
    """
    columns = max(len(row) for row in rows.values()) + 1
    figure = Figure(figsize=(3.6 * columns, 3.4 * len(rows)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes_of_row, (title, row) in zip(grid, rows.items(), strict=True):
        frame = _frame(row)
        for axes, analysis in zip(axes_of_row, row, strict=False):
            _scatter(axes, analysis, title, frame)
        for axes in axes_of_row[len(row) : -1]:
            axes.axis("off")
        _unit_circle(axes_of_row[-1], row[-1])
    return figure


def draw_streamlines(fields: Mapping[str, Streamlines], equilibrium: tuple[float, float], columns: int) -> Figure:
    """Streamlines of 2-parameter games, coloured by speed, one panel a field (GradReg Fig. 3).

    Args:
      fields: by title, row by row.
      equilibrium: (θ*, φ*), marked in every panel.
      columns: panels in a row.
    """
    rows = -(-len(fields) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.9 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, field) in zip(figure.subplots(rows, columns, squeeze=False).flat, fields.items(), strict=False):
        speed = np.hypot(field.discriminator, field.generator)
        axes.streamplot(
            field.theta, field.phi, field.discriminator, field.generator, color=speed, cmap="viridis", linewidth=0.8,
            density=1.2, arrowsize=0.8,
        )  # fmt: skip
        axes.plot(*equilibrium, "o", color="tab:red", markersize=4)
        axes.set_title(title, fontsize=8)
        axes.set(xlabel="θ", ylabel="φ", xlim=(field.theta[0], field.theta[-1]), ylim=(field.phi[0], field.phi[-1]))
        axes.tick_params(labelsize=7)
    return figure


class _Frame(NamedTuple):
    """What the axes of a row have in common: linear up to `linear`, ticks, and limits that hold all eigenvalues."""

    linear: float
    ticks: list[float]
    real: tuple[float, float]
    imaginary: tuple[float, float]


def _frame(row: Sequence[Analysis]) -> _Frame:
    values = np.concatenate([analysis.eigenvalues for analysis in row])
    sizes = np.abs(values[values != 0]) if values.any() else np.ones(1)
    linear = max(np.quantile(sizes, 0.05), 1e-4 * sizes.max())
    ends = np.floor(np.log10(sizes.max())), np.log10(3 * linear)
    decades = 10.0 ** np.arange(*ends, -2 if ends[0] - ends[1] > 3 else -1)
    limits = lambda part: (1.7 * min(part.min(), -linear), 1.7 * max(part.max(), linear))
    return _Frame(linear, [*-decades, 0.0, *decades], limits(values.real), limits(values.imag))


def _scatter(axes, analysis: Analysis, title: str, frame: _Frame) -> None:
    values = analysis.eigenvalues
    axes.axvline(0, color="gray", linewidth=0.6)
    axes.plot(values.real, values.imag, ".", markersize=4 if len(values) > 50 else 8, alpha=0.6)
    axes.set_xscale("symlog", linthresh=frame.linear)
    axes.set_yscale("symlog", linthresh=frame.linear)
    axes.set(xticks=frame.ticks, yticks=frame.ticks, xlim=frame.real, ylim=frame.imaginary)
    axes.set_title(f"{title}\n{analysis.rule}", fontsize=8)
    axes.set(xlabel="Re λ", ylabel="Im λ")
    axes.tick_params(labelsize=6)


def _unit_circle(axes, analysis: Analysis) -> None:
    axes.add_patch(Circle((0, 0), 1, fill=False, color="gray"))
    axes.axhline(0, color="gray", linewidth=0.4)
    axes.axvline(0, color="gray", linewidth=0.4)
    steps = {f"η = {analysis.step_size:.3g}": analysis.step_size}
    fastest = np.abs(analysis.eigenvalues).max(initial=0.0)
    if 0 < analysis.largest_stable_step < np.inf:
        steps[f"largest stable η = {analysis.largest_stable_step:.3g}"] = analysis.largest_stable_step
    elif fastest:
        steps[f"no η is stable; η = 1/max|λ| = {1 / fastest:.3g}"] = 1 / fastest
    for label, step in steps.items():
        multipliers = 1 + step * analysis.eigenvalues
        axes.plot(multipliers.real, multipliers.imag, "o", markersize=3.5, alpha=0.7, label=label)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xlabel="Re (1 + ηλ)", ylabel="Im (1 + ηλ)")
    axes.set_title(f"1 + ηλ of {analysis.rule}", fontsize=8)
    axes.legend(fontsize=7, loc="lower left")
    axes.tick_params(labelsize=6)
