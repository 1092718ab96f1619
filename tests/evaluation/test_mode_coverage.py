import numpy as np
import pytest

from jare_tf.data.synthetic import ring
from jare_tf.evaluation.mode_coverage import mode_coverage, reverse_kl


def test_the_target_covers_itself():
    target = ring(radius=2.0, std=0.06)
    scores = mode_coverage(target.batch(0, 20_000, 0).numpy(), np.array(target.centres), target.std)
    assert scores["modes_covered"] == 8
    np.testing.assert_allclose(scores["high_quality_fraction"], 1 - np.exp(-4.5), atol=0.005)
    assert 0 < scores["reverse_kl"] < 0.001  # 7/(2n) on average


def test_dropped_modes():
    centres = np.array(ring(radius=2.0, std=0.06).centres)
    scores = mode_coverage(np.repeat(centres[:5], 10, axis=0), centres, 0.06)
    even = pytest.approx(np.log(8 / 5))
    assert scores == {"modes_covered": 5.0, "high_quality_fraction": 1.0, "reverse_kl": even}


def test_reverse_kl():
    """By hand: shares 3/4 and 1/4 of four modes are ¾ log 3 + ¼ log 1; nothing is as bad as a single mode."""
    np.testing.assert_allclose(reverse_kl(np.array([6, 0, 2, 0])), 0.75 * np.log(3))
    assert reverse_kl(np.full(8, 5)) == 0
    np.testing.assert_allclose(reverse_kl(np.array([0, 7, 0])), np.log(3))
    np.testing.assert_allclose(reverse_kl(np.zeros(3, int)), np.log(3))


def test_strays_cover_nothing():
    """800 samples of 8 modes: the fair share is 100, and 10 cover a mode where 9 do not."""
    centres = np.array(ring(radius=2.0, std=0.06).centres)
    samples = np.repeat(centres, [781, 10, 9, 0, 0, 0, 0, 0], axis=0)
    assert mode_coverage(samples, centres, 0.06)["modes_covered"] == 2


def test_samples_between_modes_cover_nothing():
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    scores = mode_coverage(np.array([[0.5, 0.0], [0.0, 0.31], [0.29, 0.0]]), centres, 0.1)
    assert scores == {"modes_covered": 1.0, "high_quality_fraction": 1 / 3, "reverse_kl": pytest.approx(np.log(2))}
