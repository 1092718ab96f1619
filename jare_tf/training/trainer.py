"""A run from where its directory stands to its end: resuming, rewinding, stopping."""

import datetime
import signal
import time
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from jare_tf import files
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError, NotFiniteError, RunError
from jare_tf.output import say
from jare_tf.training import actions, loop, profiler, strategy
from jare_tf.training.checkpoints import Checkpoints
from jare_tf.training.gan import GAN
from jare_tf.training.pace import Pace, Probe
from jare_tf.training.run import Record, Run
from jare_tf.training.signals import StopSignals
from jare_tf.training.summaries import RunLog, write_hyperparameters

_SEEDS = 2**31  # a configured seed is below it


class Trainer(NamedTuple):
    """What trains a run; all workers of a run have an equal one.

    run: where it is written, by the chief alone.
    gan: compiled, at its initialisation.
    batch_size: of a global batch.
    pace: how long, and what when.
    record: the configuration.
    draw: makes the action that draws samples.
    """

    run: Run
    gan: GAN
    batch_size: int
    pace: Pace
    record: Record
    draw: Callable[[RunLog], loop.Action]

    @property
    def devices(self) -> tf.distribute.Strategy:
        return self.gan.distribute_strategy

    @property
    def chief(self) -> bool:
        return strategy.worker(self.devices) == 0

    def train(
        self,
        load: Callable[[], Dataset],
        probes: Callable[[Dataset], Sequence[Probe]],
        profile: tuple[int, int] | None = None,
    ) -> int | None:
        """Resumes from the newest checkpoint, if there is one, and trains to the end.

        Args:
          load: opens the data set, once it is known that there is something to train.
          probes: quantities for the rows of metrics.
          profile: after which step the profile of the chief begins, and after which it ends.

        Returns:
          The signal that came while it trained and made it stop, or None.

        Raises:
          NotFiniteError: something is not finite, and no rewind is left.
          RunError: it cannot go on for another reason.
        """
        run, gan, pace = self.run, self.gan, self.pace
        agree = strategy.sum_over_workers(self.devices)
        if not _alike(agree, zlib.crc32(self.record.text.encode()), self.devices):
            raise InputError("the workers of TF_CONFIG have different configurations, or versions of this program")
        checkpoints = Checkpoints(run, gan, pace.keep_checkpoints, self.chief)
        first, rewound = self._restored(checkpoints, agree), ""
        checkpoints.check_configuration(self.record)
        begin, start = first, time.monotonic()
        if first >= pace.steps:
            say(f"{run} is at step {first:,} already, of {pace.steps:,}")
            return None
        dataset = load()
        checkpoints.check_data(dataset)
        if self.chief:
            files.replace(run.config_file, self.record.text)
            write_hyperparameters(run, self.record.hyperparameters)
        if pace.rewinds:
            checkpoints.save(first)
        say(f"{run}: from step {first:,} to {pace.steps:,}{strategy.describe(self.devices)}")
        profiling = profiler.profiled(run.events, profile, range(first, pace.steps), self.chief)
        measured = probes(dataset)
        with StopSignals() as signals, profiling as profile_actions:
            while True:
                rewinds = int(checkpoints.rewinds)
                gan.seed.assign(gan.first_seed + rewinds * _SEEDS)
                run_log = RunLog(run, first) if self.chief else None
                if run_log is not None and rewound:
                    run_log.text(first, "rewind", rewound)
                due: list[loop.Every | loop.At] = [*self._actions(run_log, checkpoints, measured), *profile_actions]
                stopped = lambda: agree(int(signals.received is not None)) > 0
                try:
                    last = loop.train(gan, dataset, self.batch_size, pace, due, stopped)
                    checkpoints.save(last)
                    agree(0)  # no worker leaves before the chief has written
                    took = datetime.timedelta(seconds=round(time.monotonic() - start))
                    ended = "done" if last == pace.steps else f"stopped at step {last:,}, the same command resumes"
                    say(f"{ended}: {last - begin:,} steps in {took}")
                    return signals.received or (signal.SIGTERM if last < pace.steps else None)
                except RunError as error:
                    if not isinstance(error, NotFiniteError) or rewinds >= pace.rewinds or not run.steps():
                        raise type(error)(f"{error}{self._kept()}") from error
                    checkpoints.count_rewind()
                    first = self._restored(checkpoints, agree)
                    if run_log is not None:
                        run_log.close()
                    rewound = (
                        f"{error}: rewind {rewinds + 1} of {pace.rewinds} to step {first}, with other random draws"
                    )
                    say(rewound)

    def _actions(self, run_log: RunLog | None, checkpoints: Checkpoints, probes: Sequence[Probe]) -> list[loop.Every]:
        """What is due when; workers without a log write nothing, but stop at the same steps."""
        gan, pace = self.gan, self.pace
        log = picture = histograms = lambda report: None
        if run_log is not None:
            run_log.text(gan.step, "config", self.record.text)
            log, picture = actions.log(run_log, gan, probes, pace.steps, self.batch_size), self.draw(run_log)
            histograms = actions.histograms(run_log, gan)
        wanted = [(pace.sample_every, picture), (pace.histograms_every, histograms)]
        shown = [loop.Every(steps, action) for steps, action in wanted if steps]
        if gan.step == 0:
            for each in shown:
                each.action(loop.StepReport(step=0, metrics={}, steps_per_second=None))
        save = loop.Every(pace.save_every, lambda report: checkpoints.save(report.step))
        return [loop.Every(pace.log_every, log), *shown, save]

    def _restored(self, checkpoints: Checkpoints, agree: Callable[[int], int]) -> int:
        """The step of the newest checkpoint that can be read, to which all workers go back; the chief first."""
        step = checkpoints.restore() if self.chief else 0
        agree(0)
        step = step if self.chief else checkpoints.restore()
        if not _alike(agree, step, self.devices):
            raise InputError(
                "the workers find different checkpoints: the run directory must be one that all of them see"
            )
        return step

    def _kept(self) -> str:
        """How a message ends: what is kept, which nobody knows of a directory that is another's or gone."""
        try:
            self.run.check_held()
        except OSError:
            return ""
        kept = self.run.steps()
        return f"; the checkpoint of step {kept[-1]} is kept" if kept else "; there is no checkpoint before it"


def _alike(agree: Callable[[int], int], number: int, devices: tf.distribute.Strategy) -> bool:
    """Whether all workers call it with the same number; if not, one of them at least is told."""
    return agree(number) == number * strategy.workers(devices)
