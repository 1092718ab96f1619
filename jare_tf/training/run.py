"""A run from where its directory stands to its end: resuming, rewinding, stopping."""

import signal
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError, NotFiniteError, RunError
from jare_tf.training import actions, loop, profiler, strategy
from jare_tf.training.checkpoints import Checkpoints
from jare_tf.training.gan import GAN
from jare_tf.training.probes import Probe
from jare_tf.training.signals import StopSignals
from jare_tf.training.summaries import RunLog, write_hyperparameters

_SEEDS = 2**31  # a configured seed is below it


class Pace(NamedTuple):
    """How long a run is and what happens when, all in steps, never for 0 (see `experiment.train`)."""

    steps: int
    log_every: int
    save_every: int
    sample_every: int
    histograms_every: int
    steps_per_call: int


def run(
    model_dir: str,
    gan: GAN,
    dataset: Dataset,
    checkpoints: Checkpoints,
    *,
    config: str,
    hyperparameters: Mapping[str, bool | int | float | str],
    pace: Pace,
    batch_size: int,
    jit_compile: bool | str,
    probes: Sequence[Probe],
    draw: Callable[[RunLog], loop.Action],
    profile: tuple[int, int] | None,
    max_rewinds: int,
) -> int | None:
    """Goes on from the newest checkpoint to the end; all workers of a run call it.

    Args:
      model_dir: the run directory, which the chief alone writes.
      gan: a compiled GAN at its initialisation.
      dataset: the real samples.
      checkpoints: of this run.
      config: the configuration as text, the same for all workers.
      hyperparameters: what of it was chosen, by name.
      pace: how long, and what when.
      batch_size: of a global batch.
      jit_compile: see `loop.use_xla`.
      probes: quantities for the rows of metrics.
      draw: makes the action that draws samples.
      profile: after which step the profile of the chief begins, and after which it ends.
      max_rewinds: how often to go back to the newest checkpoint when something is not finite, and on with other draws.

    Returns:
      The signal that came while it trained and made it stop, or None.

    Raises:
      NotFiniteError: something is not finite, and no rewind is left.
      RunError: it cannot go on for another reason.
    """
    devices = gan.distribute_strategy
    chief, agree = strategy.worker(devices) == 0, strategy.agreement(devices)
    if not _alike(agree, zlib.crc32(config.encode()), devices):
        raise InputError("the workers of TF_CONFIG have different configurations, or versions of this program")
    first = _restored(checkpoints, agree, gan)
    rewinds, rewound = int(checkpoints.rewinds), ""
    if first >= pace.steps:
        print(f"{model_dir} is at step {first} already; more steps: --gin_param 'STEPS = ...'", flush=True)
        return None
    if chief:
        files.replace(f"{model_dir}/config.gin", config)
        write_hyperparameters(model_dir, hyperparameters)
    if max_rewinds:
        checkpoints.save(first)
    print(f"{model_dir}: from step {first} to {pace.steps}{strategy.described(devices)}", flush=True)
    profiling = profiler.profiled(f"{model_dir}/train", profile, range(first, pace.steps), chief)
    with StopSignals() as signals, profiling as profile_actions:
        while True:
            gan.seed.assign(gan.first_seed + rewinds * _SEEDS)
            checkpoints.rewinds.assign(rewinds)
            run_log = RunLog(model_dir, first) if chief else None
            if run_log is not None and rewound:
                run_log.text(first, "rewind", rewound)
            try:
                last = loop.run(
                    gan,
                    dataset,
                    batch_size=batch_size,
                    steps=pace.steps,
                    steps_per_call=pace.steps_per_call,
                    jit_compile=jit_compile,
                    actions=[
                        *_actions(run_log, gan, checkpoints, config, pace, batch_size, probes, draw),
                        *profile_actions,
                    ],
                    stopped=lambda: agree(int(signals.received is not None)) > 0,
                )
                checkpoints.save(last)
                agree(0)  # no worker leaves before the chief has written
                return signals.received or (signal.SIGTERM if last < pace.steps else None)
            except RunError as error:
                if not isinstance(error, NotFiniteError) or rewinds >= max_rewinds or not checkpoints.exist():
                    raise type(error)(_with_advice(error, checkpoints)) from error
                rewinds += 1
                first = _restored(checkpoints, agree, gan)
                if run_log is not None:
                    run_log.close()
                rewound = f"{error}: rewind {rewinds} of {max_rewinds} to step {first}, with other random draws"
                print(rewound, flush=True)


def _actions(
    run_log: RunLog | None,
    gan: GAN,
    checkpoints: Checkpoints,
    config: str,
    pace: Pace,
    batch_size: int,
    probes: Sequence[Probe],
    draw: Callable[[RunLog], loop.Action],
) -> list[loop.Every]:
    """What is due when; workers without a log write nothing, but stop at the same steps."""
    log = picture = histograms = lambda progress: None
    if run_log is not None:
        run_log.text(gan.step, "config", config)
        log, picture = actions.log(run_log, gan, probes, pace.steps, batch_size), draw(run_log)
        histograms = actions.histograms(run_log, gan)
    shown = [(pace.sample_every, picture), (pace.histograms_every, histograms)]
    shown = [loop.Every(steps, action) for steps, action in shown if steps]
    if gan.step == 0:
        for each in shown:
            each.action(loop.Progress(step=0, metrics={}, steps_per_second=None))
    save = loop.Every(pace.save_every, lambda progress: checkpoints.save(progress.step))
    return [loop.Every(pace.log_every, log), *shown, save]


def _restored(checkpoints: Checkpoints, agree: Callable[[int], int], gan: GAN) -> int:
    """The step of the newest checkpoint that can be read, to which all workers go back; the chief first."""
    devices = gan.distribute_strategy
    step = checkpoints.restore() if strategy.worker(devices) == 0 else 0
    agree(0)
    step = step if strategy.worker(devices) == 0 else checkpoints.restore()
    if not _alike(agree, step, devices):
        raise InputError("the workers find different checkpoints: --model_dir must be one folder that all of them see")
    return step


def _alike(agree: Callable[[int], int], number: int, devices: tf.distribute.Strategy) -> bool:
    """Whether all workers call it with the same number; if not, one of them at least is told."""
    return agree(number) == number * strategy.workers(devices)


def _with_advice(error: RunError, checkpoints: Checkpoints) -> str:
    kept = checkpoints.steps()
    return f"{error}; " + (f"the checkpoint of step {kept[-1]} is kept" if kept else "there is no checkpoint before it")
