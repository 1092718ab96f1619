"""Decoding, and data sets of files: what is left out is named, and streaming feeds what memory feeds."""

import io
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import jare_tf
from jare_tf.data import image_folder, images
from jare_tf.data.dataset import check
from jare_tf.data.decoding import Format, decode

RNG = np.random.default_rng(0)


def encoded(pixels, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def gradient_picture(height, width):
    """Smooth, so that JPEG and resizing change little."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([255 * rows // height, 255 * columns // width, 0 * rows + 90], axis=-1).astype(np.uint8)


FORM = Format(size=16, crop=None, channels=3)


def test_leaves_images_as_they_are_without_a_size():
    pixels = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(decode(encoded(pixels), Format(None, None, 3)), pixels)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 64), (300, 200)])
def test_central_square(kind, options, height, width):
    """Every format, and JPEGs that decode at a fraction of their size, against the mean of each cell of the square."""
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    picture = gradient_picture(height, width)
    cells = np.linspace(0, side, 17)
    edges = [(int(np.floor(a)), int(np.ceil(b))) for a, b in zip(cells, cells[1:], strict=False)]
    square = picture[top : top + side, left : left + side].astype(float)
    expected = np.array([[square[a:b, c:d].mean(axis=(0, 1)) for c, d in edges] for a, b in edges])
    decoded = decode(encoded(picture, kind, **options), FORM)
    assert decoded.shape == (16, 16, 3)
    assert np.abs(decoded[1:-1, 1:-1] - expected[1:-1, 1:-1]).max() < 6


@pytest.mark.parametrize(("width", "height"), [(513, 385), (1003, 777), (300, 203)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_jpegs_that_decode_at_a_fraction_of_their_size_are_not_shifted(width, height, orientation):
    """Against the same JPEG decoded in full, on noise of a scale that a shift by a pixel of the result would change."""
    coarse = Image.fromarray(RNG.integers(0, 256, (24, 24, 3)).astype(np.uint8))
    picture = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, "JPEG", quality=95, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        buffer = io.BytesIO()
        image.save(buffer, "PNG", exif=exif)
    form = Format(64, None, 3)
    difference = decode(data, form).astype(float) - decode(buffer.getvalue(), form)
    assert np.abs(difference).mean() < 3


def test_crop():
    """A white square of 20 px in the middle of black; a crop of 20 sees nothing else, of 40 a border of half of it."""
    picture = np.zeros((100, 60, 3), np.uint8)
    picture[40:60, 20:40] = 255
    for kind in ("PNG", "JPEG"):
        data = encoded(picture, kind, **({"quality": 100} if kind == "JPEG" else {}))
        assert decode(data, Format(8, 20, 3))[1:-1, 1:-1].min() > 240
        half = decode(data, Format(8, 40, 3))
        assert half[3:5, 3:5].min() > 240
        assert half[0].max() < 15


def test_gray_and_alpha_and_sixteen_bits_and_palette():
    gray = RNG.integers(0, 256, (16, 16)).astype(np.uint8)
    np.testing.assert_array_equal(decode(encoded(gray), FORM), np.repeat(gray[..., None], 3, axis=-1))
    np.testing.assert_array_equal(decode(encoded(gray), Format(16, None, 1))[..., 0], gray)
    see_through = np.zeros((16, 16, 4), np.uint8)
    see_through[:8, :, 3] = 255  # opaque black above, nothing below
    decoded = decode(encoded(see_through), FORM)
    assert decoded[:8].max() == 0
    assert decoded[8:].min() == 255
    deep = encoded(gray.astype(np.uint16) * 257)
    np.testing.assert_array_equal(decode(deep, Format(16, None, 1))[..., 0], gray)
    buffer = io.BytesIO()
    Image.fromarray(gray).convert("P").save(buffer, "GIF")
    assert decode(buffer.getvalue(), FORM).shape == (16, 16, 3)


def test_orientation_of_cameras():
    """Tag 6: the picture is to be turned by a quarter clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, :8] = 255  # bright on the left, which belongs at the top
    decoded = decode(encoded(picture, "JPEG", exif=exif, quality=100), FORM)
    assert decoded[:7].min() > 200
    assert decoded[9:].max() < 50


