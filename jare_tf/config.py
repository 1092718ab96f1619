"""Configurations: what gin files bind, what of that a program reaches, and what a run records.

A configuration is known before anything is made: `parse` reads it, `check_used` and `record` walk over it from the
roots along @references and %macros, and only `call` makes what it names.
"""

import ast
import contextlib
import inspect
import math
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import gin
import tensorflow as tf

from jare_tf import gin_text, trust
from jare_tf.errors import InputError, RunError, said
from jare_tf.settings import NotMade, annotations, check, made_by
from jare_tf.training import optimizers
from jare_tf.training.run import Record, Value

_DEFAULT = "  # default"  # what config.gin marks that nobody bound
_BINDING = re.compile(rf"^([\w./]+) = (.*?)(?:{_DEFAULT})?$", re.MULTILINE)
_MAKER = re.compile(r"In call to configurable '(\w+)'")
_MACRO = re.compile(r"%(\w+)")
_REFERENCE = re.compile(r"^@(?:[\w.]+\.)?(\w+)\.(\w+)(?:\(\))?$")
_ONE_LINE = 10**5  # a line length at which gin breaks no binding; it rules lines of that length, too

Key = tuple[str, str]  # gin's name of a configurable: (scope, selector)
Bindings = dict[Key, dict[str, Any]]
Root = Callable[..., Any]

_config: Bindings = gin.config._CONFIG
_by_files: Bindings = {}
_defaults: dict[str, str] = {}  # what files mark as defaults


def parse(gin_files: Sequence[str], bindings: Sequence[str] = (), *, trusted: bool = True) -> None:
    """Replaces the present configuration by `gin_files`, in order, and then `bindings`.

    A file is looked for as it is named and then among the package's own configurations. A binding is "name = value", or
    an import; it may use keras and the package's namespaces (`rules`, `losses`, `networks`, `data`, `evaluation`,
    `report`, `experiment`) whether or not a file imports them.

    A configuration is code: it imports modules and calls what it names. Files that are not trusted may only name what
    is public in those namespaces, optimizers and initializers of Keras, and what is defined in modules that `bindings`
    import.

    Raises:
      InputError: a file is missing, or something in it cannot be read, names nothing that exists, or is not trusted.
    """
    gin.clear_config()
    _defaults.clear()
    imports = [line.strip() for line in bindings if re.match(r"\s*(from|import)\s", line)]
    sources = [gin_text.source(name) for name in gin_files]
    for path, text in sources:
        if not trusted:
            trust.check_imports(path, text, imports)
        marked = [line for line in text.splitlines() if line.endswith(_DEFAULT)]
        _defaults.update(_BINDING.findall("\n".join(marked)))
    for path, _ in sources:
        gin_text.parse_file(path)
    if not trusted:
        trust.check_names(" and ".join(path for path, _ in sources), imports)
    _by_files.clear()
    _by_files.update({key: dict(values) for key, values in _config.items()})
    gin_text.parse_bindings([binding for binding in bindings if binding.strip() not in imports], imports)
    try:
        _check_values()
    except RecursionError as error:
        raise InputError(f"{' and '.join(gin_files)}: brackets or macros are nested too deeply") from error


def _check_values() -> None:
    """Raises InputError for what is made of itself, and for a number that gin could not write."""
    for key, values in _config.items():
        _check_cycles(key)
        for name, value in values.items():
            flat = gin.config._iterate_flattened_values(value)
            if any(isinstance(one, float) and not math.isfinite(one) for one in flat):
                raise InputError(f"{_name(key, name)} must be finite, not {value!r}")


def _check_cycles(key: Key, by: tuple[Key, ...] = ()) -> None:
    """Raises InputError for what is made of itself, along macros and references that are called."""
    if key in by:
        around = [f"%{scope}" if _macro((scope, selector)) else f"@{selector}()" for scope, selector in (*by, key)]
        raise InputError(f"{' needs '.join(around[by.index(key) :])}: nothing can be made of itself")
    for reference in _references(_bound(key)):
        scope, selector = inner = reference.config_key
        if _macro(inner) or reference.evaluate:
            _check_cycles(inner if _macro(inner) else (scope or key[0], selector), (*by, key))


