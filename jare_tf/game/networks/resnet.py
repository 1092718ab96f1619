"""Residual networks with a constant number of filters M_f: settings E and F of JARE section 7 (Tables 2 and 3).

`generator_v2` and `discriminator` at 64 and 128 px are those of CelebA and ImageNet (Tables 4 and 5).
"""

import keras

from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose
from jare_tf.game.networks.dense import Dense
from jare_tf.game.networks.image_sizes import doublings
from jare_tf.settings import Size, Width, checked

_SCALE = 0.1  # of the residual branch, as in the published code; the tables do not give it


def _residual_block(inputs, filters: int, inner: int, conv=Conv2D):
    """h ← h + 0.1 · conv3×3(f, ReLU)(conv3×3(inner, ReLU)(h))."""
    hidden = conv(inner, 3, 1, "same", activation="relu")(inputs)
    hidden = conv(filters, 3, 1, "same", activation="relu")(hidden)
    return keras.layers.Add()([inputs, keras.layers.Rescaling(_SCALE)(hidden)])


def _upsampled(latent_dim: int, filters: int, size: int, blocks: int):
    """z → dense size·size·f ReLU → (deconv 4×4/2 f ReLU, residual block) `blocks` times."""
    latent = keras.Input((latent_dim,))
    hidden = Dense(size * size * filters, activation="relu")(latent)
    hidden = keras.layers.Reshape((size, size, filters))(hidden)
    for _ in range(blocks):
        hidden = Conv2DTranspose(filters, 4, 2, "same", activation="relu")(hidden)
        hidden = _residual_block(hidden, filters, filters // 2)
    return latent, hidden


@checked
def generator_v1(
    *, latent_dim: Width = 128, filters: Size = 64, image_size: Size = 32, channels: Size = 3
) -> keras.Model:
    """`resnet_v1` (Table 2): from 2 px, up to half the image's side, then deconv 4×4/2 to `channels`, tanh.

    Args:
      latent_dim: length of z.
      filters: M_f, even.
      image_size: side of the image, a power of two from 8.
      channels: channels of the image.

    Raises:
      InputError: image_size is no power of two from 8.

    Examples:
      >>> from jare_tf.networks import resnet
      >>> resnet.generator_v1(filters=2, image_size=16).output_shape  # 2 px, doubled twice and once more
      (None, 16, 16, 3)
    """
    blocks = doublings("resnet.generator_v1", image_size, 4)
    latent, hidden = _upsampled(latent_dim, filters, 2, blocks)
    image = Conv2DTranspose(channels, 4, 2, "same", activation="tanh")(hidden)
    return keras.Model(latent, image, name="resnet_v1_generator")


@checked
def generator_v2(
    *, latent_dim: Width = 128, filters: Size = 64, image_size: Size = 32, channels: Size = 3
) -> keras.Model:
    """`resnet_v2` (Table 3): from 4 px, up to the image's side, then conv 3×3/1 to `channels`, tanh.

    Args:
      latent_dim: length of z.
      filters: M_f, even.
      image_size: side of the image, a power of two from 8.
      channels: channels of the image.

    Raises:
      InputError: image_size is no power of two from 8.

    Examples:
      >>> from jare_tf.networks import resnet
      >>> resnet.generator_v2(filters=2, image_size=8).output_shape  # 4 px, doubled once
      (None, 8, 8, 3)
    """
    blocks = doublings("resnet.generator_v2", image_size, 4)
    latent, hidden = _upsampled(latent_dim, filters, 4, blocks)
    image = Conv2D(channels, 3, 1, "same", activation="tanh")(hidden)
    return keras.Model(latent, image, name="resnet_v2_generator")


@checked
def discriminator(
    *, filters: Size = 64, image_size: Size = 32, channels: Size = 3, spectral_norm: bool = False
) -> keras.Model:
    """The discriminator of both (Tables 2 and 3): (conv 4×4/2 f ReLU, residual block) down to 2 px → dense 1.

    The first block is f wide inside, the others f/2, as in the published code.

    Args:
      filters: M_f, even.
      image_size: side of the image, a power of two from 8.
      channels: channels of the image.
      spectral_norm: divide every kernel, the dense one too, by its spectral norm.

    Raises:
      InputError: image_size is no power of two from 8.

    Examples:
      >>> from jare_tf.networks import resnet
      >>> resnet.discriminator(image_size=48)
      Traceback (most recent call last):
          ...
      jare_tf.errors.InputError: resnet.discriminator: image_size must be 4 times a power of two, at least 8, not 48
    """
    blocks = doublings("resnet.discriminator", image_size, 4) + 1
    dense, conv = sn.layers(spectral_norm)
    image = keras.Input((image_size, image_size, channels))
    hidden = image
    for block in range(blocks):
        hidden = conv(filters, 4, 2, "same", activation="relu")(hidden)
        hidden = _residual_block(hidden, filters, filters if block == 0 else filters // 2, conv)
    logit = dense(1)(keras.layers.Flatten()(hidden))
    return keras.Model(image, logit, name="resnet_discriminator")
