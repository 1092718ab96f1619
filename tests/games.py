"""Small games in float64 whose derivatives can be checked by hand or by finite differences."""

import keras
import numpy as np
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import affine, mlp
from jare_tf.types import Batch, Players, Point
from tests.conftest import flat


def small_game(loss):
    generator = mlp.generator(latent_dim=3, output_dim=2, width=4, depth=1)
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(5, activation="softplus"), keras.layers.Dense(1)]
    )
    rng = np.random.default_rng(0)
    for network in (generator, discriminator):
        network.set_weights([rng.normal(size=weight.shape) for weight in network.get_weights()])
    batch = Batch(real=tf.constant(rng.normal(size=(6, 2))), latent=tf.constant(rng.normal(size=(6, 3))))
    return jare_tf.TwoPlayerGame(generator, discriminator, loss), batch


def moved(point: Point, player: str, index: int, amount: float) -> Point:
    """The point with one coordinate of one player's parameters changed."""
    tensors = getattr(point.parameters, player)
    vector = flat(tensors)
    vector[index] += amount
    parts = np.split(vector, np.cumsum([np.size(tensor) for tensor in tensors])[:-1])
    new = tuple(tf.constant(part.reshape(tensor.shape)) for part, tensor in zip(parts, tensors, strict=True))
    return point._replace(parameters=point.parameters._replace(**{player: new}))


def difference_quotient(function, point: Point, player: str, step=1e-5) -> np.ndarray:
    """Central finite differences of a scalar function of a point in the parameters of one player."""
    size = flat(getattr(point.parameters, player)).size
    return np.array(
        [
            (function(moved(point, player, i, step)) - function(moved(point, player, i, -step))) / (2 * step)
            for i in range(size)
        ]
    )


def affine_game(mean, loss=jare_tf.Minimax()):
    generator, discriminator = affine.generator(mean=mean), affine.discriminator(dimension=len(mean))
    return jare_tf.TwoPlayerGame(generator, discriminator, loss)


def affine_point(theta, phi) -> Point:
    theta, phi = tf.constant(theta, tf.float64), tf.constant(phi, tf.float64)
    return Point(parameters=Players((theta[:, None],), (phi,)), state=Players((), ()))


def exact_batch(mean, sigma) -> Batch:
    """Samples whose mean and covariance are exactly those of N(mean, σ²I) and N(0, σ²I): ±σ√n along every axis."""
    n = len(mean)
    spread = sigma * np.sqrt(n) * np.concatenate([np.eye(n), -np.eye(n)])
    return Batch(real=tf.constant(spread + mean), latent=tf.constant(spread))
