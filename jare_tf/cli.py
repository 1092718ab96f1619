"""How the program and the tools begin and end: fast for --help, and for a mistake or a failure with one line.

Nothing here imports TensorFlow before the arguments are known, since that takes seconds.
"""

import argparse
import atexit
import contextlib
import gc
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn

import absl.logging

from jare_tf import output
from jare_tf.errors import InputError, RunError, one_line, said
from jare_tf.training import signals


class Parser(argparse.ArgumentParser):
    """The arguments of a tool.

    Args:
      name: of the tool, with which its lines begin.
      description: its docstring.
    """

    def __init__(self, name: str, description: str | None):
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(name, description=description, formatter_class=formatter, add_help=False)
        self.add_argument("-h", "--help", action="help", help="show this and end")
        self.add_argument("--debug", action="store_true", help="tracebacks, and TensorFlow's own lines; off by default")

    def error(self, message: str) -> NoReturn:
        """Ends with one line."""
        end(2, f"{self.prog}: {message}; --help lists the arguments")

    def run(
        self,
        command: Callable[[argparse.Namespace], int | None],
        arguments: Sequence[str] | None = None,
        flags: Mapping[str, str] | None = None,
    ) -> None:
        """`cli.run` with the arguments, by default those of the process."""
        given = self.parse_args(arguments)
        run(self.prog, lambda: command(given), flags, given.debug)

    def start(self) -> None:
        """For a tool that is run, before it imports TensorFlow: ends here for --help or a mistake."""
        output.escape_unencodable()
        import_tensorflow(self.prog, self.parse_args().debug)


def chosen(flag: str, names: str | None, known: Sequence[str], default: Sequence[str] | None = None) -> list[str]:
    """What a comma-separated list names, in its order and once; by default all, or `default`.

    Raises:
      InputError: it names what is not known.
    """
    wanted = (default or known) if names is None else names.split(",")
    for name in wanted:
        if name not in known:
            raise InputError(f"{flag} must be some of {', '.join(known)}, separated by commas, not {name!r}")
    return list(dict.fromkeys(wanted))


def import_tensorflow(name: str, debug: bool) -> None:
    """Imports TensorFlow and lists the devices, without the dozen lines that it writes to stderr while it does.

    They come from C++, several of them before any setting of TensorFlow's is read: so it is file descriptor 2 that goes
    nowhere meanwhile. With `debug` they are shown.
    """
    at_exit = lambda line: atexit.register(output.complain, line)  # when file descriptor 2 is back
    signals.handle(_stopping(name, at_exit))  # for good: what else is imported takes seconds, too
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # whatever ~/.keras/keras.json says
    if backend != "tensorflow":
        end(2, f"{name}: this needs Keras on TensorFlow: unset KERAS_BACKEND, which is {backend!r}")
    if not debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    gc.set_threshold(50_000, 20, 20)  # a million objects come and stay: looking for garbage among them takes a second
    with contextlib.nullcontext() if debug else _without_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def run(
    name: str, command: Callable[[], int | None], flags: Mapping[str, str] | None = None, debug: bool = False
) -> None:
    """Runs a command, and ends the process unless all went well: exit code 1 for a failed run, 2 for a mistake.

    A signal ends it with one line, where the command does not handle signals itself.

    Args:
      name: how the line begins.
      command: what is run; it returns the number of the signal that stopped it, or None.
      flags: by what a message speaks of, as the library calls it, the flag or binding of this command.
      debug: show a traceback for an error.
    """
    if not debug:
        absl.logging.set_verbosity(absl.logging.FATAL)  # TFDS logs every place where it looks for a file
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # TensorFlow, that functions of one name are traced
    output.escape_unencodable()
    undo = signals.handle(_stopping(name, output.complain))
    try:
        stopped_by = command()
    except BaseException as error:  # a user's module may raise any
        if debug or isinstance(error, SystemExit | KeyboardInterrupt):
            raise
        error = _of_a_name(error) or error
        if not _expected(error):
            with tempfile.NamedTemporaryFile("w", prefix=f"{name}-", suffix=".txt", delete=False) as file:
                file.write("".join(traceback.format_exception(error)))
            what = f"{type(error).__name__}: {one_line(error)}"
            end(1, f"{name}: unexpected error, please report it with {file.name}: {what}")
        own = isinstance(error, InputError | RunError)
        line = said(error) if own else one_line(error)
        named = [flag for words, flag in (flags or {}).items() if words in line]
        end(2 if isinstance(error, InputError) else 1, f"{name}: {line}{f' ({named[0]})' if named else ''}")
    finally:
        undo()
    if stopped_by is not None:
        sys.exit(128 + stopped_by)


def end(code: int, line: str) -> NoReturn:
    """Ends the process with a line on stderr."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        output.discard()
    output.complain(line)
    sys.exit(code)


def _stopping(name: str, complain: Callable[[str], object]) -> Callable[[int], None]:
    """A handler that ends the process with one line."""

    def stop(number: int) -> None:
        output.discard()  # it may be what the process is waiting for
        complain(f"{name}: stopped by {signal.Signals(number).name}")
        sys.exit(128 + number)

    return stop


def _expected(error: BaseException) -> bool:
    """Whether an error is one of those that say enough in a line."""
    tensorflow = sys.modules.get("tensorflow")
    of_tensorflow = tensorflow is not None and isinstance(error, tensorflow.errors.OpError)
    return of_tensorflow or isinstance(error, InputError | RunError | OSError | MemoryError)


def _of_a_name(error: BaseException) -> InputError | None:
    """What an error says where it is of a name that no file can have; None for another one."""
    if isinstance(error, UnicodeEncodeError):
        return InputError(f"the name {error.object!r} is not valid UTF-8, which TensorFlow requires")
    if isinstance(error, ValueError) and said(error) == "embedded null byte":
        return InputError("the name of a file contains the character \\0, which no file name may")
    return None
