import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.data import image_folder
from jare_tf.report.pictures import png
from jare_tf.training import loop


def test_an_image_that_vanishes_ends_the_run_in_a_line_that_names_it(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(png(np.zeros((8, 8, 3), np.uint8)))
    dataset = image_folder.load(path=str(tmp_path), image_size=8, in_memory_limit=0)
    (tmp_path / "3.png").unlink()
    layers = [keras.layers.Dense(192), keras.layers.Reshape((8, 8, 3))]
    gan = jare_tf.GAN(
        keras.Sequential([keras.Input((2,)), *layers]),
        keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]),
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(),
        latent_dim=2,
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    pace = {"batch_size": 2, "steps": 20, "steps_per_call": 1, "jit_compile": False}
    with pytest.raises(jare_tf.RunError, match=r"^step 0: .*3\.png"):
        loop.run(gan, dataset, **pace, actions=[], stopped=lambda: False)
