"""Regularisation with an unbiased estimate of the gradient norms."""

import dataclasses

import tensorflow as tf

from jare_tf.dynamics.jacobian_coupling import JacobianCoupling
from jare_tf.dynamics.rule import NOTHING, Rule, Update
from jare_tf.dynamics.vector_field import Evaluation, linearize
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import checked
from jare_tf.types import Batch, Point


@checked
@dataclasses.dataclass(frozen=True)
class debiased(Rule):
    """A preset whose ‖ξ‖² is estimated without bias: player t descends ℓ_t + ½γ Σ_s C[s, t] ⟨ξ_s, ξ'_s⟩.

    ξ and ξ' are the fields on the two independent halves of the batch, so that E⟨ξ_s, ξ'_s⟩ = ‖E ξ_s‖², where
    E‖ξ_s‖² = ‖E ξ_s‖² + Var(ξ_s) pushes the players towards points of little noise (ConOpt supplement, Lemma 15: on a
    batch of B the bias of ½‖ξ‖² is Var/(2B)). The lemma's text subtracts a multiple of the sample variance instead;
    halves need no gradient of each sample. Their inner product is noisier than the norm, and may be negative. A batch
    of one sample is its own other half, with the preset's bias.

    ℓ_t is the mean over the whole batch. Batch norm normalises each half by itself; the next state is the mean of both
    halves' states. A step costs what the preset's does.

    Args:
      rule: a preset, for instance `con_opt(gamma=10.0)`.

    Raises:
      InputError: rule is no preset.

    Examples:
      >>> from jare_tf.networks import affine
      >>> gan = affine.generator(mean=[0.0], offset=0.0), affine.discriminator(dimension=1)
      >>> game = jare_tf.TwoPlayerGame(*gan, jare_tf.Minimax(jare_tf.losses.wasserstein()))  # ∇θ ℓ_D = φ − E[x]
      >>> batch = jare_tf.Batch(real=tf.constant([[0.0], [4.0]]), latent=tf.zeros([2, 1]))
      >>> for rule in (jare_tf.jare(gamma=1.0), jare_tf.debiased(jare_tf.jare(gamma=1.0))):
      ...     print(float(rule.update(game, game.point(), batch).regularizer.generator))  # ½γ · 2², and ½γ · 0 · 4
      2.0
      0.0
    """

    rule: JacobianCoupling

    def update(self, game: TwoPlayerGame, point: Point, batch: Batch, memory=NOTHING) -> Update:
        real, latent = (_halves(samples) for samples in batch)
        first, second, pullback = linearize(game, point, *(Batch(*half) for half in zip(real, latent, strict=True)))
        half = lambda xi: tf.nest.map_structure(lambda tensor: tensor / 2, xi)
        coupling = pullback(self.rule.mask, half(second.gradient), half(first.gradient))
        sizes = [tf.shape(half)[0] for half in real]
        share = sizes[0] / (sizes[0] + sizes[1])
        return self.rule.assembled(_mean(first, second, share), coupling, first.gradient, second.gradient)


def _halves(samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The first and the second half; of a single sample twice that."""
    size = tf.shape(samples)[0]
    return samples[: (size + 1) // 2], samples[tf.minimum((size + 1) // 2, size - 1) :]


def _mean(first: Evaluation, second: Evaluation, share) -> Evaluation:
    """The evaluation on both halves; a state that is no floating-point number is the first half's."""

    def mean(a, b):
        return tf.cast(share, a.dtype) * a + tf.cast(1 - share, a.dtype) * b if a.dtype.is_floating else a

    return tf.nest.map_structure(mean, first, second)
