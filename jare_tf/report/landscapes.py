"""The picture of a landscape."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jare_tf.report.curves import logarithmic
from jare_tf.report.styles import BLUE, GREEN, VERMILLION
from jare_tf.theory.hessians import Eigenpairs
from jare_tf.theory.landscape import Landscape
from jare_tf.theory.path import Path, Slice
from jare_tf.theory.spectral_density import Density

_COLOURS = {"both": "#000000", "discriminator": BLUE, "generator": VERMILLION, "symmetric": GREEN}
_DASHES = {"both": "solid", "discriminator": "dashed", "generator": "dashdot"}
_MATRICES = {
    "discriminator": r"$\nabla^2_{\theta\theta}\,\ell_D$",
    "generator": r"$\nabla^2_{\varphi\varphi}\,\ell_G$",
    "symmetric": r"$J_s = \frac{1}{2}(J + J^T)$",
}
_LEAST = 1e-5  # of the largest density, that is drawn


def draw(landscape: Landscape, title: str) -> Figure:
    """The path, the densities of eigenvalues, and the slices, a row each; without a path two rows.

    Args:
      landscape: what is drawn.
      title: where, above everything.
    """
    rows = 2 if landscape.path is None else 3
    figure = Figure(figsize=(13, 3.3 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"The game's landscape {title}", fontsize=11)
    *first, densities, slices = figure.subfigures(rows, 1, squeeze=False)[:, 0]
    if landscape.path is not None:
        _draw_path(first[0].subplots(1, 3), landscape.path)
    for axes, (name, density) in zip(densities.subplots(1, 3), landscape.densities._asdict().items(), strict=True):
        _draw_density(axes, name, density, getattr(landscape.curvature, name))
    for axes, one in zip(slices.subplots(1, len(landscape.slices)), landscape.slices, strict=True):
        _draw_slice(axes, one)
    return figure


def _draw_path(panels, path: Path) -> None:
    cosines, norms, losses = panels
    for axes, values in ((cosines, path.cosines), (norms, path.norms), (losses, path.losses)):
        for name, curve in values._asdict().items():
            axes.plot(path.alphas, curve, label=name, color=_COLOURS[name], linestyle=_DASHES[name], linewidth=1.4)
        for alpha in (0, 1):
            axes.axvline(alpha, color="0.7", linewidth=0.8, zorder=0)
        _finish(axes, "α: 0 is the start, 1 the end")
    cosines.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    cosines.set_title("path-angle, cosine", fontsize=9)
    cosines.legend(fontsize=7)
    norms.set_title("path-norm ‖ξ‖", fontsize=9)
    if logarithmic(np.concatenate(path.norms)):
        norms.set_yscale("log")
    losses.set_title("losses", fontsize=9)


def _draw_density(axes: Axes, name: str, density: Density, pairs: Eigenpairs) -> None:
    """On a logarithmic axis that begins below what a single eigenvalue adds; ticks are eigenvalues."""
    single = 1 / (len(pairs.vectors) * density.width * np.sqrt(2 * np.pi))
    colour, least = _COLOURS[name], max(_LEAST * density.values.max(), 0.2 * single)
    low, high = (np.maximum(density.values + sign * density.standard_errors, least) for sign in (-1, 1))
    axes.plot(density.points, np.maximum(density.values, least), color=colour, linewidth=1.2)
    axes.fill_between(density.points, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(pairs.values, np.full_like(pairs.values, 1.4 * least), "|", color="black", markersize=7, linewidth=0.5)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(yscale="log", ylim=(least, None))
    axes.set_title(f"density of the eigenvalues of {_MATRICES[name]}", fontsize=9)
    _finish(axes, "eigenvalue")


def _draw_slice(axes: Axes, one: Slice) -> None:
    for name, curve in one.losses._asdict().items():
        axes.plot(one.distances, curve, label=name, color=_COLOURS[name], linestyle=_DASHES[name], linewidth=1.4)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    value = f"{one.eigenvalue:.3g}".replace("-", "−")
    axes.set_title(f"losses along an eigenvector of {_MATRICES[one.player]}, λ = {value}", fontsize=8)
    axes.legend(fontsize=7)
    _finish(axes, "distance")


def _finish(axes: Axes, xlabel: str) -> None:
    axes.set_xlabel(xlabel, fontsize=8)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=7)
