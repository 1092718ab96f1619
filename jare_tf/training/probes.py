"""Quantities beyond the step's own metrics, measured whenever a run logs. A probe maps a GAN to scalars by tag."""

import dataclasses

from jare_tf.dynamics.field import squared_norm
from jare_tf.training.gan import GAN
from jare_tf.types import Players


@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterDistance:
    """`parameter_distance/discriminator` = ‖θ − θ*‖ and `/generator` = ‖φ − φ*‖, for a game with a known equilibrium.

    These are "d_norm" and "g_norm" of JARE Fig. 1.

    Args:
      equilibrium: (θ*, φ*), for each player a tuple of tensors in the order of its trainable variables.
    """

    equilibrium: Players

    def __call__(self, gan: GAN) -> dict[str, float]:
        parameters = gan.game.point().parameters
        return {
            f"parameter_distance/{player}": float(squared_norm([a - b for a, b in zip(now, rest, strict=True)])) ** 0.5
            for player, now, rest in zip(Players._fields, parameters, self.equilibrium, strict=True)
        }
