"""A user's mistakes end in one line on stderr and exit code 2, a failed run in exit code 1; nothing written is lost."""

import os
import pathlib

import numpy as np
import pytest
from absl import flags

from jare_tf import command as commands
from jare_tf import main
from tests.conftest import store_images
from tests.runs import GAME, SHORT, copied, metrics, run, without_time


def command(capsys, *arguments):
    """The exit code and the lines on stderr of the program with these arguments."""
    flags.FLAGS.unparse_flags()
    for flag in flags.FLAGS.get_key_flags_for_module(commands):
        flag.unparse()
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        commands.parse(["jare_tf", *arguments])
        main.main()
        raise SystemExit(0)
    return caught.value.code, capsys.readouterr().err.strip().splitlines()


def arguments(model_dir, *params, files=GAME):
    pairs = [("--gin_file", file) for file in files] + [("--gin_param", param) for param in (*SHORT, *params)]
    return [*(word for pair in pairs for word in pair), "--model_dir", str(model_dir)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (["rules.jare.gama = 1.0"], "rules.jare has no argument gama; did you mean gamma?"),
        (["STEP = 5"], "unused binding STEP: a typo"),
        (["rules.con_opt.gamma = 1.0"], "unused binding rules.con_opt.gamma"),
        (["rules.jare = 3"], "what is made has no value, its arguments have: bind one of them (in 'rules.jare = 3')"),
        (["rules.jare.gamma.x = 3"], "there is no rules.jare.gamma (in 'rules.jare.gamma.x = 3')"),
        (["x = {[1]: 2}"], "cannot read 'x = {[1]: 2}': write NAME = VALUE"),
        (["nosuch.thing = 1"], "nosuch is not imported: add --gin_param 'import nosuch'"),
        (["MU = "], "cannot read 'MU = ': write NAME = VALUE, text in quotes as in 'abc'"),
        (["GAMMA = -1.0"], "gamma must be a finite number, at least 0, not -1.0"),
        (["STEPS = 0"], "experiment.Pace.steps must be an integer of at least 1 and below 2**31, not 0"),
        (
            ["LOG_EVERY = 2.5"],
            "experiment.Pace.log_every must be an integer of at least 1 and below 2**31, not 2.5",
        ),
        (
            ["experiment.Experiment.rule = @rules.smoothing()"],
            "bind rules.smoothing.gamma: rules.smoothing needs it",
        ),
        (["keras.optimizers.SGD.learning_rat = 1.0"], "SGD in the configuration: Argument(s) not recognized"),
        (["JIT = 'always'"], "experiment.Pace.jit_compile must be True, False or 'auto', not 'always'"),
        (
            ["experiment.Pace.histograms_every = -1"],
            "experiment.Pace.histograms_every must be an integer of at least 0 and below 2**31, not -1",
        ),
        (["NAN_POLICY = 'ignore'"], "experiment.Pace.nan_policy must be 'stop' or 'rewind', not 'ignore'"),
        (["SIGMA = 0.0"], "std must be a finite number, above 0, not 0.0"),
        (["experiment.Experiment.latent_dim = 3"], "the generator 'affine_generator' does not take latent_dim = 3"),
    ],
)
def test_bad_binding(tmp_path, capsys, params, message):
    code, lines = command(capsys, *arguments(tmp_path / "run", *params))
    assert code == 2
    assert len(lines) == 1, lines
    assert message in lines[0]


@pytest.mark.parametrize("text", ["", "100", "100,", "a,b", "0,10", "10,10", "110,100", "-1,5", "1,2,3", "1.5,2"])
def test_wrong_steps_of_a_profile(tmp_path, capsys, text):
    """Before anything is made."""
    code, lines = command(capsys, *arguments(tmp_path / "run"), f"--profile={text}")
    assert (code, lines) == (
        2,
        [f"jare_tf: --profile must be FIRST,LAST with 0 < FIRST < LAST, for instance 100,110, not {text!r}"],
    )
    assert not (tmp_path / "run").exists()


def test_a_profile_of_no_training(tmp_path, capsys):
    code, lines = command(capsys, *arguments(tmp_path / "run"), "--mode=spectrum", "--profile=1,2")
    assert (code, lines) == (2, ["jare_tf: --profile goes with training, not with --mode spectrum"])


