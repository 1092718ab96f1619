"""Scores of generated images against real ones, as an embedding sees both."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from jare_tf import files, replicas
from jare_tf.data import random
from jare_tf.data.dataset import Dataset, as_floats, as_pixels
from jare_tf.errors import InputError, check_integer, reason
from jare_tf.evaluation.embedding import Embedding
from jare_tf.evaluation.metric import Samples
from jare_tf.evaluation.protocols import Protocol
from jare_tf.progress import Progress
from jare_tf.training import strategy
from jare_tf.training.gan import GAN

_KEPT = 10_000  # images that metrics which look at pixels are given
CACHE = "~/.cache/jare_tf"


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
        batch_size: int = 256,
        cache: str | None = CACHE,
    ):
        if not isinstance(protocol, Protocol):
            raise InputError("image_scores.ImageScores.protocol must be a protocol: '@protocols.jare()'")
        if protocol.split not in data:
            raise InputError(
                f"the protocol {protocol.name!r} wants the split {protocol.split!r}; image_scores.ImageScores.data has "
                f"{', '.join(data)}"
            )
        check_integer("image_scores.ImageScores.batch_size", batch_size, least=1)
        self._protocol, self._data, self._batch_size, self._cache = protocol, data[protocol.split], batch_size, cache
        self._make_embedding = embedding
        self._embedding: Embedding | None = None
        self._real: Samples | None = None

    def labels(self, gan: GAN) -> dict[str, str]:
        """What the scores depend on besides the generator."""
        embedding = self._loaded(gan)
        return {
            "protocol": self._protocol.name,
            "embedding": f"{embedding.name} {embedding.hash}",
            "resize": embedding.resize,
        }

    def __call__(self, gan: GAN) -> dict[str, float]:
        if len(gan.sample_shape) != 3:
            raise InputError(f"image_scores.ImageScores scores images, not samples of shape {tuple(gan.sample_shape)}")
        embedding, protocol = self._loaded(gan), self._protocol
        devices = _own_devices(gan)
        if self._real is None:
            real = self._data(), protocol.real, f"{protocol.name}, real"
            self._real = real_samples(*real, embedding, devices, self._batch_size, self._cache)
        if self._real.images.shape[1:] != tuple(gan.sample_shape):
            shapes = f"{self._real.images.shape[1:]}, generated ones {tuple(gan.sample_shape)}"
            raise InputError(f"image_scores.ImageScores: real images have the shape {shapes}")
        draw = lambda counter: gan.latent_prior.draw(
            (self._batch_size, gan.latent_dim), random.key(0, random.SCORE, counter)
        )
        batches = (draw(counter) for counter in range(-(-protocol.samples // self._batch_size)))
        generate = lambda latent: as_pixels(gan(latent, training=False))
        made = embedded(batches, protocol.samples, embedding, devices, f"{protocol.name}, generated", generate)
        return scores(self._real, made, protocol)

    def _loaded(self, gan: GAN) -> Embedding:
        if self._embedding is None:
            with _own_devices(gan).scope():
                self._embedding = self._make_embedding()
        return self._embedding


def _own_devices(gan: GAN) -> tf.distribute.Strategy:
    """The devices of a GAN, or where several workers train it, of whom one scores, one device of that one."""
    devices = gan.distribute_strategy
    return devices if strategy.workers(devices) == 1 else tf.distribute.get_strategy()


def scores(real: Samples, made: Samples, protocol: Protocol) -> dict[str, float]:
    """The scores of a protocol, by tag."""
    measured = {}
    for metric, count in protocol.measures:
        of = f"{count // 1000}k" if count >= 1000 else f"{count}"
        suffix = f"{of}_{protocol.split}" if metric.compares else of
        first = Samples(*(part[:count] for part in made))
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
    size = len(dataset) if hasattr(dataset, "__len__") else np.inf
    if count is None and size == np.inf:
        raise InputError(
            f"the data set {dataset.name!r} has no end: the protocol must say how many real images it wants"
        )
    count = count or size
    if count > size:
        raise InputError(
            f"{what}: the data set {dataset.name!r} has {size:,} images, not {count:,}: take another protocol, for "
            "instance PROTOCOL = @protocols.small()"
        )
    path = _cached(cache, _batches(dataset, count, batch_size), count, embedding)
    if path and tf.io.gfile.exists(path):
        images = _joined(_batches(dataset, min(count, _KEPT), batch_size), min(count, _KEPT))
        with tf.io.gfile.GFile(path, "rb") as file, np.load(io.BytesIO(file.read())) as kept:
            return Samples(images, kept["features"], kept["logits"])
    samples = embedded(_batches(dataset, count, batch_size), count, embedding, devices, what)
    if path:
        _keep(path, samples)
    return samples


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

    def look(batch):
        images = generate(batch)
        return images, *embedding(images)

    step = tf.function(lambda batch: devices.run(look, args=(batch,)))
    progress, columns, done = Progress(what, count, "images"), ([], [], []), 0
    for batch in batches:
        if batch.shape[0] % parts:
            raise InputError(f"image_scores: batch_size = {batch.shape[0]} must be a multiple of the {parts} devices")
        of_devices = [replicas.rows(batch.shape[0], device, 1, parts) for device in range(parts)]
        order = np.argsort(np.concatenate(of_devices))
        for column, values in zip(columns, step(strategy.distributed(devices, batch)), strict=True):
            column.append(np.concatenate(devices.experimental_local_results(values))[order])
        if done >= _KEPT:
            columns[0].pop()
        progress.advance(min(batch.shape[0], count - done))
        done += batch.shape[0]
    images, features, logits = (np.concatenate(column)[:count] for column in columns)
    return Samples(images[:_KEPT], features, logits)


def _batches(dataset: Dataset, count: int, batch_size: int) -> Iterator[tf.Tensor]:
    """The first `count` images of a data set's order under seed 0, filled up to whole batches, as uint8."""
    draw = dataset.batches(0, batch_size, 0)
    for counter in range(-(-count // batch_size)):
        batch = tf.convert_to_tensor(draw(tf.constant(counter, tf.int64)))
        yield batch if batch.dtype == tf.uint8 else as_pixels(as_floats(batch))


def _joined(batches: Iterable[tf.Tensor], count: int) -> np.ndarray:
    return np.concatenate([batch.numpy() for batch in batches])[:count]


def _cached(cache: str | None, batches: Iterable[tf.Tensor], count: int, embedding: Embedding) -> str | None:
    """The file in which what the embedding sees in these images is kept."""
    if cache is None:
        return None
    digest = hashlib.sha256(f"{embedding.hash} {embedding.resize} {count}".encode())
    for batch in batches:
        digest.update(batch.numpy())
    return f"{os.path.expanduser(cache)}/{digest.hexdigest()[:24]}.npz"


def _keep(path: str, samples: Samples) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, features=samples.features, logits=samples.logits)
    try:
        tf.io.gfile.makedirs(os.path.dirname(path))
        files.replace(path, buffer.getvalue())
    except (tf.errors.OpError, OSError) as error:
        print(f"what the embedding sees in real images is not kept in {path}: {reason(error)}", flush=True)
