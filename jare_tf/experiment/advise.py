"""Advice on γ and the learning rate of an experiment."""

import dataclasses
import functools
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jare_tf import files
from jare_tf.dynamics.jacobian_coupling import JacobianCoupling, jare
from jare_tf.dynamics.rule import Rule
from jare_tf.errors import InputError, RunError
from jare_tf.experiment import subject
from jare_tf.experiment.experiment import Experiment
from jare_tf.output import say
from jare_tf.report import advice_curves, curves
from jare_tf.settings import Count, Positive, checked
from jare_tf.theory import advice, eigenvalues, spectrum
from jare_tf.theory.preconditioner import HeavyBall, frozen
from jare_tf.training.run import Run
from jare_tf.types import Players, Point

_FAST = 0.01  # away from rest, of the largest eigenvalue: smaller ones change from batch to batch
_DECADES = 3.0  # to either side of the experiment's γ


class Present(NamedTuple):
    """The experiment's own γ and η: their rate and phase factor, and the steps that are stable and best at that γ."""

    gamma: float
    step_size: float
    rate: float
    phase_factor: float
    largest_step: float
    best_step: float
    best_rate: float


class Advised(NamedTuple):
    """What advise has found.

    family: the rule's name.
    dense: whether by all eigenvalues, else by those at the ends of the spectrum.
    at_rest: whether at an equilibrium.
    optimizer: what steps and rates are for.
    momentum: its β.
    of_experiment: whether the experiment trains with it.
    present: the experiment's own.
    lazy: the largest period that keeps nine tenths of the convergence, None where that is not known.
    found: by γ, and the best.
    """

    family: str
    dense: bool
    at_rest: bool
    optimizer: str
    momentum: float
    of_experiment: bool
    present: Present
    lazy: int | None
    found: advice.Advice

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, null for infinite numbers."""
        present = {name: value if math.isfinite(value) else None for name, value in self.present._asdict().items()}
        fields = {**self._asdict(), "present": present, **self.found.to_json()}
        del fields["found"]
        return fields

    def sentences(self, title: str) -> list[str]:
        """A few lines to read, `title` saying where."""
        present, found, gammas = self.present, self.found, self.found.gammas
        directions = "the fastest" if not self.dense else "all" if self.at_rest else "fast"
        now = f"γ = {present.gamma:g}"
        lines = [
            f"{self.family} {title}, {directions} directions, for {self.optimizer}, without noise:",
            f"- {now} at η = {present.step_size:g}: {_convergence(present.rate)}",
        ]
        if found.gamma is None or found.rate is None:
            lines.append("- no γ of these makes any η stable here")
        else:
            best = f"γ = {found.gamma:.4g} at η = {found.step_size:.4g}: {_convergence(found.rate)}"
            at_an_end = not 1.001 * gammas[0] < found.gamma < gammas[-1] / 1.001
            lines.append(f"- best is {best}" + (", the last γ that was looked at" if at_an_end else ""))
        if present.largest_step:
            largest = f"- at {now} η is stable up to {'' if self.dense else 'at most '}{present.largest_step:.4g}"
            share = present.step_size / present.largest_step
            lines.append(f"{largest}; the experiment's is {share:.3g} times that" + (", too large" * (share >= 1)))
        zeta = f"{present.phase_factor:.4g}" if math.isfinite(present.phase_factor) else "infinite"
        ends = found.rotation_ends
        end = "none of these γ ends the rotation" if ends is None else f"from γ = {ends:.4g} on nothing rotates"
        lines.append(f"- the phase factor is {zeta} at {now}; {end}")
        if self.lazy:
            lines.append(
                f"- lazy keeps nine tenths of the convergence at {now} with every = {self.lazy}"
                + (": it costs too much here" if self.lazy == 1 else "")
            )
        if not self.of_experiment:
            lines.append(
                "- the experiment's optimizers are others, whose slots are not known here: γ and the phase factor are "
                "advice, η is not"
            )
        return lines


@checked
def advise(
    experiment: Experiment,
    run: Run,
    differences: Sequence[str] | None,
    checksum: int,
    *,
    at: subject.Where | None = None,
    gammas: Sequence[Positive] = (),
    samples: Count = 512,
    dense_up_to: Count = 1000,
) -> None:
    """Says which γ and learning rate the eigenvalues of the game's Jacobian speak for: advice.json and advice.png.

    The family is that of the experiment's rule, `con_opt` for instance, over γ; of `sim_gd` it is `jare`'s. For every γ
    ζ, τ, the largest stable step, the step of least rate and that rate; the γ and the step of least rate; where
    rotation ends; how far the experiment's step is from the largest; which `lazy` keeps nine tenths of the convergence.
    All without noise, which speaks against a large γ.

    At a checkpoint Adam and RMSprop count with the slots that they have there, held still: the Jacobian's rows are
    multiplied by the preconditioner, and steps are those of momentum (`theory.preconditioner.frozen`). SGD counts with
    its momentum everywhere. The learning rate is the discriminator's, and the generator's keeps its ratio to it. For
    other optimizers, and where there are no slots, all is for plain gradient descent with one learning rate: γ and ζ
    are still advice, steps not.

    At an equilibrium all directions count. Elsewhere the Jacobian is that of the direction, and only directions with
    |λ| of 1 % of the largest or more count: slower ones are noise. Games of up to `dense_up_to` parameters get all
    eigenvalues (`theory.advice.Family`), larger ones those at the ends of the spectrum, for nine γ, as bounds.

    Args:
      experiment: what is analysed.
      run: where the files go, and where a checkpoint may be.
      differences: how the configuration differs from that of the run; None where `at` may not be the newest checkpoint
        by default.
      checksum: of the configuration; what was written for another one is not overwritten.
      at: where, as `spectrum` has it.
      gammas: increasing; by default three decades to either side of the experiment's.
      samples: samples of each distribution in a dense analysis.
      dense_up_to: most parameters of both networks together for a dense analysis.

    Raises:
      InputError: the rule has no γ, gammas do not increase, or what `spectrum` raises.
      RunError: no eigenvalue was found.
    """
    if list(gammas) != sorted(set(gammas)):
        raise InputError("advise: gammas must increase")
    written = f"{run}/advice.json"
    subject.check_same_configuration(written, "advice", checksum)
    made = subject.prepare("advise", experiment, run, at, differences is not None, samples, dense_up_to)
    rule = _family(made.gan.rule)
    result = _advised(made, rule, gammas or _around(rule.gamma, 61 if made.dense else 9))
    files.replace(written, json.dumps({**made.record(checksum, differences), **result.to_json()}) + "\n")
    title = f"{rule.name}, {made.title}, {result.optimizer}"
    picture = advice_curves.draw(result.found, title, rule.gamma, result.present.step_size)
    curves.save(picture, f"{run}/advice.png")
    for line in (*result.sentences(made.title), written, f"{run}/advice.png"):
        say(line)


def _advised(made: subject.Subject, rule: JacobianCoupling, gammas: Sequence[float]) -> Advised:
    point, step = made.point(made.where), float(made.optimizers.discriminator.learning_rate)
    ball = frozen(made.optimizers, point.parameters)
    scales, momentum = ball or HeavyBall(np.ones(1), 0.0)
    at_rest, lazy = made.where == "equilibrium", None
    if made.dense:
        family = advice.family(made.game, rule, point, made.batch, 0.0 if at_rest else _FAST, scales)
        of_gamma = functools.cache(family.eigenvalues)
        if at_rest and not momentum:
            lazy = family.lazy(rule.gamma, step)
    else:
        of_gamma = functools.cache(functools.partial(_at_the_ends, made, rule, point, scales))
    found = advice.advise(of_gamma, gammas, refine=made.dense, momentum=momentum)
    now = of_gamma(rule.gamma)
    rate, zeta = eigenvalues.rate(now, step, momentum), eigenvalues.phase_factor(now)
    return Advised(
        family=rule.name,
        dense=made.dense,
        at_rest=at_rest,
        optimizer=_named(made.optimizers, made.step) if ball else "plain gradient descent",
        momentum=momentum,
        of_experiment=ball is not None,
        present=Present(rule.gamma, step, rate, zeta, *advice.best(now, momentum)),
        lazy=lazy,
        found=found,
    )


def _at_the_ends(
    made: subject.Subject, rule: JacobianCoupling, point: Point, scales: np.ndarray, gamma: float
) -> np.ndarray:
    """Eigenvalues of a large game, after a line that says how far it is."""
    say(f"γ = {gamma:.4g}")
    one = dataclasses.replace(rule, gamma=gamma)
    values = spectrum.extremal_eigenvalues(made.game, one, point, made.batch, preconditioner=scales)
    if not len(values):
        raise RunError(f"no eigenvalue converged at γ = {gamma:g}: the parameters or the batch are out of bounds")
    return values


def _named(optimizers: Players, step: int | None) -> str:
    """What P and β are of, and η."""
    kinds = list(dict.fromkeys(type(one).__name__ for one in optimizers))
    name = " and ".join(kinds)
    if kinds != ["SGD"]:
        name += f" with the preconditioner of step {step}"
    elif optimizers.discriminator.momentum:
        name = f"gradient descent with momentum {optimizers.discriminator.momentum:g}"
    else:
        name = "plain gradient descent"
    rates = [float(one.learning_rate) for one in optimizers]
    if rates[0] != rates[1]:
        name += f", η the discriminator's and the generator's {rates[1] / rates[0]:.3g} times that,"
    return name


def _family(rule: Rule) -> JacobianCoupling:
    """The rule whose γ is to be found, within those that wrap it."""
    if isinstance(rule, JacobianCoupling):
        return rule if any(map(any, rule.mask)) else jare(gamma=0.0)
    inner = getattr(rule, "rule", None)
    if isinstance(inner, Rule):
        return _family(inner)
    raise InputError(f"advise: {rule!r} has no γ: use a preset such as jare")


def _around(gamma: float, count: int) -> list[float]:
    middle = math.log10(gamma) if gamma else 0.0
    return [float(one) for one in np.logspace(middle - _DECADES, middle + _DECADES, count)]


def _convergence(rate: float) -> str:
    if rate >= 1:
        return f"rate {rate:.9g}, which diverges"
    return f"rate {rate:.6g}, {eigenvalues.iterations(rate, advice.REDUCTION):,.0f} steps to a thousandth"
