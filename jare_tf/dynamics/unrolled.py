"""The unrolled GAN."""

import dataclasses

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import gradient, vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import CountFromZero, NonNegative, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class unrolled(Rule):
    """The unrolled GAN: the generator descends ℓ_G as it is after k more steps of the discriminator (Metz et al. 2017).

    θ_0 = θ, θ_{i+1} = θ_i − s ∇θ ℓ_D(θ_i, φ) (their eq. 6). discriminator: ∇θ ℓ_D(θ, φ); generator:
    d/dφ ℓ_G(θ_k(θ, φ), φ), differentiated through the k steps (eq. 7–9). All steps see the same batch.

    A step costs k + 1 evaluations of ξ and a backward pass through all of them; memory grows with k. GradReg Fig. 1
    compares with k = 10.

    Args:
      steps: k, at least 0; 0 gives simultaneous gradient descent.
      step: s, the step size of the inner gradient descent, finite and not negative.

    Raises:
      InputError: steps or step is negative, step is infinite or NaN.
    """

    steps: CountFromZero
    step: NonNegative
    in_float16 = False

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here = vector_field(game, point, batch)

        def foreseen_loss(phi):
            at = point._replace(parameters=point.parameters._replace(generator=phi))
            for _ in range(self.steps):
                descent = vector_field(game, at, batch).gradient.discriminator
                theta = at.descended(Players(descent, phi), self.step).parameters.discriminator
                at = at._replace(parameters=Players(discriminator=theta, generator=phi))
            losses, _ = game.losses(at, batch)
            return losses.generator

        generator = gradient(foreseen_loss, point.parameters.generator)
        return Update(direction=Players(here.gradient.discriminator, generator), evaluation=here)
