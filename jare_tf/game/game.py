"""A GAN as a game: two losses, each a pure function of both players' parameters."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from jare_tf.errors import InputError
from jare_tf.game import functional
from jare_tf.types import Batch, Players, Point, each_player


class TwoPlayerGame:
    """ℓ_D(θ, φ) and ℓ_G(θ, φ) for a discriminator with parameters θ and a generator with parameters φ.

    Each player minimises its own loss. A network's own losses (its layers' weight regularisers) belong to its player,
    a penalty on the discriminator's gradient to the discriminator.

    Networks may compute in less precision than their parameters have (Keras' mixed policies); samples and logits are
    cast back, and losses are computed in the parameters' precision.

    Args:
      generator: a built model from latent vectors to samples.
      discriminator: a built model from samples to logits.
      loss: from (real_logits, fake_logits) to Players of two scalars, for instance `losses.forms.NonSaturating()`.
      penalties: each from (the discriminator as a function, real samples, generated samples) to a scalar that is added
        to ℓ_D, for instance `losses.gradient_penalty.R1()`.

    Attributes:
      loss_scale: None, or a number by which losses are multiplied while they are differentiated, so that gradients stay
        in the range of float16 (`dynamics.vector_field` divides by it again).

    Raises:
      InputError: a network has no variables yet.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        loss: Callable[..., Players],
        penalties: Sequence[Callable[..., tf.Tensor]] = (),
    ):
        self.networks = Players(discriminator=discriminator, generator=generator)
        self._loss, self._penalties = loss, tuple(penalties)
        self.loss_scale = None
        for name, network in self.networks._asdict().items():
            if not network.built:
                raise InputError(f"the {name} {network.name!r} is not built: call it once on a batch before it plays")

    def point(self) -> Point:
        """Where the networks' variables are now."""
        return Point(
            parameters=each_player(lambda network: _values(network.trainable_variables), self.networks),
            state=each_player(lambda network: _values(network.non_trainable_variables), self.networks),
        )

    def losses(self, point: Point, batch: Batch, training: bool = True) -> tuple[Players, Players]:
        """The losses at a point, and the state that the networks have after this pass.

        The discriminator starts both of its passes from the same state, and its new state is the one after the real
        samples: it advances once a step, and moving averages describe one population.

        Args:
          point: parameters and state; the networks' own variables are neither read nor changed.
          batch: real samples [n, ...] and latent vectors [m, k].
          training: whether the networks are in training mode.

        Returns:
          (losses, state): Players of scalars, and Players of tuples of tensors.
        """
        call = each_player(
            lambda network, parameters, state: _stateless(network, parameters, state, training),
            self.networks,
            point.parameters,
            point.state,
        )
        fake, generator_state, generator_penalty = call.generator(batch.latent)
        real_logits, discriminator_state, discriminator_penalty = call.discriminator(batch.real)
        fake_logits, _, _ = call.discriminator(fake)
        for penalty in self._penalties:
            discriminator_penalty += penalty(lambda samples: call.discriminator(samples)[0], batch.real, fake)
        losses = each_player(
            tf.add, self._loss(real_logits, fake_logits), Players(discriminator_penalty, generator_penalty)
        )
        return losses, Players(discriminator=discriminator_state, generator=generator_state)


def _values(variables) -> tuple[tf.Tensor, ...]:
    return tuple(tf.convert_to_tensor(variable.value) for variable in variables)


def _stateless(network, parameters, state, training: bool):
    """The network as a function of its inputs: outputs, new state, sum of its own losses."""

    def call(inputs):
        outputs, new_state, penalties = functional.call(network, parameters, state, inputs, training)
        outputs = tf.cast(outputs, network.variable_dtype)
        penalty = tf.add_n(penalties) if penalties else tf.zeros((), outputs.dtype)
        return outputs, new_state, penalty

    return call
