"""How long a run is and what happens when."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from jare_tf.errors import InputError
from jare_tf.settings import Count, CountFromZero, checked
from jare_tf.training.gan import GAN

Probe = Annotated[Callable[[GAN], dict[str, float]], "a probe such as ModeCoverage(...)"]


def measure(probes: Sequence[Probe], gan: GAN) -> dict[str, float]:
    """What all of them measure, by tag."""
    return {tag: value for probe in probes for tag, value in probe(gan).items()}


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a run is, what happens when, and how its steps are run; all of it may change when a run resumes.

    Args:
      steps: training steps in all, those before a resume included.
      log_every: steps between rows of metrics.
      save_every: steps between checkpoints.
      sample_every: steps between pictures.
      steps_per_call: most steps in one compiled call; a signal waits for the call under way.
      histograms_every: steps between histograms of every trainable variable in TensorBoard, or 0 for none.
      spectrum_every: steps between estimates of the game's phase factor and conditioning, which rows then have; a
        multiple of log_every, or 0 for none.
      probes: further quantities for the rows of metrics: functions from the GAN to scalars by tag.
      keep_checkpoints: how many of the newest checkpoints are kept.
      jit_compile: compile the step with XLA; "auto": where that was measured to be faster (`training.loop.use_xla`).
      nan_policy: what to do when a loss, a gradient norm or a parameter is not finite any more: "stop", or "rewind" to
        the newest checkpoint and train on with other random draws.
      max_rewinds: how often to rewind, at most.

    Raises:
      InputError: an argument is none of these.
    """

    steps: Count
    log_every: Count
    save_every: Count
    sample_every: Count
    steps_per_call: Count
    histograms_every: CountFromZero = 0
    spectrum_every: CountFromZero = 0
    probes: Sequence[Probe] = ()
    keep_checkpoints: Count = 3
    jit_compile: bool | Literal["auto"] = "auto"
    nan_policy: Literal["stop", "rewind"] = "stop"
    max_rewinds: CountFromZero = 3

    def __post_init__(self):
        if self.spectrum_every % self.log_every:
            raise InputError(
                f"Pace: spectrum_every must be a multiple of log_every, {self.log_every}, not {self.spectrum_every}"
            )

    @property
    def rewinds(self) -> int:
        """How often a run may rewind."""
        return self.max_rewinds if self.nan_policy == "rewind" else 0
