"""How many samples scores are computed on, and against what: scores of different protocols cannot be compared."""

import dataclasses
from typing import Annotated

from jare_tf.errors import InputError
from jare_tf.evaluation.metric import Metric
from jare_tf.evaluation.precision_recall import DensityCoverage, PrecisionRecall
from jare_tf.evaluation.scores import FrechetDistance, InceptionScore, KernelDistance, SlicedWasserstein
from jare_tf.settings import Count, Range, checked

_Samples = Annotated[int, Range(least=2, below=2**31)]
Measure = tuple[Metric, _Samples]


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """What is computed on what.

    Args:
      name: how rows of scores call it.
      split: which real images generated ones are compared with, "train" or "test".
      real: how many of them, drawn once and always the same; None for all.
      measures: pairs of a metric and the number of generated images that it is given, always the first ones.

    Raises:
      InputError: a number is not positive, or a measure is no such pair.
    """

    name: str
    split: str
    real: Count | None
    measures: tuple[Measure, ...]
    in_words = "a protocol such as protocols.jare()"

    def __post_init__(self):
        if not self.measures:
            raise InputError("Protocol: measures must have a metric")

    @property
    def samples(self) -> int:
        """How many images have to be generated."""
        return max(count for _, count in self.measures)


def jare() -> Protocol:
    """The JARE paper's, as in its code: Fréchet distance of 12,800 generated and as many training images.

    The inception score is the mean over 10 parts of 50,000 generated images.
    """
    measures = (*_compared(12_800), (InceptionScore(splits=10), 50_000))
    return Protocol(name="jare", split="train", real=12_800, measures=measures)


def conopt() -> Protocol:
    """ConOpt's, captions of Figs. 5 and 11: the inception score of 6,400 generated images, as in its code in ten parts.

    The score grows with the number of images: it does not compare with that of 50,000.
    """
    return Protocol(name="conopt", split="train", real=None, measures=((InceptionScore(splits=10), 6400),))


def standard_50k() -> Protocol:
    """The most usual one: 50,000 generated images against the whole training set (Heusel et al. 2017)."""
    measures = (*_compared(50_000), (InceptionScore(splits=10), 50_000))
    return Protocol(name="standard_50k", split="train", real=None, measures=measures)


def test_10k() -> Protocol:
    """10,000 generated images against the whole test set, which the discriminator never saw."""
    return small(name="test_10k", samples=10_000, split="test", real=None)


@checked
def small(
    *,
    name: str = "small",
    samples: _Samples = 1000,
    split: str = "train",
    real: Count | None = None,
) -> Protocol:
    """All metrics on `samples` generated images, for quick looks and small data sets."""
    return Protocol(name=name, split=split, real=real, measures=(*_compared(samples), (InceptionScore(), samples)))


def _compared(samples: int) -> tuple[tuple[Metric, int], ...]:
    """The metrics that compare with real images; those that look at all pairs take 10,000 images at most."""
    metrics = FrechetDistance(), KernelDistance(), PrecisionRecall(), DensityCoverage(), SlicedWasserstein()
    return tuple((metric, min(samples, getattr(metric, "samples", samples))) for metric in metrics)
