"""Descent of the field's norm alone."""

import dataclasses

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import WHOLE, linearize, squared_norm
from jare_tf.game.game import TwoPlayerGame
from jare_tf.types import Batch, Players, Point


@dataclasses.dataclass(frozen=True)
class hamiltonian(Rule):
    """Hamiltonian gradient descent: both players descend H = ½‖ξ‖² and no loss of their own.

    direction = Jᵀξ (Balduzzi et al. 2018, section 2; what ConOpt section 4.1 and JARE Appendix C warn of). It is drawn
    to every point with ξ = 0: to saddles and maxima of the losses as to equilibria, for JᵀJ has no negative
    eigenvalue. Where ∇²_φφ ℓ_G = −t²I it drives the generator up its loss, by t²∇φ ℓ_G; `con_opt` does where γt² > 1,
    `jare` nowhere (JARE Appendix C, Condition 1). On the bilinear game with singular value b an error shrinks by
    1 − ηb² a step.

    A step costs ξ and Jᵀξ.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.hamiltonian(), theta=1.0, phi=2.0)  # ½‖ξ‖² = ½(θ² + φ²)
      Players(discriminator=1.0, generator=2.0)
      >>> bilinear.rate(jare_tf.hamiltonian(), step=0.25)  # 1 − ηb², b = 1
      0.75
    """

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        here, pullback = linearize(game, point, batch)
        half = squared_norm(here.gradient) / 2
        return Update(pullback(WHOLE, here.gradient), here, regularizer=Players(half, half))
