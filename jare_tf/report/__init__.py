"""Pictures of samples, curves and eigenvalues, and the page about runs."""

from jare_tf.report.pictures import Density, ImageGrid, Points

__all__ = ["Density", "ImageGrid", "Points"]
