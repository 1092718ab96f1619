"""The two ways a run can end badly, told apart so that a program can answer each with its own exit code."""

import inspect
import math
import numbers
import re
import textwrap
from collections.abc import Collection


class InputError(ValueError):
    """What the user gave cannot be used: the message says what, where and what to do (exit code 2)."""


class RunError(RuntimeError):
    """A run that began well cannot go on: the message says at which step and what is kept (exit code 1)."""


class NotFiniteError(RunError):
    """A loss, a gradient norm or a parameter is not finite any more."""


NOT_FINITE_ADVICE = "a smaller learning rate or gamma may help"


def one_line(error: Exception) -> str:
    """In one line what went wrong with a file, an image or a device; TensorFlow's own messages have many."""
    message = re.sub(r"{{.*?}}| \[Op:.*?\]", "", getattr(error, "message", None) or str(error))
    named = re.findall(r"\w+Error: .*", message)
    return named[0] if named else " ".join(message.split())[:300] or type(error).__name__


def brief(error: Exception) -> str:
    """The beginning of `one_line`, for brackets at the end of a message that has said what to do."""
    line = one_line(error)
    return textwrap.shorten(line, 100, placeholder=" ...") if " " in line[:90] else line[:100]


def shown(value) -> str:
    """A value for a message: what Python writes for it, on one line, and not all of it if it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:60]} ... ({type(value).__name__})"


def check_number(name: str, value, *, above_zero: bool = False, below: float = math.inf) -> None:
    """Raises InputError unless `value` is a finite number, at least 0 or above 0, and less than `below`."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 <= value < below or (above_zero and value == 0):
        most = "" if below == math.inf else f" and below {below}"
        raise InputError(
            f"{name} must be a finite number, {'above' if above_zero else 'at least'} 0{most}, not {shown(value)}"
        )


def check_integer(name: str, value, least: int, below: float = math.inf) -> None:
    """Raises InputError unless `value` is an integer of at least `least`, and less than `below`."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integer or not least <= value < below:
        most = "" if below == math.inf else f" and below {below:,}"
        raise InputError(f"{name} must be an integer of at least {least}{most}, not {shown(value)}")


def check_one_of(name: str, value, choices: Collection) -> None:
    """Raises InputError unless `value` is one of `choices`."""
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, not {shown(value)}")


def check_kind(name: str, value, kind: type, wanted: str) -> None:
    """Raises InputError unless `value` is of a kind; `wanted` says it in words, with an example."""
    if not isinstance(value, kind):
        raise InputError(f"{name} must be {wanted}{_instead(value)}")


def check_function(name: str, value, wanted: str) -> None:
    """Raises InputError unless `value` can be called and is no class, which makes what was meant."""
    if isinstance(value, type) or not callable(value):
        raise InputError(f"{name} must be {wanted}{_instead(value)}")


def _instead(value) -> str:
    """How a message ends that begins with what was wanted."""
    uncalled = isinstance(value, type) or inspect.isroutine(value)
    return f", with parentheses, not {value.__name__}" if uncalled else f", not {shown(value)}"
