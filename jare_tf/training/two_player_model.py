"""What Keras asks of a model, answered for two players: compiling, fitting, evaluating, saving."""

import types
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from jare_tf.data import draws
from jare_tf.errors import InputError
from jare_tf.training import callbacks as own_callbacks
from jare_tf.training import checks, optimizers, samples
from jare_tf.types import Players, each_player

METRICS = tuple(
    f"{quantity}/{player}" for quantity in ("loss", "gradient_norm", "regularizer") for player in Players._fields
)


class TwoPlayerModel(keras.Model):
    """The Keras side of `GAN`, which has the attributes that are used here, `update` and `batch`."""

    def compile(
        self,
        discriminator_optimizer: Any = None,
        generator_optimizer: Any = None,
        *,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        **unknown: Any,
    ) -> None:
        """Sets each player's optimizer, and how Keras runs a step.

        Args:
          discriminator_optimizer: an optimizer, its name in Keras or its configuration; it is named after its player.
          generator_optimizer: another one.
          run_eagerly: as `keras.Model.compile` has it, and so the next two.
          steps_per_execution: steps in one compiled call.
          jit_compile: whether to compile a step with XLA.
          unknown: anything else is refused.

        Raises:
          InputError: one of them is no optimizer, or trains something else; there is another argument.
        """
        given = Players(discriminator_optimizer, generator_optimizer)
        if unknown:
            raise InputError(
                "GAN.compile takes discriminator_optimizer and generator_optimizer and, of Keras, run_eagerly, "
                f"steps_per_execution and jit_compile; not {', '.join(unknown)}: the loss is the constructor's, and "
                "callbacks.Scores measures"
            )
        missing = [f"{player}_optimizer" for player, optimizer in given._asdict().items() if optimizer is None]
        if missing:
            raise InputError(f"GAN.compile: {' and '.join(missing)} missing: each player has an optimizer of its own")
        made = Players(
            *(optimizers.made(f"GAN.compile: {name}_optimizer", one) for name, one in given._asdict().items())
        )
        checks.check_trainable(self.game.networks)
        optimizers.assign(made, self.game.networks)
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, steps_per_execution=steps_per_execution, jit_compile=jit_compile
        )
        self.discriminator_optimizer, self.generator_optimizer = self.optimizers = made
        self.optimizer = optimizers.BothOptimizers(made, self.iterations)
        # Keras and TensorFlow save what they find in a dictionary: these are the epoch's and nobody's state.
        self._means = types.MappingProxyType({tag: keras.metrics.Mean(name=tag) for tag in ("loss", *METRICS)})
        self._compiled_rates = each_player(optimizers.stored_rates, self.optimizers)

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, for `save`."""
        if not self.compiled:
            return {}
        made = {f"{name}_optimizer": one for name, one in self.optimizers._asdict().items()}
        how = {name: getattr(self, name) for name in ("run_eagerly", "steps_per_execution", "jit_compile")}
        return {name: keras.saving.serialize_keras_object(value) for name, value in {**made, **how}.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given, for `save`."""
        names = ("generator", "discriminator", "rule", "latent_dim", "latent_prior", "schedule", "average_decay")
        given = {name: getattr(self, name) for name in names}
        given |= {"loss": self.loss_function, "penalty": list(self.penalties), "seed": self.first_seed}
        serialized = {name: keras.saving.serialize_keras_object(value) for name, value in given.items()}
        return super().get_config() | serialized

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TwoPlayerModel":
        """Makes one from what `get_config` gave."""
        made = keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
        return cls(**made)

    def save_own_variables(self, store: Any) -> None:
        """Keras' hook for `save`: what Keras leaves out of a network's weights as well, the states of Dropout."""
        super().save_own_variables(store)
        for name, state in self._random_states().items():
            store[name] = state.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Keras' hook for `load_model` and `load_weights`."""
        states = self._random_states()
        for name, state in states.items():
            state.assign(store[name])
        super().load_own_variables({name: store[name] for name in set(store.keys()) - states.keys()})

    def _random_states(self) -> dict[str, keras.Variable]:
        kept = {id(variable) for variable in self.weights}
        states = [one for network in self.game.networks for one in network.variables if id(one) not in kept]
        return {f"random_state_{number}": state for number, state in enumerate(states)}

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.save`, which leaves no file where a part cannot be saved."""
        if str(filepath).endswith((".h5", ".hdf5")):
            raise InputError(f"GAN.save: {filepath}: Keras' old format holds no GAN: give a name that ends in .keras")
        keras.saving.serialize_keras_object(self)
        super().save(filepath, *args, **kwargs)

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.export` of what `gan(z)` does."""
        self(tf.zeros([1, self.latent_dim]))  # Keras exports what has been called
        super().export(filepath, *args, **kwargs)

    def reset_learning_rates(self) -> None:
        """Sets each optimizer's learning rate back to what it was compiled with; schedules need nothing.

        A rate that is a number is a variable of the optimizer, which a checkpoint and a file of weights bring back.
        """
        for optimizer, compiled in zip(self.optimizers, self._compiled_rates, strict=True):
            for variable, rate in zip(optimizers.rate_variables(optimizer), compiled, strict=True):
                variable.assign(rate)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """`keras.Model.load_weights`, with a warning where the file changes an optimizer's learning rate."""
        of_players = self.optimizers._asdict() if self.compiled else {}
        before = {player: optimizers.stored_rates(optimizer) for player, optimizer in of_players.items()}
        super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
        changes = [
            f"{player} {restored:.6g} in place of {rate:.6g}"
            for player, optimizer in of_players.items()
            for rate, restored in zip(before[player], optimizers.stored_rates(optimizer), strict=True)
            if rate != restored
        ]
        if changes:
            warnings.warn(
                f"load_weights: {filepath} sets learning rates: {', '.join(changes)}; gan.reset_learning_rates() sets "
                "those of `compile` again",
                stacklevel=2,
            )

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means in the logs of `fit`, begun anew with each epoch."""
        return list(self._means.values()) if self.compiled else []

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """`keras.Model.fit` on real samples; labels, if there are any, are ignored.

        Of images `x` has integers 0 ... 255, which are scaled to [−1, 1], or floats in the range that the generator
        makes; its first batch is looked at before the first step, of a `tf.data.Dataset` of floats by reading it.

        Raises:
          InputError: the samples are no such images, or not of the networks' shape; there are weights of samples.
          NotFiniteError: a loss is not finite any more, and no callback has stopped the training.
        """
        _refuse_weights(kwargs)
        x = samples.looked_at(x, self.black)
        if kwargs.get("validation_data") is not None:
            held_out, *labels = keras.utils.unpack_x_y_sample_weight(kwargs["validation_data"])
            kwargs["validation_data"] = samples.looked_at(held_out, self.black), *labels
        return super().fit(x, y, batch_size, epochs, verbose, _with_own(callbacks, verbose), **kwargs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """`keras.Model.evaluate`: both players' losses on these samples, in inference mode, and their sum as `loss`.

        Latent vectors are the same in every call. Batch norm and the like use their moving averages, and the generator
        is the one that plays, not its moving average.
        """
        _refuse_weights({"sample_weight": sample_weight})
        if not isinstance(callbacks, keras.callbacks.CallbackList):  # as `fit` calls it, which has looked
            x = samples.looked_at(x, self.black)
        return super().evaluate(
            x, y, batch_size, verbose, sample_weight, steps, _with_own(callbacks, verbose), **kwargs
        )

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Keras' hook for `fit`: one step, all of its moves on this batch of real samples."""
        checks.check_trainable(self.game.networks)
        real = _samples(data)
        return self._averaged(self.update([real] * len(self.schedule.moves)), real)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Keras' hook for `evaluate`: the losses on this batch."""
        real = _samples(data)
        seen = tf.cast(self._means["loss"].count, tf.int64)
        losses, _ = self.game.losses(self.game.point(), self.batch(real, seen, draws.TEST), training=False)
        return self._averaged({f"loss/{player}": loss for player, loss in losses._asdict().items()}, real)

    def _averaged(self, measured: dict[str, tf.Tensor], real: tf.Tensor) -> dict[str, tf.Tensor]:
        """The means so far, with what was measured on a batch taken in; a replica without samples has nothing."""
        count = tf.shape(real)[0]
        measured = {"loss": sum(value for tag, value in measured.items() if tag.startswith("loss/")), **measured}
        for tag, value in measured.items():
            self._means[tag].update_state(tf.where(count > 0, value, 0), sample_weight=count)
        return {tag: self._means[tag].result() for tag in measured}


