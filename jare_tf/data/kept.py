"""Images in the form in which they were decoded, kept from run to run: to decode ImageNet takes most of an hour."""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.data import decoding
from jare_tf.errors import one_line
from jare_tf.output import say

Read = tuple[np.ndarray, int, dict[int, str]]  # what `images.read_all` returns

CACHE = "~/.cache/jare_tf"
_WORTH_KEEPING = 2.0  # seconds of decoding
_PART = 2**26  # bytes that are written at a time


def kept(cache: str | None, name: str, of: object, content: object, read: Callable[[], Read]) -> Read:
    """What `read` returns; from a file in `cache` where an earlier run left it there.

    A file is a line of JSON and behind it the pixels as they lie in memory, which are mapped, not read. There is one
    for a data set and form: it is written anew when the content has changed.

    Args:
      cache: the folder, or None for none.
      name: of the data set, for the line that says where the pixels are kept.
      of: where the data lie and what form they take; its `repr` names the file.
      content: anything whose `repr` changes with the data; None where nothing such is known, and nothing is kept.
      read: decodes the images.
    """
    if cache is None or content is None:
        return read()
    key, path = _digest((content, decoding.DECODER)), f"{os.path.expanduser(cache)}/pixels-{_digest(of)[:24]}"
    if (found := _found(path, key)) is not None:
        return found
    begin = time.monotonic()
    pixels, checksum, failures = read()
    if time.monotonic() - begin > _WORTH_KEEPING:
        header = {
            "key": key,
            "shape": pixels.shape,
            "crc32": zlib.crc32(np.ascontiguousarray(pixels).data),
            "checksum": checksum,
            "failures": list(failures.items()),
        }
        try:
            tf.io.gfile.makedirs(os.path.dirname(path))
            with files.fresh(path) as new, tf.io.gfile.GFile(new, "wb") as file:
                file.write(json.dumps(header) + "\n")
                flat = pixels.reshape(-1)
                for first in range(0, len(flat), _PART):
                    file.write(flat[first : first + _PART].tobytes())
            say(f"{name}: decoded images are kept in {path} ({pixels.nbytes / 1e6:,.0f} MB)")
        except (tf.errors.OpError, OSError) as error:
            say(f"{name}: decoded images are not kept in {path}: {one_line(error)}")
    return pixels, checksum, failures


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "backslashreplace")).hexdigest()


def _found(path: str, key: str) -> Read | None:
    """What the file holds; None where there is none, or it is broken or holds something else."""
    try:
        with files.opened(path) as file:
            header = json.loads(file.readline())
            if header["key"] != key:
                return None
            mapped = files.local(path)
            pixels: np.ndarray = (
                np.memmap(file, np.uint8, "r", file.tell()) if mapped else np.frombuffer(file.read(), np.uint8)
            )
        pixels = pixels.reshape(header["shape"])
        if zlib.crc32(pixels.data) != header["crc32"]:
            return None
        return pixels, int(header["checksum"]), {int(index): str(reason) for index, reason in header["failures"]}
    except (OSError, tf.errors.OpError, ValueError, LookupError, TypeError, RecursionError):
        return None
