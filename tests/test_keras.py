"""What a Keras user does with `GAN`, call by call: each works, or ends in one line that says what to do."""

import copy
import json
import pickle
import re
import subprocess
import sys
import textwrap
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import jare_tf
from jare_tf import callbacks, data, evaluation, losses, networks, rules
from jare_tf.data import draws, latent
from jare_tf.game import precision
from jare_tf.training import optimizers
from jare_tf.training.two_player_model import METRICS

X = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
SCALED = (IMAGES / 127.5 - 1).astype("float32")


def generator(*last):
    """With names of its own: TensorFlow adds up in an order of names, and Keras numbers layers through a process."""
    own = layers.Dense(8, activation="tanh", name="hidden"), layers.Dense(2, name="sample")
    return keras.Sequential([keras.Input((4,)), *own, *last], name="g")


def discriminator(*last, activation=None):
    own = layers.Dense(8, activation="tanh", name="inner"), layers.Dense(1, activation=activation, name="logit")
    return keras.Sequential([keras.Input((2,)), *own, *last], name="d")


def made(g=None, d=None, **given):
    given = {"rule": jare_tf.jare(1.0), "loss": jare_tf.NonSaturating(), "latent_dim": 4, **given}
    return jare_tf.GAN(g or generator(), d or discriminator(), **given)


def gan(g=None, d=None, optimizer=keras.optimizers.Adam, **given):
    model = made(g, d, **given)
    model.compile(optimizer(1e-3), optimizer(1e-3))
    return model


def of_images(activation="tanh", **given):
    g = keras.Sequential([keras.Input((4,)), layers.Dense(64, activation=activation), layers.Reshape((8, 8, 1))])
    d = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)])
    return gan(g, d, **given)


def state(model):
    of_players = [variable for optimizer in model.optimizers for variable in optimizer.variables]
    return [np.asarray(one) for one in (*model.weights, *of_players)]


def same(one, other):
    """Whether weights, both optimizers, memory, average and step are the same: to the bit, where TensorFlow repeats so.

    Of these rules it adds up the same numbers in the order in which they come from several threads.
    """
    loose = isinstance(one.rule, jare_tf.symplectic_gradient_adjustment | jare_tf.unrolled)
    equal = (lambda a, b: np.allclose(a, b, rtol=1e-4, atol=1e-7)) if loose else np.array_equal
    return all(equal(a, b) for a, b in zip(state(one), state(other), strict=True))


def goes_on(model, **given):
    return model.fit(X, batch_size=5, shuffle=False, verbose=0, **given)


def refused(message):
    return pytest.raises(jare_tf.InputError, match=message)


# 1. The networks


class Plain(keras.Model):
    """A network of a user's own, which leaves `training` to Keras."""

    def __init__(self, units, normalization=False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.normalization = units, normalization
        self.hidden, self.outputs_ = layers.Dense(8), layers.Dense(units)
        self.norm = networks.batch_norm.BatchNormalization() if normalization else layers.Dropout(0.0)

    def call(self, x):
        return self.outputs_(self.norm(self.hidden(x)))

    def get_config(self):
        return {"units": self.units, "normalization": self.normalization}


class Explicit(Plain):
    """Another one, which hands `training` on."""

    def call(self, x, training=None):
        return self.outputs_(self.norm(self.hidden(x), training=training))


HANDS_ON = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 10)  # Keras, to the layers in a `call` without it


@pytest.mark.parametrize(
    "kind", [pytest.param(Plain, marks=pytest.mark.skipif(not HANDS_ON, reason="an old Keras")), Explicit]
)
def test_k1_k2_subclassed_networks(kind):
    model = gan(kind(2, normalization=True), kind(1))
    goes_on(model)
    assert np.abs(model.generator.norm.moving_mean).max() > 0  # batch norm was in training mode


class Odd(keras.Model):
    """A discriminator with outputs of another structure."""

    def __init__(self, outputs):
        super().__init__()
        self.inner, self.outputs_of = layers.Dense(1), outputs

    def call(self, x):
        return self.outputs_of(self.inner(x))


class Eager(Plain):
    """A network that no graph can be made of."""

    def call(self, x):
        return super().call(x) + 0 * x.numpy()[:, :1]


def test_a_network_that_runs_eagerly_alone():
    model = made(d=Eager(1))
    model.compile("sgd", "sgd", run_eagerly=True)
    goes_on(model)
    assert model.step == 4


def frozen(network):
    network.trainable = False
    return network


