"""Writes the parts of README.md and of docs/ that follow from other files: what was reproduced, and the configurations.

    python tools/write_pages.py

A page has them between <!-- begin NAME --> and <!-- end NAME -->. Run it after docs/reproduction/*/claims.json or the
header of a configuration changed; a test compares.
"""

import argparse
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jare_tf import catalogue, cli

ROOT = pathlib.Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "reproduction"


def parser() -> cli.Parser:
    made = cli.Parser("write_pages", __doc__)
    made.add_argument("--check", action="store_true", help="write nothing, and fail if a page is stale; off by default")
    return made


if __name__ == "__main__":
    parser().start()  # --help and mistakes end here, before TensorFlow is imported

from jare_tf.errors import RunError
from jare_tf.output import say
from jare_tf.reproduction import figures

# The figures of the papers by what they are about.
EXPERIMENTS = {
    "isotropic Gaussian": ["jare-fig1", "jare-fig5", "jare-fig6"],
    "theorems": [
        *("jare-theorem2", "jare-section4", "jare-section6", "jare-table1", "jare-appendix-b", "jare-appendix-c"),
        *("conopt-fig1", "gradreg-theorem3"),
    ],
    "mixtures of Gaussians": ["jare-fig2", "jare-fig7", "jare-fig8", "conopt-fig2", "gradreg-fig1"],
    "eigenvalues, vector fields, a linear GAN": ["conopt-fig3", "gradreg-fig3", "gradreg-appendix-d"],
    "architectures": ["jare-table2", "jare-table3", "jare-table4", "jare-table5"],
    "CIFAR-10, shorter and narrower": [
        "jare-fig3",
        "jare-fig4",
        "jare-fig9",
        *(f"conopt-fig{number}" for number in (4, 5, 6, 7, 8, 9, 11, 12, 13, 14)),
    ],
    "stacked MNIST": ["gradreg-fig2", "gradreg-fig4"],
    "CelebA, ImageNet": ["jare-fig10", "conopt-fig10"],
}


def record(name: str) -> Mapping[str, Any] | None:
    """claims.json of a figure; None where it was not made."""
    found = figures.read(name, str(RECORDS))
    return None if found is None or "not_run" in found else found


def verdicts() -> str:
    """By experiment how many claims of the papers were reproduced, which were not, and how many figures are left."""
    rows = [
        _row("experiment", "claims reproduced", "claims that do not hold here", "figures not made"),
        _row(*["---"] * 4),
    ]
    for experiment, names in EXPERIMENTS.items():
        made = {name: found for name in names if (found := record(name))}
        claims = [(name, claim) for name, found in made.items() for claim in found["claims"]]
        differing = [f"{_plain(claim['claim'])} ({name})" for name, claim in claims if claim["reproduced"] is not True]
        missing = len(names) - len(made)
        reproduced = f"{len(claims) - len(differing)} of {len(claims)}" if claims else "–"
        rows.append(_row(experiment, reproduced, "<br>".join(differing), str(missing or "")))
    return "\n".join(rows)


def claims() -> str:
    """Every claim with its verdict."""
    return figures.claims_table(str(RECORDS), "cpu")


def gallery() -> str:
    """Every figure that has been made: its picture at full size, the paper's claims, what was measured."""
    return "\n\n".join(part for names in EXPERIMENTS.values() for name in names for part in _figure(name))


def _figure(name: str) -> Iterator[str]:
    found = record(name)
    if found is None:
        return
    yield f"### {name}"
    yield f"{found['shows']} Made by `{found['command']}`."
    if (RECORDS / name / "picture.png").exists():
        yield f"![{name}: {found['shows'].removesuffix('.')}]({name}/picture.png)"
    rows = [
        _row(
            _plain(f"{claim['claim']} ({claim['source']})"),
            _measured(claim["measured"]),
            figures.in_markdown(claim["reproduced"]),
        )
        for claim in found["claims"]
    ]
    yield "\n".join([_row("the paper says", "measured", "verdict"), _row(*["---"] * 3), *rows])


def _measured(numbers: Mapping[str, Any]) -> str:
    return "<br>".join(f"{_plain(what)}: {_number(value)}" for what, value in numbers.items())


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def configurations() -> str:
    """By folder every configuration: what it trains, the setting of the paper, what it needs, its own macros."""
    folders: dict[str, list[str]] = {}
    for name, header in catalogue.headers().items():
        row = _row(f"`{name}`", *(_plain(header[topic]) for topic in ("", "Paper", "Hardware")), _macros(name))
        folders.setdefault(name.rpartition("/")[0], []).append(row)
    head = [_row("configuration", "trains", "setting of the paper", "needs", "macros"), _row(*["---"] * 5)]
    return "\n\n".join("\n".join([f"## {folder or 'start here'}\n", *head, *rows]) for folder, rows in folders.items())


def _macros(name: str) -> str:
    """The macros that a configuration has beside those of every one."""
    common = set(re.findall(r"%([A-Z_]+)", (catalogue.FOLDER / "base" / "macros.gin").read_text(encoding="utf-8")))
    own = dict.fromkeys(re.findall(r"^([A-Z][A-Z\d_]*) =", _with_included(name), re.MULTILINE))
    return ", ".join(f"`{macro}`" for macro in sorted(own.keys() - common))


def _with_included(name: str) -> str:
    text = (catalogue.FOLDER / name).read_text(encoding="utf-8")
    return text + "".join(map(_with_included, re.findall(r"^include '(.*)'", text, re.MULTILINE)))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text for a cell, without what Markdown would read in it."""
    return re.sub(r"([|*<_\[])", r"\\\1", text)


PARTS: dict[str, Callable[[], str]] = {one.__name__: one for one in (verdicts, claims, gallery, configurations)}


def pages() -> Iterable[pathlib.Path]:
    """All that may have such parts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def written(text: str) -> str:
    """A page with its parts as they have to be."""
    part = lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}"
    return re.sub(r"(<!-- begin (\w+) -->)\n.*?(<!-- end \2 -->)", part, text, flags=re.DOTALL)


def act(given: argparse.Namespace) -> None:
    """Writes, or checks, every page.

    Raises:
      RunError: a page is stale, and was to be checked.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    stale = {path: new for path, text in texts.items() if (new := written(text)) != text}
    for path, new in stale.items():
        say(f"{path.relative_to(ROOT)}: {'stale' if given.check else 'written'}")
        if not given.check:
            path.write_text(new, encoding="utf-8")
    if given.check and stale:
        raise RunError("pages do not follow from their sources: run python tools/write_pages.py")


def main(arguments: list[str] | None = None) -> None:
    parser().run(act, arguments)


if __name__ == "__main__":
    main()
