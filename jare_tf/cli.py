"""How the program and the tools end: with an exit code, and for a mistake or a failure one line that says who ended."""

import signal
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

import tensorflow as tf

from jare_tf.errors import InputError, RunError, one_line


def run(
    name: str, command: Callable[[], int | None], flags: Mapping[str, str] | None = None, debug: bool = False
) -> None:
    """Runs a command, and ends the process unless all went well: exit code 1 for a failed run, 2 for a mistake.

    Args:
      name: how the line begins.
      command: what is run; it returns the number of the signal that stopped it, or None.
      flags: by what a message speaks of, as the library calls it, the flag or binding of this command.
      debug: show a traceback for an error.
    """
    try:
        stopped_by = command()
    except KeyboardInterrupt:
        _end(128 + signal.SIGINT, f"{name}: interrupted")
    except (InputError, RunError, tf.errors.OpError, OSError, MemoryError) as error:
        if debug:
            raise
        line = str(error).splitlines()[0] if isinstance(error, InputError | RunError) else one_line(error)
        named = [flag for words, flag in (flags or {}).items() if words in line]
        _end(2 if isinstance(error, InputError) else 1, f"{name}: {line}{f' ({named[0]})' if named else ''}")
    if stopped_by is not None:
        sys.exit(128 + stopped_by)


def _end(code: int, line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(code)
