import hashlib
import re
import socket
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import jare_tf
from jare_tf.evaluation import embedding
from tests.processes import ended, start

layers = keras.layers


def pictures(count=4, side=8, channels=3):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels)).astype(np.uint8)


def classifier(shape=(8, 8, 3), *, outputs="features and logits", activation=None):
    """A network whose features differ between inference and training, and its output."""
    keras.utils.set_random_seed(0)
    images = keras.Input(shape)
    wide = layers.Conv2D(6, 3, activation="relu", bias_initializer="glorot_normal")(images)
    features = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(wide))
    logits = layers.Dense(5, activation=activation)(features)
    given = {
        "features and logits": {"features": features, "logits": logits},
        "logits": logits,
        "pool_3 and logits": {"pool_3": layers.Reshape((1, 1, 6))(features), "logits": logits},
        "unnamed": [features, logits],
        "maps": {"features": wide, "logits": logits},
        "features alone": features,
    }
    return keras.Model(images, given[outputs])


def expected(images, shape=(8, 8, 3)):
    outputs = classifier(shape)(images / np.float32(127.5) - 1, training=False)
    return outputs["features"], outputs["logits"]


def same(views, others):
    for view, other in zip(views, others, strict=True):
        assert view.dtype == tf.float32
        np.testing.assert_allclose(view, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("outputs", "ending"), [("features and logits", ".keras"), ("logits", ".keras"), ("logits", ".h5")]
)
def test_keras(tmp_path, outputs, ending):
    path = f"{tmp_path}/model{ending}"
    classifier(outputs=outputs).save(path)
    seen = embedding.load(path=path)
    assert (seen.name, seen.resize) == (f"model{ending}", "tf1_bilinear to 8x8")
    assert seen.hash == hashlib.sha256((tmp_path / f"model{ending}").read_bytes()).hexdigest()[:12]
    images = pictures()
    same(seen(images), expected(images))
    same(tf.function(seen)(tf.constant(images)), expected(images))


def exported(path, **kwargs):
    classifier(**kwargs).export(path, verbose=False)


def saved(path, **kwargs):
    tf.saved_model.save(classifier(**kwargs), path)


