"""Images from TensorFlow Datasets."""

import os
import zlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data import draws, images, kept
from jare_tf.data.dataset import Dataset, places
from jare_tf.data.decoding import Format, decode
from jare_tf.data.in_memory import InMemory
from jare_tf.data.kept import CACHE
from jare_tf.errors import InputError, brief
from jare_tf.settings import NonNegative, Size, checked

_WHERE = "tfds_images.load"
_SHUFFLE_BUFFER = 8192  # encoded images of a streaming pipeline; TFDS shuffled them as a whole when it prepared them


@places("data_dir", "cache")
@checked
def load(
    *,
    name: str,
    split: str = "train",
    image_size: Size | None = None,
    crop: Size | None = None,
    data_dir: str | None = None,
    in_memory_limit: NonNegative = images.IN_MEMORY_LIMIT,
    cache: str | None = CACHE,
) -> Dataset:
    """The images of a TFDS data set, for instance "mnist", "cifar10", "celeb_a", "imagenet2012" or "lsun/bedroom".

    Args:
      name: the TFDS name.
      split: the TFDS split, for instance "train" or "train[:1000]".
      image_size: side to which the central square of every image is resized (see `decoding.decode`); None leaves images
        that all have one size as they are.
      crop: side, in pixels of the original, of that square; by default the largest one.
      data_dir: where prepared TFDS data lie or are put; by default $TFDS_DATA_DIR, else TFDS's own.
      in_memory_limit: images are held in memory up to so many bytes of pixels, and beyond decoded while training goes
        on, in another order: 8192 encoded images are read before the first, and after a resume what was read before is
        skipped over. At the start the checksums of all records are read, a million in seconds where the disk keeps up;
        files that are not TFRecords on this machine are read as a whole. Each of several workers reads all encoded
        images and decodes those of its own.

    Raises:
      InputError: the data set does not exist, has no images, or cannot be downloaded; or its images differ in size and
        there is no image_size.
    """
    builder = _builder(name, data_dir)
    if "image" not in builder.info.features:
        raise InputError(f"the data set {name!r} has no images: its features are {sorted(builder.info.features)}")
    height, width, channels = builder.info.features["image"].shape
    form = Format(image_size, crop, 1 if channels == 1 else 3)
    form.check(_WHERE)
    if image_size is None and (height is None or width is None):
        raise InputError(f"the images of the data set {name!r} differ in size: set {_WHERE}.image_size")
    shape = (image_size or height, image_size or width, form.channels)
    encoded = _read(builder, split, {"image"}).map(lambda example: example["image"])
    count = builder.info.splits[split].num_examples
    if images.fits(count, shape, in_memory_limit):
        return InMemory(name, _decoded(builder, name, split, encoded, form, shape, cache))

    def samples(seed: int, first_batch: int, batch_size: int, rows: np.ndarray) -> tf.data.Dataset:
        first = first_batch * batch_size

        def epoch(number):
            key = draws.integers([], draws.key(seed, draws.REAL, number), 2**31 - 1)
            tf.random.set_seed(1)  # of the graph of this function, so that the order depends on `key` alone
            shuffled = encoded.shuffle(_SHUFFLE_BUFFER, seed=tf.cast(key, tf.int64), reshuffle_each_iteration=False)
            before_a_resume = tf.where(number == first // count, tf.constant(first % count, tf.int64), 0)
            return shuffled.skip(before_a_resume)

        epochs = tf.data.Dataset.range(first // count, 2**62)
        batches = epochs.flat_map(epoch).batch(batch_size, drop_remainder=True)
        chunks = batches.map(lambda batch: tf.gather(batch, rows)).unbatch().batch(images.CHUNK, drop_remainder=True)
        return images.decoded(chunks, lambda data: decode(data, form), shape)

    return images.Streaming(name, count, shape, _checksum(builder, split), samples)


@places("data_dir")
@checked
def labelled(*, name: str, split: str, data_dir: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """All images of one size of a TFDS data set, uint8 [n, height, width, channels], and their labels, int64 [n].

    Raises:
      InputError: as `load`, or the data set has no labels.
    """
    builder = _builder(name, data_dir)
    if not {"image", "label"} <= set(builder.info.features):
        raise InputError(
            f"the data set {name!r} has no labelled images: its features are {sorted(builder.info.features)}"
        )
    examples = _read(builder, split, {"image", "label"})
    shape = builder.info.features["image"].shape
    labels = np.concatenate(list(examples.map(lambda example: example["label"]).batch(1024).as_numpy_iterator()))
    encoded = examples.map(lambda example: example["image"])
    return _decoded(builder, name, split, encoded, Format(None, None, shape[-1]), shape, CACHE), labels


def _decoded(
    builder, name: str, split: str, encoded: tf.data.Dataset, form: Format, shape, cache: str | None
) -> np.ndarray:
    """All images of a split, uint8 [count, *shape]; a prepared data set has none that cannot be decoded."""
    count = builder.info.splits[split].num_examples

    def read() -> kept.Read:
        one_by_one = (data for chunk in encoded.batch(256).as_numpy_iterator() for data in chunk)
        found = images.read_all(name, one_by_one, count, bytes, form, shape, keep=True)
        for index, reason in found[2].items():
            raise InputError(f"the data set {name!r}: image {index} of {split!r} cannot be decoded: {reason}")
        return found

    place = os.fspath(builder.data_dir)
    content = _checksum(builder, split) if cache and files.local(place) else None
    return kept.kept(cache, name, (os.path.abspath(place), split, form), content, read)[0]


def _checksum(builder, split: str) -> int:
    """A checksum of the stored examples of a split.

    A TFRecord file on this machine has one of each example behind it: only those are read, in 1.4 µs each once the file
    is in memory. Other files are read as a whole.
    """
    checksum = 0
    for file in builder.info.splits[split].file_instructions:
        path = os.fspath(file.filename)
        local_records = "://" not in path and builder.info.file_format.value == "tfrecord"
        read = _record_checksums if local_records else files.chunks
        for part in read(path):
            checksum = zlib.crc32(part, checksum)
        checksum = zlib.crc32(f"{file.skip} {file.take}".encode(), checksum)
    return checksum


def _record_checksums(path: str) -> Iterator[bytes]:
    """Of each record: 8 bytes of length, 4 of its checksum, the data, and 4 bytes of their checksum."""
    with open(path, "rb") as file:
        place, end = 0, os.fstat(file.fileno()).st_size
        while place < end:
            length = int.from_bytes(os.pread(file.fileno(), 8, place), "little")
            place += 12 + length
            yield os.pread(file.fileno(), 4, place)
            place += 4


def _builder(name: str, data_dir: str | None):
    """The prepared TFDS builder, downloaded where it is missing."""
    os.environ.setdefault("NO_GCE_CHECK", "true")  # without it TFDS asks a metadata server that most machines lack
    import tensorflow_datasets as tfds  # here, because only runs on images need it and the setting above

    try:
        data_dir = os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR") or "") or None
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):
        raise InputError(
            f"TFDS has no data set {name!r}; https://www.tensorflow.org/datasets/catalog lists them"
        ) from None
    if not builder.is_prepared():
        _download(builder)
    return builder


def _read(builder, split: str, features: set[str]) -> tf.data.Dataset:
    """The examples of a split in their stored order, images still encoded."""
    import tensorflow_datasets as tfds

    decoders = {"image": tfds.decode.SkipDecoding()}
    partial = tfds.decode.PartialDecoding(dict.fromkeys(features, True), decoders=decoders)
    try:
        return builder.as_dataset(split=split, decoders=partial, shuffle_files=False)
    except ValueError as error:
        raise InputError(
            f"the data set {builder.name!r} has no split {split!r}: {str(error).splitlines()[0]}"
        ) from None


def _download(builder) -> None:
    """Downloads and prepares, after one quick request that tells a machine without network from a slow one."""
    import requests

    try:
        for url in list(builder.url_infos)[:1]:
            requests.head(url, timeout=10)
        builder.download_and_prepare()
    except Exception as error:
        raise InputError(
            f"the data set {builder.name!r} is not in {builder.data_dir} and cannot be downloaded: name the folder of "
            f"data prepared elsewhere as data_dir ({brief(error)})"
        ) from error
