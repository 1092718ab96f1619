"""The samples that `GAN.fit` and `GAN.evaluate` are given, looked at before a step is taken."""

import itertools
import types
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from jare_tf.data.dataset import check_images
from jare_tf.errors import InputError


def looked_at(data: Any, black: float | None) -> Any:
    """What Keras is to be given in place of `data`, whose first batch, or all of an array, is as `check_images` wants.

    Raises:
      InputError: its images are not; it has several parts.
    """
    if isinstance(data, list | tuple | dict):
        raise InputError(f"GAN: x must be one array, tensor or data set of real samples, not a {type(data).__name__}")
    if isinstance(data, types.GeneratorType):
        first = next(data, None)
        data = _again(first, data)
    elif isinstance(data, tf.data.Dataset):
        first = next(iter(data.take(1)), None) if _may_be_wrong(data.element_spec) else None
    elif isinstance(data, keras.utils.PyDataset):
        first = data[0]
    else:
        first = data
    samples = keras.utils.unpack_x_y_sample_weight(first)[0] if first is not None else None
    if getattr(samples, "ndim", None) == 4:
        check_images("GAN: x", keras.ops.convert_to_numpy(samples), black)
    return data


def _may_be_wrong(spec: Any) -> bool:
    """Whether to read a batch of a data set, which may take a while; what is no image or has bytes needs no look."""
    spec = keras.utils.unpack_x_y_sample_weight(spec)[0]
    return isinstance(spec, tf.TensorSpec) and spec.shape.rank == 4 and spec.dtype != tf.uint8


def _again(first: Any, others: Iterator) -> Iterator[tuple]:
    """All of a generator's batches, as tuples, which Keras wants of one."""
    for batch in itertools.chain([first] if first is not None else [], others):
        yield batch if isinstance(batch, tuple) else (batch,)
