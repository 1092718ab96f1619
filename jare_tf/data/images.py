"""Data sets of encoded images: in memory where they fit, decoded on the way where they do not."""

import concurrent.futures
import os
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from jare_tf.data import random
from jare_tf.data.dataset import Dataset
from jare_tf.data.decoding import Format, decode
from jare_tf.data.in_memory import InMemory
from jare_tf.errors import InputError, check_number

IN_MEMORY_LIMIT = 4_000_000_000
_CHUNK = 16  # images decoded in one call to Python of a streaming pipeline
_NAMED = 20  # unreadable files named in a message; the others are counted


class Streaming(Dataset):
    """Images that are read and decoded while training goes on, in parallel and ahead of it.

    What comes next depends on the seed and the number of the batch alone: a resumed run reads on where it stopped.

    Args:
      name: how messages call it.
      count: how many different images there are.
      element_shape: of an image.
      samples: from (seed, first) to an endless tf.data.Dataset of uint8 images from image number `first` on.
    """

    drawn_by_xla = False

    def __init__(
        self,
        name: str,
        count: int,
        element_shape: tuple[int, int, int],
        samples: Callable[[int, int], tf.data.Dataset],
    ):
        self.name, self.element_shape = name, element_shape
        self._count, self._samples = count, samples

    def __len__(self) -> int:
        return self._count

    def batches(self, first: int, batch_size: int, seed: int) -> Callable[[tf.Tensor], tf.Tensor]:
        samples = self._samples(int(seed), int(first) * batch_size)
        iterator = iter(samples.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE))
        return lambda counter: next(iterator)

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        """Outside of graphs only."""
        return self.batches(counter, batch_size, seed)(counter)


def decoded(encoded: tf.data.Dataset, decode_one: Callable, shape: tuple[int, int, int]) -> tf.data.Dataset:
    """uint8 images of `shape` from an endless data set of what `decode_one` takes, decoded in parallel and in order."""

    def decode_chunk(chunk):
        return np.stack([decode_one(one) for one in chunk])

    def decode_in_graph(chunk):
        images = tf.numpy_function(decode_chunk, [chunk], tf.uint8, stateful=False)
        return tf.ensure_shape(images, (_CHUNK, *shape))

    chunks = encoded.batch(_CHUNK, drop_remainder=True)
    return chunks.map(decode_in_graph, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).unbatch()


def fits(count: int, shape: Sequence[int], limit: float, where: str) -> bool:
    """Whether `count` uint8 images of `shape` take at most `limit` bytes."""
    check_number(f"{where}: in_memory_limit", limit)
    return count * int(np.prod(shape)) <= limit


def from_files(name: str, paths: Sequence[str], form: Format, in_memory_limit: float, where: str) -> Dataset:
    """A data set of image files, each of which is decoded once before training begins to see whether it can be.

    Prints how many there are, and names and counts those that cannot be decoded, which are left out.

    Args:
      name: how messages call it.
      paths: the files, in an order that does not change from run to run.
      form: what they are made into; with a size.
      in_memory_limit: bytes.
      where: the function that was configured, for messages.

    Raises:
      InputError: no file can be decoded.
    """
    shape = (form.size, form.size, form.channels)
    in_memory = fits(len(paths), shape, in_memory_limit, where)
    images = np.empty((len(paths) if in_memory else 0, *shape), np.uint8)

    def read(path: str) -> np.ndarray:
        with tf.io.gfile.GFile(path, "rb") as file:
            return decode(file.read(), form)

    readable, unreadable = [], []
    attempts = _in_parallel(lambda path: _attempt(read, path, keep=in_memory), paths)
    for path, (image, reason) in zip(_with_progress(paths, name), attempts, strict=True):
        if reason:
            unreadable.append(f"{path} ({reason})")
            continue
        if in_memory:
            images[len(readable)] = image
        readable.append(path)
    print(f"{name}: {len(readable):,} images, {'in memory' if in_memory else 'decoded while training'}", flush=True)
    if unreadable:
        more = f", and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
        print(f"{name}: {len(unreadable):,} unreadable, left out: {'; '.join(unreadable[:_NAMED])}{more}", flush=True)
    if not readable:
        raise InputError(f"{where}: none of the {len(paths):,} images of {name} can be read")
    if in_memory:
        return InMemory(name, images[: len(readable)])

    def samples(seed: int, first: int) -> tf.data.Dataset:
        positions = tf.data.Dataset.range(first, 2**62).batch(_CHUNK, drop_remainder=True)
        indices = positions.map(lambda numbers: random.shuffled(numbers, len(readable), seed)).unbatch()
        return decoded(indices, lambda index: read(readable[index]), shape)

    return Streaming(name, len(readable), shape, samples)


def decode_all(encoded: tf.data.Dataset, form: Format) -> np.ndarray:
    """Every image of a finite data set of encoded ones, uint8 [n, height, width, channels]."""
    chunks = encoded.batch(256).as_numpy_iterator()
    return np.concatenate(list(_in_parallel(lambda chunk: np.stack([decode(data, form) for data in chunk]), chunks)))


def _attempt(read: Callable[[str], np.ndarray], path: str, keep: bool) -> tuple[np.ndarray | None, str]:
    """(the image if it is to be kept, "") or (None, why it cannot be read)."""
    try:
        image = read(path)
    except Exception as error:  # decoders of broken files raise whatever they come upon
        lines = str(error).splitlines() or [""]
        return None, f"{type(error).__name__}: {lines[0][:80]}"
    return (image if keep else None), ""


def _in_parallel(function: Callable, arguments: Iterable):
    """function(argument) for each argument, in order; Pillow decodes outside of Python's lock."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(function, arguments)


def _with_progress(paths: Sequence[str], name: str):
    """The paths, with a line every ten seconds."""
    printed = time.monotonic()
    for index, path in enumerate(paths):
        if time.monotonic() - printed > 10:
            printed = time.monotonic()
            print(f"{name}: {index:,} of {len(paths):,} files read", flush=True)
        yield path
