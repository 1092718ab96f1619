"""Scoring the checkpoints of a run, while it goes on or afterwards."""

import time
from collections.abc import Mapping, Sequence

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError
from jare_tf.evaluation.metric import Metric, directions
from jare_tf.output import say
from jare_tf.training import checkpoints
from jare_tf.training.gan import GAN
from jare_tf.training.pace import Probe, measure
from jare_tf.training.rows import is_number
from jare_tf.training.run import UNREADABLE, Run

_PAUSE = 10.0  # seconds between looks for a new checkpoint
_PATIENCE = 60.0  # seconds after which nobody trains any more; a job that starts again takes some


class Evaluator:
    """Scores checkpoints into run.evaluation: a row each in metrics.jsonl, and TensorBoard scalars.

    A row has `step`, `seconds` (that the scoring took), `checkpoint` (a checksum), what the scores depend on (the
    labels: `not_as_in_the_run` and those of the probes, all of them strings), the scores, and `better`, by score
    whether "lower" or "higher" is better. A checkpoint with a row of the same step, checksum and labels is scored.

    Args:
      run: the run.
      gan: of the run's experiment.
      probes: what gives scores; one may have a method `labels`, and `better` (see `metric.Metric`).
      best_by: the beginning of a score's tag: the checkpoint with the best one so far is kept in run.best, where rows
        with other labels do not count. None for none.
      differences: how the experiment of `gan` differs from the run's.

    Raises:
      InputError: two probes have different values for a label, or none says which value of `best_by` is better.
    """

    def __init__(
        self, run: Run, gan: GAN, probes: Sequence[Probe], best_by: str | None, differences: Sequence[str] = ()
    ):
        self._run, self._gan, self._probes, self._best_by = run, gan, probes, best_by
        self._better = {tag: way for probe in probes for tag, way in getattr(probe, "better", {}).items()}
        if metrics := [type(probe).__name__ for probe in probes if isinstance(probe, Metric)]:
            raise InputError(f"scores: {metrics[0]} is a metric, which evaluation.ImageScores takes: bind its metrics")
        fits = lambda tag: best_by and (tag.startswith(best_by) or best_by.startswith(tag))
        if best_by is not None and not any(map(fits, self._better)):
            known = ", ".join(sorted(self._better)) or "none"
            raise InputError(f"best_by = {best_by!r}: whose better values are known are {known}")
        labels = [probe.labels(gan) for probe in probes if hasattr(probe, "labels")]
        self._labels = _joined([{"not_as_in_the_run": "; ".join(differences)}, *labels])
        self._evaluation, self._rows, self._left_out = run.evaluation, list[dict](), set[int]()
        self._unreadable: set[str | int | None] = set()

    def score(self, last_step: int, watch: bool) -> None:
        """Scores what is not scored; if `watch`, until the run is at `last_step` or nobody has trained for a minute.

        Where nobody can know who trains, in gs://... and without locks, a watch ends at `last_step` alone.

        Raises:
          InputError: another process scores this run.
        """
        with self._run.evaluation.locked() as self._evaluation:
            self._evaluation.drop_rows()  # but for a torn last line
            self._rows = list(self._evaluation.rows())
            self._writer = tf.summary.create_file_writer(self._evaluation.path)
            with self._writer.as_default(0):
                tf.summary.text("scores", "\n".join(f"    {name}: {value}" for name, value in self._labels.items()))
            self._score_all(last_step, watch)

    def _score_all(self, last_step: int, watch: bool) -> None:
        idle_since = time.monotonic()
        while True:
            trained = self._run.is_locked()
            steps = self._run.steps()
            unscored = [step for step in steps if not self._is_scored(step)]
            for number, step in enumerate(unscored):
                say(f"{self._run}: checkpoint {number + 1} of {len(unscored)}, step {step}")
                self._score(step)
            if self._best_by:
                self._keep_best()
            if not watch or (steps and steps[-1] >= last_step):
                self._print_result(steps)
                return
            if unscored or trained is not False:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= _PATIENCE:
                step = max(steps, default=0)
                say(f"{self._run}: training has stopped at step {step} of {last_step}")
                return
            time.sleep(_PAUSE)

    def _print_result(self, steps: Sequence[int]) -> None:
        scored = len({*steps} - self._left_out) if self._left_out else "all"
        left_out = f"; left out: {', '.join(map(str, sorted(self._left_out)))}" if self._left_out else ""
        say(f"{self._run}: {scored} checkpoints up to step {steps[-1]} are scored{left_out}")

    def _is_scored(self, step: int) -> bool:
        key = self._key(self._run, step)
        if key["checkpoint"] == UNREADABLE:
            return step in self._left_out
        if key["checkpoint"] in (None, *self._unreadable):
            return True
        return any(key.items() <= row.items() for row in self._rows)

    def _key(self, run: Run, step: int) -> dict[str, str | int | None]:
        return {"step": step, "checkpoint": run.identity(step), **self._labels}

    def _score(self, step: int) -> None:
        """Scores a copy, which the run does not remove, and keeps it if it is the best."""
        if self._run.identity(step) == UNREADABLE:
            self._left_out.add(step)
            say(f"{self._run}: step {step} is left out: cannot read {self._run.checkpoint(step)}.index")
            return
        if not self._run.copy_checkpoint(step, self._evaluation):
            self._left_out.add(step)
            advice = "save less often or keep more checkpoints"
            say(f"{self._run}: step {step} was removed before it could be scored: {advice}")
            return
        try:
            self._score_copy(step)
        except checkpoints.UnreadableError as error:
            self._left_out.add(step)
            self._unreadable.add(self._key(self._evaluation, step)["checkpoint"])
            say(f"{self._run}: step {step} is left out: {error}")
        files.remove(self._evaluation.checkpoints)

    def _score_copy(self, step: int) -> None:
        start = time.monotonic()
        checkpoints.restore_networks(self._evaluation, self._gan, step)
        measured = measure(self._probes, self._gan)
        seconds, better = round(time.monotonic() - start, 3), directions(self._better, measured)
        row = {**self._key(self._evaluation, step), "seconds": seconds, **measured, "better": better}
        self._evaluation.append_row(row)
        self._rows.append(row)
        with self._writer.as_default(step):
            for tag, value in measured.items():
                tf.summary.scalar(tag, value)
        self._writer.flush()
        say("  ".join(f"{tag} {value:.5g}" for tag, value in measured.items()))
        if self._best_by:
            self._keep_best()

    def _keep_best(self) -> None:
        """Copies the best of the checkpoints that are still somewhere to run.best, unless it is there."""
        best = self._run.best
        rows = [row for row in self._rows if self._labels.items() <= row.items()]
        tags = [tag for row in rows for tag in row if tag.startswith(self._best_by) and is_number(row[tag])]
        if rows and not tags:
            raise InputError(f"best_by: no score begins with {self._best_by!r}")
        kept = [
            (row[tags[0]], row["step"], run)
            for run in (best, self._evaluation, self._run)
            for row in rows
            if is_number(row.get(tags[0])) and run.identity(row["step"]) == row.get("checkpoint", "")
        ]
        if not kept:
            return
        lower = directions(self._better, tags)[tags[0]] == "lower"
        value, step, run = (min if lower else max)(kept, key=lambda one: one[0])
        if run != best and run.copy_checkpoint(step, best):
            say(f"{best}: step {step}, {tags[0]} {value:.5g}")


def _joined(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for one in labels:
        for name, value in one.items():
            if joined.setdefault(name, value) != value:
                raise InputError(f"scores of two kinds, {name} {joined[name]!r} and {value!r}: evaluate one at a time")
    return joined
