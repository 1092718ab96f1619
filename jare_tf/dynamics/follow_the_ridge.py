"""Follow-the-Ridge."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.least_squares import least_squares
from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import products
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Count, NonNegative, Positive, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class follow_the_ridge(Rule):
    """Follow-the-Ridge: the generator leads, and the discriminator stays on its ridge (Wang et al. 2020, Algorithm 1).

    generator: ξ_φ; discriminator: ξ_θ − r A⁻¹ B ξ_φ, with A = ∇²θθ ℓ_D, B = ∂φ∇θ ℓ_D and the ratio r of the generator's
    learning rate to the discriminator's: the second term is how the discriminator's optimum answers the generator's
    step. Near an equilibrium the eigenvalues are those of A and of ∇²φφ ℓ_G − (∂θ∇φ ℓ_G) A⁻¹ B: on the isotropic
    Gaussian nothing rotates, whatever the learning rates. It wants a discriminator whose loss is curved: on the
    bilinear game A = 0.

    A⁻¹Bξ_φ is x of least ‖Ax − Bξ_φ‖² + δ‖x‖², by conjugate gradients, as in the published code, which besides adapts
    δ and preconditions by RMSProp. A step costs ξ, a product with J, and two with A for each iteration.

    Args:
      ratio: r, finite and positive; 1 for equal learning rates.
      damping: δ, finite and not negative.
      iterations: of conjugate gradients; theirs are 5.

    Raises:
      InputError: an argument is out of its range.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> damped.direction(jare_tf.follow_the_ridge(), theta=2.0, phi=1.0)  # A = 1, B = −1: (θ − φ + θ, θ)
      Players(discriminator=3.0, generator=2.0)
      >>> damped.rate(jare_tf.follow_the_ridge(), step=0.5)  # 1 − η, of both eigenvalues
      0.5
    """

    ratio: Positive = 1.0
    damping: NonNegative = 0.0
    iterations: Count = 5
    in_float16 = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, transposed, forward = products(game, point, batch)
        own = lambda u: transposed(((1, 0), (0, 0)), u)  # A is symmetric
        answer = least_squares(own, own, forward(((0, 1), (0, 0)), here.gradient), self.iterations, self.damping)
        xi = here.gradient
        theta = tf.nest.map_structure(lambda g, x: g - self.ratio * x, xi.discriminator, answer.discriminator)
        return Update(direction=Players(discriminator=theta, generator=xi.generator), evaluation=here)
