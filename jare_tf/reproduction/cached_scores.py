"""Scores that many runs of a process have in common, so that real images are read and looked at once."""

import functools

from jare_tf.data import tfds_images
from jare_tf.evaluation import embedding as embeddings
from jare_tf.evaluation.image_scores import ImageScores
from jare_tf.evaluation.protocols import Protocol
from jare_tf.evaluation.scores import FrechetDistance, InceptionScore


@functools.cache
def cifar10(*, embedding: str | None, protocol: Protocol) -> ImageScores:
    """Scores against CIFAR-10's training images through an embedding, a file; see `embedding.load`."""
    return ImageScores(
        protocol=protocol,
        embedding=functools.partial(embeddings.load, path=embedding),
        data={"train": functools.partial(tfds_images.load, name="cifar10", split="train")},
    )


def reduced(samples: int = 5000) -> Protocol:
    """The two scores that figures show, of fewer images.

    Of `protocols.small` the sliced Wasserstein distance alone takes two thirds of the time.
    """
    measures = ((FrechetDistance(), samples), (InceptionScore(), samples))
    return Protocol(name="reduced", split="train", real=None, measures=measures)
