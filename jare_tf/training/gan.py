"""A GAN as a Keras model: one training step, for `fit` and for the training program."""

import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import keras
import tensorflow as tf

from jare_tf import replicas
from jare_tf.data import draws
from jare_tf.data.dataset import as_floats
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.rule import Rule, within
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.dynamics.unrolled import unrolled
from jare_tf.dynamics.vector_field import squared_norm
from jare_tf.errors import InputError, brief, shown
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import BelowOne, CountFromZero, Width, checked
from jare_tf.training.loss_scale import LossScale
from jare_tf.training.moving_average import MovingAverage
from jare_tf.training.optimizers import check_optimizer
from jare_tf.types import Batch, Players, each_player

METRICS = tuple(
    f"{quantity}/{player}" for quantity in ("loss", "gradient_norm", "regularizer") for player in Players._fields
)


LossFunction = Annotated[Callable[..., Players], "a loss such as NonSaturating()"]
PenaltyFunction = Annotated[Callable[..., tf.Tensor], "a penalty such as R1(10.0)"]


@checked
class GAN(keras.Model):
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
      penalty: added to the discriminator's loss, for instance `R1(10.0)`; none by default.
      schedule: who moves when, `Simultaneous()` by default.
      average_decay: decay d of a moving average of the generator's weights, which `gan(z)` then uses; 0 for none.
        After step t, counted from 0, average ← d' average + (1 − d') weights with d' = min(d, (1 + t)/(10 + t)).
      seed: an integer, 0 ≤ seed < 2³¹; latent vectors depend on nothing but the seed and the number of the step.

    Raises:
      InputError: an argument is not of its kind or range; the networks do not fit each other or latent_dim; the rule
        is `unrolled` and a network computes in float16.
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
        schedule = Simultaneous() if schedule is None else schedule
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim = latent_dim
        self.sample_shape = _build_and_check(generator, discriminator, latent_dim, loss, penalty)
        self.game = TwoPlayerGame(generator, discriminator, loss, penalty)
        self.rule, self.schedule, self.latent_prior = rule, schedule, latent_prior
        self.seed = self.add_weight(name="seed", dtype="int64", initializer=lambda *_, **__: seed, trainable=False)
        self.iterations = self.add_weight(name="iterations", dtype="int64", initializer="zeros", trainable=False)
        self.memory = tf.nest.map_structure(lambda start: self._weight("memory", start), rule.memory(self.game.point()))
        self.average_decay = average_decay
        float16 = "float16" in (generator.compute_dtype, discriminator.compute_dtype)
        if float16 and within(rule, unrolled):
            raise InputError("unrolled: its second derivatives leave the range of float16; take mixed_bfloat16")
        self._loss_scale = LossScale(self._weight, float16)
        self.scaling = self._loss_scale.variables
        self.game.loss_scale = self.scaling[0] if float16 else None
        self.first_seed = seed
        self._moving_average = MovingAverage(self._weight, generator, average_decay)
        self.average = self._moving_average.variables
        self.built = True

    @property
    def step(self) -> int:
        """How many training steps it has taken."""
        return int(self.iterations.numpy())

    def compile(
        self,
        discriminator_optimizer: keras.optimizers.Optimizer,
        generator_optimizer: keras.optimizers.Optimizer,
        **kwargs: Any,
    ) -> None:
        """Sets each player's optimizer; `kwargs` are `keras.Model.compile`'s (`jit_compile`, `run_eagerly`, ...).

        Raises:
          InputError: one of them is no optimizer.
        """
        for name, optimizer in Players(discriminator_optimizer, generator_optimizer)._asdict().items():
            check_optimizer(f"GAN.compile: {name}_optimizer", optimizer)
        super().compile(optimizer=None, **kwargs)
        self.discriminator_optimizer, self.generator_optimizer = discriminator_optimizer, generator_optimizer
        for optimizer in (discriminator_optimizer, generator_optimizer):
            # A direction is that of the global batch already, on every replica: the sum over replicas that Keras takes
            # would multiply it, and clip what is to be summed.
            optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
        self.optimizers = Players(discriminator=discriminator_optimizer, generator=generator_optimizer)
        each_player(
            lambda optimizer, network: optimizer.build(network.trainable_variables),
            self.optimizers,
            self.game.networks,
        )
        self._compiled_rates = each_player(_learning_rates, self.optimizers)

    def reset_learning_rates(self) -> None:
        """Sets each optimizer's learning rate back to what it was compiled with; schedules need nothing.

        A rate that is a number is a variable of the optimizer, which a checkpoint and a file of weights bring back.
        """
        for optimizer, compiled in zip(self.optimizers, self._compiled_rates, strict=True):
            for variable, rate in zip(_rate_variables(optimizer), compiled, strict=True):
                variable.assign(rate)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """`keras.Model.load_weights`, with a warning where the file changes an optimizer's learning rate."""
        optimizers = self.optimizers._asdict() if self.compiled else {}
        before = {player: _learning_rates(optimizer) for player, optimizer in optimizers.items()}
        super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
        changes = [
            f"{player} {restored:.6g} in place of {rate:.6g}"
            for player, optimizer in optimizers.items()
            for rate, restored in zip(before[player], _learning_rates(optimizer), strict=True)
            if rate != restored
        ]
        if changes:
            warnings.warn(
                f"load_weights: {filepath} sets learning rates: {', '.join(changes)}; gan.reset_learning_rates() sets "
                "those of `compile` again",
                stacklevel=2,
            )

    def call(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Samples from latent vectors [n, latent_dim], by the generator's moving average where there is one."""
        averaged = self.average_decay and not training
        samples = self._moving_average(latent) if averaged else self.generator(latent, training=training)
        return tf.cast(samples, self.generator.variable_dtype)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Keras' hook for `fit`: one step, all of its moves on this batch of real samples; labels are ignored."""
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.update([real] * len(self.schedule.moves))

    def update(self, real: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        """One training step.

        Args:
          real: a batch of real samples for each move of the schedule, [n, *sample_shape], on several replicas this
            one's part of it; integers are taken as pixels 0 ... 255 and scaled to [−1, 1], floating-point numbers as
            they are.

        Returns:
          float32 scalars by tag: `loss/`, `gradient_norm/` and `regularizer/`, each of `discriminator` and `generator`;
          a player that moves several times reports its last move.
        """
        metrics = {}
        for index, (movers, samples) in enumerate(zip(self.schedule.moves, real, strict=True)):
            counter = self.iterations * len(self.schedule.moves) + index
            batch = self.batch(samples, counter)
            memory = tf.nest.map_structure(lambda weight: tf.convert_to_tensor(weight.value), self.memory)
            update = self.rule.update(self.game, self.game.point(), batch, memory)
            players = [name for name, moves in movers._asdict().items() if moves]
            fits = self._loss_scale.fits([getattr(update.direction, player) for player in players])
            for player in players:
                self._apply(player, update, fits)
                metrics[f"loss/{player}"] = getattr(update.evaluation.losses, player)
                gradient_norm = tf.sqrt(squared_norm(getattr(update.evaluation.gradient, player)))
                metrics[f"gradient_norm/{player}"] = _where(fits, gradient_norm, 0.0)
                metrics[f"regularizer/{player}"] = _where(fits, getattr(update.regularizer, player), 0.0)
        self._moving_average.advance(self.iterations)
        self.iterations.assign_add(1)
        return {tag: tf.cast(value, tf.float32) for tag, value in metrics.items()}

    def batch(self, real: tf.Tensor, counter) -> Batch:
        """What move number `counter` sees: real samples as the networks take them, and as many latent vectors.

        A replica gets its own part of the latent vectors of the global batch.
        """
        if real.shape[1:] != self.sample_shape:
            raise InputError(
                f"the real samples have shape {tuple(real.shape[1:])}, the networks {tuple(self.sample_shape)}"
            )
        real = as_floats(real)
        size = real.shape[0] if real.shape[0] is not None else tf.shape(real)[0]
        shape = size * replicas.count(), self.latent_dim
        latent = self.latent_prior.draw(shape, draws.key(self.seed, draws.LATENT, counter))
        return Batch(real=real, latent=replicas.own_part(latent))

    def _weight(self, name: str, initial: tf.Tensor):
        """A weight that starts as `initial`."""
        return self.add_weight(
            name=name,
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
        optimizer.apply(getattr(update.direction, player), network.trainable_variables)
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


def _rate_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The learning rates that are variables, those of optimizers within it too; a schedule has none."""
    return [variable for variable in optimizer.variables if variable.name == "learning_rate"]


def _learning_rates(optimizer: keras.optimizers.Optimizer) -> tuple[float, ...]:
    return tuple(float(variable.numpy()) for variable in _rate_variables(optimizer))


def _where(fits, value, otherwise):
    if fits is True:
        return value
    value = tf.convert_to_tensor(value)
    return tf.where(fits, value, tf.cast(otherwise, value.dtype))


def _build_and_check(generator, discriminator, latent_dim: int, loss: LossFunction, penalty: PenaltyFunction | None):
    """Builds both networks, and calls the loss and the penalty once; the shape of one sample."""
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            "GAN: images have their channels last here, and Keras is set to channels_first: call "
            "keras.config.set_image_data_format('channels_last') before networks are made"
        )
    fake = _called(
        f"the generator {generator.name!r} does not take latent_dim = {latent_dim}",
        generator,
        tf.zeros([1, latent_dim]),
    )
    what = f"the discriminator {discriminator.name!r} does not take what the generator makes"
    if not tf.is_tensor(fake):
        raise InputError(f"the generator {generator.name!r} must make one tensor of samples, not {shown(fake)}")
    logits = _called(f"{what}, shape {tuple(fake.shape[1:])}", discriminator, fake)
    if not tf.is_tensor(logits):
        raise InputError(
            f"the discriminator {discriminator.name!r} must give one tensor of logits, not {shown(logits)}"
        )
    if logits.shape[0] != 1:
        raise InputError(
            f"the discriminator {discriminator.name!r} must give logits [n, ...], not {tuple(logits.shape)}"
        )
    losses = _called("GAN: loss must take the logits of real and of generated samples", loss, logits, logits)
    if not isinstance(losses, Players) or any(tf.rank(one) != 0 for one in losses):
        raise InputError(f"GAN: loss must give Players of two scalars, not {shown(losses)}")
    if penalty is not None:
        what = "GAN: penalty must take the discriminator and real and generated samples"
        added = _called(what, penalty, lambda samples: discriminator(samples, training=False), fake, fake)
        if tf.rank(added) != 0:
            raise InputError(f"GAN: penalty must give a scalar, not {shown(added)}")
    return fake.shape[1:]


def _called(wrong: str, function: Callable, *args: Any) -> Any:
    """What a function of the user's gives; an error in it begins with `wrong`."""
    try:
        return function(*args)
    except InputError:
        raise
    except Exception as error:  # it may be of any kind
        raise InputError(f"{wrong} ({type(error).__name__}: {brief(error)})") from error
