"""Data sets of encoded images: in memory where they fit, decoded on the way where they do not."""

import concurrent.futures
import itertools
import os
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data import checksums, draws, kept
from jare_tf.data.dataset import Dataset
from jare_tf.data.decoding import Format, decode
from jare_tf.data.in_memory import InMemory
from jare_tf.errors import InputError
from jare_tf.output import say

IN_MEMORY_LIMIT = 4_000_000_000
CHUNK = 16  # images decoded in one call to Python of a streaming pipeline
_AT_ONCE = 256  # images handed to the threads that decode before training


class Streaming(Dataset):
    """Images that are read and decoded while training goes on, in parallel and ahead of it.

    What comes next depends on the seed and the number of the batch alone: a resumed run reads on where it stopped, and
    the number of the step is all that its checkpoint needs.

    Args:
      name: how messages call it.
      count: how many different images there are.
      element_shape: of an image.
      fingerprint: see `Dataset`.
      samples: from (seed, first, batch_size, rows) to an endless tf.data.Dataset of uint8 images: of batch number
        `first` and every later one the rows `rows`.
    """

    xla_compatible = False

    def __init__(
        self,
        name: str,
        count: int,
        element_shape: tuple[int, int, int],
        fingerprint: int,
        samples: Callable[[int, int, int, np.ndarray], tf.data.Dataset],
    ):
        self.name, self.element_shape, self.fingerprint = name, element_shape, fingerprint
        self._count, self._samples = count, samples

    def __len__(self) -> int:
        return self._count

    def batches(self, first: int, batch_size: int, seed: int, rows=None) -> Callable[[tf.Tensor], tf.Tensor]:
        rows = np.arange(batch_size) if rows is None else np.asarray(rows)
        samples = self._samples(int(seed), int(first), batch_size, rows)
        iterator = iter(samples.batch(len(rows), drop_remainder=True).prefetch(tf.data.AUTOTUNE))
        return lambda counter: next(iterator)

    def batch(self, counter, batch_size: int, seed) -> tf.Tensor:
        """Outside of graphs only, and slow: it starts reading anew."""
        return self.batches(counter, batch_size, seed)(counter)


def decoded(chunks: tf.data.Dataset, decode_one: Callable, shape: tuple[int, int, int]) -> tf.data.Dataset:
    """uint8 images from endless chunks of CHUNK of what `decode_one` takes, decoded in parallel and in order."""

    def decode_chunk(chunk):
        return np.stack([decode_one(one) for one in chunk])

    def decode_in_graph(chunk):
        images = tf.numpy_function(decode_chunk, [chunk], tf.uint8, stateful=False)
        return tf.ensure_shape(images, (CHUNK, *shape))

    return chunks.map(decode_in_graph, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).unbatch()


def fits(count: int, shape: Sequence[int], limit: float) -> bool:
    """Whether `count` uint8 images of `shape` take at most `limit` bytes."""
    return count * int(np.prod(shape)) <= limit


