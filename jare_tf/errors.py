"""The two ways a run can end badly, told apart so that a program can answer each with its own exit code."""

import re
import textwrap


class InputError(ValueError):
    """What the user gave cannot be used: the message says what, where and what to do (exit code 2)."""


class RunError(RuntimeError):
    """A run that began well cannot go on: the message says at which step and what is kept (exit code 1)."""


class NotFiniteError(RunError):
    """A loss, a gradient norm or a parameter is not finite any more."""


_ADDRESS = r" at 0x[0-9a-fA-F]+"  # of an object in memory
NOT_FINITE_ADVICE = "a smaller learning rate or gamma may help, if all real samples are finite"


def said(error: BaseException) -> str:
    """What an error says, without the lines that gin adds to it and addresses of objects in memory."""
    message = (getattr(error, "message", None) or str(error)).partition("\n  In call to configurable")[0]
    return re.sub(_ADDRESS, "", message)


def one_line(error: BaseException) -> str:
    """In one line what went wrong with a file, an image or a device; TensorFlow's own messages have many."""
    message = re.sub(r"{{.*?}}| \[Op:.*?\]|\x1b\[[\d;]*m", "", said(error))
    named = re.findall(r"\w+Error: .*", message)
    return named[0] if named else " ".join(message.split())[:300] or type(error).__name__


def brief(error: Exception) -> str:
    """The beginning of `one_line`, for brackets at the end of a message that has said what to do."""
    line = one_line(error)
    return textwrap.shorten(line, 100, placeholder=" ...") if " " in line[:90] else line[:100]


def shown(value) -> str:
    """A value for a message: what Python writes for it, on one line, and not all of it if it is long."""
    text = re.sub(_ADDRESS, "", " ".join(repr(value).split()))
    return text if len(text) <= 80 else f"{text[:60]} ... ({type(value).__name__})"
