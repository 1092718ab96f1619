import dataclasses
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf.data.dataset import as_pixels
from jare_tf.data.in_memory import InMemory
from jare_tf.evaluation import image_scores, protocols
from jare_tf.evaluation.embedding import Activations
from jare_tf.evaluation.image_scores import ImageScores, real_samples
from jare_tf.evaluation.metric import Metric
from jare_tf.evaluation.protocols import Protocol

PICTURES = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3)).astype(np.uint8)
ONE = tf.distribute.get_strategy()


class Means:
    """Sees the mean of each channel, and the first row of pixels; counts the images."""

    name, hash, resize, identity, seen = "means", "0123456789ab", "none", "means of [-1, 1]", 0

    def __call__(self, images):
        tf.py_function(self._count, [tf.shape(images)[0]], [])
        pixels = tf.cast(images, tf.float32)
        return Activations(tf.reduce_mean(pixels, [1, 2]), tf.reshape(pixels[:, 0], [-1, 12]))

    def _count(self, count):
        self.seen += int(count)


@dataclasses.dataclass(frozen=True)
class Recorded(Metric):
    """Keeps what it is given."""

    name: str
    compares: bool
    given: list = dataclasses.field(repr=False)

    def __call__(self, real, made):
        self.given.append((real, made))
        return {self.name: 1.5}


def small_gan():
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(48, activation="tanh"), keras.layers.Reshape((4, 4, 3))]
    )
    discriminator = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    return jare_tf.GAN(generator, discriminator, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=2)


def recording(real, *counts):
    given = []
    metrics = [(Recorded(f"score_{i}", i == 0, given), count) for i, count in enumerate(counts)]
    return Protocol(name="mine", split="test", real=real, measures=tuple(metrics)), given


def probe(protocol, cache=None, batch_size=8, embedding=Means):
    data = {"test": lambda: InMemory("pictures", PICTURES)}
    return ImageScores(protocol=protocol, embedding=embedding, data=data, batch_size=batch_size, cache=cache)


def test_what_metrics_are_given():
    gan, (protocol, given) = small_gan(), recording(20, 11, 1500)
    scored = probe(protocol)
    assert scored(gan) == {"score_0_11_test": 1.5, "score_1_1k": 1.5}
    labels = scored.labels(gan)
    settings, real = labels.pop("settings"), labels.pop("real")
    assert labels == {"protocol": "mine", "embedding": "means 0123456789ab", "resize": "none"}
    assert real == f"pictures {InMemory('pictures', PICTURES).fingerprint:08x}"
    assert settings != probe(recording(20, 12, 1500)[0]).labels(gan)["settings"]
    assert settings == probe(recording(20, 11, 1500)[0]).labels(gan)["settings"]
    (real, few), (_, many) = given
    assert [len(part) for part in (*real, *few, *many)] == [20] * 3 + [11] * 3 + [1500] * 3
    assert real.images.dtype == few.images.dtype == np.uint8
    found = [np.flatnonzero((image == PICTURES).all(axis=(1, 2, 3))) for image in real.images]
    assert len({int(index) for (index,) in found}) == 20  # each once
    for samples in (real, many):
        np.testing.assert_allclose(samples.features, samples.images.mean(axis=(1, 2)), rtol=1e-5)
        np.testing.assert_array_equal(samples.logits, samples.images[:, 0].reshape(-1, 12))
    np.testing.assert_array_equal(few.images, many.images[:11])
    assert len(np.unique(many.features, axis=0)) > 1400  # different latent vectors in every batch
    protocol, given_again = recording(20, 11, 1500)
    probe(protocol, batch_size=24)(gan)  # which changes nothing
    np.testing.assert_array_equal(given_again[1][1].images, many.images)


def test_the_moving_average_is_scored():
    gan = small_gan()
    averaged = jare_tf.GAN(
        gan.generator, gan.discriminator, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=2, average_decay=0.9
    )
    for weight in gan.generator.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    protocol, given = recording(2, 4)
    probe(protocol)(averaged)
    assert np.std(given[0][1].images) > 1  # the generator that plays is gray by now


def test_all_real_images_each_once():
    real = real_samples(InMemory("pictures", PICTURES), None, "all", Means(), ONE, batch_size=8)
    assert len(real.images) == 50
    np.testing.assert_array_equal(np.unique(real.images, axis=0), np.unique(PICTURES, axis=0))


def test_floats_are_rounded_to_pixels():
    floats = np.array([-1.0, 1.0, 0.0, 0.5, -0.999, 0.003], np.float32)
    np.testing.assert_array_equal(as_pixels(tf.constant(floats)), [0, 255, 128, 191, 0, 128])
    real = real_samples(InMemory("floats", PICTURES / np.float32(127.5) - 1), None, "floats", Means(), ONE)
    np.testing.assert_array_equal(np.unique(real.images, axis=0), np.unique(PICTURES, axis=0))


