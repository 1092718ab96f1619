import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import jare_tf
from jare_tf.data import draws, latent, synthetic


def test_gaussian_moments():
    samples = synthetic.gaussian(mean=[0.0, 4.0], std=0.2).batch(0, 200_000, 0).numpy()
    np.testing.assert_allclose(samples.mean(axis=0), [0.0, 4.0], atol=3 * 0.2 / np.sqrt(200_000) + 1e-4)
    np.testing.assert_allclose(np.cov(samples.T), 0.04 * np.eye(2), atol=5e-4)


def test_ring():
    ring = synthetic.ring(modes=8, radius=2.0, std=0.01)
    np.testing.assert_allclose(np.linalg.norm(ring.centres, axis=1), 2.0)
    np.testing.assert_allclose(ring.centres[2], [0.0, 2.0], atol=1e-12)
    samples = ring.batch(0, 80_000, 0).numpy()
    nearest = np.linalg.norm(samples[:, None] - np.array(ring.centres)[None], axis=-1)
    counts = np.bincount(nearest.argmin(axis=1), minlength=8)
    np.testing.assert_allclose(counts, 10_000, atol=5 * np.sqrt(80_000 * 7 / 64))
    np.testing.assert_allclose(np.sqrt((nearest.min(axis=1) ** 2).mean() / 2), 0.01, rtol=0.02)


@pytest.mark.parametrize(("batch_size", "counts"), [(24, [3] * 8), (20, [3] * 4 + [2] * 4)])
def test_stratified_batch_has_as_many_of_every_mode(batch_size, counts):
    ring = synthetic.ring(radius=1.0, std=0.01, stratified=True)
    for counter in range(3):
        samples = ring.batch(counter, batch_size, 0).numpy()
        distances = np.linalg.norm(samples[:, None] - np.array(ring.centres), axis=-1)
        assert np.bincount(distances.argmin(axis=1), minlength=8).tolist() == counts
        assert distances.min(axis=1).max() < 0.06
    drawn = synthetic.ring(radius=1.0, std=0.01).batch(0, batch_size, 0)
    assert (
        np.bincount(np.linalg.norm(drawn[:, None] - np.array(ring.centres), axis=-1).argmin(axis=1)).tolist() != counts
    )


def test_batches_depend_on_seed_and_counter_only():
    ring = synthetic.ring(radius=1.0, std=0.1)
    first = ring.batch(3, 16, 0)
    np.testing.assert_array_equal(first, ring.batch(tf.constant(3, tf.int64), 16, tf.constant(0, tf.int64)))
    assert not np.array_equal(first, ring.batch(4, 16, 0))
    assert not np.array_equal(first, ring.batch(3, 16, 1))


def test_streams_are_independent():
    noise = [draws.normal([50_000], draws.key(0, stream, 7)) for stream in range(4)]
    np.testing.assert_allclose(np.corrcoef(noise), np.eye(4), atol=0.02)


def test_normal_distribution():
    values = draws.normal([1_000_000], draws.key(0, draws.LATENT, 0)).numpy().astype("float64")
    assert np.isfinite(values).all()
    assert scipy.stats.kstest(values, "norm").pvalue > 1e-3
    np.testing.assert_allclose([values.mean(), values.var(), (values**4).mean()], [0, 1, 3], atol=0.03)


def test_normal_is_finite_and_symmetric_at_its_ends(monkeypatch):
    monkeypatch.setattr(draws, "integers", lambda shape, key, maxval: tf.constant([0, maxval - 1, maxval // 2]))
    low, high, middle = draws.normal([3], None).numpy()
    assert low == -high
    assert 5.0 < high < 5.3
    assert 0 < middle < 1e-6


def test_xla_draws_the_same():
    ring = synthetic.ring(radius=1.0, std=0.1)
    graph, xla = (tf.function(lambda c: ring.batch(c, 64, 3), jit_compile=jit)(tf.constant(5)) for jit in (False, True))
    np.testing.assert_allclose(graph, xla, atol=1e-6)


def test_latent_variance():
    draw = latent.normal_of_variance(variance=2.0).draw((100_000, 2), draws.key(0, draws.LATENT, 0))
    np.testing.assert_allclose(np.var(draw), 2.0, rtol=0.02)


@pytest.mark.parametrize(
    "make",
    [
        lambda: synthetic.gaussian(mean=[0.0], std=0.0),
        lambda: synthetic.ring(radius=-1.0, std=0.1),
        lambda: synthetic.ring(modes=0, radius=1.0, std=0.1),
        lambda: latent.Normal(std=-1.0),
        lambda: latent.normal_of_variance(variance=0.0),
    ],
)
def test_bad_values(make):
    with pytest.raises(jare_tf.InputError, match="must be"):
        make()


def test_grid():
    grid = synthetic.grid(side=3, spacing=2.0, std=0.1)
    assert sorted(grid.centres) == [(x, y) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)]
    assert grid.element_shape == (2,)


def test_uniform():
    samples = synthetic.Uniform(dimension=2, limit=3.0).batch(0, 100_000, 0).numpy()
    assert scipy.stats.kstest(samples.ravel() / 6 + 0.5, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(samples.T)[0, 1]) < 0.02
    values = latent.Uniform(limit=3.0).draw((50_000, 2), draws.key(0, draws.LATENT, 0)).numpy()
    assert scipy.stats.kstest(values.ravel() / 6 + 0.5, "uniform").pvalue > 1e-3


def test_expectations_of_the_uniform_distribution():
    """E x² = 1/3 and E x⁴ = 1/5 on [−1, 1], in each half, up to a square of 1/count."""
    for samples in (
        synthetic.Uniform().expectation(1000, 0),
        latent.Uniform().expectation(1000, 1, 0),
    ):
        for half in (samples[:500, 0], samples[500:, 0]):
            moments = [(half**power).mean() for power in (1, 2, 3, 4)]
            np.testing.assert_allclose(moments, [0, 1 / 3, 0, 1 / 5], atol=4e-6)
    assert not np.array_equal(samples[:500], samples[500:])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: synthetic.grid(side=0), "grid: side must be an integer of at least 1 and below"),
        (lambda: synthetic.Uniform(limit=-1.0), "Uniform: limit must be a finite number, above 0, not -1.0"),
        (lambda: synthetic.Uniform(dimension=0), "Uniform: dimension must be an integer"),
        (lambda: latent.Uniform(limit=0), "Uniform: limit must be a finite number, above 0, not 0"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(jare_tf.InputError, match=message):
        make()
