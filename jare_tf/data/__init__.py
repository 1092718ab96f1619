"""Data sets: distributions in few dimensions, arrays, folders of images, TensorFlow Datasets; and latent priors."""

from jare_tf.data import image_folder, in_memory, latent, stacked_mnist, synthetic, tfds_images
from jare_tf.data.dataset import Dataset

__all__ = ["Dataset", "image_folder", "in_memory", "latent", "stacked_mnist", "synthetic", "tfds_images"]
