import numpy as np
import pytest

import jare_tf
from jare_tf.evaluation import tfgan_backend
from jare_tf.evaluation.metric import Samples, random_rows
from jare_tf.evaluation.scores import FrechetDistance, InceptionScore, KernelDistance, SlicedWasserstein


def samples(count, shift=0.0, seed=0, side=16):
    rng = np.random.default_rng(seed)
    return Samples(
        images=rng.integers(0, 256, (count, side, side, 1)).astype(np.uint8),
        features=rng.normal(shift, 1.0, (count, 5)).astype(np.float32),
        logits=rng.normal(0.0, 3.0, (count, 4)).astype(np.float32),
    )


def test_inception_score_of_splits():
    """Mean and standard deviation of the scores of consecutive parts."""
    made = samples(90)
    parts = [tfgan_backend.inception_score(made.logits[first : first + 30]) for first in (0, 30, 60)]
    scores = InceptionScore(splits=3)(None, made)
    assert scores == {
        "inception_score": pytest.approx(np.mean(parts)),
        "inception_score_std": pytest.approx(np.std(parts)),
    }
    assert scores["inception_score_std"] > 0
    assert InceptionScore()(None, made) == {"inception_score": tfgan_backend.inception_score(made.logits)}
    with pytest.raises(jare_tf.InputError, match="2 samples make no 3 splits"):
        InceptionScore(splits=3)(None, samples(2))
    with pytest.raises(jare_tf.InputError, match="splits must be an integer of at least 1 and below"):
        InceptionScore(splits=0)


def test_frechet_distance_says_once_that_samples_are_too_few(capsys):
    real, made = samples(5, seed=1), samples(6, 1.0)
    for _ in range(2):
        assert FrechetDistance()(real, made) == {"fid": tfgan_backend.frechet_distance(real.features, made.features)}
    line = "fid: the covariance of 5 samples of 5 features is rank-deficient: use more than 5 samples\n"
    assert capsys.readouterr().out == line
    FrechetDistance()(samples(6), made)
    assert capsys.readouterr().out == ""


def test_kernel_distance_does_not_depend_on_the_order():
    """Sorted samples of two blocks, whose consecutive parts are of other distributions."""
    real, made = samples(1500, seed=1), samples(1500, seed=2)
    ordered = lambda part: part._replace(features=part.features[np.argsort(part.features[:, 0])])
    reversed_ = lambda part: part._replace(features=ordered(part).features[::-1])
    distance = KernelDistance()(ordered(real), reversed_(made))["kid"]
    assert tfgan_backend.kernel_distance(ordered(real).features, reversed_(made).features) > 0.5
    assert abs(distance) < 0.05
    assert KernelDistance()(ordered(real), reversed_(samples(1500, 0.5)))["kid"] > 0.3


def test_sliced_wasserstein():
    real, made = samples(6, seed=1, side=32), samples(4, side=32)
    levels = tfgan_backend.sliced_wasserstein(random_rows(real.images, 3), random_rows(made.images, 3))
    assert SlicedWasserstein(samples=3)(real, made) == {
        "sliced_wasserstein": pytest.approx((levels[32][1] + levels[16][1]) / 2),
        "sliced_wasserstein_real": pytest.approx((levels[32][0] + levels[16][0]) / 2),
        "sliced_wasserstein_32": levels[32][1],
        "sliced_wasserstein_16": levels[16][1],
    }
    assert "sliced_wasserstein_32" in SlicedWasserstein()(real, made)  # of as many as both have


def test_random_rows():
    rows = random_rows(np.arange(100), 10)
    assert len(set(rows)) == 10
    assert not np.array_equal(rows, np.sort(rows))
    np.testing.assert_array_equal(rows, random_rows(np.arange(100))[:10])
