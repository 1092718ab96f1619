"""Writing files so that a reader never meets half of one."""

import tensorflow as tf


def replace(path: str, content: str | bytes) -> None:
    """Writes `content` beside `path` and renames it there; `path` may be of any file system that TensorFlow knows."""
    with tf.io.gfile.GFile(f"{path}.new", "wb") as file:
        file.write(content)
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)
