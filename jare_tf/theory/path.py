"""The game on straight lines through parameter space: from where training began to where it is, and along a direction.

Berard, Gidel, Almahairi, Vincent & Lacoste-Julien 2020, arXiv 1906.04848. On the line w_α = (1 − α) w_0 + α w_T the
path-angle

    cos(α) = ⟨ξ(w_α), w_0 − w_T⟩ / (‖ξ(w_α)‖ ‖w_0 − w_T‖)

is positive where descent, −ξ, leads towards the end. A change of its sign at α = 1 is attraction, a bump there is
rotation: on ξ = J(w − w*) with w_T = w* and J = I it is sign(1 − α).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf.dynamics.vector_field import vector_field
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory.matrix_free import Flat, traced
from jare_tf.types import Batch, Players, Point


class Joint(NamedTuple):
    """One thing of both players together and of each alone."""

    both: np.ndarray
    discriminator: np.ndarray
    generator: np.ndarray


class Path(NamedTuple):
    """The game on the line between two points.

    alphas: α, [k]; 0 is the first point, 1 the last.
    cosines: of the path-angle, each [k], in −1 ... 1; of one player with its part of ξ and of w_0 − w_T. NaN where the
      field, or that part of w_0 − w_T, is 0.
    norms: ‖ξ‖, each [k], the path-norm.
    losses: Players, each [k].
    """

    alphas: np.ndarray
    cosines: Joint
    norms: Joint
    losses: Players

    @property
    def sign_changes(self) -> list[float]:
        """The α at which cos(α) of both players together changes its sign, by linear interpolation."""
        known = np.isfinite(self.cosines.both) & (self.cosines.both != 0)
        alphas, cosines = self.alphas[known], self.cosines.both[known]
        before = np.flatnonzero(np.sign(cosines[:-1]) != np.sign(cosines[1:]))
        share = cosines[before] / (cosines[before] - cosines[before + 1])
        return (alphas[before] + share * (alphas[before + 1] - alphas[before])).tolist()


class Slice(NamedTuple):
    """Both losses along an eigenvector of a player's Hessian.

    player: "discriminator" or "generator".
    eigenvalue: λ.
    distances: t, [k].
    losses: at w + t u, u the eigenvector of length 1 in the player's own parameters: Players, each [k].
    """

    player: str
    eigenvalue: float
    distances: np.ndarray
    losses: Players


def between(game: TwoPlayerGame, start: Point, end: Point, batches: Sequence[Batch], alphas: Iterable[float]) -> Path:
    """Path-angle, path-norm and losses; state that is not trained, as batch norm's averages, is interpolated too.

    Args:
      game: the game.
      start: w_0.
      end: w_T.
      batches: the samples that stand for the expectations; losses and ξ are means over them.
      alphas: α.

    Raises:
      InputError: both points have the same parameters.
    """
    evaluate = traced(lambda point, batch: vector_field(game, point, batch)[:2])
    back = [_flat(one) - _flat(other) for one, other in zip(start.parameters, end.parameters, strict=True)]
    if not any(part.any() for part in back):
        raise InputError("a path needs two points: the parameters at its start and at its end are the same")
    seen, rows = [], []
    for alpha in alphas:
        found = [evaluate(_on_line(start, end, alpha), batch) for batch in batches]
        losses = np.mean([[float(loss) for loss in losses] for losses, _ in found], axis=0)
        field = [np.mean([_flat(gradient[i]) for _, gradient in found], axis=0) for i in (0, 1)]
        towards = [own @ part for own, part in zip(field, back, strict=True)]
        seen.append(alpha)
        rows.append([*losses, *towards, *map(np.linalg.norm, field)])
    columns = np.transpose(rows)
    products, norms = _joint(columns[2:4], np.add), _joint(columns[4:], np.hypot)
    lengths = _joint(np.array([np.linalg.norm(part) for part in back]), np.hypot)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = Joint(*(a / (b * c) for a, b, c in zip(products, norms, lengths, strict=True)))
    return Path(np.array(seen), cosines, norms, Players(*columns[:2]))


def along(
    game: TwoPlayerGame,
    point: Point,
    batches: Sequence[Batch],
    pairs: Players,
    ends: Sequence[int] = (0, -1),
    points: int = 51,
    change: float = 0.1,
) -> Iterator[Slice]:
    """Slices of both losses along eigenvectors of the discriminator's and then of the generator's Hessian.

    A slice reaches to both sides as far as the eigenvalue alone changes the loss, ½|λ|t² = `change`, but no further
    than the length of the player's parameters (or 1 where these are 0).

    Args:
      game: the game.
      point: w.
      batches: the samples that stand for the expectations; losses are means over them.
      pairs: Players of `hessians.Eigenpairs`, of A and of E.
      ends: which eigenvalues, by index; by default the smallest and the largest.
      points: of a slice.
      change: of the loss.
    """
    flat = Flat(point)
    losses = traced(lambda vector, batch: game.losses(flat.point(vector), batch)[0])
    centres, dtype = [_flat(player) for player in point.parameters], flat.vector(point.parameters).dtype

    def at(parts: Sequence[np.ndarray]) -> np.ndarray:
        vector = tf.cast(np.concatenate(parts), dtype)
        return np.mean([[float(loss) for loss in losses(vector, batch)] for batch in batches], axis=0)

    for player, (name, own) in enumerate(pairs._asdict().items()):
        for end in ends:
            value, direction = float(own.values[end]), own.vectors[:, end]
            reach = np.linalg.norm(centres[player]) or 1.0
            reach = min(reach, np.sqrt(2 * change / abs(value))) if value else reach
            distances = np.linspace(-reach, reach, points)
            moved = (
                [centre + t * direction if i == player else centre for i, centre in enumerate(centres)]
                for t in distances
            )
            yield Slice(name, value, distances, Players(*np.transpose([at(parts) for parts in moved])))


def _on_line(start: Point, end: Point, alpha: float) -> Point:
    """(1 − α) start + α end; whole numbers, as counters, are those of the end."""
    blend = lambda first, last: (1 - alpha) * first + alpha * last if last.dtype.is_floating else last
    return tf.nest.map_structure(blend, start, end)


def _joint(players: np.ndarray, together: np.ufunc) -> Joint:
    return Joint(together(*players), *players)


def _flat(tensors) -> np.ndarray:
    return Flat.vector(tensors).numpy().astype(np.float64)
