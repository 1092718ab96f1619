"""What the program can do: a configuration fills `Experiment` and `Pace`, and every mode is a function of them."""

from jare_tf.experiment.advise import advise
from jare_tf.experiment.compare import Comparison
from jare_tf.experiment.evaluate import evaluate
from jare_tf.experiment.experiment import Experiment
from jare_tf.experiment.export import export
from jare_tf.experiment.landscape import landscape
from jare_tf.experiment.sample import sample
from jare_tf.experiment.spectrum import spectrum
from jare_tf.experiment.train import train
from jare_tf.training.pace import Pace
from jare_tf.training.run import Run

__all__ = [
    "Comparison",
    "Experiment",
    "Pace",
    "Run",
    "advise",
    "evaluate",
    "export",
    "landscape",
    "sample",
    "spectrum",
    "train",
]
