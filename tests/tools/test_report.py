"""tools/report.py: runs of the program in one page, and a user's mistakes in one line."""

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
        (["{0}/empty"], "{0}/empty is not a run directory (no metrics.jsonl or config.gin); name run directories"),
        (["{0}/runs"], "{0}/runs is not a run directory (no metrics.jsonl or config.gin); runs inside: a, b; pass"),
        (["{0}/runs/a", "{0}/runs/a/"], "{0}/runs/a/ is named twice"),
        (["{0}/broken"], "{0}/broken/metrics.jsonl, line 1: not JSON"),
        (["{0}/listed"], "{0}/listed/metrics.jsonl, line 1: a row has a step"),
        (["{0}/runs/a", "--output", "{0}/empty"], "--output {0}/empty is a folder: name a file"),
        (["{0}/runs/a", "--output", "{0}/nosuch/page.html"], "cannot write --output {0}/nosuch/page.html: "),
        (["{0}/runs/a", "--pictures", "0"], "--pictures must be an integer of at least 1, not 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes(tmp_path, capsys, arguments, message):
    for name in ("runs/a", "runs/b", "broken", "listed"):
        make(tmp_path / name)
    (tmp_path / "broken" / "metrics.jsonl").write_text('{"step"\n{"step": 2}\n')
    (tmp_path / "listed" / "metrics.jsonl").write_text("[1]\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as caught:
        report.main(["--output", f"{tmp_path}/page.html", *(argument.format(tmp_path) for argument in arguments)])
    (line,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert line.startswith(f"report: {message.format(tmp_path)}")
    assert not (tmp_path / "page.html").exists()
