"""The text of configurations: where it lies, and in one line what gin cannot read of it."""

import difflib
import functools
import importlib.util  # noqa: F401, gin's dynamic registration uses it and forgets to import it
import io
import os
import pathlib
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gin
import tensorflow as tf

import jare_tf
from jare_tf import catalogue, files
from jare_tf.errors import InputError, one_line, shown
from jare_tf.settings import annotations

# What a --gin_param may name without an import of its own.
NAMESPACES = {
    name: f"from jare_tf import {name}" for name in jare_tf._NAMESPACES if name not in ("callbacks", "theory")
}
NAMESPACES["keras"] = "import keras"
_INCLUDE = re.compile(r"""^(include\s+)(['"])(.*?)\2""", re.MULTILINE)
_OLD = re.compile(r"^experiment\.train\.\w+\s*=", re.MULTILINE)
_DEEPEST = 50  # inclusions, one in another
_SYNTAX = "write NAME = VALUE, text in quotes as in 'abc'"


class _Text(io.StringIO):
    """A configuration's text, with the name of its file for gin's messages."""

    def __init__(self, text: str, name: str):
        super().__init__(text)
        self.name = name


def find(name: str, beside: str = "") -> str | None:
    """The path of a configuration: as it is named, from the folder `beside` on, else the package's own; None for none.

    An included file is looked for beside the one that includes it; what the package's own include is the package's.
    """
    for folder in dict.fromkeys((beside, str(catalogue.FOLDER))):
        path = os.path.join(folder, os.path.expanduser(name))
        try:
            if tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path):
                return path
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise InputError(f"cannot look for {name!r}: {one_line(error)}") from error
    return None


def source(name: str) -> tuple[str, str]:
    """The path and the text of a configuration, once it is seen that all that it includes can be read.

    Raises:
      InputError: there is none, it is none, or it includes itself.
    """
    path = find(name)
    if path is None:
        meant = near(name, catalogue.names()) or "; --list lists the package's own"
        raise InputError(f"there is no configuration {shown(name)}, as a file or in {catalogue.FOLDER}{meant}")
    text = _read(path)
    if _OLD.search(text):
        raise InputError(f"{path} binds experiment.train, as version 0.1 did: CHANGELOG.md has the new names")
    _check_includes(path, text)
    return path, text


def _opened(path: str) -> _Text:
    """A configuration for gin, with the places of the files that it includes."""
    return _Text(_INCLUDE.sub(lambda match: f"{match[1]}{_included(match[3], path)!r}", _read(path)), path)


def _included(name: str, by: str) -> str:
    """The path of a configuration that the one at `by` includes."""
    inside = pathlib.Path(by).resolve().is_relative_to(catalogue.FOLDER.resolve())
    path = find(name, str(catalogue.FOLDER) if inside else os.path.dirname(by))
    if path is None:
        raise InputError(f"{by} includes {name}, which is neither beside it nor in {catalogue.FOLDER}")
    return path


def _check_includes(path: str, text: str, by: tuple[str, ...] = ()) -> None:
    """Raises InputError where a configuration includes itself, what does not exist, or too much."""
    if len(by) > _DEEPEST:
        raise InputError(f"{by[0]} includes files that include files, more than {_DEEPEST} deep")
    if path in by:
        raise InputError(f"{' includes '.join((*by[by.index(path) :], path))}: take one of them out")
    for match in _INCLUDE.finditer(text):
        included = _included(match[3], path)
        _check_includes(included, _read(included), (*by, path))


def _read(path: str) -> str:
    """The text of a configuration."""
    try:
        with files.opened(path) as file:
            return file.read().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"cannot read {path}: {one_line(error)}") from error


def parse_file(path: str) -> None:
    """Has gin read a configuration.

    Raises:
      InputError: it cannot.
    """
    parsed(functools.partial(gin.parse_config_file, path))


def parse_bindings(bindings: Sequence[str], imports: Sequence[str]) -> None:
    """Has gin read lines "name = value", after further imports.

    Raises:
      InputError: it cannot.
    """
    first = ["from __gin__ import dynamic_registration"]
    for line in imports if bindings else ():
        parsed(functools.partial(gin.parse_config, [*first, line]), line)
    for binding in bindings:
        needed = [line for name, line in NAMESPACES.items() if re.search(rf"\b{name}\.", binding)]
        parsed(functools.partial(gin.parse_config, [*first, *needed, *imports, binding]), binding)


def near(name: str, known: Iterable[str]) -> str:
    """The end of a message that offers what a misspelt name may mean."""
    meant = difflib.get_close_matches(name, sorted(known), n=3)
    return f"; did you mean {' or '.join(meant)}?" if meant else ""


def parsed(parse: Callable[[], Any], binding: str | None = None) -> None:
    """What gin cannot parse as one line: the text and where it is, in words that no version of Python changes."""
    try:
        parse()
    except InputError:
        raise
    except (SyntaxError, tokenize.TokenError, RecursionError) as error:
        where = f"{error.filename}, line {error.lineno}" if isinstance(error, SyntaxError) else "the configuration"
        text = binding or (getattr(error, "text", None) or where).strip()
        place = f" ({where})" if binding is None else ""
        raise InputError(f"cannot read {shown(text)}{place}: {_SYNTAX}") from error
    except SystemExit as error:  # of a module that is imported
        raise InputError(f"{binding or 'an import'} ends the program, with {error.code!r}") from error
    except Exception as error:  # what a user's module raises while it is imported is of any kind
        message = " ".join(str(error).split()) or repr(error)
        words = re.split(r"\s+In (?:file|bindings string)\s+", message)[0]
        file = re.search(r'In file "(.+?)", line (\d+)', message)
        where = f" (in {shown(binding)})" if binding else f" ({file[1]}, line {file[2]})" if file else ""
        if "malformed node" in words or "unhashable" in words:
            raise InputError(f"cannot read {shown(binding or words)}: {_SYNTAX}") from error
        raise InputError(f"{_explained(words)}{where}") from error


def _explained(words: str) -> str:
    """What gin says of a name that it does not know, and which one may be meant."""
    if match := re.search(r"resolve selector ([\w.]+); <(?:module '([\w.]+)')?.*> has no attribute (\w+)", words):
        return f"there is no {match[1]}{near(match[3], vars(sys.modules[match[2]]) if match[2] else ())}"
    if match := re.search(r"onfigurable '([\w.]+)' doesn't have a parameter named '(\w+)'", words):
        known = [made for selector, made in gin.config._REGISTRY.items() if f".{selector}".endswith(f".{match[1]}")]
        return f"{match[1]} has no argument {match[2]}{near(match[2], annotations(known[0].wrapped) if known else ())}"
    if match := re.search(r"'(\w+)' was not provided by an import statement", words):
        if match[1] in NAMESPACES:
            return f"{match[1]} is not imported: add the line {NAMESPACES[match[1]]!r}"
        return f"{match[1]} is not imported{near(match[1], NAMESPACES)}: add --gin_param 'import {match[1]}'"
    if "values to unpack" in words:
        return "what is made has no value, its arguments have: bind one of them"
    return words


# gin's own readers take a folder of the current directory for a package, and import it while they look for a file.
gin.config._FILE_READERS[:] = [(_opened, lambda path: find(path) == path)]
