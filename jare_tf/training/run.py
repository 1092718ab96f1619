"""The run directory: where everything of a run lies, who may write to it, and how it is read back."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError, one_line

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Value = bool | int | float | str


class Record(NamedTuple):
    """What a run says of its configuration.

    text: all of it, for config.gin.
    hyperparameters: what was bound, by name, for TensorBoard.
    """

    text: str = ""
    hyperparameters: Mapping[str, Value] = {}


@dataclasses.dataclass(frozen=True)
class Run:
    """A run directory.

    | in it | is |
    | --- | --- |
    | `config.gin` | the configuration |
    | `metrics.jsonl` | rows of metrics: `rows` |
    | `train/` | TensorBoard's events |
    | `checkpoints/` | `step-<number>.*`: `steps` |
    | `samples/` | `<step>.png`: `pictures` |
    | `evaluation/` | rows of scores and events, read as a run: `evaluation` |
    | `best/` | the checkpoint with the best score, read as a run: `best` |
    | `.lock` | who writes: `locked` |

    Args:
      path: the directory; local, or of any file system that TensorFlow knows.
    """

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def config_file(self) -> str:
        return f"{self.path}/config.gin"

    @property
    def metrics_file(self) -> str:
        return f"{self.path}/metrics.jsonl"

    @property
    def events(self) -> str:
        return f"{self.path}/train"

    @property
    def checkpoints(self) -> str:
        return f"{self.path}/checkpoints"

    @property
    def samples(self) -> str:
        return f"{self.path}/samples"

    @property
    def evaluation(self) -> "Run":
        return Run(f"{self.path}/evaluation")

    @property
    def best(self) -> "Run":
        return Run(f"{self.path}/best")

    def exists(self) -> bool:
        """Whether there is a run in it, or the beginning of one."""
        return any(tf.io.gfile.exists(path) for path in (self.config_file, self.metrics_file))

    def config(self) -> str:
        """config.gin, empty where there is none."""
        if not tf.io.gfile.exists(self.config_file):
            return ""
        with tf.io.gfile.GFile(self.config_file) as file:
            return file.read()

    def rows(self) -> list[dict]:
        """The rows of metrics.jsonl, none where there is no file; an unfinished last line is left out.

        Raises:
          InputError: another line is broken, or has no step.
        """
        if not tf.io.gfile.exists(self.metrics_file):
            return []
        with tf.io.gfile.GFile(self.metrics_file, "rb") as file:
            lines = file.read().split(b"\n")
        return [self._row(number, line) for number, line in enumerate(lines[:-1], start=1)]

    def _row(self, number: int, line: bytes) -> dict:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.metrics_file}, line {number}: not JSON ({error}); fix or delete it") from error
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            raise InputError(f"{self.metrics_file}, line {number}: a row has a step; fix or delete it")
        return row

    def write_rows(self, rows: Iterable[Mapping]) -> None:
        """Makes these the rows of metrics.jsonl."""
        files.replace(self.metrics_file, "".join(json.dumps(row) + "\n" for row in rows))

    def append_row(self, row: Mapping) -> None:
        """One more row for metrics.jsonl."""
        with tf.io.gfile.GFile(self.metrics_file, "a") as file:
            file.write(json.dumps(row) + "\n")

    def steps(self) -> list[int]:
        """The steps of its checkpoints, the newest last."""
        paths = files.named(self.checkpoints, "step-")
        return sorted(int(match[1]) for match in (re.search(r"/step-(\d+)\.index$", path) for path in paths) if match)

    def checkpoint(self, step: int) -> str:
        """What the names of the files of a checkpoint begin with."""
        return f"{self.checkpoints}/step-{step}"

    def identity(self, step: int) -> str | None:
        """A checksum of a checkpoint, whose index has one of each tensor; None where there is none."""
        try:
            with tf.io.gfile.GFile(f"{self.checkpoint(step)}.index", "rb") as file:
                return f"{zlib.crc32(file.read()):08x}"
        except tf.errors.NotFoundError:
            return None

    def copy_checkpoint(self, step: int, to: "Run") -> bool:
        """Copies a checkpoint to another run directory, in place of those there.

        False where the checkpoint is gone, as its run removes old ones.
        """
        new = f"{to.path}/new"
        files.remove_tree(new)
        tf.io.gfile.makedirs(new)
        parts = files.named(self.checkpoints, f"step-{step}.")
        try:
            for part in parts:
                tf.io.gfile.copy(part, f"{new}/{os.path.basename(part)}")
        except tf.errors.NotFoundError:
            parts = []
        if not any(part.endswith(".index") for part in parts):
            files.remove_tree(new)
            return False
        files.remove_tree(to.checkpoints)
        tf.io.gfile.rename(new, to.checkpoints)
        return True

    def pictures(self) -> dict[int, str]:
        """The paths of the pictures of samples, by step."""
        matches = (re.search(r"/(\d+)\.png$", path) for path in files.named(self.samples, ""))
        return {int(match[1]): match.string for match in matches if match}

    def make(self) -> None:
        """Makes the directory and tries to write in it.

        Raises:
          InputError: it cannot be written to.
        """
        probe = f"{self.path}/.writable"
        try:
            tf.io.gfile.makedirs(self.path)
            with tf.io.gfile.GFile(probe, "w") as file:
                file.write("-")
            tf.io.gfile.remove(probe)
        except (tf.errors.OpError, OSError) as error:
            raise InputError(f"cannot write to {self.path}: {one_line(error)}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the directory and keeps other processes from writing to it.

        The lock is one of the operating system's on `.lock`, which a process loses when it ends, however it ends. In
        gs://... or on a file system without locks nothing is kept from anybody.

        Raises:
          InputError: the directory cannot be written to, or another process has the lock.
        """
        self.make()
        with contextlib.ExitStack() as stack:
            if "://" not in self.path and fcntl is not None:
                try:
                    self._take(stack.enter_context(open(f"{self.path}/.lock", "a+")))
                except OSError as error:
                    raise InputError(f"cannot write to {self.path}: {one_line(error)}") from error
            yield

    def is_locked(self) -> bool | None:
        """Whether a process has the lock; None where that cannot be known."""
        if "://" in self.path or fcntl is None:
            return None
        try:
            with open(f"{self.path}/.lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return False

    def _take(self, lock) -> None:
        """Locks an open file and writes who holds it."""
        try:
            _try(lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise InputError(f"{self.path} is in use by {holder}: stop it, or use another directory") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        lock.flush()


def series(rows: Iterable[Mapping], tag: str) -> dict[int, float]:
    """The finite values of a tag by step; of several at one step the one written last."""
    values = {row["step"]: row[tag] for row in rows if is_number(row.get(tag)) and math.isfinite(row[tag])}
    return dict(sorted(values.items()))


def is_number(value) -> bool:
    """Whether a field of a row is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _try(take: Callable[[], None]) -> None:
    """Takes a lock; one that `Run.is_locked` holds for a moment is waited for."""
    for _ in range(5):
        try:
            return take()
        except BlockingIOError:
            time.sleep(0.1)
    return take()
