"""The scores that TF-GAN computes, of NumPy arrays; nothing else imports it."""

import contextlib
import functools
import importlib.util
import sys
import types

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from jare_tf.errors import InputError

BLOCK = 1024  # TF-GAN's max_block_size of kernel_distance
PATCH, _COARSEST = 7, 16  # sides in pixels of a patch and of the coarsest level of sliced_wasserstein
_DITHER = 0.005


def inception_score(logits: np.ndarray) -> float:
    """exp E_x KL(p(y|x) ‖ p(y)) of the classes y that a classifier sees in samples x (Salimans et al. 2016, section 4).

    It lies between 1, where the classifier sees the same in all samples, and k, where it is certain of each and sees
    all classes equally often.

    Args:
      logits: [n, k].
    """
    return float(_tfgan().classifier_score_from_logits(_float64(logits)))


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """‖m₁ − m₂‖² + tr(C₁ + C₂ − 2 (C₁ C₂)^½) of features' means m and covariances C (Heusel et al. 2017, eq. 6).

    In float64, with the divisor n − 1. A few samples of one distribution are far apart: compare only distances between
    equal numbers of samples. Two singular value decompositions of [d, d] take most of the time.

    Args:
      real: [n, d].
      generated: [m, d].
    """
    return float(_tfgan().frechet_classifier_distance_from_activations(_float64(real), _float64(generated)))


def kernel_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """The squared maximum mean discrepancy of features, kernel (x·y/d + 1)³ (Bińkowski et al. 2018, section 4).

    The unbiased estimate, below 0 as often as above where both are of one distribution; the mean over consecutive
    blocks, as few as have at most 1024 samples of each.

    Args:
      real: [n, d], in random order.
      generated: [m, d], in random order.

    Raises:
      InputError: some block has a single sample.
    """
    fewer, more = sorted((len(real), len(generated)))
    blocks = -(-more // BLOCK)
    if fewer < 2 * blocks:
        raise InputError(f"the kernel distance of {len(real)} and {len(generated)} samples needs {2 * blocks} of each")
    with _quiet():
        return float(_tfgan().kernel_classifier_distance_from_activations(_float64(real), _float64(generated), BLOCK))


def sliced_wasserstein(real: np.ndarray, generated: np.ndarray) -> dict[int, tuple[float, float]]:
    """How far apart patches of images are at each level of their Laplacian pyramids (Karras et al. 2018, section 5).

    Of every image 64 patches of 7 × 7 pixels a level, each of them standardised by itself, on 147 random directions;
    always the same ones. Karras et al. standardise the channels of all patches alike, and print 1000 times as much. Two
    draws of patches of the same images are not at 0, and patches of other images of the data are further apart, the
    less so the more images there are. A patch of a single colour has no direction: noise of a hundredth of a gray level
    gives it a random one.

    Args:
      real: square images, uint8 [n, side, side, channels], of 1 or 3 channels.
      generated: as many.

    Returns:
      (distance between two draws of patches of the real images, distance between patches of real and of generated
      ones), by the side of the level in pixels: that of the images, and halves of it, while they are whole and at least
      16.

    Raises:
      InputError: the images are no such images.
    """
    side, channels = real.shape[1], real.shape[-1]
    if real.shape != generated.shape or real.shape[2] != side or side < PATCH or channels not in (1, 3):
        raise InputError(
            f"the sliced Wasserstein distance needs equally many square images of 1 or 3 channels and {PATCH} pixels "
            f"or more, not {real.shape} and {generated.shape}"
        )
    halvings = 0
    while side % 2 ** (halvings + 1) == 0 and side >> (halvings + 1) >= _COARSEST:
        halvings += 1
    coarsest = 2 ** (side.bit_length() - 1 - halvings)  # TF-GAN counts levels between powers of two
    with tf.device("CPU"), _seeded(), _quiet():
        images = [_dithered(real), _dithered(generated)]
        levels = _tfgan().sliced_wasserstein_distance(*images, resolution_min=coarsest, patch_size=PATCH)
    return {side >> level: (float(among), float(between)) for level, (among, between) in enumerate(levels)}


def _dithered(images: np.ndarray) -> tf.Tensor:
    """Images of 3 channels, with a little noise of NumPy's global generator."""
    noise = np.random.uniform(-_DITHER, _DITHER, images.shape).astype(np.float32)
    return tf.repeat(tf.constant(images + noise), 3 // images.shape[-1], axis=-1)


@contextlib.contextmanager
def _seeded():
    """TF-GAN draws from NumPy's and TensorFlow's global generators: they start from 0, and go on later as if unused."""
    numpy_state, tensorflow = np.random.get_state(), context.context()
    # TensorFlow sets its generator and cannot say what it is.
    tensorflow_state = {name: vars(tensorflow).get(name) for name in ("_seed", "_rng")}
    np.random.seed(0)
    tf.random.set_seed(0)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        vars(tensorflow).update(tensorflow_state)


@contextlib.contextmanager
def _quiet():
    """TF-GAN calls functions that TensorFlow warns of."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _float64(array: np.ndarray) -> tf.Tensor:
    return tf.constant(array, tf.float64)


@functools.cache
def _tfgan():
    """tensorflow_gan.python.eval.

    `import tensorflow_gan` fails, because TensorFlow has no estimators any more. Its two outer packages stand empty
    while the inner one is imported, and are taken away again: who imports it elsewhere gets its own message.
    """
    spec = importlib.util.find_spec("tensorflow_gan")
    if spec is None or spec.submodule_search_locations is None:
        raise InputError("TF-GAN, which computes this score, is missing: pip install tensorflow-gan")
    [root] = spec.submodule_search_locations
    packages = {"tensorflow_gan": root, "tensorflow_gan.python": f"{root}/python"}
    before = {name: sys.modules.get(name) for name in packages}
    for name, path in packages.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [path]
    try:
        from tensorflow_gan.python import eval as scores
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return scores
