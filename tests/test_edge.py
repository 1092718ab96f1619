"""Whatever comes from outside, the program ends in words: a property, tried on inputs that nobody chose.

The exit code is 0, 1 or 2; for 1 and 2 there is one line on stderr, which is no traceback; and with 2 nothing that was
there before is changed. `--slow` tries many more inputs, and pytest's --hypothesis-show-statistics counts what became
of them.
"""

import contextlib
import io
import os
import pathlib
import re
import shutil
import tempfile
import warnings

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from jare_tf import catalogue, cli, command, config, data, main
from tests import slow
from tests.runs import copied
from tools import report, score_images

GAME = "isotropic_gaussian/jare.gin"
TINY = ["STEPS = 2", "LOG_EVERY = 1", "SAVE_EVERY = 1", "SAMPLE_EVERY = 2", "STEPS_PER_CALL = 1", "JIT = False"]
TINY += ["experiment.Experiment.batch_size = 4", "experiment.evaluate.scores = []"]
MODES = ["evaluate", "sample", "export", "spectrum", None]  # `advise` and `landscape` read as `spectrum` does


@pytest.fixture(scope="module", autouse=True)
def _eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run directory that holds a finished run of three checkpoints."""
    folder = tmp_path_factory.mktemp("edge") / "run"
    copied(folder, short=("STEPS = 6", "SAVE_EVERY = 2", *TINY[1:2], *TINY[3:6]))
    return folder


def tried(examples):
    """Settings of a test: so many inputs, always the same; with --slow twenty times as many, others each time."""
    many = examples * (20 if slow.chosen() else 1)
    return settings(
        max_examples=many,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=not slow.chosen(),
    )


def ended(call, before=None):
    """Runs it, checks how it ended, and returns the line on stderr; a mistake leaves the folder `before` alone."""
    kept = content(before) if before else None
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = 0
        try:
            call()
        except SystemExit as error:
            code = error.code
    lines = errors.getvalue().splitlines()
    assert code in (None, 0, 1, 2), (code, lines)
    if code:
        assert len(lines) == 1, lines
        assert "unexpected error" not in lines[0], pathlib.Path(lines[0].split(" with ")[1].split(": ")[0]).read_text()
        assert " at 0x" not in lines[0]
        assert len(lines[0]) < 1000
        assert lines[0].isprintable()
    if code == 2 and before:
        assert content(before) == kept
    event({0: "works", 1: "a run that fails", 2: "refused"}[code or 0])
    return lines[0] if code else ""


def content(folder):
    """What is in a folder, by path, but for the lock."""
    paths = [f"{top}/{name}" for top, folders, names in os.walk(folder) for name in (*folders, *names)]
    read = lambda path: pathlib.Path(path).read_bytes() if os.path.isfile(path) else None
    return {path: read(path) for path in paths if not path.endswith("/.lock")}


def program(*arguments):
    """The program with these arguments."""
    flags.FLAGS.unparse_flags()
    for flag in flags.FLAGS.get_key_flags_for_module(command):
        flag.unparse()
    command.parse(["jare_tf", *arguments])
    main.main()


@contextlib.contextmanager
def inside(folder):
    """In that folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def params(*lines):
    return [word for line in lines for word in ("--gin_param", line)]


# Values

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.sampled_from([2**31 - 1, 2**31, 2**63, 10**30, -0.0, 1e-300, 1e300, float("inf"), float("nan")]),
)
PLAIN = st.one_of(NUMBERS, st.booleans(), st.none(), st.text(max_size=8), st.binary(max_size=3))
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
REFERENCES = st.sampled_from(
    [
        "@rules.jare",
        "@rules.jare()",
        "@rules.sim_gd()",
        "@losses.Minimax",
        "@losses.hinge()",
        "@networks.affine.generator",
        "@networks.affine.equilibrium()",
        "@keras.optimizers.SGD",
        "@keras.optimizers.SGD()",
        "@data.synthetic.ring()",
        "@data.synthetic.grid",
        "@report.ImageGrid()",
        "@evaluation.ModeCoverage()",
        "[@evaluation.ModeCoverage]",
        "%GAMMA",
        "%NOSUCH",
        "@nosuch.thing()",
        "(1",
        "",
        "abc",
    ]
)
VALUES = st.one_of(NESTED.map(repr), NESTED.map(repr), REFERENCES)
BIG = ("latent_dim", "batch_size", "dimension", "samples", "steps", "STEPS", "points", "count", "width", "offset")


