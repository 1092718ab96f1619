"""Which checkpoint of a run the modes look at, and where what they make of it goes."""

import os
from typing import Literal

from jare_tf.errors import InputError, shown
from jare_tf.settings import CountFromZero
from jare_tf.training.checkpoints import restore_networks
from jare_tf.training.gan import GAN
from jare_tf.training.run import Run

Checkpoint = Literal["newest", "best"] | CountFromZero


def restore(run: Run, gan: GAN, checkpoint: Checkpoint) -> int:
    """Gives a GAN the networks of a run; the number of their step.

    Args:
      run: the run.
      gan: of the run's experiment.
      checkpoint: "newest", "best" (what `evaluate` kept), or the number of a step.

    Raises:
      InputError: there is no such checkpoint, or it is of another experiment.
    """
    run = run.best if checkpoint == "best" else run
    kept = kept_steps(run)
    step = kept[-1] if checkpoint in ("newest", "best") else checkpoint
    if step not in kept:
        known = ", ".join(map(str, kept))
        raise InputError(f"there is no checkpoint {checkpoint!r} in {run}: use 'newest', 'best' or one of {known}")
    restore_networks(run, gan, step)
    return step


def kept_steps(run: Run) -> list[int]:
    """The steps of a run's checkpoints, the newest last; raises InputError where there are none."""
    kept = run.steps()
    if not kept:
        raise InputError(f"there is no checkpoint in {run}: train first, or name another run directory")
    return kept


def output_folder(output: str | None, default: str) -> str:
    """Makes the folder `output`, or by default another one, and tries to write in it; its path."""
    if output is not None and not isinstance(output, str):
        raise InputError(f"output must be the name of a folder, not {shown(output)}")
    folder = os.path.expanduser(output) if output else default
    Run(folder).make()
    return folder
