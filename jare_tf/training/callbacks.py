"""What `GAN.fit` and `GAN.evaluate` add to the callbacks that they are given."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from jare_tf.errors import NOT_FINITE_ADVICE, NotFiniteError

_WIDTH = 10  # of the bar itself


class NotFinite(keras.callbacks.Callback):
    """Ends `fit` where a loss is not finite any more, unless another callback has.

    Raises:
      NotFiniteError: it is not.
    """

    async_safe = True  # what Keras does between two steps need not wait for it

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not self.model.stop_training and not np.isfinite((logs or {}).get("loss", 0.0)):
            raise NotFiniteError(f"the loss of one of the players is not finite any more; {NOT_FINITE_ADVICE}")


class Progress(keras.callbacks.ProgbarLogger):
    """Keras' progress bar in 80 columns: of the logs the two players' losses, and `val_loss` where there is one."""

    async_safe = True

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self.progbar.width = _WIDTH

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        super().on_train_batch_end(batch, _brief(logs))

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        super().on_test_batch_end(batch, _brief(logs))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, _brief(logs))

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        super().on_test_end(_brief(logs))


def _brief(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {"loss/discriminator": "D", "loss/generator": "G", "val_loss": "val_loss"}
    return {name: logs[tag] for tag, name in names.items() if tag in logs} if logs else {}
