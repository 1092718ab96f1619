"""The regularised methods of the JARE, ConOpt and GradReg papers: one formula, a block mask for each."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import Evaluation, Mask, inner_product, linearize
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import NonNegative, check
from jare_tf.types import Batch, Players, Point


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class JacobianCoupling(Rule):
    """direction = ξ + γ (C ∘ J)ᵀξ.

    With ξ = (∇θ ℓ_D, ∇φ ℓ_G) and J = ∂ξ/∂(θ, φ), the block mask C[source, target] says whose gradient norm each player
    descends besides its own loss: player t's loss becomes ℓ_t + ½γ Σ_s C[s, t] ‖ξ_s‖², differentiated for t alone. A
    variable that the added term does not reach gets its plain gradient.

    A step costs one forward pass, two backward passes, and a backward pass through those for each distinct non-empty
    column of C.

    Args:
      name: how messages and files call it.
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.
      mask: C, rows are sources and columns targets, both in the order (discriminator, generator).

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> rule = jare_tf.rules.JacobianCoupling(name="own", gamma=0.5, mask=((1, 0), (0, 1)))
      >>> damped.direction(rule, theta=2.0, phi=1.0)  # (θ − φ + γ(θ − φ), θ): each descends its own gradient's norm
      Players(discriminator=1.5, generator=2.0)
    """

    name: str
    gamma: NonNegative
    mask: Mask
    in_words = "a preset such as con_opt(gamma=10.0)"

    def __repr__(self):
        return f"{self.name}(gamma={self.gamma})" if any(map(any, self.mask)) else f"{self.name}()"

    def __post_init__(self):
        check(f"{self.name}: gamma", NonNegative, self.gamma)

    @property
    def differentiates_twice(self) -> bool:  # type: ignore[override]
        return self.gamma > 0 and any(map(any, self.mask))

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        evaluation, pullback = linearize(game, point, batch)
        coupling = pullback(self.mask, evaluation.gradient)
        return self.assembled(evaluation, coupling, evaluation.gradient, evaluation.gradient)

    def assembled(self, evaluation: Evaluation, coupling: Players, left: Players, right: Players) -> Update:
        """The update with direction ξ + γ · coupling; player t's regularizer is ½γ Σ_s C[s, t] ⟨left_s, right_s⟩."""
        products = [inner_product(*pair) for pair in zip(left, right, strict=True)]
        return Update(
            direction=tf.nest.map_structure(lambda xi, term: xi + self.gamma * term, evaluation.gradient, coupling),
            evaluation=evaluation,
            regularizer=Players(
                *(self.gamma / 2 * sum(self.mask[s][target] * products[s] for s in (0, 1)) for target in (0, 1))
            ),
        )


def sim_gd() -> JacobianCoupling:
    """Simultaneous gradient descent: direction = ξ (JARE eq. 2).

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.sim_gd(), theta=1.0, phi=2.0)
      Players(discriminator=-2.0, generator=1.0)
      >>> bilinear.rate(jare_tf.sim_gd(), step=0.75)  # √(1 + η²): it spirals out at every η
      1.25
    """
    return JacobianCoupling(name="sim_gd", gamma=0.0, mask=((0, 0), (0, 0)))


def jare(gamma: NonNegative) -> JacobianCoupling:
    """JARE: each player descends the other player's gradient norm (Nie & Patel 2019, eq. 7).

    discriminator: ∇θ ℓ_D + ½γ ∇θ‖∇φ ℓ_G‖²; generator: ∇φ ℓ_G + ½γ ∇φ‖∇θ ℓ_D‖².

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import bilinear  # ℓ_G = −ℓ_D = θφ, ξ = (−φ, θ)
      >>> bilinear.direction(jare_tf.jare(gamma=0.5), theta=1.0, phi=2.0)  # (−φ + γθ, θ + γφ)
      Players(discriminator=-1.5, generator=2.0)
      >>> bilinear.rate(jare_tf.jare(gamma=0.5), step=0.4)  # √((1 − γη)² + η²), below 1 for η < 2γ/(1 + γ²) = 0.8
      0.8944...
    """
    return JacobianCoupling(name="jare", gamma=gamma, mask=((0, 1), (1, 0)))


def con_opt(gamma: NonNegative) -> JacobianCoupling:
    """Consensus optimization: both players descend both gradient norms (Mescheder et al. 2017, Alg. 2).

    w: ξ_w + ½γ ∇_w(‖∇θ ℓ_D‖² + ‖∇φ ℓ_G‖²) for w = θ and w = φ.

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> damped.direction(jare_tf.con_opt(gamma=0.5), theta=2.0, phi=1.0)  # (θ − φ + γ(2θ − φ), θ + γ(φ − θ))
      Players(discriminator=2.5, generator=1.5)
    """
    return JacobianCoupling(name="con_opt", gamma=gamma, mask=((1, 1), (1, 1)))


def generator_only(gamma: NonNegative) -> JacobianCoupling:
    """The gradient-regularised GAN: only the generator is regularised (Nagarajan & Kolter 2017, eq. 4, whose η = γ/2).

    discriminator: ∇θ ℓ_D; generator: ∇φ ℓ_G + ½γ ∇φ‖∇θ ℓ_D‖².

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> damped.direction(jare_tf.generator_only(gamma=0.5), theta=2.0, phi=1.0)  # (θ − φ, θ + γ(φ − θ))
      Players(discriminator=1.0, generator=1.5)
    """
    return JacobianCoupling(name="generator_only", gamma=gamma, mask=((0, 1), (0, 0)))


def discriminator_only(gamma: NonNegative) -> JacobianCoupling:
    """Only the discriminator is regularised, by the generator's gradient (JARE section 5.1, eq. 26).

    discriminator: ∇θ ℓ_D + ½γ ∇θ‖∇φ ℓ_G‖²; generator: ∇φ ℓ_G.

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> damped.direction(jare_tf.discriminator_only(gamma=0.5), theta=2.0, phi=1.0)  # (θ − φ + γθ, θ)
      Players(discriminator=2.0, generator=2.0)
    """
    return JacobianCoupling(name="discriminator_only", gamma=gamma, mask=((0, 0), (1, 0)))


def smoothing(gamma: NonNegative) -> JacobianCoupling:
    """Only the discriminator is regularised, by both gradients (Mescheder et al. 2017, supplement, Fig. 7).

    discriminator: ∇θ ℓ_D + ½γ ∇θ(‖∇θ ℓ_D‖² + ‖∇φ ℓ_G‖²); generator: ∇φ ℓ_G.

    Args:
      gamma: γ, finite and not negative; 0 gives simultaneous gradient descent.

    Raises:
      InputError: gamma is negative, infinite or NaN.

    Examples:
      >>> from jare_tf.theory.games import damped  # ℓ_G = −ℓ_D = θφ − ½θ², ξ = (θ − φ, θ)
      >>> damped.direction(jare_tf.smoothing(gamma=0.5), theta=2.0, phi=1.0)  # (θ − φ + γ(2θ − φ), θ)
      Players(discriminator=2.5, generator=2.0)
    """
    return JacobianCoupling(name="smoothing", gamma=gamma, mask=((1, 0), (1, 0)))
