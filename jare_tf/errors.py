"""The two ways a run can end badly, told apart so that a program can answer each with its own exit code."""


class InputError(ValueError):
    """What the user gave cannot be used: the message says what, where and what to do (exit code 2)."""


class RunError(RuntimeError):
    """A run that began well cannot go on: the message says at which step and what is kept (exit code 1)."""
