"""What the theory says about a rule at a point of a game, in one record."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule
from jare_tf.errors import RunError
from jare_tf.game.game import TwoPlayerGame
from jare_tf.settings import Positive, check
from jare_tf.theory import eigenvalues, spectrum, step_size
from jare_tf.types import Batch, Players, Point


class Analysis(NamedTuple):
    """A rule at a point.

    rule: as the code writes it, for instance "jare(gamma=10.0)".
    dense: whether `eigenvalues` are all of them; else those at the ends of the spectrum, and phase_factor and
      conditioning are lower bounds, largest_stable_step an upper bound.
    eigenvalues: λ, complex: gradient descent of step size η multiplies errors by 1 + ηλ a step.
    phase_factor: ζ = max |Im λ/Re λ|.
    conditioning: τ = max|λ|/min|λ|, λ ≠ 0.
    largest_stable_step: sup of the stable η under `optimizer`, 0 where none is.
    rate: ρ, the factor on the slowest error, or fastest growing one, in a step of `step_size` under `optimizer`; None
      where the spectrum is not dense, because the slowest error's eigenvalue is among those not found.
    step_size: η, the discriminator's learning rate.
    optimizer: what the last three are for.
    """

    rule: str
    dense: bool
    eigenvalues: np.ndarray
    phase_factor: float
    conditioning: float
    largest_stable_step: float
    rate: float | None
    step_size: float
    optimizer: str

    def to_json(self) -> dict[str, Any]:
        """What spectrum.json holds of it: eigenvalues as [re, im] pairs, null for an infinite number."""
        pairs = [[value.real + 0.0, value.imag + 0.0] for value in self.eigenvalues.tolist()]
        values = {**self._asdict(), "eigenvalues": pairs}
        return {name: None if value == math.inf else value for name, value in values.items()}

    def summary(self) -> str:
        """A few lines to read."""
        number = lambda value: "infinite" if value == math.inf else f"{value:.6g}"
        extent, least, most = (
            ("all", "", "") if self.dense else ("at the ends of the spectrum", "at least ", "at most ")
        )
        rate = "" if self.rate is None else f", rate {self.rate:.9g} at step size {self.step_size:g}"
        return (
            f"{self.rule}: {len(self.eigenvalues)} eigenvalues, {extent}\n"
            f"phase factor {least}{number(self.phase_factor)}, conditioning {least}{number(self.conditioning)}\n"
            f"largest stable step {most}{number(self.largest_stable_step)}{rate}, {self.optimizer}"
        )


def analyse(
    game: TwoPlayerGame,
    rule: Rule,
    point: Point,
    batch: Batch,
    *,
    schedule: Schedule,
    optimizers: Players,
    dense: bool,
) -> Analysis:
    """The spectrum of a rule at a point and what follows from it.

    Args:
      game: the game.
      rule: any rule.
      point: where.
      batch: the samples that stand for the expectations.
      schedule: who moves when; only a dense spectrum takes it into account.
      optimizers: the experiment's. Where both are the same SGD and the spectrum is dense, steps are analysed with its
        momentum; else as gradient descent with the discriminator's learning rate, and `optimizer` says so.
      dense: all eigenvalues; else those at the ends of the spectrum.

    Raises:
      InputError: the learning rate is not positive.
      RunError: no eigenvalue was found.
    """
    one, step = optimizers.discriminator, float(optimizers.discriminator.learning_rate)
    check("the learning rate", Positive, step)
    settings = [{**each.get_config(), "name": None, "class": type(each)} for each in optimizers]
    shared = settings[0] == settings[1] and type(one) is keras.optimizers.SGD and not one.weight_decay and dense
    assumed = one if shared else keras.optimizers.SGD(step)
    if dense:
        linearization = spectrum.linearize(game, rule, point, batch, schedule=schedule)
        values = linearization.eigenvalues(step)
        largest = step_size.largest_stable_step(linearization, assumed)
        rate = step_size.rate(linearization, assumed, step)
    else:
        values = spectrum.extremal_eigenvalues(game, rule, point, batch)
        largest, rate = eigenvalues.largest_stable_step(values), None
    if not len(values):
        raise RunError("no eigenvalue converged: the parameters or the batch are out of bounds")
    name = f"SGD(momentum={float(assumed.momentum)}, nesterov={bool(assumed.nesterov)})"
    theirs = [f"{type(each).__name__}({float(each.learning_rate):g})" for each in optimizers]
    instead = "" if shared else f", in place of {' and '.join(theirs)}"
    return Analysis(
        rule=repr(rule),
        dense=dense,
        eigenvalues=values,
        phase_factor=eigenvalues.phase_factor(values),
        conditioning=eigenvalues.conditioning(values),
        largest_stable_step=largest,
        rate=rate,
        step_size=step,
        optimizer=name + instead,
    )
