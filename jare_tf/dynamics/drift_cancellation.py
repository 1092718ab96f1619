"""Simultaneous gradient descent without the interaction part of its discretisation drift."""

import dataclasses

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import OFF_DIAGONAL, plus, products
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Players, Point, each_player


@checked
@dataclasses.dataclass(frozen=True)
class drift_cancellation(Rule):
    """ξ less what the other player's simultaneous step does to it on average (Rosca et al. 2021).

    direction = ξ − ½ J_o Hξ, J_o the off-diagonal blocks of the Jacobian, H the players' learning rates: of the
    discriminator ξ_θ − ½ η_G B ξ_φ, B = ∂φ∇θ ℓ_D. A step of simultaneous gradient descent follows not ẇ = −Hξ but
    ẇ = −Hξ − ½ HJHξ up to third order; the direction cancels what of the second term is due to the other player, and
    leaves what is the gradient of each player's own ‖ξ_i‖². The published code has a player's own learning rate in
    place of the other's, which cancels it at equal rates only.

    At equal rates η it is `lola(η/2, shaping=0)`, in zero-sum games `jare(gamma=η/2)`. On the bilinear game it spirals
    out as `heun` does, |μ|² = 1 + η⁴b⁴/4. A step costs ξ and two backward passes.

    Args:
      discriminator_step: η_D, finite and not negative; both are the learning rates of plain gradient descent.
      generator_step: η_G.

    Raises:
      InputError: a step is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.drift_cancellation(discriminator_step=0.5, generator_step=1.0)
      >>> bilinear.direction(rule, theta=1.0, phi=2.0)  # (−φ + ½η_G θ, θ + ½η_D φ)
      Players(discriminator=-1.5, generator=1.5)
    """

    discriminator_step: NonNegative
    generator_step: NonNegative
    in_float16 = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, _, forward = products(game, point, batch)
        steps = Players(self.discriminator_step, self.generator_step)
        moves = each_player(lambda step, part: tuple(step * g for g in part), steps, here.gradient)
        return Update(plus(here.gradient, -0.5, forward(OFF_DIAGONAL, moves)), here)
