"""tools/report.py: runs of the program in one page, and a user's mistakes in one line."""

import os

import pytest

from tests.pages import Page, make
from tests.runs import metrics, run
from tools import report


def test_page_of_two_runs(tmp_path, capsys):
    for gamma in ("1.0", "2.0"):
        run(tmp_path / gamma, f"GAMMA = {gamma}")
    capsys.readouterr()
    output = tmp_path / "page.html"
    report.main([str(tmp_path / "1.0"), str(tmp_path / "2.0"), "--output", str(output)])
    assert capsys.readouterr().out == f"{output}\n"
    found = Page(output.read_text())
    assert [[cell["text"] for cell in row] for row in found.tables[1]] == [
        ["binding", "1.0", "2.0"],
        ["rules.jare.gamma", "1.0", "2.0"],
    ]
    distances = found.column(0, "parameter_distance/generator")
    for gamma, distance in zip(("1.0", "2.0"), distances, strict=True):
        assert float(distance["title"]) == metrics(tmp_path / gamma)[-1]["parameter_distance/generator"]
    assert len(found.values("src")) == 4
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{0}/nosuch"], "{0}/nosuch is not a folder: name run directories"),
        (["{0}/runs/a/metrics.jsonl"], "{0}/runs/a/metrics.jsonl is not a folder: name run directories"),
        (
            ["{0}/empty"],
            "{0}/empty is not a run directory (no config.gin, metrics.jsonl or checkpoint); name run directories",
        ),
        (
            ["{0}/runs"],
            "{0}/runs is not a run directory (no config.gin, metrics.jsonl or checkpoint); runs inside: a, b; pass",
        ),
        (["{0}/runs/a", "{0}/runs/a/"], "{0}/runs/a/ is named twice"),
        (["{0}/piped"], "cannot read the run in {0}/piped: not a regular file: {0}/piped/metrics.jsonl"),
        (["{0}/runs/a", "--output", "{0}/empty"], "--output {0}/empty is a folder: name a file"),
        (["{0}/runs/a", "--output", "{0}/nosuch/page.html"], "cannot write --output {0}/nosuch/page.html: "),
        (["{0}/runs/a", "--output", "/dev/full"], "cannot write --output /dev/full: /dev/full is not a regular file"),
        (["{0}/runs/a", "--output", "/dev/stdout"], "cannot write --output /dev/stdout: /dev/stdout is not a regular"),
        (["{0}/runs/a", "--output", "{0}/link"], "cannot write --output {0}/link: {0}/link is not a regular file"),
        (["{0}/runs/a", "--pictures", "0"], "--pictures must be an integer of at least 1 and below 2**31, not 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes(tmp_path, capsys, arguments, message):
    for name in ("runs/a", "runs/b", "piped"):
        make(tmp_path / name)
    (tmp_path / "piped" / "metrics.jsonl").unlink()
    os.mkfifo(tmp_path / "piped" / "metrics.jsonl")
    (tmp_path / "link").symlink_to(tmp_path / "runs" / "a" / "metrics.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as caught:
        report.main(["--output", f"{tmp_path}/page.html", *(argument.format(tmp_path) for argument in arguments)])
    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert line.startswith(f"report: {message.format(tmp_path)}")
    assert not (tmp_path / "page.html").exists()
