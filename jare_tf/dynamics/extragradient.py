"""The extragradient method."""

import dataclasses

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Point


@checked
@dataclasses.dataclass(frozen=True)
class extragradient(Rule):
    """The extragradient method: direction = ξ(w − s ξ(w)) (Korpelevich 1976; Gidel et al. 2019, section 3.2).

    Both evaluations see the same batch, so that the first one's noise does not lead the second astray. A step costs two
    evaluations of ξ.

    Args:
      step: s, the step size of the extrapolation, finite and not negative; the classical method takes the learning
        rate. The extrapolation is plain gradient descent, whatever optimizer applies the direction.

    Raises:
      InputError: step is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.extragradient(step=0.5), theta=1.0, phi=2.0)  # (−φ + sθ, θ + sφ)
      Players(discriminator=-1.5, generator=2.0)
      >>> bilinear.rate(jare_tf.extragradient(step=0.5), step=0.5)  # √((1 − s²)² + s²), below 1 for s < 1
      0.9013...
    """

    step: NonNegative
    differentiates_twice = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here = vector_field(game, point, batch)
        ahead = vector_field(game, point.descended(here.gradient, self.step), batch)
        return Update(direction=ahead.gradient, evaluation=here)
