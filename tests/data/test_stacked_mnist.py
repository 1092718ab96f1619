import numpy as np
import pytest

import jare_tf
from jare_tf.data import synthetic
from jare_tf.data.in_memory import InMemory
from jare_tf.data.stacked_mnist import StackedMnist

DIGITS = InMemory("digits", np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None, None], (10, 8, 8, 1)))


def test_three_independent_digits():
    """All 1000 modes, each as often as the others: χ² with 999 degrees of freedom."""
    images = StackedMnist(digits=DIGITS).batch(0, 50_000, 0).numpy()
    assert images.shape == (50_000, 8, 8, 3)
    assert images.dtype == np.uint8
    assert (images == images[:, :1, :1]).all()
    counts = np.bincount(images[:, 0, 0] @ [100, 10, 1], minlength=1000)
    assert ((counts - 50) ** 2 / 50).sum() < 999 + 5 * np.sqrt(2 * 999)


def test_batches_depend_on_seed_and_counter_only():
    stacked = StackedMnist(digits=DIGITS)
    np.testing.assert_array_equal(stacked.batch(3, 16, 0), stacked.batch(3, 16, 0))
    assert not np.array_equal(stacked.batch(3, 16, 0), stacked.batch(4, 16, 0))
    assert not np.array_equal(stacked.batch(3, 16, 0), stacked.batch(3, 16, 1))


def test_larger_images_have_the_digits_in_the_middle_of_black():
    small, large = (StackedMnist(digits=DIGITS, side=side).batch(0, 16, 0).numpy() for side in (None, 12))
    assert large.shape == (16, 12, 12, 3) and large.dtype == np.uint8
    np.testing.assert_array_equal(large, np.pad(small, [(0, 0), (2, 2), (2, 2), (0, 0)]))
    with pytest.raises(jare_tf.InputError, match="side must be at least that of the digits, not 7"):
        StackedMnist(digits=DIGITS, side=7)


def test_wrong_digits():
    with pytest.raises(jare_tf.InputError, match=r"gray images in memory, .* those of 'colour' have shape \(8, 8, 3\)"):
        StackedMnist(digits=InMemory("colour", np.zeros((2, 8, 8, 3), np.uint8)))
    with pytest.raises(jare_tf.InputError, match="gray images in memory"):
        StackedMnist(digits=synthetic.Uniform())
