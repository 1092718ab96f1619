"""What a run does between calls besides saving and drawing."""

import collections
import datetime
import re
import time
from collections.abc import Sequence

import keras
import numpy as np

from jare_tf.output import say
from jare_tf.training.gan import GAN
from jare_tf.training.loop import Action, StepReport
from jare_tf.training.pace import Probe, measure
from jare_tf.training.summaries import RunLog
from jare_tf.types import Players


def log(run_log: RunLog, gan: GAN, probes: Sequence[Probe], steps: int, batch_size: int) -> Action:
    """An action that writes a row of metrics, with what the probes measure, and a line of progress once a second."""
    begin = printed = time.monotonic()

    def action(report: StepReport) -> None:
        nonlocal printed
        measured = measure(probes, gan)
        run_log.scalars(report.step, {**report.metrics, **measured, **_speed(report, gan, batch_size)})
        if report.step == steps or time.monotonic() - printed > 1:
            printed = time.monotonic()
            say(_line(report, steps, printed - begin))

    return action


def _speed(report: StepReport, gan: GAN, batch_size: int) -> dict[str, float]:
    """Steps a second and, where samples are images, real images a second."""
    if report.steps_per_second is None:
        return {}
    speed = {"steps_per_second": report.steps_per_second}
    if len(gan.sample_shape) == 3:
        speed["images_per_second"] = report.steps_per_second * len(gan.schedule.moves) * batch_size
    return speed


def histograms(run_log: RunLog, gan: GAN) -> Action:
    """An action that writes `parameters/<player>/<path>`, the values of every trainable variable."""

    def action(report: StepReport) -> None:
        players = gan.game.networks._asdict().items()
        values = {
            f"parameters/{player}/{path}": np.asarray(variable)
            for player, network in players
            for path, variable in _by_path(network).items()
        }
        run_log.histograms(report.step, values)

    return action


def _by_path(network: keras.Model) -> dict[str, keras.Variable]:
    """The trainable variables; Keras counts layers on from network to network, here the count is the network's own."""
    variables: dict[str, keras.Variable] = {}
    seen: collections.Counter[str] = collections.Counter()
    for variable in network.trainable_variables:
        path = re.sub(r"_\d+(?=/|$)", "", variable.path.removeprefix(f"{network.name}/"))
        variables[f"{path}_{seen[path]}" if seen[path] else path] = variable
        seen[path] += 1
    return variables


def _line(report: StepReport, steps: int, elapsed: float) -> str:
    """At most 80 columns wide for runs of up to a million steps; ends with the time elapsed, and that of the whole."""
    losses = "  ".join(f"{player[0].upper()} {report.metrics[f'loss/{player}']:+.4f}" for player in Players._fields)
    line = f"step {report.step:>{len(f'{steps:,}')},}/{steps:,}  loss {losses}"
    if rate := report.steps_per_second:
        total = elapsed + (steps - report.step) / rate
        line += f"  {rate:,.0f}/s" if rate >= 100 else f"  {rate:.3g}/s"
        line += "  {} of {}".format(*(datetime.timedelta(seconds=round(seconds)) for seconds in (elapsed, total)))
    return line
