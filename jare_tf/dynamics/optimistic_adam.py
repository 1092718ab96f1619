"""Optimistic Adam, an optimizer."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("jare_tf")
class OptimisticAdam(keras.optimizers.Adam):
    """Optimistic Adam: w_{t+1} = w_t − 2η r_t + η r_{t−1} (Daskalakis et al. 2018, Algorithm 1).

    r_t = √(1 − β2ᵗ)/(1 − β1ᵗ) · m_t/(√v_t + ε) is the direction of `keras.optimizers.Adam`, whose ε is added before v's
    bias is corrected and not after it as in the paper; r_0 = 0. The rule `optimistic()` under Adam is another method:
    it extrapolates the gradient, and Adam's moments then see the extrapolated one. Any rule feeds this one;
    `sim_gd()` is the published method. One slot more than Adam.

    Args:
      learning_rate: η, a number or a schedule.
      beta_1: β1, of the mean m of gradients, from 0 to below 1.
      beta_2: β2, of the mean v of their squares, likewise.
      epsilon: ε, positive.
      kwargs: clipping, weight decay and the like, as `keras.optimizers.Adam` has them.

    Examples:
      >>> w, optimizer = keras.Variable(1.0), jare_tf.OptimisticAdam(learning_rate=0.125)
      >>> for _ in range(2):  # of equal gradients, r_t = 1: w − 2η, then w − 2η + η
      ...     optimizer.apply([tf.constant(1.0)], [w])
      ...     print(round(float(w.value), 5))
      0.75
      0.625
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str = "optimistic_adam",
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)

    def build(self, var_list: Any) -> None:
        """Makes the slots."""
        if self.built:
            return
        super().build(var_list)
        self._directions = [self.add_variable_from_reference(variable, name="direction") for variable in var_list]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """The step of one variable."""
        slots = (self._momentums, self._velocities, self._directions)
        m, v, direction = (slot[self._get_variable_index(variable)] for slot in slots)
        gradient, rate = (ops.cast(value, variable.dtype) for value in (gradient, learning_rate))
        step = ops.cast(self.iterations + 1, variable.dtype)
        unbiased = ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        now = unbiased * m / (ops.sqrt(v) + self.epsilon)
        self.assign_sub(variable, rate * (2 * now - direction))
        self.assign(direction, now)

    def get_config(self) -> dict[str, Any]:
        """What the constructor takes."""
        config = super().get_config()
        del config["amsgrad"]
        return config
