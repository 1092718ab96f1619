"""tools/score_images.py: scores of images wherever they lie, and a user's mistakes in one line."""

import json
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from tests.conftest import store_images
from tools import score_images

RNG = np.random.default_rng(0)
SMOOTH = np.repeat(np.repeat(RNG.integers(0, 256, (40, 4, 4, 3)), 4, axis=1), 4, axis=2).astype(np.uint8)
NOISE = RNG.integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same images as an .npz file, a folder and a TFDS data set; noise as an .npz file; and a classifier."""
    folder = tmp_path_factory.mktemp("images")
    np.savez(folder / "smooth.npz", images=SMOOTH)
    np.savez(folder / "noise.npz", images=NOISE)
    (folder / "smooth").mkdir()
    for index, image in enumerate(SMOOTH):
        Image.fromarray(image).save(folder / "smooth" / f"{index}.png")
    name = store_images(folder / "tfds", SMOOTH)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    hidden = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 3, activation="relu")(inputs))
    model = keras.Model(inputs, {"features": hidden, "logits": keras.layers.Dense(3)(hidden)})
    model.save(folder / "classifier.keras")
    return folder, name


def scored(capsys, folder, images, against, *more):
    """The JSON object that the tool prints at the end."""
    cache = ["--cache", str(folder / "cache"), "--embedding", str(folder / "classifier.keras")]
    score_images.main([str(images), "--against", str(against), *cache, *more])
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_same_images_wherever_they_lie(places, capsys, monkeypatch):
    folder, name = places
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
    of = lambda *arguments: scored(capsys, folder, *arguments)
    by_file = of(folder / "smooth.npz", folder / "smooth.npz")
    assert by_file["fid_40_images"] == pytest.approx(0, abs=1e-6)
    assert by_file["precision_40_images"] == by_file["recall_40_images"] == 1
    assert by_file["real"] == 40
    assert by_file["resize"] == "tf1_bilinear to 16x16"
    by_folder = of(folder / "smooth", folder / "smooth.npz")
    assert by_folder["fid_40_images"] == pytest.approx(0, abs=1e-6)
    by_name = of(folder / "smooth", f"{name}:train", "--image_size", "16")
    assert by_name["fid_40_train"] == pytest.approx(0, abs=1e-6)
    noise = of(folder / "noise.npz", f"{name}:train")
    assert noise["fid_40_train"] > 0.01
    assert noise["recall_40_train"] < 0.5
    assert len(list((folder / "cache").iterdir())) >= 1


@pytest.mark.parametrize(
    ("images", "against", "message"),
    [
        ("{0}/nosuch.npz", "{0}/smooth.npz", "there is no {0}/nosuch.npz, and it is no NAME:SPLIT of a data set"),
        ("{0}/broken.npz", "{0}/smooth.npz", "{0}/broken.npz is no .npz file with images"),
        ("{0}/gray_alpha.npz", "{0}/gray_alpha.npz", "takes images of 3 channels, not of 4"),
        ("{0}/smooth.npz", "{0}/smooth", "{0}/smooth is a folder: say --image_size"),
        ("{0}/smooth.npz", "nosuchset:test", "TFDS has no data set 'nosuchset'"),
        ("{0}/smooth.npz", "{0}/floats.npz", "must hold uint8 images"),
        ("{0}/small.npz", "{0}/smooth.npz", "has images of shape (8, 8, 3)"),
        ("{0}/smooth.npz", "{0}/one.npz", "{0}/one.npz has 1 image: scores want two at least"),
        ("{0}/one.npz", "{0}/smooth.npz", "{0}/one.npz has 1 image: scores want two at least"),
        ("{0}/empty.npz", "{0}/smooth.npz", "{0}/empty.npz is no .npz file with images"),
        ("{0}/text.npz", "{0}/smooth.npz", "{0}/text.npz is no .npz file with images: what it holds is no array"),
        ("{0}/array.npz", "{0}/smooth.npz", "{0}/array.npz is no .npz file with images"),
    ],
)
def test_mistakes(places, capsys, images, against, message):
    folder, _ = places
    np.savez(folder / "floats.npz", images=SMOOTH / 255.0)
    (folder / "broken.npz").write_text("no archive")
    (folder / "empty.npz").write_bytes(b"")
    with zipfile.ZipFile(folder / "text.npz", "w") as archive:
        archive.writestr("images.npy", "no array")
    with open(folder / "array.npz", "wb") as file:
        np.save(file, SMOOTH)
    np.savez(folder / "one.npz", images=SMOOTH[:1])
    np.savez(folder / "gray_alpha.npz", images=np.concatenate([SMOOTH, SMOOTH[..., :1]], axis=-1))
    np.savez(folder / "small.npz", images=SMOOTH[:, :8, :8])
    with pytest.raises(SystemExit) as ended:
        scored(capsys, folder, images.format(folder), against.format(folder))
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith("score_images: ")
    assert message.format(folder) in line


def test_scores_that_need_more_images_are_left_out(places, capsys):
    folder, _ = places
    np.savez(folder / "three.npz", images=SMOOTH[:3])
    cache = ["--cache", "", "--embedding", str(folder / "classifier.keras")]
    score_images.main([str(folder / "three.npz"), "--against", str(folder / "smooth.npz"), *cache])
    *lines, last = capsys.readouterr().out.splitlines()
    assert json.loads(last)["fid_3_images"] > 0
    assert any(line.startswith("fid_3_images ") for line in lines)
    assert (
        sum(line.startswith("left out: precision_recall: 40 real and 3 generated samples are") for line in lines) == 2
    )
