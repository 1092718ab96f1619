"""Files of any file system that TensorFlow knows: listed by name, and written so that nobody reads half of one."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator

import tensorflow as tf


def replace(path: str, content: str | bytes, writer: str = "new") -> None:
    """Writes `content` beside `path` and renames it there; `path` may be of any file system that TensorFlow knows.

    Where several processes may write one file, each needs a `writer` of its own.
    """
    new = f"{path}.{writer}"
    with tf.io.gfile.GFile(new, "wb") as file:
        file.write(content)
    tf.io.gfile.rename(new, path, overwrite=True)


def named(folder: str, start: str) -> list[str]:
    """The paths in a folder whose names begin with `start`, sorted; none where there is no such folder.

    A path is data: TensorFlow's `glob` takes brackets, question marks and backslashes in the name of a folder for
    patterns, and would list other folders.
    """
    try:
        names = tf.io.gfile.listdir(folder)
    except tf.errors.NotFoundError:
        return []
    return sorted(f"{folder}/{name.rstrip('/')}" for name in names if name.startswith(start))


def chunks(path: str) -> Iterator[bytes]:
    """The content of a file, a few megabytes at a time."""
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(2**22):
            yield chunk


def remove_tree(folder: str) -> None:
    """Removes a folder, if there is one."""
    if tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)


@contextlib.contextmanager
def without_pattern(folder: str) -> Iterator[str]:
    """A path of the folder that TensorFlow reads checkpoints from, which it looks for by pattern.

    Where the path itself reads as a pattern, that is a link to the folder, for as long as the context lasts.
    """
    if "://" in folder or not re.search(r"[\[\]?*\\]", folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        os.symlink(os.path.abspath(folder), f"{place}/link")
        yield f"{place}/link"
