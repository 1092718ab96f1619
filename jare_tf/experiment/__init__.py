"""What the program can do: each root is a function whose keyword arguments a configuration binds."""

from jare_tf.experiment.comparison import compare
from jare_tf.experiment.parts import make_gan
from jare_tf.experiment.spectra import spectrum
from jare_tf.experiment.training import train

__all__ = ["compare", "make_gan", "spectrum", "train"]