DOUBLE = layers.Dense(1, dtype="float64")


@pytest.mark.parametrize(
    ("g", "d", "message"),
    [
        (None, lambda: Odd(lambda y: [y, y]), "the discriminator 'odd.*' must make one tensor of logits, not \\[<tf"),
        (None, lambda: Odd(lambda y: {"a": y}), "must make one tensor of logits, not {'a'"),
        (None, lambda: Odd(tf.reduce_mean), r"must make logits \[n, ...\] of n inputs, not \(\) of 2"),
        (None, lambda: Odd(lambda y: y[:1]), r"must make logits \[n, ...\] of n inputs, not \(1, 1\) of 2"),
        (None, lambda: Odd(lambda y: y > 0), "must make floating-point logits, not bool"),
        (lambda: Odd(lambda y: (y, y)), None, "the generator 'odd.*' must make one tensor of samples"),
        (None, lambda: frozen(discriminator()), "has nothing to train: set discriminator.trainable = True"),
        (lambda: frozen(generator()), None, "has nothing to train: set generator.trainable = True"),
        (
            lambda: keras.Sequential([layers.Identity()]),
            lambda: keras.Sequential([layers.Dense(1)]),
            "nothing to train",
        ),
        (None, lambda: keras.Sequential([layers.Dense(4), DOUBLE]), "of one precision: .* is float32, .* is float64"),
        (lambda: keras.Sequential([layers.Dense(3)]), discriminator, "does not take what the generator makes, shape"),
        (lambda: keras.Sequential([keras.Input((7,)), layers.Dense(2)]), None, "does not take latent_dim = 4"),
        (lambda: lambda z: z, None, "GAN: generator must be a keras.Model, .* not <lambda>"),
    ],
)
def test_k3_networks_that_cannot_play(g, d, message):
    with refused(message) as error:
        made(g() if g else None, d() if d else None)
    assert "\n" not in str(error.value)


def test_k3_a_network_that_is_frozen_later():
    model = made()
    model.discriminator.trainable = False
    with refused("has nothing to train"):
        model.compile("adam", "adam")
    model = gan()
    model.generator.trainable = False
    with refused("has nothing to train"):
        goes_on(model)


@pytest.mark.parametrize("rule", [jare_tf.sim_gd(), jare_tf.jare(1.0)], ids=repr)
def test_k4_a_player_that_no_gradient_reaches(rule):
    model = gan(generator(layers.Lambda(tf.stop_gradient)), rule=rule)
    with refused("^no gradient of its loss reaches the generator: something in it"):
        goes_on(model)


@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_k5_a_discriminator_that_gives_probabilities(last):
    with pytest.warns(UserWarning, match="ends in a sigmoid, whose probabilities are taken for logits: leave it out"):
        made(d=discriminator(activation=last))
    with pytest.warns(UserWarning, match="ends in a sigmoid"):
        made(d=discriminator(layers.Activation(last)))
    with pytest.warns(UserWarning, match="ends in a sigmoid"):
        made(d=Odd(lambda logits: getattr(keras.ops, last)(logits)[:, 0]))
    with pytest.warns(UserWarning, match="ends in a sigmoid") as said:
        made(d=keras.Sequential([keras.Input((2,)), discriminator(activation=last)]))
    assert [one.filename for one in said if "probabilities" in str(one.message)] == [__file__]


@pytest.mark.parametrize(
    ("layer", "instead"),
    [
        (
            layers.BatchNormalization,
            "take jare_tf.networks.batch_norm.BatchNormalization, which has the same arguments",
        ),
        (lambda: layers.SpectralNormalization(layers.Dense(2)), "take the layers of jare_tf.networks.spectral_norm"),
    ],
)
def test_k6_layers_whose_second_derivative_is_wrong(layer, instead):
    network = lambda: keras.Sequential([keras.Input((2,)), keras.Sequential([layer()]), layer(), layers.Dense(1)])
    for given in (
        {},
        {"rule": jare_tf.sim_gd(), "penalty": jare_tf.R1()},
        {"rule": jare_tf.lazy(jare_tf.jare(1.0), 2)},
    ):
        with pytest.warns(UserWarning, match=f"the discriminator has '.*' of keras.layers.*{instead}") as said:
            made(d=network(), **given)
        assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rule in (jare_tf.sim_gd(), jare_tf.jare(0.0), jare_tf.extragradient(0.1), jare_tf.optimistic()):
            made(d=network(), rule=rule)
        made(d=keras.Sequential([keras.Input((2,)), networks.batch_norm.BatchNormalization(), layers.Dense(1)]))


