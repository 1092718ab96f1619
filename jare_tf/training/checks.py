"""What a GAN asks of its networks, loss and penalties, looked at before it trains."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError, brief, shown
from jare_tf.game.networks import batch_norm
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose
from jare_tf.game.networks.dense import Dense
from jare_tf.types import Players

_OF_SHAPE = ("Identity", "Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose", "StridedSlice")
_BIASED = (Dense, Conv2D, Conv2DTranspose)
_SAMPLES = 2  # of one alone nobody sees whether it is a batch


def check_parts(networks: Players, latent_dim: int, loss: Callable, penalties: Sequence[Callable]) -> tf.TensorShape:
    """Builds both networks, and calls the loss and the penalties once; the shape of one sample.

    Raises:
      InputError: one of them is not what it should be, or they do not fit together.
    """
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            "GAN: images have their channels last here, and Keras is set to channels_first: call "
            "keras.config.set_image_data_format('channels_last') before networks are made"
        )
    discriminator, generator = networks
    wrong = f"the generator {generator.name!r} does not take latent_dim = {latent_dim}"
    fake = _called(wrong, generator, tf.zeros([_SAMPLES, latent_dim]))
    _check_batch(f"the generator {generator.name!r}", "samples", fake)
    wrong = f"the discriminator {discriminator.name!r} does not take what the generator makes"
    logits = _called(f"{wrong}, shape {tuple(fake.shape[1:])}", discriminator, fake)
    _check_batch(f"the discriminator {discriminator.name!r}", "logits", logits)
    check_trainable(networks)
    losses = _called("GAN: loss must take the logits of real and of generated samples", loss, logits, logits)
    if not isinstance(losses, Players) or any(tf.rank(one) != 0 for one in losses):
        raise InputError(f"GAN: loss must give Players of two scalars, not {shown(losses)}")
    for penalty in penalties:
        wrong = "GAN: penalty must take the discriminator and real and generated samples"
        added = _called(wrong, penalty, lambda samples: discriminator(samples, training=False), fake, fake)
        if tf.rank(added) != 0:
            raise InputError(f"GAN: penalty must give a scalar, not {shown(added)}")
    return fake.shape[1:]


def check_trainable(networks: Players) -> None:
    """Raises InputError unless both networks have something to train, all of it in one precision."""
    kinds: dict[str, str] = {}
    for player, network in networks._asdict().items():
        if not network.trainable_variables:
            raise InputError(f"the {player} {network.name!r} has nothing to train: set {player}.trainable = True")
        kinds |= {variable.dtype: f"{player}'s {variable.path}" for variable in network.trainable_variables}
    if len(kinds) > 1:
        each = ", ".join(f"{variable} is {dtype}" for dtype, variable in kinds.items())
        raise InputError(f"GAN: the parameters of both networks must be of one precision: {each}")


def warn_of_layers(
    networks: Players, sample_shape: Sequence[int | None], rule: Rule, penalties: Sequence[Callable]
) -> None:
    """Warns of what Keras has and is wrong here: probabilities for logits, layers with wrong derivatives."""
    if last_operation(networks.discriminator, sample_shape) in ("Sigmoid", "Softmax"):
        name = networks.discriminator.name
        _warn(f"the discriminator {name!r} ends in a sigmoid, whose probabilities are taken for logits: leave it out")
    twice = bool(penalties) or rule.differentiates_twice
    for player, network in networks._asdict().items():
        found: dict[tuple[str, str, str], list[str]] = {}
        for layer in network._flatten_layers():
            if wrong := (twice and _wrong_twice(layer)) or _wrong_in_bfloat16(layer):
                found.setdefault((type(layer).__name__, *wrong), []).append(repr(layer.name))
        for (kind, what, instead), names in found.items():
            _warn(
                f"the {player} has {', '.join(names)} of keras.layers.{kind}, {what}, and with it this training: take "
                f"{instead}"
            )


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=6)  # where a GAN is made


def last_operation(network: keras.Model, input_shape: Sequence[int | None]) -> str:
    """TensorFlow's name of the operation at a network's end, such as "Tanh", but for those that only reshape.

    It is looked for in the graph, so that a function in a `call` is found as well as a layer. "" of a network that has
    none, since it runs eagerly alone.
    """
    traced = tf.function(lambda inputs: network(inputs, training=False), autograph=False)
    try:
        (output,) = traced.get_concrete_function(tf.TensorSpec([None, *input_shape])).graph.outputs
    except Exception:  # it may be of any kind; `check_parts` has called the network without one
        return ""
    while output.op.type in _OF_SHAPE:
        output = output.op.inputs[0]
    return output.op.type


def _wrong_twice(layer: keras.layers.Layer) -> tuple[str, str] | None:
    """What is wrong in a layer of Keras under a second derivative, and what this package has instead."""
    wrong = "whose second derivative is wrong"
    if isinstance(layer, keras.layers.SpectralNormalization):
        return wrong, "the layers of jare_tf.networks.spectral_norm"
    if isinstance(layer, keras.layers.BatchNormalization) and not isinstance(layer, batch_norm.BatchNormalization):
        return wrong, "jare_tf.networks.batch_norm.BatchNormalization, which has the same arguments"
    return None


def _wrong_in_bfloat16(layer: keras.layers.Layer) -> tuple[str, str] | None:
    """What is wrong in a layer of Keras with a bias in bfloat16 on a CPU, see `dense.add_bias`."""
    if layer.compute_dtype != "bfloat16" or getattr(layer, "bias", None) is None or not _on_cpu():
        return None
    if type(layer).__module__.startswith("jare_tf."):
        return None
    ours = {one.in_keras: f"jare_tf.networks.{one.__module__.rsplit('.', 1)[1]}.{one.__name__}" for one in _BIASED}
    instead = ours.get(type(layer), "it without a bias, or with dtype='float32'")
    return "whose bias has a wrong gradient in bfloat16 on a CPU", instead


def _on_cpu() -> bool:
    return not tf.config.list_logical_devices("GPU") and not tf.config.list_logical_devices("TPU")


def _check_batch(network: str, what: str, made: Any) -> None:
    if not tf.is_tensor(made):
        raise InputError(f"{network} must make one tensor of {what}, not {shown(made)}")
    if made.shape.rank == 0 or made.shape[0] != _SAMPLES:
        raise InputError(f"{network} must make {what} [n, ...] of n inputs, not {tuple(made.shape)} of {_SAMPLES}")
    if not made.dtype.is_floating:
        raise InputError(f"{network} must make floating-point {what}, not {made.dtype.name}")


def _called(wrong: str, function: Callable, *args: Any) -> Any:
    """What a function of the user's gives; an error in it begins with `wrong`."""
    try:
        return function(*args)
    except InputError:
        raise
    except Exception as error:  # it may be of any kind
        raise InputError(f"{wrong} ({type(error).__name__}: {brief(error)})") from error
