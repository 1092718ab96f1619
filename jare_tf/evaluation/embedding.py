"""What a trained classifier sees in images: its last features and its logits, which scores are computed from."""

import hashlib
import os
import socket
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.errors import InputError, brief, one_line
from jare_tf.evaluation import frozen_inception
from jare_tf.settings import checked

INCEPTION = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
_ANY_SIZE = (128, 128)  # of the images that try a model which takes any
_SECONDS = 10.0  # that TF-Hub has to answer
_WHERE = "embedding.load"
_ADVICE = "set path to a model on this machine, such as tools/train_classifier.py makes"
_RESIZES = {
    "tf1_bilinear": lambda images, size: tf.raw_ops.ResizeBilinear(images=images, size=size),
    "bilinear": tf.image.resize,
    "antialiased": lambda images, size: tf.image.resize(images, size, antialias=True),
}


class Activations(NamedTuple):
    """features: float32 [n, d]; logits: float32 [n, k]."""

    features: tf.Tensor
    logits: tf.Tensor


class _Network(NamedTuple):
    """outputs: from float32 images to a dict of tensors; shape: (height, width, channels), None where any will do."""

    outputs: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    shape: tuple[int | None, int | None, int | None]


class Embedding:
    """From uint8 images [n, height, width, channels] to `Activations`, in inference mode, graphs and replicas too.

    Images of another size than the classifier's are resized, gray ones repeated in each of its three channels.

    Attributes:
      name: of the file, the folder or the TF-Hub module.
      hash: the first 12 hexadecimal digits of the SHA-256 of its contents.
      resize: "none" for a classifier of images of any size, else for instance "tf1_bilinear to 299x299"; images that
        have that size are left as they are.
      identity: all that what it sees depends on.
    """

    def __init__(self, network: _Network, *, name: str, digest: str, resize: str, input_range: tuple[float, float]):
        *size, self._channels = network.shape
        self._size = None if None in size else tuple(size)
        self._outputs, self._resize, self._range = network.outputs, _RESIZES[resize], input_range
        self.name, self.hash = name, digest
        self.resize = f"{resize} to {size[0]}x{size[1]}" if self._size else "none"
        self.identity = f"{digest}, {self.resize}, pixels from {input_range[0]:g} to {input_range[1]:g}"

    def __call__(self, images: tf.Tensor) -> Activations:
        images = tf.convert_to_tensor(images)
        if images.dtype != tf.uint8 or images.shape.rank != 4:
            raise InputError(
                f"an embedding takes uint8 images [n, height, width, channels], not {images.dtype.name} "
                f"{tuple(images.shape)}"
            )
        pixels = tf.cast(images, tf.float32)
        if self._size not in (None, tuple(images.shape[1:3])):
            pixels = self._resize(pixels, self._size)
        if (self._channels, images.shape[-1]) == (3, 1):
            pixels = tf.repeat(pixels, 3, axis=-1)
        elif self._channels not in (None, images.shape[-1]):
            raise InputError(
                f"the embedding {self.name} takes images of {self._channels} channels, not of {images.shape[-1]}: "
                f"{_ADVICE}"
            )
        low, high = self._range
        return _activations(self._outputs(low + (high - low) / 255 * pixels), self.name)

    def check(self) -> None:
        """Tries two images, on every replica of the strategy whose scope this is.

        Raises:
          InputError: the model does not take them, or gives no features [2, d] and logits [2, k].
        """
        images = tf.zeros([2, *(self._size or _ANY_SIZE), self._channels or 3], tf.uint8)
        devices = tf.distribute.get_strategy()
        run = tf.function(lambda: devices.run(self, [images]), autograph=False)  # a TPU runs nothing else
        try:
            views = Activations(*(devices.experimental_local_results(view)[0] for view in run()))
        except InputError:
            raise
        except Exception as error:  # a model raises whatever it comes upon
            raise InputError(
                f"{_WHERE}: {self.name} does not take images of shape {tuple(images.shape[1:])}: {one_line(error)}"
            ) from error
        if (views.features.shape[0], views.logits.shape[0]) != (2, 2):
            raise InputError(f"{_WHERE}: {self.name} does not take batches: its outputs for two images are not two")
        logits = views.logits.numpy()
        if np.all(logits >= 0) and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
            raise InputError(f"{_WHERE}: the logits of {self.name} are probabilities: remove its softmax")


@checked
def load(
    *,
    path: str | None = None,
    resize: Literal["tf1_bilinear", "bilinear", "antialiased"] = "tf1_bilinear",
    input_range: Annotated[tuple[float, float], "two numbers"] = (-1.0, 1.0),
) -> Embedding:
    """The classifier that scores see images through; under a `tf.distribute` strategy's scope, one for its replicas.

    Args:
      path: a Keras model (.keras, .h5), which gives {"features": [n, d], "logits": [n, k]}, or logits alone; then its
        features are what the last Dense layer takes. Or the folder of a SavedModel that gives a dict of "features" or
        "pool_3", and "logits". Or a frozen Inception graph (.pb, see `frozen_inception.read`). By default the Inception
        graph of TF-GAN from TF-Hub, which needs a network or a filled $TFHUB_CACHE_DIR.
      resize: how images get the size that the model takes: "tf1_bilinear" (pixel i of the result lies at i · old/new
        of the image, as in Inception's own graph), "bilinear" (at (i + ½) · old/new − ½) or "antialiased" (there, with
        a wider filter where it shrinks, as Pillow does). They give different scores.
      input_range: what pixels 0 and 255 become; unused for a frozen graph.

    Raises:
      InputError: there is no such model, it is none, it gives something else or cannot be fetched; or the other
        arguments make no sense.
    """
    where = _fetched(INCEPTION) if path is None else os.path.expanduser(path).rstrip("/")
    if not tf.io.gfile.exists(where):
        raise InputError(f"{_WHERE}: there is no {where}: {_ADVICE}")
    name = os.path.basename(where) if path else INCEPTION.removeprefix("https://tfhub.dev/")
    read, frozen = _reader(where), where.endswith(".pb")
    try:
        network = read(where)
    except InputError:
        raise
    except Exception as error:  # readers of broken files raise whatever they come upon
        raise InputError(f"{_WHERE}: {where} cannot be read as a model: {one_line(error)}") from error
    if path is None:
        network = network._replace(shape=(*frozen_inception.SIZE, 3))
    used_range = frozen_inception.INPUT_RANGE if frozen else input_range
    embedding = Embedding(network, name=name, digest=_digest(where), resize=resize, input_range=used_range)
    embedding.check()
    return embedding


