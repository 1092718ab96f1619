import os

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf import files
from jare_tf.data import images, tfds_images
from jare_tf.data.dataset import check
from tests.conftest import store_images

NUMBERS = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None], (20, 8, 8, 1))


@pytest.fixture
def digits(tmp_path):
    """How to load 20 gray images whose pixels all hold the image's number."""
    return {"name": store_images(tmp_path, NUMBERS), "data_dir": str(tmp_path)}


def test_reads_bytes(digits):
    dataset = tfds_images.load(**digits)
    assert dataset.element_shape == (8, 8, 1)
    batch = dataset.batch(0, 20, 0)
    assert batch.dtype == np.uint8
    assert sorted(batch.numpy()[:, 0, 0, 0].tolist()) == list(range(20))
    assert len(tfds_images.load(**digits, split="train[:3]")) == 3


def test_streaming(digits):
    """Every image exactly once an epoch, epochs differ in order, and a run that resumes reads on where it was."""
    dataset = tfds_images.load(**digits, in_memory_limit=0)
    assert type(dataset) is images.Streaming
    read = tf.function(dataset.batches(0, 5, seed=0))
    whole = [read(tf.constant(counter)).numpy()[:, 0, 0, 0].tolist() for counter in range(12)]
    epochs = [tuple(sum(whole[start : start + 4], [])) for start in (0, 4, 8)]
    assert len(set(epochs)) == 3
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    tf.random.set_seed(7)  # a resumed run may have drawn any other numbers before
    read = tf.function(dataset.batches(7, 5, seed=0))
    assert [read(tf.constant(counter)).numpy()[:, 0, 0, 0].tolist() for counter in range(7, 12)] == whole[7:]
    assert dataset.batch(0, 5, 1).numpy()[:, 0, 0, 0].tolist() != whole[0]
    own = tf.function(dataset.batches(3, 5, 0, rows=np.array([0, 4])))  # one of several workers
    assert [own(tf.constant(counter)).numpy()[:, 0, 0, 0].tolist() for counter in range(3, 12)] == [
        [batch[0], batch[4]] for batch in whole[3:]
    ]


def test_the_fingerprint_is_one_of_content(tmp_path, digits):
    """In memory and streamed, of TFRecords and of other files; of the part of a split that is used."""
    name = store_images(tmp_path / "other", 255 - NUMBERS)
    other = {"name": name, "data_dir": str(tmp_path / "other")}
    for more in ({}, {"in_memory_limit": 0}):
        fingerprints = [tfds_images.load(**of, **more).fingerprint for of in (digits, digits, other)]
        assert fingerprints[0] == fingerprints[1] != fingerprints[2]
        assert tfds_images.load(**digits, **more, split="train[:10]").fingerprint != fingerprints[0]
    (path,) = tmp_path.glob("pictures/small/1.0.0/*.tfrecord*")
    records = tf.data.TFRecordDataset(str(path))
    assert len(list(tfds_images._record_checksums(str(path)))) == len(list(records)) == 20
    assert b"".join(files.chunks(str(path))) == path.read_bytes()


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), "cifar10")),
    reason="no prepared CIFAR-10 in $TFDS_DATA_DIR",
)
def test_real_cifar10():
    dataset = tfds_images.load(name="cifar10")
    assert len(dataset) == 50_000
    assert dataset.element_shape == (32, 32, 3)
    pixels = dataset.batch(0, 2000, 0).numpy() / 255
    np.testing.assert_allclose(pixels.mean(axis=(0, 1, 2)), [0.491, 0.482, 0.447], atol=0.015)  # CIFAR-10's mean colour


def test_resizing(tmp_path):
    corners = np.array([[0, 100], [200, 255]], np.uint8)
    pictures = np.repeat(corners.repeat(14, 0).repeat(14, 1)[None, ..., None], 3, axis=0)
    dataset = tfds_images.load(name=store_images(tmp_path, pictures), image_size=32, data_dir=str(tmp_path))
    assert dataset.element_shape == (32, 32, 1)
    np.testing.assert_array_equal(dataset.batch(0, 1, 0).numpy()[0, ::31, ::31, 0], corners)


@pytest.mark.parametrize("name", ["cifar11", "mnist:9.9.9", "lsun/nosuch", ""])
def test_unknown_data_set(tmp_path, name):
    with pytest.raises(jare_tf.InputError, match=f"TFDS has no data set '{name}'"):
        tfds_images.load(name=name, data_dir=str(tmp_path))


def test_a_broken_image_is_named(digits, monkeypatch):
    for module in (images, tfds_images):
        monkeypatch.setattr(module, "decode", lambda data, form: 1 / 0)
    with pytest.raises(jare_tf.InputError, match="'pictures/small': image 0 of 'train' cannot be decoded: ZeroDiv"):
        tfds_images.load(**digits)
    streaming = tfds_images.load(**digits, in_memory_limit=0)
    with pytest.raises(jare_tf.InputError, match="'pictures/small' cannot be read: ZeroDivisionError"):
        check(streaming, (8, 8, 1), 2, 0)


def test_missing_data_without_network(tmp_path, monkeypatch):
    import requests

    def no_network(*_, **__):
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(requests, "head", no_network)
    with pytest.raises(jare_tf.InputError, match="the data set 'cifar10' is not in .* as data_dir .no route to host.$"):
        tfds_images.load(name="cifar10", data_dir=str(tmp_path))


def test_bad_split(digits):
    with pytest.raises(jare_tf.InputError, match="nosuch"):
        tfds_images.load(**digits, split="nosuch")


def test_no_labels(digits):
    with pytest.raises(jare_tf.InputError, match="has no labelled images"):
        tfds_images.labelled(**digits, split="train")
