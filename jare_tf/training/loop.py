"""The training program's loop: many steps in one compiled call, and between the calls whatever is due."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from jare_tf.data.dataset import Dataset
from jare_tf.errors import NOT_FINITE_ADVICE, InputError, NotFiniteError, RunError, one_line
from jare_tf.output import say
from jare_tf.training import strategy
from jare_tf.training.gan import GAN
from jare_tf.training.pace import Pace
from jare_tf.training.two_player_model import METRICS

_SMALL = 10_000  # parameters; see tools/steps_per_call.py


class StepReport(NamedTuple):
    """What an action is told.

    step: steps done since the run's first start.
    metrics: float scalars of the last step, by tag.
    steps_per_second: of the calls since an action last ran; None where that was the first call, which compiles.
    """

    step: int
    metrics: dict[str, float]
    steps_per_second: float | None


Action = Callable[[StepReport], None]


class Every(NamedTuple):
    """Run `action` after every `steps` steps and after the last one."""

    steps: int
    action: Action

    def due(self, step: int, last: int) -> bool:
        """Whether the action runs at `step` of a run of `last` steps."""
        return step % self.steps == 0 or step == last

    def until(self, step: int) -> int:
        """How many steps after `step` the next multiple is."""
        return self.steps - step % self.steps


class At(NamedTuple):
    """Run `action` after these steps and no others."""

    steps: tuple[int, ...]
    action: Action

    def due(self, step: int, last: int) -> bool:
        """Whether the action runs at `step` of a run of `last` steps."""
        return step in self.steps

    def until(self, step: int) -> int | float:
        """How many steps after `step` the next one is, infinity where none is left."""
        return min((one - step for one in self.steps if one > step), default=math.inf)


def train(
    gan: GAN,
    dataset: Dataset,
    batch_size: int,
    pace: Pace,
    actions: Sequence[Every | At] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Trains until `gan.iterations` is `pace.steps` or `stopped()`; the number of the step then.

    Args:
      gan: a compiled GAN, anywhere in its training.
      dataset: where real samples come from.
      batch_size: samples of a batch.
      pace: its steps, steps_per_call and jit_compile count.
      actions: what to do between calls, in this order; they and `stopped` wait for the call under way.
      stopped: asked between calls.

    Raises:
      RunError: a loss or a gradient norm of a step is not finite, or TensorFlow cannot go on: no memory left, an image
        that cannot be read any more.
    """
    step, steps = gan.step, pace.steps
    call = compiled(gan, dataset, batch_size, use_xla(pace.jit_compile, gan, dataset))
    timed_steps, timed_seconds = 0, 0.0
    first_call = True  # it compiles: one step, not timed
    while step < steps and not stopped():
        longest = 1 if first_call else pace.steps_per_call
        count = int(min(longest, steps - step, *(each.until(step) for each in actions)))
        begin = time.monotonic()
        try:
            metrics = {tag: float(value) for tag, value in call(tf.constant(count)).items()}
        except tf.errors.OpError as error:
            raise RunError(f"step {step}: {strategy.explain_error(gan.distribute_strategy, error)}") from error
        if not first_call:
            timed_steps, timed_seconds = timed_steps + count, timed_seconds + time.monotonic() - begin
        first_call = False
        step = gan.step
        _check_finite(step, metrics)
        due = [each for each in actions if each.due(step, steps)]
        report = StepReport(step, metrics, timed_steps / timed_seconds if timed_steps else None)
        try:
            for each in due:
                each.action(report)
        except (tf.errors.OpError, OSError) as error:
            raise RunError(f"step {step}: {one_line(error)}") from error
        if due:
            timed_steps, timed_seconds = 0, 0.0
    if step < steps:
        say(f"step {step}: asked to stop, saving")
    return step


def use_xla(setting: bool | str, gan: GAN, dataset: Dataset) -> bool:
    """Whether the step is compiled with XLA.

    "auto" does where that was measured to be faster: on a single CPU device, for small networks on data that XLA draws
    itself, so that the whole loop is compiled. A TPU compiles everything whatever the setting.

    Raises:
      InputError: the setting is True on several CPU devices, which XLA cannot do.
    """
    devices = gan.distribute_strategy
    several = devices.num_replicas_in_sync > 1
    on_cpu = not tf.config.list_logical_devices("GPU")
    if isinstance(devices, tf.distribute.TPUStrategy):
        return False
    if setting is True and several and on_cpu:
        raise InputError("jit_compile = True: XLA cannot compile a step on several CPU devices; use 'auto'")
    if isinstance(setting, bool):
        return setting
    return on_cpu and not several and dataset.xla_compatible and gan.count_params() <= _SMALL


def compiled(gan: GAN, dataset: Dataset, batch_size: int, jit_compile: bool):
    """A function from a number of steps, a tensor, to the metrics of the last step; it ends early at one not finite."""
    moves = len(gan.schedule.moves)
    devices, single = gan.distribute_strategy, gan.distribute_strategy.num_replicas_in_sync == 1
    rows = None if single else strategy.rows(devices, batch_size)
    batches = dataset.batches(gan.step * moves, batch_size, int(gan.seed.numpy()), rows)
    # On several replicas a function inside the step could not wait for the other replicas, unless XLA compiles it.
    update = tf.function(gan.update, autograph=False, jit_compile=jit_compile) if single or jit_compile else gan.update

    def body(done, _):
        first = gan.iterations * moves
        real = [strategy.distributed(devices, batches(first + index)) for index in range(moves)]
        return done + 1, strategy.first_replica_value(devices, devices.run(update, args=(real,)))

    @tf.function(autograph=False, jit_compile=jit_compile and dataset.xla_compatible)
    def call(count):
        def unfinished(done, metrics):
            return (done < count) & tf.reduce_all(tf.math.is_finite(list(metrics.values())))

        _, metrics = tf.while_loop(unfinished, body, (tf.zeros_like(count), {tag: tf.zeros(()) for tag in METRICS}))
        return metrics

    return call


def _check_finite(step: int, metrics: dict[str, float]) -> None:
    for tag, value in metrics.items():
        if not math.isfinite(value):
            raise NotFiniteError(f"step {step}: {tag} is {value}; {NOT_FINITE_ADVICE}")
