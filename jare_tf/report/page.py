"""One page of HTML about one or several runs, which needs no other file and no network."""

import base64
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from jare_tf import files
from jare_tf.report import curves, scores, styles
from jare_tf.report.columns import Columns
from jare_tf.report.markup import Markup, breakable, element, joined, table
from jare_tf.report.page_style import CSS
from jare_tf.report.run_summary import RunSummary

# Groups of tags that say little about a game: the runs' table leaves them out, and their curves are folded.
_DETAILS = frozenset(
    ["gradient_norm", "regularizer", "parameter_norm", "learning_rate", "memory_bytes", "steps_per_second"]
    + ["images_per_second"]
)
# What a page takes beyond its tables, divided evenly among the runs: half of it for curves, a quarter for pictures, a
# quarter for config.gin. A part of a curve takes so many bytes, in each panel.
_PAGE_BYTES, _PART_BYTES, _FEWEST_PARTS = 4_000_000, 50, 8
_MOST_PICTURES = 6
_DASHES = {"solid": "none", "dashed": "6 3", "dotted": "2 2", "dashdot": "6 2 2 2"}
_ABSENT = "–"
_MANY_BINDINGS = 25


def html(runs: Sequence[RunSummary], pictures: int | None = None) -> str:
    """The page.

    Args:
      runs: one or several.
      pictures: of samples, at most so many a run; by default 6, and fewer where the page has no room for them.
    """
    share = _PAGE_BYTES // len(runs)
    scored = _scored(runs)
    panels = sum(len(_all_tags(columns)) for columns in [[run.rows for run in runs], *scored.values()])
    parts = max(_FEWEST_PARTS, min(curves.PARTS, share // 2 // _PART_BYTES // max(panels, 1)))
    sections = {
        "Runs": _runs(runs),
        "Samples": _samples(runs, pictures, share // 4),
        "Scores": _scores(runs, scored, parts),
        "Curves": _curves(runs, [run.rows for run in runs], "curve", parts),
        "Configuration": _configuration(runs, share // 4),
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
    """What each run is and how far, with the last value of each tag but _DETAILS."""
    shown = [
        tag for group, tags in _groups([run.rows for run in runs]).items() if group not in _DETAILS for tag in tags
    ]
    head = ["run", "method", "data", "steps", "time trained", *map(breakable, shown)]
    rows = ([_name(runs, run), *_subject(run), *_progress(run), *_last_values(run, shown)] for run in runs)
    return table(head, rows, numbers_from=3)


def _subject(run: RunSummary) -> list[Markup]:
    return [element("td", element("code", text or _ABSENT)) for text in (run.method, run.data)]


def _progress(run: RunSummary) -> list[Markup]:
    planned = run.bindings.get("experiment.Pace.steps", "")
    going = planned.isdecimal() and run.rows.step < int(planned)
    steps = [
        f"{run.rows.step:,}" if run.rows.count else "none logged",
        *([element("small", f"of {int(planned):,}")] if going else []),
    ]
    seconds = run.rows.seconds
    return [
        element("td", *steps, class_="number"),
        _cell(_ABSENT if seconds is None else _duration(seconds), title="" if seconds is None else f"{seconds} s"),
    ]


def _last_values(run: RunSummary, shown: Iterable[str]) -> list[Markup]:
    cells = []
    for tag in shown:
        points = run.rows.series(tag)
        if len(points):
            step, value = points.last
            cells.append(_value(value, f"at {step:,}" if step != run.rows.step else ""))
        else:
            cells.append(_cell(_ABSENT))
    return cells


def _configuration(runs: Sequence[RunSummary], share: int) -> Markup:
    """The bindings that differ, and every config.gin; of each run as much of both as its share of bytes."""
    known = [run for run in runs if run.config]
    names = sorted(set().union(*(run.bindings for run in known)))
    differing = [name for name in names if len({run.bindings.get(name) for run in known}) > 1]
    parts = []
    if len(known) > 1:
        rows = [[_binding(name), *(_binding(run.bindings.get(name, _ABSENT)) for run in runs)] for name in differing]
        sizes = itertools.accumulate(sum(map(len, row)) for row in rows)
        listed = [row for row, size in zip(rows, sizes, strict=True) if size <= share * len(runs)]
        count = f"{len(differing)} of {len(names)} bindings differ"
        count += f", {len(listed)} are listed" if len(listed) < len(rows) else ""
        body = table(["binding", *(_key(runs, run) for run in runs)], listed) if listed else ""
        parts.append(element("details", element("summary", count), body, open=len(differing) <= _MANY_BINDINGS))
    shown = [run for run in known if len(run.config) <= share]
    parts += [
        element("details", element("summary", breakable(f"{run.directory}/config.gin")), element("pre", run.config))
        for run in shown
    ]
    parts.append(_left_out("config.gin", len(known) - len(shown)))
    missing = [run.label for run in runs if not run.config]
    parts += [element("p", f"No config.gin: {', '.join(missing)}.", class_="quiet")] if missing else []
    return joined(part for part in parts if part)


def _left_out(what: str, count: int) -> Markup:
    """That a page has no room for something of so many runs."""
    if not count:
        return Markup()
    return element(
        "p", f"{what} of {count} run{'s' if count > 1 else ''} left out, to keep the page small.", class_="quiet"
    )


def _binding(text: str) -> Markup:
    return element("td", element("code", breakable(text)))


def _curves(runs: Sequence[RunSummary], rows_of_runs: Sequence[Columns], name: str, parts: int) -> Markup:
    """A figure for each group of the tags that the rows have; `name` is that of no other such part of the page."""
    figures: dict[bool, list[Markup]] = {False: [], True: []}  # by whether they are details
    for group, tags in _groups(rows_of_runs).items():
        drawn = [_panel(runs, tag, rows_of_runs, f"{name} {tag}", parts) for tag in tags]
        drawn = [panel for panel in drawn if panel]
        inside = element("figcaption", group, class_="group"), element("div", *drawn, class_="panels")
        one = element("figure", *inside, class_="several" if len(drawn) > 1 else "one")
        figures[group in _DETAILS] += [one] if drawn else []
    shown, folded = (element("div", joined(of), class_="curves") if of else "" for of in figures.values())
    if folded:
        folded = element("details", element("summary", "Norms, rates, speed and memory"), folded, open=not shown)
    return joined(
        [part for part in (_legend(runs, rows_of_runs, parts), shown, folded) if part] if shown or folded else []
    )


def _groups(columns: Sequence[Columns]) -> dict[str, list[str]]:
    """Tags by what they begin with; the losses, which say little of a game, are last."""
    groups: dict[str, list[str]] = {}
    for tag in _all_tags(columns):
        groups.setdefault(tag.partition("/")[0], []).append(tag)
    return {group: groups[group] for group in sorted(groups, key="loss".__eq__)}


def _legend(runs: Sequence[RunSummary], rows_of_runs: Sequence[Columns], parts: int) -> Markup:
    long = any(curves.long(rows.series(tag), parts) for rows in rows_of_runs for tag in rows.tags)
    note = f" A line is the median, a shade the range, in each of {parts} parts of a long run." if long else ""
    keys = [_key(runs, run) for run in runs] if len(runs) > 1 else []
    return element("div", *keys, element("span", f"Over steps.{note}", class_="quiet"), class_="legend")


def _panel(runs: Sequence[RunSummary], tag: str, rows_of_runs: Sequence[Columns], name: str, parts: int) -> Markup:
    """A curve for each run that has the tag; where the others want a logarithmic axis, not of one that is always 0."""
    lines = {index: points for index, rows in enumerate(rows_of_runs) if len(points := rows.series(tag))}
    if not lines:
        return Markup()
    varied = {index: points for index, points in lines.items() if points.values.any()}
    if not varied or not curves.logarithmic(np.concatenate([points.values for points in varied.values()])):
        varied = lines
    zero = [runs[index].label for index in lines.keys() - varied.keys()]
    player = tag.partition("/")[2]
    caption = [*([player] if player else []), *([f"always 0: {', '.join(sorted(zero))}"] if zero else [])]
    last = ", ".join(f"{runs[index].label} {_number(points.last[1])}" for index, points in lines.items())
    described = f"{tag} by step; at the end: {last}"
    looks = _styles(runs)
    by_style = {looks[runs[index].label]: points for index, points in varied.items()}
    drawn = element("div", Markup(curves.svg(by_style, name, parts)), role="img", aria_label=described)
    return element("figure", element("figcaption", ", ".join(caption), class_="quiet"), drawn)


def _scored(runs: Sequence[RunSummary]) -> dict[scores.Conditions, list[Columns]]:
    """Scores by the way of computing them: what was computed differently is never compared."""
    groups = [scores.by_conditions(run.scores) for run in runs]
    found = dict.fromkeys(conditions for group in groups for conditions in group)
    return {conditions: [Columns(group.get(conditions, [])) for group in groups] for conditions in found}


def _scores(runs: Sequence[RunSummary], scored: Mapping[scores.Conditions, Sequence[Columns]], parts: int) -> Markup:
    """For each way of computing scores a table and the curves."""
    ways = scores.better(row for run in runs for row in run.scores)
    shown = []
    for number, (conditions, rows) in enumerate(scored.items()):
        title = ", ".join(f"{name} {value}" for name, value in conditions) or "computed without an embedding"
        drawn = _curves(runs, rows, f"scores {number}", parts)
        shown += [element("h3", title), _score_table(runs, rows, ways), drawn]
    return joined(shown)


def _score_table(runs: Sequence[RunSummary], rows_of_runs: Sequence[Columns], ways: Mapping[str, str]) -> Markup:
    """The last and, where it is known which way is better, the best value of each run; the best of all runs marked."""
    columns = {tag: [rows.series(tag) for rows in rows_of_runs] for tag in _all_tags(rows_of_runs)}
    columns = {tag: points for tag, points in columns.items() if any(map(len, points))}
    cells: list[list[Markup]] = [[_name(runs, run)] for run in runs]
    for tag, points_of_runs in columns.items():
        for row, points in zip(cells, points_of_runs, strict=True):
            row.append(_value(points.last[1], f"at {points.last[0]:,}") if len(points) else _cell(_ABSENT))
        if tag in ways:
            bests = [scores.best_point(ways[tag], points) if len(points) else None for points in points_of_runs]
            winner = (min if ways[tag] == "lower" else max)(best[1] for best in bests if best)
            for row, best in zip(cells, bests, strict=True):
                row.append(_value(best[1], f"at {best[0]:,}", best[1] == winner) if best else _cell(_ABSENT))
    head = ["run"]
    for tag in columns:
        ends = ["last", *({"lower": ["lowest"], "higher": ["highest"]}.get(ways.get(tag, ""), []))]
        head += [Markup(breakable(tag) + element("small", end)) for end in ends]
    return table(head, cells, numbers_from=1)


def _samples(runs: Sequence[RunSummary], count: int | None, share: int) -> Markup:
    """Of each run with pictures a row of them, of as many as its share of bytes holds unless a number is asked for."""
    parts, left_out = [], 0
    for run in runs:
        steps = [*run.pictures]
        chosen = spaced(steps, count) if count else _pictures_that_fit(run, share)
        shown = f"{len(chosen)} of {len(steps)} pictures" if len(chosen) < len(steps) else ""
        left_out += bool(steps and not chosen)
        if chosen:
            row = element("div", joined(_picture(run, step) for step in chosen), class_="samples")
            parts += [element("h3", _key(runs, run), " ", element("small", shown)), row]
    return joined(part for part in [*parts, _left_out("Pictures", left_out)] if part)


def spaced(steps: Sequence[int], count: int) -> list[int]:
    """At most `count` of `steps`, about evenly spaced, with the first and the last."""
    if len(steps) <= count:
        return list(steps)
    if count == 1:
        return [steps[-1]]
    return [steps[round(index * (len(steps) - 1) / (count - 1))] for index in range(count)]


def _pictures_that_fit(run: RunSummary, share: int) -> list[int]:
    """The steps of those that are shown."""
    for count in range(_MOST_PICTURES, 0, -1):
        chosen = spaced([*run.pictures], count)
        if sum(tf.io.gfile.stat(run.pictures[step]).length for step in chosen) <= share:
            return chosen
    return []


def _picture(run: RunSummary, step: int) -> Markup:
    with files.opened(run.pictures[step]) as file:
        source = f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"
    image = element("img", src=source, alt=f"samples of {run.label} after {step:,} steps")
    return element("figure", image, element("figcaption", f"step {step:,}"))


def _all_tags(columns: Iterable[Columns]) -> list[str]:
    return list(dict.fromkeys(tag for one in columns for tag in one.tags))


def _key(runs: Sequence[RunSummary], run: RunSummary) -> Markup:
    """The label of a run, with a piece of its curves where there are several."""
    if len(runs) == 1:
        return element("span", run.label, class_="name")
    style = _styles(runs)[run.label]
    stroke = {"stroke": style.color, "stroke_width": "3", "stroke_dasharray": _DASHES[style.linestyle]}
    line = element("line", x1="0", y1="5", x2="24", y2="5", **stroke)
    piece = element("svg", line, class_="key", viewBox="0 0 24 10", aria_hidden="true")
    return element("span", piece, run.label, class_="name")


def _styles(runs: Sequence[RunSummary]) -> dict[str, styles.Style]:
    return styles.of(run.label for run in runs)


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
