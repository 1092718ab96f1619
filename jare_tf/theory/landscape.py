"""Curvature, densities, path and slices at a point of a game, in one record."""

from typing import Any, NamedTuple

import numpy as np

from jare_tf.theory.hessians import Curvature
from jare_tf.theory.path import Path, Slice
from jare_tf.theory.spectral_density import Density

_NAMES = {"discriminator": "∇²θθ ℓ_D", "generator": "∇²φφ ℓ_G"}


class Densities(NamedTuple):
    """Of the eigenvalues of A, E and J_s."""

    discriminator: Density
    generator: Density
    symmetric: Density


class Landscape(NamedTuple):
    """How the losses of a game curve around a point, and what lies on the way there.

    curvature: eigenvalues of both Hessians and of J_s, and ‖J_a‖.
    densities: of these eigenvalues.
    slices: both losses along the eigenvectors of the smallest and the largest eigenvalue of A and of E.
    path: from where training began, None where there is none.
    """

    curvature: Curvature
    densities: Densities
    slices: list[Slice]
    path: Path | None

    def to_json(self) -> dict[str, Any]:
        """What landscape.json holds of it; null for what is not defined."""
        found, low, high = self.curvature, *self.curvature.real_bounds
        return {
            **{name: _matrix(found, self.densities, name) for name in Densities._fields},
            "antisymmetric": {"norm": found.rotation, "residual": found.rotation_residual},
            "bounds": {"real": [low, high], "imaginary": found.rotation},
            "path": None if self.path is None else _nested(self.path),
            "slices": [_nested(one) for one in self.slices],
        }

    def summary(self) -> list[str]:
        """A few lines to read."""
        lines = [_sentence(name, self.curvature) for name in _NAMES]
        low, high = self.curvature.real_bounds
        lines.append(f"- eigenvalues λ of J: {low:.4g} ≤ Re λ ≤ {high:.4g}, |Im λ| ≤ {self.curvature.rotation:.4g}")
        if self.path is not None:
            start, end = (self.path.cosines.both[np.abs(self.path.alphas - alpha).argmin()] for alpha in (0, 1))
            changes = ", ".join(f"{alpha:.3f}" for alpha in self.path.sign_changes)
            turns = f"changes its sign at α = {changes}" if changes else "keeps its sign"
            lines.append(f"- path-angle: cos is {start:.3g} at the start, {end:.3g} at the end, and {turns}")
        return lines


def _sentence(player: str, found: Curvature) -> str:
    own = getattr(found, player)
    extent = f"- {player}: {_NAMES[player]} has eigenvalues from {own.values[0]:.4g} to {own.values[-1]:.4g}"
    dense = len(own.values) == len(own.vectors)
    if own.negative:
        of = len(own.vectors) if dense else f"the {len(own.values)} found"
        return f"{extent}, {own.negative} of {of} negative: it is not at a minimum of its own loss"
    return f"{extent}, none negative" + ("" if dense else f" beyond the error, {own.residuals[0]:.2g}")


def _matrix(found: Curvature, densities: Densities, name: str) -> dict[str, Any]:
    pairs, density = getattr(found, name), getattr(densities, name)
    return {
        "size": len(pairs.vectors),
        "eigenvalues": _nested(pairs.values),
        "residuals": _nested(pairs.residuals),
        "density": _nested(density),
    }


def _nested(value) -> Any:
    """Named tuples as objects, arrays as lists, and null for a number that is not finite."""
    if hasattr(value, "_asdict"):
        return {name: _nested(part) for name, part in value._asdict().items()}
    if isinstance(value, np.ndarray):
        return [number if np.isfinite(number) else None for number in value.tolist()]
    return value
