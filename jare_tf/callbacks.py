"""Callbacks for `GAN.fit`, where those of Keras work too."""

from typing import Any

import keras

from jare_tf.settings import Count, checked
from jare_tf.training.pace import Probe, measure

__all__ = ["Scores"]


@checked
class Scores(keras.callbacks.Callback):
    """Adds what probes measure to the logs of every epoch, so that `fit` watches it.

    ```python
    coverage = jare_tf.evaluation.ModeCoverage(mixture=mixture)
    best = keras.callbacks.ModelCheckpoint("best.keras", monitor="modes_covered", mode="max", save_best_only=True)
    gan.fit(samples, epochs=10, callbacks=[jare_tf.callbacks.Scores(coverage), best])
    ```

    It stands before the callbacks that read its logs. `History`, `EarlyStopping`, `ReduceLROnPlateau`,
    `ModelCheckpoint`, `TensorBoard` and others then find the scores by their tags.

    Args:
      probes: functions from the GAN to numbers by tag, such as `evaluation.ImageScores(...)`.
      every: epochs between measurements, the first and the last epoch measured too; between them the logs have the
        last values.
    """

    def __init__(self, *probes: Probe, every: Count = 1):
        super().__init__()
        self._probes, self._every = probes, every
        self._measured: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        last = self.params and epoch + 1 == self.params.get("epochs")
        if not self._measured or (epoch + 1) % self._every == 0 or last:
            self._measured = measure(self._probes, self.model)
        if logs is not None:
            logs.update(self._measured)
