"""Annotations say what a setting may be; the library and the program refuse the same."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import keras
import numpy as np
import pytest

import jare_tf
from jare_tf import data, evaluation, experiment, losses, networks, report, rules
from jare_tf.settings import BelowOne, Count, NonNegative, NotMade, Positive, Size, allows, annotations, check, checked
from jare_tf.training import optimizers

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("hint", "allowed", "refused"),
    [
        (bool, [True, False], [1, 0, "no", None, np.float32(1)]),
        (int, [1, -1, np.int64(3)], [10**400, True, 1.0, "1", None]),
        (float, [1, 1.5, np.float32(2)], [True, NAN, INF, -INF, "1", None, 1j, 10**400, [1.0]]),
        (str, ["", "a"], [b"a", None, 1]),
        (Count, [1, 2**31 - 1], [0, -1, 2**31, 1.5, True]),
        (Size, [1, 4096], [0, 4097]),
        (Positive, [1e-40, 3], [0, -1e-40, INF, 1e-320, 1e39]),
        (NonNegative | None, [0, 0.5, None], [-1e-9, NAN, "none"]),
        (BelowOne, [0, 0.999], [1, -0.1, 1 - 1e-12]),
        (Literal["a", "b"], ["a"], ["A", 0, None]),
        (bool | Literal["auto"], [True, "auto"], [1, 1.0, "always"]),
        (Literal[1, 3], [1, 3], [True, 1.0, 2]),
        (Sequence[float], [[1, 2.0], (), np.zeros(3)], ["12", 5, [None], {1.0: 2}, [[1.0]]]),
        (tuple[float, float], [(0, 1), [0, 1]], [(0,), (0, 1, 2), "ab", 1.0]),
        (tuple[tuple[int, ...], ...], [((1, 2), (3,)), ()], [(1, 2), ((1.5,),)]),
        (Mapping[str, int | Sequence[str]], [{}, {"a": 1, "b": ["c"]}], [{1: 1}, {"a": None}, [("a", 1)]]),
        (Callable[[], keras.Model], [lambda: None, dict, keras.Sequential], [None, 5, keras.Sequential()]),
        (Callable[..., jare_tf.Players], [jare_tf.Minimax(), lambda real, fake: None], [jare_tf.Minimax, "minimax"]),
        (jare_tf.Rule, [jare_tf.jare(gamma=1.0)], [jare_tf.jare, jare_tf.clipped, None, "jare"]),
        (experiment.Experiment.__annotations__["picture"], [report.ImageGrid()], [report.ImageGrid, None, 5]),
    ],
)
def test_what_an_annotation_allows(hint, allowed, refused):
    assert [value for value in allowed if not allows(hint, value)] == []
    assert [value for value in refused if allows(hint, value)] == []
    assert allows(hint, NotMade())
    for value in refused:
        with pytest.raises(jare_tf.InputError, match="^it must be .+, ") as error:
            check("it", hint, value)
        assert "\n" not in str(error.value)
        assert "0x" not in str(error.value)


def test_a_function_a_class_and_what_derives_from_it():
    @checked
    def area(width: Positive, *, height: Positive = 1.0, unit=None, **rest: int):
        return width * height

    assert area(2, height=3, unit=object(), more="text") == 6
    with pytest.raises(jare_tf.InputError, match="^test_settings.area: height must be a finite number, above 0"):
        area(1, height=0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'width'"):
        area()
    assert str(inspect.signature(area)).startswith("(width:")

    with pytest.raises(jare_tf.InputError, match="^R2: weight must be"):
        losses.R2(weight=-1)
    assert losses.R2() == losses.R2(weight=10.0)


def test_words_instead_of_an_annotation():
    with pytest.raises(jare_tf.InputError, match="^it must be a loss such as .*, with parentheses, not"):
        check("it", Annotated[Callable[..., jare_tf.Players], "a loss such as Minimax()"], jare_tf.Minimax)


def configurables():
    """Everything public that a configuration may bind arguments of."""
    for namespace in (rules, losses, data, evaluation, report, experiment, networks):
        for name in namespace.__all__:
            value = getattr(namespace, name)
            inside = vars(value).values() if inspect.ismodule(value) else [value]
            for one in inside:
                own = getattr(one, "__module__", "") == getattr(
                    value, "__name__" if inspect.ismodule(value) else "__module__"
                )
                abstract = inspect.isabstract(one) or getattr(one, "_is_protocol", False)
                if callable(one) and own and not abstract and not one.__name__.startswith("_"):
                    yield pytest.param(one, id=f"{namespace.__name__.rpartition('.')[2]}.{name}.{one.__name__}")


@pytest.mark.parametrize("made", configurables())
def test_every_argument_is_annotated(made):
    """What `check` knows nothing of it lets pass, whoever gives it."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if isinstance(made, type) and "__init__" not in vars(made) and issubclass(made, keras.layers.Layer | tuple):
        return
    parameters = inspect.signature(made).parameters.values()
    names = {one.name for one in parameters if one.kind not in variable and one.default is not one.empty}
    assert names <= annotations(made).keys()


def test_optimizers_of_keras():
    for setting in ("learning_rate", "clipnorm", "weight_decay"):
        with pytest.raises(jare_tf.InputError, match=f"SGD.{setting} must be a finite number"):
            optimizers.check_optimizer("D", keras.optimizers.SGD(**{"learning_rate": 0.1, setting: -0.5}))
    decaying = keras.optimizers.schedules.ExponentialDecay(-1.0, 10, 0.5)
    with pytest.raises(jare_tf.InputError, match="SGD.learning_rate.initial_learning_rate must be"):
        optimizers.check_optimizer("D", keras.optimizers.SGD(decaying))
    with pytest.raises(jare_tf.InputError, match="use_ema has no effect here"):
        optimizers.check_optimizer("D", keras.optimizers.Adam(use_ema=True))
    with pytest.raises(jare_tf.InputError, match="D: learning_rate must be a finite number, at least 0, not -1.0"):
        optimizers.check_optimizer("D", keras.optimizers.SGD(lambda: -1.0))
    with pytest.raises(jare_tf.InputError, match="D: learning_rate gives no number .TypeError"):
        optimizers.check_optimizer("D", keras.optimizers.SGD(rules.jare))
    with pytest.raises(jare_tf.InputError, match="D: learning_rate gives no number"):
        optimizers.check_optimizer("D", keras.optimizers.SGD(losses.Minimax))
    optimizers.check_optimizer("D", keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-3, 100)))
