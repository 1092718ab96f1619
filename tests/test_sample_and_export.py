"""--mode sample and --mode export: what a trained generator is used for."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import jare_tf
from jare_tf.data import latent
from tests.conftest import store_images
from tests.runs import copied, run

PICTURES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with batch norm and a moving average, whose data are gone."""
    folder = tmp_path_factory.mktemp("run")
    data = ["data.tfds_images.load.name = '{}'".format(store_images(folder / "data", PICTURES))]
    data += [f"data.tfds_images.load.data_dir = '{folder / 'data'}'", "FILTERS = 4", "LATENT_DIM = 6", "BATCH_SIZE = 4"]
    steps = ["STEPS = 4", "SAVE_EVERY = 2", "STEPS_PER_CALL = 2", "experiment.Experiment.average_decay = 0.9"]
    run(folder / "run", *data, *steps, files=["cifar10/a_jare.gin"], short=[])
    (folder / "data").rename(folder / "gone")
    return folder / "run"


def sampled(model_dir, *params, **settings):
    """The arrays of --mode sample, with those settings of experiment.sample."""
    settings = {"format": "npz", "output": str(model_dir / "out"), **settings}
    run(
        model_dir,
        *params,
        *(f"experiment.sample.{k} = {v!r}" for k, v in settings.items()),
        files=[],
        short=[],
        mode="sample",
    )
    (newest,) = [path for path in (model_dir / "out").glob("*.npz")] or [None]
    arrays = dict(np.load(newest)) if newest else {}
    if newest:
        newest.unlink()
    return arrays


def test_a_sample_depends_on_its_seed_alone(trained):
    whole, part = sampled(trained, count=5, first_seed=3), sampled(trained, count=2, first_seed=6)
    assert whole["images"].shape == (5, 32, 32, 3) and whole["images"].dtype == np.uint8
    np.testing.assert_array_equal(whole["seeds"], [3, 4, 5, 6, 7])
    np.testing.assert_array_equal(whole["latent"][3:], part["latent"])
    assert np.abs(whole["images"][3:].astype(int) - part["images"]).max() <= 1  # another batch size, another rounding
    assert len(np.unique(whole["latent"])) == 5 * 6
    assert np.any(sampled(trained, count=5, first_seed=3, checkpoint=2)["images"] != whole["images"])


def test_png_files_and_grid(trained):
    images = sampled(trained, count=5)["images"]
    sampled(trained, count=5, format="png")
    files = sorted((trained / "out" / "step-4").iterdir())
    assert [file.name for file in files] == [f"seed-00000{i}.png" for i in range(5)]
    np.testing.assert_array_equal([np.asarray(Image.open(file)) for file in files], images)
    sampled(trained, count=5, format="grid")
    grid = np.asarray(Image.open(trained / "out" / "step-4.png"))
    assert grid.shape == (2 * 33 - 1, 3 * 33 - 1, 3)
    np.testing.assert_array_equal(grid[33:65, 33:65], images[4])
    assert (grid[33:, 66:] == 255).all()


