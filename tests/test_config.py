"""Which files a configuration is made of, and what it binds."""

import shutil
import subprocess
import sys

import pytest

import jare_tf
from jare_tf import catalogue, config, gin_text, main
from tests.processes import ROOT


@pytest.mark.parametrize("name", ["isotropic_gaussian/jare.gin", "cifar10/c_jare.gin", "celeba/jare.gin"])
def test_folders_of_the_current_directory_do_not_matter(tmp_path, monkeypatch, name):
    """Folders named like those of the package, with files, packages and modules in them."""
    config.parse([name])
    before = config.text()
    for folder in ("base", *(path.name for path in catalogue.FOLDER.iterdir() if path.is_dir())):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "__init__.py").write_text("raise RuntimeError('imported')")
    shutil.copy(catalogue.FOLDER / "base" / "macros.gin", tmp_path / "base")
    with open(tmp_path / "base" / "macros.gin", "a") as file:
        file.write("SEED = 123\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    config.parse([name])
    assert config.text() == before


def test_an_include_is_looked_for_beside_its_file_and_then_in_the_package(tmp_path, monkeypatch):
    (tmp_path / "mine" / "base").mkdir(parents=True)
    mine = tmp_path / "mine" / "run.gin"
    mine.write_text("include 'isotropic_gaussian/jare.gin'\ninclude 'base/seed.gin'\n")
    (tmp_path / "mine" / "base" / "seed.gin").write_text("SEED = 7\n")
    (tmp_path / "mine" / "base" / "macros.gin").write_text("SEED = 8\n")  # not what the package's own file includes
    monkeypatch.chdir(tmp_path)
    for name in (str(mine), "mine/run.gin"):
        config.parse([name])
        assert "SEED = 7" in config.text().splitlines()


def test_a_file_of_the_current_directory_comes_before_the_packages(tmp_path, monkeypatch):
    (tmp_path / "isotropic_gaussian").mkdir()
    (tmp_path / "isotropic_gaussian" / "jare.gin").write_text("include 'isotropic_gaussian/optimistic.gin'\n")
    monkeypatch.chdir(tmp_path)
    config.parse(["isotropic_gaussian/jare.gin"])
    assert "optimistic" in config.text()


@pytest.mark.parametrize("name", ["isotropic_gaussian", "nosuch.gin", "base"])
def test_no_such_configuration(name):
    with pytest.raises(jare_tf.InputError, match=f"there is no configuration .{name}., as a file or in "):
        config.parse([name])


def test_the_program_beside_a_folder_of_the_same_name(tmp_path):
    """`python -m` puts the current directory on sys.path."""
    for folder in ("base", "isotropic_gaussian"):
        (tmp_path / folder).mkdir()
    code = "from jare_tf import config; config.parse(['isotropic_gaussian/jare.gin']); print('parsed')"
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = ['', {str(ROOT)!r}]; {code}"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout == "parsed\n"


def test_namespaces():
    """What a --gin_param may name without an import is an attribute of the package, with everything that it lists."""
    assert set(gin_text.NAMESPACES) - {"keras"} == set(jare_tf._NAMESPACES) - {"theory", "callbacks"}
    for name in jare_tf._NAMESPACES:
        namespace = getattr(jare_tf, name)
        assert namespace.__doc__ and namespace.__all__
        assert all(hasattr(namespace, one) for one in namespace.__all__)
    with pytest.raises(AttributeError, match="module 'jare_tf' has no attribute 'nosuch'"):
        _ = jare_tf.nosuch


@pytest.mark.parametrize(
    ("files", "params", "message"),
    [
        ({"a.gin": "include 'a.gin'"}, [], "a.gin includes .*a.gin: take one of them out"),
        ({"a.gin": "include 'b.gin'", "b.gin": "include 'a.gin'"}, [], "a.gin includes .*b.gin includes .*a.gin: take"),
        ({"a.gin": "include 'nosuch.gin'"}, [], "a.gin includes nosuch.gin, which is neither beside it nor in"),
        ({"a.gin": "MU = %MU"}, [], "%MU needs %MU: nothing can be made of itself"),
        ({"a.gin": "MU = 1"}, ["A = [%B]", "B = {'b': %A}"], "%A needs %B needs %A: nothing can be made of itself"),
        ({"a.gin": b"# caf\xe9\nMU = 1"}, [], "a.gin is not UTF-8 text .byte 5.: save it as UTF-8"),
        ({"a.gin": b"\xff\xfeM\0U\0"}, [], "a.gin is not UTF-8 text"),
        ({}, [], "there is no configuration .a.gin., as a file or in"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, monkeypatch, files, params, message):
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(jare_tf.InputError, match=message):
        config.parse(["a.gin"], params)


def test_files_of_windows_and_with_a_mark(tmp_path):
    (tmp_path / "a.gin").write_bytes("\ufeffMU = 1  # µ\r\nSIGMA = 2\r\n".encode())
    config.parse([str(tmp_path / "a.gin")])
    assert config.resolved(config.text() + "\nx.mu = %MU\nx.sigma = %SIGMA") == {"x.mu": "1", "x.sigma": "2"}


@pytest.mark.parametrize(
    ("files", "params", "near"),
    [
        (["isotropic_gausian/jare.gin"], [], "did you mean isotropic_gaussian/jare.gin"),
        (["isotropic_gaussian/jare.gin"], ["rules.jaer.gamma = 1.0"], "did you mean jare"),
        (["isotropic_gaussian/jare.gin"], ["STEPSS = 1"], "did you mean STEPS"),
        (["isotropic_gaussian/jare.gin"], ["experiment.Pace.log_evry = 1"], "did you mean log_every"),
    ],
)
def test_near_names(files, params, near):
    with pytest.raises(jare_tf.InputError, match=near):
        config.parse(files, params)
        config.check_used(main.ROOTS)
