"""tools/benchmark.py: every number of a small run, and a user's mistakes in one line."""

import json
import math

import pytest

import jare_tf
from jare_tf.reproduction import step_cost
from tools import benchmark

TINY = ["--rounds", "1", "--gin_param", "BATCH_SIZE = 2"]


@pytest.fixture
def without_warming_up(monkeypatch):
    monkeypatch.setattr(benchmark, "warm_up", lambda modes: None)


def test_a_setting_of_images(tmp_path, capsys, without_warming_up):
    """JARE does about twice the work of GAN, lazy JARE an eighth of what that is more."""
    methods = ["gan", "jare", "lazy"]
    small = ["--settings", "C", "--methods", ",".join(methods), "--modes", "graph", "--gin_param", "FILTERS = 4"]
    benchmark.main([*small, *TINY, "--output", str(tmp_path)])
    table = capsys.readouterr().out
    record = json.loads((tmp_path / "benchmark.json").read_text())
    assert record["threads"] >= 1 and record["device"] and record["tensorflow"]
    rows = {row["method"]: row for row in record["rows"]}
    assert list(rows) == [benchmark.METHODS[method] for method in methods]
    for row in rows.values():
        assert (row["setting"], row["mode"], row["images"], row["batch_size"]) == ("C", "graph", True, 2)
        numbers = [*row["quartiles"], *(row[name] for name in row if name.endswith(("_seconds", "_second", "_ratio")))]
        assert len(numbers) == 6
        assert all(0 < value < math.inf for value in [*numbers, row["milliseconds"], row["operations"]])
        assert row["peak_memory_bytes"] is None or 0 <= row["peak_memory_bytes"] < 4e9
        assert f"| C | {row['method']} | graph | " in table
    ratios = {method: rows[name]["operations_ratio"] for method, name in benchmark.METHODS.items() if name in rows}
    assert ratios["gan"] == 1
    assert 1.8 < ratios["jare"] < 2.5
    assert ratios["lazy"] == pytest.approx(1 + (ratios["jare"] - 1) / 8)
    assert (tmp_path / "benchmark.png").stat().st_size > 10_000
    benchmark.main(["--from", str(tmp_path / "benchmark.json")])
    assert capsys.readouterr().out == table


def test_a_game_in_two_dimensions(capsys):
    """Compiled as a whole, and any file by its name."""
    file = "isotropic_gaussian/lazy.gin"
    benchmark.main([file, "--modes", "xla", *TINY, "--gin_param", "STEPS_PER_CALL = 12"])
    [row] = [line for line in capsys.readouterr().out.splitlines() if file in line]
    assert row.startswith(f"| – | {file} | xla | ")


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
        (["--modes", "eager"], "--modes must be some of graph, xla, separated by commas, not 'eager'"),
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
