"""Saving and restoring everything that training changes."""

import contextlib
import os
import re
from collections.abc import Iterator

import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset
from jare_tf.errors import NOT_FINITE_ADVICE, InputError, NotFiniteError, RunError, one_line
from jare_tf.output import say
from jare_tf.training.gan import GAN
from jare_tf.training.run import Record, Run

# How TensorFlow says that a file of a checkpoint is cut short, altered or gone.
_DAMAGED = (tf.errors.UNKNOWN, tf.errors.NOT_FOUND, tf.errors.OUT_OF_RANGE, tf.errors.DATA_LOSS)
_NEW = "writing"


class _DamagedError(Exception):
    """A checkpoint cannot be read because of what is in its files."""


class UnreadableError(InputError):
    """That, said to the user."""


class Checkpoints:
    """The checkpoints of one run.

    They hold both networks with their state, the generator's moving average, both optimizers, what the rule remembers,
    the copies of the weights that the schedule pulls back to, float16's loss scale, the number of the step, the seed
    and how often the run was rewound; random draws and the order of images depend on nothing else, so that a resumed
    run goes on as if it had not stopped. They hold the fingerprint of the data set's content too, to notice other
    samples, and a checksum of the configuration. A checkpoint gets its name when it is complete and on the disk.

    Args:
      run: the run.
      gan: a compiled GAN.
      keep: how many of the newest checkpoints are kept.
      chief: whether this process is the one that writes.

    Attributes:
      rewinds: how often the run was rewound up to the present state, a variable.
      latest_step: the step that was saved or restored last.
    """

    def __init__(self, run: Run, gan: GAN, keep: int, chief: bool = True):
        self._run, self._gan, self._keep, self._chief = run, gan, keep, chief
        self._content = tf.Variable(0, dtype=tf.int64)
        self._configuration = tf.Variable(0, dtype=tf.int64)
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
            # Not of an empty list, which a checkpoint from before there were schedules with copies does not have.
            **({"slow": [weight.value for weight in tf.nest.flatten(gan.slow)]} if gan.slow else {}),
            content=self._content,
            configuration=self._configuration,
            rewinds=self.rewinds,
        )
        self.latest_step: int | None = None

    def restore(self) -> int:
        """Goes back to the newest checkpoint that can be read, if there is one; the number of the step then.

        Learning rates, which are variables of the optimizers, stay as they are configured. The chief sets newer ones
        aside, which cannot be read; another worker calls it after the chief.

        Raises:
          InputError: none of them can be read, or one is not of these networks and optimizers.
        """
        self.latest_step, damaged = None, []
        for step in reversed(self._run.steps()):
            path = self._run.checkpoint(step)
            try:
                with _reading(path) as prefix:
                    self._checkpoint.read(prefix).assert_consumed()
            except _DamagedError as error:
                if not self._chief:
                    raise InputError(f"cannot read the checkpoint {path}: {error}") from error
                damaged.append((step, str(error)))
                continue
            self.latest_step = step
            break
        if damaged and self.latest_step is None:
            raise InputError(f"cannot read any checkpoint in {self._run.checkpoints}: the newest: {damaged[0][1]}")
        for step, why in damaged:
            for path in files.named(self._run.checkpoints, f"step-{step}."):
                aside = f"{self._run.checkpoints}/unreadable-{os.path.basename(path)}"
                tf.io.gfile.rename(path, aside, overwrite=True)
            path = self._run.checkpoint(step)
            say(f"{path} cannot be read, set aside as unreadable-step-{step}: {why}")
        self._gan.reset_learning_rates()
        self.rewinds.assign(max(int(self.rewinds), self._counted_rewinds()))
        return self._gan.step

    def count_rewind(self) -> None:
        """Counts a rewind, at once: a run that is started anew after each does not rewind for ever."""
        self.rewinds.assign_add(1)
        if self._chief:
            files.replace(self._rewinds_file, f"{int(self.rewinds)}\n")

    def _counted_rewinds(self) -> int:
        """How many were counted since a checkpoint was saved and before; none where there is no checkpoint."""
        if self.latest_step is None:
            if self._chief:
                files.remove(self._rewinds_file)
            return 0
        try:
            with files.opened(self._rewinds_file) as file:
                text = file.read(100)
        except (FileNotFoundError, tf.errors.NotFoundError):
            return 0
        if not re.fullmatch(rb"\d{1,9}\n", text):
            raise InputError(f"{self._rewinds_file} holds no number: remove it")
        return int(text)

    @property
    def _rewinds_file(self) -> str:
        return f"{self._run.checkpoints}/rewinds"

    def check_configuration(self, record: Record) -> None:
        """Raises InputError unless a run that goes on was trained as `record` says, or may change; saved now on."""
        if self.latest_step is not None and int(self._configuration) != record.checksum and not record.may_change:
            path = self._run.checkpoint(self.latest_step)
            raise InputError(
                f"{path} was written under another configuration than that of {self._run.config_file}, which somebody "
                "has changed: bring it back, use another directory, or allow the change"
            )
        self._configuration.assign(record.checksum)

    def check_data(self, dataset: Dataset) -> None:
        """Raises InputError unless these are the samples that the run was trained on, if it was; saved from now on."""
        if self.latest_step is not None and int(self._content) != dataset.fingerprint:
            path = self._run.checkpoint(self.latest_step)
            raise InputError(
                f"the data set {dataset.name!r} has other samples than when {path} was written: bring them back, or "
                "use another directory"
            )
        self._content.assign(dataset.fingerprint)

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
            raise RunError(
                f"step {step}: cannot write a checkpoint to {self._run.checkpoints}: {one_line(error)}"
            ) from error
        self.latest_step = step

    def _write(self, step: int) -> None:
        """Writes beside, renames the index last, without which there is no checkpoint, and drops the oldest."""
        self._run.check_held()  # TensorFlow would make the directory again
        self._remove(_NEW)
        new = f"{self._run.checkpoints}/{_NEW}"
        self._checkpoint.write(new)
        parts = files.named(self._run.checkpoints, f"{_NEW}.")
        if f"{new}.index" not in parts:
            raise FileNotFoundError(f"TensorFlow wrote no {new}.index on this machine")
        for part in parts:  # .data-... comes before .index
            files.sync(part)
            tf.io.gfile.rename(part, self._run.checkpoint(step) + part.removeprefix(new), overwrite=True)
        files.sync(self._run.checkpoints)
        for number in self._run.steps()[: -self._keep]:
            self._remove(f"step-{number}.")

    def _remove(self, start: str) -> None:
        """Removes what is in the folder and has a name that begins so."""
        for path in reversed(files.named(self._run.checkpoints, start)):  # .index before .data-...
            files.remove(path)