def _samples(data: Any) -> tf.Tensor:
    """The real samples in what Keras gives to a step."""
    real, _, weights = keras.utils.unpack_x_y_sample_weight(data)
    _refuse_weights({"sample_weight": weights})
    if isinstance(real, np.ndarray):
        real = tf.convert_to_tensor(real)
    if not tf.is_tensor(real):
        keys = f" with the keys {', '.join(map(repr, real))}" if isinstance(real, dict) else ""
        raise InputError(
            f"GAN: a batch must be a tensor of real samples, not a {type(real).__name__}{keys}: take them out of it, "
            "as dataset.map(lambda batch: batch['image']) does"
        )
    return real


def _refuse_weights(given: Mapping[str, Any]) -> None:
    for name in ("sample_weight", "class_weight"):
        if given.get(name) is not None:
            raise InputError(f"GAN: {name} has no meaning for real samples: leave it out")


def _with_own(given: Any, verbose: Any) -> Any:
    """The callbacks that Keras is given: the user's, and what every `fit` of a GAN has."""
    if isinstance(given, keras.callbacks.CallbackList):
        return given
    given = keras.tree.flatten(given) if given else []
    shown = verbose and not any(isinstance(one, keras.callbacks.ProgbarLogger) for one in given)
    return [*given, own_callbacks.NotFinite(), *([own_callbacks.Progress()] if shown else [])]
