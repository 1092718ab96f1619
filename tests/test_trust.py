"""A configuration is code; one that lies in a run directory runs none but the package's own unless the user says so."""

import pathlib

import pytest

import jare_tf
from jare_tf import config, main
from tests.runs import copied


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A function from lines, imports first, to the path of a run's config.gin with these in it."""
    copied(tmp_path)
    path = tmp_path / "config.gin"
    own = path.read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "theirs.py").write_text(
        "import pathlib, jare_tf\npathlib.Path('RAN').touch()\nprior = jare_tf.Normal\n"
    )

    def write(imports="", bindings=""):
        start = own.index("\n", own.index("dynamic_registration")) + 1
        path.write_text(f"{own[:start]}{imports}\n{own[start:]}\n{bindings}\n")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("imports", "bindings", "named"),
    [
        (
            "import subprocess",
            "experiment.Experiment.latent_prior = @subprocess.getoutput()\nsubprocess.getoutput.cmd = 'touch RAN'",
            "imports subprocess",
        ),
        ("import theirs", "", "imports theirs"),
        ("import \\\n theirs as rules_too", "", "imports theirs"),
        ("from theirs import prior", "", "imports theirs.prior"),
        (
            "from jare_tf.data import in_memory",
            "experiment.sample.output = @in_memory.os.popen()\nin_memory.os.popen.cmd = 'touch RAN'",
            "names os.popen",
        ),
        (
            "import keras",
            "experiment.sample.output = @keras.utils.get_file()\nkeras.utils.get_file.origin = ''",
            "get_file",
        ),
        (
            "from jare_tf import files",
            "experiment.sample.output = @files.remove()",
            "names jare_tf.files.remove",
        ),
        (
            "from jare_tf.report import curves",
            "experiment.sample.output = @curves.save()",
            "names jare_tf.report.curves",
        ),
        ("", "experiment.sample.output = @experiment.train()", "names jare_tf.experiment.train.train"),
        ("import keras", "experiment.sample.output = @keras.layers.TFSMLayer()", "names keras.src"),
        ("include 'theirs.gin'", "", "includes theirs.gin"),
    ],
)
@pytest.mark.parametrize("mode", ["sample", "export", "evaluate", "spectrum", "landscape", None])
def test_nothing_of_somebody_else_runs(recorded, imports, bindings, named, mode):
    pathlib.Path("theirs.gin").touch()
    recorded(imports, bindings)
    with pytest.raises(jare_tf.InputError, match=named):
        main.dispatch([], [], mode, ".")
    assert not pathlib.Path("RAN").exists()


def test_what_the_user_trusts(recorded):
    path = recorded("import theirs", "experiment.Experiment.latent_prior = @theirs.prior()")
    with pytest.raises(jare_tf.InputError, match="pass --trust_config, or --gin_param 'import its_module'"):
        config.parse([path], trusted=False)
    assert not pathlib.Path("RAN").exists()
    config.parse([path], ["import theirs"], trusted=False)
    config.parse([path], trusted=True)
    config.parse([recorded()], trusted=False)  # what the package writes needs no trust
