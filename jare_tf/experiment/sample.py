"""Samples of a trained generator."""

import io
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data import latent
from jare_tf.data.dataset import as_pixels
from jare_tf.experiment.checkpoint import Checkpoint, output_folder, restore
from jare_tf.experiment.experiment import Experiment
from jare_tf.output import say
from jare_tf.progress import ProgressLine
from jare_tf.report import pictures
from jare_tf.settings import CountFromZero, Positive, Range, checked
from jare_tf.training.gan import GAN
from jare_tf.training.run import Run

_BATCH = 256
_PATHS = {"linear": latent.linear, "spherical": latent.spherical}


@checked
def sample(
    experiment: Experiment,
    run: Run,
    *,
    checkpoint: Checkpoint = "newest",
    count: Annotated[int, Range(least=1, most=1_000_000)] = 64,
    first_seed: CountFromZero = 0,
    truncation: Positive | None = None,
    interpolation: Literal["linear", "spherical"] | None = None,
    points: Annotated[int, Range(least=1, most=1000)] = 8,
    format: Literal["png", "npz", "grid"] = "png",
    output: str | None = None,
) -> None:
    """Writes samples of a run's generator, by its moving average where there is one; no data set is needed.

    Sample i is that of the latent vector of seed first_seed + i and depends on nothing else. Images become uint8 as
    `data.dataset.as_pixels` rounds them; of other games the samples are written as they are, and drawn. What is written
    has the step in its name, and the truncation and the interpolation.

    Args:
      experiment: what the run trains.
      run: the run.
      checkpoint: "newest", "best" (what `evaluate` kept), or the number of a step.
      count: how many samples, or with `interpolation` how many paths.
      first_seed: a non-negative integer.
      truncation: how far from 0 the coordinates of latent vectors may be (`latent.Prior.draw`); None for the prior.
      interpolation: "linear" or "spherical": path i leads from the latent vector of seed first_seed + i to the next
        seed's.
      points: samples on each path, both ends included.
      format: of images: "png", a file each; "npz", one file with `images` [n, height, width, channels], `seeds` [n], of
        the beginning of each one's path, and `latent` [n, latent_dim]; "grid", one picture. Samples that are no images
        become an .npz file with `samples` in place of `images`, and a picture.
      output: the folder; by default generated/ in the run directory.

    Raises:
      InputError: an argument is none of these, there is no such checkpoint, or `output` cannot be written to.
    """
    gan = experiment.gan()
    step = restore(run, gan, checkpoint)
    folder = output_folder(output, f"{run}/generated")
    seeds = np.arange(first_seed, first_seed + count)
    ends = [*seeds, first_seed + count] if interpolation else seeds
    z = latent.of_seeds(gan.latent_prior, gan.latent_dim, ends, truncation)
    if interpolation:
        z = tf.reshape(_PATHS[interpolation](z[:-1], z[1:], points), [-1, gan.latent_dim])
        names = [f"seed-{start:06d}-{start + 1:06d}-{point:03d}" for start in seeds for point in range(points)]
        seeds = np.repeat(seeds, points)
    else:
        names = [f"seed-{start:06d}" for start in seeds]
    images = len(gan.sample_shape) == 3
    made = _samples(gan, z, images)
    drawn = f"-truncation-{truncation:g}" if truncation else ""
    drawn += f"-{interpolation}-{points}" if interpolation else ""
    name = f"{folder}/step-{step}{drawn}"
    if images and format == "png":
        written = name
        _write_files(written, names, made)
    else:
        written = f"{name}.{'png' if images and format == 'grid' else 'npz'}"
        samples = np.concatenate(list(made))
        if images and format == "grid":
            columns = points if interpolation else math.ceil(count**0.5)
            files.replace(written, pictures.png(pictures.grid(samples, columns)))
        else:
            buffer = io.BytesIO()
            arrays: dict[str, Any] = {"images" if images else "samples": samples, "seeds": seeds, "latent": z}
            np.savez(buffer, **arrays)
            files.replace(written, buffer.getvalue())
        if not images:
            files.replace(f"{name}.png", pictures.png(experiment.picture.draw(samples)))
    say(f"{len(names):,} samples of step {step}: {written}")


def _samples(gan: GAN, z: tf.Tensor, images: bool) -> Iterator[np.ndarray]:
    """Batches of samples, images as uint8."""
    generate = tf.function(lambda z: as_pixels(gan(z)) if images else gan(z), autograph=False, reduce_retracing=True)
    progress = ProgressLine("sample", len(z), "samples")
    for first in range(0, len(z), _BATCH):
        batch = generate(z[first : first + _BATCH]).numpy()
        progress.advance(len(batch))
        yield batch


def _write_files(folder: str, names: list[str], batches: Iterator[np.ndarray]) -> None:
    tf.io.gfile.makedirs(folder)
    rest = iter(names)
    for batch in batches:
        for image, name in zip(batch, rest, strict=False):
            files.replace(f"{folder}/{name}.png", pictures.png(image))
