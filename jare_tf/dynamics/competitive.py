"""Competitive gradient descent."""

import dataclasses

from jare_tf.dynamics.least_squares import least_squares
from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import OFF_DIAGONAL, plus, products
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Count, NonNegative, checked
from jare_tf.types import Batch, Point


@checked
@dataclasses.dataclass(frozen=True)
class competitive(Rule):
    """Competitive gradient descent (Schäfer & Anandkumar 2019, eq. 4).

    direction = (1 + s J_o)⁻¹ ξ, J_o the off-diagonal blocks of the Jacobian: with the learning rate s under plain
    gradient descent, both players move to the equilibrium of the game that is bilinear at this point, with ‖Δw‖²/2s as
    the price of a step. In a zero-sum game it is `jare(gamma=s)` to first order in s; along a singular value b of J_o
    where the players' own Hessians vanish it multiplies by 1/(1 ± isb), which converges for every s.

    The system is solved by conjugate gradients on its normal equations, whose condition number is at most 1 + s²‖J_o‖²
    in a zero-sum game. A step costs ξ, and two products with J and its transpose for each iteration.

    Args:
      step: s, finite and not negative; the published method takes the learning rate.
      iterations: of conjugate gradients.

    Raises:
      InputError: step is negative, infinite or NaN, iterations is no integer of at least 1.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.competitive(step=1.0), theta=1.0, phi=2.0)  # (−φ + sθ, θ + sφ)/(1 + s²)
      Players(discriminator=-0.5, generator=1.5)
      >>> bilinear.rate(jare_tf.competitive(step=1.0), step=1.0)  # 1/√(1 + s²)
      0.7071...
    """

    step: NonNegative
    iterations: Count = 5
    in_float16 = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, transposed, forward = products(game, point, batch)
        direction = least_squares(
            lambda u: plus(u, self.step, forward(OFF_DIAGONAL, u)),
            lambda u: plus(u, self.step, transposed(OFF_DIAGONAL, u)),
            here.gradient,
            self.iterations,
        )
        return Update(direction=direction, evaluation=here)
