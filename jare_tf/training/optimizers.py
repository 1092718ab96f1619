"""What an optimizer of Keras may be set to, which Keras does not check."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import keras
import tensorflow as tf

from jare_tf.errors import InputError, brief
from jare_tf.settings import BelowOne, Count, NonNegative, Positive, check

_Optimizer = Annotated[keras.optimizers.Optimizer, "an optimizer such as keras.optimizers.Adam(1e-4)"]
_Schedule = keras.optimizers.schedules.LearningRateSchedule
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
    _check_config(f"{name}: {type(optimizer).__name__}", optimizer.get_config())
    try:
        rate = float(tf.convert_to_tensor(optimizer.learning_rate))  # of several devices it is no number
    except Exception as error:  # of a function of the user's
        raise InputError(f"{name}: learning_rate gives no number ({type(error).__name__}: {brief(error)})") from error
    check(f"{name}: learning_rate", NonNegative, rate)
    if optimizer.use_ema:
        raise InputError(f"{name}: use_ema has no effect here: set average_decay, the generator's moving average")
    if optimizer.loss_scale_factor:
        raise InputError(f"{name}: loss_scale_factor divides gradients of losses that nobody multiplied: leave it out")


def _check_config(name: str, config: Mapping[str, Any]) -> None:
    for setting, value in config.items():
        if isinstance(value, dict):  # a schedule; of a function it has the name
            inner = value.get("config")
            _check_config(f"{name}.{setting}", inner if isinstance(inner, dict) else {})
        elif setting in SETTINGS or (isinstance(value, int | float) and not isinstance(value, bool)):
            check(f"{name}.{setting}", SETTINGS.get(setting, float), value)