def test_real_images_are_embedded_once(tmp_path):
    """Until the images, the embedding or their number are others."""
    cache, embedding = str(tmp_path / "cache"), Means()
    of = lambda pictures, count=40, embedding=embedding: real_samples(
        InMemory("pictures", pictures), count, "real", embedding, ONE, batch_size=10, cache=cache
    )
    first = of(PICTURES)
    assert embedding.seen == 40
    second = of(PICTURES)
    assert embedding.seen == 40
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    changed = PICTURES.copy()
    changed[:, 0, 0, 0] ^= 1
    of(changed)
    assert embedding.seen == 80
    of(PICTURES, 30)
    assert embedding.seen == 110
    other = Means()
    other.identity = "means of [0, 1]"
    of(PICTURES, embedding=other)
    assert other.seen == 40
    assert len(os.listdir(cache)) == 4
    for name in os.listdir(cache):
        (tmp_path / "cache" / name).write_bytes(b"broken")
    np.testing.assert_array_equal(of(PICTURES).features, first.features)


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    dataset = InMemory("pictures", PICTURES)
    assert len(real_samples(dataset, 8, "real", Means(), ONE, batch_size=8, cache=str(tmp_path / "file")).images) == 8
    assert "is not kept in" in capsys.readouterr().out


def test_real_images_are_not_read_where_nothing_compares():
    given = []
    protocol = Protocol(name="mine", split="test", real=None, measures=((Recorded("score", False, given), 16),))
    scored = probe(protocol)
    assert scored(small_gan()) == {"score_16": 1.5}
    assert scored._embedding.seen == 16


def test_few_images_are_kept_of_many(monkeypatch):
    monkeypatch.setattr(image_scores, "IMAGES", 20)
    real = real_samples(InMemory("pictures", PICTURES), None, "real", Means(), ONE, batch_size=8)
    assert (len(real.images), len(real.features), len(real.logits)) == (20, 50, 50)
    np.testing.assert_allclose(real.features[:20], real.images.mean(axis=(1, 2)), rtol=1e-5)


def test_bad_input():
    gan = small_gan()
    with pytest.raises(jare_tf.InputError, match=r"'pictures' has 50 images, not 60: use another protocol"):
        probe(recording(60, 4)[0])(gan)
    with pytest.raises(jare_tf.InputError, match="'test_10k' uses the split 'test'; .*data has train"):
        ImageScores(protocol=protocols.test_10k(), embedding=Means, data={"train": list})
    with pytest.raises(jare_tf.InputError, match="protocol must be a protocol such as"):
        ImageScores(protocol="jare", embedding=Means, data={})
    with pytest.raises(jare_tf.InputError, match=r"real images have the shape \(4, 4, 3\), generated ones \(4, 4, 1\)"):
        layers = [keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))]
        generator = keras.Sequential([keras.Input((2,)), *layers])
        discriminator = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
        gray = jare_tf.GAN(generator, discriminator, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=2)
        probe(recording(8, 4)[0])(gray)
    with pytest.raises(jare_tf.InputError, match="measures must be a list, each"):
        Protocol(name="mine", split="test", real=None, measures=("fid",))
    with pytest.raises(jare_tf.InputError, match="real must be an integer of at least 1 and below"):
        Protocol(name="mine", split="test", real=0, measures=())


def test_protocols_by_name():
    counts = lambda protocol: {type(metric).__name__: count for metric, count in protocol.measures}
    jare, standard, test = protocols.jare(), protocols.standard_50k(), protocols.test_10k()
    ((score, images),) = protocols.conopt().measures
    assert (type(score).__name__, score.splits, images, protocols.conopt().samples) == (
        "InceptionScore",
        10,
        6400,
        6400,
    )
    assert (jare.split, jare.real, jare.samples) == ("train", 12_800, 50_000)
    assert (standard.split, standard.real, standard.samples) == ("train", None, 50_000)
    assert (test.split, test.real, test.samples) == ("test", None, 10_000)
    assert counts(jare)["FrechetDistance"] == 12_800 and counts(jare)["InceptionScore"] == 50_000
    assert counts(standard)["FrechetDistance"] == 50_000 and counts(standard)["PrecisionRecall"] == 10_000
    assert {**counts(test), "SlicedWasserstein": 10_000} == dict.fromkeys(counts(jare), 10_000)
    assert counts(test)["SlicedWasserstein"] == 2048
