"""The precision that networks are built with."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Networks built inside compute in float64, as the theory wants them; before and after it is as it was."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # set_floatx leaves a policy that Keras has made already
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