@pytest.mark.parametrize(
    ("layer", "instead"),
    [
        (lambda: layers.Dense(1), "take jare_tf.networks.dense.Dense"),
        (
            lambda: layers.EinsumDense("ab,bc->ac", 1, bias_axes="c"),
            "take it without a bias, or with dtype='float32'",
        ),
        (lambda: networks.dense.Dense(1), None),
        (lambda: layers.Dense(1, use_bias=False), None),
        (lambda: layers.Dense(1, dtype="float32"), None),
    ],
)
def test_k6_biases_in_bfloat16(layer, instead):
    """TensorFlow sums the gradient of a bias in bfloat16 on a CPU."""
    with precision.policy("mixed_bfloat16"):
        network = keras.Sequential([keras.Input((2,)), layer()])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made(d=network, rule=jare_tf.sim_gd())
    message = f"the discriminator has '.*' of keras.layers.*, whose bias has a wrong gradient in bfloat16.*{instead}"
    assert len(said) == bool(instead)
    assert all(re.match(message, str(one.message)) for one in said)


def test_k7_channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        with refused("images have their channels last here, and Keras is set to channels_first: call keras.config"):
            made()
    finally:
        keras.config.set_image_data_format("channels_last")


# 2. The constructor


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("rule", jare_tf.jare, "rule must be an update rule such as jare.gamma=100.0., with parentheses, not jare"),
        ("rule", "jare", "rule must be an update rule such as .*, not 'jare'"),
        ("rule", 10.0, "rule must be an update rule"),
        ("loss", jare_tf.Minimax, "loss must be a loss such as NonSaturating.., with parentheses, not Minimax"),
        ("loss", "hinge", "loss must be a loss such as NonSaturating.., not 'hinge'"),
        ("loss", lambda real, fake: tf.reduce_mean(real), "loss must give Players of two scalars, not <tf.Tensor"),
        ("penalty", jare_tf.R1, "penalty must be a penalty such as R1.10.0."),
        ("penalty", [jare_tf.R1(), "R2"], "penalty must be a penalty such as R1.10.0."),
        ("penalty", lambda discriminator, real, fake: real, "penalty must give a scalar"),
        ("schedule", jare_tf.Alternating, "schedule must be a schedule such as Alternating.."),
        ("latent_prior", "normal", "latent_prior must be a prior such as Normal.."),
        ("seed", None, "seed must be an integer"),
        ("latent_dim", 4.0, "latent_dim must be an integer"),
        ("latent_dim", True, "latent_dim must be an integer"),
        ("average_decay", 1.0, "average_decay must be a finite number, at least 0 and below 1"),
    ],
)
def test_k8_to_k10_arguments_of_another_kind(argument, value, message):
    with refused(f"^GAN: {message}"):
        made(**{argument: value})


def test_k11_parts_are_values():
    for make in (jare_tf.Simultaneous, jare_tf.Alternating, jare_tf.Minimax, jare_tf.R1, latent.Normal, jare_tf.sim_gd):
        assert make() == make() and hash(make()) == hash(make()) and "0x" not in repr(make())


def test_k12_arguments_of_parts_go_by_place_and_by_name():
    assert jare_tf.jare(10.0) == jare_tf.jare(gamma=10.0)
    assert jare_tf.R1(10.0) == jare_tf.R1(weight=10.0)
    assert jare_tf.extragradient(0.1) == jare_tf.extragradient(step=0.1)


def test_k14_namespaces():
    for name in ("callbacks", "data", "evaluation", "losses", "networks", "rules", "theory"):
        assert getattr(jare_tf, name).__name__ == f"jare_tf.{name}"


# 3. compile


def test_k15_optimizers_by_name_and_by_configuration():
    model = made()
    model.compile("adam", {"class_name": "SGD", "config": {"learning_rate": 0.5}})
    goes_on(model)
    assert [type(one).__name__ for one in model.optimizers] == ["Adam", "SGD"]
    assert float(model.generator_optimizer.learning_rate) == 0.5


