"""What the program can do: each root is a function whose keyword arguments a configuration binds."""

from jare_tf.experiment.comparison import compare
from jare_tf.experiment.exporting import export
from jare_tf.experiment.parts import make_gan
from jare_tf.experiment.sampling import sample
from jare_tf.experiment.scoring import evaluate
from jare_tf.experiment.spectra import spectrum
from jare_tf.experiment.training import train

__all__ = ["compare", "evaluate", "export", "make_gan", "sample", "spectrum", "train"]
