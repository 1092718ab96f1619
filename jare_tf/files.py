"""Writing files so that a reader never meets half of one."""

import tensorflow as tf


def replace(path: str, content: str | bytes, writer: str = "new") -> None:
    """Writes `content` beside `path` and renames it there; `path` may be of any file system that TensorFlow knows.

    Where several processes may write one file, each needs a `writer` of its own.
    """
    new = f"{path}.{writer}"
    with tf.io.gfile.GFile(new, "wb") as file:
        file.write(content)
    tf.io.gfile.rename(new, path, overwrite=True)