def _activations(outputs: dict[str, tf.Tensor], name: str) -> Activations:
    """The features and logits among the outputs of a model."""
    tensors = outputs if isinstance(outputs, dict) else {}
    features, logits = tensors.get("features", tensors.get("pool_3")), tensors.get("logits")
    if features is None or logits is None:
        given = sorted(tensors) or type(outputs).__name__
        raise InputError(f"{_WHERE}: {name} must give a dict of 'features' or 'pool_3', and 'logits', not {given}")
    if features.shape.rank == 4 and tuple(features.shape[1:3]) == (1, 1):
        features = features[:, 0, 0]
    if (features.shape.rank, logits.shape.rank) != (2, 2):
        shapes = f"{tuple(features.shape)} and {tuple(logits.shape)}"
        raise InputError(f"{_WHERE}: {name} must give features [n, d] and logits [n, k], not {shapes}")
    return Activations(tf.cast(features, tf.float32), tf.cast(logits, tf.float32))


def _reader(path: str) -> Callable[[str], _Network]:
    """What reads a model of this kind."""
    if tf.io.gfile.isdir(path):
        if not tf.io.gfile.exists(f"{path}/saved_model.pb"):
            raise InputError(f"{_WHERE}: the folder {path} has no saved_model.pb: name the folder of a SavedModel")
        return _saved_model
    readers = {".keras": _keras, ".h5": _keras, ".pb": _frozen}
    kind = os.path.splitext(path)[1]
    if kind not in readers:
        raise InputError(
            f"{_WHERE}: {path} is not a model: name a .keras, .h5 or .pb file or the folder of a SavedModel"
        )
    return readers[kind]


def _keras(path: str) -> _Network:
    model = keras.saving.load_model(path, compile=False)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise InputError(f"{_WHERE}: {path} does not take images: its inputs are {[i.shape for i in model.inputs]}")
    if len(model.outputs) == 1:
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        if not dense:
            raise InputError(f"{_WHERE}: {path} has no Dense layer whose input its features could be")
        model = keras.Model(model.inputs, {"features": dense[-1].input, "logits": model.outputs[0]})
    return _Network(lambda images: model(images, training=False), tuple(model.inputs[0].shape[1:]))


def _saved_model(path: str) -> _Network:
    with files.without_pattern(path) as plain:
        model = tf.saved_model.load(plain)
    signature = model.signatures.get("serving_default")
    if signature is not None and {"features", "pool_3"} & set(signature.structured_outputs):
        _, inputs = signature.structured_input_signature
        name, spec = next(iter(inputs.items()))
        return _Network(lambda images: model.signatures["serving_default"](**{name: images}), _image_shape(spec))
    if not callable(model):
        given = sorted(signature.structured_outputs) if signature is not None else "no signature 'serving_default'"
        raise InputError(f"{_WHERE}: {path} must give 'features' or 'pool_3', and 'logits', not {given}")
    variants = getattr(model.__call__, "concrete_functions", None)
    return _Network(model, _image_shape(variants[0].structured_input_signature[0][0] if variants else None))


def _image_shape(spec: tf.TensorSpec | None) -> tuple[int | None, int | None, int | None]:
    """(height, width, channels) of what a function takes, as far as it says."""
    return tuple(spec.shape[1:]) if spec is not None and spec.shape.rank == 4 else (None, None, None)


def _frozen(path: str) -> _Network:
    return _Network(frozen_inception.read(path), (*frozen_inception.SIZE, 3))


def _fetched(url: str) -> str:
    """The folder of a TF-Hub module: the cached one, or fetched within seconds or not at all."""
    import tensorflow_hub  # here, because it takes seconds and only the default embedding needs it

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)
    try:
        return tensorflow_hub.resolve(url)
    except Exception as error:  # network libraries raise whatever they come upon
        raise InputError(f"{_WHERE}: {url} cannot be fetched: {_ADVICE} ({brief(error)})") from error
    finally:
        socket.setdefaulttimeout(before)


def _digest(path: str) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a file, or of all names and files in a folder."""
    digest = hashlib.sha256()
    paths = [path]
    if tf.io.gfile.isdir(path):
        paths = sorted(os.path.join(top, name) for top, _, names in tf.io.gfile.walk(path) for name in names)
    for name in paths:
        digest.update(name.removeprefix(path).encode())
        for chunk in files.chunks(name):
            digest.update(chunk)
    return digest.hexdigest()[:12]
