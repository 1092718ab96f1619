"""The run directory while a process trains in it."""

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from jare_tf.errors import InputError, reason

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def make(model_dir: str) -> None:
    """Makes the folder and tries to write in it.

    Raises:
      InputError: it cannot be written to.
    """
    probe = f"{model_dir}/.writable"
    try:
        tf.io.gfile.makedirs(model_dir)
        with tf.io.gfile.GFile(probe, "w") as file:
            file.write("-")
        tf.io.gfile.remove(probe)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot write to --model_dir {model_dir}: {reason(error)}") from error


@contextlib.contextmanager
def held(model_dir: str) -> Iterator[None]:
    """Makes the folder and keeps other processes from training in it.

    The lock is one of the operating system's on model_dir/.lock, which a process loses when it ends, however it ends.
    Where there is none, in gs://... or on a file system without locks, nothing is kept from anybody.

    Raises:
      InputError: the folder cannot be written to, or another process holds it.
    """
    make(model_dir)
    with contextlib.ExitStack() as stack:
        if "://" not in model_dir and fcntl is not None:
            try:
                _take(stack.enter_context(open(f"{model_dir}/.lock", "a+")), model_dir)
            except OSError as error:
                raise InputError(f"cannot write to --model_dir {model_dir}: {reason(error)}") from error
        yield


def in_use(model_dir: str) -> bool | None:
    """Whether a process trains in it; None where that cannot be known (see `held`)."""
    if "://" in model_dir or fcntl is None:
        return None
    try:
        with open(f"{model_dir}/.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False


def _try(take: Callable[[], None]) -> None:
    """Takes a lock; one that `in_use` holds for a moment is waited for."""
    for _ in range(5):
        try:
            return take()
        except BlockingIOError:
            time.sleep(0.1)
    return take()


def _take(lock, model_dir: str) -> None:
    """Locks an open file and writes who holds it."""
    try:
        _try(lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        raise InputError(f"{model_dir} is in use by {holder}: stop that, or name another --model_dir") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()
