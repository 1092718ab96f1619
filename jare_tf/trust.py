"""Configurations of others: a configuration is code, and what lies in a run directory may come from anybody."""

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import gin

import jare_tf
from jare_tf.errors import InputError
from jare_tf.gin_text import NAMESPACES, parsed

_ADVICE = "a configuration is code; if you trust this one, pass --trust_config, or --gin_param 'import its_module'"
# What of Keras a configuration that is not trusted may call.
_OF_KERAS = tuple(f"keras.src.{name}." for name in ("optimizers", "initializers", "constraints", "regularizers"))


def check_imports(path: str, text: str, imports: Sequence[str]) -> None:
    """Raises InputError where a configuration that is not trusted includes a file, or imports more than it may."""
    statements: list[Any] = []
    parsed(lambda: statements.extend(gin.config_parser.ConfigParser(text, _Unresolved())))
    for statement in statements:
        if isinstance(statement, gin.config_parser.IncludeStatement):
            raise InputError(f"{path} includes {statement.filename}, which no run directory does: {_ADVICE}")
        if isinstance(statement, gin.config_parser.ImportStatement) and not _imported(statement.module, imports):
            raise InputError(f"{path} imports {statement.module}, which is not part of this package: {_ADVICE}")


def check_names(path: str, imports: Sequence[str]) -> None:
    """Raises InputError where gin has parsed a configuration that is not trusted and names what it may not call."""
    bound = gin.config._CONFIG
    referred = {reference.config_key[1] for reference in gin.config.iterate_references(bound)}
    roots = {id(root) for root in vars(jare_tf.experiment).values()}
    for selector in (referred | {key[1] for key in bound}) - {"gin.macro"}:
        made = gin.config._REGISTRY[selector].wrapped
        module = getattr(made, "__module__", None) or ""
        allowed = _public() if selector in referred else _public() | roots
        if id(made) not in allowed and not module.startswith(_OF_KERAS) and not _imported(module, imports, own=False):
            name = f"{module}.{getattr(made, '__qualname__', made)}"
            raise InputError(f"{path} names {name}, which is not offered to configurations: {_ADVICE}")


class _Unresolved(gin.config_parser.ParserDelegate):
    """Lets gin read a configuration without importing or making anything."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        return None

    def macro(self, scoped_name):
        return None


def _imported(module: str, imports: Sequence[str], own: bool = True) -> bool:
    """Whether a module may be imported: the package's own, Keras, or one that the command line imports."""
    given = [words[1] for words in map(str.split, imports) if len(words) > 1]
    roots = [*given, *(["jare_tf", "keras", "__gin__"] if own else [])]
    return any(module == root or module.startswith(f"{root}.") for root in roots)


@functools.cache
def _public() -> set[int]:
    """The identities of what the namespaces offer to be called."""
    namespaces = [getattr(jare_tf, name) for name in NAMESPACES if name not in ("keras", "experiment")]
    offered = [getattr(namespace, name) for namespace in namespaces for name in namespace.__all__]
    inside = [
        value
        for module in offered
        if inspect.ismodule(module)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return {id(value) for value in [*offered, *inside]}
