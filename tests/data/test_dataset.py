import importlib
import inspect
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf import data
from jare_tf.data import image_folder, synthetic
from jare_tf.data.dataset import Dataset, check
from jare_tf.data.in_memory import InMemory
from jare_tf.data.stacked_mnist import StackedMnist
from jare_tf.report.pictures import png

DIGITS = InMemory("digits", np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8))
DATASETS = {
    "GaussianMixture": lambda folder: synthetic.ring(radius=1.0, std=0.1),
    "Uniform": lambda folder: synthetic.Uniform(dimension=3),
    "InMemory": lambda folder: DIGITS,
    "StackedMnist": lambda folder: StackedMnist(digits=DIGITS),
    "Streaming": lambda folder: image_folder.load(path=str(folder), image_size=8, in_memory_limit=0),
}


def test_every_data_set_is_tested():
    found = set()
    for path in pathlib.Path(data.__path__[0]).glob("*.py"):
        module = importlib.import_module(f"{data.__name__}.{path.stem}")
        found |= {kind for kind in vars(module).values() if Dataset in getattr(kind, "__mro__", ())}
    assert {kind.__name__ for kind in found if not inspect.isabstract(kind)} == set(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_contract(tmp_path, name):
    """What is fed is what is promised, and depends on the seed and the number of the batch alone, from any one on."""
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(png(np.full((9, 9, 3), 20 * number, np.uint8)))
    dataset = DATASETS[name](tmp_path)
    check(dataset, dataset.element_shape, 5, 0)
    whole, later, other = (tf.function(dataset.batches(first, 5, seed)) for first, seed in ((0, 3), (2, 3), (0, 4)))
    batches = [whole(tf.constant(counter)).numpy() for counter in range(5)]
    for counter in range(2, 5):
        np.testing.assert_array_equal(later(tf.constant(counter)), batches[counter])
    np.testing.assert_array_equal(dataset.batch(3, 5, 3), batches[3])
    for rows in (np.array([0, 3]), np.array([1, 2, 4])):  # two workers read all of every batch between them
        own = tf.function(dataset.batches(1, 5, 3, rows))
        for counter in range(1, 5):
            np.testing.assert_array_equal(own(tf.constant(counter)), batches[counter][rows])
    assert not np.array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], other(tf.constant(0)))
    assert dataset.expectation(100, 0).shape[1:] == dataset.element_shape


class Given(Dataset):
    """A user's data set that gives whatever it is given."""

    name, xla_compatible = "given", False

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
        (
            np.full((2, 4, 4, 1), 255, np.float32),
            (4, 4, 1),
            "'given' has images with values from 255 to 255: give uint8",
        ),
    ],
)
def test_what_a_data_set_feeds_is_checked(batch, shape, message):
    networks = batch.shape[1:] if "has samples" in message else shape
    with pytest.raises(jare_tf.InputError, match=message):
        check(Given(batch, shape), networks, 2, 0)


@pytest.mark.parametrize("batch", [np.full((2, 3), 9, np.float32), np.full((2, 4, 4, 1), 255, np.uint8)])
def test_good_batches(batch):
    check(Given(batch, batch.shape[1:]), batch.shape[1:], 2, 0)
