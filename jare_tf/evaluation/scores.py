"""The scores of TF-GAN as metrics: of what a classifier sees, and of the patches of images."""

import dataclasses
import functools

import numpy as np

from jare_tf.errors import InputError
from jare_tf.evaluation import tfgan_backend
from jare_tf.evaluation.metric import IMAGES, Metric, Samples, random_rows
from jare_tf.output import say
from jare_tf.settings import Count, checked


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class InceptionScore(Metric):
    """`inception_score`, and of several splits its standard deviation between them, `inception_score_std`.

    See `tfgan_backend.inception_score`. Salimans et al. 2016 take the mean over 10 splits of 50,000 samples; of fewer
    samples, and so of more splits, the score is lower.

    Args:
      splits: into how many consecutive parts the samples are cut.

    Raises:
      InputError: splits is no positive integer, or there are fewer samples.
    """

    compares = False
    better = {"inception_score": "higher"}
    splits: Count = 1

    def __call__(self, real: Samples | None, generated: Samples) -> dict[str, float]:
        if len(generated.logits) < self.splits:
            raise InputError(f"scores.InceptionScore: {len(generated.logits)} samples make no {self.splits} splits")
        values = [tfgan_backend.inception_score(part) for part in np.array_split(generated.logits, self.splits)]
        spread = {"inception_score_std": float(np.std(values))} if self.splits > 1 else {}
        return {"inception_score": float(np.mean(values)), **spread}


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrechetDistance(Metric):
    """`fid`, the Fréchet distance of the features of real and generated samples; see `tfgan_backend.frechet_distance`.

    It is called FID of whichever embedding, and is comparable only within one.
    """

    compares = True
    better = {"fid": "lower"}

    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        fewer, dimension = min(len(real.features), len(generated.features)), generated.features.shape[1]
        if fewer <= dimension:
            _say_rank_deficient(fewer, dimension)
        return {"fid": tfgan_backend.frechet_distance(real.features, generated.features)}


@functools.cache
def _say_rank_deficient(samples: int, dimension: int) -> None:
    say(
        f"fid: the covariance of {samples:,} samples of {dimension:,} features is rank-deficient: use more than "
        f"{dimension:,} samples"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelDistance(Metric):
    """`kid`, the kernel distance of the features of real and generated samples; see `tfgan_backend.kernel_distance`.

    Blocks are drawn at random, always the same ones; of many times more samples of one kind not all are used.
    """

    compares = True
    better = {"kid": "lower"}

    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        most = tfgan_backend.BLOCK * (min(len(real.features), len(generated.features)) // 2)
        features = random_rows(real.features, most), random_rows(generated.features, most)
        return {"kid": tfgan_backend.kernel_distance(*features)}


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(Metric):
    """`sliced_wasserstein_<side>` of each level of the images' pyramids, and `sliced_wasserstein`, their mean.

    See `tfgan_backend.sliced_wasserstein`. `sliced_wasserstein_real` is the mean between two draws of patches of the
    same real images; other real images are about twice as far away. Images that are not square or too small have none.

    Args:
      samples: how many images of each at most, chosen at random, always the same ones; Karras et al. 2018 have
        16,384, here 10,000 is the most. 2048 of 32 pixels take 2 GB of memory and some 20 seconds on two cores.

    Raises:
      InputError: samples is no positive integer, or too many.
    """

    compares = True
    better = {"sliced_wasserstein": "lower"}
    samples: Count = 2048

    def __post_init__(self):
        if self.samples > IMAGES:
            raise InputError(f"scores.SlicedWasserstein: samples must be at most {IMAGES}, not {self.samples}")

    def __call__(self, real: Samples, generated: Samples) -> dict[str, float]:
        height, width = generated.images.shape[1:3]
        if height != width or width < tfgan_backend.PATCH:
            say(f"sliced_wasserstein: needs square images, not {height} × {width}: left out")
            return {}
        count = min(self.samples, len(real.images), len(generated.images))
        images = random_rows(real.images, count), random_rows(generated.images, count)
        levels = tfgan_backend.sliced_wasserstein(*images)
        among_real, distances = zip(*levels.values(), strict=True)
        return {
            "sliced_wasserstein": float(np.mean(distances)),
            "sliced_wasserstein_real": float(np.mean(among_real)),
            **{f"sliced_wasserstein_{side}": distance for side, (_, distance) in levels.items()},
        }
