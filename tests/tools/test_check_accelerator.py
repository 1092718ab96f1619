"""tools/check_accelerator.py: one page, of every rule, at an initialisation or of a run."""

import inspect

import pytest

import jare_tf
from jare_tf import rules
from jare_tf.report.step_times import StepTime
from jare_tf.reproduction import step_cost
from tests.runs import run
from tools import check_accelerator

SMALL = ["--precisions", "float32", "--settings", "C", "--rounds", "1"]
TIME = StepTime("C", "GAN", "graph", True, 64, 12.5, (12.0, 13.0), 1.0)


@pytest.fixture
def quick(monkeypatch):
    """Two rules and no timing; what was asked of the timing."""
    asked = []
    few = {"jare": jare_tf.jare(100.0), "adversarial_extrapolation": jare_tf.adversarial_extrapolation(0.1)}
    monkeypatch.setattr(check_accelerator, "RULES", few)
    monkeypatch.setattr(step_cost, "warm_up", lambda modes: None)
    monkeypatch.setattr(step_cost, "measure", lambda *given: asked.append(given) or [TIME])
    return asked


def test_the_page(capsys, quick):
    check_accelerator.main([*SMALL, "--gin_param", "FILTERS = 2"])
    page = capsys.readouterr().out
    assert [line for line in page.splitlines() if line.startswith("#")] == ["## Machine", "## Directions", "## Steps"]
    for rule in check_accelerator.RULES:
        assert f"| `{rule}` | float32 | no | " in page and f"| `{rule}` | float32 | yes | " in page
    assert "None of 4 wrong." in page
    assert "| C | GAN | graph | float32 | 12.5 ms |" in page
    (setting, methods, rounds, modes, precisions) = quick[0]
    assert (setting, list(methods), rounds) == ("C", ["GAN", "ConOpt", "JARE"], 1)
    assert (modes, precisions) == (["graph", "xla"], ["float32"])


def test_a_wrong_direction_ends_with_1(capsys, quick, monkeypatch):
    monkeypatch.setattr(check_accelerator, "RULES", {"sim_gd": jare_tf.sim_gd()})
    monkeypatch.setitem(check_accelerator.exactness.BOUNDS, "float32", 0.0)
    with pytest.raises(SystemExit) as ended:
        check_accelerator.main([*SMALL, "--gin_param", "FILTERS = 2"])
    shown = capsys.readouterr()
    assert ended.value.code == 1 and "2 of 2 directions are wrong" in shown.err
    assert "## Steps" in shown.out  # the page is whole


def test_every_rule():
    kinds = {
        value
        for value in vars(rules).values()
        if inspect.isclass(value) and issubclass(value, jare_tf.Rule) and not inspect.isabstract(value)
    } - {jare_tf.Rule, rules.JacobianCoupling, rules.RungeKutta}
    names = {name.split("(")[0] for name in check_accelerator.RULES}
    assert {kind.__name__ for kind in kinds} <= names
    assert {"jare", "con_opt", "generator_only", "discriminator_only", "smoothing"} <= names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "/nosuch"], "--run /nosuch holds no run"),
        (["--settings", "G"], "--settings must be some of A, B, C, D, E, F, separated by commas, not 'G'"),
        (["--rounds", "0"], "--rounds must be an integer of at least 1"),
    ],
)
def test_mistakes(capsys, quick, arguments, message):
    with pytest.raises(SystemExit) as ended:
        check_accelerator.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_run_that_is_none_of_images(capsys, quick, tmp_path):
    run(tmp_path)
    with pytest.raises(SystemExit):
        check_accelerator.main([*SMALL, "--run", str(tmp_path)])
    assert f"--run {tmp_path} is none of images" in capsys.readouterr().err
