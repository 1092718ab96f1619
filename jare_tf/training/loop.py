"""The training program's loop: many steps in one compiled call, and between the calls whatever is due."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from jare_tf.data.dataset import Dataset, reason
from jare_tf.errors import NOT_FINITE_ADVICE, RunError
from jare_tf.training.gan import GAN, METRICS


class Progress(NamedTuple):
    """What an action is told.

    step: steps done since the run's first start.
    metrics: float scalars of the last step, by tag.
    steps_per_second: of the calls since an action last ran; None where that was the first call, which compiles.
    """

    step: int
    metrics: dict[str, float]
    steps_per_second: float | None


class Every(NamedTuple):
    """Run `action` after every `steps` steps and after the last one."""

    steps: int
    action: Callable[[Progress], None]

    def due(self, step: int, last: int) -> bool:
        """Whether the action runs at `step` of a run of `last` steps."""
        return step % self.steps == 0 or step == last


def run(
    gan: GAN,
    dataset: Dataset,
    *,
    batch_size: int,
    steps: int,
    steps_per_call: int,
    jit_compile: bool,
    actions: Sequence[Every],
    stopped: Callable[[], bool],
) -> int:
    """Trains until `gan.iterations` is `steps` or `stopped()`; the number of the step then.

    Args:
      gan: a compiled GAN, anywhere in its training.
      dataset: where real samples come from.
      batch_size: samples of a batch.
      steps: the step to stop at.
      steps_per_call: most steps in one compiled call; actions and `stopped` wait for the call under way.
      jit_compile: compile with XLA.
      actions: what to do between calls, in this order.
      stopped: asked between calls.

    Raises:
      RunError: a loss or a gradient norm of a step is not finite, or TensorFlow cannot go on: no memory left, an image
        that cannot be read any more.
    """
    step = int(gan.iterations)
    call = _compiled(gan, dataset, batch_size, jit_compile)
    timed_steps, timed_seconds = 0, 0.0
    first_call = True  # it compiles: one step, not timed
    while step < steps and not stopped():
        longest = 1 if first_call else steps_per_call
        count = min(longest, steps - step, *(every.steps - step % every.steps for every in actions))
        begin = time.monotonic()
        try:
            metrics = {tag: float(value) for tag, value in call(tf.constant(count)).items()}
        except tf.errors.OpError as error:
            raise RunError(f"step {step}: {reason(error)}") from error
        if not first_call:
            timed_steps, timed_seconds = timed_steps + count, timed_seconds + time.monotonic() - begin
        first_call = False
        step = int(gan.iterations)
        _check_finite(step, metrics)
        due = [every for every in actions if every.due(step, steps)]
        for every in due:
            every.action(Progress(step, metrics, timed_steps / timed_seconds if timed_steps else None))
        if due:
            timed_steps, timed_seconds = 0, 0.0
    return step


def _compiled(gan: GAN, dataset: Dataset, batch_size: int, jit_compile: bool):
    """A function from a number of steps, a tensor, to the metrics of the last step; it ends early at one not finite."""
    moves = len(gan.schedule.moves)
    batches = dataset.batches(int(gan.iterations) * moves, batch_size, int(gan.seed))
    update = tf.function(gan.update, jit_compile=jit_compile)

    def body(done, _):
        first = gan.iterations * moves
        real = [batches(first + index) for index in range(moves)]
        return done + 1, update(real)

    @tf.function(jit_compile=jit_compile and dataset.drawn_by_xla)
    def call(count):
        def unfinished(done, metrics):
            return (done < count) & tf.reduce_all(tf.math.is_finite(list(metrics.values())))

        _, metrics = tf.while_loop(unfinished, body, (tf.zeros_like(count), {tag: tf.zeros(()) for tag in METRICS}))
        return metrics

    return call


def _check_finite(step: int, metrics: dict[str, float]) -> None:
    for tag, value in metrics.items():
        if not math.isfinite(value):
            raise RunError(f"step {step}: {tag} is {value}; {NOT_FINITE_ADVICE}")
