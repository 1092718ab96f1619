"""Scores that many runs of a process have in common, so that real images are read and looked at once."""

import functools

from jare_tf.data import tfds_images
from jare_tf.evaluation import embedding as embeddings
from jare_tf.evaluation.image_scores import ImageScores
from jare_tf.evaluation.protocols import Protocol


@functools.cache
def cifar10(*, embedding: str | None, protocol: Protocol) -> ImageScores:
    """Scores against CIFAR-10's training images through an embedding, a file; see `embedding.load`."""
    return ImageScores(
        protocol=protocol,
        embedding=functools.partial(embeddings.load, path=embedding),
        data={"train": functools.partial(tfds_images.load, name="cifar10", split="train")},
    )
