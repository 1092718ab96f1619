"""--profile: which steps are in the profile, and that a run ends as it would without one."""

import signal

import pytest
import tensorflow as tf

import jare_tf
from jare_tf.training import loop
from tests.runs import metrics, run, without_time


@pytest.fixture
def profiler(monkeypatch):
    """TensorFlow's profiler, which writes down what is asked of it."""
    asked = []
    for name in ("start", "stop"):
        original = getattr(tf.profiler.experimental, name)

        def noted(*arguments, name=name, original=original):
            asked.append((name, *arguments))
            return original(*arguments)

        monkeypatch.setattr(tf.profiler.experimental, name, noted)
    return asked


def profiles(model_dir):
    """What TensorBoard's plugin looks for."""
    return list((model_dir / "train" / "plugins" / "profile").glob("*/*.xplane.pb"))


def test_a_profile_of_two_steps_and_the_same_run(tmp_path, capsys):
    run(tmp_path / "whole")
    run(tmp_path / "profiled", profile=(6, 8))
    (file,) = profiles(tmp_path / "profiled")
    assert file.stat().st_size > 1000
    assert without_time(metrics(tmp_path / "profiled")) == without_time(metrics(tmp_path / "whole"))
    assert f"the profile from step 6 on: {tmp_path}/profiled/train/plugins/profile" in capsys.readouterr().out


def test_it_begins_and_ends_after_its_steps(tmp_path, profiler, monkeypatch):
    original, seen = loop.At.due, []

    def due(self, step, last):
        seen.append((step, list(profiler)))
        return original(self, step, last)

    monkeypatch.setattr(loop.At, "due", due)
    run(tmp_path, "LOG_EVERY = 20", "SAVE_EVERY = 20", "STEPS_PER_CALL = 20", profile=(6, 8))
    folder = f"{tmp_path}/train"
    begun = [("start", folder)]
    assert seen == [(1, []), (6, []), (8, begun), (20, [*begun, ("stop",)])]


@pytest.mark.parametrize("how", ["by itself", "by a signal", "by an error"])
def test_a_run_that_ends_before_the_second_step_ends_the_profile(tmp_path, profiler, how, monkeypatch, request):
    if how == "by a signal":
        original = loop.At.due

        def due(self, step, last):
            if step == 10:
                signal.raise_signal(signal.SIGTERM)
            return original(self, step, last)

        monkeypatch.setattr(loop.At, "due", due)
        assert run(tmp_path, profile=(8, 100)) == signal.SIGTERM
    elif how == "by an error":
        request.getfixturevalue("nan_once")
        with pytest.raises(jare_tf.NotFiniteError, match="^step 14: "):
            run(tmp_path, profile=(8, 100))
    else:
        run(tmp_path, profile=(8, 100))
    assert [name for name, *_ in profiler] == ["start", "stop"]
    assert len(profiles(tmp_path)) == 1


def test_a_rewind_within_a_profile(tmp_path, nan_once, profiler):
    """It goes back to step 10 and comes by step 12 again."""
    run(tmp_path, "NAN_POLICY = 'rewind'", profile=(12, 15))
    assert [name for name, *_ in profiler] == ["start", "stop"]


@pytest.mark.parametrize(("before", "profile", "begins"), [(10, (10, 15), 0), (0, (20, 25), 0), (10, (11, 15), 1)])
def test_only_steps_of_this_run(tmp_path, capsys, profiler, before, profile, begins):
    if before:
        run(tmp_path, f"STEPS = {before}")
    run(tmp_path, profile=profile)
    line = f"no profile: step {profile[0]} is not between {before} and 20, where this run goes"
    assert (line in capsys.readouterr().out) == (not begins)
    assert len(profiler) == 2 * begins
    assert metrics(tmp_path)[-1]["step"] == 20