def test_k16_to_k18_arguments_of_compile():
    one = keras.optimizers.Adam()
    with refused("both players have one optimizer: make one for each"):
        made().compile(one, one)
    with refused("'adamm' is not a Keras optimizer"):
        made().compile("adamm", "adam")
    for given in (
        {"d_optimizer": "adam", "g_optimizer": "adam", "loss_fn": "bce"},
        {"optimizer": "adam"},
        {"discriminator_optimizer": "adam", "generator_optimizer": "adam", "metrics": ["accuracy"]},
        {"discriminator_optimizer": "adam", "generator_optimizer": "adam", "loss": "mse"},
    ):
        with refused("GAN.compile takes discriminator_optimizer and generator_optimizer") as error:
            made().compile(**given)
        assert all(name in str(error.value) for name in given)
    with refused("^GAN.compile: generator_optimizer missing: each player has an optimizer of its own"):
        made().compile("adam")


@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"steps_per_execution": 2}, {"jit_compile": True}])
def test_k18_how_keras_runs_a_step(how):
    plain, other = gan(optimizer=keras.optimizers.SGD), made()
    other.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-3), **how)
    for model in (plain, other):
        goes_on(model)
        model.evaluate(X, verbose=0)
    assert other.step == 4


def test_k20_the_remapper_is_off_unless_it_was_set():
    made()
    assert tf.config.optimizer.get_experimental_options()["remapping"] is False
    tf.config.optimizer.set_experimental_options({"remapping": True})
    made()
    assert tf.config.optimizer.get_experimental_options()["remapping"] is True
    tf.config.optimizer.set_experimental_options({"remapping": False})


def test_k21_an_optimizer_of_another_model(monkeypatch):
    optimizer = keras.optimizers.SGD(0.1)
    model = made()
    model.compile(optimizer, "sgd")
    goes_on(model)
    with monkeypatch.context() as patched:
        patched.setattr(keras.optimizers.SGD, "_all_reduce_sum_gradients", lambda self, pairs: "summed")
        assert optimizer._all_reduce_sum_gradients([]) == "summed"  # as before it was here
    model.compile(optimizer, "sgd")
    with refused("discriminator_optimizer trains another network already: make a new one"):
        made().compile(optimizer, "sgd")
    with refused("LossScaleOptimizer divides gradients of losses that were not multiplied"):
        made().compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "sgd")


# 4. fit, evaluate, callbacks


def as_dataset(array):
    return tf.data.Dataset.from_tensor_slices(array).batch(4)


def as_generator(array):
    yield from (array[start : start + 4] for start in range(0, 12, 4))


class AsPyDataset(keras.utils.PyDataset):
    def __init__(self, array):
        super().__init__()
        self.array = array

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return (self.array[4 * index : 4 * index + 4],)


FORMS = [np.asarray, tf.convert_to_tensor, as_dataset, as_generator, AsPyDataset]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("pixels", "activation", "message"),
    [
        (IMAGES.astype("float32"), "tanh", "with values from .* to 255: give uint8 pixels 0 ... 255, or float32 in"),
        (IMAGES.astype("float32") / 255, "tanh", "from 0.* to 1, and the generator makes .−1, 1.: give 2 . images - 1"),
        (IMAGES.astype("int32") - 128, "tanh", "with values from -128 to 127: pixels are 0 ... 255"),
        (IMAGES > 128, "tanh", "images of bool: give uint8"),
        (IMAGES, "sigmoid", "the generator makes .0, 1.: give images / 255"),
        (SCALED, "sigmoid", "from -1 to 1: give uint8 .*, or images / 255"),
    ],
)
def test_k22_images_in_another_range(form, pixels, activation, message):
    model = of_images(activation)
    pixels = pixels if pixels.min() != 0 or pixels.dtype.kind == "b" else np.maximum(pixels, 0)
    if form is as_dataset and pixels.dtype == np.uint8:
        pytest.skip("bytes of a data set are not read in advance")
    with refused(message):
        model.fit(form(pixels), verbose=0)
    assert model.step == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pixels", [IMAGES, SCALED, *(IMAGES.astype(kind) for kind in ("int16", "int32", "int64"))])
def test_k22_images_as_they_should_be(form, pixels):
    model = of_images()
    model.compile("sgd", "sgd", run_eagerly=True)
    model.fit(form(pixels), verbose=0)
    assert model.step > 0
    seen = model.batch(tf.convert_to_tensor(pixels), 0).real
    np.testing.assert_allclose(seen, SCALED, atol=1e-6)


def test_k22_points_stay_as_they_are():
    batch = gan().batch(tf.constant([[-3, 2], [0, 1]]), 0)
    assert batch.real.numpy().tolist() == [[-3.0, 2.0], [0.0, 1.0]]


