"""One device, two devices of one process, and two processes take the same steps."""

import json

import numpy as np
import pytest

import jare_tf
from jare_tf import replicas
from jare_tf.training import strategy
from tests import equivalence
from tests.processes import ended, start, start_workers


@pytest.fixture(scope="module")
def reached(tmp_path_factory):
    """By strategy the parameters after 20 steps, by game, rule and variable; of every worker."""
    folder = tmp_path_factory.mktemp("equivalence")
    command = ["-m", "tests.equivalence"]
    processes = {
        "one device": [start(folder / "log", *command, folder / "one.npz", "one_device")],
        "two devices": [start(folder / "log", *command, folder / "two.npz", "mirrored")],
    }
    for waiting in processes.values():
        assert ended(waiting, within=1200) == [0], (folder / "log").read_text()
    workers = start_workers(folder / "workers", [[*command, folder, "multi_worker"]] * 2)
    assert ended(workers, within=1200) == [0, 0], (folder / "workers.0").read_text()
    files = {"one device": "one", "two devices": "two", "worker 0": "worker_0", "worker 1": "worker_1"}
    return {name: dict(np.load(folder / f"{file}.npz")) for name, file in files.items()}


@pytest.mark.parametrize("where", ["two devices", "worker 0", "worker 1"])
@pytest.mark.parametrize(
    ("game", "rule"), [(game, rule) for game, (*_, rules) in equivalence.games().items() for rule in rules]
)
def test_the_step_is_that_of_the_global_batch(reached, where, game, rule):
    """ξ is averaged before a rule uses it, batch norm is the whole batch's, and clipping sees the whole direction."""
    names = [name for name in reached["one device"] if name.startswith(f"{game}/{rule}/")]
    assert len(names) >= 2
    for name in names:
        np.testing.assert_allclose(reached[where][name], reached["one device"][name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("game", equivalence.games())
def test_the_rules_differ(reached, game):
    """By more than what is tolerated between devices."""
    one = reached["one device"]
    names = [name for name in one if name.startswith(f"{game}/jare/")]
    assert max(np.abs(one[name] - one[name.replace("/jare/", "/sim_gd/")]).max() for name in names) > 1e-4


FIT = """
import keras, numpy as np, tensorflow as tf
import jare_tf
from jare_tf.game.networks import affine
from jare_tf.training import strategy

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
points = np.random.default_rng(0).normal([0.0, 4.0], 0.5, size=(20, 2)).astype("float32")
reached = []
for devices in (tf.distribute.get_strategy(), strategy.make("mirrored")):
    with devices.scope():
        networks = affine.generator(mean=[0.0, 4.0]), affine.discriminator(dimension=2)
        gan = jare_tf.GAN(*networks, rule=jare_tf.jare(gamma=0.3), loss=jare_tf.Minimax(), latent_dim=2)
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    gan.fit(points, batch_size=8, epochs=3, shuffle=False, verbose=0)  # the last batch of an epoch is smaller
    reached.append([variable.numpy() for network in gan.game.networks for variable in network.variables])
for one, other in zip(*reached, strict=True):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
"""


def test_fit_on_two_devices_is_fit_on_one(tmp_path):
    log = tmp_path / "log"
    assert ended([start(log, "-c", FIT)], within=300) == [0], log.read_text()


@pytest.mark.parametrize("size", [8, 12, 6])
def test_parts_are_the_whole_batch_once(size):
    batch = np.arange(2 * size).reshape(size, 2)
    parts = [np.asarray(replicas.part(batch, index, 2)) for index in range(2)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts), axis=0), batch)
    np.testing.assert_array_equal(
        np.concatenate([replicas.rows(size, i, 1, 2) for i in range(2)]), np.concatenate(parts)[:, 0] // 2
    )
    if size % 4 == 0:
        assert all((part[: size // 4, 0] < size).all() for part in parts)  # the first halves are the first half


@pytest.mark.parametrize(
    ("name", "tpu", "message"),
    [
        ("multi_worker", None, "strategy 'multi_worker': TF_CONFIG must list several workers"),
        ("tpu", None, "strategy 'tpu': name the TPU"),
        ("mirrored", "local", "a TPU goes with the strategy 'tpu' or 'auto', not 'mirrored'"),
        ("auto", "local", "the TPU 'local' cannot be reached: "),
    ],
)
def test_no_such_devices(name, tpu, message):
    with pytest.raises(jare_tf.InputError, match=message):
        strategy.make(name, tpu)


CLUSTER = '"cluster": {"worker": ["a:1", "b:2"]}'


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        f"{{{CLUSTER}}}",
        '{"cluster": {"worker": 3}}',
        f'{{{CLUSTER}, "task": {{"type": "worker", "index": 5}}}}',
        f'{{{CLUSTER}, "task": {{"type": "evaluator", "index": 0}}}}',
    ],
)
def test_tf_config_that_cannot_be_read(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(jare_tf.InputError, match="TF_CONFIG cannot be read .*must look like"):
        strategy.make("auto")


def test_tf_config_of_a_single_worker_is_one_device(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert strategy.make("auto").num_replicas_in_sync == 1