def call(root: Root, *given: Any, **named: Any) -> Any:
    """The result of `root` with these arguments, and with those that the configuration binds.

    Raises:
      InputError: `root` lacks an argument, or something that the configuration makes does not take its arguments.
    """
    missing = _required(root, len(given)) - _bound(_key(root)).keys() - named.keys()
    if missing:
        names = [f"experiment.{root.__name__}.{name}" for name in sorted(missing)]
        raise InputError(f"not a whole configuration: it binds no {', '.join(names)}")
    configured = gin.get_configurable(root) if _key(root) else root
    with makers_named(root):
        return configured(*given, **named)


@contextlib.contextmanager
def makers_named(root: Root) -> Iterator[None]:
    """Turns an error in what the configuration makes, now or by a factory, into one line that names it.

    An error in `root` itself is no mistake of the configuration.
    """
    try:
        yield
    except Exception as error:  # what is made may be a user's own
        makers = _MAKER.findall(str(error))  # gin names whom it called, the innermost first
        told = isinstance(error, InputError | RunError | OSError | MemoryError | tf.errors.OpError)
        if told or not makers or makers[0] == root.__name__:
            raise
        message, _, _ = said(error).partition("\n")
        raise InputError(f"{makers[0]} in the configuration: {message}") from error


def binds(root: Root) -> bool:
    """Whether the configuration binds an argument of `root`."""
    return bool(_bound(_key(root)))


def text() -> str:
    """The present configuration, by which two can be told apart before anything is made."""
    return _formatted(_config)


def check_used(roots: Iterable[Root]) -> None:
    """Raises InputError for a binding that nothing reaches from any of `roots`, or one that is needed and not bound.

    Where a --gin_param exchanges something that the files make, what they bind for it is left over and no mistake.
    """
    reached = _reached(roots)
    for key, values in reached.items():
        for name, value in values.items():
            _check_value(key, name, value)
    used = {(key, name) for key, values in reached.items() for name in values}
    exchanged = any(
        not _macro(key) and _references(value) and _config[key][name] != value
        for key, values in _by_files.items()
        for name, value in values.items()
    )
    in_files = {reference.config_key for reference in _references(_by_files)}
    unused = [
        _name(key, name)
        for key, values in _config.items()
        for name, value in values.items()
        if (key, name) not in used
        and not (_macro(key) and key in in_files)  # a --gin_param may override the one use of a macro
        and not (exchanged and _by_files.get(key, {}).get(name) == value)
    ]
    if unused:
        known = {_name(key, name) for key, name in used} | {key[0] for key in in_files if _macro(key)}
        near = gin_text.near(unused[0], known) if len(unused) == 1 else ""
        named = ", ".join(name if len(name) <= 100 else f"{name[:80]}..." for name in sorted(unused)[:8])
        more = f" and {len(unused) - 8} more" if len(unused) > 8 else ""
        raise InputError(f"unused binding {named}{more}: a typo, or left over from another experiment?{near}")


def record(trained: Root, roots: Sequence[Root]) -> Record:
    """What a run says of its configuration.

    config.gin has all that is reached from `roots`, and of the classes among them every default, spelt out and marked.
    Hyperparameters are what is bound for `trained` and what it reaches, but for places.
    """
    values = [root for root in roots if inspect.isclass(root)]
    reached = _reached(roots)
    text = _formatted({**reached, **_with_defaults(_reached(values))})
    chosen = _chosen()
    text = _BINDING.sub(lambda match: match[0] if match[1] in chosen else match[0] + _DEFAULT, text)
    of_trained = _reached([trained])
    names = resolved(_formatted(of_trained)).keys() & chosen - _places(of_trained)
    now, prefix = resolved(text), f"experiment.{trained.__name__}."
    hyperparameters = {name.removeprefix(prefix): _value(now[name]) for name in sorted(names)}
    return Record(text, hyperparameters, checksum(trained))


