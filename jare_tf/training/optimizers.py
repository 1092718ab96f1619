"""The players' optimizers: what one may be set to, which Keras does not check, and both as one."""

import contextvars
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import keras
import tensorflow as tf

from jare_tf.errors import InputError, brief, shown
from jare_tf.settings import BelowOne, Count, NonNegative, Positive, check
from jare_tf.types import Players

_Optimizer = Annotated[keras.optimizers.Optimizer, "an optimizer such as keras.optimizers.Adam(1e-4)"]
_Schedule = keras.optimizers.schedules.LearningRateSchedule
_AVERAGED = contextvars.ContextVar("averaged", default=False)  # of the thread, of which a replica has its own
_RATE = "a finite number, at least 0, or a schedule"
# By the name of an argument of an optimizer, or of a schedule of learning rates.
SETTINGS: Mapping[str, Any] = {
    "learning_rate": Annotated[NonNegative | _Schedule | Callable[[], Any], _RATE],
    **dict.fromkeys(("initial_learning_rate", "end_learning_rate", "warmup_target"), NonNegative | None),
    "values": Sequence[NonNegative],  # of a schedule by pieces
    "beta_1": BelowOne,
    "beta_2": BelowOne,
    "rho": BelowOne,
    "momentum": BelowOne,
    "ema_momentum": BelowOne,
    "epsilon": NonNegative,
    "weight_decay": NonNegative | None,
    "clipnorm": Positive | None,
    "clipvalue": Positive | None,
    "global_clipnorm": Positive | None,
    "loss_scale_factor": Positive | None,
    "gradient_accumulation_steps": Count | None,
    "ema_overwrite_frequency": Count | None,
    **dict.fromkeys(("use_ema", "nesterov", "amsgrad", "centered"), bool),
}


def check_optimizer(name: str, optimizer: Any) -> None:
    """Looks at an optimizer before it trains.

    Raises:
      InputError: it is none; a number in it is not finite or out of its range, by which Keras would ascend or diverge
        without a word; it keeps an average of the weights, which nothing here reads, or scales losses down that nobody
        has scaled up.
    """
    check(name, _Optimizer, optimizer)
    try:
        rate = current_rate(optimizer)
    except Exception as error:  # of a function of the user's
        raise InputError(f"{name}: learning_rate gives no number ({type(error).__name__}: {brief(error)})") from error
    _check_config(f"{name}: {type(optimizer).__name__}", optimizer.get_config())
    check(f"{name}: learning_rate", NonNegative, rate)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise InputError(
            f"{name}: LossScaleOptimizer divides gradients of losses that were not multiplied: pass its inner optimizer"
        )
    if optimizer.use_ema:
        raise InputError(f"{name}: use_ema has no effect here: set average_decay, the generator's moving average")
    if optimizer.loss_scale_factor:
        raise InputError(f"{name}: loss_scale_factor divides gradients of losses that were not multiplied: remove it")


def _check_config(name: str, config: Mapping[str, Any]) -> None:
    for setting, value in config.items():
        if isinstance(value, dict):  # a schedule; of a function it has the name
            inner = value.get("config")
            _check_config(f"{name}.{setting}", inner if isinstance(inner, dict) else {})
        elif setting in SETTINGS or (isinstance(value, int | float) and not isinstance(value, bool)):
            check(f"{name}.{setting}", SETTINGS.get(setting, float), value)


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of its next step, that of its schedule where it has one."""
    return float(tf.convert_to_tensor(optimizer.learning_rate))  # of several devices it is no number


def rate_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The learning rates that are variables, those of optimizers within it too; a schedule has none."""
    return [variable for variable in optimizer.variables if variable.name == "learning_rate"]


def stored_rates(optimizer: keras.optimizers.Optimizer) -> tuple[float, ...]:
    """The values of `rate_variables`."""
    return tuple(float(variable.numpy()) for variable in rate_variables(optimizer))


def made(name: str, optimizer: Any) -> keras.optimizers.Optimizer:
    """An optimizer, as it is given or made from its name or configuration; looked at (`check_optimizer`)."""
    if isinstance(optimizer, str | dict):
        try:
            optimizer = keras.optimizers.get(optimizer)
        except Exception as error:  # Keras raises many kinds
            raise InputError(f"{name}: {shown(optimizer)} is not a Keras optimizer ({brief(error)})") from error
    check_optimizer(name, optimizer)
    return optimizer


def assign(optimizers: Players, networks: Players) -> None:
    """Has each optimizer train its player, and names it after the player.

    Raises:
      InputError: it is one for both, or trains other variables already.
    """
    if optimizers.discriminator is optimizers.generator:
        raise InputError("GAN.compile: both players have one optimizer: make one for each")
    for player, optimizer in optimizers._asdict().items():
        variables = getattr(networks, player).trainable_variables
        trains = getattr(optimizer, "_trainable_variables", None) if optimizer.built else None
        if trains is not None and list(map(id, trains)) != list(map(id, variables)):
            raise InputError(f"GAN.compile: {player}_optimizer trains another network already: make a new one")
        optimizer.name = player
        optimizer._all_reduce_sum_gradients = functools.partial(_sum_over_replicas, optimizer)
        optimizer.build(variables)


def apply(optimizer: keras.optimizers.Optimizer, direction: Sequence[tf.Tensor], variables: Sequence[Any]) -> None:
    """The optimizer's step along a direction, which is that of the global batch on every replica.

    The sum over replicas that Keras takes would multiply it, and clip what is to be summed.
    """
    token = _AVERAGED.set(True)
    try:
        optimizer.apply(direction, variables)
    finally:
        _AVERAGED.reset(token)


def _sum_over_replicas(optimizer: keras.optimizers.Optimizer, gradients_and_variables: Any) -> Any:
    """Keras' own, but for what has been averaged already."""
    if _AVERAGED.get():
        return gradients_and_variables
    return type(optimizer)._all_reduce_sum_gradients(optimizer, gradients_and_variables)


class BothOptimizers:
    """What Keras' callbacks and other loggers find as a GAN's `optimizer`: one for two players.

    Attributes:
      optimizers: both, named after their players; callbacks that know of several schedule and log each.
      learning_rate: the generator's; setting it multiplies the discriminator's by the same factor.
      iterations: how many training steps the GAN has taken.
    """

    name = "both"
    built = True

    def __init__(self, optimizers: Players, iterations: keras.Variable):
        self.optimizers, self.iterations = list(optimizers), iterations

    @property
    def learning_rate(self) -> tf.Tensor:
        return tf.convert_to_tensor(self.optimizers[1].learning_rate)  # no variable, which one might assign to

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        before = current_rate(self.optimizers[1])
        for optimizer in self.optimizers:
            optimizer.learning_rate = rate * current_rate(optimizer) / before if before else rate

    @property
    def variables(self) -> list["_NamedVariable"]:
        """Both optimizers' variables, as `get_state_tree` reads and sets them: with paths that differ."""
        return [_NamedVariable(variable, one.name) for one in self.optimizers for variable in one.variables]

    def get_config(self) -> dict[str, Any]:
        """Each optimizer's, by player."""
        return {optimizer.name: optimizer.get_config() for optimizer in self.optimizers}


class _NamedVariable:
    """A variable with another path: that of its optimizer may be the other one's too."""

    def __init__(self, variable: keras.Variable, player: str):
        self._variable, self.path = variable, f"{player}/{variable.path.partition('/')[2]}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._variable, name)
