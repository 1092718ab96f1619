"""Configurations: parsing gin files, saying what is wrong in them, and recording what ran. The only user of gin."""

import ast
import copy
import importlib.util  # noqa: F401, gin's dynamic registration uses it and forgets to import it
import io
import os
import pathlib
import pkgutil
import re
from collections.abc import Callable, Collection, Sequence, Set
from typing import Any, NamedTuple

import gin
import tensorflow as tf

from jare_tf.errors import InputError

# gin's own readers take a folder of the current directory for a package, and import it while they look for a file.
gin.config._FILE_READERS[:] = [(lambda path: _opened(path), lambda path: find(path) == path)]

_PACKAGE = pathlib.Path(__file__).parent
FOLDER = next(path for path in (_PACKAGE / "gin_configs", _PACKAGE.parent / "gin_configs") if path.is_dir())


# What a resumed run may change without becoming another experiment.
_PACE = ("steps", "steps_per_call", "jit_compile")
_EVERY = ("log_every", "save_every", "sample_every", "spectrum_every", "histograms_every")
_FAULTS = ("keep_checkpoints", "nan_policy", "max_rewinds")
_FREE_ON_RESUME = frozenset(
    [
        *(f"experiment.train.{name}" for name in (*_PACE, *_EVERY, *_FAULTS)),
        *(f"image_folder.{name}.{place}" for name in ("load", "celeba") for place in ("path", "in_memory_limit")),
        *(f"tfds_images.{name}.data_dir" for name in ("load", "labelled")),
    ]
)
_DEFAULT = "  # default"  # what config.gin marks that nobody bound
_BINDING = re.compile(rf"^([\w./]+) = (.*?)(?:{_DEFAULT})?$", re.MULTILINE)
_MAKER = re.compile(r"In call to configurable '(\w+)'")
_IMPORT = re.compile(r"^(?:from (?!__gin__)|import ).*$", re.MULTILINE)
_INCLUDE = re.compile(r"^(include\s+)(['\"])(.*?)\2", re.MULTILINE)
_MAKE = re.compile(r"@((?:\w+/)*)([\w.]+)")
_REFERENCE = re.compile(r"^@([\w./]+)\.(\w+)(?:\(\))?$")
_MACRO = re.compile(r"%(\w+)")
_bound_by_files: dict[str, str] = {}
_marked_defaults: dict[str, str] = {}
# What a file sets for these does not hinder training.
_OTHER_MODES = tuple(f"experiment.{mode}." for mode in ("evaluate", "sample", "export", "spectrum"))
Value = bool | int | float | str
_ONE_LINE = 10**6  # a line length at which gin breaks no binding
_MODULES = {
    leaf: parent
    for parent, _, leaf in (info.name.rpartition(".") for info in pkgutil.walk_packages([str(_PACKAGE)], "jare_tf."))
}


def parse(gin_files: Sequence[str], bindings: Sequence[str] = ()) -> None:
    """Replaces the present configuration by `gin_files`, in order, and then `bindings` ("name = value").

    A file is looked for as it is named and then in FOLDER, among the package's own configurations. A binding may use
    every module of this package by its last name, and keras, whether or not a file imports it.

    Raises:
      InputError: a file is missing, or something in it cannot be read or names nothing that exists.
    """
    gin.clear_config()
    missing = [name for name in gin_files if find(name) is None]
    if missing:
        raise InputError(f"there is no configuration {missing[0]}, as a file or in {FOLDER}")
    gin_files = [find(name) for name in gin_files]
    try:
        gin.parse_config_files_and_bindings(gin_files, [], finalize_config=False)
        _bound_by_files.clear()
        _bound_by_files.update(_bindings(gin.config_str(_ONE_LINE)))
        _marked_defaults.clear()
        _marked_defaults.update(_marked(gin_files))
        if bindings:
            gin.parse_config([*_imports(bindings), *bindings])
        gin.finalize()
    except (OSError, ValueError, SyntaxError, NameError, ImportError, AttributeError, TypeError) as error:
        raise InputError(_in_one_line(error)) from error


def find(name: str, beside: str = "") -> str | None:
    """The path of a configuration: as it is named, from the folder `beside` on, else the package's own; None for none.

    An included file is looked for beside the one that includes it; what the package's own include is the package's.
    """
    for place in dict.fromkeys((beside, str(FOLDER))):
        path = os.path.join(place, name)
        if tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path):
            return path
    return None


def _opened(path: str) -> io.StringIO:
    """A configuration for gin, with the places of the files that it includes."""
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    inside = pathlib.Path(path).resolve().is_relative_to(FOLDER.resolve())
    beside = str(FOLDER) if inside else os.path.dirname(path)
    return io.StringIO(_INCLUDE.sub(lambda match: f"{match[1]}{(find(match[3], beside) or match[3])!r}", text))


