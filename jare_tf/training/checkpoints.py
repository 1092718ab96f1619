"""Saving and restoring everything that training changes."""

import contextlib
import os
import re
import zlib
from collections.abc import Iterator

import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset
from jare_tf.errors import NOT_FINITE_ADVICE, InputError, NotFiniteError, RunError, reason
from jare_tf.training.gan import GAN

# How TensorFlow says that a file of a checkpoint is cut short, altered or gone.
_DAMAGED = (tf.errors.UNKNOWN, tf.errors.NOT_FOUND, tf.errors.OUT_OF_RANGE, tf.errors.DATA_LOSS)
_NEW = "writing"


class _DamagedError(Exception):
    """A checkpoint cannot be read because of what is in its files."""


class UnreadableError(InputError):
    """That, said to the user."""


class Checkpoints:
    """The checkpoints of one run, model_dir/checkpoints/step-<number>.

    They hold both networks with their state, the generator's moving average, both optimizers, what the rule remembers,
    float16's loss scale, the number of the step, the seed and how often the run was rewound; random draws and the order
    of images depend on nothing else, so that a resumed run goes on as if it had not stopped. They hold the fingerprint
    of the data set's content too, to notice other samples. A checkpoint gets its name when it is complete.

    Args:
      model_dir: the run directory.
      gan: a compiled GAN.
      dataset: what it is trained on.
      keep: how many of the newest checkpoints are kept.
      chief: whether this process is the one that writes.

    Attributes:
      rewinds: how often the run was rewound up to the present state, a variable.
      latest_step: the step that was saved or restored last.
    """

    def __init__(self, model_dir: str, gan: GAN, dataset: Dataset, keep: int, chief: bool = True):
        self._gan, self._dataset, self._keep, self._chief = gan, dataset, keep, chief
        self._model_dir, self._folder = model_dir, f"{model_dir}/checkpoints"
        self._content = tf.Variable(dataset.fingerprint, dtype=tf.int64)
        self.rewinds = tf.Variable(0, dtype=tf.int64)
        self._checkpoint = tf.train.Checkpoint(
            discriminator=gan.discriminator,
            generator=gan.generator,
            discriminator_optimizer=gan.discriminator_optimizer,
            generator_optimizer=gan.generator_optimizer,
            iterations=gan.iterations.value,
            seed=gan.seed.value,
            memory=[weight.value for weight in tf.nest.flatten(gan.memory)],
            average=[weight.value for weight in tf.nest.flatten(gan.average)],
            scaling=[weight.value for weight in gan.scaling],
            content=self._content,
            rewinds=self.rewinds,
        )
        self.latest_step: int | None = None

    def steps(self) -> list[int]:
        """The steps of those that there are, the newest last."""
        return steps_of(self._model_dir)

    def exist(self) -> bool:
        """Whether there is one to go on from."""
        return bool(self.steps())

    def restore(self) -> int:
        """Goes back to the newest checkpoint that can be read, if there is one; the number of the step then.

        The chief sets newer ones aside, which cannot be read; another worker calls it after the chief.

        Raises:
          InputError: none of them can be read, or one is not of these networks and optimizers, or of other data.
        """
        self.latest_step, damaged = None, []
        for step in reversed(self.steps()):
            path = f"{self._folder}/step-{step}"
            try:
                with _reading(path) as prefix:
                    self._checkpoint.read(prefix).assert_consumed()
            except _DamagedError as error:
                if not self._chief:
                    raise InputError(f"cannot read the checkpoint {path}: {error}") from error
                damaged.append((step, str(error)))
                continue
            if int(self._content) != self._dataset.fingerprint:
                raise InputError(
                    f"the data set {self._dataset.name!r} has other samples than when {path} was written: bring them "
                    "back, or name another --model_dir"
                )
            self.latest_step = step
            break
        if damaged and self.latest_step is None:
            raise InputError(f"cannot read any checkpoint in {self._folder}: the newest: {damaged[0][1]}")
        for step, why in damaged:
            for path in files.named(self._folder, f"step-{step}."):
                tf.io.gfile.rename(path, f"{self._folder}/unreadable-{os.path.basename(path)}", overwrite=True)
            print(f"{self._folder}/step-{step} cannot be read, set aside as unreadable-step-{step}: {why}", flush=True)
        return self._gan.step

    def save(self, step: int) -> None:
        """Saves the present state as checkpoint `step`, unless that is what was saved last.

        Raises:
          RunError: a parameter is not finite, or the checkpoint cannot be written; those written before stay.
        """
        if step == self.latest_step:
            return
        for network in self._gan.game.networks:
            for variable in network.variables:
                if not bool(tf.reduce_all(tf.math.is_finite(tf.cast(variable, tf.float32)))):
                    raise NotFiniteError(f"step {step}: {variable.path} is not finite; {NOT_FINITE_ADVICE}")
        try:
            if self._chief:
                self._write(step)
        except (tf.errors.OpError, OSError) as error:
            with contextlib.suppress(tf.errors.OpError, OSError):
                self._remove(_NEW)
            raise RunError(f"step {step}: cannot write a checkpoint to {self._folder}: {reason(error)}") from error
        self.latest_step = step

    def _write(self, step: int) -> None:
        """Writes beside, renames the index last, without which there is no checkpoint, and drops the oldest."""
        if not tf.io.gfile.exists(f"{self._model_dir}/config.gin"):
            raise FileNotFoundError("the run directory is gone")  # TensorFlow would make it again
        self._remove(_NEW)
        new, path = f"{self._folder}/{_NEW}", f"{self._folder}/step-{step}"
        self._checkpoint.write(new)
        parts = files.named(self._folder, f"{_NEW}.")
        if f"{new}.index" not in parts:
            raise FileNotFoundError(f"TensorFlow wrote no {new}.index on this machine")
        for part in parts:  # .data-... comes before .index
            tf.io.gfile.rename(part, path + part.removeprefix(new), overwrite=True)
        for number in self.steps()[: -self._keep]:
            self._remove(f"step-{number}.")

    def _remove(self, start: str) -> None:
        """Removes what is in the folder and has a name that begins so."""
        for path in reversed(files.named(self._folder, start)):  # .index before .data-...
            (tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)