def from_files(
    name: str, paths: Sequence[str], form: Format, in_memory_limit: float, cache: str | None, where: str
) -> Dataset:
    """A data set of image files, each of which is decoded once before training begins to see whether it can be.

    None is decoded before training where `cache` knows it from an earlier run, by its size and times: images in memory
    are kept there as pixels, and of those that are decoded while training goes on a list of which can be.

    Prints how many there are, and names and counts those that cannot be decoded, which are left out.

    Args:
      name: how messages call it.
      paths: the files, in the order of the data set; their names may change from run to run.
      form: what they are made into.
      in_memory_limit: bytes.
      cache: a folder, or None for none.
      where: the function that was configured, for messages.

    Raises:
      InputError: no file can be decoded, or the form has no size.
    """
    if form.size is None:
        raise InputError(f"{where}: image_size must be set, because files of images differ in size")
    shape = (form.size, form.size, form.channels)
    in_memory = fits(len(paths), shape, in_memory_limit)
    if in_memory:
        states = {path: checksums.state(path) for path in paths}
        pixels, checksum, failures = kept.kept(
            cache,
            name,
            of=(checksums.folder(paths), name, form),
            content=states if all(states.values()) else None,
            read=lambda: read_all(name, paths, len(paths), _bytes, form, shape, keep=True),
        )
    else:
        known = checksums.Known(cache, paths, form)
        found = dict(known.checksums)
        pixels, checksum, failures = read_all(name, paths, len(paths), _bytes, form, shape, False, found)
        known.keep(found)
    readable = [path for index, path in enumerate(paths) if index not in failures]
    say(f"{name}: {len(readable):,} images, {'in memory' if in_memory else 'decoded while training'}")
    for index, reason in failures.items():
        say(f"{name}: unreadable, left out: {paths[index]} ({reason})")
    if failures:
        say(f"{name}: {len(failures):,} unreadable in all")
    if not readable:
        raise InputError(f"{where}: none of the {len(paths):,} images of {name} can be read")
    if in_memory:
        return InMemory(name, pixels, checksum)

    def samples(seed: int, first: int, batch_size: int, rows: np.ndarray) -> tf.data.Dataset:
        in_batch = lambda counter: tf.gather(draws.shuffled_batch(counter, batch_size, len(readable), seed), rows)
        indices = tf.data.Dataset.range(first, 2**62).map(in_batch).unbatch().batch(CHUNK, drop_remainder=True)
        return decoded(indices, lambda index: decode(_bytes(readable[index]), form), shape)

    return Streaming(name, len(readable), shape, checksum, samples)


def read_all(
    name: str,
    items: Iterable[Any],
    count: int,
    encoded: Callable[[Any], bytes],
    form: Format,
    shape: Sequence[int],
    keep: bool,
    known: dict[Any, int] | None = None,
) -> tuple[np.ndarray, int, dict[int, str]]:
    """Decodes images in parallel (Pillow decodes outside of Python's lock), with a line every ten seconds.

    Args:
      name: of the data set, for that line.
      items: what `encoded` takes, `count` of them.
      count: how many.
      encoded: from an item to the bytes of an image.
      form: what images are made into.
      shape: what the pixels of every image must have.
      keep: whether the pixels are wanted; if not, none are returned.
      known: checksums by item, which are not read again; those of others are added.

    Returns:
      (pixels [readable images, *shape], a checksum of the bytes of all readable images in their order, why by index of
      the items that could not be read). The checksum takes a hundredth of the time of decoding.
    """
    pixels, checksum, failures = np.empty((count if keep else 0, *shape), np.uint8), 0, {}

    def attempt(item):
        if known is not None and item in known:
            return None, known[item], ""
        return _attempt(encoded, item, form, shape)

    printed, items, done = time.monotonic(), iter(items), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        while chunk := list(itertools.islice(items, _AT_ONCE)):
            for item, (image, own, reason) in zip(chunk, pool.map(attempt, chunk), strict=True):
                if reason:
                    failures[done] = reason
                else:
                    if known is not None:
                        known[item] = own
                    checksum = zlib.crc32(own.to_bytes(4, "big"), checksum)
                    if keep:
                        pixels[done - len(failures)] = image
                done += 1
            if time.monotonic() - printed > 10:
                printed = time.monotonic()
                say(f"{name}: {done:,} of {count:,} images read")
    return pixels[: done - len(failures)] if keep else pixels, checksum, failures


def _attempt(
    encoded: Callable[[Any], bytes], item: Any, form: Format, shape: Sequence[int]
) -> tuple[np.ndarray | None, int, str]:
    """(the image, the checksum of its bytes, "") or (None, 0, why it cannot be read)."""
    try:
        data = encoded(item)
        image = decode(data, form)
    except Exception as error:  # decoders of broken files raise whatever they come upon
        lines = str(error).splitlines() or [""]
        return None, 0, f"{type(error).__name__}: {lines[0][:80]}"
    if image.shape != tuple(shape):
        return None, 0, f"of shape {image.shape}, not {tuple(shape)}"
    return image, zlib.crc32(data), ""


def _bytes(path: str) -> bytes:
    """A file's content; TensorFlow reads what is not on this machine, and cannot read every name that is."""
    with files.opened(path) as file:
        return file.read()
