"""One device, two devices of one process, and two processes take the same steps."""

import functools
import json

import numpy as np
import pytest

import jare_tf
from jare_tf import replicas
from jare_tf.training import strategy
from tests import equivalence
from tests.processes import Forked, ended, start, start_workers

CASES = [f"{game}/{rule}" for game, (*_, rules) in equivalence.games().items() for rule in rules]
# Without --slow: on two devices one rule or schedule of each kind, and networks with state; on two workers what one may
# average wrongly.
_KINDS = "sim_gd jare debiased extragradient symplectic_gradient_adjustment lola adaptive_competitive unrolled momentum"
_RULES = [f"affine/{name}" for name in f"{_KINDS} clipped lazy lookahead extrapolating".split()]
QUICK = {
    "one_device": [*_RULES, "dcgan2/sim_gd", "dcgan2/jare"],
    "mirrored": [*_RULES, "dcgan2/jare"],
    "multi_worker": ["affine/jare", "affine/debiased", "affine/unrolled"],
}


def cases(strategy):
    """Of all cases those of a strategy, the others marked slow."""
    return [pytest.param(case, marks=[] if case in QUICK[strategy] else pytest.mark.slow) for case in CASES]


@pytest.fixture(scope="module")
def reached(request, tmp_path_factory):
    """A function from a strategy to what each of its workers reaches in 20 steps: parameters by case and variable."""
    folder = tmp_path_factory.mktemp("equivalence")

    @functools.cache
    def trained(strategy):
        command = ["tests.equivalence", folder, strategy, *(CASES if request.config.option.slow else QUICK[strategy])]
        workers = strategy == "multi_worker"
        processes = start_workers(folder / "log", [command] * 2) if workers else [Forked(folder / "log", *command)]
        exits = ended(processes, within=1200)
        assert exits == [0] * len(processes), "".join(path.read_text() for path in folder.glob("log*"))
        return [dict(np.load(path)) for path in sorted(folder.glob(f"{strategy}_*.npz"))]

    return trained


@pytest.mark.parametrize("case", [case for case in cases("one_device") if case.values[0].endswith("/jare")])
def test_the_rules_differ(reached, case):
    """By more than what is tolerated between devices."""
    (one,) = reached("one_device")
    names = [name for name in one if name.startswith(f"{case}/")]
    assert max(np.abs(one[name] - one[name.replace("/jare/", "/sim_gd/")]).max() for name in names) > 1e-4


def check_same_step(reached, strategy, case):
    """ξ is averaged before a rule uses it, batch norm is the whole batch's, and clipping sees the whole direction."""
    (one,), several = reached("one_device"), reached(strategy)
    names = [name for name in one if name.startswith(f"{case}/")]
    assert len(names) >= 2
    for other in several:
        for name in names:
            np.testing.assert_allclose(other[name], one[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", cases("mirrored"))
def test_the_step_of_two_devices_is_that_of_one(reached, case):
    check_same_step(reached, "mirrored", case)


@pytest.mark.parametrize("case", cases("multi_worker"))
def test_the_step_of_two_workers_is_that_of_one_device(reached, case):
    assert len(reached("multi_worker")) == 2
    check_same_step(reached, "multi_worker", case)


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


def test_tf_config_of_a_single_worker_is_one_device(monkeypatch):
    cluster = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert strategy.make("auto").num_replicas_in_sync == 1
