"""Local symplectic surgery."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.least_squares import least_squares
from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import WHOLE, products
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Count, NonNegative, checked
from jare_tf.types import Batch, Point


@checked
@dataclasses.dataclass(frozen=True)
class local_symplectic_surgery(Rule):
    """Local symplectic surgery (Mazumdar et al. 2019), as Letcher et al. 2019 compute it.

    direction = ½ (ξ + Jᵀx) with x of least ‖Jx − ξ‖² + δ‖x‖²: where J can be inverted and δ = 0 that is ½(1 + JᵀJ⁻¹)ξ,
    whose Jacobian at a point with ξ = 0 is the symmetric part ½(J + Jᵀ): nothing rotates, and it converges only to
    points at which that is positive definite, in a zero-sum game to strict local Nash equilibria.

    A step costs ξ, a product with the transpose of J, and for each iteration of conjugate gradients one with J and one
    with its transpose.

    Args:
      damping: δ, finite and not negative; theirs is 0.1.
      iterations: of conjugate gradients.

    Raises:
      InputError: damping is negative, infinite or NaN, iterations is no integer of at least 1.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> rule = jare_tf.local_symplectic_surgery(damping=0.0)
      >>> damped.direction(rule, theta=2.0, phi=1.0)  # ½(J + Jᵀ)(θ, φ) = (θ, 0)
      Players(discriminator=2.0, generator=0.0)
    """

    damping: NonNegative = 0.1
    iterations: Count = 5
    in_float16 = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, transposed, forward = products(game, point, batch)
        x = least_squares(
            lambda u: forward(WHOLE, u),
            lambda u: transposed(WHOLE, u),
            here.gradient,
            self.iterations,
            self.damping,
        )
        direction = tf.nest.map_structure(lambda a, b: (a + b) / 2, here.gradient, transposed(WHOLE, x))
        return Update(direction=direction, evaluation=here)
