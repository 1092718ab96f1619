import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from jare_tf.evaluation import embedding
from tools import train_classifier


def bars(*, name, split, data_dir):
    """Colour images of a bright row or a bright column, in noise."""
    assert (name, data_dir) == ("bars", None)
    labels = np.arange({"train": 640, "test": 100}[split]) % 2
    images = np.random.default_rng(len(labels)).integers(0, 100, (len(labels), 8, 8, 3)).astype(np.uint8)
    images[labels == 0, 3], images[labels == 1, :, 3] = 255, 255
    return images, labels


def test_a_classifier_through_which_samples_are_scored(monkeypatch, tmp_path, capsys):
    """It is written with what scores need to name it, and Keras reads it alone."""
    monkeypatch.setattr(train_classifier.tfds_images, "labelled", bars)
    output = tmp_path / "new" / "bars.keras"
    train_classifier.main(["bars", "--output", str(output), "--epochs", "3", "--seed", "3"])
    facts = json.loads(output.with_suffix(".json").read_text())
    assert facts["accuracy"] > 0.9
    assert {name: facts[name] for name in ("dataset", "split", "test_split", "epochs", "seed")} == {
        "dataset": "bars",
        "split": "train",
        "test_split": "test",
        "epochs": 3,
        "seed": 3,
    }
    seen = embedding.load(path=str(output))
    assert facts["hash"] == seen.hash
    images, labels = bars(name="bars", split="test", data_dir=None)
    views = seen(images)
    assert views.features.shape == (100, 128)
    assert np.mean(views.logits.numpy().argmax(axis=1) == labels) == pytest.approx(facts["accuracy"])
    assert all(layer.__module__.startswith("keras.") for layer in keras.saving.load_model(output).layers)
    printed = capsys.readouterr().out
    assert "epoch 3 of 3" in printed and "0.0 min left" in printed
    assert f"{facts['accuracy']:.2%} of 100 test images right" in printed


def test_varied_images():
    """Colour images are moved and mirrored, gray ones only moved; each epoch in its own way."""
    image = tf.constant(np.arange(16 * 16 * 3).reshape(16, 16, 3) % 251, tf.uint8)
    crops = {train_classifier.varied(image, tf.constant([0, n])).numpy().tobytes() for n in range(200)}
    assert len(crops) > 40  # of 25 places, mirrored or not
    gray = {train_classifier.varied(image[..., :1], tf.constant([0, n])).numpy().tobytes() for n in range(200)}
    assert 20 < len(gray) <= 25
    data = train_classifier.batches(image.numpy()[None].repeat(10, axis=0), np.arange(10), seed=0)
    [(first, labels)], [(second, _)] = list(data), list(data)
    assert sorted(labels.numpy()) == list(range(10))
    assert first.shape == (10, 16, 16, 3)
    assert not np.array_equal(first, second)
    assert -1 <= float(tf.reduce_min(first)) < float(tf.reduce_max(first)) <= 1


def test_no_data_set(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        train_classifier.main(["no_such", "--output", str(tmp_path / "model.keras")])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("train_classifier: TFDS has no data set 'no_such'")


def test_what_was_trained_until_an_interruption_is_kept(monkeypatch, tmp_path):
    def stop(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    monkeypatch.setattr(train_classifier.tfds_images, "labelled", bars)
    monkeypatch.setattr(train_classifier, "say", stop)
    with pytest.raises(KeyboardInterrupt):
        train_classifier.main(["bars", "--output", str(tmp_path / "bars.keras"), "--epochs", "3"])
    assert [path.name for path in tmp_path.iterdir()] == ["bars-unfinished.keras"]
    assert embedding.load(path=str(tmp_path / "bars-unfinished.keras")).hash
