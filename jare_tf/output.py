"""What is printed. Output is not the run: where nobody can read its progress, the work is done all the same."""

import contextlib
import io
import os
import sys

from jare_tf.errors import RunError

_lost = False  # stdout cannot be written to any more


def say(line: str) -> None:
    """Prints a line of progress; where stdout is closed or its disk is full, says so once on stderr and returns."""
    global _lost
    if _lost:
        return
    try:
        print(printable(line), flush=True)
    except OSError as error:
        _lost = True
        complain(f"stdout: {os.strerror(error.errno or 0)}: the work continues without output")


def show(text: str) -> None:
    """Prints what a command was run for.

    Raises:
      RunError: stdout cannot be written to.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        raise RunError(f"stdout: {os.strerror(error.errno or 0)}") from error


def printable(line: str) -> str:
    """A line as it may be shown: a name from outside forges no further line, and colours no terminal."""
    shown = lambda letter: letter if letter.isprintable() else letter.encode("unicode_escape").decode()
    return line if line.isprintable() else "".join(map(shown, line))


def complain(line: str) -> None:
    """Prints a line on stderr, if that can be written to."""
    with contextlib.suppress(OSError, AttributeError):  # closed from the start it is None
        sys.stderr.write(f"{printable(line)}\n")
        sys.stderr.flush()


def escape_unencodable() -> None:
    """Lets stdout show letters and paths that its encoding lacks as escapes, where Python would raise an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        with contextlib.suppress(OSError):  # it is flushed
            sys.stdout.reconfigure(errors="backslashreplace")


def discard() -> None:
    """What stdout still holds is dropped, where the end of the process would fail or wait because of it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
