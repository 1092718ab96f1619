"""tools/benchmark.py: every number of a small run, and a user's mistakes in one line."""

import collections
import json
import math

import pytest
import tensorflow as tf

import jare_tf
from jare_tf.game.networks import dcgan
from jare_tf.report import step_times
from jare_tf.reproduction import convolutions, step_cost
from tools import benchmark

SMALL = ["FILTERS = 4", "BATCH_SIZE = 2"]
NAMES = {"GAN": "gan", "SN-GAN": "sngan"}
TINY = ["--rounds", "1", "--gin_param", "BATCH_SIZE = 2"]


@pytest.fixture
def without_warming_up(monkeypatch):
    monkeypatch.setattr(benchmark, "warm_up", lambda modes: None)


def test_a_setting_of_images(tmp_path, capsys, without_warming_up):
    """JARE does about twice the work of GAN."""
    methods = ["gan", "jare"]
    small = ["--settings", "C", "--methods", ",".join(methods), "--modes", "graph", "--gin_param", "FILTERS = 4"]
    benchmark.main([*small, *TINY, "--output", str(tmp_path)])
    table = capsys.readouterr().out
    record = json.loads((tmp_path / "benchmark.json").read_text())
    assert record["threads"] >= 1 and record["device"] and record["tensorflow"]
    rows = {row["method"]: row for row in record["rows"]}
    assert list(rows) == [benchmark.METHODS[method] for method in methods]
    for row in rows.values():
        assert (row["setting"], row["mode"], row["images"], row["batch_size"]) == ("C", "graph", True, 2)
        assert row["precision"] == "float32" and row["convolutions_milliseconds"] > 0
        numbers = [*row["quartiles"], *(row[name] for name in row if name.endswith(("_seconds", "_second", "_ratio")))]
        assert len(numbers) == 7
        assert all(0 < value < math.inf for value in [*numbers, row["milliseconds"], row["operations"]])
        assert row["peak_memory_bytes"] is None or 0 <= row["peak_memory_bytes"] < 4e9
        assert f"| C | {row['method']} | graph | " in table
    ratios = {method: rows[name]["operations_ratio"] for method, name in benchmark.METHODS.items() if name in rows}
    assert ratios["gan"] == 1
    assert 1.8 < ratios["jare"] < 2.5
    assert (tmp_path / "benchmark.png").stat().st_size > 10_000
    benchmark.main(["--from", str(tmp_path / "benchmark.json")])
    assert capsys.readouterr().out == table


def test_precisions_and_pytorch_beside_each_other(capsys, monkeypatch, without_warming_up):
    """Rows by mode, precision and method; ratios are to the first method of the same mode and precision."""
    asked = []

    class Process:
        first_calls = (0.5, 0.25)
        step = lambda self, method: asked.append(method)
        __init__ = lambda self, *arguments, **named: asked.append((arguments, named))
        __enter__ = lambda self: self
        __exit__ = lambda self, *error: None

    monkeypatch.setattr(step_cost, "PyTorchProcess", Process)
    monkeypatch.setattr(step_cost, "call_work", lambda made: step_cost.Work(1.0, None))
    rows = step_cost.measure(
        "C",
        {name: step_cost.Configuration(step_cost.SETTINGS["C"][method], SMALL) for name, method in NAMES.items()},
        rounds=2,
        modes=["graph", "pytorch"],
        precisions=["float32", "mixed_bfloat16"],
    )
    assert [(row.mode, row.precision, row.method) for row in rows] == [
        (mode, precision, name)
        for mode, names in (("graph", ["GAN", "SN-GAN"]), ("pytorch", ["GAN"]))
        for precision in ("float32", "mixed_bfloat16")
        for name in names
    ]
    assert [one for one in asked if not isinstance(one, int)] == [
        (("C", ["GAN"], precision, 2), {"filters": 4}) for precision in ("float32", "mixed_bfloat16")
    ]
    assert asked.count(0) == 2 * 3  # a round to warm up
    assert [record["time_ratio"] for record in step_times.to_json(rows) if record["method"] == "GAN"] == [1] * 4
    with pytest.raises(jare_tf.RunError, match="C graph float32: GAN is not finite after 1 steps"):
        monkeypatch.setattr(step_cost.loop, "compiled", lambda gan, *given: lambda steps: gan_diverges(gan))
        step_cost.measure("C", {"GAN": step_cost.Configuration(step_cost.SETTINGS["C"]["gan"], SMALL)}, 1)


