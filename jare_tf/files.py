"""Writing files so that a reader never meets half of one."""

import tensorflow as tf


def replace(path: str, text: str) -> None:
    """Writes `text` beside `path` and renames it there; `path` may be of any file system that TensorFlow knows."""
    with tf.io.gfile.GFile(f"{path}.new", "w") as file:
        file.write(text)
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)
