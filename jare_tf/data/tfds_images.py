"""Images from TensorFlow Datasets, held in memory as bytes."""

import os

import tensorflow as tf

from jare_tf.data import random
from jare_tf.data.dataset import Dataset
from jare_tf.errors import InputError

_ROUNDS = 16  # of the cipher behind the permutation; with TensorFlow's own 4 permutations of different keys correlate


class TfdsImages(Dataset):
    """The images of a TFDS data set, in memory as uint8, in an order shuffled anew for every epoch.

    The order is a keyed permutation evaluated index by index: no buffer, no state, every image exactly once an epoch,
    and the same batch for the same (seed, counter).

    Args:
      name: the TFDS name, for instance "cifar10".
      split: the TFDS split, for instance "train" or "train[:1000]".
      image_size: side to which images are resized (bilinear, with antialiasing, rounded to bytes); None leaves them.
      data_dir: where prepared TFDS data lie or are put; by default $TFDS_DATA_DIR, else TFDS's own.

    Raises:
      InputError: the data set does not exist, has no images of one size, or cannot be downloaded.
    """

    drawn_by_xla = False  # tf.raw_ops.RandomIndexShuffle has no XLA kernel

    def __init__(self, *, name: str, split: str = "train", image_size: int | None = None, data_dir: str | None = None):
        self.name = name
        images = _load(name, split, data_dir)
        self._images = tf.constant(images if image_size is None else _resized(images, image_size))
        self.element_shape = tuple(self._images.shape[1:])

    def __len__(self) -> int:
        return self._images.shape[0]

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        position = tf.cast(counter, tf.int64) * batch_size + tf.range(batch_size, dtype=tf.int64)
        epoch = position // len(self)
        first, most = epoch[0], 2 + (batch_size - 1) // len(self)  # a batch may straddle epochs
        keys = tf.stack([_permutation_key(seed, first + later) for later in range(most)])
        order = tf.raw_ops.RandomIndexShuffle(
            index=position % len(self),
            seed=tf.gather(keys, epoch - first),
            max_index=tf.constant(len(self) - 1, tf.int64),
            rounds=_ROUNDS,
        )
        return tf.gather(self._images, order)


def _permutation_key(seed, epoch) -> tf.Tensor:
    """Three random words: with consecutive numbers as keys the permutations of consecutive epochs correlate."""
    return tf.cast(random.integers([3], random.key(seed, random.REAL, epoch), 2**31 - 1), tf.int64)


def _load(name: str, split: str, data_dir: str | None):
    """All images of the split as one uint8 array."""
    os.environ.setdefault("NO_GCE_CHECK", "true")  # without it TFDS asks a metadata server that most machines lack
    import tensorflow_datasets as tfds  # here, because only runs on images need it and the setting above

    try:
        builder = tfds.builder(name, data_dir=data_dir or os.environ.get("TFDS_DATA_DIR"))
    except tfds.core.DatasetNotFoundError:
        raise InputError(
            f"TFDS has no data set {name!r}; https://www.tensorflow.org/datasets/catalog lists them"
        ) from None
    if not builder.is_prepared():
        _download(builder)
    if "image" not in builder.info.features:
        raise InputError(f"the data set {name!r} has no images: its features are {sorted(builder.info.features)}")
    if None in builder.info.features["image"].shape:
        raise InputError(f"the images of the data set {name!r} differ in size: {builder.info.features['image'].shape}")
    try:
        dataset = builder.as_dataset(split=split, batch_size=-1, decoders=tfds.decode.PartialDecoding({"image": True}))
    except ValueError as error:
        raise InputError(f"the data set {name!r} has no split {split!r}: {str(error).splitlines()[0]}") from None
    return dataset["image"]


def _resized(images: tf.Tensor, size: int) -> tf.Tensor:
    """uint8 images [n, size, size, channels], a thousand at a time so that the floats in between stay small."""
    parts = [
        tf.image.resize(images[start : start + 1000], (size, size), antialias=True)
        for start in range(0, len(images), 1000)
    ]
    return tf.concat([tf.cast(tf.round(tf.clip_by_value(part, 0, 255)), tf.uint8) for part in parts], axis=0)


def _download(builder) -> None:
    """Downloads and prepares, after one quick request that tells a machine without network from a slow one."""
    import requests

    advice = f"; with data prepared elsewhere, name their folder with --data_dir (looked in {builder.data_dir})"
    try:
        for url in list(builder.url_infos)[:1]:
            requests.head(url, timeout=10)
        builder.download_and_prepare()
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(f"cannot download the data set {builder.name!r}: {reason}{advice}") from error
