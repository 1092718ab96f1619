"""Pictures of samples along a run."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf

from jare_tf.report.pictures import png
from jare_tf.training.gan import GAN
from jare_tf.training.loop import Progress
from jare_tf.training.summaries import RunLog


class Picture(Protocol):
    """Turns samples into a picture."""

    samples: int

    def draw(self, samples: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 3] from `samples` samples."""


def save_samples(model_dir: str, run_log: RunLog, gan: GAN, picture: Picture) -> Callable[[Progress], None]:
    """An action that draws samples from unchanging latent vectors to samples/<step>.png and to TensorBoard."""
    tf.io.gfile.makedirs(f"{model_dir}/samples")

    def action(progress: Progress) -> None:
        image = picture.draw(np.asarray(gan.pictured(picture.samples)))
        with tf.io.gfile.GFile(f"{model_dir}/samples/{progress.step:07d}.png", "wb") as file:
            file.write(png(image))
        run_log.image(progress.step, "samples", image)

    return action
