"""One page of HTML about one or several runs, which needs no other file and no network."""

import base64
from collections.abc import Iterable, Mapping, Sequence

import tensorflow as tf

from jare_tf.report import curves, scores
from jare_tf.report.markup import Markup, breakable, element, joined, table
from jare_tf.report.page_style import CSS
from jare_tf.report.run_summary import RunSummary, tags
from jare_tf.training.run import series

# Tags that the runs' table leaves to the curves.
_DETAILS = ("gradient_norm/", "regularizer/")
_MOST_PICTURES, _FEWEST_PICTURES, _PICTURE_BYTES = 6, 2, 1_000_000
_DASHES = {"solid": "none", "dashed": "6 3", "dotted": "2 2", "dashdot": "6 2 2 2"}
_ABSENT = "–"
_MANY_BINDINGS = 25


def html(runs: Sequence[RunSummary], pictures: int | None = None) -> str:
    """The page.

    Args:
      runs: one or several.
      pictures: of samples, at most so many a run; by default 6, and fewer where their files would exceed a megabyte.
    """
    sections = {
        "Runs": _runs(runs),
        "Configuration": _configuration(runs),
        "Curves": _curves(runs, [run.rows for run in runs], "curve"),
        "Scores": _scores(runs),
        "Samples": _samples(runs, pictures),
    }
    sections = {title: content for title, content in sections.items() if content}
    names = ", ".join(run.label for run in runs[:4]) + (f" and {len(runs) - 4} more" if len(runs) > 4 else "")
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{names}: jare_tf"),
        element("style", Markup(CSS)),
    ]
    links = element("nav", *(element("a", title, href=f"#{title.lower()}") for title in sections))
    body = [element("h1", names), links, *(_section(title, content) for title, content in sections.items())]
    page = element("html", element("head", joined(head)), element("body", joined(body)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _section(title: str, content: Markup) -> Markup:
    return element("section", element("h2", title), content, id=title.lower())


def _runs(runs: Sequence[RunSummary]) -> Markup:
    """How far each run is, with the last value of each tag but _DETAILS."""
    shown = [tag for tag in _all_tags(run.rows for run in runs) if not tag.startswith(_DETAILS)]
    head = ["run", "directory", "steps", "time trained", *map(breakable, shown)]
    rows = ([_name(runs, run), *_progress(run), *_last_values(run, shown)] for run in runs)
    return table(head, rows, numbers_from=2)


def _progress(run: RunSummary) -> list[Markup]:
    last = run.rows[-1] if run.rows else {}
    planned = run.bindings.get("experiment.Pace.steps", "")
    going = planned.isdecimal() and last.get("step", 0) < int(planned)
    steps = [
        f"{last['step']:,}" if last else "none logged",
        *([element("small", f"of {int(planned):,}")] if going else []),
    ]
    seconds = last.get("seconds")
    return [
        element("td", element("code", breakable(run.directory))),
        element("td", *steps, class_="number"),
        _cell(_ABSENT if seconds is None else _duration(seconds), title="" if seconds is None else f"{seconds} s"),
    ]


def _last_values(run: RunSummary, shown: Iterable[str]) -> list[Markup]:
    cells = []
    for tag in shown:
        points = series(run.rows, tag)
        step = max(points, default=0)
        earlier = points and step != run.rows[-1]["step"]
        cells.append(_value(points[step], f"at {step:,}" if earlier else "") if points else _cell(_ABSENT))
    return cells


def _configuration(runs: Sequence[RunSummary]) -> Markup:
    """The bindings that differ, and every config.gin."""
    known = [run for run in runs if run.config]
    names = sorted(set().union(*(run.bindings for run in known)))
    differing = [name for name in names if len({run.bindings.get(name) for run in known}) > 1]
    parts = []
    if len(known) > 1:
        count = f"{len(differing)} of {len(names)} bindings differ"
        rows = ([_binding(name), *(_binding(run.bindings.get(name, _ABSENT)) for run in runs)] for name in differing)
        listed = table(["binding", *(_key(runs, run) for run in runs)], rows) if differing else ""
        parts.append(element("details", element("summary", count), listed, open=len(differing) <= _MANY_BINDINGS))
    parts += [
        element("details", element("summary", "config.gin of ", _key(runs, run)), element("pre", run.config))
        for run in known
    ]
    missing = [run.label for run in runs if not run.config]
    parts += [element("p", f"No config.gin: {', '.join(missing)}.", class_="quiet")] if missing else []
    return joined(parts)


def _binding(text: str) -> Markup:
    return element("td", element("code", breakable(text)))


def _curves(runs: Sequence[RunSummary], rows_of_runs: Sequence[Sequence[dict]], name: str) -> Markup:
    """A figure for each group of the tags that the rows have; `name` is that of no other such part of the page."""
    groups: dict[str, list[str]] = {}
    for tag in _all_tags(rows_of_runs):
        groups.setdefault(tag.partition("/")[0], []).append(tag)
    figures = []
    for group, members in groups.items():
        panels = {tag: {i: series(rows, tag) for i, rows in enumerate(rows_of_runs)} for tag in members}
        drawn = [_panel(runs, tag, lines, f"{name} {tag}") for tag, lines in panels.items() if any(lines.values())]
        inside = element("figcaption", group, class_="group"), element("div", *drawn, class_="panels")
        figures += [element("figure", *inside, class_="several" if len(drawn) > 1 else "one")] if drawn else []
    return joined([_legend(runs, rows_of_runs), element("div", joined(figures), class_="curves")] if figures else [])


def _legend(runs: Sequence[RunSummary], rows_of_runs: Sequence[Sequence[dict]]) -> Markup:
    long = any(curves.long(series(rows, tag)) for rows in rows_of_runs for tag in tags(rows))
    note = f" A line is the median, a shade the range, in each of {curves.PARTS} parts of a long run." if long else ""
    keys = [_key(runs, run) for run in runs] if len(runs) > 1 else []
    return element("div", *keys, element("span", f"Over steps.{note}", class_="quiet"), class_="legend")


def _panel(runs: Sequence[RunSummary], tag: str, lines: Mapping[int, Mapping[int, float]], name: str) -> Markup:
    """A curve for each run that has the tag; where the others want a logarithmic axis, not of one that is always 0."""
    lines = {index: points for index, points in lines.items() if points}
    varied = {index: points for index, points in lines.items() if any(points.values())}
    if not varied or not curves.logarithmic(value for points in varied.values() for value in points.values()):
        varied = lines
    zero = [runs[index].label for index in lines.keys() - varied.keys()]
    player = tag.partition("/")[2]
    caption = [*([player] if player else []), *([f"always 0: {', '.join(sorted(zero))}"] if zero else [])]
    last = ", ".join(f"{runs[index].label} {_number(points[max(points)])}" for index, points in lines.items())
    described = f"{tag} by step; at the end: {last}"
    drawn = element("div", Markup(curves.svg(varied, name)), role="img", aria_label=described)
    return element("figure", element("figcaption", ", ".join(caption), class_="quiet"), drawn)


def _scores(runs: Sequence[RunSummary]) -> Markup:
    """For each way of computing scores a table and the curves: what was computed differently is never compared."""
    groups = [scores.by_conditions(run.scores) for run in runs]
    parts = []
    for number, conditions in enumerate(dict.fromkeys(key for group in groups for key in group)):
        rows = [group.get(conditions, []) for group in groups]
        title = ", ".join(f"{name} {value}" for name, value in conditions) or "computed without an embedding"
        parts += [element("h3", title), _score_table(runs, rows), _curves(runs, rows, f"scores {number}")]
    return joined(parts)


def _score_table(runs: Sequence[RunSummary], rows_of_runs: Sequence[Sequence[dict]]) -> Markup:
    """The last and, where it is known which way is better, the best value of each run; the best of all runs marked."""
    ways = scores.better(row for rows in rows_of_runs for row in rows)
    columns = {tag: [series(rows, tag) for rows in rows_of_runs] for tag in _all_tags(rows_of_runs)}
    columns = {tag: points for tag, points in columns.items() if any(points)}
    cells: list[list[Markup]] = [[_name(runs, run)] for run in runs]
    for tag, points_of_runs in columns.items():
        for row, points in zip(cells, points_of_runs, strict=True):
            row.append(_value(points[max(points)], f"at {max(points):,}") if points else _cell(_ABSENT))
        if tag in ways:
            winner = scores.best(ways[tag], (value for points in points_of_runs for value in points.values()))
            for row, points in zip(cells, points_of_runs, strict=True):
                row.append(_best(ways[tag], points, winner) if points else _cell(_ABSENT))
    head = ["run"]
    for tag in columns:
        ends = ["last", *({"lower": ["lowest"], "higher": ["highest"]}.get(ways.get(tag, ""), []))]
        head += [Markup(breakable(tag) + element("small", end)) for end in ends]
    return table(head, cells, numbers_from=1)


def _best(way: str, points: Mapping[int, float], winner: float) -> Markup:
    step, value = scores.best_point(way, points)
    return _value(value, f"at {step:,}", best=value == winner)


def _samples(runs: Sequence[RunSummary], count: int | None) -> Markup:
    """Of each run with pictures a row of them."""
    parts = []
    count = count or _pictures_that_fit(runs)
    for run in runs:
        chosen = spaced([*run.pictures], count)
        shown = f"{len(chosen)} of {len(run.pictures)} pictures" if len(chosen) < len(run.pictures) else ""
        if chosen:
            row = element("div", joined(_picture(run, step) for step in chosen), class_="samples")
            parts += [element("h3", _key(runs, run), " ", element("small", shown)), row]
    return joined(parts)


def spaced(steps: Sequence[int], count: int) -> list[int]:
    """At most `count` of `steps`, about evenly spaced, with the first and the last."""
    if len(steps) <= count:
        return list(steps)
    if count == 1:
        return [steps[-1]]
    return [steps[round(index * (len(steps) - 1) / (count - 1))] for index in range(count)]


def _pictures_that_fit(runs: Sequence[RunSummary]) -> int:
    sizes = {path: tf.io.gfile.stat(path).length for run in runs for path in run.pictures.values()}
    total = lambda count: sum(sizes[run.pictures[step]] for run in runs for step in spaced([*run.pictures], count))
    counts = range(_MOST_PICTURES, _FEWEST_PICTURES, -1)
    return next((count for count in counts if total(count) <= _PICTURE_BYTES), _FEWEST_PICTURES)


def _picture(run: RunSummary, step: int) -> Markup:
    with tf.io.gfile.GFile(run.pictures[step], "rb") as file:
        source = f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"
    image = element("img", src=source, alt=f"samples of {run.label} after {step:,} steps")
    return element("figure", image, element("figcaption", f"step {step:,}"))


def _all_tags(rows_of_runs: Iterable[Sequence[dict]]) -> list[str]:
    return list(dict.fromkeys(tag for rows in rows_of_runs for tag in tags(rows)))


def _key(runs: Sequence[RunSummary], run: RunSummary) -> Markup:
    """The label of a run, with a piece of its curves where there are several."""
    if len(runs) == 1:
        return element("span", run.label, class_="name")
    style = curves.style(runs.index(run))
    stroke = {"stroke": style["color"], "stroke_width": "3", "stroke_dasharray": _DASHES[style["linestyle"]]}
    line = element("line", x1="0", y1="5", x2="24", y2="5", **stroke)
    piece = element("svg", line, class_="key", viewBox="0 0 24 10", aria_hidden="true")
    return element("span", piece, run.label, class_="name")


def _name(runs: Sequence[RunSummary], run: RunSummary) -> Markup:
    return element("th", _key(runs, run), scope="row")


def _value(value: float, where: str = "", best: bool = False) -> Markup:
    return _cell(_number(value), element("small", where) if where else "", title=repr(value), best=best)


def _cell(*content: str, title: str = "", best: bool = False) -> Markup:
    """A cell with a number; `title` is what it shows in full when it is pointed at."""
    return element("td", *content, class_="number best" if best else "number", title=title or False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def _duration(seconds: float) -> str:
    """In the two largest units that it has."""
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    if seconds < 60:
        return f"{seconds:.1f} s"
    parts: list[str] = []
    rest = round(seconds)
    for unit, length in units.items():
        parts += [f"{rest // length} {unit}"] if rest >= length or parts else []
        rest %= length
    return " ".join(parts[:2])
