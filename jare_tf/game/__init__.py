"""The game of two networks."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"jare_tf needs Keras on TensorFlow, not on {keras.backend.backend()}: set KERAS_BACKEND=tensorflow"
    )
