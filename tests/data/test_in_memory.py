import io
import os

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.data import in_memory
from jare_tf.data.in_memory import InMemory


@pytest.fixture
def digits():
    """20 gray images whose pixels all hold the image's number."""
    return InMemory("digits", np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None], (20, 8, 8, 1)))


def numbers(dataset, counter, batch_size, seed=0):
    return dataset.batch(counter, batch_size, seed).numpy()[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("batch_size", [5, 7, 50])
def test_every_sample_once_an_epoch(digits, batch_size):
    """Also where a batch straddles epochs; and epochs differ in order."""
    drawn = sum((numbers(digits, counter, batch_size) for counter in range(20)), [])
    epochs = [drawn[start : start + 20] for start in range(0, len(drawn) - 19, 20)]
    assert len(epochs) >= 5
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert len({tuple(epoch) for epoch in epochs}) == len(epochs)


def test_batches_depend_on_seed_and_counter_only(digits):
    assert numbers(digits, 3, 8) == numbers(digits, 3, 8)
    assert numbers(digits, 3, 8) != numbers(digits, 3, 8, seed=1)


def test_orders_of_epochs_do_not_correlate():
    """Of n = 5,000 samples, orders of consecutive epochs and of consecutive seeds correlate as chance has it (1/√n)."""
    samples = InMemory("numbers", tf.range(5000))
    orders = [samples.batch(epoch, 5000, seed).numpy() for seed in range(3) for epoch in range(6)]
    correlations = np.corrcoef(orders)[np.triu_indices(len(orders), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(5000)


def test_fingerprint():
    points = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    same, other = InMemory("a", points.copy()), InMemory("a", points + np.eye(3, 2, dtype=np.float32))
    assert InMemory("b", points).fingerprint == same.fingerprint != other.fingerprint


def test_array_files(tmp_path):
    rng = np.random.default_rng(0)
    points, pixels = rng.normal(size=(10, 3)), rng.integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    np.save(tmp_path / "points.npy", points)
    loaded = in_memory.array_file(path=str(tmp_path / "points.npy"))
    np.testing.assert_array_equal(loaded.samples, points.astype(np.float32))
    np.save(tmp_path / "images.npy", pixels)
    loaded = in_memory.array_file(path=str(tmp_path / "images.npy"))
    assert loaded.samples.dtype == tf.uint8
    np.testing.assert_array_equal(loaded.samples, pixels)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), r"has to hold numbers \[n, d\] or \[n, height, width, channels\], not float64 \(3,\)"),
        (np.zeros((0, 2)), r"not float64 \(0, 2\)"),
        (np.array([["a", "b"]]), r"not <U1 \(1, 2\)"),
        (np.array([[1.0, np.nan]]), "has numbers that are not finite"),
        (np.array([[1.0, 1e300]]), "has numbers that are not finite in float32"),
        (np.full((2, 4, 4, 1), 0.5), r"has images between 0.5 and 0.5: give uint8 pixels 0 ... 255 or floats in \["),
    ],
)
def test_bad_arrays(tmp_path, array, message):
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(jare_tf.InputError, match=message):
        in_memory.array_file(path=str(tmp_path / "bad.npy"))


def test_several_arrays(tmp_path):
    np.savez(tmp_path / "several.npz", a=np.zeros((2, 2)))
    with pytest.raises(jare_tf.InputError, match="not several arrays"):
        in_memory.array_file(path=str(tmp_path / "several.npz"))


def header(shape) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [(10**11, 2), (4, 2), (10**30, 2), (2**62, 8), (-1, 2)])
def test_a_header_that_claims_too_much(tmp_path, shape):
    """Nothing is taken on its word."""
    (tmp_path / "short.npy").write_bytes(header(shape) + bytes(48))
    with pytest.raises(jare_tf.InputError, match="in_memory.array_file: cannot read .*/short.npy: ") as caught:
        in_memory.array_file(path=str(tmp_path / "short.npy"))
    assert shape[0] not in (4, 10**11) or str(caught.value).endswith("it is shorter than its header says")


def test_no_array(tmp_path):
    (tmp_path / "text.npy").write_text("nothing")
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "header.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': 'nosuch'")
    (tmp_path / "zip.npy").write_bytes(b"PK\x03\x04")
    for name in ("text.npy", "nosuch.npy", "pipe.npy", "header.npy", "zip.npy"):
        with pytest.raises(jare_tf.InputError, match=f"in_memory.array_file: cannot read .*{name}"):
            in_memory.array_file(path=str(tmp_path / name))
