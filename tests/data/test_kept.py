"""Decoded images that the next run finds: the same as decoding gives, and never old or broken ones."""

import os

import numpy as np
import pytest

from jare_tf.data import image_folder, images, kept, tfds_images
from tests.conftest import store_images
from tests.data.test_images import folder  # noqa: F401


@pytest.fixture
def decodings(monkeypatch):
    """A list that grows by the number of images of every decoding; however quick it is, its result is kept."""
    monkeypatch.setattr(kept, "_WORTH_KEEPING", -1)
    counts, original = [], images.read_all

    def counted(*arguments, **named):
        found = original(*arguments, **named)
        counts.append(len(found[0]))
        return found

    monkeypatch.setattr(images, "read_all", counted)
    return counts


@pytest.fixture
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def load(folder, cache):  # noqa: F811
    """The folder's images in memory."""
    settings = {"path": str(folder), "image_size": 8, "cache": str(cache)}
    return lambda **other: image_folder.load(**{**settings, **other})


def test_what_is_kept_is_what_was_decoded(load, decodings, capsys):
    before = load()
    said = capsys.readouterr().out
    again = load()
    assert decodings == [30]
    np.testing.assert_array_equal(again.samples, before.samples)
    assert again.fingerprint == before.fingerprint
    assert capsys.readouterr().out.splitlines() == [line for line in said.splitlines() if "are kept in" not in line]
    assert "broken.jpg" in said
    np.testing.assert_array_equal(load(cache=None).samples, before.samples)


def test_a_folder_that_changed_is_decoded_anew(load, folder, cache, decodings):  # noqa: F811
    before = load()
    path, times = folder / "00.png", (folder / "00.png").stat()
    path.write_bytes((folder / "deep" / "er" / "03.png").read_bytes())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as nobody does by mistake
    changed = load()
    assert changed.fingerprint != before.fingerprint
    assert not np.array_equal(changed.samples, before.samples)
    path.unlink()
    assert len(load()) == 29
    assert len(load(channels=1)) == 29
    assert decodings == [30, 30, 29, 29]
    assert len(os.listdir(cache)) == 2  # one for each form


def spoil_header(data: bytes, old: bytes, new: bytes) -> bytes:
    line, pixels = data.split(b"\n", 1)
    assert old in line
    return line.replace(old, new) + b"\n" + pixels


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"[1]\n",
        lambda data: b"\xff" * 100,
        lambda data: b"[" * 100_000,
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: data.split(b"\n", 1)[0],
        lambda data: spoil_header(data, b'"shape": [30', b'"shape": [29'),
        lambda data: spoil_header(data, b'"key"', b'"kee"'),
        lambda data: spoil_header(data, b'"failures": [[', b'"failures": [[[],'),
    ],
)
def test_a_broken_file_is_none(load, cache, decodings, spoil):
    before = load()
    (path,) = cache.iterdir()
    path.write_bytes(spoil(path.read_bytes()))
    np.testing.assert_array_equal(load().samples, before.samples)
    np.testing.assert_array_equal(load().samples, before.samples)
    assert decodings == [30, 30]


def test_where_nothing_can_be_written_a_line_says_so(load, cache, decodings, capsys):
    (cache / "file").write_text("")
    assert len(load(cache=f"{cache}/file")) == 30
    assert f"decoded images are not kept in {cache}/file/pixels-" in capsys.readouterr().out


def test_records_of_tfds(tmp_path, decodings):
    """Of a split, in a form; labelled images are the same ones; other records under the same name are noticed."""
    numbers = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None], (20, 8, 8, 1))
    digits = {"name": store_images(tmp_path, numbers), "data_dir": str(tmp_path), "cache": f"{tmp_path}/cache"}
    before, again = tfds_images.load(**digits), tfds_images.load(**digits)
    assert decodings == [20]
    np.testing.assert_array_equal(again.samples, before.samples)
    assert again.fingerprint == before.fingerprint == tfds_images.load(**{**digits, "cache": None}).fingerprint
    assert len(tfds_images.load(**digits, split="train[:3]")) == 3
    assert tfds_images.load(**digits, image_size=4).element_shape == (4, 4, 1)
    assert decodings == [20, 20, 3, 20]
    (record,) = tmp_path.glob("pictures/small/1.0.0/*.tfrecord*")
    store_images(tmp_path / "other", 255 - numbers)
    (other,) = tmp_path.glob("other/pictures/small/1.0.0/*.tfrecord*")
    record.write_bytes(other.read_bytes())
    np.testing.assert_array_equal(np.sort(tfds_images.load(**digits).samples[:, 0, 0, 0]), np.arange(236, 256))
