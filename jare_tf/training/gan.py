"""A GAN as a Keras model: one training step, for `fit` and for the training program."""

import itertools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import keras
import tensorflow as tf

from jare_tf import replicas
from jare_tf.data import draws
from jare_tf.data.dataset import as_floats
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.dynamics.vector_field import squared_norm
from jare_tf.errors import InputError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import BelowOne, CountFromZero, Width, checked
from jare_tf.training import checks, optimizers
from jare_tf.training.loss_scale import LossScale
from jare_tf.training.moving_average import MovingAverage
from jare_tf.training.slow_weights import SlowWeights
from jare_tf.training.two_player_model import TwoPlayerModel
from jare_tf.types import Batch, Players

LossFunction = Annotated[Callable[..., Players], "a loss such as NonSaturating()"]
_Penalty = Callable[..., tf.Tensor]
PenaltyFunction = Annotated[_Penalty | Sequence[_Penalty], "a penalty such as R1(10.0), a list of such"]


@keras.saving.register_keras_serializable("jare_tf")
@checked
class GAN(TwoPlayerModel):
    """A generator and a discriminator trained by an update rule.

    ```python
    gan = jare_tf.GAN(
        generator, discriminator, rule=jare_tf.jare(gamma=100.0), loss=jare_tf.NonSaturating(), latent_dim=128
    )
    gan.compile(
        discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5),
        generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5),
    )
    gan.fit(images, epochs=1)
    ```

    Made under a `tf.distribute` strategy's scope, with both networks and optimizers, it takes the step of the global
    batch on all replicas: ξ is averaged over them before a rule uses it, so that γ and the losses mean the same on one
    device and on many. All replicas' parts of a batch must have the same size.

    Networks built under the Keras policy "mixed_float16" get a loss scale S: losses are multiplied by it and gradients
    divided, also when they are differentiated again. A move whose direction is not finite in float16 leaves its player
    where it is, halves S, and reports a gradient norm of 0; after 2000 other moves S is doubled. At S = 1 every move
    counts.

    Args:
      generator: a Keras model from latent vectors [n, latent_dim] to samples; `gan(z)` calls it.
      discriminator: a Keras model from samples to logits; no sigmoid at its end.
      rule: the update rule, for instance `jare(gamma=100.0)`.
      loss: the losses of the two players, for instance `NonSaturating()`.
      latent_dim: length of the latent vector z.
      latent_prior: the distribution of z, standard normal by default.
      penalty: added to the discriminator's loss, for instance `R1(10.0)`, or several; none by default.
      schedule: who moves when, `Simultaneous()` by default.
      average_decay: decay d of a moving average of the generator's weights, which `gan(z)` then uses; 0 for none.
        After step t, counted from 0, average ← d' average + (1 − d') weights with d' = min(d, (1 + t)/(10 + t)).
      seed: an integer, 0 ≤ seed < 2³¹; latent vectors depend on nothing but the seed and the number of the step.

    Attributes:
      black: what the generator makes for black, −1 where it ends in a tanh, 0 in a sigmoid; None for anything else.

    Keras' own ways work as with any model: `fit`, `evaluate`, `predict`, callbacks, `save` and `load_model`, `export`.
    In the logs `loss/`, `gradient_norm/` and `regularizer/`, each of `discriminator` and `generator`, are means over
    the epoch so far; `loss` is the sum of both losses, finite as long as both are and no measure of quality.
    `optimizer` is both players' as one (`training.optimizers.BothOptimizers`).

    Raises:
      InputError: an argument is not of its kind or range; the networks do not fit each other or latent_dim; the rule
        is `unrolled` or `lola` and a network computes in float16.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        rule: Rule,
        loss: LossFunction,
        latent_dim: Width,
        latent_prior: Prior = Normal(),
        penalty: PenaltyFunction | None = None,
        schedule: Schedule | None = None,
        average_decay: BelowOne = 0.0,
        seed: CountFromZero = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        # TensorFlow's remapper fails on leaky ReLU differentiated twice, and says so; where it works it saves no time.
        if "remapping" not in tf.config.optimizer.get_experimental_options():
            tf.config.optimizer.set_experimental_options({"remapping": False})
        self.generator, self.discriminator = generator, discriminator
        self.rule, self.loss_function, self.latent_prior = rule, loss, latent_prior
        self.schedule = Simultaneous() if schedule is None else schedule
        self.penalties = () if penalty is None else (penalty,) if callable(penalty) else tuple(penalty)
        self.latent_dim, self.average_decay, self.first_seed = latent_dim, average_decay, seed
        networks = Players(discriminator=discriminator, generator=generator)
        self.sample_shape = checks.check_parts(networks, latent_dim, loss, self.penalties)
        checks.warn_of_layers(networks, self.sample_shape, rule, self.penalties)
        made_for_black = {"Tanh": -1.0, "Sigmoid": 0.0}
        self.black = made_for_black.get(checks.last_operation(generator, (latent_dim,)))
        self.game = TwoPlayerGame(generator, discriminator, loss, self.penalties)
        self._numbers = itertools.count()
        self.seed = self.add_weight(name="seed", dtype="int64", initializer=lambda *_, **__: seed, trainable=False)
        self.iterations = self.add_weight(name="iterations", dtype="int64", initializer="zeros", trainable=False)
        self.memory = tf.nest.map_structure(lambda start: self._weight("memory", start), rule.memory(self.game.point()))
        float16 = "float16" in (generator.compute_dtype, discriminator.compute_dtype)
        if float16 and not rule.in_float16:
            raise InputError(f"{rule}: its second derivatives leave the range of float16; use mixed_bfloat16")
        self._loss_scale = LossScale(self._weight, float16)
        self.scaling = self._loss_scale.variables
        self.game.loss_scale = self.scaling[0] if float16 else None
        self._moving_average = MovingAverage(self._weight, generator, average_decay)
        self.average = self._moving_average.variables
        self._slow_weights = SlowWeights(self._weight, self._trained, self.schedule.pull_backs)
        self.slow = self._slow_weights.variables
        self.build((None, latent_dim))

    def build(self, input_shape: Any) -> None:
        """Nothing: the constructor has made all variables."""

    @property
    def _trained(self) -> list[keras.Variable]:
        return [weight for network in self.game.networks for weight in network.trainable_variables]

    @property
    def step(self) -> int:
        """How many training steps it has taken."""
        return int(self.iterations.numpy())

    def averaged_generator(self) -> keras.Model:
        """A new model: the generator with the weights of its moving average, as they are now.

        Raises:
          InputError: there is no moving average.
        """
        if not self.average_decay:
            raise InputError("GAN: there is no moving average: make it with average_decay, for instance 0.999")
        averaged = keras.models.clone_model(self.generator)
        averaged(tf.zeros([1, self.latent_dim]))
        self.copy_sampling_weights(averaged)
        return averaged

    def copy_sampling_weights(self, network: keras.Model) -> None:
        """Gives a network like the generator the weights by which `gan(z)` samples."""
        self._moving_average.copy_to(network)

    def call(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Samples from latent vectors [n, latent_dim], by the generator's moving average where there is one."""
        averaged = self.average_decay and not training
        samples = self._moving_average(latent) if averaged else self.generator(latent, training=training)
        return tf.cast(samples, self.generator.variable_dtype)

    def update(self, real: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        """One training step.

        Args:
          real: a batch of real samples for each move of the schedule, [n, *sample_shape], on several replicas this
            one's part of it, as `data.dataset.as_floats` takes them.

        Returns:
          float32 scalars by tag: `loss/`, `gradient_norm/` and `regularizer/`, each of `discriminator` and `generator`;
          a player that moves several times reports its last move.
        """
        metrics = {}
        start = [tf.identity(weight.value) for weight in self._trained] if self.schedule.returns else []
        for index, (movers, real_samples) in enumerate(zip(self.schedule.moves, real, strict=True)):
            counter = self.iterations * len(self.schedule.moves) + index
            batch = self.batch(real_samples, counter)
            memory = tf.nest.map_structure(lambda weight: tf.convert_to_tensor(weight.value), self.memory)
            update = self.rule.update(self.game, self.game.point(), batch, memory)
            players = [name for name, moves in movers._asdict().items() if moves]
            fits = self._loss_scale.fits([getattr(update.direction, player) for player in players])
            if self.schedule.returns:
                for weight, value in zip(self._trained, start, strict=True):
                    weight.assign(value)
            for player in players:
                self._apply(player, update, fits)
                metrics[f"loss/{player}"] = getattr(update.evaluation.losses, player)
                gradient_norm = tf.sqrt(squared_norm(getattr(update.evaluation.gradient, player)))
                metrics[f"gradient_norm/{player}"] = _where(fits, gradient_norm, 0.0)
                metrics[f"regularizer/{player}"] = _where(fits, getattr(update.regularizer, player), 0.0)
        self._slow_weights.advance(self.iterations)
        self._moving_average.advance(self.iterations)
        self.iterations.assign_add(1)
        return {tag: tf.cast(value, tf.float32) for tag, value in metrics.items()}

    def batch(self, real: tf.Tensor, counter, stream: int = draws.LATENT) -> Batch:
        """What move number `counter` sees: real samples as the networks take them, and as many latent vectors.

        A replica gets its own part of the latent vectors of the global batch.
        """
        if real.shape[1:] != self.sample_shape:
            single = "; this is one sample: give batches, as dataset.batch(64) does"
            raise InputError(
                f"the real samples have shape {tuple(real.shape[1:])}, the networks {tuple(self.sample_shape)}"
                f"{single if real.shape == self.sample_shape else ''}"
            )
        real = as_floats(real)
        size = real.shape[0] if real.shape[0] is not None else tf.shape(real)[0]
        shape = size * replicas.count(), self.latent_dim
        latent = self.latent_prior.draw(shape, draws.key(self.seed, stream, counter))
        return Batch(real=real, latent=replicas.own_part(latent))

    def _weight(self, name: str, initial: tf.Tensor):
        """A weight that starts as `initial`."""
        return self.add_weight(
            name=f"{name}_{next(self._numbers)}",
            shape=initial.shape,
            dtype=initial.dtype.name,
            initializer=lambda *_, **__: initial,
            trainable=False,
        )

    def _apply(self, player: str, update, fits) -> None:
        """The optimizer's step on the player's variables, and the player's next state and part of the rule's memory.

        Unless `fits`, everything is as it was.
        """
        network, optimizer = getattr(self.game.networks, player), getattr(self.optimizers, player)
        moved = [] if fits is True else [*network.trainable_variables, *optimizer.variables]
        before = [tf.identity(variable.value) for variable in moved]
        optimizers.apply(optimizer, getattr(update.direction, player), network.trainable_variables)
        for variable, value in zip(moved, before, strict=True):
            variable.assign(tf.where(fits, variable.value, value))
        weights = [*network.non_trainable_variables, *tf.nest.flatten(getattr(self.memory, player))]
        values = [*getattr(update.evaluation.state, player), *tf.nest.flatten(getattr(update.memory, player))]
        for weight, value in zip(weights, values, strict=True):
            weight.assign(_where(fits, value, weight.value))

    def pictured(self, count: int, part: int = 0) -> tf.Tensor:
        """Samples in inference mode from `count` latent vectors that stay the same throughout a run, others by part."""
        latent = self.latent_prior.draw((count, self.latent_dim), draws.key(self.first_seed, draws.PICTURE, part))
        return self(latent, training=False)


def _where(fits, value, otherwise):
    if fits is True:
        return value
    value = tf.convert_to_tensor(value)
    return tf.where(fits, value, tf.cast(otherwise, value.dtype))