class Callable(tf.Module):
    """As modules on TF-Hub are: called, and without signatures."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def __call__(self, images):
        features = tf.reduce_mean(images, axis=[1, 2])
        return {"pool_3": features[:, None, None], "logits": self.scale * features}


@pytest.mark.parametrize("save", [exported, saved])
@pytest.mark.parametrize("outputs", ["features and logits", "pool_3 and logits"])
def test_saved_model(tmp_path, save, outputs):
    save(str(tmp_path / "model"), outputs=outputs)
    seen = embedding.load(path=f"{tmp_path}/model/")
    assert (seen.name, seen.resize) == ("model", "tf1_bilinear to 8x8")
    images = pictures()
    same(seen(images), expected(images))


def test_a_module_that_takes_images_of_any_size(tmp_path):
    tf.saved_model.save(Callable(), str(tmp_path))
    seen = embedding.load(path=str(tmp_path), input_range=(0.0, 1.0))
    assert seen.resize == "none"
    images = pictures(side=11)
    means = (images / np.float32(255)).mean(axis=(1, 2))
    same(seen(images), (means, 2 * means))


def test_the_hash_is_that_of_the_contents(tmp_path):
    tf.saved_model.save(Callable(), str(tmp_path / "one"))
    (tmp_path / "one").rename(tmp_path / "other")
    first = embedding.load(path=str(tmp_path / "other")).hash
    (tmp_path / "other").rename(tmp_path / "third")
    assert embedding.load(path=str(tmp_path / "third")).hash == first
    (tmp_path / "third" / "assets" / "more").write_text("x")
    assert embedding.load(path=str(tmp_path / "third")).hash != first


def inception(path, logits, *, old=False):
    """A graph of the nodes of the frozen Inceptions, made for a batch of one image; returns what it computes."""
    rng = np.random.default_rng(0)
    filters, weights = rng.normal(size=(7, 7, 3, 8)).astype("f4"), rng.normal(size=(8, 5)).astype("f4")
    norm = dict(zip(("mean", "variance", "beta", "gamma"), rng.uniform(0.5, 2, (4, 8)).astype("f4"), strict=True))
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.float32, [1, 299, 299, 3], name="DecodeJpeg/contents")
        images = tf.multiply(images - 128.0, 1 / 128, name="Mul")
        normed = tf.identity(tf.nn.conv2d(images, filters, 8, "SAME"), name="norm")
        pool = tf.reduce_mean(normed, [1, 2], keepdims=True, name="pool_3")
        product = tf.matmul(tf.reshape(pool, [1, 8]), tf.constant(weights), name="softmax/logits/MatMul")
        if logits != "softmax/logits/MatMul":
            product = tf.matmul(tf.reshape(pool, [-1, 8]), tf.constant(weights))
        tf.add(product, 1.0, name="softmax/logits" if "MatMul" in logits else logits)
    definition = graph.as_graph_def()
    nodes = {node.name: node for node in definition.node}
    if "MatMul" not in logits:
        nodes["softmax/logits/MatMul"].name = "dead"
    if old:
        definition.versions.producer = 8
        nodes["norm"].op = "BatchNormWithGlobalNormalization"
        for name, value in norm.items():
            constant = definition.node.add(name=name, op="Const")
            constant.attr["dtype"].type = tf.float32.as_datatype_enum
            constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
            nodes["norm"].input.append(name)
        nodes["norm"].attr["variance_epsilon"].f = 0.01
        nodes["norm"].attr["scale_after_normalization"].b = old == "scaled"
    path.write_bytes(definition.SerializeToString())

    def views(pixels):
        normed = tf.nn.conv2d((pixels - 128) / 128, filters, 8, "SAME")
        if old:
            scale = norm["gamma"] if old == "scaled" else 1
            normed = (normed - norm["mean"]) / np.sqrt(norm["variance"] + 0.01) * scale + norm["beta"]
        features = tf.reduce_mean(normed, [1, 2])
        return features, tf.matmul(features, weights) + (0.0 if "MatMul" in logits else 1.0)

    return views


@pytest.mark.parametrize(
    ("logits", "old"),
    [
        ("logits", False),
        ("softmax/logits", False),
        ("softmax/logits/MatMul", False),
        ("softmax/logits/MatMul", "scaled"),
        ("softmax/logits/MatMul", "unscaled"),
    ],
)
def test_frozen_inception(tmp_path, logits, old):
    """Also in graphs, and with the batch norm of 2015, which TensorFlow has dropped."""
    views = inception(tmp_path / "graph.pb", logits, old=old)
    seen = embedding.load(path=str(tmp_path / "graph.pb"))
    assert (seen.name, seen.resize) == ("graph.pb", "tf1_bilinear to 299x299")
    images = pictures(2, 20)
    resized = tf.compat.v1.image.resize_bilinear(images, (299, 299))
    for function in (seen, tf.function(seen)):
        for view, other in zip(function(tf.constant(images)), views(resized), strict=True):
            np.testing.assert_allclose(view, other, rtol=1e-4, atol=1e-4)


def test_resize(tmp_path):
    """Each as its namesake: TensorFlow 1, TensorFlow 2, Pillow; images of the model's size stay as they are."""
    path = str(tmp_path / "model.keras")
    images = keras.Input((8, 8, 1))
    keras.Model(
        images, {"features": layers.Flatten()(images), "logits": layers.Dense(2)(layers.Flatten()(images))}
    ).save(path)
    large = pictures(2, 24, 1)
    reached = {}
    for resize in ("tf1_bilinear", "bilinear", "antialiased"):
        seen = embedding.load(path=path, resize=resize, input_range=(0.0, 255.0))
        assert seen.resize == f"{resize} to 8x8"
        reached[resize] = seen(large).features.numpy().reshape(2, 8, 8)
        same(seen(pictures(2, 8, 1))[:1], [pictures(2, 8, 1).reshape(2, 64)])
    np.testing.assert_allclose(reached["tf1_bilinear"], large[:, ::3, ::3, 0])
    np.testing.assert_allclose(reached["bilinear"], large[:, 1::3, 1::3, 0])
    pillow = [np.asarray(Image.fromarray(image[..., 0]).resize((8, 8), Image.Resampling.BILINEAR)) for image in large]
    np.testing.assert_allclose(reached["antialiased"], pillow, atol=1.1)


def test_channels(tmp_path):
    classifier().save(str(tmp_path / "colour.keras"))
    gray = pictures(channels=1)
    same(embedding.load(path=str(tmp_path / "colour.keras"))(gray), expected(np.repeat(gray, 3, axis=-1)))
    classifier((8, 8, 1)).save(str(tmp_path / "gray.keras"))
    seen = embedding.load(path=str(tmp_path / "gray.keras"))
    same(seen(gray), expected(gray, (8, 8, 1)))
    with pytest.raises(jare_tf.InputError, match="takes images of 1 channels, not of 3: set path to a model"):
        seen(pictures())
    with pytest.raises(jare_tf.InputError, match=r"takes uint8 images .* not float32 \(4, 8, 8, 1\)"):
        seen(gray.astype(np.float32))


