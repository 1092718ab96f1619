"""How long a run is and what happens when."""

import dataclasses
from collections.abc import Callable, Sequence

from jare_tf.errors import InputError, check_integer, shown
from jare_tf.training.gan import GAN

Probe = Callable[[GAN], dict[str, float]]
_LIMIT = 2**31


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

    steps: int
    log_every: int
    save_every: int
    sample_every: int
    steps_per_call: int
    histograms_every: int = 0
    spectrum_every: int = 0
    probes: Sequence[Probe] = ()
    keep_checkpoints: int = 3
    jit_compile: bool | str = "auto"
    nan_policy: str = "stop"
    max_rewinds: int = 3

    def __post_init__(self):
        for name in ("steps", "log_every", "save_every", "sample_every", "steps_per_call", "keep_checkpoints"):
            check_integer(f"Pace: {name}", getattr(self, name), 1, _LIMIT)
        for name in ("histograms_every", "spectrum_every", "max_rewinds"):
            check_integer(f"Pace: {name}", getattr(self, name), 0, _LIMIT)
        if self.spectrum_every % self.log_every:
            raise InputError(
                f"Pace: spectrum_every must be a multiple of log_every, {self.log_every}, not {self.spectrum_every}"
            )
        if not isinstance(self.probes, list | tuple) or not all(map(callable, self.probes)):
            raise InputError(f"Pace: probes must be a list of functions of the GAN, not {shown(self.probes)}")
        if not isinstance(self.jit_compile, bool) and self.jit_compile != "auto":
            raise InputError(f"Pace: jit_compile must be True, False or 'auto', not {shown(self.jit_compile)}")
        if self.nan_policy not in ("stop", "rewind"):
            raise InputError(f"Pace: nan_policy must be 'stop' or 'rewind', not {shown(self.nan_policy)}")

    @property
    def rewinds(self) -> int:
        """How often a run may rewind."""
        return self.max_rewinds if self.nan_policy == "rewind" else 0
