"""Scores of generated images against real ones, as an embedding sees both."""

import hashlib
import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from jare_tf import files, replicas
from jare_tf.data import draws
from jare_tf.data.dataset import Dataset, as_floats, as_pixels
from jare_tf.data.kept import CACHE
from jare_tf.errors import InputError, one_line
from jare_tf.evaluation.embedding import Embedding
from jare_tf.evaluation.metric import IMAGES, Samples
from jare_tf.evaluation.protocols import Protocol
from jare_tf.output import say
from jare_tf.progress import ProgressLine
from jare_tf.settings import BatchSize, checked
from jare_tf.training import strategy
from jare_tf.training.gan import GAN

_BLOCK = 256  # latent vectors that are drawn together


@checked
class ImageScores:
    """A probe: the scores of a protocol, for instance `fid_12k_train`, `inception_score_50k` or `precision_10k_train`.

    A tag carries the number of generated images in thousands, and the split of the real ones where there are any.
    Generated images come from latent vectors that are the same at every checkpoint and in every run, by the moving
    average where there is one, and are rounded to uint8. What the embedding sees in the real ones is computed once and
    kept in `cache`, under a name made of their pixels and the embedding.

    Where `gan` lies on several devices of this process all of them are used, and the scores are the same.

    Args:
      protocol: what is computed on what.
      embedding: makes the embedding, for instance `embedding.load`.
      data: by split, what makes the data set of real images.
      batch_size: images at a time, on all devices together.
      cache: a folder, or None for none.

    Raises:
      InputError: later, when it is called: see `embedding.load` and `real_samples`; or the samples are no images.
    """

    def __init__(
        self,
        *,
        protocol: Protocol,
        embedding: Callable[[], Embedding],
        data: Mapping[str, Callable[[], Dataset]],
        batch_size: BatchSize = 256,
        cache: str | None = CACHE,
    ):
        if protocol.split not in data:
            raise InputError(
                f"ImageScores: the protocol {protocol.name!r} uses the split {protocol.split!r}; data has "
                f"{', '.join(data)}"
            )
        self._protocol, self._data, self._batch_size, self._cache = protocol, data[protocol.split], batch_size, cache
        self._make_embedding = embedding
        self._embedding: Embedding | None = None
        self._dataset: Dataset | None = None
        self._real: Samples | None = None

    @property
    def better(self) -> dict[str, str]:
        """Whether "lower" or "higher" is better, by the beginning of a tag."""
        return {start: way for metric, _ in self._protocol.measures for start, way in metric.better.items()}

    def labels(self, gan: GAN) -> dict[str, str]:
        """What the scores depend on besides the generator; `settings` is a checksum of all of it but the data."""
        embedding, dataset = self._loaded(gan)
        settings = f"{self._protocol!r}, {embedding.identity}"
        return {
            "protocol": self._protocol.name,
            "embedding": f"{embedding.name} {embedding.hash}",
            "resize": embedding.resize,
            "settings": hashlib.sha256(settings.encode()).hexdigest()[:12],
            "real": f"{dataset.name} {dataset.fingerprint:08x}",
        }

    def __call__(self, gan: GAN) -> dict[str, float]:
        embedding, dataset = self._loaded(gan)
        protocol, devices = self._protocol, _own_devices(gan)
        if self._real is None and any(metric.compares for metric, _ in protocol.measures):
            what = f"{protocol.name}, real"
            self._real = real_samples(dataset, protocol.real, what, embedding, devices, self._batch_size, self._cache)
        blocks = -(-protocol.samples // _BLOCK)
        draw = lambda block: gan.latent_prior.draw((_BLOCK, gan.latent_dim), draws.key(0, draws.SCORE, block))
        latent = tf.concat([draw(block) for block in range(blocks)], axis=0)[: protocol.samples]
        latent = tf.pad(latent, [[0, -len(latent) % self._batch_size], [0, 0]])
        batches = tf.split(latent, len(latent) // self._batch_size)
        generate = lambda latent: as_pixels(gan(latent, training=False))
        generated = embedded(batches, protocol.samples, embedding, devices, f"{protocol.name}, generated", generate)
        return scores(self._real or generated, generated, protocol)  # where no metric compares, none looks

    def _loaded(self, gan: GAN) -> tuple[Embedding, Dataset]:
        """The embedding and the data set, once they have been seen to fit the generator."""
        shape = tuple(gan.sample_shape)
        if len(shape) != 3:
            raise InputError(f"ImageScores scores images, not samples of shape {shape}")
        if self._embedding is None or self._dataset is None:
            with _own_devices(gan).scope():
                embedding = self._make_embedding()
            dataset = self._data()
            if tuple(dataset.element_shape) != shape:
                shapes = f"{tuple(dataset.element_shape)}, generated ones {shape}"
                raise InputError(f"ImageScores: real images have the shape {shapes}")
            self._embedding, self._dataset = embedding, dataset
        return self._embedding, self._dataset


def _own_devices(gan: GAN) -> tf.distribute.Strategy:
    """The devices of a GAN, or where several workers train it, of whom one scores, one device of that one."""
    devices = gan.distribute_strategy
    return devices if strategy.workers(devices) == 1 else tf.distribute.get_strategy()


def scores(real: Samples, generated: Samples, protocol: Protocol) -> dict[str, float]:
    """The scores of a protocol, by tag."""
    measured: dict[str, float] = {}
    for metric, count in protocol.measures:
        of = f"{count // 1000}k" if count >= 1000 else f"{count}"
        suffix = f"{of}_{protocol.split}" if metric.compares else of
        first = Samples(*(part[:count] for part in generated))
        measured |= {f"{tag}_{suffix}": value for tag, value in metric(real, first).items()}
    return measured


def real_samples(
    dataset: Dataset,
    count: int | None,
    what: str,
    embedding: Embedding,
    devices: tf.distribute.Strategy,
    batch_size: int = 256,
    cache: str | None = None,
) -> Samples:
    """`count` images of a data set, or all of them, as an embedding sees them; always the same ones, each once.

    Args:
      dataset: images.
      count: how many; None for all.
      what: for lines of progress.
      embedding: what sees them.
      devices: what computes.
      batch_size: images at a time.
      cache: a folder in which what the embedding sees is found again.

    Raises:
      InputError: the data set has fewer images.
    """
    size = len(dataset) if hasattr(dataset, "__len__") else sys.maxsize
    if count is None and size == sys.maxsize:
        raise InputError(
            f"the data set {dataset.name!r} has no end: the protocol must say how many real images it uses"
        )
    count = count or size
    if count > size:
        raise InputError(
            f"{what}: the data set {dataset.name!r} has {size:,} images, not {count:,}: use another protocol, for "
            "instance protocols.small(samples=1000)"
        )
    if cache is None:
        return embedded(_batches(dataset, count, batch_size), count, embedding, devices, what)
    path, images = _cached(cache, dataset, count, batch_size, embedding, what)
    kept = _kept(path)
    if kept is None:
        samples = embedded(_batches(dataset, count, batch_size), count, embedding, devices, what)
        _keep(path, samples)
        return samples
    return Samples(images, kept["features"], kept["logits"])


def embedded(
    batches: Iterable[tf.Tensor],
    count: int,
    embedding: Embedding,
    devices: tf.distribute.Strategy,
    what: str,
    generate: Callable[[tf.Tensor], tf.Tensor] = lambda images: images,
) -> Samples:
    """What an embedding sees in `count` images, the first of generate(batch) of the batches, which have one size.

    Every batch is shared out to all devices of this process; the order of images stays. Of the images themselves the
    first 10,000 are kept.
    """
    parts = devices.num_replicas_in_sync

    def embed(batch):
        images = generate(batch)
        return images, *embedding(images)

    # AutoGraph would turn an error of ours into one of its own.
    step = tf.function(lambda batch: devices.run(embed, args=(batch,)), autograph=False)
    columns: tuple[list, list, list] = ([], [], [])
    progress, done = ProgressLine(what, count, "images"), 0
    for batch in batches:
        if batch.shape[0] % parts:
            raise InputError(f"image_scores: batch_size = {batch.shape[0]} must be a multiple of the {parts} devices")
        of_devices = [replicas.rows(batch.shape[0], device, 1, parts) for device in range(parts)]
        order = np.argsort(np.concatenate(of_devices))
        for column, values in zip(columns, step(strategy.distributed(devices, batch)), strict=True):
            column.append(np.concatenate(devices.experimental_local_results(values))[order])
        if done >= IMAGES:
            columns[0].pop()
        progress.advance(min(batch.shape[0], count - done))
        done += batch.shape[0]
    images, features, logits = (np.concatenate(column)[:count] for column in columns)
    return Samples(images[:IMAGES], features, logits)


def _batches(dataset: Dataset, count: int, batch_size: int) -> Iterator[tf.Tensor]:
    """The first `count` images of a data set's order under seed 0, filled up to whole batches, as uint8."""
    draw = dataset.batches(0, batch_size, 0)
    for counter in range(-(-count // batch_size)):
        batch = tf.convert_to_tensor(draw(tf.constant(counter, tf.int64)))
        yield batch if batch.dtype == tf.uint8 else as_pixels(as_floats(batch))


def _cached(
    cache: str, dataset: Dataset, count: int, batch_size: int, embedding: Embedding, what: str
) -> tuple[str, np.ndarray]:
    """The file for what the embedding sees in these images, named after their pixels; and the first 10,000 of them."""
    digest, progress = (
        hashlib.sha256(f"{embedding.identity}, {count}".encode()),
        ProgressLine(what, count, "images read"),
    )
    images, done = [], 0
    for batch in _batches(dataset, count, batch_size):
        pixels = batch.numpy()[: count - done]
        digest.update(pixels)
        if done < IMAGES:
            images.append(pixels)
        done += len(pixels)
        progress.advance(len(pixels))
    return f"{os.path.expanduser(cache)}/{digest.hexdigest()[:24]}.npz", np.concatenate(images)[:IMAGES]


def _kept(path: str) -> dict[str, np.ndarray] | None:
    """What is in such a file, None where there is none or it is broken."""
    try:
        with tf.io.gfile.GFile(path, "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
            return dict(arrays)
    except (tf.errors.OpError, OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _keep(path: str, samples: Samples) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, features=samples.features, logits=samples.logits)
    try:
        tf.io.gfile.makedirs(os.path.dirname(path))
        files.replace(path, buffer.getvalue())
    except (tf.errors.OpError, OSError) as error:
        say(f"what the embedding sees in real images is not kept in {path}: {one_line(error)}")