def restore_networks(run: Run, gan: GAN, step: int) -> None:
    """Gives a GAN the networks, and the generator's moving average, of a run's checkpoint of that step.

    Raises:
      UnreadableError: the checkpoint is damaged.
      InputError: it cannot be read for another reason, or is not of these networks.
    """
    path = run.checkpoint(step)
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


def restore_optimizers(run: Run, gan: GAN, step: int) -> bool:
    """Gives a compiled GAN's optimizers the slots of a run's checkpoint of that step; learning rates stay.

    Returns:
      Whether the checkpoint has as many slots, of the same shapes; else nothing changes.

    Raises:
      UnreadableError: the checkpoint is damaged.
      InputError: it cannot be read for another reason.
    """
    path = run.checkpoint(step)
    parts = {f"{player}_optimizer": optimizer for player, optimizer in gan.optimizers._asdict().items()}
    try:
        with _reading(path) as prefix:
            shapes = dict(tf.train.list_variables(prefix))
            for name, optimizer in parts.items():
                saved = {key: shape for key, shape in shapes.items() if key.startswith(f"{name}/_variables/")}
                in_order = sorted(saved, key=lambda key: int(key.split("/")[2]))
                own = [one for one in optimizer.variables if one.name not in ("iteration", "learning_rate")]
                if [saved[key] for key in in_order] != [list(slot.shape) for slot in own]:
                    return False
            tf.train.Checkpoint(**parts).read(prefix).assert_existing_objects_matched().expect_partial()
    except _DamagedError as error:
        raise UnreadableError(f"cannot read the checkpoint {path}: {error}") from error
    gan.reset_learning_rates()
    return True


@contextlib.contextmanager
def _reading(path: str) -> Iterator[str]:
    """Where TensorFlow reads the checkpoint from; what can go wrong becomes one line, but damage is the caller's."""
    folder, name = os.path.split(path)
    try:
        for part in files.named(folder, f"{name}."):
            with contextlib.suppress(PermissionError):  # TensorFlow says it too, but waits for a pipe
                files.opened(part).close()
        with files.without_pattern(folder) as plain:
            yield f"{plain}/{name}"
    except (OSError, IndexError) as error:  # IndexError: "Read less bytes than requested"
        raise _DamagedError(one_line(error)) from error
    except tf.errors.OpError as error:
        if error.error_code in _DAMAGED and "Permission denied" not in error.message:
            raise _DamagedError(one_line(error)) from error
        raise InputError(f"cannot read the checkpoint {path}: {one_line(error)}") from error
    except (AssertionError, ValueError) as error:
        raise InputError(
            f"{path} is a checkpoint of another experiment, or of another version: networks, kinds of optimizers, "
            "momentum, moving averages and schedules cannot change; use another directory"
        ) from error
