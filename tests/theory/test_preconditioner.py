"""Frozen slots against Keras' own steps, against iterating, and in `--mode advise`."""

import functools

import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.theory import advice, eigenvalues, spectrum
from jare_tf.theory.preconditioner import frozen
from jare_tf.types import Players
from tests.games import small_game
from tests.runs import copied
from tests.theory.test_advice import advised

Adam, RMSprop, SGD = keras.optimizers.Adam, keras.optimizers.RMSprop, keras.optimizers.SGD
RATES = Players(0.125, 0.0625)


def stepped(made, gradients):
    """Both players' optimizers, and their variables, after steps along gradients [t, 5]; the variables on the way."""
    variable = lambda size: keras.Variable(np.ones(size), dtype="float64")
    variables = Players([variable([1, 2]), variable([1])], [variable([2])])
    optimizers = Players(*(made(learning_rate=rate) for rate in RATES))
    path = []
    for gradient in gradients:
        first, second, third = np.split(gradient, [2, 3])
        optimizers.discriminator.apply([first[None], second], variables.discriminator)
        optimizers.generator.apply([third], variables.generator)
        path.append(np.concatenate([one.numpy().ravel() for player in variables for one in player]))
    return optimizers, variables, np.array(path)


@pytest.mark.parametrize(
    "made",
    [
        functools.partial(Adam, beta_1=0.6, beta_2=0.8, epsilon=0.3),
        functools.partial(Adam, beta_1=0.0, amsgrad=True, epsilon=0.3),
        functools.partial(RMSprop, rho=0.7, epsilon=0.3),
        functools.partial(RMSprop, rho=0.7, epsilon=0.3, momentum=0.4, centered=True),
        functools.partial(SGD, momentum=0.4),
        SGD,
    ],
    ids=["adam", "amsgrad", "rmsprop", "centered", "momentum", "sgd"],
)
def test_a_step_of_keras_is_that_of_the_heavy_ball(float64, made):
    """w' − w = −η P (β s + d), with s the sum of earlier directions: Adam's by βᵏ, else that of the change before."""
    gradients = np.random.default_rng(0).normal(size=[5, 5]) * [1, 2, 0.1, 1, 0.5]
    optimizers, variables, path = stepped(made, gradients)
    ball = frozen(optimizers, variables)
    scale = RATES.discriminator * ball.preconditioner
    earlier = (path[-3] - path[-2]) / scale
    if isinstance(optimizers.discriminator, Adam):
        earlier = functools.reduce(lambda total, gradient: ball.momentum * total + gradient, gradients[:-1])
    # Keras rounds β to float32, also among float64: of β2 = 0.999 that is 1e-5 of 1 − β2.
    np.testing.assert_allclose(path[-1] - path[-2], -scale * (ball.momentum * earlier + gradients[-1]), rtol=1e-5)


@pytest.mark.parametrize(
    ("discriminator", "generator"),
    [
        (SGD(momentum=0.5), SGD(momentum=0.4)),
        (SGD(momentum=0.5, nesterov=True), SGD(momentum=0.5, nesterov=True)),
        (SGD(weight_decay=0.1), SGD()),
        (SGD(), SGD(clipnorm=1.0)),
        (SGD(), RMSprop()),
        (Adam(), Adam()),
        (jare_tf.OptimisticAdam(), SGD()),
        (keras.optimizers.Adagrad(), SGD()),
    ],
)
def test_without_slots_or_of_other_kinds(discriminator, generator):
    parameters = Players([np.zeros(1)], [np.zeros(1)])
    assert frozen(Players(discriminator, generator), parameters) is None


def test_the_learning_rate_is_positive():
    with pytest.raises(jare_tf.InputError, match="the discriminator's learning rate must be .* above 0, not 0.0"):
        frozen(Players(SGD(0.0), SGD(0.1)), Players([np.zeros(1)], [np.zeros(1)]))


