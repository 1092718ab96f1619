"""Files of any file system that TensorFlow knows: listed by name, and written so that nobody reads half of one.

On this machine nothing is written through a link, and only regular files are read and replaced: a pipe is waited for,
and a device is no file. A link to a folder is the folder.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from typing import IO

import tensorflow as tf

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


def local(path: str) -> bool:
    """Whether it is a path of this machine."""
    return "://" not in path


def opened(path: str) -> IO[bytes]:
    """A file to read, whatever its name.

    Raises:
      OSError, tf.errors.OpError: there is none, or it is not a regular file.
    """
    if not local(path):
        return tf.io.gfile.GFile(path, "rb")
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"not a regular file: {path}")
    return open(path, "rb")


def chunks(path: str) -> Iterator[bytes]:
    """The content of a file, a few megabytes at a time."""
    with opened(path) as file:
        while chunk := file.read(2**22):
            yield chunk


def check_writable(folder: str) -> None:
    """Makes a folder and tries to write in it; raises what the file system raises."""
    tf.io.gfile.makedirs(folder)
    new = _fresh_name(f"{folder}/")
    _create(new)
    tf.io.gfile.remove(new)


@contextlib.contextmanager
def fresh(path: str) -> Iterator[str]:
    """The path of a new file, to be written, which becomes `path` when the context ends well.

    It has a random name beside `path` with the same ending, so that several processes may write one file; and it is on
    the disk before it takes the place of what was there.
    """
    _check_regular(path)
    new = _fresh_name(path)
    try:
        _create(new)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error  # nobody knows the random name
    try:
        yield new
        sync(new)
        tf.io.gfile.rename(new, path, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError, OSError):
            tf.io.gfile.remove(new)
        raise
    sync(os.path.dirname(path) or ".")


def replace(path: str, content: str | bytes) -> None:
    """Makes `content` the content of a file."""
    with fresh(path) as new, tf.io.gfile.GFile(new, "wb") as file:
        file.write(content)


def append(path: str, content: bytes) -> None:
    """Adds to a file, which is made if there is none."""
    if not local(path):
        with tf.io.gfile.GFile(path, "ab") as file:
            file.write(content)
        return
    with opened_or_made(path) as file:
        file.write(content)


def opened_or_made(path: str) -> IO[bytes]:
    """A file of this machine to read and to add to, which is made if there is none."""
    _check_regular(path)
    return open(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINK, 0o666), "a+b")


def cut(path: str, size: int) -> None:
    """Drops what a file of this machine holds beyond so many bytes."""
    _check_regular(path)
    if os.path.getsize(path) > size:
        os.truncate(path, size)


def sync(path: str) -> None:
    """Waits until a file, or the names in a folder, are on the disk; other file systems see to that themselves."""
    if not local(path) or os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def named(folder: str, start: str) -> list[str]:
    """The paths in a folder whose names begin with `start`, sorted; none where there is no such folder.

    A path is data: TensorFlow's `glob` takes brackets, question marks and backslashes in the name of a folder for
    patterns, and would list other folders.
    """
    try:
        names = tf.io.gfile.listdir(folder)
    except tf.errors.NotFoundError:
        if local(folder) and os.path.lexists(folder):  # a file, or a link to what is not there, as an absent disk
            raise NotADirectoryError(errno.ENOTDIR, "no folder, or a link to none", folder) from None
        return []
    return sorted(f"{folder}/{name.rstrip('/')}" for name in names if name.startswith(start))


def remove(path: str) -> None:
    """Removes a file, a link or a folder with what is in it, if there is one; TensorFlow would follow links."""
    if not local(path):
        if tf.io.gfile.exists(path):
            (tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)
    elif os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


@contextlib.contextmanager
def without_pattern(folder: str) -> Iterator[str]:
    """A path of the folder that TensorFlow reads checkpoints from, which it looks for by pattern.

    Where the path itself reads as a pattern, that is a link to the folder, for as long as the context lasts.
    """
    if not local(folder) or not re.search(r"[\[\]?*\\]", folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        os.symlink(os.path.abspath(folder), f"{place}/link")
        yield f"{place}/link"


def _fresh_name(path: str) -> str:
    """A name that no file has, in the same folder; TensorBoard reads whatever is named like an event file."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f"new-{uuid.uuid4().hex}{os.path.splitext(name)[1]}")


def _create(path: str) -> None:
    """Makes an empty file where there was nothing."""
    if local(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666))
    else:
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write("")


def _check_regular(path: str) -> None:
    """Raises OSError where something else than a regular file of this machine has the name."""
    if local(path) and os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(f"{path} is not a regular file: name another, or remove it")