def test_k23_batches_that_are_no_tensor():
    with refused("not a dict with the keys 'image', 'label': take them out of it, as dataset.map"):
        of_images().fit(as_dataset({"image": IMAGES, "label": np.zeros(12)}), verbose=0)
    of_images().fit(as_dataset((IMAGES, np.zeros(12))), verbose=0)  # labels are ignored
    for several in (list(SCALED), {"image": SCALED}, (SCALED, np.zeros(12))):
        with refused("x must be one array, tensor or data set of real samples, not a (list|dict|tuple)$"):
            of_images().fit(several, verbose=0)
    with refused("the real samples have shape .8, 1., .* this is one sample: give batches, as dataset.batch"):
        of_images().fit(tf.data.Dataset.from_tensor_slices(SCALED), verbose=0)


def test_k24_one_learning_rate_for_two_players():
    model = made()
    model.compile(keras.optimizers.SGD(0.4), keras.optimizers.SGD(0.1))
    both = model.optimizer
    assert isinstance(both, optimizers.BothOptimizers) and both.built and int(both.iterations) == 0
    assert [one.name for one in both.optimizers] == ["discriminator", "generator"] == list(both.get_config())
    both.learning_rate = 0.05
    np.testing.assert_allclose([float(one.learning_rate) for one in model.optimizers], [0.2, 0.05])
    both.learning_rate = 0.0
    both.learning_rate = 0.3
    np.testing.assert_allclose([float(one.learning_rate) for one in model.optimizers], [0.3, 0.3])


RATES = {"learning_rate_discriminator", "learning_rate_generator"}


def test_k24_callbacks_that_set_learning_rates(tmp_path):
    model = gan(optimizer=keras.optimizers.SGD)
    halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = goes_on(model, epochs=3, callbacks=[halved]).history
    np.testing.assert_allclose([float(one.learning_rate) for one in model.optimizers], 1e-3 / 8)
    plateau = keras.callbacks.ReduceLROnPlateau("loss/generator", mode="min", patience=1, min_delta=9.0)
    board = keras.callbacks.TensorBoard(str(tmp_path), write_steps_per_second=True, histogram_freq=1)
    history = goes_on(model, epochs=3, callbacks=[plateau, board], validation_data=X).history
    assert set(history) >= RATES or "learning_rate" in history  # of Keras before it knew of several optimizers
    np.testing.assert_allclose([float(one.learning_rate) for one in model.optimizers], 1e-3 / 800, rtol=1e-5)
    assert list(tmp_path.glob("train/events*")) and list(tmp_path.glob("validation/events*"))


def test_k25_an_average_that_nobody_reads():
    with refused("use_ema has no effect here: set average_decay"):
        made().compile(keras.optimizers.Adam(use_ema=True), "adam")