REPLICAS = """
import sys
import numpy as np, tensorflow as tf
from jare_tf.evaluation import embedding
from jare_tf.training import strategy

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)
devices = strategy.make("mirrored")
assert devices.num_replicas_in_sync == 2
for path in sys.argv[1:]:
    one = embedding.load(path=path)
    with devices.scope():
        two = embedding.load(path=path)
    part = lambda context: tf.constant(images[3 * context.replica_id_in_sync_group :][:3])
    halves = devices.experimental_distribute_values_from_function(part)
    for seen in (one, two):
        views = tf.function(lambda: devices.run(seen, [halves]))()
        joined = [tf.concat(devices.experimental_local_results(view), axis=0) for view in views]
        for view, other in zip(joined, one(images), strict=True):
            np.testing.assert_allclose(view, other, rtol=0, atol=1e-6)
"""


def test_two_replicas_see_what_one_sees(tmp_path):
    """Loaded within the strategy's scope or not."""
    classifier().save(str(tmp_path / "model.keras"))
    exported(str(tmp_path / "exported"))
    inception(tmp_path / "graph.pb", "softmax/logits/MatMul")
    paths = [tmp_path / name for name in ("model.keras", "exported", "graph.pb")]
    assert ended([start(tmp_path / "log", "-c", REPLICAS, *paths)], within=300) == [0], (tmp_path / "log").read_text()


def failing(outputs, **kwargs):
    return lambda folder: classifier(outputs=outputs, **kwargs).save(str(folder / "model.keras"))


def no_dense(folder):
    images = keras.Input((8, 8, 3))
    keras.Model(images, layers.GlobalAveragePooling2D()(images)).save(str(folder / "model.keras"))


def vectors(folder):
    keras.Sequential([keras.Input((8,)), layers.Dense(3)]).save(str(folder / "model.keras"))


def text(folder):
    (folder / "model.keras").write_text("no model")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (failing("unnamed"), "must give a dict of 'features' or 'pool_3', and 'logits', not list"),
        (failing("maps"), "must give features [n, d] and logits [n, k], not (2, 6, 6, 6) and (2, 5)"),
        (
            failing("logits", activation="softmax"),
            "the logits of model.keras are probabilities: remove its softmax",
        ),
        (no_dense, "has no Dense layer whose input its features could be"),
        (vectors, "does not take images: its inputs are [(None, 8)]"),
        (text, "cannot be read as a model: "),
    ],
)
def test_keras_models_that_cannot_be_used(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(jare_tf.InputError, match=f"^embedding.load: .*{re.escape(message)}") as raised:
        embedding.load(path=str(tmp_path / "model.keras"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nowhere.keras",
            "there is no .*/nowhere.keras: set path to .* such as tools/train_classifier.py makes",
        ),
        ("empty", "the folder .*/empty has no saved_model.pb: name the folder of a SavedModel"),
        ("picture.png", "picture.png is not a model: name a .keras, .h5 or .pb file or the folder of a SavedModel"),
        ("broken.pb", "broken.pb cannot be read as a model: "),
        ("other.pb", "other.pb is not a frozen Inception graph: it must have nodes Mul, pool_3 and logits"),
        ("exported", r"exported must give 'features' or 'pool_3', and 'logits', not \['output_0'\]"),
    ],
)
def test_what_is_no_model(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    for file in ("picture.png", "broken.pb"):
        (tmp_path / file).write_bytes(b"no model")
    (tmp_path / "other.pb").write_bytes(tf.Graph().as_graph_def().SerializeToString())
    if name == "exported":
        exported(str(tmp_path / "exported"), outputs="features alone")
    with pytest.raises(jare_tf.InputError, match=f"^embedding.load: .*{message}") as raised:
        embedding.load(path=str(tmp_path / name))
    assert "\n" not in str(raised.value)


def test_bad_arguments():
    with pytest.raises(jare_tf.InputError, match="input_range must be two numbers, not 1.0"):
        embedding.load(path="model.keras", input_range=1.0)
    with pytest.raises(jare_tf.InputError, match="must be 'tf1_bilinear', 'bilinear' or 'antialiased', not 'nearest'"):
        embedding.load(path="model.keras", resize="nearest")


def test_a_machine_without_network(monkeypatch, tmp_path):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    begin = time.monotonic()
    with pytest.raises(jare_tf.InputError, match="https://tfhub.dev/.* cannot be fetched: set path.*service not known"):
        embedding.load()
    assert time.monotonic() - begin < 30
    assert socket.getdefaulttimeout() is None


def test_the_cached_module_is_that_of_299_pixels(monkeypatch, tmp_path):
    """Without network, where $TFHUB_CACHE_DIR holds it under the name that TF-Hub gives it."""
    folder = tmp_path / hashlib.sha1(embedding.INCEPTION.encode()).hexdigest()
    tf.saved_model.save(Callable(), str(folder))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    seen = embedding.load()
    assert (seen.name, seen.resize) == ("tensorflow/tfgan/eval/inception/1", "tf1_bilinear to 299x299")
    assert seen(pictures()).logits.shape == (4, 3)
