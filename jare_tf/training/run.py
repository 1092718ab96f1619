"""The run directory: where everything of a run lies, who may write to it, and how it is read back."""

import contextlib
import dataclasses
import errno
import math
import os
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple

import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError, one_line
from jare_tf.output import say
from jare_tf.training.rows import Line, encoded, lines

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Value = bool | int | float | str
UNREADABLE = "unreadable"
_PRINTED = 3  # faulty lines of a file that are printed; of the rest the number


class Record(NamedTuple):
    """What a run says of its configuration.

    text: all of it, for config.gin.
    hyperparameters: what was bound, by name, for TensorBoard.
    checksum: of what defines the experiment: where the data lie, and how long a run is, may change.
    may_change: whether the run goes on although its checkpoint has another checksum.
    """

    text: str = ""
    hyperparameters: Mapping[str, Value] = {}
    checksum: int = 0
    may_change: bool = False


@dataclasses.dataclass(frozen=True)
class Run:
    """A run directory. There is a run in it if there is a part of one (`parts`).

    | in it | is |
    | --- | --- |
    | `config.gin` | the configuration |
    | `metrics.jsonl` | rows of metrics: `rows` |
    | `metrics.jsonl.bad-lines` | lines that were found in it and are none |
    | `train/` | TensorBoard's events |
    | `checkpoints/` | `step-<number>.*`: `steps`; `rewinds`: how often the run was rewound |
    | `samples/` | `<step>.png`: `pictures` |
    | `evaluation/` | rows of scores and events, read as a run: `evaluation` |
    | `best/` | the checkpoint with the best score, read as a run: `best` |
    | `.lock` | who writes: `locked` |

    Args:
      path: the directory; local, or of any file system that TensorFlow knows.
      lock: its lock, where this process holds it (see `locked`).
    """

    path: str
    lock: IO[bytes] | None = dataclasses.field(default=None, repr=False, compare=False, kw_only=True)

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

    def parts(self) -> list[str]:
        """The names of those parts of a run which are there; a folder with nothing in it is not.

        Raises:
          InputError: something that is no folder has the name of one.
        """
        there = [path for path in (self.config_file, self.metrics_file) if tf.io.gfile.exists(path)]
        try:
            there += [path for path in (self.events, self.samples) if files.named(path, "")]
            there += [self.checkpoints] if self.steps() else []
        except (tf.errors.OpError, OSError) as error:
            raise InputError(f"cannot write to {self.path}: {one_line(error)}") from error
        return [os.path.basename(path) for path in there]

    def config(self) -> str:
        """config.gin, empty where there is none.

        Raises:
          InputError: it cannot be read.
        """
        if not tf.io.gfile.exists(self.config_file):
            return ""
        try:
            with files.opened(self.config_file) as file:
                return file.read().decode()
        except (tf.errors.OpError, OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read {self.config_file}: {one_line(error)}") from error

    def rows(self) -> Iterator[dict]:
        """The rows of metrics.jsonl, none where there is no file; an unfinished last line is left out.

        Prints which other lines are left out because they are no rows.
        """
        for line in self._lines("left out"):
            if line.row is not None:
                yield line.row

    def _lines(self, fate: str) -> Iterator[Line]:
        """The lines of metrics.jsonl; prints which are no rows, and their fate."""
        if not tf.io.gfile.exists(self.metrics_file):
            return
        count = 0
        for line in lines(self.metrics_file):
            count += bool(line.fault)
            if line.fault and count <= _PRINTED:
                say(f"{self.metrics_file}, line {line.number}: {line.fault}; {fate}")
            yield line
        if count > _PRINTED:
            say(f"{self.metrics_file}: {count:,} such lines {fate}")

    def drop_rows(self, after: float = math.inf) -> dict:
        """Drops the rows of later steps, and an unfinished last line; the last row that stays, empty for none.

        Lines that are no rows go to metrics.jsonl.bad-lines. Where what stays is the beginning of the file, as it is
        unless somebody has edited it, the file is cut; else, and where files cannot be cut, what stays is copied.
        """
        self.check_held()
        if not tf.io.gfile.exists(self.metrics_file):
            return {}
        aside = f"{self.metrics_file}.bad-lines"
        last: dict = {}
        end = kept = number = 0
        for line in self._lines(f"set aside in {aside}"):
            if line.row is None:
                files.append(aside, line.text)
            elif line.row["step"] <= after:
                last, end, kept, number = line.row, line.end, kept + 1, line.number
        if kept == number and files.local(self.path):
            files.cut(self.metrics_file, end)
        else:
            with files.fresh(self.metrics_file) as new, tf.io.gfile.GFile(new, "wb") as file:
                for line in lines(self.metrics_file):
                    if line.row is not None and line.row["step"] <= after:
                        file.write(line.text)
        return last

    def append_row(self, row: Mapping) -> None:
        """One more row for metrics.jsonl."""
        self.check_held()
        files.append(self.metrics_file, encoded(row))

    def steps(self) -> list[int]:
        """The steps of its checkpoints, the newest last."""
        paths = files.named(self.checkpoints, "step-")
        return sorted(int(match[1]) for match in (re.search(r"/step-(\d+)\.index$", path) for path in paths) if match)

    def checkpoint(self, step: int) -> str:
        """What the names of the files of a checkpoint begin with."""
        return f"{self.checkpoints}/step-{step}"

    def identity(self, step: int) -> str | None:
        """A checksum of a checkpoint, whose index has one of each tensor; None where there is none.

        Of one that cannot be read it is "unreadable".
        """
        try:
            with files.opened(f"{self.checkpoint(step)}.index") as file:
                return f"{zlib.crc32(file.read()):08x}"
        except (FileNotFoundError, tf.errors.NotFoundError):
            return None
        except (OSError, tf.errors.OpError):
            return UNREADABLE

    def copy_checkpoint(self, step: int, to: "Run") -> bool:
        """Copies a checkpoint to another run directory, in place of those there.

        False where the checkpoint is gone, as its run removes old ones.
        """
        new = f"{to.path}/new"
        files.remove(new)
        tf.io.gfile.makedirs(new)
        parts = files.named(self.checkpoints, f"step-{step}.")
        try:
            for part in parts:
                tf.io.gfile.copy(part, f"{new}/{os.path.basename(part)}")
        except tf.errors.NotFoundError:
            parts = []
        if not any(part.endswith(".index") for part in parts):
            files.remove(new)
            return False
        files.remove(to.checkpoints)
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
        try:
            files.check_writable(self.path)
        except (tf.errors.OpError, OSError) as error:
            raise InputError(f"cannot write to {self.path}: {one_line(error)}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator["Run"]:
        """Makes the directory and keeps other processes from writing to it; the run with the lock.

        The lock is one of the operating system's on `.lock`, which a process loses when it ends, however it ends. In
        gs://... or on a file system without locks nothing is kept from anybody.

        Raises:
          InputError: the directory cannot be written to, or another process has the lock.
        """
        self.make()
        if not files.local(self.path) or fcntl is None:
            yield self
            return
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(files.opened_or_made(self._lock_file))
                self._take(lock)
            except OSError as error:
                raise InputError(f"cannot write to {self.path}: {one_line(error)}") from error
            yield dataclasses.replace(self, lock=lock)

    def check_held(self) -> None:
        """Raises OSError unless this process still has the lock, if it took one, and the directory is there.

        Whoever removes the lock's file lets another process take a new one.
        """
        if self.lock is None:
            return
        try:
            if os.path.samestat(os.fstat(self.lock.fileno()), os.lstat(self._lock_file)):
                return
        except OSError:
            pass
        if not os.path.isdir(self.path):
            raise OSError(f"the run directory {self.path} is gone: it was renamed or removed")
        raise OSError(f"{self._lock_file} was removed or replaced, so that another process may write to {self.path}")

    def is_locked(self) -> bool | None:
        """Whether a process has the lock; None where that cannot be known."""
        if not files.local(self.path) or fcntl is None:
            return None
        try:
            with files.opened(self._lock_file) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return False

    @property
    def _lock_file(self) -> str:
        return f"{self.path}/.lock"

    def _take(self, lock: IO[bytes]) -> None:
        """Locks an open file and writes who holds it."""
        try:
            _try(lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(200).decode(errors="replace").strip() or "another process"
            raise InputError(f"{self.path} is in use by {holder}: stop it, or use another directory") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        lock.flush()


def _try(take: Callable[[], None]) -> None:
    """Takes a lock; one that `Run.is_locked` holds for a moment is waited for."""
    for _ in range(5):
        try:
            return take()
        except BlockingIOError:
            time.sleep(0.1)
    return take()