def gan_diverges(gan):
    gan.iterations.assign(1)
    return {"loss/generator": tf.constant(float("nan"))}


def test_the_work_of_a_lazy_rule():
    """An eighth of what JARE does beyond simultaneous gradient descent, in arithmetic and in convolutions."""
    gan, jare, lazy = (
        step_cost.call_work(step_cost.build(step_cost.Configuration(step_cost.SETTINGS["C"][method], [*more, *SMALL])))
        for method, more in (("gan", []), ("jare", []), ("lazy", step_cost.EXCHANGED["lazy"]))
    )
    assert lazy.operations == pytest.approx(7 * gan.operations + jare.operations)
    assert all(work.convolutions for work in (gan, jare, lazy))


def test_the_convolutions_of_a_step():
    """Of setting C's discriminator, counted by hand.

    A map in each layer; a gradient of each input, the images' in blocks as a map; a gradient of each filter, where the
    result has 4 pixels a side or fewer as a map.
    """
    discriminator = dcgan.discriminator(filters=8)
    images = tf.random.normal((2, 32, 32, 3))
    weights = discriminator.trainable_variables

    def gradient():
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(discriminator(images) ** 2)
        return tape.gradient(value, weights)

    graph = tf.function(gradient).get_concrete_function().graph
    counts = convolutions.found(graph)
    kinds = collections.Counter()
    for one, count in counts.items():
        kinds[one.kind] += count
    assert kinds == {"Conv2D": 4 + 1 + 2, "Conv2DBackpropInput": 3, "Conv2DBackpropFilter": 2}
    convolutions.alone(counts)()
    for one in counts:
        first, second = (tf.ones(shape, one.dtype) for shape in one.inputs)
        assert tuple(one(first, second).shape) == one.result


def test_a_game_in_two_dimensions(capsys):
    """Compiled as a whole, and any file by its name."""
    file = "isotropic_gaussian/lazy.gin"
    benchmark.main([file, "--modes", "xla", *TINY, "--gin_param", "STEPS_PER_CALL = 12"])
    [row] = [line for line in capsys.readouterr().out.splitlines() if file in line]
    assert row.startswith(f"| – | {file} | xla | float32 | ")


def test_steps_of_a_call():
    """Whole periods of a rule."""
    made = step_cost.build(step_cost.Configuration("isotropic_gaussian/lazy.gin", ["STEPS_PER_CALL = 12"]))
    assert made.steps == 16


def test_exchanged_rules():
    """With the γ of JARE's configuration."""
    rules = {
        method: step_cost.build(
            step_cost.Configuration(step_cost.SETTINGS["D"][method], [*bindings, "FILTERS = 1", "BATCH_SIZE = 2"])
        ).gan.rule
        for method, bindings in step_cost.EXCHANGED.items()
    }
    assert rules == {
        "adversarial_extrapolation": jare_tf.adversarial_extrapolation(100.0),
        "lazy": jare_tf.lazy(jare_tf.jare(gamma=100.0), every=8),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--settings", "C,G"], "--settings must be some of A, B, C, D, E, F, isotropic_gaussian, "),
        (["--methods", "gan,wgan"], "--methods must be some of gan, sngan, conopt, jare, "),
        (["--modes", "eager"], "--modes must be some of graph, xla, pytorch, separated by commas, not 'eager'"),
        (
            ["--precisions", "bf16"],
            "--precisions must be some of float32, mixed_bfloat16, mixed_float16, separated by ",
        ),
        (["--modes", "pytorch", "--settings", "mixture_conopt_paper"], "PyTorch has none of these steps: it has GAN, "),
        (["--rounds", "0"], "--rounds must be an integer of at least 1 and below 2**31, not 0"),
        (["--settings", "mixture_conopt_paper", "--methods", "sngan"], "no setting has one of the methods"),
        (["no_such.gin"], "there is no configuration 'no_such.gin'"),
        (["base/cifar10_c.gin"], "not a whole configuration: it binds no experiment.Experiment.rule"),
        (["comparisons/lazy.gin"], "unused binding experiment.Comparison.configs"),
        (["isotropic_gaussian/jare.gin", "--gin_param", "FILTRES = 3"], "unused binding FILTRES"),
        (["--from", "no_such.json"], "--from no_such.json is no benchmark.json: "),
    ],
)
def test_mistakes(capsys, without_warming_up, arguments, message):
    with pytest.raises(SystemExit) as ended:
        benchmark.main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith(f"benchmark: {message}")
