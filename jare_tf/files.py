"""Writing files so that a reader never meets half of one."""

import uuid

import tensorflow as tf


def replace(path: str, content: str | bytes) -> None:
    """Writes `content` beside `path` and renames it there; `path` may be of any file system that TensorFlow knows."""
    new = f"{path}.{uuid.uuid4().hex}.new"  # of this process alone
    with tf.io.gfile.GFile(new, "wb") as file:
        file.write(content)
    tf.io.gfile.rename(new, path, overwrite=True)