def targets():
    """Everything that the game's configuration binds, or could."""
    config.parse([GAME])
    config.check_used(main.ROOTS)
    names = set(config.resolved(config.record(main.ROOTS[0], main.ROOTS).text))
    macros = {
        line.split(" = ")[0] for line in config.text().splitlines() if " = " in line and "." not in line.split()[0]
    }
    optimizer = ("learning_rate", "momentum", "nesterov", "clipnorm", "use_ema", "ema_momentum", "weight_decay")
    more = {f"keras.optimizers.SGD.{name}" for name in optimizer} | {"rules.jare.gamma", "nosuch.thing", "NOSUCH"}
    return sorted(names | macros | more)


TARGETS = targets()


@pytest.mark.parametrize("part", range(3))
@tried(50)
@given(target=st.sampled_from(TARGETS), value=VALUES)
@example(target="experiment.Pace.probes", value="[1]")
@example(target="experiment.Experiment.picture", value="None")
@example(target="experiment.Experiment.latent_dim", value="1e999")
@example(target="keras.optimizers.SGD.learning_rate", value="-0.1")
@example(target="keras.optimizers.SGD.learning_rate", value="@losses.Minimax")
@example(target="keras.optimizers.SGD.name", value="@rules.jare")
@example(target="data.latent.Normal.std", value="1e19")
@example(target="experiment.Experiment.discriminator", value="@networks.affine.generator")
@example(target="MU", value="'nan'")
@example(target="MU", value="%MU")
def test_values(part, target, value):
    with tempfile.TemporaryDirectory() as folder:
        number = value.lstrip("-").isdigit() and abs(int(value)) > 64
        if number and target.rpartition(".")[2].lower() in BIG:
            value = str(64 if int(value) > 0 else -64)  # the wait that it asks for is not the point here
        bound = [line for line in TINY if not line.startswith(f"{target} =")]
        line = ended(
            lambda: program("--gin_file", GAME, *params(*bound, f"{target} = {value}"), "--model_dir", f"{folder}/run")
        )
        if line:
            last = lambda name: name.strip("@%[]()").rpartition(".")[2].lower()
            named = last(target) in line.lower() or last(value)[:20] in line.lower()
            diverged = re.search(r"step 1: \w+/\w+ is -?(inf|nan)", line)  # from a number that float32 does hold
            assert named or diverged, (target, value, line)


# Text


@tried(60)
@given(
    file=st.sampled_from([GAME, "quickstart.gin", "cifar10/c_jare.gin", "mixture_jare_paper/r2.gin"]),
    cut=st.floats(0, 1),
    inserted=st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [
                b"(",
                b"[" * 300,
                b"include 'x.gin'\n",
                b"import nosuch\n",
                b"@",
                b"%",
                b"'",
                b"\n \n",
                b"=",
                b"a.b.c = 1\n",
            ]
        ),
    ),
    keep_end=st.booleans(),
)
@example(file=GAME, cut=0.0, inserted=b"", keep_end=False)
@example(file=GAME, cut=0.0, inserted=b"\xff\xfe", keep_end=True)
@example(file=GAME, cut=1.0, inserted=b"include 'x.gin'", keep_end=True)
def test_text(file, cut, inserted, keep_end):
    source = (catalogue.FOLDER / file).read_bytes() if (catalogue.FOLDER / file).exists() else b"MU = 1\n"
    place = int(cut * len(source))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x.gin")
        path.write_bytes(source[:place] + inserted + (source[place:] if keep_end else b""))

        def parse():
            config.parse([str(path)])
            config.check_used(
                main.ROOTS if not config.binds(main.experiment.Comparison) else [main.experiment.Comparison]
            )

        ended(lambda: cli.run("jare_tf", parse))


# Flags

WORDS = st.one_of(
    st.text(max_size=10), st.sampled_from(["0", "-1", "1e9", "true", ".", "/", "~", "x y", "", "100,110"])
)
NAMES = ["gin_file", "gin_param", "mode", "model_dir", "strategy", "cpu_devices", "profile", "watch", "nosuch", "tpu_"]
NAMES += ["data_dir", "allow_config_change", "trust_config", "debug_", "wait_for_workers", "list", "help"]


@tried(60)
@given(st.lists(st.tuples(st.sampled_from(NAMES), WORDS, st.booleans()), min_size=1, max_size=3))
def test_flags(chosen):
    given = [
        word for name, value, joined in chosen for word in ([f"--{name}={value}"] if joined else [f"--{name}", value])
    ]
    cheap = ["--gin_param", "STEPS = 0"]
    with tempfile.TemporaryDirectory() as folder, inside(folder):
        ended(lambda: program(*given, *cheap))


# A run directory

PARTS = ["config.gin", "metrics.jsonl", "checkpoints", "samples", "train", ".lock"]


