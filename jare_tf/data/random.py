"""Random streams that depend on nothing but (seed, stream, counter), so that a resumed run draws what it would have drawn."""

import tensorflow as tf

REAL, MODE, LATENT, PICTURE = range(4)
_STREAMS = 256
ALGORITHM = "philox"  # named, because the default differs from device to device


def key(seed, stream: int, counter) -> tf.Tensor:
    """The key of one draw for `tf.random.stateless_*`: an int64 tensor of shape [2].

    Args:
      seed: the run's seed, an integer or an integer tensor.
      stream: one of REAL, MODE, LATENT, PICTURE; draws of different streams are independent.
      counter: which draw of that stream, an integer or an integer tensor.
    """
    return tf.stack([tf.cast(seed, tf.int64) * _STREAMS + stream, tf.cast(counter, tf.int64)])
