"""The vector field of a game of two parameters."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory.matrix_free import traced
from jare_tf.theory.spectrum import mean_direction
from jare_tf.types import Batch, Players


class Streamlines(NamedTuple):
    """Where a rule moves the players: arrays [len(phi), len(theta)] over a grid with θ along the second axis.

    theta, phi: the grid's coordinates.
    discriminator, generator: −direction of each player, the velocity of continuous-time descent.
    """

    theta: np.ndarray
    phi: np.ndarray
    discriminator: np.ndarray
    generator: np.ndarray


def streamlines(game: TwoPlayerGame, rule: Rule, batch: Batch, theta: np.ndarray, phi: np.ndarray) -> Streamlines:
    """The field −direction(θ, φ) of any rule on a grid (GradReg Fig. 3), as `spectrum.mean_direction` has it.

    Args:
      game: a game whose players have one parameter each.
      rule: any rule.
      batch: the samples that stand for the expectations.
      theta: the grid's coordinates of the discriminator's parameter.
      phi: the grid's coordinates of the generator's.

    Raises:
      InputError: a player has more parameters.
    """
    point = game.point()
    shapes = [tuple(leaf.shape) for leaf in tf.nest.flatten(point.parameters)]
    if len(shapes) != 2 or any(np.prod(shape) != 1 for shape in shapes):
        raise InputError(f"streamlines need one parameter for each player, not shapes {shapes}")

    def velocity(coordinates):
        parameters = Players(
            *((tf.reshape(w, shape),) for w, shape in zip(tf.unstack(coordinates), shapes, strict=True))
        )
        here = point._replace(parameters=parameters)
        direction = mean_direction(game, rule, here, batch)
        return -tf.concat([tf.reshape(leaf, [1]) for leaf in tf.nest.flatten(direction)], 0)

    grid = np.stack(np.meshgrid(theta, phi), axis=-1).astype(point.parameters.discriminator[0].dtype.as_numpy_dtype)
    velocities = traced(lambda places: tf.map_fn(velocity, places))(tf.constant(grid.reshape(-1, 2)))
    field = velocities.numpy().reshape(grid.shape)
    return Streamlines(np.asarray(theta), np.asarray(phi), field[..., 0], field[..., 1])