def changes(before: str, trained: Root) -> list[str]:
    """How the present configuration of `trained` differs from that of a run's config.gin, by macro or binding.

    A place where data lie is not compared: a data set's function says which of its arguments are (`places`). A default
    that one side does not know came or went with a version of the code. An empty `before` is no configuration.
    """
    if not before:
        return []
    reached = _reached([trained])
    text = _formatted(_with_defaults(reached))
    was, now = resolved(before), resolved(text)
    names = (was.keys() | resolved(_formatted(reached)).keys()) & now.keys() - _places(reached)
    bound_before, bound_now = dict(_BINDING.findall(before)), dict(_BINDING.findall(text))
    found = {}
    for name in sorted(name for name in names if was.get(name) != now[name]):
        same_macros = _MACRO.findall(bound_now[name]) if bound_before.get(name) == bound_now[name] else []
        for one in same_macros or [name]:
            old, new = (was, now) if one == name else (bound_before, bound_now)
            if old.get(one) != new[one]:
                found[one] = f"{one} was {old.get(one, 'absent')}, is {new[one]}"
    return list(found.values())


def resolved(text: str) -> dict[str, str]:
    """The values that the text of a config.gin binds, by parameter, with macros replaced by theirs."""
    bindings = dict(_BINDING.findall(text))
    return {
        name: _MACRO.sub(lambda match: bindings.get(match[1], match[0]), value)
        for name, value in bindings.items()
        if "." in name
    }


def check_same_data(trained: Root, scored: Root) -> None:
    """Raises InputError where scores compare with other images than those that the experiment trains on.

    That is, where something that `scored` reaches binds `data` and none of it is the data set of `trained`.
    """
    dataset = _references(_bound(_key(trained)).get("dataset"))
    for key, values in _reached([scored]).items():
        known = _references(values.get("data"))
        if known and dataset and dataset[0].config_key not in [one.config_key for one in known]:
            name = repr(dataset[0])
            raise InputError(
                f"the run trains on {name} and would be scored on other images: bind {_name(key, 'data')} = "
                f"{{'train': {name}}}"
            )


def _reached(roots: Iterable[Root]) -> Bindings:
    """What is bound for `roots` and for everything that they reach along references and macros."""
    found: Bindings = {}
    waiting = [key for root in roots if (key := _key(root))]
    while waiting:
        scope, selector = key = waiting.pop()
        if _macro(key) and key not in _config:
            raise InputError(f"the macro %{scope} has no value: bind {scope} = ...")
        for outer in [scope] if _macro(key) else _outer_scopes(scope):
            if (outer, selector) in found or (outer and (outer, selector) not in _config):
                continue
            found[outer, selector] = _config.get((outer, selector), {})
            for value in found[outer, selector].values():
                for reference in _references(value):
                    inner = reference.config_key
                    if reference.evaluate and not _macro(inner):
                        _check_arguments(reference, inner[0] or scope)
                    waiting.append((inner[0] or scope, inner[1]))
    return found


def _outer_scopes(scope: str) -> list[str]:
    """The scopes whose bindings hold in a scope, from the outermost on."""
    parts = scope.split("/") if scope else []
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _references(value: Any) -> list[Any]:
    """The references in a bound value."""
    return list(gin.config.iterate_references({"": value}))


def _check_value(key: Key, argument: str, value: Any) -> None:
    """Raises InputError for a bound value that the argument's annotation does not allow."""
    made = None if _macro(key) else gin.config._REGISTRY[key[1]].wrapped
    optimizer = isinstance(made, type) and made.__module__.startswith("keras.src.optimizers")
    hints = optimizers.SETTINGS if optimizer else annotations(made) if made else {}
    if argument in hints:
        macros = [f"%{one.config_key[0]}" for one in _references(value) if _macro(one.config_key)]
        why = f" (from {', '.join(dict.fromkeys(macros))})" if macros else ""
        check(_name(key, argument), hints[argument], _static(value), why)


