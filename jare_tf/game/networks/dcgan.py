"""DCGANs (Radford et al. 2016) as the three papers vary them: every layer a 5×5 convolution with stride 2.

| name in the papers | layers | growth | batch_norm | dense_units | leak | |
| --- | --- | --- | --- | --- | --- | --- |
| `dcgan4` of JARE section 7, settings C and D | 4 | 1 | False | 0 | 0 in the generator, 0.1 | the defaults |
| `dcgan3`, `dcgan4` of ConOpt | 3, 4 | 2 | True | 0 | 0.2 | the supplement's "standard DC-GAN" |
| `..._nobn` | 3, 4 | 2 | False | 0 | 0.2 | |
| `..._nobn_cf`, "constant filters" | 3, 4 | 1 | False | 0 | 0.2 | |
| the same with "an additional fully connected layer" | | | | 512 in the discriminator | | Fig. 8 |
| `conv3`, `conv4` of ConOpt's published code | 3, 4 | 1 | False | 512 | 0.2 | in no figure |
"""

from typing import Literal

import keras

from jare_tf.game.networks import batch_norm as bn
from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.convolution import Conv2DTranspose
from jare_tf.game.networks.dense import Dense
from jare_tf.game.networks.image_sizes import start_size
from jare_tf.settings import BelowOne, CountFromZero, Size, Width, checked


@checked
def generator(
    *,
    latent_dim: Width = 128,
    filters: Size = 64,
    image_size: Size = 32,
    channels: Size = 3,
    layers: Size = 4,
    growth: Literal[1, 2] = 1,
    batch_norm: bool = False,
    dense_units: CountFromZero = 0,
    leak: BelowOne = 0.0,
) -> keras.Model:
    """z → dense s·s·w_L → deconv 5×5/2 to w_{L−1}, ..., w_1 → deconv 5×5/2 to `channels`, tanh; w_k = f · growth^{k−1}.

    s is the image's side over 2^L. Every layer but the last is followed by batch norm, if on, and leaky ReLU.

    Args:
      latent_dim: length of z.
      filters: f.
      image_size: side of the image, a multiple of 2^L.
      channels: channels of the image.
      layers: L, the transposed convolutions.
      growth: 1 for f filters in every layer, 2 for twice as many in each layer that is further from the image.
      batch_norm: normalise after the dense layer and every transposed convolution but the last.
      dense_units: units of a dense layer before the others; 0 for none.
      leak: slope of leaky ReLU below 0; 0 is ReLU.

    Raises:
      InputError: image_size is no multiple of 2^L.

    Examples:
      >>> from jare_tf.networks import dcgan
      >>> dcgan.generator(latent_dim=1, filters=1, image_size=4, layers=1).count_params()  # 2·(2·2) + (25·3 + 3)
      86
    """
    size = start_size("dcgan.generator", image_size, layers)
    widths = [filters * growth**k for k in reversed(range(layers))]
    bias = not batch_norm
    stack = [Dense(dense_units), *_activation(leak)] if dense_units else []
    stack += [Dense(size * size * widths[0], use_bias=bias), keras.layers.Reshape((size, size, widths[0]))]
    stack += _activation(leak, batch_norm)
    for width in widths[1:]:
        stack += [Conv2DTranspose(width, 5, 2, "same", use_bias=bias), *_activation(leak, batch_norm)]
    stack += [Conv2DTranspose(channels, 5, 2, "same", activation="tanh")]
    return keras.Sequential([keras.Input((latent_dim,)), *stack], name="dcgan_generator")


@checked
def discriminator(
    *,
    filters: Size = 64,
    image_size: Size = 32,
    channels: Size = 3,
    layers: Size = 4,
    growth: Literal[1, 2] = 1,
    batch_norm: bool = False,
    dense_units: CountFromZero = 0,
    leak: BelowOne = 0.1,
    spectral_norm: bool = False,
) -> keras.Model:
    """x → conv 5×5/2 to w_1, ..., w_L, each leaky ReLU → dense 1; w_k = f · growth^{k−1}.

    Args:
      filters: f.
      image_size: side of the image, a multiple of 2^L.
      channels: channels of the image.
      layers: L, the convolutions.
      growth: 1 for f filters in every layer, 2 for twice as many in each layer that is further from the image.
      batch_norm: normalise after every convolution but the first.
      dense_units: units of a dense layer before the last; 0 for none.
      leak: slope of leaky ReLU below 0; 0 is ReLU.
      spectral_norm: divide every kernel, the dense ones too, by its spectral norm.

    Raises:
      InputError: image_size is no multiple of 2^L.

    Examples:
      >>> from jare_tf.networks import dcgan
      >>> dcgan.discriminator(filters=1, image_size=4, layers=1).count_params()  # (25·3 + 1) + (2·2 + 1)
      81
    """
    start_size("dcgan.discriminator", image_size, layers)
    dense, conv = sn.layers(spectral_norm)
    stack = []
    for k in range(layers):
        normalised = batch_norm and k > 0
        stack += [conv(filters * growth**k, 5, 2, "same", use_bias=not normalised), *_activation(leak, normalised)]
    stack += [keras.layers.Flatten()]
    stack += [dense(dense_units), *_activation(leak)] if dense_units else []
    stack += [dense(1)]
    return keras.Sequential([keras.Input((image_size, image_size, channels)), *stack], name="dcgan_discriminator")


def _activation(leak: float, batch_norm: bool = False) -> list[keras.Layer]:
    """Batch norm, if asked for, in place of the bias before it; then leaky ReLU."""
    return [*([bn.layer()] if batch_norm else []), keras.layers.LeakyReLU(leak)]
