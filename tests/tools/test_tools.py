"""What all tools have in common: --help without TensorFlow, a text for every argument, mistakes in one line."""

import importlib
import re

import pytest

from jare_tf import command
from tests.processes import ROOT
from tests.test_command import program

TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("*.py"))


def tool(name):
    return importlib.import_module(f"tools.{name}")


@pytest.mark.parametrize("name", TOOLS)
def test_help(name):
    shown = program(f"tools/{name}.py", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"usage: {name}" in shown.stdout


def test_a_tool_is_a_subcommand_as_well():
    file, subcommand = (program(*command, "--help") for command in (["tools/rules.py"], ["-mjare_tf", "rules"]))
    assert (subcommand.returncode, subcommand.stdout, subcommand.stderr) == (0, file.stdout, "")
    shown = program("-mjare_tf", "rules", "--nosuch")
    assert shown.returncode == 2 and shown.stderr.startswith("rules: ")


def test_the_program_tells_of_every_tool():
    tools = command.usage().partition("\nTools: ")[2]
    assert re.findall(r"^  (\w+) +[A-Z]", tools, re.MULTILINE) == TOOLS


@pytest.mark.parametrize("name", TOOLS)
def test_every_argument_has_a_text_with_its_default(name):
    for action in tool(name).parser()._actions:
        assert action.help, action.dest
        if action.option_strings and "--help" not in action.option_strings:
            assert "default" in action.help or "required" in action.help, action.dest


@pytest.mark.parametrize("name", TOOLS)
def test_an_unknown_argument(name):
    shown = program(f"tools/{name}.py", "--nosuch")
    assert shown.returncode == 2
    (line,) = shown.stderr.splitlines()
    assert line.startswith(f"{name}: ") and line.endswith("; --help lists the arguments")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("input_throughput", ["--folder", "/nosuch"], "--folder /nosuch is not a folder"),
        (
            "input_throughput",
            ["--image_size", "0"],
            "--image_size must be an integer of at least 1 and at most 4,096, not 0",
        ),
        ("rules", ["--rounds", "0"], "--rounds must be an integer of at least 1 and below 2**31, not 0"),
        ("steps_per_call", ["x.gin", "0"], "steps_per_call must be an integer of at least 1 and below 2**31, not 0"),
        ("steps_per_call", ["nosuch.gin", "1"], "there is no configuration 'nosuch.gin'"),
        ("streamlines", ["/nosuch/x.png"], "[Errno 2] No such file or directory: '/nosuch/x.png'"),
        ("score_images", ["x", "--against", "x", "--image_size", "0"], "--image_size must be an integer of at least 1"),
        ("score_images", ["/nosuch", "--against", "/nosuch2"], "there is no /nosuch, and it is no NAME:SPLIT"),
        ("train_classifier", ["cifar10", "--output", "/proc/c.keras"], "cannot write to /proc: "),
        ("train_classifier", ["cifar10", "--output", "x.h5"], "--output must be a file that ends in .keras, not x.h5"),
        ("train_classifier", ["a", "--output", "x.keras", "--epochs", "0"], "--epochs must be an integer of at least"),
        ("benchmark", ["--output", "/proc/x"], "cannot write to /proc/x: "),
        ("reproduce", ["jare-table1", "--out", "/dev/null/x"], "cannot write to /dev/null/x/cpu/jare-table1: "),
    ],
)
def test_mistakes_are_found_first(monkeypatch, capsys, tmp_path, name, arguments, message):
    monkeypatch.chdir(tmp_path)
    module = tool(name)
    if name == "streamlines":
        monkeypatch.setattr(module, "dirac_fields", lambda: pytest.fail("it was drawn"))
    with pytest.raises(SystemExit) as ended:
        module.main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code in (1, 2)
    assert line.startswith(f"{name}: {message}")


@pytest.mark.parametrize("text", ['{"claims": [{', "[1]", "{}", '{"claims": [{"claim": "x"}]}', "\0\xff"])
def test_a_broken_record_of_claims(tmp_path, capsys, text):
    path = tmp_path / "cpu" / "jare-fig1" / "claims.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(SystemExit) as ended:
        tool("reproduce").main(["--claims", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"reproduce: {path} is no record of a figure: remove it")


def test_list_and_claims_agree(tmp_path, capsys):
    for scale, column in (("cpu", 3), ("paper", 4)):
        tool("reproduce").main(["--list"])
        listed = [line for line in capsys.readouterr().out.splitlines()[2:] if not line.startswith("| league-")]
        costs = [line.split(" | ")[column - 1].rstrip(" |") for line in listed]
        tool("reproduce").main(["--claims", "--scale", scale, "--out", str(tmp_path)])
        rows = capsys.readouterr().out.splitlines()[2:]
        assert [row.rpartition(" | not made yet (")[2] for row in rows] == [f"{cost}) |" for cost in costs]