def damage(path, how, noise):
    """Does something to a file or a folder."""
    if how == "folder":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.mkdir()
    elif how == "gone":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif how == "link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to(path.with_name("elsewhere"))
    elif how == "dangling":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to("/nosuch/thing")
    elif path.is_dir():
        for inside in sorted(path.iterdir()):
            if inside.is_file():
                damage(inside, how, noise)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "short":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "noise":
        path.write_bytes(noise)
    elif how == "more":
        with path.open("ab") as file:
            file.write(noise)
    elif how == "front":
        path.write_bytes(noise + path.read_bytes())


HOW = ["folder", "gone", "link", "dangling", "empty", "short", "noise", "more", "front"]
NOISE = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [
            b"[1,2]\n",
            b'{"a": 1}\n',
            b'{"step": "45", "seconds": 1}\n',
            b"17\n",
            b"\xff\xff\n",
            b'{"step": 7, "seconds": "abc"}\n',
            b'{"step": 7, "seconds": ' + b"9" * 400 + b"}\n",
            b'{"step": ' + b"9" * 5000 + b"}\n",
            b"[" * 100_000 + b"\n",
            b'{"step": 1e400}\n',
            b'{"step": 6, "loss/generator": {}}\n',
            b"\0" * 100,
            b"\n\n\n",
        ]
    ),
)


@pytest.mark.parametrize("mode", [*MODES, "report", "new"])
@tried(16)
@given(part=st.sampled_from(PARTS), how=st.sampled_from(HOW), noise=NOISE)
def test_run_directories(finished, mode, part, how, noise):
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder, "run")
        shutil.copytree(finished, run)
        if (run / part).exists():
            damage(run / part, how, noise)
        if mode == "report":
            ended(lambda: report.main([str(run), "--output", f"{folder}/report.html"]), before=run)
            return
        longer = params("STEPS = 7") if mode is None else []
        other = ["--gin_file", GAME, *params("MU = 7.0", *TINY)] if mode == "new" else []
        chosen = ["--mode", mode] if mode in MODES and mode else []
        ended(lambda: program(*chosen, *other, *longer, "--model_dir", str(run)), before=None if how == "more" else run)


# Names

ODD = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12)
ODD |= st.sampled_from(
    ["exp[12]", "exp?", "back\\slash", "a b", "-x", "~", "%(x)s", "{}", "line\nbreak", "*", "$HOME", "caf\udce9"]
)


@pytest.mark.parametrize("part", range(2))
@tried(12)
@given(name=ODD)
def test_names(finished, part, name):
    with tempfile.TemporaryDirectory() as folder:
        for beside in ("exp1", "exp2"):
            shutil.copytree(finished, f"{folder}/{beside}")
        kept = {one: content(f"{folder}/{one}") for one in ("exp1", "exp2")}
        run = pathlib.Path(folder, name)
        line = ended(lambda: program("--gin_file", GAME, *params(*TINY), "--model_dir", f"{folder}/{name}"))
        if not line and name not in (".", "..", *kept):
            assert (run / "checkpoints" / "step-2.index").exists()
            ended(lambda: program("--model_dir", f"{folder}/{name}", *params("STEPS = 3")))
        if name not in kept:
            assert {one: content(f"{folder}/{one}") for one in kept} == kept


# Images and arrays


@tried(60)
@given(
    ending=st.sampled_from([".png", ".jpg", ".webp", ".gif", ".bmp"]),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    name=ODD,
    noise=st.binary(max_size=8),
)
def test_images(ending, mode, size, cut, name, noise):
    with tempfile.TemporaryDirectory() as folder:
        Image.new("RGB", (8, 8)).save(f"{folder}/sound.png")
        path = pathlib.Path(folder, f"{name}{ending}")
        try:
            Image.new(mode, size).save(path)
        except (OSError, ValueError, KeyError):
            path.write_bytes(noise)
        if cut is not None:
            path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)] + noise)
        ended(lambda: cli.run("jare_tf", lambda: data.image_folder.load(path=folder, image_size=8) and None))


@tried(50)
@given(
    array=st.sampled_from(
        [np.zeros((5, 2)), np.zeros((0, 2)), np.zeros(3), np.ones((4, 4, 4, 3), np.uint8), np.array("a")]
    ),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    noise=st.binary(max_size=8),
    ending=st.sampled_from([".npy", ".npz", ".txt", ""]),
    tool=st.booleans(),
)
def test_arrays(array, cut, noise, ending, tool):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, f"a{ending}")
        with path.open("wb") as file:
            np.savez(file, images=array) if ending == ".npz" else np.save(file, array)
        if cut is not None:
            path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)] + noise)
        if tool:
            ended(lambda: score_images.main([str(path), "--against", str(path), "--embedding", "/nosuch.keras"]))
        else:
            ended(lambda: cli.run("jare_tf", lambda: data.in_memory.array_file(path=str(path)) and None))
