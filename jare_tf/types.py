"""The tuples that the layers speak through. Player order is always (discriminator, generator)."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Players(NamedTuple):
    """One thing for each player: a loss, a network, an optimizer, a tuple of tensors."""

    discriminator: Any
    generator: Any


class Batch(NamedTuple):
    """What one evaluation of the game sees: real samples and latent vectors, both with the batch axis first."""

    real: Any
    latent: Any


class Point(NamedTuple):
    """Where the game is evaluated.

    parameters: for each player a tuple of tensors, its trainable variables.
    state: for each player a tuple of tensors, its non-trainable variables (moving averages, power-iteration vectors).
    """

    parameters: Players
    state: Players

    def descended(self, direction: Players, step) -> "Point":
        """The point at parameters − step · direction."""
        moved = (
            tuple(w - step * d for w, d in zip(*player, strict=True))
            for player in zip(self.parameters, direction, strict=True)
        )
        return self._replace(parameters=Players(*moved))


def each_player(function: Callable[..., Any], *players: Players) -> Players:
    """Players(function(discriminator's ...), function(generator's ...))."""
    return Players(*map(function, *players))
