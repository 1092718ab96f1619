"""A profile of some steps, for TensorBoard."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from jare_tf.output import say
from jare_tf.training.loop import At, StepReport


@contextlib.contextmanager
def profiled(folder: str, window: tuple[int, int] | None, steps: range, chief: bool) -> Iterator[list[At]]:
    """What makes a run profile from after the first step of `window` until after the second, or the end of the block.

    Args:
      folder: where TensorBoard finds it, in plugins/profile/.
      window: two steps; None for no profile.
      steps: those that the run takes; there is no profile unless it begins after one of them.
      chief: whether this process is the one that is profiled; others stop at the same steps.
    """
    first = window[0] if window else None
    wanted, running = first in steps[1:], False
    if window and not wanted:
        where = f"step {first} is not between {steps.start} and {steps.stop}, where this run goes"
        say(f"no profile: {where}")

    def stop() -> None:
        tf.profiler.experimental.stop()
        say(f"the profile from step {first} on: {folder}/plugins/profile")

    def start_or_stop(report: StepReport) -> None:
        nonlocal running
        start = report.step == first
        if not chief or start == running:  # a rewind may lead here again
            return
        running = start
        if start:
            tf.profiler.experimental.start(folder)
        else:
            stop()

    try:
        yield [At(window, start_or_stop)] if window and wanted else []
    finally:
        if running:
            stop()