def steps_of(model_dir: str) -> list[int]:
    """The steps of the checkpoints of a run, the newest last."""
    paths = files.named(f"{model_dir}/checkpoints", "step-")
    return sorted(int(match[1]) for match in (re.search(r"/step-(\d+)\.index$", path) for path in paths) if match)


def identity(model_dir: str, step: int) -> str | None:
    """A checksum of the checkpoint of that step, whose index has one of each tensor; None where there is none."""
    try:
        with tf.io.gfile.GFile(f"{model_dir}/checkpoints/step-{step}.index", "rb") as file:
            return f"{zlib.crc32(file.read()):08x}"
    except tf.errors.NotFoundError:
        return None


def copy(model_dir: str, step: int, to: str) -> bool:
    """Copies the checkpoint of that step to the folder `to`/checkpoints, in place of those there.

    False where the checkpoint is gone, as its run removes old ones.
    """
    folder, new = f"{to}/checkpoints", f"{to}/new"
    _remove_tree(new)
    tf.io.gfile.makedirs(new)
    parts = files.named(f"{model_dir}/checkpoints", f"step-{step}.")
    try:
        for part in parts:
            tf.io.gfile.copy(part, f"{new}/{os.path.basename(part)}")
    except tf.errors.NotFoundError:
        parts = []
    if not any(part.endswith(".index") for part in parts):
        _remove_tree(new)
        return False
    _remove_tree(folder)
    tf.io.gfile.rename(new, folder)
    return True


def _remove_tree(folder: str) -> None:
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)


def restore_networks(model_dir: str, gan: GAN, step: int) -> None:
    """Gives a GAN the networks, and the generator's moving average, of the run's checkpoint of that step.

    Raises:
      UnreadableError: the checkpoint is damaged.
      InputError: it cannot be read for another reason, or is not of these networks.
    """
    path = f"{model_dir}/checkpoints/step-{step}"
    checkpoint = tf.train.Checkpoint(
        discriminator=gan.discriminator,
        generator=gan.generator,
        iterations=gan.iterations.value,
        average=[weight.value for weight in tf.nest.flatten(gan.average)],
    )
    try:
        with _reading(path) as prefix:
            checkpoint.read(prefix).assert_existing_objects_matched().expect_partial()
    except _DamagedError as error:
        raise UnreadableError(f"cannot read the checkpoint {path}: {error}") from error


@contextlib.contextmanager
def _reading(path: str) -> Iterator[str]:
    """Where TensorFlow reads the checkpoint from; what can go wrong becomes one line, but damage is the caller's."""
    folder, name = os.path.split(path)
    try:
        with files.without_pattern(folder) as plain:
            yield f"{plain}/{name}"
    except IndexError as error:  # "Read less bytes than requested"
        raise _DamagedError(reason(error)) from error
    except tf.errors.OpError as error:
        if error.error_code in _DAMAGED and "Permission denied" not in error.message:
            raise _DamagedError(reason(error)) from error
        raise InputError(f"cannot read the checkpoint {path}: {reason(error)}") from error
    except (AssertionError, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        raise InputError(f"{path} is a checkpoint of another experiment ({why}); name another --model_dir") from error