def iterated(jacobian, preconditioner, step, beta, steps=4000):
    """The rate at which Adam with frozen slots converges, its m, and P without the 1 − β1 that `frozen` has."""
    rng = np.random.default_rng(1)
    w, m, sizes = rng.normal(size=len(jacobian)), np.zeros(len(jacobian)), []
    for _ in range(steps):
        m = beta * m + (1 - beta) * jacobian @ w
        w = w - step * preconditioner / (1 - beta) * m
        sizes.append(np.linalg.norm(w))
        m, w = m / sizes[-1], w / sizes[-1]
    return np.exp(np.log(sizes[steps // 2 :]).mean())


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_rate_of_a_linear_game_with_frozen_slots(beta):
    rng = np.random.default_rng(0)
    jacobian, coupling = np.array([[1.0, 2.0], [-2.0, 0.1]]), np.array([[0.3, 0.0], [0.1, 0.4]])
    jacobian, coupling = (np.kron(np.diag([1.0, 0.6]), one) for one in (jacobian, coupling))
    preconditioner = np.exp(rng.normal(size=4))
    family = advice.Family(preconditioner[:, None] * jacobian, preconditioner[:, None] * coupling)
    values = family.eigenvalues(2.0)
    largest = eigenvalues.largest_stable_step(values, beta)
    best = advice.best(values, beta)
    for step in (0.3 * largest, 0.8 * largest, best.step, 1.1 * largest):
        foretold = eigenvalues.rate(values, step, beta)
        observed = iterated(jacobian + 2 * coupling, preconditioner, step, beta)
        assert np.log(observed) == pytest.approx(np.log(foretold), rel=0.02, abs=1e-5)
    assert eigenvalues.rate(values, 0.9999 * largest, beta) < 1 < eigenvalues.rate(values, 1.0001 * largest, beta)
    steps = np.linspace(0, largest, 2000)
    assert best.rate <= min(eigenvalues.rate(values, step, beta) for step in steps)


def test_rows_are_scaled_alike_in_a_dense_and_a_large_game(float64):
    game, batch = small_game(jare_tf.NonSaturating())
    point, rule = game.point(), jare_tf.jare(gamma=3.0)
    size = sum(np.size(leaf) for player in point.parameters for leaf in player)
    scales = np.exp(np.random.default_rng(0).normal(size=size))
    dense = advice.family(game, rule, point, batch, preconditioner=scales).eigenvalues(3.0)
    found = spectrum.extremal_eigenvalues(
        game, rule, point, batch, preconditioner=scales, tolerance=1e-8, iterations=1000
    )
    distances = np.abs(found[:, None] - dense).min(axis=1)
    assert len(found) >= 4 and distances.max() < 1e-6 * np.abs(dense).max()
    assert np.abs(found).max() == pytest.approx(np.abs(dense).max(), rel=1e-6)


ADAM = [
    *(f"experiment.Experiment.{player}_optimizer = @keras.optimizers.Adam" for player in Players._fields),
    "keras.optimizers.Adam.beta_1 = 0.5",
]


def test_of_a_run_with_adam(tmp_path, capsys):
    """By all eigenvalues and by those at the ends; another learning rate than the run's leaves the slots."""
    copied(tmp_path, *ADAM)
    dense = advised(tmp_path, files=[], short=[])
    assert "fast directions, for Adam with the preconditioner of step 20, without noise:" in capsys.readouterr().out
    assert (dense["step"], dense["dense"], dense["momentum"], dense["of_experiment"]) == (20, True, 0.5, True)
    (tmp_path / "advice.json").unlink()  # the next is another configuration
    params = [
        "experiment.advise.dense_up_to = 1",
        "experiment.advise.gammas = [10.0]",
        "BATCH_SIZE = 4096",
        "keras.optimizers.Adam.learning_rate = 0.02",
    ]
    ends = advised(tmp_path, *params, files=[], short=[])
    assert (ends["dense"], ends["optimizer"]) == (False, dense["optimizer"])
    assert ends["present"]["step_size"] == pytest.approx(0.02)
    assert ends["present"]["largest_step"] == pytest.approx(dense["present"]["largest_step"], rel=0.01)


@pytest.mark.parametrize(
    "params",
    [
        [one.replace("Adam", "RMSprop") for one in ADAM[:2]],
        ["experiment.advise.at = 'initialisation'"],
    ],
    ids=["others", "no_slots"],
)
def test_without_the_run_s_slots(tmp_path, capsys, params):
    copied(tmp_path, *ADAM)
    plain = advised(tmp_path, *params, files=[], short=[])
    assert (plain["optimizer"], plain["of_experiment"]) == ("plain gradient descent", False)
    assert "the experiment's optimizers are others, whose slots are not known here" in capsys.readouterr().out