def test_k26_numbers_that_are_not_finite():
    model = gan()
    history = model.fit(X * np.nan, epochs=3, batch_size=5, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1 and model.step == 1
    with pytest.raises(
        jare_tf.NotFiniteError, match="the loss of one of the players is not finite any more; a smaller .* if all real"
    ):
        gan().fit(X * np.nan, epochs=3, batch_size=5, verbose=0)
    with refused("images with numbers that are not finite"):
        of_images().fit(SCALED * np.nan, verbose=0)


def test_k27_logs_are_means_over_the_epoch():
    one, other = gan(optimizer=keras.optimizers.SGD), gan(optimizer=keras.optimizers.SGD)
    other.set_weights(one.get_weights())
    history = one.fit(X[:17], batch_size=5, shuffle=False, epochs=2, verbose=0).history
    assert set(history) == {"loss", *METRICS}
    batches = [X[:17][start : start + 5] for start in range(0, 17, 5)]
    for epoch in range(2):
        steps = [other.update([tf.constant(batch)]) for batch in batches]
        for tag in METRICS:
            mean = np.average([float(step[tag]) for step in steps], weights=[5, 5, 5, 2])
            np.testing.assert_allclose(history[tag][epoch], mean, rtol=1e-4, atol=1e-7)
        both = history["loss/discriminator"][epoch] + history["loss/generator"][epoch]
        np.testing.assert_allclose(history["loss"][epoch], both, rtol=1e-5)


def test_k27_fit_is_train_on_batch():
    """Steps of `fit` are those of `train_on_batch`, to the bit."""
    one, other = gan(), gan()
    other.set_weights(one.get_weights())
    goes_on(one)
    for start in range(0, 20, 5):
        other.train_on_batch(X[start : start + 5])
    assert same(one, other)


def test_k28_held_out_samples():
    model = gan(loss=jare_tf.Minimax(), penalty=jare_tf.R1(0.5))
    first = model.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    assert first == model.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    assert list(first) == ["loss", "loss/discriminator", "loss/generator"]
    np.testing.assert_allclose(first["loss"], first["loss/discriminator"] + first["loss/generator"], atol=1e-6)
    for held_out in (X, (X, np.zeros(20)), [X, np.zeros(20)], as_dataset(X)):
        assert "val_loss" in goes_on(gan(), validation_data=held_out).history
    logs = goes_on(model, validation_split=0.25, epochs=2).history
    assert {f"val_{tag}" for tag in first} < set(logs)
    assert {"loss", *METRICS} < set(logs)
    assert len(model.test_on_batch(X)) == 3
    assert model.step == 6


def test_k28_the_losses_of_a_game_that_is_known():
    """D = w·x + b and G = φ + z against its losses by hand, in inference mode."""
    model = gan(loss=jare_tf.Minimax(losses.wasserstein()), rule=jare_tf.sim_gd())
    d_of, g_of = model.discriminator, model.generator
    measured = model.evaluate(X, batch_size=20, verbose=0, return_dict=True)
    z = model.batch(tf.constant(X), 0, draws.TEST).latent
    expected = float(tf.reduce_mean(d_of(g_of(z))) - tf.reduce_mean(d_of(X)))
    np.testing.assert_allclose(measured["loss/discriminator"], expected, rtol=1e-5)


def test_k29_early_stopping():
    stop = keras.callbacks.EarlyStopping(patience=1, min_delta=9.0)
    assert len(goes_on(gan(), epochs=9, validation_data=X, callbacks=[stop]).epoch) == 2


def test_k30_weights_of_samples():
    for given in ({"sample_weight": np.ones(20)}, {"y": np.zeros(20), "class_weight": {0: 2.0}}):
        with refused("_weight has no meaning for real samples: leave it out"):
            goes_on(gan(), **given)
    with refused("sample_weight has no meaning"):
        gan().evaluate(X, sample_weight=np.ones(20), verbose=0)
    with refused("sample_weight has no meaning"):
        gan().fit(as_dataset((X, np.zeros(20), np.ones(20))), verbose=0)


@pytest.mark.parametrize("verbose", [1, 2])
def test_k31_the_progress_bar_fits_a_terminal(capsys, verbose):
    model = gan()
    model.fit(np.tile(X, (40, 1)), batch_size=8, epochs=2, validation_data=X, verbose=verbose)
    model.evaluate(X, verbose=verbose)
    text = capsys.readouterr().out
    for code in ("\x1b[1m", "\x1b[0m", "\x1b[32m", "\x1b[37m"):
        text = text.replace(code, "")
    lines = [line for piece in text.split("\n") for line in piece.replace("\b", "").split("\r")]
    assert max(map(len, lines)) <= 80
    last = [line for line in lines if "val_loss" in line][-1]
    assert " - D: " in last and " - G: " in last


def test_scores_in_the_logs(tmp_path):
    coverage = evaluation.ModeCoverage(mixture=data.synthetic.ring(modes=2, radius=1.0, std=0.5), samples=100)
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "modes_covered", mode="max", save_best_only=True)
    measured = callbacks.Scores(coverage, every=2)
    logs = goes_on(gan(), epochs=4, callbacks=[measured, best]).history
    values = logs["modes_covered"]
    assert len(values) == 4 and values[1] == values[2]
    assert (tmp_path / "best.keras").exists()
    with refused("Scores: every must be an integer of at least 1"):
        callbacks.Scores(coverage, every=0)


def test_callbacks_of_keras_that_count_and_write(tmp_path):
    seen = []
    all_of_them = [
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs)),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True),
        keras.callbacks.BackupAndRestore(str(tmp_path / "backup")),
        keras.callbacks.TerminateOnNaN(),
    ]
    model = gan()
    goes_on(model, epochs=2, callbacks=all_of_them)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert same(keras.models.load_model(tmp_path / "2.keras"), model)
    other = gan()
    other.load_weights(tmp_path / "2.weights.h5")
    assert same(other, model)


# 5. Saving, loading, export

