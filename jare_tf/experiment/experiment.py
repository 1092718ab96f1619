"""What is trained."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Protocol, runtime_checkable

import keras
import numpy as np

from jare_tf.data.dataset import Dataset, check
from jare_tf.data.latent import Normal, Prior
from jare_tf.dynamics.rule import Rule
from jare_tf.dynamics.schedule import Schedule, Simultaneous
from jare_tf.errors import InputError, shown
from jare_tf.game.losses.gradient_penalty import GradientPenalty
from jare_tf.game.precision import Precision
from jare_tf.settings import BatchSize, BelowOne, CountFromZero, Width, checked
from jare_tf.training.gan import GAN, LossFunction
from jare_tf.training.optimizers import check_optimizer
from jare_tf.types import Players


@runtime_checkable
class Picture(Protocol):
    """Turns samples into a picture."""

    samples: int

    def draw(self, samples: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 3] from `samples` samples."""


@checked
@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is trained: all that decides what a run computes. Every mode of the program is given one.

    What creates variables or opens data is given as a factory, a function without arguments.

    Args:
      generator: makes a model from [n, latent_dim] to samples.
      discriminator: makes a model from samples to logits.
      loss: the losses of both players.
      rule: the update rule.
      dataset: opens the real samples.
      picture: how samples are drawn.
      discriminator_optimizer: makes the discriminator's optimizer.
      generator_optimizer: makes the generator's optimizer.
      latent_dim: length of z.
      batch_size: real samples, and latent vectors, of a batch, on all devices together.
      latent_prior: the distribution of z.
      penalty: added to the discriminator's loss; one or several.
      schedule: who moves when.
      equilibrium: the parameters at which the game rests, where they are known; rows then have the distance to them.
      average_decay: decay of a moving average of the generator's weights, by which samples are drawn and scored; 0 for
        none. After step t, counted from 0, it is at most (1 + t)/(10 + t).
      precision: what the networks compute in, "float32", "mixed_bfloat16" or "mixed_float16"; parameters are float32.
      synchronize_batch_norm: on several devices batch norm normalises by the global batch, so that the step is that of
        one device; else each device by its part.
      seed: of initial parameters and every random draw.

    Raises:
      InputError: an argument is none of these; `gan` has further checks.
    """

    generator: Callable[[], keras.Model]
    discriminator: Callable[[], keras.Model]
    loss: LossFunction
    rule: Rule
    dataset: Callable[[], Dataset]
    picture: Annotated[Picture, "a picture such as report.Points(...)"]
    discriminator_optimizer: Callable[[], keras.optimizers.Optimizer]
    generator_optimizer: Callable[[], keras.optimizers.Optimizer]
    latent_dim: Width
    batch_size: BatchSize
    latent_prior: Prior = Normal()
    penalty: (
        Annotated[GradientPenalty | Sequence[GradientPenalty], "a penalty such as R1(10.0), a list of such"] | None
    ) = None
    schedule: Schedule = Simultaneous()
    equilibrium: Players | None = None
    average_decay: BelowOne = 0.0
    precision: Precision = "float32"
    synchronize_batch_norm: bool = True
    seed: CountFromZero = 0

    def gan(self) -> GAN:
        """The GAN at its initialisation, in the precision of Keras' present policy.

        Raises:
          InputError: a part is not of its kind, or the parts do not fit together.
        """
        keras.utils.set_random_seed(self.seed)
        gan = GAN(
            self.generator(),
            self.discriminator(),
            rule=self.rule,
            loss=self.loss,
            latent_dim=self.latent_dim,
            latent_prior=self.latent_prior,
            penalty=self.penalty,
            schedule=self.schedule,
            average_decay=self.average_decay,
            seed=self.seed,
        )
        shapes = lambda point: [[tuple(np.shape(one)) for one in player] for player in point]
        parameters = gan.game.point().parameters
        if self.equilibrium is not None and shapes(self.equilibrium) != shapes(parameters):
            raise InputError(
                f"Experiment: equilibrium has arrays of the shapes {shapes(self.equilibrium)}, discriminator and "
                f"generator have {shapes(parameters)}: bind one of this game, such as affine.equilibrium(mean=...)"
            )
        return gan

    def optimizers(self) -> Players:
        """New optimizers of both players.

        Raises:
          InputError: a factory makes something else.
        """

        made = Players(self.discriminator_optimizer(), self.generator_optimizer())
        for player, optimizer in made._asdict().items():
            check_optimizer(f"Experiment: {player}_optimizer", optimizer)
        return made

    def data(self, gan: GAN) -> Dataset:
        """The real samples, looked at once.

        Raises:
          InputError: they are not what the networks of `gan` take.
        """
        dataset = self.dataset()
        if not isinstance(dataset, Dataset):
            raise InputError(f"Experiment: dataset must open one, as data.synthetic.ring does, not {shown(dataset)}")
        check(dataset, gan.sample_shape, self.batch_size, self.seed, gan.black)
        return dataset
