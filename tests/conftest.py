import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pytest

import jare_tf

PRESETS = {
    "sim_gd": lambda gamma: jare_tf.sim_gd(),
    "jare": lambda gamma: jare_tf.jare(gamma=gamma),
    "con_opt": lambda gamma: jare_tf.con_opt(gamma=gamma),
    "generator_only": lambda gamma: jare_tf.generator_only(gamma=gamma),
    "discriminator_only": lambda gamma: jare_tf.discriminator_only(gamma=gamma),
    "smoothing": lambda gamma: jare_tf.smoothing(gamma=gamma),
}


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def float64():
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(params=PRESETS)
def preset(request):
    """(name, function from γ to the rule) of every preset."""
    return request.param, PRESETS[request.param]


def flat(tensors) -> np.ndarray:
    """Tensors as one float64 vector."""
    return np.concatenate([np.reshape(np.asarray(tensor, np.float64), -1) for tensor in tensors])


def store_images(directory, images: np.ndarray) -> str:
    """Writes images [n, height, width, channels] as a TFDS data set; its name."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name="pictures",
        features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=images.shape[1:])}),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices({"image": images})},
        config="small",
        version="1.0.0",
        data_dir=directory,
    )
    return "pictures/small"