RULES = [
    jare_tf.sim_gd(),
    jare_tf.jare(0.5),
    jare_tf.con_opt(0.5),
    jare_tf.debiased(jare_tf.generator_only(0.1)),
    jare_tf.lazy(jare_tf.clipped(jare_tf.discriminator_only(0.5), 1.0), 3),
    jare_tf.smoothing(0.1),
    jare_tf.adversarial_extrapolation(0.1),
    jare_tf.extragradient(0.1),
    jare_tf.extrapolation_from_the_past(0.1),
    jare_tf.optimistic(),
    jare_tf.heun(0.1, jare_tf.discriminator_only(0.5)),
    jare_tf.runge_kutta4(0.1),
    jare_tf.momentum(jare_tf.jare(0.5), -0.5),
    jare_tf.symplectic_gradient_adjustment(1.0),
    jare_tf.unrolled(steps=2, step=0.1),
    jare_tf.unrolled(2, 0.1, jare_tf.rules.AdamSteps(0.5)),
    jare_tf.lola(0.1),
    jare_tf.stable_opponent_shaping(0.1),
    jare_tf.hamiltonian(),
    jare_tf.competitive(0.1),
    jare_tf.adaptive_competitive(1e-3),
    jare_tf.drift_cancellation(0.1, 0.1),
    jare_tf.follow_the_ridge(),
    jare_tf.local_symplectic_surgery(),
]
PARTS = [
    *({"rule": rule, "average_decay": 0.5} for rule in RULES),
    *(
        {"loss": form(make())}
        for form in (jare_tf.Minimax, losses.Relativistic)
        for make in (losses.hinge, losses.vanilla)
    ),
    {"loss": jare_tf.NonSaturating(losses.total_variation(scale=0.25)), "penalty": jare_tf.WGANGP(0.5)},
    {"loss": jare_tf.LinearGenerator(losses.jensen_shannon()), "latent_prior": latent.Uniform(limit=2.0)},
    {"penalty": [jare_tf.R1(0.5), jare_tf.R2(0.5)], "schedule": jare_tf.Alternating(2, 1), "seed": 7},
    {"schedule": jare_tf.Extrapolating()},
    {
        "rule": jare_tf.jare(0.5),
        "schedule": jare_tf.Lookahead(4, 0.25, jare_tf.Lookahead(2, schedule=jare_tf.Alternating())),
    },
]


@pytest.mark.parametrize("parts", PARTS, ids=str)
def test_k33_k34_saved_loaded_and_trained_on(tmp_path, parts, eagerly):
    """The same bits as without the break: weights, optimizers, step, memory, average, draws."""
    model = gan(**parts)
    goes_on(model)
    model.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert {
        name: getattr(loaded, name) for name in ("rule", "schedule", "latent_prior", "loss_function", "penalties")
    } == {name: getattr(model, name) for name in ("rule", "schedule", "latent_prior", "loss_function", "penalties")}
    assert same(model, loaded)
    goes_on(model)
    goes_on(loaded)
    assert same(model, loaded)


def test_k34_the_draws_of_dropout_go_on(tmp_path):
    model = gan(generator(layers.Dropout(0.5)), discriminator(layers.GaussianNoise(0.5)))
    goes_on(model)
    model.save(tmp_path / "gan.keras")
    model.save_weights(tmp_path / "gan.weights.h5")
    other = gan(generator(layers.Dropout(0.5)), discriminator(layers.GaussianNoise(0.5)))
    other.load_weights(tmp_path / "gan.weights.h5")
    copies = [other, copy.deepcopy(model), keras.models.load_model(tmp_path / "gan.keras")]
    for each in (model, *copies):
        goes_on(each)
    assert all(same(model, each) for each in copies)


def test_every_part_is_saved():
    """None that is public is missing above."""
    public = [getattr(module, name) for module in (rules, losses) for name in module.__all__]
    kinds = {
        type(value) for parts in PARTS for one in parts.values() for value in (one if type(one) is list else [one])
    }
    kinds |= {type(one.rule) for one in RULES if hasattr(one, "rule")} | {jare_tf.NonSaturating, jare_tf.Simultaneous}
    bases = (jare_tf.Rule, jare_tf.Loss, jare_tf.GradientPenalty, rules.Schedule)
    general = (rules.JacobianCoupling, rules.RungeKutta)
    missing = [kind for kind in public if isinstance(kind, type) and issubclass(kind, bases) and kind not in bases]
    assert [kind for kind in missing if kind not in kinds and kind not in general] == []
    for name in losses.__all__:
        make = getattr(losses, name)
        if not isinstance(make, type):
            config = json.loads(json.dumps(keras.saving.serialize_keras_object(make())))
            assert keras.saving.deserialize_keras_object(config) == make()
            assert repr(make()).startswith(f"{name}(")


