"""The unrolled GAN."""

import dataclasses
from typing import Any

from jare_tf.dynamics.inner_steps import GradientSteps, InnerSteps
from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import gradient, vector_field
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import CountFromZero, NonNegative, checked
from jare_tf.types import Batch, Players, Point


@checked
@dataclasses.dataclass(frozen=True)
class unrolled(Rule):
    """The unrolled GAN: the generator descends ℓ_G as it is after k more steps of the discriminator (Metz et al. 2017).

    θ_0 = θ, θ_{i+1} = θ_i − s ∇θ ℓ_D(θ_i, φ) (their eq. 6), or the steps of `inner`. discriminator: ∇θ ℓ_D(θ, φ);
    generator: d/dφ ℓ_G(θ_k(θ, φ), φ), differentiated through the k steps (eq. 7–9). All steps see the same batch.

    GradReg Fig. 1 compares with k = 10, and its code unrolls the discriminator's own Adam from where its moments are:
    `unrolled(10, 1e-4, AdamSteps(beta_1=0.5))` under `keras.optimizers.Adam(1e-4, beta_1=0.5)`. The rule keeps these
    moments itself, of every gradient by which the discriminator moved, and they are the optimizer's where that has the
    same β1, β2 and ε and clips nothing.

    A step costs k + 1 evaluations of ξ and a backward pass through all of them; memory grows with k.

    Args:
      steps: k, at least 0; 0 gives simultaneous gradient descent.
      step: s, the learning rate of the inner steps, finite and not negative.
      inner: whose steps they are, plain gradient descent's by default.

    Raises:
      InputError: steps or step is negative, step is infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.unrolled(steps=1, step=0.5), theta=1.0, phi=2.0)  # ℓ_G = (θ + sφ)φ: (−φ, θ + 2sφ)
      Players(discriminator=-2.0, generator=3.0)
    """

    steps: CountFromZero
    step: NonNegative
    inner: InnerSteps = GradientSteps()
    in_float16 = False

    @property
    def settles(self) -> int:  # type: ignore[override]  # frozen: nobody writes it
        return self.inner.settles

    def memory(self, point: Point) -> Players:
        """What the inner steps remember of the discriminator."""
        return Players(self.inner.memory(point.parameters.discriminator), ())

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory: Any = NOTHING) -> Update:
        here = vector_field(game, point, batch)

        def foreseen_loss(phi):
            at = point._replace(parameters=point.parameters._replace(generator=phi))
            inner = memory.discriminator
            for _ in range(self.steps):
                gradient_there = vector_field(game, at, batch).gradient.discriminator
                descent, inner = self.inner.descent(inner, gradient_there)
                theta = at.descended(Players(descent, phi), self.step).parameters.discriminator
                at = at._replace(parameters=Players(discriminator=theta, generator=phi))
            losses, _ = game.losses(at, batch)
            return losses.generator

        generator = gradient(foreseen_loss, point.parameters.generator)
        _, inner = self.inner.descent(memory.discriminator, here.gradient.discriminator)
        direction = Players(here.gradient.discriminator, generator)
        return Update(direction=direction, evaluation=here, memory=Players(inner, ()))