def _static(value: Any) -> Any:
    """A bound value with macros replaced by theirs; what is made later is not known."""
    if isinstance(value, list | tuple):
        return [_static(one) for one in value]
    if isinstance(value, dict):
        return {_static(key): _static(one) for key, one in value.items()}
    if not isinstance(value, gin.config.ConfigurableReference):
        return value
    if _macro(value.config_key):
        return _static(_config[value.config_key]["value"])
    made = value.configurable.wrapped
    return NotMade(made_by(made), repr(value)) if value.evaluate else made


def _check_arguments(reference: Any, scope: str) -> None:
    made = reference.configurable
    missing = _required(made.wrapped, 0) - _bound((scope, made.selector)).keys()
    if missing:
        source, attributes = made.import_source or (None, made.name)
        name = f"{source.bound_name()}.{attributes}" if source else made.name
        raise InputError(f"bind {', '.join(f'{name}.{argument}' for argument in sorted(missing))}: {name} needs it")


def _required(function: Callable, positional: int) -> set[str]:
    """The arguments without a default, but for the first ones, which are given by position."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [one for one in inspect.signature(function).parameters.values() if one.kind not in kinds]
    return {one.name for one in parameters[positional:] if one.default is one.empty}


def _key(root: Root) -> Key | None:
    """gin's key of a root, which it knows once something is bound for it."""
    known = gin.config._inverse_lookup(root)
    return ("", known.selector) if known else None


def _bound(key: Key | None) -> dict[str, Any]:
    """The arguments that the configuration binds, by name."""
    scoped = [(scope, key[1]) for scope in _outer_scopes(key[0])] if key else []
    return {name: value for one in scoped for name, value in _config.get(one, {}).items()}


def _macro(key: Key) -> bool:
    return key[1] == "gin.macro"


def _with_defaults(bindings: Bindings) -> Bindings:
    """Bindings with the defaults of what is not bound."""
    parameters = lambda key: inspect.signature(gin.config._REGISTRY[key[1]].wrapped).parameters.values()
    defaults = lambda key: {one.name: one.default for one in parameters(key) if one.default is not one.empty}
    return {key: values if _macro(key) or key[0] else {**defaults(key), **values} for key, values in bindings.items()}


def checksum(trained: Root) -> int:
    """Of what is bound for `trained`; a default counts the same whether or not it is spelt out, a place not at all."""
    bindings = _reached([trained])
    defaults = _with_defaults({key: {} for key in bindings if not _macro(key)})
    usual, now = resolved(_formatted(defaults)), resolved(_formatted(bindings))
    places = _places(bindings)
    return zlib.crc32(
        repr(sorted((name, now[name]) for name in now.keys() - places if usual.get(name) != now[name])).encode()
    )


def _formatted(bindings: Mapping[Key, Mapping[str, Any]]) -> str:
    """Bindings as gin writes them, a line each; a default that gin cannot write is left out."""
    return re.sub("={80,}", "=" * 78, gin.config._config_str(bindings, _ONE_LINE, 4))


def _name(key: Key, argument: str) -> str:
    """A binding's name, as config.gin has it."""
    return next(iter(dict(_BINDING.findall(_formatted({key: {argument: 0}})))), f"{key[1]}.{argument}")


def _chosen() -> set[str]:
    """The names of what is bound, but for the defaults that a run's config.gin spells out."""
    return {name for name, value in _BINDING.findall(text()) if _defaults.get(name) != value}


def _places(reached: Collection[Key]) -> set[str]:
    """The names of the arguments that say where data lie."""
    functions = {key: gin.config._REGISTRY[key[1]].wrapped for key in reached}
    return {_name(key, place) for key, function in functions.items() for place in getattr(function, "places", ())}


def _value(text: str) -> Value:
    """A bound value for TensorBoard's table, where 14 letters of it are seen: "jare (rules)" for @rules.jare()."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _REFERENCE.sub(r"\2 (\1)", text)
    return value if isinstance(value, bool | int | float | str) else text