def test_k33_copies():
    model = gan(average_decay=0.9)
    goes_on(model)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same(copied, model)
    cloned = keras.models.clone_model(model)
    assert (cloned.step, cloned.rule, cloned.first_seed) == (0, model.rule, model.first_seed)
    assert json.loads(model.to_json())["class_name"] == "GAN"
    assert keras.models.model_from_json(model.to_json()).rule == model.rule


def test_k33_in_a_process_that_only_imports_the_package(tmp_path):
    model = gan(rule=jare_tf.lazy(jare_tf.jare(0.5), 2), loss=jare_tf.Minimax(losses.least_squares()))
    goes_on(model)
    model.save(tmp_path / "gan.keras")
    np.save(tmp_path / "x.npy", X)
    code = """
        import jare_tf, keras, numpy as np
        gan = keras.models.load_model("gan.keras")
        gan.fit(np.load("x.npy"), batch_size=5, shuffle=False, verbose=0)
        gan.save("more.keras")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd=tmp_path, capture_output=True)
    goes_on(model)
    assert same(keras.models.load_model(tmp_path / "more.keras"), model)


def test_k33_what_cannot_be_saved(tmp_path):
    class Mine(jare_tf.Rule):
        def update(self, game, point, batch, memory):
            return jare_tf.sim_gd().update(game, point, batch, memory)

    with refused("^Mine cannot be saved: make it a dataclass, or give it a get_config"):
        gan(rule=Mine()).save(tmp_path / "gan.keras")
    own = losses.Objective(maker="mine", g1=tf.identity, g2=tf.identity, slopes=(1.0, 1.0), curvatures=(0.0, 0.0))
    with refused("the objective 'mine' cannot be saved or loaded: decorate the function that makes it"):
        gan(loss=jare_tf.Minimax(own)).save(tmp_path / "gan.keras")
    with refused("Keras' old format holds no GAN: give a name that ends in .keras"):
        gan().save(tmp_path / "gan.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_k35_export(tmp_path, decay):
    model = gan(average_decay=decay)
    goes_on(model)
    model.export(str(tmp_path / "exported"), verbose=False)
    z = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(z), model(z), rtol=1e-6)


@pytest.mark.parametrize("rule", [jare_tf.optimistic(), jare_tf.lazy(jare_tf.jare(1.0), 2)], ids=repr)
def test_k36_the_tree_of_states(rule):
    model = gan(rule=rule, average_decay=0.9)
    goes_on(model)
    tree = model.get_state_tree()
    assert set(tree) == {f"{kind}_variables" for kind in ("trainable", "non_trainable", "optimizer", "metrics")}
    assert set(tree["optimizer_variables"]) == {"discriminator", "generator"}
    assert int(tree["non_trainable_variables"][model.name]["iterations"]) == 4


@pytest.mark.parametrize("network", [generator, lambda: Plain(2, normalization=True)])
def test_k37_the_averaged_generator(tmp_path, network):
    model = gan(network(), average_decay=0.5)
    goes_on(model)
    averaged = model.averaged_generator()
    z = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(averaged(z), model(z))
    assert np.any(averaged(z) != model.generator(z))
    goes_on(model)
    assert np.any(averaged(z) != model(z))  # a copy of what it was
    with refused("there is no moving average: make it with average_decay"):
        gan().averaged_generator()


def test_an_interrupted_fit_goes_on(tmp_path):
    """`BackupAndRestore` brings a run that was stopped in its third epoch to the same bits."""

    def run(folder, stop):
        model = gan()
        model.set_weights(start)
        calls = [keras.callbacks.BackupAndRestore(str(folder))]
        if stop:
            calls.append(keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: 1 / (epoch - 2)))
        goes_on(model, epochs=4, callbacks=calls)
        return model

    start = gan().get_weights()
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "a", stop=True)
    assert same(run(tmp_path / "a", stop=False), run(tmp_path / "b", stop=False))


# Several devices


def test_held_out_samples_on_two_devices():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0"] if len(tf.config.list_logical_devices("CPU")) < 2 else ["CPU:0", "CPU:1"]
    )
    with strategy.scope():
        model = gan()
    each = model.evaluate(X[:19], batch_size=8, verbose=0, return_dict=True)
    assert np.isfinite(list(each.values())).all()
    model.fit(X[:16], batch_size=8, verbose=0)
    assert model.step == 2
