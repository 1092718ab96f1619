import keras
import numpy as np
import pytest

import jare_tf
from jare_tf.data import image_folder, synthetic
from jare_tf.game.networks import affine
from jare_tf.report.pictures import png
from jare_tf.training import loop
from tests.processes import ended, start
from tests.runs import pace


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
    with pytest.raises(jare_tf.RunError, match=r"^step 0: .*3\.png"):
        loop.train(gan, dataset, 2, pace(20, steps_per_call=1))


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([("every", 4)], [4, 8, 10]),
        ([("at", (3, 7, 20))], [3, 7]),
        ([("every", 4), ("at", (3, 8))], [3, 4, 8, 8, 10]),
    ],
)
def test_calls_end_where_an_action_is_due(actions, expected):
    """Every multiple and the last step; or those steps alone, of which one beyond the end never comes."""
    gan = jare_tf.GAN(
        affine.generator(mean=[0.0, 4.0]),
        affine.discriminator(dimension=2),
        rule=jare_tf.sim_gd(),
        loss=jare_tf.Minimax(),
        latent_dim=2,
    )
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    seen, kinds = [], {"every": loop.Every, "at": loop.At}
    due = [kinds[kind](steps, lambda progress: seen.append((progress.step, gan.step))) for kind, steps in actions]
    loop.train(gan, synthetic.gaussian(mean=[0.0, 4.0], std=0.2), 2, pace(10, steps_per_call=100), due)
    assert seen == [(step, step) for step in expected]


SUM = """
import collections, sys, tensorflow as tf
if sys.argv[1] == "as the program":
    from jare_tf import main
    main.set_optimizer()
parts = [tf.random.stateless_normal([3000, 3000], [k, 0]) for k in range(4)]

@tf.function
def total(parts):
    return tf.add_n([tf.sin(part) for part in parts])

print(len(collections.Counter(int(tf.reduce_sum(tf.bitcast(total(parts), tf.int32) % 1009)) for _ in range(40))))
"""


@pytest.mark.parametrize("how", ["as the program", "as TensorFlow does by itself"])
def test_large_sums_are_added_in_one_order(tmp_path, how):
    """Gradients too are sums of several large tensors; without the program's setting their last digits vary."""
    log = tmp_path / "log"
    assert ended([start(log, "-c", SUM, how)], within=300) == [0], log.read_text()
    results = int(log.read_text().split()[-1])
    assert (results == 1) == (how == "as the program")