def call(root: Callable[..., Any], **arguments: Any) -> Any:
    """The result of `root` with `arguments` and with those that the configuration binds.

    Raises:
      InputError: `root` lacks an argument, or something that the configuration makes does not take its arguments.
    """
    # gin knows a root that something is bound for.
    known = any(name.startswith(f"experiment.{root.__name__}.") for name in bound())
    configured = gin.get_configurable(root) if known else root
    return _with_makers_named(lambda: configured(**arguments), root.__name__)


def arguments(root: Callable[..., Any], only: Collection[str]) -> dict[str, Any]:
    """What the configuration binds of the arguments `only` of `root`, which is not called.

    Nothing is made for the other arguments.

    Raises:
      InputError: something that the configuration makes does not take its arguments.
    """
    values = {name: value for name, value in gin.get_bindings(root, resolve_references=False).items() if name in only}
    return _with_makers_named(lambda: copy.deepcopy(values), root.__name__)  # which is how gin makes them


def check_used(given_out: str | None = None) -> str:
    """The configuration with every default spelt out, once everything that it configures has been made.

    Args:
      given_out: a root whose `arguments` were given to another one, for instance "experiment.train". That needs not all
        of what the files bind for it, so that only the other bindings are checked.

    Raises:
      InputError: a binding was used by nothing.
    """
    used = gin.operative_config_str(_ONE_LINE)
    # A macro that a file uses is no mistake where --gin_param overrides that use.
    macros_of_files = _MACRO.findall("\n".join(_bound_by_files.values()))
    unused = bound() - _bindings(used).keys() - set(macros_of_files)
    if given_out or _part_exchanged():
        unused -= _bound_by_files.keys()
    unused = {name for name in unused - of_other_modes().keys() if not name.startswith(f"{given_out}.")}
    if unused:
        raise InputError(f"nothing in this run uses {', '.join(sorted(unused))}: misspelt, or of another experiment?")
    return used


def _part_exchanged() -> bool:
    """Whether --gin_param exchanged something that the files make, whose bindings are then left over."""
    now = _bindings(gin.config_str(_ONE_LINE))
    return any(value.startswith("@") and now[name] != value for name, value in _bound_by_files.items())


def _with_makers_named(function: Callable[[], Any], root: str) -> Any:
    """function(), with an error in what gin makes for `root` turned into one line that names it."""
    try:
        return function()
    except (TypeError, ValueError) as error:
        message, *rest = str(error).splitlines()
        makers = _MAKER.findall("\n".join(rest))  # gin names whom it called, the innermost first
        if isinstance(error, InputError) or not makers:
            raise
        if makers[0] == root and f"{root}() missing" not in message:
            raise  # an error in `root` itself is no mistake of the configuration
        raise InputError(f"{makers[0]} in the configuration: {message}") from error


def bound() -> set[str]:
    """What the configuration gives a value to, for instance "experiment.compare.configs"."""
    return set(_bindings(gin.config_str(_ONE_LINE)))


def text() -> str:
    """The present configuration, by which two can be told apart before anything is made."""
    return gin.config_str(_ONE_LINE)


class Record(NamedTuple):
    """What is running.

    text: the configuration with every default spelt out, and marked as such, for model_dir/config.gin.
    hyperparameters: what was bound, by name: see `hyperparameters`.
    """

    text: str
    hyperparameters: dict[str, Value]


def record(model_dir: str, resuming: bool, allow_change: bool = False) -> Record:
    """What is running, once everything that the configuration configures has been made.

    Args:
      model_dir: the run directory.
      resuming: whether it holds a run that is to go on. Then what would change the result must be as it was.
      allow_change: print what differs instead.

    Raises:
      InputError: a binding was used by nothing, or the run to go on with is another experiment.
    """
    used = check_used()
    if resuming:
        _check_same_experiment(model_dir, used, allow_change)
    chosen = _chosen()
    mark = lambda match: match[0] if match[1] in chosen else match[0] + _DEFAULT
    text = _BINDING.sub(mark, re.sub("={80,}", "=" * 78, used))
    return Record(text + _for_other_modes(used), hyperparameters(used))


def _for_other_modes(used: str) -> str:
    """What is bound for modes besides `train`, with the imports that it needs, so that config.gin alone serves them."""
    imports = set(_IMPORT.findall(gin.config_str())) - set(_IMPORT.findall(used))
    bindings = [f"{name} = {value}" for name, value in of_other_modes().items() if name not in _bindings(used)]
    lines = ["", "# For other modes:", "# " + "=" * 78, *sorted(imports), *bindings, ""]
    return "\n".join(lines) if bindings else ""


