"""Whole runs: what they write, that they resume exactly, and how they end."""

import json
import os
import re
import shutil
import signal
import statistics

import numpy as np
import pytest
import tensorflow as tf

import jare_tf
from jare_tf import config
from jare_tf.report.pictures import png
from jare_tf.training import loop
from jare_tf.types import Players
from tests.runs import GAME, XLA, copied, hyperparameters, metrics, run, summaries, without_time

TAGS = {
    "step",
    "seconds",
    "steps_per_second",
    "memory_bytes/host",
    *(
        f"{quantity}/{player}"
        for quantity in (
            "loss",
            "gradient_norm",
            "regularizer",
            "parameter_distance",
            "parameter_norm",
            "learning_rate",
        )
        for player in ("discriminator", "generator")
    ),
}


VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
VARIABLES = {"discriminator": "dense/kernel", "generator": "shift/shift"}


def final_parameters(model_dir):
    newest = max((model_dir / "checkpoints").glob("step-*.index"), key=lambda path: int(path.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(newest.with_suffix("")))
    names = [
        name for name in reader.get_variable_to_shape_map() if "save_counter" not in name and "OBJECT_GRAPH" not in name
    ]
    return {name: reader.get_tensor(name) for name in names}


def assert_same_run(one, other):
    """Same rows and same bits in the newest checkpoint."""
    assert without_time(metrics(one)) == without_time(metrics(other))
    first, second = final_parameters(one), final_parameters(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_run_directory(tmp_path):
    assert run(tmp_path, XLA) is None
    rows = metrics(tmp_path)
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    assert set(rows[-1]) == TAGS
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["0000000.png", "0000020.png"]
    assert {"step-10.index", "step-20.index"} <= {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "checkpoints",
        "config.gin",
        "events.out.tfevents.hparams",
        "metrics.jsonl",
        "samples",
        "train",
    ]


def test_tensorboard_events_agree_with_metrics(tmp_path):
    copied(tmp_path)
    values, kinds = {}, {}
    for step, kind, tag, value in summaries(tmp_path / "train"):
        kinds.setdefault(kind, set()).add(tag)
        if kind == "scalars":
            values[step, tag] = float(value)
        elif tag == "config":
            assert b"rules.jare.gamma = %GAMMA" in value.item()
    assert kinds == {"scalars": TAGS - {"step", "seconds"}, "images": {"samples"}, "text": {"config"}}
    for row in metrics(tmp_path):
        for tag in TAGS - {"step", "seconds"}:
            np.testing.assert_allclose(values[row["step"], tag], row[tag], rtol=1e-6)


def test_histograms_of_all_parameters(tmp_path):
    """At the start, when they are due, and after the last step; under the same names in every run of a process."""
    tags = {player: f"parameters/{player}/{path}" for player, path in VARIABLES.items()}
    copied(tmp_path / "without")
    for name in ("one", "two"):
        run(tmp_path / name, "experiment.Pace.histograms_every = 8")
        assert_same_run(tmp_path / name, tmp_path / "without")
        written = summaries(tmp_path / name / "train")
        found = {(step, tag): value for step, kind, tag, value in written if kind == "histograms"}
        assert found.keys() == {(step, tag) for step in (0, 8, 16, 20) for tag in tags.values()}
        for player, tag in tags.items():
            values = final_parameters(tmp_path / name)[f"{player}_optimizer/_trainable_variables/0{VALUE}"]
            assert (found[20, tag][0, 0], found[20, tag][-1, 1]) == pytest.approx(
                (values.min(), values.max()), rel=1e-6
            )
            assert found[20, tag][:, 2].sum() == values.size


def test_recorded_config_runs_the_same(tmp_path):
    run(tmp_path / "a", "MU = 3.0")
    run(tmp_path / "b", files=[str(tmp_path / "a" / "config.gin")], short=[])
    assert_same_run(tmp_path / "a", tmp_path / "b")
    first, second = ((tmp_path / name / "config.gin").read_text() for name in "ab")
    assert first == second
    assert "MU = 3.0\n" in first
    assert "experiment.Experiment.average_decay = 0.0  # default\n" in first


def test_hyperparameters_are_what_was_bound(tmp_path):
    """Macros resolved, without pace and defaults; a run that goes on keeps them, but for what is changed."""
    run(tmp_path / "run", "MU = 3.0", "experiment.Experiment.average_decay = 0.5", "STEPS = 10")
    expected = {
        "average_decay": 0.5,
        "batch_size": 128,
        "data.latent.Normal.std": 0.2,
        "data.synthetic.gaussian.mean": "[0.0, 3.0]",
        "data.synthetic.gaussian.std": 0.2,
        "dataset": "gaussian (synthetic)",
        "discriminator": "discriminator (affine)",
        "discriminator_optimizer": "SGD (optimizers)",
        "equilibrium": "equilibrium (affine)",
        "generator": "generator (affine)",
        "generator_optimizer": "SGD (optimizers)",
        "keras.optimizers.SGD.learning_rate": 0.001,
        "latent_dim": 2,
        "latent_prior": "Normal (latent)",
        "loss": "Minimax (losses)",
        "networks.affine.discriminator.offset": 0.05,
        "networks.affine.equilibrium.mean": "[0.0, 3.0]",
        "networks.affine.generator.mean": "[0.0, 3.0]",
        "networks.affine.generator.offset": 0.05,
        "picture": "Density (report)",
        "precision": "float32",
        "report.Density.target": "gaussian (synthetic)",
        "rule": "jare (rules)",
        "rules.jare.gamma": 10.0,
        "seed": 0,
    }
    assert hyperparameters(tmp_path / "run") == expected
    run(tmp_path / "run", files=[])
    assert hyperparameters(tmp_path / "run") == expected
    changed = "experiment.Experiment.synchronize_batch_norm = False", "STEPS = 25"
    run(tmp_path / "run", *changed, files=[], allow_config_change=True)
    assert hyperparameters(tmp_path / "run") == {**expected, "synchronize_batch_norm": False}
    assert len(list((tmp_path / "run").glob("*events*"))) == 1


@pytest.mark.parametrize("jit", [True, False])
def test_resumed_equals_uninterrupted(tmp_path, jit):
    run(tmp_path / "whole", f"JIT = {jit}")
    run(tmp_path / "parts", f"JIT = {jit}", "STEPS = 13")
    run(tmp_path / "parts", f"JIT = {jit}")
    extra = [row for row in metrics(tmp_path / "parts") if row["step"] != 13]
    assert without_time(extra) == without_time(metrics(tmp_path / "whole"))
    for name, value in final_parameters(tmp_path / "whole").items():
        np.testing.assert_array_equal(value, final_parameters(tmp_path / "parts")[name], err_msg=name)


def test_steps_per_call_changes_nothing(tmp_path):
    run(tmp_path / "one", "STEPS_PER_CALL = 1")
    run(tmp_path / "many", "STEPS_PER_CALL = 20")
    assert_same_run(tmp_path / "one", tmp_path / "many")


def test_rows_after_the_checkpoint_are_dropped_on_resume(tmp_path):
    """A run killed between two checkpoints has rows that it will write again."""
    copied(tmp_path / "whole")
    copied(tmp_path / "killed", "STEPS = 10")
    with open(tmp_path / "killed" / "metrics.jsonl", "a") as file:
        file.write(json.dumps({"step": 15, "seconds": 9.0}) + '\n{"step": 20, "sec')
    run(tmp_path / "killed")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_finished_run_says_so(tmp_path, capsys):
    copied(tmp_path)
    before = (tmp_path / "metrics.jsonl").read_text()
    assert run(tmp_path) is None
    assert f"{tmp_path} is at step 20 already" in capsys.readouterr().out
    assert (tmp_path / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_finishes_the_call_saves_and_stops(tmp_path, number, monkeypatch):
    whole, handler = tmp_path / "whole", signal.getsignal(number)
    copied(whole)
    original, sent = loop.Every.due, []

    def signal_once(self, step, last):
        if step == 10 and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)
        return original(self, step, last)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Every, "due", signal_once)
        assert run(tmp_path / "stopped", "SAVE_EVERY = 1000") == number
    assert int(final_parameters(tmp_path / "stopped")[f"iterations{VALUE}"]) == 10
    assert signal.getsignal(number) == handler
    assert run(tmp_path / "stopped", "SAVE_EVERY = 1000") is None
    assert_same_run(whole, tmp_path / "stopped")


def test_not_finite_stops_with_the_step_and_keeps_the_checkpoint(tmp_path):
    diverging = ["isotropic_gaussian/conopt.gin"]
    bindings = ("keras.optimizers.SGD.learning_rate = 1e30", "SAVE_EVERY = 1")
    with pytest.raises(jare_tf.RunError, match=r"^step 2: loss/discriminator is (nan|inf)") as caught:
        run(tmp_path, *bindings, files=diverging)
    assert "the checkpoint of step 1 is kept" in str(caught.value)
    assert all(np.isfinite(value).all() for value in final_parameters(tmp_path).values())


def test_parameters_that_are_not_finite_are_never_saved(tmp_path):
    """The loss of a step is computed before its update: the first step's is finite and its parameters are not."""
    diverging = ["isotropic_gaussian/conopt.gin"]
    with pytest.raises(
        jare_tf.RunError, match="^step 1: .* is not finite; a smaller .*; there is no checkpoint before it"
    ):
        run(tmp_path, "keras.optimizers.SGD.learning_rate = 3e38", "SAVE_EVERY = 1", files=diverging)
    assert list((tmp_path / "checkpoints").glob("step-*")) == []


def test_keeps_the_last_checkpoints(tmp_path):
    run(tmp_path, "SAVE_EVERY = 2", "experiment.Pace.keep_checkpoints = 2")
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.index"))
    assert kept == ["step-18.index", "step-20.index"]


def test_checkpoint_of_other_networks(tmp_path):
    copied(tmp_path)
    (tmp_path / "config.gin").unlink()
    mixture = ["mixture_conopt_paper/simgd.gin"]
    with pytest.raises(jare_tf.InputError, match="whose config.gin is missing or empty"):
        run(tmp_path, "BATCH_SIZE = 4", files=mixture)
    with pytest.raises(jare_tf.InputError, match="is a checkpoint of another experiment"):
        run(tmp_path, "BATCH_SIZE = 4", files=mixture, allow_config_change=True)


def test_schedules_compose_with_a_configuration(tmp_path):
    run(tmp_path, "experiment.Experiment.schedule = @rules.Alternating()", "rules.Alternating.n_discriminator = 2")
    assert set(metrics(tmp_path)[-1]) == TAGS
    assert "rules.Alternating.n_discriminator = 2" in (tmp_path / "config.gin").read_text()


def test_compare_draws_all_runs(tmp_path):
    assert run(tmp_path, XLA, files=["quickstart.gin"]) is None
    made = ["ConOpt", "JARE", "SimGD", "comparison.md", "comparison.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == made
    assert [len(metrics(tmp_path / label)) for label in ("ConOpt", "JARE", "SimGD")] == [4, 4, 4]


def test_a_signal_at_the_end_of_a_run_stops_a_comparison(tmp_path, monkeypatch):
    original, sent = loop.Every.due, []

    def signal_once(self, step, last):
        if step == last and not sent:
            sent.append(signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, step, last)

    monkeypatch.setattr(loop.Every, "due", signal_once)
    assert run(tmp_path, files=["quickstart.gin"]) == signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["SimGD"]


def test_an_argument_may_be_bound_over_its_macro(tmp_path):
    run(tmp_path, "rules.jare.gamma = 3.0")
    assert "rules.jare.gamma = 3.0" in (tmp_path / "config.gin").read_text()


def test_a_part_may_be_exchanged_without_what_the_files_bind_for_it(tmp_path, capsys):
    """Another data set on the command line; a misspelt override is still an error."""
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal([0.0, 4.0], 0.2, size=(64, 2)))
    exchanged = (
        "experiment.Experiment.dataset = @data.in_memory.array_file",
        f"data.in_memory.array_file.path = '{tmp_path}/points.npy'",
    )
    run(
        tmp_path / "run",
        "experiment.Experiment.picture = @report.Points()",
        "report.Points.dataset = @data.in_memory.array_file()",
        *exchanged,
    )
    assert "@data.in_memory.array_file()" in (tmp_path / "run" / "config.gin").read_text()
    with pytest.raises(jare_tf.InputError, match="unused binding STEP: a typo"):
        run(tmp_path / "other", *exchanged, "STEP = 5")


def test_run_directory_alone_goes_on(tmp_path):
    copied(tmp_path, "STEPS = 10")
    run(tmp_path, files=[])
    assert [row["step"] for row in metrics(tmp_path)] == [5, 10, 15, 20]


def test_long_bindings_do_not_hinder_resuming(tmp_path):
    long = f"networks.affine.generator.mean = {[0.0, 4.0 + 1e-15]}"
    coverage = "evaluation.ModeCoverage.mixture = @data.synthetic.gaussian()"
    many = f"experiment.Pace.probes = [{', '.join(['@evaluation.ModeCoverage()'] * 9)}]"
    run(tmp_path, long, many, coverage, "STEPS = 10")
    run(tmp_path, long, many, coverage)
    assert metrics(tmp_path)[-1]["step"] == 20


def test_config_is_the_only_state(tmp_path):
    """Parsing a second configuration leaves nothing of the first."""
    config.parse(GAME, ["MU = 7.0"])
    run(tmp_path)
    assert "MU = 4.0" in (tmp_path / "config.gin").read_text()


OPTIMISTIC_ADAM = "experiment.Experiment.discriminator_optimizer = @rules.OptimisticAdam"


@pytest.mark.parametrize(
    ("name", "kept", "bindings"),
    [
        ("optimistic", "memory/", []),
        ("lazy", "memory/", []),
        ("momentum", "memory/", []),
        ("lookahead", "slow/", []),
        ("extrapolating", "discriminator_optimizer/", [OPTIMISTIC_ADAM]),
    ],
)
def test_what_a_method_remembers_is_resumed(tmp_path, name, kept, bindings):
    """Stopped within a period."""
    files = [f"isotropic_gaussian/{name}.gin"]
    run(tmp_path / "whole", *bindings, files=files)
    run(tmp_path / "parts", *bindings, "STEPS = 13", files=files)
    run(tmp_path / "parts", *bindings, files=files)
    extra = [row for row in metrics(tmp_path / "parts") if row["step"] != 13]
    assert without_time(extra) == without_time(metrics(tmp_path / "whole"))
    whole, parts = (final_parameters(tmp_path / folder) for folder in ("whole", "parts"))
    for path, value in whole.items():
        np.testing.assert_array_equal(value, parts[path], err_msg=path)
    assert any(path.startswith(kept) for path in whole)


def test_the_moving_average_is_resumed(tmp_path):
    averaged = "experiment.Experiment.average_decay = 0.9"
    run(tmp_path / "whole", averaged)
    run(tmp_path / "parts", averaged, "STEPS = 10")
    run(tmp_path / "parts", averaged)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    saved = final_parameters(tmp_path / "whole")
    starts = ("average/0", "generator_optimizer/_trainable_variables/0")
    average, weights = (next(saved[name] for name in saved if name.startswith(start)) for start in starts)
    np.testing.assert_allclose(average, weights, atol=0.05)
    assert not np.array_equal(average, weights)


def test_a_folder_of_images_is_trained_on_and_resumed(tmp_path, capsys, eagerly):
    """With one broken file among images of two sizes; from memory, streaming, and changing over it is one run."""
    (tmp_path / "images").mkdir()
    for number in range(9):
        side = 30 + 9 * (number % 2)
        picture = np.full((side, side, 3), 25 * number, np.uint8)
        (tmp_path / "images" / f"{number}.png").write_bytes(png(picture))
    (tmp_path / "images" / "broken.png").write_bytes(b"no image")
    small = [f"IMAGES = '{tmp_path / 'images'}'", "IMAGE_SIZE = 16", "FILTERS = 2", "BATCH_SIZE = 4", "LOG_EVERY = 2"]
    small += ["report.ImageGrid.rows = 1", f"data.image_folder.load.cache = '{tmp_path / 'cache'}'"]
    train = lambda name, *pace: run(tmp_path / name, *pace, files=["image_folder.gin"], short=small)
    memory, streaming = "IN_MEMORY_LIMIT = 4e9", "IN_MEMORY_LIMIT = 0"
    train("whole", "STEPS = 4", memory)
    train("parts", "STEPS = 3", streaming)
    shutil.copytree(tmp_path / "parts", tmp_path / "mixed")
    train("parts", "STEPS = 4", streaming)
    train("mixed", "STEPS = 4", memory)
    whole = without_time(metrics(tmp_path / "whole"))
    for parts in ("parts", "mixed"):
        rows = without_time(row for row in metrics(tmp_path / parts) if row["step"] != 3)
        for row, expected in zip(rows, whole, strict=True):
            np.testing.assert_allclose(list(row.values()), list(expected.values()), rtol=1e-4)
    (tmp_path / "images").rename(tmp_path / "moved")
    moved = [f"IMAGES = '{tmp_path / 'moved'}'", *small[1:], "STEPS = 5"]
    run(tmp_path / "mixed", files=["image_folder.gin"], short=moved)
    (tmp_path / "moved" / "4.png").unlink()
    with pytest.raises(jare_tf.InputError, match="/moved' has other samples than when .*/step-4 was written: bring"):
        run(tmp_path / "parts", files=["image_folder.gin"], short=moved)
    printed = capsys.readouterr().out
    assert f"{tmp_path}/images: 9 images, in memory" in printed
    assert f"{tmp_path}/images: 9 images, decoded while training" in printed
    assert f"unreadable, left out: {tmp_path}/images/broken.png (UnidentifiedImageError: cannot identify" in printed


def test_comparison_with_overrides(tmp_path):
    configs = "{'ten': 'isotropic_gaussian/jare.gin', 'one': ['isotropic_gaussian/jare.gin', 'GAMMA = 1.0']}"
    run(tmp_path, f"experiment.Comparison.configs = {configs}", files=["quickstart.gin"])
    gammas = [(tmp_path / label / "config.gin").read_text().split("GAMMA = ")[1].split()[0] for label in ("ten", "one")]
    assert gammas == ["10.0", "1.0"]


def test_a_tag_that_no_row_has_is_told_after_the_first_run_of_a_comparison(tmp_path):
    with pytest.raises(jare_tf.InputError, match="SimGD/metrics.jsonl has 'loss/nosuch': nothing to draw"):
        run(tmp_path, "experiment.Comparison.tags = {'loss/nosuch': 'Loss'}", files=["quickstart.gin"])
    assert [path.name for path in tmp_path.iterdir()] == ["SimGD"]


SEEDED = f"experiment.Comparison.configs = {{'one': {GAME}, 'two': {GAME}}}"


def test_comparison_with_seeds(tmp_path, capsys):
    run(tmp_path, SEEDED, "experiment.Comparison.seeds = (3, 1)", files=["quickstart.gin"])
    folders = [tmp_path / label / f"seed_{seed}" for label in ("one", "two") for seed in (3, 1)]
    seeds = [(folder / "config.gin").read_text().split("SEED = ")[1].split()[0] for folder in folders]
    assert seeds == ["3", "1", "3", "1"]
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d:]+ left", "T left", line) for line in lines if ", run " in line] == [
        "one, seed 3, run 1 of 4",
        "two, seed 3, run 2 of 4, about T left",
        "one, seed 1, run 3 of 4, about T left",
        "two, seed 1, run 4 of 4, about T left",
    ]
    tag = "parameter_distance/generator"
    values = [metrics(folder)[-1][tag] for folder in folders[:2]]
    table = (tmp_path / "comparison.md").read_text().splitlines()
    titles = ["discriminator: distance to the equilibrium", "generator: distance to the equilibrium"]
    assert table[:2] == [f"| at the end | {' | '.join(titles)} | time |", "| --- | --- | --- | --- |"]
    cell = f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}"
    assert [row.split(" | ")[::2] for row in table[2:]] == [["| one", cell], ["| two", cell]]  # equal seeds, equal bits
    seconds = [
        round(statistics.fmean(metrics(folder)[-1]["seconds"] for folder in of)) for of in (folders[:2], folders[2:])
    ]
    assert [row.split(" | ")[3] for row in table[2:]] == [f"0:00:{second:02} |" for second in seconds]
    below = lines[lines.index("") + 1 :]
    assert [line.split() for line in below[:3]] == [
        ["discriminator:", "generator:"],
        ["distance", "to", "the", "distance", "to", "the"],
        ["at", "the", "end", "equilibrium", "equilibrium", "time"],
    ]
    assert len({line.rindex("  ") for line in below[2:5]}) == 1  # where the last column begins
    assert below[5:] == [
        "",
        f"{tmp_path}/comparison.png",
        f"tensorboard --logdir {tmp_path}",
        f"jare_tf report {tmp_path}/*/*/ --output report.html",
    ]


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (["experiment.Comparison.seeds = (1, 1)"], "Comparison: seeds must all differ, not"),
        (["experiment.Comparison.seeds = (0, -1)"], "Comparison: seeds"),
        (
            ["experiment.Comparison.seeds = (0, 1)", "SEED = 3"],
            "one: SEED = 3, but seeds has every run's seed: drop one",
        ),
    ],
)
def test_seeds_of_a_comparison(tmp_path, bindings, message):
    with pytest.raises(jare_tf.InputError, match=message):
        run(tmp_path, SEEDED, *bindings, files=["quickstart.gin"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("mean", ["[0.0]", "[1.0, 2.0, 3.0]", "[]"])
def test_an_equilibrium_of_another_game(tmp_path, mean):
    with pytest.raises(jare_tf.InputError, match="equilibrium has arrays of the shapes"):
        run(tmp_path, f"networks.affine.equilibrium.mean = {mean}")


@pytest.mark.parametrize(
    "label", [".", "..", "/abs", "~/x", "a/", "a/../b", "", "comparison.png", "one/samples", "\ud800"]
)
def test_comparison_in_odd_places(tmp_path, label):
    configs = {"one": GAME[0], label: GAME[0]}
    with pytest.raises(jare_tf.InputError, match="Comparison: configs|cannot draw the title"):
        run(tmp_path, f"experiment.Comparison.configs = {configs}", files=["quickstart.gin"])


def test_a_mistake_in_the_last_run_of_a_comparison_is_told_first(tmp_path):
    configs = {"one": GAME[0], "two": [GAME[0], "NOSUCH = 3"]}
    with pytest.raises(jare_tf.InputError, match="unused binding NOSUCH"):
        run(tmp_path, f"experiment.Comparison.configs = {configs}", files=["quickstart.gin"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_changed_learning_rate_counts_and_is_recorded(tmp_path, optimizer):
    """A learning rate is a variable of its optimizer: a checkpoint must not bring the old one back."""
    both = [f"experiment.Experiment.{player}_optimizer = @keras.optimizers.{optimizer}" for player in Players._fields]
    rate = f"keras.optimizers.{optimizer}.learning_rate"
    run(tmp_path, *both, f"{rate} = 0.001", "STEPS = 10")
    before = final_parameters(tmp_path)
    run(tmp_path, *both, f"{rate} = 0.0", allow_config_change=True)
    last = metrics(tmp_path)[-1]
    assert (last["step"], last["learning_rate/discriminator"], last["learning_rate/generator"]) == (20, 0.0, 0.0)
    assert hyperparameters(tmp_path)[rate] == 0.0
    after = final_parameters(tmp_path)
    for player in Players._fields:
        name = f"{player}_optimizer/_trainable_variables/0{VALUE}"
        np.testing.assert_array_equal(after[name], before[name])
    run(tmp_path, *both, f"{rate} = 0.5", "STEPS = 25", allow_config_change=True)
    moved = final_parameters(tmp_path)
    assert all(not np.array_equal(moved[name], after[name]) for name in after if "_trainable_variables/0" in name), (
        moved.keys()
    )
