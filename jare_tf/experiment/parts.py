"""What an experiment is made of, with the kind of every part checked."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from jare_tf.data.dataset import Dataset
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.errors import InputError, check_integer
from jare_tf.game.losses.gradient_penalty import GradientPenalty
from jare_tf.training.checkpoints import restore_networks, steps_of
from jare_tf.training.gan import GAN
from jare_tf.types import Players


def make_gan(
    *,
    generator: Callable[..., keras.Model],
    discriminator: Callable[..., keras.Model],
    loss: Callable[..., Players],
    rule: Rule,
    latent_dim: int,
    latent_prior: Prior = Normal(),
    penalty: GradientPenalty | None = None,
    schedule: Schedule = Simultaneous(),
    average_decay: float = 0.0,
    seed: int = 0,
) -> GAN:
    """The GAN of an experiment, at its initialisation; the arguments are those of `training.train`.

    Raises:
      InputError: a part is not of its kind, or the parts do not fit together.
    """
    check_integers("train", 0, seed=seed)
    penalties = {} if penalty is None else {"penalty": (penalty, GradientPenalty)}
    check_objects(rule=(rule, Rule), schedule=(schedule, Schedule), latent_prior=(latent_prior, Prior), **penalties)
    if isinstance(loss, type):
        raise InputError("experiment.train.loss must be a loss: '@module.name()', with parentheses")
    check_factories(generator=generator, discriminator=discriminator)
    keras.utils.set_random_seed(seed)
    return GAN(
        generator(),
        discriminator(),
        rule=rule,
        loss=loss,
        latent_dim=latent_dim,
        latent_prior=latent_prior,
        penalty=penalty,
        schedule=schedule,
        average_decay=average_decay,
        seed=seed,
    )


def restore(model_dir: str, gan: GAN, checkpoint: str | int) -> int:
    """Gives a GAN the networks of a run; the number of their step.

    Args:
      model_dir: the run directory.
      gan: of the run's experiment.
      checkpoint: "newest", "best" (what `evaluate` kept), or the number of a step.

    Raises:
      InputError: there is no such checkpoint, or it is of another experiment.
    """
    folder = f"{model_dir}/best" if checkpoint == "best" else model_dir
    kept = kept_steps(folder)
    step = kept[-1] if checkpoint in ("newest", "best") else checkpoint
    if step not in kept:
        known = ", ".join(map(str, kept))
        raise InputError(f"there is no checkpoint {checkpoint!r} in {folder}: take 'newest', 'best' or one of {known}")
    restore_networks(folder, gan, step)
    return step


def kept_steps(model_dir: str) -> list[int]:
    """The steps of a run's checkpoints, the newest last; raises InputError where there are none."""
    kept = steps_of(model_dir)
    if not kept:
        raise InputError(f"there is no checkpoint in {model_dir}: train first, or name another --model_dir")
    return kept


def say_differences(differences: Sequence[str]) -> None:
    """Prints how a configuration differs from that of the run that it is used on."""
    for line in differences:
        print(f"not as in the run: {line}", flush=True)


def check_dataset(dataset: Any) -> None:
    """Raises InputError unless it is a data set."""
    check_objects(dataset=(dataset, Dataset))


def check_integers(root: str, least: int, **settings: Any) -> None:
    """Raises InputError unless what is bound for `root` are integers of at least `least`."""
    for name, value in settings.items():
        check_integer(f"experiment.{root}.{name}", value, least, below=2**31)


def check_objects(**settings: tuple[Any, type]) -> None:
    """Raises InputError unless each value, bound for `train`, is of its kind."""
    for name, (value, kind) in settings.items():
        if not isinstance(value, kind):
            raise InputError(f"experiment.train.{name} must be a {kind.__name__}: '@module.name()', with parentheses")


def check_factories(**settings: Any) -> None:
    """Raises InputError for a network or an optimizer where what makes it is wanted."""
    for name, value in settings.items():
        if isinstance(value, keras.Model | keras.optimizers.Optimizer):
            raise InputError(f"experiment.train.{name} must be what makes it: '@module.name', without parentheses")