def test_missing_file(tmp_path, capsys):
    code, lines = command(capsys, *arguments(tmp_path, files=["isotropic_gaussian/nosuch.gin"]))
    assert (code, len(lines)) == (2, 1)
    assert "there is no configuration 'isotropic_gaussian/nosuch.gin'" in lines[0]


def test_missing_include(tmp_path, capsys):
    (tmp_path / "mine.gin").write_text("include 'nosuch/base.gin'\n")
    code, lines = command(capsys, *arguments(tmp_path / "run", files=[str(tmp_path / "mine.gin")]))
    assert (code, len(lines)) == (2, 1)
    assert "nosuch/base.gin" in lines[0]


def test_unwritable_run_directory(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, lines = command(capsys, *arguments(tmp_path / "file" / "run"))
    assert (code, len(lines)) == (2, 1)
    assert "cannot write to " in lines[0]


def test_another_experiment_in_the_run_directory(tmp_path, capsys):
    copied(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, lines = command(capsys, *arguments(tmp_path, "GAMMA = 3.0", "MU = 5.0"))
    assert (code, len(lines)) == (2, 1)
    assert "holds another experiment" in lines[0]
    assert "MU was 4.0, is 5.0; GAMMA was 10.0, is 3.0; use another --model_dir" in lines[0]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_another_experiment_may_be_asked_for(tmp_path, capsys):
    copied(tmp_path)
    changed = arguments(tmp_path, "GAMMA = 3.0", "STEPS = 25")
    assert command(capsys, *changed)[0] == 2
    assert command(capsys, *changed, "--allow_config_change") == (0, [])
    assert metrics(tmp_path)[-1]["step"] == 25
    assert "GAMMA = 3.0" in (tmp_path / "config.gin").read_text()


def test_more_steps_are_no_other_experiment(tmp_path, capsys):
    copied(tmp_path)
    code, lines = command(capsys, *arguments(tmp_path, "STEPS = 25", "LOG_EVERY = 1", "JIT = False"))
    assert (code, lines) == (0, [])


def test_missing_data(tmp_path, capsys, monkeypatch):
    import requests

    def no_network(*_, **__):
        raise requests.ConnectionError("no route to host")

    monkeypatch.setattr(requests, "head", no_network)
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    words = arguments(tmp_path / "run", files=["cifar10/c_jare.gin"])
    code, lines = command(capsys, *words, "--data_dir", str(tmp_path / "nothing"))
    assert (code, len(lines)) == (2, 1)
    place = tmp_path / "nothing" / "cifar10"
    assert lines[0].startswith(f"jare_tf: the data set 'cifar10' is not in {place}/")
    assert lines[0].endswith("name the folder of data prepared elsewhere as data_dir (no route to host) (--data_dir)")


def test_wrong_image_size(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    name = store_images(tmp_path, np.zeros((3, 8, 8, 1), np.uint8))
    words = arguments(
        tmp_path / "run", "FILTERS = 2", f"data.tfds_images.load.name = '{name}'", files=["cifar10/c_jare.gin"]
    )
    code, lines = command(capsys, *words, "--data_dir", str(tmp_path))
    assert (code, len(lines)) == (2, 1), lines
    assert "the data set 'pictures/small' has samples of shape (8, 8, 1), the networks (32, 32, 3)" in lines[0]


def test_image_folder_without_a_folder(tmp_path, capsys):
    code, lines = command(capsys, *arguments(tmp_path / "run", files=["image_folder.gin"]))
    assert (code, len(lines)) == (2, 1)
    assert "image_folder.load: path = '' is not a folder; name the folder of your images" in lines[0]


def test_failed_run(tmp_path, capsys):
    words = arguments(tmp_path, "keras.optimizers.SGD.learning_rate = 1e30", files=["isotropic_gaussian/conopt.gin"])
    code, lines = command(capsys, *words)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith("jare_tf: step 2: loss/discriminator is")


def test_configuration_without_a_rule(tmp_path, capsys):
    (tmp_path / "mine.gin").write_text("include 'base/isotropic_gaussian.gin'\n")
    code, lines = command(capsys, *arguments(tmp_path / "run", files=[str(tmp_path / "mine.gin")]))
    assert (code, len(lines)) == (2, 1)
    assert "not a whole configuration: it binds no experiment.Experiment.rule" in lines[0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (["SEED = -1"], "experiment.Experiment.seed must be an integer of at least 0 and below 2**31, not -1"),
        (
            ["experiment.Experiment.rule = @rules.jare"],
            "experiment.Experiment.rule must be an update rule such as jare(gamma=100.0)",
        ),
        (
            ["experiment.Experiment.generator = @networks.affine.generator()"],
            "Experiment: generator must be what makes a keras.Model, without ()",
        ),
        (
            ["experiment.Experiment.loss = @losses.NonSaturating"],
            "experiment.Experiment.loss must be a loss such as NonSaturating(), with parentheses",
        ),
        (
            ["losses.Minimax.objective = @losses.hinge"],
            "losses.Minimax.objective must be an objective such as vanilla(), with parentheses",
        ),
        (
            ["experiment.Experiment.penalty = @losses.R1"],
            "experiment.Experiment.penalty must be a penalty such as R1(10.0), a list of such or None, with",
        ),
    ],
)
def test_wrong_kind_of_binding(tmp_path, capsys, params, message):
    code, lines = command(capsys, *arguments(tmp_path / "run", *params))
    assert (code, len(lines)) == (2, 1)
    assert message in lines[0]


def test_comparison_that_binds_something_else(tmp_path, capsys):
    (tmp_path / "mine.gin").write_text("include 'quickstart.gin'\nSTEPS = 200\n")
    code, lines = command(capsys, *arguments(tmp_path / "run", files=[str(tmp_path / "mine.gin")]))
    assert (code, len(lines)) == (2, 1)
    assert "unused binding STEPS: a typo" in lines[0]


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["emptied", "cut", "altered", "removed", "a pipe"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tmp_path, capsys, suffix, damage):
    if (suffix, damage) == ("index", "removed"):
        pytest.skip("without its index there is no checkpoint")
    copied(tmp_path / "whole", "STEPS = 25")
    copied(tmp_path / "run")
    path = tmp_path / "run" / "checkpoints" / f"step-20.{suffix}"
    content = path.read_bytes()
    middle = len(content) // 2
    altered = (
        content[: middle - 4] + bytes(255 - byte for byte in content[middle - 4 : middle + 4]) + content[middle + 4 :]
    )
    path.unlink()
    if damage == "a pipe":
        os.mkfifo(path)
    elif damage != "removed":
        path.write_bytes({"emptied": b"", "cut": content[:middle], "altered": altered}[damage])
    assert run(tmp_path / "run", "STEPS = 25") is None
    printed = capsys.readouterr().out
    assert f"{tmp_path}/run/checkpoints/step-20 cannot be read, set aside as unreadable-step-20: " in printed
    assert f"{tmp_path}/run: from step 10 to 25" in printed
    assert (tmp_path / "run" / "checkpoints" / f"unreadable-step-20.{suffix}").exists() == (damage != "removed")
    assert without_time(metrics(tmp_path / "run")) == without_time(metrics(tmp_path / "whole"))


def test_no_checkpoint_can_be_read(tmp_path, capsys):
    """The run does not begin anew over what may be saved by hand."""
    copied(tmp_path)
    for path in (tmp_path / "checkpoints").glob("*.index"):
        path.write_bytes(b"nothing")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, lines = command(capsys, *arguments(tmp_path, "STEPS = 25"))
    assert (code, len(lines)) == (2, 1)
    assert f"cannot read any checkpoint in {tmp_path}/checkpoints: the newest: " in lines[0]
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in before if after[path] != before[path]} <= {tmp_path / ".lock", tmp_path / "config.gin"}


def test_unknown_flag(capsys):
    code, lines = command(capsys, "--gin_fil", "x.gin")
    assert code == 2
    assert "Unknown command line flag 'gin_fil'" in lines[0]
    code, lines = command(capsys, "x.gin")
    assert (code, len(lines)) == (2, 1)
    assert "unexpected 'x.gin'" in lines[0]


def test_default_run_directory():
    assert main._default_model_dir("quickstart.gin") == "runs/quickstart"
    assert main._default_model_dir("gin_configs/cifar10/c_jare.gin") == "runs/cifar10/c_jare"
    assert main._default_model_dir(str(pathlib.Path("/a/b/gin_configs/mine.gin"))) == "runs/mine"
