"""JARE without second derivatives: each player answers what the other is about to do."""

import dataclasses

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class adversarial_extrapolation(Rule):
    """Adversarial extrapolation (JARE eq. 13–14, left there as future work).

    discriminator: ∇θ ℓ_D at (θ, φ^½); generator: ∇φ ℓ_G at (θ^½, φ), with the predictions θ^½ = θ − ½γ ∇θ ℓ_D and
    φ^½ = φ − ½γ ∇φ ℓ_G held constant.

    The paper derives it from JARE by a Taylor expansion, f(φ, θ^½) ≈ f + ½γ‖∇θ f‖², which it then differentiates in φ.
    With θ^½ held constant, as eq. 13 has it, the derivative is ∇φ f + ½γ ∇²_φθ f ∇θ f = ∇φ f + ¼γ ∇φ‖∇θ f‖²: in a
    zero-sum game this rule agrees to first order in γ with `jare(gamma=γ/2)`, half of what the paper says, and at the
    equilibrium of the isotropic Gaussian the Jacobians of the two are equal. In other games the two differ.

    A step costs two evaluations of ξ in arithmetic and no second derivative: ξ, and then one player's gradient at each
    of two points.

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent. A prediction is a step of ½γ.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> rule = jare_tf.adversarial_extrapolation(gamma=0.5)
      >>> bilinear.direction(rule, theta=1.0, phi=2.0)  # (−φ^½, θ^½) = (−φ + ½γθ, θ + ½γφ)
      Players(discriminator=-1.75, generator=1.5)
    """

    gamma: NonNegative
    differentiates_twice = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here = vector_field(game, point, batch)
        theta, phi = point.parameters
        theta_predicted, phi_predicted = point.descended(here.gradient, self.gamma / 2).parameters
        against_generator = vector_field(game, point._replace(parameters=Players(theta, phi_predicted)), batch)
        against_discriminator = vector_field(game, point._replace(parameters=Players(theta_predicted, phi)), batch)
        direction = Players(against_generator.gradient.discriminator, against_discriminator.gradient.generator)
        return Update(direction=direction, evaluation=here)
