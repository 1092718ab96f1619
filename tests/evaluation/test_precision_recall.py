import numpy as np
import pytest
from scipy.spatial.distance import cdist

import jare_tf
from jare_tf.evaluation.metric import Samples
from jare_tf.evaluation.precision_recall import DensityCoverage, PrecisionRecall


def seen(features):
    return Samples(images=None, features=np.asarray(features, np.float32), logits=None)


def scores(real, made, neighbours, samples=10_000):
    pair = seen(real), seen(made)
    both = [metric(neighbours=neighbours, samples=samples) for metric in (PrecisionRecall, DensityCoverage)]
    return {tag: value for metric in both for tag, value in metric(*pair).items()}


def test_by_hand():
    """Balls of k = 1 around 0, 1, 3, 7 have the radii 1, 1, 2, 4; around 0.5, 2.5, 12, 13 they have 2, 2, 1, 1."""
    expected = {"precision": 0.5, "recall": 0.75, "density": (2 + 1) / 4, "coverage": 0.75}
    assert scores([[0], [1], [3], [7]], [[0.5], [2.5], [12], [13]], neighbours=1) == expected


def by_definition(real, made, neighbours):
    radii = lambda points: np.sort(cdist(points, points), axis=1)[:, neighbours]
    of_real, of_made = cdist(made, real) <= radii(real), cdist(real, made) <= radii(made)
    return {
        "precision": of_real.any(axis=1).mean(),
        "recall": of_made.any(axis=1).mean(),
        "density": of_real.sum() / neighbours / len(made),
        "coverage": of_real.any(axis=0).mean(),
    }


def test_by_definition_in_several_blocks():
    """Features far from the origin, where float32 would have no digits left for the distances."""
    rng = np.random.default_rng(0)
    real = 1000 + rng.normal(size=(1500, 8)).astype(np.float32)
    made = 1000.2 + 0.8 * rng.normal(size=(1500, 8)).astype(np.float32)
    expected = by_definition(real.astype(float), made.astype(float), 4)
    measured = scores(real, made, neighbours=4)
    assert measured == pytest.approx(expected, abs=1e-12)
    assert all(0.2 < value < 1.5 for value in measured.values())


def test_equal_sets():
    """Exactly 1, also of points that are there several times."""
    points = np.random.default_rng(0).normal(3.0, 1.0, size=(200, 64))
    for real in (points, np.repeat(points[:40], 5, axis=0)):
        measured = scores(real, real, neighbours=3)
        assert (measured["precision"], measured["recall"], measured["coverage"]) == (1, 1, 1)


def test_one_distribution():
    """Density is 1 on average, coverage 1 − 2⁻⁵."""
    rng = np.random.default_rng(0)
    measured = scores(*rng.normal(size=(2, 4000, 2)), neighbours=5)
    assert measured["density"] == pytest.approx(1, abs=0.03)
    assert measured["coverage"] == pytest.approx(1 - 2**-5, abs=0.01)


def test_far_apart():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 4))
    nothing = dict.fromkeys(("precision", "recall", "density", "coverage"), 0.0)
    assert scores(real, 100 + rng.normal(size=(300, 4)), neighbours=3) == nothing


def test_a_generator_of_a_part():
    """Precise, but most of the data are missing; a generator of more than the data is the other way round."""
    rng = np.random.default_rng(0)
    whole, part = rng.uniform(-1, 1, size=(1000, 2)), rng.uniform(-0.2, 0.2, size=(1000, 2))
    measured = scores(whole, part, neighbours=3)
    assert measured["precision"] > 0.9
    assert 0.02 < measured["recall"] < 0.08  # 0.04 of the area
    assert 0.02 < measured["coverage"] < 0.08
    inverse = scores(part, whole, neighbours=3)
    assert (inverse["precision"], inverse["recall"]) == (measured["recall"], measured["precision"])


def test_a_collapsed_generator():
    """One sample over and over: its balls are points, and the real samples are in none."""
    real = np.random.default_rng(0).normal(size=(100, 16))
    measured = scores(real, np.repeat(real[:1], 100, axis=0), neighbours=3)
    assert measured["precision"] == 1
    assert measured["recall"] == 0.01


def test_as_many_of_each():
    """Of 100 real samples and 50 generated ones, 20 of each, chosen at random."""
    real, made = np.arange(100.0)[:, None], np.arange(50.0)[:, None]
    recall = scores(real, made, neighbours=1, samples=20)["recall"]
    assert recall * 20 == pytest.approx(round(recall * 20))
    assert recall < 0.8


def test_bad_input():
    with pytest.raises(jare_tf.InputError, match="5 real and 3 generated samples are too few for 3 neighbours"):
        PrecisionRecall()(seen(np.zeros((5, 2))), seen(np.zeros((3, 2))))
    with pytest.raises(
        jare_tf.InputError,
        match="DensityCoverage: neighbours must be an integer of at least 1 and below",
    ):
        DensityCoverage(neighbours=0)
    with pytest.raises(jare_tf.InputError, match="PrecisionRecall: samples must be more than neighbours, not 3"):
        PrecisionRecall(samples=3)
