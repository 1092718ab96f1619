"""Adaptive competitive gradient descent."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.least_squares import least_squares
from jare_tf.dynamics.rule import Rule, Update, settled_after
from jare_tf.dynamics.vector_field import OFF_DIAGONAL, products
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import BelowOne, Count, Positive, checked
from jare_tf.types import Batch, Players, Point, each_player

_TINY = 1e-32


@checked
@dataclasses.dataclass(frozen=True)
class adaptive_competitive(Rule):
    """Competitive gradient descent with a learning rate for each parameter, ACGD (Schäfer et al. 2020).

    direction = (H⁻¹ + J_o)⁻¹ ξ, J_o the off-diagonal blocks of the Jacobian, H = diag(s √(1 − βᵗ)/(√v_t + ε)) and
    v_t = β v_{t−1} + (1 − β) ξ². It is a step already: the published method is plain gradient descent with the learning
    rate 1, `keras.optimizers.SGD(1.0)`.

    The system is solved for y = H^−½ · direction, as (1 + H^½ J_o H^½) y = H^½ ξ, by so many iterations of conjugate
    gradients on its normal equations; theirs eliminate one player, and begin with the last solution. A step costs ξ,
    and two products with J and its transpose for each iteration; it remembers one number for each parameter.

    Args:
      step: s, finite and positive; theirs is 1e-3.
      beta: β, from 0 to below 1.
      epsilon: ε, finite and positive.
      iterations: of conjugate gradients.

    Raises:
      InputError: an argument is out of its range.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.adaptive_competitive(step=2.0, beta=0.0, epsilon=1.0)  # H = 2/(|ξ| + 1)
      >>> bilinear.direction(rule, theta=1.0, phi=1.0)  # |ξ| = 1, H = 1: (−φ + θ, θ + φ)/2
      Players(discriminator=0.0, generator=1.0)
    """

    step: Positive
    beta: BelowOne = 0.99
    epsilon: Positive = 1e-5
    iterations: Count = 5
    in_float16 = False

    @property
    def settles(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return settled_after(self.beta)

    def memory(self, point: Point) -> Players:
        """For each player its number of moves, and v."""
        return each_player(lambda part: (tf.zeros((), tf.int64), tuple(map(tf.zeros_like, part))), point.parameters)

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Players) -> Update:
        here, transposed, forward = products(game, point, batch)
        memory = each_player(self._advanced, memory, here.gradient)
        root = each_player(self._root, memory)  # of H
        scaled = lambda u: tf.nest.map_structure(tf.multiply, root, u)
        system = lambda product: lambda u: tf.nest.map_structure(tf.add, u, scaled(product(OFF_DIAGONAL, scaled(u))))
        y = least_squares(system(forward), system(transposed), scaled(here.gradient), self.iterations)
        return Update(direction=scaled(y), evaluation=here, memory=memory)

    def _advanced(self, memory, gradient):
        moves, v = memory
        return moves + 1, tuple(self.beta * old + (1 - self.beta) * g**2 for old, g in zip(v, gradient, strict=True))

    def _root(self, memory):
        moves, v = memory
        step = lambda dtype: self.step * tf.sqrt(1 - self.beta ** tf.cast(moves, dtype))
        # √v has no derivative at 0, where the game rests.
        return tuple(tf.sqrt(step(one.dtype) / (tf.sqrt(one + _TINY) + self.epsilon)) for one in v)
