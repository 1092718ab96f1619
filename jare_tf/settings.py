"""What a setting may be, said where it is declared: `gamma: NonNegative`.

`checked` has a function or class refuse what its annotations do not allow; `config` asks the same of every bound value
before anything is made.
"""

import collections.abc
import functools
import inspect
import math
import numbers
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union

import numpy as np

from jare_tf.errors import InputError, shown

_Made = TypeVar("_Made", bound=Callable)


class NotMade(NamedTuple):
    """Stands for a value that is not made yet.

    kind: its class, `object` where that is not known.
    name: what makes it, for messages.
    """

    kind: type = object
    name: str = "something"

    def __repr__(self):
        return self.name


class Range(NamedTuple):
    """Between which numbers a number lies: least ≤ x ≤ most, above < x < below.

    Every number is finite in float32, in which networks compute, whether or not it has a range.
    """

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf

    def allows(self, value: float) -> bool:
        value = value if isinstance(value, numbers.Integral) else _in_float32(value)
        return self.least <= value <= self.most and self.above < value < self.below

    def __str__(self):
        ends = {"above": self.above, "at least": self.least, "below": self.below, "at most": self.most}
        number = lambda end: "2**31" if end == 2**31 else f"{end:,}"
        return " and ".join(f"{words} {number(end)}" for words, end in ends.items() if math.isfinite(end))


Count = Annotated[int, Range(least=1, below=2**31)]
CountFromZero = Annotated[int, Range(least=0, below=2**31)]
BatchSize = Annotated[int, Range(least=1, most=2**20)]
Size = Annotated[int, Range(least=1, most=4096)]  # of a layer of convolutions, or of an image
Width = Annotated[int, Range(least=1, most=32768)]  # of a dense layer, or of a vector
Positive = Annotated[float, Range(above=0)]
NonNegative = Annotated[float, Range(least=0)]
BelowOne = Annotated[float, Range(least=0, below=1)]
Fraction = Annotated[float, Range(least=0, most=1)]


def checked(made: _Made) -> _Made:
    """Decorates a function or class, which then raises InputError for an argument that its annotation does not allow.

    The annotations understood are bool, int, float, str, None, classes, Literal, unions, sequences, tuples, mappings
    and functions of them, and `Annotated` with a `Range` or with words that say what is wanted, as a class may in its
    attribute `in_words`. A bool is no number, an int is a float, and a list a tuple. Others allow everything.
    """
    inner = _function(made)
    name = f"{made.__module__.rpartition('.')[2]}.{made.__name__}"
    signature = inspect.signature(inner)

    @functools.wraps(inner)
    def outer(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return inner(*args, **kwargs)  # which says what is missing
        hints = annotations(inner)
        caller = type(args[0]).__name__ if isinstance(made, type) else name
        for argument, value in given.items():
            if argument in hints:
                check(f"{caller}: {argument}", hints[argument], value)
        return inner(*args, **kwargs)

    if not isinstance(made, type):
        return typing.cast(_Made, outer)
    made.__init__ = outer  # type: ignore[misc]
    return made


@functools.cache
def annotations(made: Callable) -> Mapping[str, Any]:
    """What a function's arguments, or a class's, may be; nothing where that cannot be found out."""
    try:
        hints = typing.get_type_hints(_function(made), include_extras=True)
        parameters = inspect.signature(made).parameters
    except (NameError, TypeError, ValueError, AttributeError):
        return {}
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: hint for name, hint in hints.items() if name in parameters and parameters[name].kind not in several}


def made_by(made: Callable) -> type:
    """The class of what a function, or a class, makes; `object` where that is not known."""
    if isinstance(made, type):
        return made
    try:
        result = typing.get_type_hints(made).get("return")
    except (NameError, TypeError):
        return object
    kind = typing.get_origin(result) or result
    return kind if _is_class(kind) and not getattr(kind, "_is_protocol", False) else object


def check(name: str, hint: Any, value: Any, why: str = "") -> None:
    """Raises InputError, which calls the value `name` and ends with `why`, unless `hint` allows `value`."""
    if not allows(hint, value):
        uncalled = isinstance(value, type) or inspect.isroutine(value)
        instead = f"with parentheses, not {value.__name__}" if uncalled else f"not {shown(value)}"
        finite = isinstance(value, float) and math.isfinite(value) and value
        if finite and _in_float32(value) in (0, math.inf, -math.inf):
            instead += ", which float32 does not hold"
        raise InputError(f"{name} must be {_wanted(hint)}, {instead}{why}")


