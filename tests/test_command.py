"""The command line: --help and --list, at once and without TensorFlow."""

import subprocess
import sys

import keras
import pytest
from absl import flags

import jare_tf
from jare_tf import catalogue, command, main
from jare_tf.networks import affine
from tests.processes import ROOT, start
from tests.runs import copied, run
from tests.test_experiment import assert_same_run


def program(*arguments):
    """What `python arguments...` prints where TensorFlow cannot be imported, and its exit code."""
    without = "import runpy, sys; sys.modules['tensorflow'] = None; del sys.argv[0]; "
    run = "module = sys.argv[0][2:]; sys.argv[0] = '-m'; runpy.run_module(module, run_name='__main__', alter_sys=True)"
    run_file = "runpy.run_path(sys.argv[0], run_name='__main__')"
    call = without + (run if arguments[0].startswith("-m") else run_file)
    return subprocess.run([sys.executable, "-c", call, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("module", ["-mjare_tf.main", "-mjare_tf"])
def test_help(module):
    shown = program(module, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    for flag in flags.FLAGS.get_key_flags_for_module(command):
        assert f"\n  --{flag.name} " in shown.stdout
    assert list(command.MODES)[2:] == list(main.MODES)
    assert max(map(len, shown.stdout.splitlines())) <= 120


@pytest.mark.parametrize("arguments", [["tools/rules.py", "--help"], ["-mjare_tf", "--list"]])
def test_a_terminal_without_greek_letters(monkeypatch, arguments):
    for name, value in (("LC_ALL", "POSIX"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    shown = program(*arguments)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\\u" in shown.stdout


def test_list():
    """Every configuration of the package that is an experiment, with what it is and how long it takes."""
    shown = program("-mjare_tf.main", "--list")
    assert (shown.returncode, shown.stderr) == (0, "")
    rows = [line.split(maxsplit=1) for line in shown.stdout.splitlines() if line]
    assert all(len(what) > 20 and what[-1] in ".:" for _, what in rows), rows
    present = {path.relative_to(catalogue.FOLDER).as_posix() for path in catalogue.FOLDER.rglob("*.gin")}
    assert all("CPU core" in what for _, what in rows)
    assert {name for name, _ in rows} == {name for name in present if not name.startswith("base/")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gin_fil=x.gin"], "Unknown command line flag 'gin_fil'. Did you mean: gin_file ?"),
        (["x.gin"], "unexpected 'x.gin'"),
        (["--model_dir="], "--model_dir names no folder"),
        (["--mode=tarin"], "flag --mode=tarin: value should be one of"),
        (["--cpu_devices=100000"], "flag --cpu_devices=100000: 100000 is not an integer in the range [1, 64]"),
    ],
)
def test_a_mistake_in_the_flags(arguments, message):
    shown = program("-mjare_tf.main", *arguments)
    assert shown.returncode == 2
    (line,) = shown.stderr.splitlines()
    assert line.startswith(f"jare_tf: {message}")
    assert line.endswith("; --help lists the flags")


def test_keras_on_something_else(tmp_path):
    assert start(tmp_path / "log", "-m", "jare_tf.main", KERAS_BACKEND="jax").wait() == 2
    assert (tmp_path / "log").read_text() == (
        "jare_tf: this needs Keras on TensorFlow: unset KERAS_BACKEND, which is 'jax'\n"
    )


def test_settings_of_keras_outside_of_the_configuration(tmp_path):
    copied(tmp_path / "usual")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_epsilon(1e-2)
    networks = affine.generator(mean=[0.0]), affine.discriminator(dimension=1)
    with pytest.raises(jare_tf.InputError, match="images have their channels last here, and Keras"):
        jare_tf.GAN(*networks, rule=jare_tf.sim_gd(), loss=jare_tf.Minimax(), latent_dim=1)
    run(tmp_path / "other")
    assert keras.config.image_data_format() == "channels_last"
    assert_same_run(tmp_path / "usual", tmp_path / "other")
