"""Scores that many runs of a process have in common, so that real images are read and looked at once."""

import functools

from jare_tf.data import tfds_images
from jare_tf.evaluation import embedding as embeddings
from jare_tf.evaluation import protocols
from jare_tf.evaluation.image_scores import ImageScores


@functools.cache
def cifar10(*, embedding: str | None, samples: int | None, conopt: bool = False) -> ImageScores:
    """Scores against CIFAR-10's training images through an embedding.

    Args:
      embedding: a file, see `embedding.load`.
      samples: generated images of `protocols.small`; None for `protocols.jare`.
      conopt: whether it is `protocols.conopt` instead.
    """
    usual = protocols.jare() if samples is None else protocols.small(samples=samples)
    return ImageScores(
        protocol=protocols.conopt() if conopt else usual,
        embedding=functools.partial(embeddings.load, path=embedding),
        data={"train": functools.partial(tfds_images.load, name="cifar10", split="train")},
    )
