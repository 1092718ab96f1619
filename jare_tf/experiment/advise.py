"""Advice on γ and the learning rate of an experiment."""

import dataclasses
import functools
import json
import math
from collections.abc import Sequence
from typing import Any

import keras
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
from jare_tf.training.run import Run

_FAST = 0.01  # away from rest, of the largest eigenvalue: smaller ones change from batch to batch
_DECADES = 3.0  # to either side of the experiment's γ


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
    All for plain gradient descent with one learning rate, and without noise, which speaks against a large γ. Under
    Adam and RMSprop γ and ζ are still advice, steps not.

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
    gammas = gammas or _around(rule.gamma, 61 if made.dense else 9)
    rest = made.where == "equilibrium"
    point, step = made.point(made.where), float(made.optimizers.discriminator.learning_rate)
    lazy = None
    if made.dense:
        family = advice.family(made.game, rule, point, made.batch, 0.0 if rest else _FAST)
        of_gamma = functools.cache(family.eigenvalues)
        found = advice.advise(of_gamma, gammas)
        lazy = family.lazy(rule.gamma, step) if rest else None
    else:

        @functools.cache
        def of_gamma(gamma: float) -> np.ndarray:
            say(f"γ = {gamma:.4g}")
            one = dataclasses.replace(rule, gamma=gamma)
            values = spectrum.extremal_eigenvalues(made.game, one, point, made.batch)
            if not len(values):
                raise RunError(
                    f"no eigenvalue converged at γ = {gamma:g}: the parameters or the batch are out of bounds"
                )
            return values

        found = advice.advise(of_gamma, gammas, refine=False)
    now = of_gamma(rule.gamma)
    present = advice.best(now)
    record = {
        **made.record(checksum, differences),
        "family": rule.name,
        "dense": made.dense,
        "at_rest": rest,
        "present": {
            "gamma": rule.gamma,
            "step_size": step,
            "rate": eigenvalues.rate(now, step),
            "phase_factor": _finite(eigenvalues.phase_factor(now)),
            **{f"best_{name}" if name != "largest_step" else name: value for name, value in present._asdict().items()},
        },
        "lazy": lazy,
        **found.to_json(),
    }
    files.replace(written, json.dumps(record) + "\n")
    curves.save(advice_curves.draw(found, f"{rule.name}, {made.title}", rule.gamma, step), f"{run}/advice.png")
    plain = all(type(one) is keras.optimizers.SGD and not one.momentum for one in made.optimizers)
    for line in (*_sentences(record, made.title, plain), written, f"{run}/advice.png"):
        say(line)


def _family(rule: Rule) -> JacobianCoupling:
    """The rule whose γ is to be found, within those that wrap it."""
    if isinstance(rule, JacobianCoupling):
        return rule if any(map(any, rule.mask)) else jare(gamma=0.0)
    inner = getattr(rule, "rule", None)
    if isinstance(inner, Rule):
        return _family(inner)
    raise InputError(f"advise: {rule!r} has no γ: take a preset such as jare")


def _around(gamma: float, count: int) -> list[float]:
    middle = math.log10(gamma) if gamma else 0.0
    return [float(one) for one in np.logspace(middle - _DECADES, middle + _DECADES, count)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sentences(record: dict[str, Any], title: str, plain: bool) -> list[str]:
    present, gammas, lazy = record["present"], record["gammas"], record["lazy"]
    directions = "all" if record["at_rest"] else "fast"
    if not record["dense"]:
        directions = "the fastest"
    now = f"γ = {present['gamma']:g}"
    lines = [
        f"{record['family']} {title}, {directions} directions, for plain gradient descent without noise:",
        f"- {now} at η = {present['step_size']:g}: {_convergence(present['rate'])}",
    ]
    if record["gamma"] is None:
        lines.append("- no γ of these makes any η stable here")
    else:
        best = f"γ = {record['gamma']:.4g} at η = {record['step_size']:.4g}: {_convergence(record['rate'])}"
        at_an_end = not 1.001 * gammas[0] < record["gamma"] < gammas[-1] / 1.001
        lines.append(f"- best is {best}" + (", the last γ that was looked at" if at_an_end else ""))
    if present["largest_step"]:
        largest = f"- at {now} η is stable up to {'' if record['dense'] else 'at most '}{present['largest_step']:.4g}"
        share = present["step_size"] / present["largest_step"]
        lines.append(f"{largest}; the experiment's is {share:.3g} times that" + (", too large" if share >= 1 else ""))
    zeta = "infinite" if present["phase_factor"] is None else f"{present['phase_factor']:.4g}"
    ends = record["rotation_ends"]
    end = "none of these γ ends the rotation" if ends is None else f"from γ = {ends:.4g} on nothing rotates"
    lines.append(f"- the phase factor is {zeta} at {now}; {end}")
    if lazy:
        lines.append(
            f"- lazy keeps nine tenths of the convergence at {now} with every = {lazy}"
            + (": it costs too much here" if lazy == 1 else "")
        )
    if not plain:
        lines.append("- the experiment's optimizers are others: γ and the phase factor are advice, η is not")
    return lines


def _convergence(rate: float) -> str:
    if rate >= 1:
        return f"rate {rate:.9g}, which diverges"
    return f"rate {rate:.6g}, {eigenvalues.iterations(rate, advice.REDUCTION):,.0f} steps to a thousandth"
