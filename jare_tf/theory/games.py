"""Games of two numbers with losses that are formulae: small enough to check by hand what a rule does."""

from collections.abc import Callable

import keras
import tensorflow as tf

from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.game.game import TwoPlayerGame
from jare_tf.theory import spectrum, step_size
from jare_tf.types import Batch, Players, Point, each_player

NO_BATCH = Batch(real=None, latent=None)


class FormulaGame(TwoPlayerGame):
    """A game whose players have one number each, in float64: losses are a function of (θ, φ), whatever the batch.

    Args:
      losses: from θ and φ, scalar tensors, to (ℓ_D, ℓ_G). Squares are `tf.square(theta)`: the third derivative of
        `theta**2`, which some rules have in their Jacobian, is NaN at 0 in TensorFlow.

    Examples:
      >>> from jare_tf.theory.games import FormulaGame
      >>> game = FormulaGame(lambda theta, phi: (tf.square(theta), tf.square(phi) - theta * phi))
      >>> game.direction(jare_tf.sim_gd(), theta=1.0, phi=2.0)  # (2θ, 2φ − θ)
      Players(discriminator=2.0, generator=3.0)
      >>> game.rate(jare_tf.sim_gd(), step=0.25)  # 1 − 2η, of both players
      0.5
    """

    def __init__(self, losses: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]):
        self._formulae = losses  # and no networks, which is all that the other games have

    def losses(self, point: Point, batch: Batch = NO_BATCH, training: bool = True) -> tuple[Players, Players]:
        """(ℓ_D, ℓ_G), and the state of no networks."""
        (theta,), (phi,) = point.parameters
        return Players(*self._formulae(theta, phi)), point.state

    def point(self, theta: float = 0.0, phi: float = 0.0) -> Point:
        """(θ, φ)."""
        return Point(Players((tf.constant(theta, tf.float64),), (tf.constant(phi, tf.float64),)), Players((), ()))

    def direction(self, rule: Rule, theta: float, phi: float, updates: int = 1) -> Players:
        """The direction of a rule at (θ, φ), two floats.

        Args:
          rule: any rule, but `debiased`, which needs a batch to halve.
          theta: θ.
          phi: φ.
          updates: which of several updates at this point, for a rule with a memory or a period.
        """
        point = self.point(theta, phi)
        memory = rule.memory(point)
        for _ in range(updates):
            update = rule.update(self, point, NO_BATCH, memory)
            memory = update.memory
        return each_player(lambda part: float(part[0]), update.direction)

    def rate(self, rule: Rule, step: float, schedule: Schedule = Simultaneous()) -> float:
        """ρ of `step_size.rate` at (0, 0), an equilibrium, for gradient descent: errors are multiplied by it in a step.

        Args:
          rule: any rule, but `debiased`.
          step: η.
          schedule: who moves when.
        """
        linear = spectrum.linearize(self, rule, self.point(), NO_BATCH, schedule=schedule)
        return step_size.rate(linear, keras.optimizers.SGD(), step)


bilinear = FormulaGame(lambda theta, phi: (-theta * phi, theta * phi))
"""ℓ_G = −ℓ_D = θφ: ξ = (−φ, θ), J = [[0, −1], [1, 0]]. It is the Dirac GAN, D(x) = θx and G = −φ, with
`losses.wasserstein`."""

damped = FormulaGame(lambda theta, phi: (tf.square(theta) / 2 - theta * phi, theta * phi - tf.square(theta) / 2))
"""ℓ_G = −ℓ_D = θφ − ½θ²: ξ = (θ − φ, θ), J = [[1, −1], [1, 0]]. The discriminator's loss is curved, as JARE's
Assumption 2 has it: rules have here the eigenvalues of
`closed_form.SimpleGame(sigma=1.0, mean=(0.0,), slope=1.0, curvature=-1.0)`."""
