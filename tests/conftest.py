import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.data import synthetic
from jare_tf.game import precision

pytest_plugins = ["tests.slow"]
PRESETS = {
    "sim_gd": lambda gamma: jare_tf.sim_gd(),
    "jare": lambda gamma: jare_tf.jare(gamma=gamma),
    "con_opt": lambda gamma: jare_tf.con_opt(gamma=gamma),
    "generator_only": lambda gamma: jare_tf.generator_only(gamma=gamma),
    "discriminator_only": lambda gamma: jare_tf.discriminator_only(gamma=gamma),
    "smoothing": lambda gamma: jare_tf.smoothing(gamma=gamma),
}
RULES = {
    **PRESETS,
    "debiased": lambda gamma: jare_tf.debiased(jare_tf.con_opt(gamma=gamma)),
    "adversarial_extrapolation": lambda gamma: jare_tf.adversarial_extrapolation(gamma),
    "extragradient": lambda gamma: jare_tf.extragradient(gamma),
    "optimistic": lambda gamma: jare_tf.optimistic(),
    "symplectic_gradient_adjustment": lambda gamma: jare_tf.symplectic_gradient_adjustment(gamma),
    "unrolled": lambda gamma: jare_tf.unrolled(steps=2, step=gamma),
    "clipped": lambda gamma: jare_tf.clipped(jare_tf.jare(gamma=gamma), norm=1e6),
    "lazy": lambda gamma: jare_tf.lazy(jare_tf.jare(gamma=gamma), every=3),
    "extrapolation_from_the_past": lambda gamma: jare_tf.extrapolation_from_the_past(gamma),
    "heun": lambda gamma: jare_tf.heun(gamma),
    "runge_kutta4": lambda gamma: jare_tf.runge_kutta4(gamma),
    "momentum": lambda gamma: jare_tf.momentum(jare_tf.sim_gd(), -gamma),
    "lola": lambda gamma: jare_tf.lola(gamma),
    "stable_opponent_shaping": lambda gamma: jare_tf.stable_opponent_shaping(gamma),
    "competitive": lambda gamma: jare_tf.competitive(gamma, iterations=1),
    "adaptive_competitive": lambda gamma: jare_tf.adaptive_competitive(1e3 * gamma, 0.0, epsilon=1e3, iterations=1),
    "drift_cancellation": lambda gamma: jare_tf.drift_cancellation(gamma, gamma),
    "follow_the_ridge": lambda gamma: jare_tf.follow_the_ridge(gamma, damping=1.0, iterations=1),
    "local_symplectic_surgery": lambda gamma: jare_tf.local_symplectic_surgery(iterations=1),
    "hamiltonian": lambda gamma: jare_tf.hamiltonian(),
}


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def eagerly():
    """Nothing is traced: where a step is taken once or twice that is several times faster."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def float64():
    with precision.float64():
        yield


@pytest.fixture(params=PRESETS)
def preset(request):
    """(name, function from γ to the rule) of every preset."""
    return request.param, PRESETS[request.param]


@pytest.fixture(params=RULES)
def any_rule(request):
    """(name, function from γ, or from the step of a prediction, to the rule) of every rule."""
    return request.param, RULES[request.param]


@pytest.fixture
def nan_once(monkeypatch):
    """Real samples of batch 13 are NaN for the configured seed, and not for those that a rewind takes."""
    original = synthetic.GaussianMixture.batch

    def batch(self, counter, batch_size, seed):
        spoilt = (tf.cast(counter, tf.int64) == 13) & (int(seed) < 2**31)
        return tf.where(spoilt, np.nan, original(self, counter, batch_size, seed))

    monkeypatch.setattr(synthetic.GaussianMixture, "batch", batch)


def flat(tensors) -> np.ndarray:
    """Tensors as one float64 vector."""
    return np.concatenate([np.reshape(np.asarray(tensor, np.float64), -1) for tensor in tensors])


def store_images(directory, images: np.ndarray, labels: np.ndarray | None = None) -> str:
    """Writes images [n, height, width, channels] as a TFDS data set, with labels 0 ... 9 if given; its name."""
    import tensorflow_datasets as tfds

    name = "pictures" if labels is None else "digits"
    features, examples = {"image": tfds.features.Image(shape=images.shape[1:])}, {"image": images}
    if labels is not None:
        features["label"], examples["label"] = tfds.features.ClassLabel(num_classes=10), labels
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(examples)},
        config="small",
        version="1.0.0",
        data_dir=directory,
    )
    return f"{name}/small"
