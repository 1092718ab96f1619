"""Saving and restoring everything that training changes."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from jare_tf.data.dataset import Dataset
from jare_tf.errors import NOT_FINITE_ADVICE, InputError, RunError
from jare_tf.training.gan import GAN


class Checkpoints:
    """The checkpoints of one run, in model_dir/checkpoints.

    They hold both networks with their state, the generator's moving average, both optimizers, what the rule remembers,
    the number of the step and the seed; random draws and the order of images depend on nothing else, so that a resumed
    run goes on as if it had not stopped. They hold the fingerprint of the data set too, to notice another.

    Args:
      model_dir: the run directory.
      gan: a compiled GAN.
      dataset: what it is trained on.
      keep: how many of the newest checkpoints are kept.
    """

    def __init__(self, model_dir: str, gan: GAN, dataset: Dataset, keep: int):
        self._gan, self._dataset = gan, dataset
        self._fingerprint = tf.Variable(dataset.fingerprint, dtype=tf.int64)
        self._checkpoint = tf.train.Checkpoint(
            discriminator=gan.discriminator,
            generator=gan.generator,
            discriminator_optimizer=gan.discriminator_optimizer,
            generator_optimizer=gan.generator_optimizer,
            iterations=gan.iterations.value,
            seed=gan.seed.value,
            memory=[weight.value for weight in tf.nest.flatten(gan.memory)],
            average=[weight.value for weight in tf.nest.flatten(gan.average)],
            fingerprint=self._fingerprint,
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, f"{model_dir}/checkpoints", max_to_keep=keep, checkpoint_name="step"
        )
        self.latest_step: int | None = None

    def exist(self) -> bool:
        """Whether there is one to go on from."""
        return self._manager.latest_checkpoint is not None

    def restore(self) -> int:
        """Goes back to the newest checkpoint, if there is one; the number of the step then.

        Raises:
          InputError: the checkpoint cannot be read, is not of these networks and optimizers, or of other data.
        """
        if self.exist():
            path = self._manager.latest_checkpoint
            with _reading(path):
                self._checkpoint.restore(path).assert_consumed()
            if int(self._fingerprint) != self._dataset.fingerprint:
                raise InputError(
                    f"the data set {self._dataset.name!r} has other samples than when {path} was written: bring them "
                    "back, or name another --model_dir"
                )
            self.latest_step = int(self._gan.iterations)
        return int(self._gan.iterations)

    def save(self, step: int) -> None:
        """Saves the present state as checkpoint `step`, unless that is what was saved last.

        Raises:
          RunError: a parameter is not finite; the checkpoints written before stay.
        """
        if step == self.latest_step:
            return
        for network in self._gan.game.networks:
            for variable in network.variables:
                if not bool(tf.reduce_all(tf.math.is_finite(tf.cast(variable, tf.float32)))):
                    raise RunError(f"step {step}: {variable.path} is not finite; {NOT_FINITE_ADVICE}")
        self._manager.save(checkpoint_number=step)
        self.latest_step = step


def restore_networks(model_dir: str, gan: GAN) -> int | None:
    """Gives a GAN the networks of the newest checkpoint in model_dir; the number of the step then, None without one.

    Raises:
      InputError: the checkpoint cannot be read, or is not of these networks.
    """
    path = tf.train.latest_checkpoint(f"{model_dir}/checkpoints")
    if path is None:
        return None
    checkpoint = tf.train.Checkpoint(
        discriminator=gan.discriminator, generator=gan.generator, iterations=gan.iterations.value
    )
    with _reading(path):
        checkpoint.restore(path).assert_existing_objects_matched().expect_partial()
    return int(gan.iterations)


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turns what can go wrong with a checkpoint into one line."""
    try:
        yield
    except tf.errors.OpError as error:
        raise InputError(f"cannot read the checkpoint {path}: {str(error).splitlines()[0]}") from error
    except (AssertionError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path} is a checkpoint of another experiment ({reason}); name another --model_dir"
        ) from error