def allows(hint: Any, value: Any) -> bool:
    """Whether a value is of the kind, and in the range, that an annotation says."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is Annotated:
        ranges = [one for one in arguments[1:] if isinstance(one, Range)]
        known = not isinstance(value, NotMade)
        return allows(arguments[0], value) and (not known or all(one.allows(value) for one in ranges))
    if origin in (Union, types.UnionType):
        return any(allows(one, value) for one in arguments)
    if isinstance(value, NotMade):
        return _may_be(origin or hint, value.kind)
    if origin is Literal:
        return any(type(one) is type(value) and one == value for one in arguments)
    if origin is collections.abc.Callable:
        return callable(value) and _fits(arguments, value)
    if origin is tuple:
        return _listed(value) and _elements_allowed(arguments, value)
    if origin in (list, collections.abc.Sequence, collections.abc.Collection):
        return _listed(value) and all(allows(arguments[0], one) for one in value)
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, Mapping) and all(
            allows(arguments[0], key) and allows(arguments[1], one) for key, one in value.items()
        )
    if hint in (None, type(None)):
        return value is None
    if hint in (int, float):
        number = isinstance(value, numbers.Integral if hint is int else numbers.Real) and not isinstance(value, bool)
        return number and _is_finite(value)
    if getattr(hint, "_is_protocol", False):
        return not getattr(hint, "_is_runtime_protocol", False) or (
            isinstance(value, hint) and not isinstance(value, type)
        )
    return not _is_class(hint) or isinstance(value, hint)


def _is_class(hint: Any) -> typing.TypeGuard[type]:
    """Whether an annotation is a class; `list[int]` passes for one in Python 3.10."""
    return isinstance(hint, type) and typing.get_origin(hint) is None


def _function(made: Callable) -> Callable:
    """What is called when something is made."""
    return made.__init__ if isinstance(made, type) else made  # type: ignore[misc]


def _may_be(kind: Any, made: type) -> bool:
    """Whether an instance of the class `made` may be of a kind; where either is not known it may."""
    if made is object or getattr(kind, "_is_protocol", False):
        return True
    if not _is_class(kind):
        return kind is not Literal
    also = {float: (int,), tuple: (Sequence, np.ndarray), collections.abc.Sequence: (np.ndarray,)}.get(kind, ())
    return issubclass(made, (kind, *also)) or issubclass(kind, made)


def _fits(hint: Sequence[Any], value: Callable) -> bool:
    """Whether a callable may be what takes `hint[0]` and makes `hint[1]`: only without arguments may it be a class."""
    kind = object if hint[-1] is Any else typing.get_origin(hint[-1]) or hint[-1]
    if kind is object:
        return True
    return hint[0] == [] if isinstance(value, type) else not _is_class(kind) or not isinstance(value, kind)


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _elements_allowed(hints: Sequence[Any], value: Sequence[Any]) -> bool:
    if len(hints) == 2 and hints[1] is ...:
        return all(allows(hints[0], one) for one in value)
    return len(hints) == len(value) and all(map(allows, hints, value))


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(_in_float32(value))
    except OverflowError:  # an integer beyond every float
        return False


def _in_float32(value: Any) -> float:
    """A number as networks see it: 0 and infinity where float32 has no other."""
    with np.errstate(over="ignore"):
        return float(np.float32(float(value)))


def _wanted(hint: Any) -> str:
    """An annotation in words."""
    *others, last = _choices(hint)
    return f"{', '.join(others)} or {last}" if others else last


def _choices(hint: Any) -> list[str]:
    """In words what an annotation leaves to choose from."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        words = [one for one in arguments[1:] if isinstance(one, str)]
        limits = [f"{' of' if arguments[0] is int else ','} {one}" for one in arguments[1:] if isinstance(one, Range)]
        return words or [_wanted(arguments[0]) + "".join(limits)]
    if origin in (Union, types.UnionType):
        return [words for one in arguments for words in _choices(one)]
    if origin is Literal:
        return [repr(one) for one in arguments]
    if origin is collections.abc.Callable:
        named = arguments[0] == [] and _is_class(arguments[-1])
        return [f"what makes {_wanted(arguments[-1])}, without ()" if named else "a function"]
    if origin in (tuple, list, collections.abc.Sequence, collections.abc.Collection):
        return [f"a list, each {_wanted(arguments[0])}"]
    if origin in (dict, collections.abc.Mapping):
        return [f"a dictionary of {_wanted(arguments[0])} to {_wanted(arguments[1])}"]
    if hint is bool:
        return ["True", "False"]
    plain = {int: "an integer", float: "a finite number", str: "text", type(None): "None"}
    if hint in plain:
        return [plain[hint]]
    return [getattr(hint, "in_words", f"a {hint.__module__.partition('.')[0]}.{hint.__name__}")]