@pytest.fixture
def folder(tmp_path):
    """30 images of three formats and many sizes in nested folders, one broken, one cut off, one text."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for number in range(30):
        kind, ending = [("PNG", "png"), ("JPEG", "JPG"), ("WEBP", "webp")][number % 3]
        size = RNG.integers(10, 60, 2)
        picture = np.broadcast_to(np.uint8(8 * number), (*size, 3)).copy()
        place = [tmp_path, tmp_path / "deep", tmp_path / "deep" / "er"][number % 2 + number % 4 // 2]
        (place / f"{number:02d}.{ending}").write_bytes(encoded(picture, kind))
    (tmp_path / "deep" / "broken.jpg").write_bytes(b"no image")
    whole = encoded(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


def test_folder(folder, capsys):
    dataset = image_folder.load(path=str(folder), image_size=8)
    assert len(dataset) == 30
    means = np.sort(dataset.batch(0, 30, 0).numpy().mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(means, 8 * np.arange(30), atol=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}: no images by their names, left out: 1 .txt"
    assert lines[1] == f"{folder}: 30 images, in memory"
    assert lines[2].startswith(f"{folder}: unreadable, left out: {folder}/cut.png (OSError: ")
    broken = f"{folder}/deep/broken.jpg (UnidentifiedImageError: cannot identify image file"
    assert lines[3].startswith(f"{folder}: unreadable, left out: {broken}")
    assert lines[4] == f"{folder}: 2 unreadable in all"


def test_pipes_and_devices_are_left_out(folder, capsys):
    """They are not waited for."""
    os.mkfifo(folder / "pipe.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    assert len(image_folder.load(path=str(folder), image_size=8)) == 30
    printed = capsys.readouterr().out
    for name in ("pipe.png", "zero.png"):
        assert f"unreadable, left out: {folder}/{name} (OSError: not a regular file" in printed


def test_large_images_are_decoded_one_at_a_time(folder, monkeypatch):
    before = image_folder.load(path=str(folder), image_size=8)
    monkeypatch.setattr("jare_tf.data.decoding._LARGE", 1)
    np.testing.assert_array_equal(image_folder.load(path=str(folder), image_size=8).samples, before.samples)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are read."""
    names, original = [], images._bytes
    monkeypatch.setattr(images, "_bytes", lambda path: names.append(os.path.basename(path)) or original(path))
    return names


def test_what_is_known_is_not_decoded_again(folder, tmp_path, decoded):
    """But for what cannot be decoded, or has other times or another size; and the fingerprint is the same."""
    settings = {"path": str(folder), "image_size": 8, "in_memory_limit": 0, "cache": f"{tmp_path}/cache"}
    load = lambda **other: (decoded.clear(), image_folder.load(**{**settings, **other}), sorted(decoded))[1:]
    before, names = load()
    assert len(names) == 32
    again, names = load()
    assert names == ["broken.jpg", "cut.png"]
    assert (len(again), again.fingerprint) == (30, before.fingerprint)
    np.testing.assert_array_equal(again.batch(3, 7, 0), before.batch(3, 7, 0))
    path, times = folder / "00.png", (folder / "00.png").stat()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as nobody does by mistake
    changed, names = load()
    assert names == ["00.png", "broken.jpg", "cut.png"]
    assert changed.fingerprint != before.fingerprint
    for other in ({"cache": None}, {"image_size": 9}, {"in_memory_limit": 1e9}):
        assert len(load(**other)[1]) == 32


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"x": 1}', b"\xff", b"[" * 100_000, b'{"x": ["a", 1, 2, 3]}'])
def test_a_broken_list_is_none(folder, tmp_path, decoded, content):
    settings = {"path": str(folder), "image_size": 8, "in_memory_limit": 0, "cache": f"{tmp_path}/cache"}
    image_folder.load(**settings)
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(content)
    decoded.clear()
    assert len(image_folder.load(**settings)) == 30
    assert len(decoded) == 32


