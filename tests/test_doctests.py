"""Every rule, schedule, optimizer, loss, objective, penalty and network has an example, and it gives what it says."""

import doctest
import inspect
from types import ModuleType

import keras
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.theory import games

MADE = (keras.Model, jare_tf.Players)


def public():
    """What rules, losses and networks name, of a module of networks what makes one or its equilibrium."""
    for namespace in (jare_tf.rules, jare_tf.losses, jare_tf.networks):
        for name in namespace.__all__:
            value = getattr(namespace, name)
            if isinstance(value, ModuleType):
                for part, own in vars(value).items():
                    if inspect.isfunction(own) and inspect.signature(own).return_annotation in MADE:
                        yield f"{name}.{part}", own
            else:
                yield name, value


EXAMPLES = {**dict(public()), "FormulaGame": games.FormulaGame}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(eagerly, name):
    assumed = {"__name__": "__main__", "jare_tf": jare_tf, "keras": keras, "tf": tf}
    finder = doctest.DocTestFinder(recurse=False, exclude_empty=False)
    (found,) = finder.find(EXAMPLES[name], name, module=False, globs=assumed)
    assert found.examples, f"{name} has no example"
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert not runner.run(found, out=report.append).failed, "".join(report)