def hyperparameters(used: str) -> dict[str, Value]:
    """What files and --gin_param bind of a configuration in use, without the run's pace and paths.

    Macros are replaced by their values. In TensorBoard's table there is room for the first 14 letters of a value, so
    that `experiment.train.rule = @jacobian_coupling.jare()` is `rule`: "jare (jacobian_coupling)". Numbers, strings,
    True and False are such; all else is as the configuration writes it.
    """
    names = (_chosen() & _bindings(used).keys()) - _FREE_ON_RESUME
    values = resolved(gin.config_str(_ONE_LINE))
    return {name.removeprefix("experiment.train."): _value(values[name]) for name in sorted(names & values.keys())}


def _value(text: str) -> Value:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _REFERENCE.sub(r"\2 (\1)", text)
    return value if isinstance(value, bool | int | float | str) else text


def _chosen() -> set[str]:
    """What is bound, but for the defaults that a run's config.gin spells out."""
    now = _bindings(gin.config_str(_ONE_LINE))
    return {name for name, value in now.items() if _marked_defaults.get(name) != value}


def _marked(gin_files: Sequence[str]) -> dict[str, str]:
    """The bindings that files mark as defaults."""
    texts = [tf.io.gfile.GFile(file).read() for file in gin_files if tf.io.gfile.exists(file)]
    lines = [line for text in texts for line in text.splitlines() if line.endswith(_DEFAULT)]
    return _bindings("\n".join(lines))


def differences(model_dir: str, used: str, bound_too: Set[str] = frozenset()) -> dict[str, str]:
    """By binding, how `used` differs from the run in model_dir, if it holds one.

    A default that one side does not know came or went with a version of the code: what only `used` has counts where it
    is in `bound_too`.
    """
    path = f"{model_dir}/config.gin"
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path) as file:
        before, now = resolved(file.read()), resolved(used)
    return {
        name: f"{name} was {before.get(name, 'absent')}, is {now[name]}"
        for name in sorted((before.keys() | bound_too) & now.keys())
        if before.get(name) != now[name]
    }


def resolved(text: str) -> dict[str, str]:
    """The values that the text of a config.gin binds, by parameter, with macros replaced by theirs."""
    bindings = _bindings(text)
    return {
        name: _MACRO.sub(lambda match: bindings.get(match[1], match[0]), value)
        for name, value in bindings.items()
        if "." in name
    }


def _check_same_experiment(model_dir: str, used: str, allow_change: bool) -> None:
    changes = differences(model_dir, used, bound_too=bound())
    changes = [line for name, line in changes.items() if name not in _FREE_ON_RESUME]
    if changes and allow_change:
        print(f"{model_dir} goes on as another experiment: {'; '.join(changes)}", flush=True)
    elif changes:
        more = f" and {len(changes) - 3} more differences" if len(changes) > 3 else ""
        raise InputError(
            f"{model_dir} holds another experiment: {'; '.join(changes[:3])}{more}; name another --model_dir, or go "
            "on all the same with --allow_config_change"
        )


def of_other_modes() -> dict[str, str]:
    """The bindings that modes besides `train` use: their own, and those of what they name."""
    everything = _bindings(gin.config_str(_ONE_LINE))
    found, names = {}, [name for name in everything if name.startswith(_OTHER_MODES)]
    while names:
        name = names.pop()
        if name in everything and name not in found:
            found[name] = everything[name]
            makers = {maker for scope, maker in _MAKE.findall(found[name])}
            makers |= {scope + maker for scope, maker in _MAKE.findall(found[name])}
            names += [other for other in everything if other.rpartition(".")[0] in makers]
            names += _MACRO.findall(found[name])
    return dict(sorted(found.items()))


def check_same_data() -> None:
    """Raises InputError where scores would compare with other images than those that the experiment trains on."""
    bindings = _bindings(gin.config_str(_ONE_LINE))
    trained = bindings.get("experiment.train.dataset", "").removesuffix("()")
    scored = bindings.get("image_scores.ImageScores.data", trained)
    if trained not in re.findall(r"'train': (@[\w./]+)", scored) and trained != scored:
        raise InputError(
            f"the run trains on {trained}() and would be scored on {scored}: bind image_scores.ImageScores.data = "
            f"{{'train': {trained}}}"
        )


def _bindings(text: str) -> dict[str, str]:
    """The bindings of a configuration whose bindings have a line each."""
    return dict(_BINDING.findall(text))


def _imports(bindings: Sequence[str]) -> list[str]:
    """The import statements that let `bindings` name modules of this package, and keras."""
    named = set(re.findall(r"(\w+)\.", " ".join(bindings)))
    ours = [f"from {_MODULES[leaf]} import {leaf}" for leaf in sorted(named & _MODULES.keys())]
    return ["from __gin__ import dynamic_registration", *ours, *(["import keras"] if "keras" in named else [])]


def _in_one_line(error: Exception) -> str:
    line = " ".join(line.strip() for line in str(error).splitlines())
    if not isinstance(error, SyntaxError):
        return line
    # At the end of a text gin's tokenizer has no line left to show, and that is where a --gin_param ends.
    return f"{line}: {(error.text or '').strip() or 'at the end of the last line or --gin_param'}"