@pytest.mark.parametrize("way", ["linear", "spherical"])
def test_interpolation_goes_from_seed_to_seed(trained, way):
    ends = sampled(trained, count=3)
    between = sampled(trained, count=2, interpolation=way, points=4)
    z = between["latent"].reshape(2, 4, 6)
    np.testing.assert_array_equal(between["seeds"], [0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(z[:, 0], ends["latent"][:2], atol=1e-6)
    np.testing.assert_allclose(z[:, -1], ends["latent"][1:], atol=1e-6)
    third = (2 * ends["latent"][0] + ends["latent"][1]) / 3
    assert np.allclose(z[0, 1], third, atol=1e-5) == (way == "linear")
    assert np.abs(between["images"][[0, 3]].astype(int) - ends["images"][:2]).max() <= 1


def test_the_moving_average_is_sampled_and_exported(trained):
    """Not the generator that played, and by the same function from a seed to an image everywhere."""
    sample = sampled(trained, count=6)
    run(trained, files=[], short=[], mode="export")
    program = f"""
import sys
sys.modules["jare_tf"] = None  # as if it were not installed
import json, keras, numpy as np, tensorflow as tf
latent = np.array({sample["latent"].tolist()}, np.float32)
model = keras.models.load_model({str(trained / "exported" / "generator.keras")!r})
served = tf.saved_model.load({str(trained / "exported" / "saved_model" / "4")!r}).signatures
by_latent = served["serving_default"](latent=tf.constant(latent))["images"].numpy()
by_seed = served["from_seeds"](seeds=tf.range(6, dtype=tf.int64))["images"].numpy()
print(json.dumps([model(latent).numpy().tolist(), by_latent.tolist(), by_seed.tolist(), str(by_seed.dtype)]))
"""
    output = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    ).stdout
    floats, by_latent, by_seed, dtype = json.loads(output.splitlines()[-1])
    assert dtype == "uint8"
    for pixels in (np.rint((np.array(floats) + 1) * 127.5), by_latent, by_seed):
        assert np.abs(np.array(pixels) - sample["images"]).max() <= 1
    assert np.array(by_latent).std() > 1


def test_other_samples_have_other_names(trained):
    sampled(trained, format="png", count=2, output=str(trained / "names"))
    sampled(trained, format="png", count=1, truncation=0.5, output=str(trained / "names"))
    sampled(trained, format="png", count=1, interpolation="linear", points=11, output=str(trained / "names"))
    names = {folder.name: sorted(file.name for file in folder.iterdir()) for folder in (trained / "names").iterdir()}
    assert names == {
        "step-4": ["seed-000000.png", "seed-000001.png"],
        "step-4-truncation-0.5": ["seed-000000.png"],
        "step-4-linear-11": [f"seed-000000-000001-{point:03d}.png" for point in range(11)],
    }


def test_what_differs_from_the_run_is_said(trained, capsys):
    sampled(trained, "rules.jare.gamma = 3.0")
    assert "not as in the run: rules.jare.gamma was 100.0, is 3.0" in capsys.readouterr().out


def test_best_and_missing_checkpoints(trained, tmp_path):
    with pytest.raises(jare_tf.InputError, match=r"no checkpoint 3 in .*: use 'newest', 'best' or one of 2, 4"):
        sampled(trained, checkpoint=3)
    with pytest.raises(jare_tf.InputError, match=r"there is no checkpoint in .*/best: train first"):
        sampled(trained, checkpoint="best")
    with pytest.raises(jare_tf.InputError, match="holds no run"):
        run(tmp_path, files=[], short=[], mode="sample")
    with pytest.raises(jare_tf.InputError, match="experiment.sample.format must be 'png', 'npz' or 'grid', not 'jpeg'"):
        sampled(trained, format="jpeg")
    with pytest.raises(jare_tf.InputError, match="interpolation must be 'linear', 'spherical' or None, not 'cubic'"):
        sampled(trained, interpolation="cubic")
    with pytest.raises(jare_tf.InputError, match="truncation must be a finite number, above 0 or None, not 0"):
        sampled(trained, truncation=0)
    with pytest.raises(jare_tf.InputError, match="unused binding networks.dcgan.generator.filters"):
        sampled(trained, "networks.dcgan.generator.filters = 3")


def test_a_game_of_points(tmp_path):
    copied(tmp_path)
    run(tmp_path, "experiment.sample.count = 50", files=[], short=[], mode="sample")
    made = np.load(tmp_path / "generated" / "step-20.npz")
    assert made["samples"].shape == (50, 2) and made["samples"].dtype == np.float32
    shift = made["samples"] - made["latent"]  # G(z) = φ + z
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], (50, 2)), atol=1e-6)
    assert np.asarray(Image.open(tmp_path / "generated" / "step-20.png")).shape == (320, 320, 3)
    run(tmp_path, files=[], short=[], mode="export")
    served = tf.saved_model.load(str(tmp_path / "exported" / "saved_model" / "20")).signatures["from_seeds"]
    np.testing.assert_allclose(served(seeds=tf.range(50, dtype=tf.int64))["samples"], made["samples"], atol=1e-6)


def test_truncation():
    """A truncated normal distribution: its bound and its variance, 1 − 2ψφ(ψ)/(2Φ(ψ) − 1)."""
    z = latent.of_seeds(latent.Normal(std=2.0), 1000, np.arange(40), truncation=1.5).numpy() / 2
    assert 1.45 < np.abs(z).max() < 1.5
    density, mass = np.exp(-(1.5**2) / 2) / np.sqrt(2 * np.pi), 0.8663856
    np.testing.assert_allclose(z.var(), 1 - 2 * 1.5 * density / mass, rtol=0.02)
    z = latent.of_seeds(latent.Uniform(limit=3.0), 1000, np.arange(4), truncation=0.5).numpy()
    assert 1.45 < np.abs(z).max() < 1.5


def test_spherical_keeps_the_length_and_falls_back():
    first, last = np.array([[3.0, 0.0], [1.0, 1.0]], np.float32), np.array([[0.0, 3.0], [2.0, 2.0]], np.float32)
    way = latent.spherical(first, last, 5).numpy()
    np.testing.assert_allclose(np.linalg.norm(way[0], axis=-1), 3.0, rtol=1e-5)
    np.testing.assert_allclose(way[0, 1], 3 * np.array([np.cos(np.pi / 8), np.sin(np.pi / 8)]), rtol=1e-5)
    np.testing.assert_allclose(way[1], latent.linear(first, last, 5)[1], rtol=1e-6)
