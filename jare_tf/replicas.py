"""What a replica of a step knows of the others: means over all of them, and its own part of a batch.

Under `tf.distribute` a step runs once on every device, each copy (a replica) on its part of the global batch. Where
there is one replica nothing here does anything.
"""

from typing import Any

import numpy as np
import tensorflow as tf


def count() -> int:
    """How many replicas run this step; 1 outside of a replica."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context is not None else 1


def mean(values: Any) -> Any:
    """The mean over replicas of a nest of floating-point tensors; integers, which replicas count alike, stay.

    It may be differentiated: of a function that each replica evaluates on its own part, `mean` of the gradients is the
    gradient of the mean, also where the function itself contains means.
    """
    leaves = tf.nest.flatten(values)
    averaged = [leaf for leaf in leaves if leaf.dtype.is_floating]
    if count() == 1 or not averaged:
        return values
    reduced = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, averaged))
    return tf.nest.pack_sequence_as(values, [next(reduced) if leaf.dtype.is_floating else leaf for leaf in leaves])


def own_part(batch: tf.Tensor) -> tf.Tensor:
    """The calling replica's part of a global batch."""
    if count() == 1:
        return batch
    if batch.shape[0] is None:  # as in `fit`, which cuts batches into runs too
        run = tf.shape(batch)[0] // count()
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return batch[run * index : run * (index + 1)]
    return part(batch, tf.distribute.get_replica_context().replica_id_in_sync_group, count())


def part(batch, index, parts: int):
    """Part `index` of `parts` equal ones of a batch: so much of its first half, and so much of its second.

    So the first halves of all parts are the first half of the batch, which is what `debiased` tells apart; a batch that
    2 · parts does not divide is cut into `parts` runs.
    """
    size = batch.shape[0]
    halves = _halves(size, parts)
    cut = tf.reshape(batch, [halves, parts, size // (halves * parts), *batch.shape[1:]])
    return tf.reshape(cut[:, index], [size // parts, *batch.shape[1:]])


def rows(batch_size: int, first: int, count: int, parts: int) -> np.ndarray:
    """The rows of a global batch that are in its `count` parts from part `first` on, in the order that `part` wants."""
    return np.arange(batch_size).reshape(_halves(batch_size, parts), parts, -1)[:, first : first + count].reshape(-1)


def _halves(size: int, parts: int) -> int:
    """Into how many runs a batch is cut before each of them is shared out: 2 where that divides evenly, else 1."""
    return 2 if size % (2 * parts) == 0 else 1