def test_a_cache_that_cannot_be_written(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert len(image_folder.load(path=str(folder), image_size=8, in_memory_limit=0, cache=f"{tmp_path}/file")) == 30
    assert f"the checksums of images are not kept in {tmp_path}/file/images-" in capsys.readouterr().out


def test_names_that_are_no_text_and_links_in_circles(folder, capsys):
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    (folder / os.fsdecode(b"na\xefve.png")).write_bytes((folder / "00.png").read_bytes())
    (folder / "around").symlink_to(folder)
    assert len(image_folder.load(path=str(folder), image_size=8, in_memory_limit=0, cache=None).batch(0, 31, 0)) == 31
    assert "caf\\udce9.png (UnidentifiedImageError" in capsys.readouterr().out


def test_streaming_feeds_what_memory_feeds(folder, capsys):
    """The same images in the same order, over several epochs and from any batch on."""
    settings = {"path": str(folder), "image_size": 8}
    memory, streaming = image_folder.load(**settings), image_folder.load(**settings, in_memory_limit=0, cache=None)
    assert "30 images, decoded while training" in capsys.readouterr().out
    assert type(streaming) is images.Streaming
    for first in (0, 5):
        read = tf.function(streaming.batches(first, 7, seed=3))
        for counter in range(first, first + 12):
            np.testing.assert_array_equal(read(tf.constant(counter)), memory.batch(counter, 7, 3))
    np.testing.assert_array_equal(streaming.batch(9, 7, 3), memory.batch(9, 7, 3))
    check(streaming, (8, 8, 3), 7, 0)
    assert streaming.fingerprint == memory.fingerprint != 0
    assert image_folder.load(path=f"{folder}/", image_size=8).fingerprint == memory.fingerprint
    next(folder.rglob("29.webp")).unlink()
    assert image_folder.load(**settings).fingerprint != memory.fingerprint


@pytest.mark.parametrize("limit", [0, 1e9])
def test_the_fingerprint_is_one_of_content(folder, tmp_path, limit):
    """Other pixels under the same names differ, as does another order; the same images under other names do not."""
    load = lambda place: image_folder.load(path=str(place), image_size=8, in_memory_limit=limit, cache=None).fingerprint
    before = load(folder)
    shutil.copytree(folder, tmp_path / "renamed")
    (tmp_path / "renamed" / "00.png").rename(tmp_path / "renamed" / "000.png")
    assert load(tmp_path / "renamed") == before
    first, second = folder / "00.png", folder / "deep" / "er" / "03.png"
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert load(folder) != before
    for path in folder.rglob("*.png"):
        path.write_bytes(encoded(np.full((9, 9, 3), 127, np.uint8)))
    assert load(folder) not in (before, 0)


def test_an_image_that_vanishes_while_training(folder):
    streaming = image_folder.load(path=str(folder), image_size=8, in_memory_limit=0, cache=None)
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(tf.errors.OpError, match=r"\.png"):
        streaming.batch(0, 30, 0)


def test_bad_folders(tmp_path):
    with pytest.raises(jare_tf.InputError, match="path = '/no/such' is not a folder; name the folder of your images"):
        image_folder.load(path="/no/such", image_size=8)
    with pytest.raises(jare_tf.InputError, match=r"no file under .* ends in \.jpg, \.jpeg, \.png"):
        image_folder.load(path=str(tmp_path), image_size=8)
    (tmp_path / "broken.png").write_bytes(b"")
    with pytest.raises(jare_tf.InputError, match="none of the 1 images of .* can be read"):
        image_folder.load(path=str(tmp_path), image_size=8)
    for settings, message in (
        ({"image_size": None}, "image_size must be an integer of at least 1 and at most 4,096, not None"),
        ({"image_size": 0}, "image_size must be an integer of at least 1 and at most 4,096, not 0"),
        ({"image_size": 8, "channels": 4}, "channels must be 1 or 3, not 4"),
        ({"image_size": 8, "crop": 1.5}, "crop must be an integer of at least 1 and at most 4,096 or None, not 1.5"),
    ):
        with pytest.raises(jare_tf.InputError, match=message):
            image_folder.load(path=str(tmp_path), **settings)


@pytest.fixture
def celeba(tmp_path):
    (tmp_path / "Img" / "img_align_celeba").mkdir(parents=True)
    for number in range(6):
        picture = np.broadcast_to(np.uint8(40 * number), (218, 178, 3)).copy()
        (tmp_path / "Img" / "img_align_celeba" / f"{number:06d}.jpg").write_bytes(encoded(picture, "JPEG"))
    return tmp_path


@pytest.mark.parametrize(("ending", "separator"), [("txt", " "), ("csv", ",")])
def test_celeba(celeba, ending, separator, capsys):
    rows = [separator.join((f"{number:06d}.jpg", str(split))) for number, split in enumerate([0, 0, 0, 1, 2, 2])]
    (celeba / f"list_eval_partition.{ending}").write_text("\n".join(["image_id,partition", *rows]))
    means = lambda split: sorted(
        image_folder.celeba(path=str(celeba), split=split).samples.numpy().mean(axis=(1, 2, 3)).round().tolist()
    )
    assert means("train") == [0, 40, 80]
    assert means("test") == [160, 200]
    assert len(means("all")) == 6
    (celeba / "Img" / "img_align_celeba" / "000001.jpg").unlink()
    assert means("train") == [0, 80]
    assert "CelebA train: 1 of 3 images are missing" in capsys.readouterr().out


def test_incomplete_celeba(celeba, tmp_path):
    with pytest.raises(jare_tf.InputError, match="no list_eval_partition.txt under .*, which split = 'train' needs"):
        image_folder.celeba(path=str(celeba))
    with pytest.raises(jare_tf.InputError, match=r"split must be 'train', 'valid', 'test' or 'all', not 'dev'"):
        image_folder.celeba(path=str(celeba), split="dev")
    (tmp_path / "empty").mkdir()
    with pytest.raises(jare_tf.InputError, match="unpack img_align_celeba.zip there"):
        image_folder.celeba(path=str(tmp_path / "empty"))
