import os

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.data.tfds_images import TfdsImages
from tests.conftest import store_images


@pytest.fixture
def digits(tmp_path):
    """20 gray images whose pixels all hold the image's number."""
    images = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None], (20, 8, 8, 1))
    return TfdsImages(name=store_images(tmp_path, images), data_dir=str(tmp_path))


def numbers(dataset, counter, batch_size, seed=0):
    return dataset.batch(counter, batch_size, seed).numpy()[:, 0, 0, 0].tolist()


def test_reads_bytes(digits):
    assert digits.element_shape == (8, 8, 1)
    batch = digits.batch(0, 4, 0)
    assert batch.dtype == np.uint8
    assert batch.shape == (4, 8, 8, 1)


@pytest.mark.parametrize("batch_size", [5, 7])
def test_every_image_once_an_epoch(digits, batch_size):
    """Also where a batch straddles two epochs; and epochs differ in order."""
    drawn = sum((numbers(digits, counter, batch_size) for counter in range(20)), [])
    epochs = [drawn[start : start + 20] for start in range(0, len(drawn) - 19, 20)]
    assert len(epochs) >= 5
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert len({tuple(epoch) for epoch in epochs}) == len(epochs)


def test_batches_depend_on_seed_and_counter_only(digits):
    assert numbers(digits, 3, 8) == numbers(digits, 3, 8)
    assert numbers(digits, 3, 8) != numbers(digits, 3, 8, seed=1)


def test_orders_of_epochs_do_not_correlate(digits, monkeypatch):
    """Of n = 5,000 images, orders of consecutive epochs and of consecutive seeds correlate as chance has it (1/√n)."""
    monkeypatch.setattr(digits, "_images", tf.range(5000))
    orders = [digits.batch(epoch, 5000, seed).numpy() for seed in range(3) for epoch in range(6)]
    correlations = np.corrcoef(orders)[np.triu_indices(len(orders), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(5000)


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), "cifar10")),
    reason="no prepared CIFAR-10 in $TFDS_DATA_DIR",
)
def test_real_cifar10():
    images = TfdsImages(name="cifar10")
    assert len(images) == 50_000
    assert images.element_shape == (32, 32, 3)
    pixels = images.batch(0, 2000, 0).numpy() / 255
    np.testing.assert_allclose(pixels.mean(axis=(0, 1, 2)), [0.491, 0.482, 0.447], atol=0.015)  # CIFAR-10's mean colour


def test_resizing(tmp_path):
    images = np.repeat(
        np.array([[0, 100], [200, 255]], np.uint8).repeat(14, 0).repeat(14, 1)[None, ..., None], 3, axis=0
    )
    dataset = TfdsImages(name=store_images(tmp_path, images), image_size=32, data_dir=str(tmp_path))
    assert dataset.element_shape == (32, 32, 1)
    corners = dataset.batch(0, 1, 0).numpy()[0, ::31, ::31, 0]
    np.testing.assert_array_equal(corners, [[0, 100], [200, 255]])


def test_unknown_data_set(tmp_path):
    with pytest.raises(jare_tf.InputError, match="TFDS has no data set 'cifar11'"):
        TfdsImages(name="cifar11", data_dir=str(tmp_path))


def test_missing_data_without_network(tmp_path, monkeypatch):
    import requests

    def no_network(*_, **__):
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(requests, "head", no_network)
    with pytest.raises(
        jare_tf.InputError, match="cannot download the data set 'cifar10': no route to host; .*--data_dir"
    ):
        TfdsImages(name="cifar10", data_dir=str(tmp_path))


def test_bad_split(tmp_path, digits):
    with pytest.raises(jare_tf.InputError, match="nosuch"):
        TfdsImages(name="pictures/small", split="nosuch", data_dir=str(tmp_path))
