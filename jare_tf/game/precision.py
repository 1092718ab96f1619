"""The precision that networks are built with."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import keras

Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]  # to train in


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Networks built inside compute in float64, as the theory wants them; before and after it is as it was."""
    with policy("float64"):  # set_floatx leaves a policy that Keras has made already
        before = keras.config.floatx()
        keras.config.set_floatx("float64")
        try:
            yield
        finally:
            keras.config.set_floatx(before)


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Networks built inside compute by this Keras policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
