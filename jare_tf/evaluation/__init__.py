"""Scores: what a run's checkpoints, or any images, are scored by."""

from jare_tf.evaluation import embedding, protocols
from jare_tf.evaluation.image_scores import ImageScores
from jare_tf.evaluation.metric import Metric, Samples
from jare_tf.evaluation.mode_coverage import ModeCoverage
from jare_tf.evaluation.moments import Moments
from jare_tf.evaluation.precision_recall import DensityCoverage, PrecisionRecall
from jare_tf.evaluation.scores import FrechetDistance, InceptionScore, KernelDistance, SlicedWasserstein
from jare_tf.evaluation.stacked_modes import StackedModes
from jare_tf.training.probes import ParameterDistance, Periodic, spectral_norms

__all__ = [
    "DensityCoverage",
    "FrechetDistance",
    "ImageScores",
    "InceptionScore",
    "KernelDistance",
    "Metric",
    "ModeCoverage",
    "Moments",
    "ParameterDistance",
    "Periodic",
    "PrecisionRecall",
    "Samples",
    "SlicedWasserstein",
    "StackedModes",
    "embedding",
    "protocols",
    "spectral_norms",
]
