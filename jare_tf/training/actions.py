"""What a run does between calls besides saving and drawing."""

import collections
import datetime
import re
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from jare_tf.training.gan import GAN
from jare_tf.training.loop import Progress
from jare_tf.training.probes import Probe
from jare_tf.training.summaries import RunLog


def log(run_log: RunLog, gan: GAN, probes: Sequence[Probe], steps: int, batch_size: int) -> Callable[[Progress], None]:
    """An action that writes a row of metrics, with what the probes measure, and a line of progress once a second."""
    printed = time.monotonic()

    def action(progress: Progress) -> None:
        nonlocal printed
        measured = {tag: value for probe in probes for tag, value in probe(gan).items()}
        run_log.scalars(progress.step, {**progress.metrics, **measured, **_speed(progress, gan, batch_size)})
        if progress.step == steps or time.monotonic() - printed > 1:
            printed = time.monotonic()
            print(_line(progress, steps), flush=True)

    return action


def _speed(progress: Progress, gan: GAN, batch_size: int) -> dict[str, float]:
    """Steps a second and, where samples are images, real images a second."""
    if progress.steps_per_second is None:
        return {}
    speed = {"steps_per_second": progress.steps_per_second}
    if len(gan.sample_shape) == 3:
        speed["images_per_second"] = progress.steps_per_second * len(gan.schedule.moves) * batch_size
    return speed


def histograms(run_log: RunLog, gan: GAN) -> Callable[[Progress], None]:
    """An action that writes `parameters/<player>/<path>`, the values of every trainable variable."""

    def action(progress: Progress) -> None:
        players = gan.game.networks._asdict().items()
        values = {
            f"parameters/{player}/{path}": np.asarray(variable)
            for player, network in players
            for path, variable in _by_path(network).items()
        }
        run_log.histograms(progress.step, values)

    return action


def _by_path(network: keras.Model) -> dict[str, keras.Variable]:
    """The trainable variables; Keras counts layers on from network to network, here the count is the network's own."""
    variables, seen = {}, collections.Counter()
    for variable in network.trainable_variables:
        path = re.sub(r"_\d+(?=/|$)", "", variable.path.removeprefix(f"{network.name}/"))
        variables[f"{path}_{seen[path]}" if seen[path] else path] = variable
        seen[path] += 1
    return variables


def _line(progress: Progress, steps: int) -> str:
    losses = "  ".join(
        f"{player} {progress.metrics[f'loss/{player}']:+.4f}" for player in ("discriminator", "generator")
    )
    line = f"step {progress.step:>{len(str(steps))}} of {steps}  loss: {losses}"
    if progress.steps_per_second:
        left = datetime.timedelta(seconds=round((steps - progress.step) / progress.steps_per_second))
        line += f"  {progress.steps_per_second:.4g} steps/s  {left} left"
    return line
