"""Symplectic gradient adjustment."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import evaluation_and_products, inner_product
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Point


@checked
@dataclasses.dataclass(frozen=True)
class symplectic_gradient_adjustment(Rule):
    """Symplectic gradient adjustment with sign alignment (Balduzzi et al. 2018, Algorithm 1).

    direction = ξ + γ s Aᵀξ with the antisymmetric part A = ½(J − Jᵀ) of the Jacobian and the sign
    s = sign(⟨ξ, ∇H⟩ ⟨Aᵀξ, ∇H⟩ / d + 1/10), where ∇H = Jᵀξ is the gradient of H = ½‖ξ‖² and d the number of parameters:
    the adjustment draws towards stable fixed points and away from unstable ones.

    A step costs ξ, Jᵀξ and Jξ.

    Args:
      gamma: γ, called λ there, finite and not negative; 0 gives simultaneous gradient descent, 1 is theirs.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> rule = jare_tf.symplectic_gradient_adjustment(gamma=0.5)
      >>> damped.direction(rule, theta=2.0, phi=1.0)  # Aᵀξ = (θ, φ − θ), s = 1
      Players(discriminator=2.0, generator=1.5)
    """

    gamma: NonNegative = 1.0

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, transposed, product = evaluation_and_products(game, point, batch)
        adjustment = tf.nest.map_structure(lambda a, b: (a - b) / 2, transposed, product)
        size = sum(tf.size(w) for w in tf.nest.flatten(point.parameters))
        towards = inner_product(here.gradient, transposed) * inner_product(adjustment, transposed)
        sign = tf.sign(towards / tf.cast(size, towards.dtype) + 0.1)
        direction = tf.nest.map_structure(lambda xi, term: xi + self.gamma * sign * term, here.gradient, adjustment)
        return Update(direction=direction, evaluation=here)
