import numpy as np
import pytest

import jare_tf
from jare_tf.data.dataset import Dataset, check


class Given(Dataset):
    """A user's data set that gives whatever it is given."""

    name, drawn_by_xla = "given", False

    def __init__(self, batch, element_shape):
        self._batch, self.element_shape = batch, element_shape

    def batch(self, counter, batch_size, seed):
        return self._batch


@pytest.mark.parametrize(
    ("batch", "shape", "message"),
    [
        (np.zeros((2, 3), np.float32), (4,), r"'given' has samples of shape \(4,\), the networks \(3,\): change"),
        (np.zeros((2, 4), np.float32), (3,), r"'given' gives batches of shape \(2, 4\), not \(2, 3\)"),
        (np.zeros((1, 3), np.float32), (3,), r"'given' gives batches of shape \(1, 3\), not \(2, 3\)"),
        (np.zeros((2, 3)), (3,), "'given' gives float64: neither uint8 pixels nor float32"),
        (np.full((2, 3), np.nan, np.float32), (3,), "'given' has numbers that are not finite"),
        (np.full((2, 4, 4, 1), 255, np.float32), (4, 4, 1), "'given' has images with values up to 255: give uint8"),
    ],
)
def test_what_a_data_set_feeds_is_checked(batch, shape, message):
    networks = batch.shape[1:] if "has samples" in message else shape
    with pytest.raises(jare_tf.InputError, match=message):
        check(Given(batch, shape), networks, 2, 0)


@pytest.mark.parametrize("batch", [np.full((2, 3), 9, np.float32), np.full((2, 4, 4, 1), 255, np.uint8)])
def test_good_batches(batch):
    check(Given(batch, batch.shape[1:]), batch.shape[1:], 2, 0)
