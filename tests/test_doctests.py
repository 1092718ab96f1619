"""Every rule, schedule, optimizer, loss, objective, penalty and network has an example that gives what it says."""

import doctest
import inspect
from types import ModuleType

import keras
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.theory import games


def public(module):
    """What a module's __all__ names by its name; of a namespace of networks, what makes networks and equilibria."""
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            own = inspect.getmembers(value, lambda one: inspect.isfunction(one) and one.__module__ == value.__name__)
            makers = {part: one for part, one in own if inspect.signature(one).return_annotation in MADE}
            yield from ((f"{name}.{part}", one) for part, one in makers.items())
        else:
            yield name, value


MADE = (keras.Model, jare_tf.Players)
EXAMPLES = {
    **{name: value for module in (jare_tf.rules, jare_tf.losses, jare_tf.networks) for name, value in public(module)},
    "FormulaGame": games.FormulaGame,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(eagerly, name):
    assumed = {"__name__": "__main__", "jare_tf": jare_tf, "keras": keras, "tf": tf}
    (found,) = doctest.DocTestFinder(recurse=False).find(EXAMPLES[name], name, module=False, globs=assumed)
    assert found.examples, f"{name} has no example"
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert not runner.run(found, out=report.append).failed, "".join(report)
