"""TF-GAN's scores against closed forms and independent computations in float64."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import sqrtm
from scipy.ndimage import gaussian_filter

import jare_tf
from jare_tf.evaluation import tfgan_backend


def with_moments(mean, covariance, count, seed):
    """Samples whose mean and unbiased covariance are these exactly."""
    samples = np.random.default_rng(seed).normal(size=(count, len(mean)))
    samples -= samples.mean(axis=0)
    whitened = samples @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def covariance(dimension, seed):
    root = np.random.default_rng(seed).normal(size=(dimension, dimension))
    return root @ root.T / dimension


def test_frechet_distance_of_gaussians():
    """Different numbers of samples: with the divisor n it would be 2 per cent off."""
    dimension = 12
    means = np.random.default_rng(0).normal(size=(2, dimension))
    covariances = covariance(dimension, 1), covariance(dimension, 2)
    samples = [with_moments(means[i], covariances[i], (40, 60)[i], seed=i) for i in range(2)]
    cross = 2 * np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances)) - cross
    np.testing.assert_allclose(tfgan_backend.frechet_distance(*samples), expected, rtol=1e-9)
    assert tfgan_backend.frechet_distance(samples[0], samples[0]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("count", [300, 40])
def test_frechet_distance_by_eigenvalues(count):
    """Of features in float32, also of fewer than there are dimensions."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(64, 64))
    real = rng.normal(size=(count, 64)).astype(np.float32)
    made = (rng.normal(size=(count, 64)) @ mixing / 8 + 0.3).astype(np.float32)
    first, second = (np.cov(part.astype(np.float64).T) for part in (real, made))
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    moved = real.mean(axis=0, dtype=np.float64) - made.mean(axis=0, dtype=np.float64)
    expected = np.sum(moved**2) + np.trace(first + second) - 2 * cross
    np.testing.assert_allclose(tfgan_backend.frechet_distance(real, made), expected, rtol=1e-6)


def test_inception_score():
    assert tfgan_backend.inception_score(np.zeros((20, 7), np.float32)) == pytest.approx(1, abs=1e-9)
    certain = 100 * np.eye(7, dtype=np.float32)[np.arange(70) % 7]
    assert tfgan_backend.inception_score(certain) == pytest.approx(7, rel=1e-6)
    logits = np.random.default_rng(0).normal(size=(50, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.exp(np.mean(np.sum(shares * np.log(shares / shares.mean(axis=0)), axis=1)))
    np.testing.assert_allclose(tfgan_backend.inception_score(logits), expected, rtol=1e-9)


def unbiased(real, made):
    """The kernel distance of one block, term by term."""
    kernel = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    among = lambda x: (kernel(x, x).sum() - np.trace(kernel(x, x))) / (len(x) * (len(x) - 1))
    return among(real) + among(made) - 2 * kernel(real, made).mean()


def test_kernel_distance_of_one_block():
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(50, 6)), rng.normal(0.3, 1.2, size=(40, 6))
    np.testing.assert_allclose(tfgan_backend.kernel_distance(real, made), unbiased(real, made), rtol=1e-9)


def test_kernel_distance_of_blocks():
    """1500 and 1026 samples are two blocks: the halves of each."""
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(1500, 3)), rng.normal(0.2, 1.0, size=(1026, 3))
    expected = np.mean([unbiased(real[:750], made[:513]), unbiased(real[750:], made[513:])])
    np.testing.assert_allclose(tfgan_backend.kernel_distance(real, made), expected, rtol=1e-9)
    assert abs(expected / unbiased(real, made) - 1) > 1e-6  # which says that there are blocks


def test_kernel_distance_of_too_few():
    with pytest.raises(jare_tf.InputError, match="of 3 and 2000 samples needs 4 of each"):
        tfgan_backend.kernel_distance(np.zeros((3, 2)), np.zeros((2000, 2)))


def smooth(count, side, channels, seed):
    """Images with structure at every scale, as photographs have it."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side, channels))
    layers = sum(scale * gaussian_filter(noise, (0, scale, scale, 0)) for scale in (0.5, 1, 2, 4))
    return np.clip(128 + 40 * layers, 0, 255).astype(np.uint8)


def test_sliced_wasserstein():
    """The further from the images, the larger; of the same images, what their patches have among themselves."""
    images = smooth(200, 32, 3, seed=0)
    noise = np.random.default_rng(1).integers(0, 256, images.shape).astype(np.uint8)
    blurred = gaussian_filter(images, (0, 0.6, 0.6, 0))
    others = {"same": images, "equal": smooth(200, 32, 3, seed=2), "blurred": blurred, "noise": noise}
    distances = {name: tfgan_backend.sliced_wasserstein(images, made) for name, made in others.items()}
    for among, same in distances["same"].values():
        assert 0.5 < same / among < 2
    noise, blurred, equal = (distances[name][32][1] for name in ("noise", "blurred", "equal"))
    assert noise > 1.3 * blurred
    assert blurred > 1.4 * equal
    assert 0.5 < equal / distances["same"][32][0] < 2


def test_sliced_wasserstein_leaves_the_generators_as_they_were():
    images = smooth(8, 16, 3, seed=0)
    drawn = []
    for between in (lambda: None, lambda: tfgan_backend.sliced_wasserstein(images, images)):
        np.random.seed(3)
        tf.random.set_seed(3)
        before = tf.random.normal([2]).numpy()
        between()
        drawn.append([*before, *tf.random.normal([3]).numpy(), *np.random.normal(size=3)])
    np.testing.assert_array_equal(*drawn)
    first = tfgan_backend.sliced_wasserstein(images, images)
    np.random.normal(size=3)
    assert tfgan_backend.sliced_wasserstein(images, images) == first


@pytest.mark.parametrize(
    ("side", "levels"), [(8, [8]), (28, [28]), (32, [32, 16]), (48, [48, 24]), (90, [90, 45]), (128, [128, 64, 32, 16])]
)
def test_levels_of_sliced_wasserstein(side, levels):
    """Gray images with black borders, patches of which have no direction of their own."""
    images = np.zeros((4, side, side, 1), np.uint8)
    images[:, side // 2] = 255
    distances = tfgan_backend.sliced_wasserstein(images, images)
    assert list(distances) == levels
    assert np.isfinite(list(distances.values())).all()


def test_images_without_sliced_wasserstein():
    for shape in ((4, 6, 6, 3), (4, 16, 20, 3), (4, 16, 16, 2)):
        with pytest.raises(jare_tf.InputError, match="equally many square images of 1 or 3 channels and 7 pixels or"):
            tfgan_backend.sliced_wasserstein(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_no_empty_package_stays_behind():
    tfgan_backend.inception_score(np.zeros((2, 2)))
    assert {"tensorflow_gan", "tensorflow_gan.python"}.isdisjoint(sys.modules)
