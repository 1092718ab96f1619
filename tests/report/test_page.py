import base64
import re
import tracemalloc

import numpy as np
import pytest

import jare_tf
from jare_tf import config
from jare_tf.evaluation import (
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    ModeCoverage,
    PrecisionRecall,
    SlicedWasserstein,
)
from jare_tf.evaluation.metric import directions
from jare_tf.report import curves, page, run_summary, scores, styles
from jare_tf.report.columns import Columns, Series
from jare_tf.report.markup import Markup, element
from tests.pages import ROWS, Page, lines, make, picture

BETTER = {"fid_10k_train": "lower", "inception_score_50k": "higher"}
INCEPTION = {"embedding": "inception", "resize": "bilinear", "protocol": "tfgan", "better": BETTER}


def show(*directories, **options):
    """The page of runs, as text and as what it holds."""
    text = page.html(run_summary.read(directories, config.resolved), **options)
    return text, Page(text)


@pytest.mark.parametrize(
    ("directories", "labels"),
    [
        (["runs/jare"], ["jare"]),
        (["runs/jare/"], ["jare"]),
        (["runs/a/jare", "runs/a/conopt"], ["jare", "conopt"]),
        (["runs/a/jare", "runs/b/jare"], ["a", "b"]),
        (["runs/a/0", "runs/a/1", "runs/b/0"], ["a/0", "a/1", "b/0"]),
        (["jare", "runs/jare"], None),
        (["gs://bucket/a/run", "gs://bucket/b/run"], ["a", "b"]),
    ],
)
def test_labels_are_the_shortest_that_differ(directories, labels):
    found = run_summary.labels(directories)
    assert len(set(found)) == len(directories)
    assert labels in (None, found)


def test_elements_escape():
    assert element("b", "<i>", Markup("<i></i>"), title='"', open=True, id=False) == (
        '<b title="&quot;" open>&lt;i&gt;<i></i></b>'
    )


def test_everything_is_escaped_and_inside_the_page(tmp_path):
    nasty = "<b>&\"'</script>"
    rows = [{"step": step, "seconds": 1.0, "<b>&/<u>": step + 1.0} for step in range(3)]
    evaluation = [{"step": 2, "fid_<s>": 3.0, **INCEPTION, "embedding": "<em>&amp;"}]
    text = "experiment.Experiment.rule = '</pre><script>alert(1)</script>'\n"
    other = make(tmp_path / "other", rows, evaluation, text.replace("1", "2"))
    # A name may hold no slash.
    text, found = show(make(tmp_path / nasty.replace("/", ""), rows, evaluation, text, steps=[0, 2]), other)
    assert not {"b", "u", "s", "em", "script", "link", "iframe"} & found.names.keys()
    for shown in (nasty.replace("/", ""), "<u>", "fid_<s>", "embedding <em>&amp;", "</pre><script>alert(1)</script>"):
        assert shown in found.text, shown
    assert "samples of <b>&\"'<script> after 0 steps" in found.values("alt")
    sources = found.values("src") + found.values("href") + found.values("xlink:href")
    assert len(sources) > 20
    assert all(source.startswith(("#", "data:image/png;base64,")) for source in sources)
    names = found.values("id")
    assert len(names) == len(set(names))
    used = {source[1:] for source in sources if source.startswith("#")} | set(re.findall(r"url\(#?([^)]*)\)", text))
    assert used <= set(names)
    assert not re.search(r"https?:|@import|//", re.sub(r'base64,[^"]*', "", text))


def test_table_of_runs_has_the_numbers_of_the_last_rows(tmp_path):
    planned = "STEPS = 500\nexperiment.Pace.steps = %STEPS\nexperiment.Experiment.rule = @rules.jare()\n"
    planned += "rules.jare.gamma = 3.0\nexperiment.Experiment.dataset = @data.synthetic.ring\n"
    going = make(tmp_path / "going", text=planned)
    done = make(tmp_path / "done", [{"step": 500, "seconds": 59.94, "loss/generator": -2.5}], text=planned)
    _, found = show(going, done)
    column = lambda head: found.column(0, head)
    assert [cell["text"] for cell in column("run")] == ["going", "done"]
    assert [cell["text"] for cell in column("method")] == ["jare(gamma=3.0)"] * 2
    assert [cell["text"] for cell in column("data")] == ["ring()"] * 2
    assert all(f"{run}/config.gin" in found.text for run in (going, done))
    assert [cell["text"] for cell in column("steps")] == ["20of 500", "500"]
    assert [cell["text"] for cell in column("time trained")] == ["1 h 2 min", "59.9 s"]
    losses = column("loss/generator")
    assert [float(cell["title"]) for cell in losses] == [0.123456789, -2.5]
    assert [cell["text"] for cell in losses] == ["0.1235", "-2.5"]
    assert [cell["text"] for cell in column("phase_factor")] == ["0.625at 10", "–"]
    assert not {"gradient_norm/generator", "steps_per_second"} & {cell["text"] for cell in found.tables[0][0]}


RULE, DATA = "experiment.Experiment.rule", "experiment.Experiment.dataset"


@pytest.mark.parametrize(
    ("text", "method", "data"),
    [
        ("", "", ""),
        (
            f"{RULE} = @rules.lazy()\nrules.lazy.every = 8\nrules.lazy.rule = @rules.jare()\nrules.jare.gamma = 2.0\n"
            f"experiment.Experiment.schedule = @rules.Alternating()\n{DATA} = @data.tfds_images.load\n"
            "data.tfds_images.load.name = 'cifar10'\n",
            "lazy(every=8, rule=jare(gamma=2.0)), Alternating()",
            "cifar10",
        ),
        (f"{DATA} = @data.image_folder.load\ndata.image_folder.load.path = '/data/a@b'\n", "", "/data/a@b"),
        (f"{RULE} = @a.b()\na.b.c = @a.b()\n", f"{'b(c=' * 20}@a.b(){')' * 20}", ""),
        (f"{RULE} = {'x' * 300}\n", f"{'x' * 200}…", ""),
    ],
    ids=["nothing", "wrapped, alternating", "a folder", "endless", "long"],
)
def test_what_a_run_is(tmp_path, text, method, data):
    (run,) = run_summary.read([make(tmp_path / "run", text=text)], config.resolved)
    assert (run.method, run.data) == (method, data)


def test_what_matters_comes_first(tmp_path):
    """Samples, then the game's own quantities, then losses; norms, rates and speed are folded, configurations last."""
    rows = [
        dict.fromkeys(("step", "loss/generator", "gradient_norm/generator", "modes_covered"), step) for step in (1, 2)
    ]
    text, found = show(make(tmp_path / "run", rows, text="a.b = 1\n", steps=[0]))
    order = ["run", "Runs", "Samples", "Curves", "modes_covered", "loss", "gradient_norm", "Configuration"]
    assert [heading for heading in found.headings if heading in order] == order
    folded = text.partition("<summary>Norms, rates, speed and memory</summary>")[2].partition("</details>")[0]
    assert [tag for tag in order if f">{tag}<" in folded] == ["gradient_norm"]


def test_last_and_best_scores(tmp_path):
    first = [
        {
            "step": 100,
            "seconds": 1.0,
            "fid_10k_train": 30.0,
            "inception_score_50k": 7.0,
            "checkpoint": "a",
            **INCEPTION,
        },
        {"step": 300, "fid_10k_train": 25.0, "inception_score_50k": 6.0, "checkpoint": "c", **INCEPTION},
        {"step": 200, "fid_10k_train": 12.0, "inception_score_50k": 8.0, "checkpoint": "b", **INCEPTION},
        {"step": 300, "fid_10k_train": 1.0, "checkpoint": "c", **INCEPTION, "embedding": "classifier"},
        {"step": 300, "fid_10k_train": 2.0, "checkpoint": "c", **INCEPTION, "resize": "none"},
    ]
    second = [{"step": 50, "fid_10k_train": 20.0, "inception_score_50k": float("nan"), **INCEPTION}]
    runs = make(tmp_path / "one", evaluation=first), make(tmp_path / "two", evaluation=second), make(tmp_path / "none")
    _, found = show(*runs)
    assert [heading for heading in found.headings if heading.startswith("embedding")] == [
        "embedding inception, protocol tfgan, resize bilinear",
        "embedding classifier, protocol tfgan, resize bilinear",
        "embedding inception, protocol tfgan, resize none",
    ]
    _, *tables = range(len(found.tables))
    texts = lambda table, head: [cell["text"] for cell in found.column(table, head)]
    assert texts(tables[0], "fid_10k_trainlast") == ["25at 300", "20at 50", "–"]
    assert texts(tables[0], "fid_10k_trainlowest") == ["12at 200", "20at 50", "–"]
    assert texts(tables[0], "inception_score_50klast") == ["6at 300", "–", "–"]
    assert texts(tables[0], "inception_score_50khighest") == ["8at 200", "–", "–"]
    assert ["best" in cell["class"] for cell in found.column(tables[0], "fid_10k_trainlowest")] == [True, False, False]
    assert texts(tables[1], "fid_10k_trainlowest") == ["1at 300", "–", "–"]
    assert texts(tables[2], "fid_10k_trainlast") == ["2at 300", "–", "–"]
    assert len(tables) == 3
    panels = [name for name in found.values("aria-label") if name.startswith("fid")]
    assert panels == [
        "fid_10k_train by step; at the end: one 25, two 20",
        "fid_10k_train by step; at the end: one 1",
        "fid_10k_train by step; at the end: one 2",
    ]


@pytest.mark.parametrize(
    ("probe", "tag", "way", "best"),
    [
        (FrechetDistance, "fid_10k_test", "lower", 1.0),
        (KernelDistance, "kid_10k_train", "lower", 1.0),
        (SlicedWasserstein, "sliced_wasserstein_16", "lower", 1.0),
        (ModeCoverage, "reverse_kl", "lower", 1.0),
        (ModeCoverage, "modes_covered", "higher", 3.0),
        (InceptionScore, "inception_score_50k", "higher", 3.0),
        (PrecisionRecall, "precision_12k_train", "higher", 3.0),
        (PrecisionRecall, "recall_12k_train", "higher", 3.0),
    ],
)
def test_direction_of_scores(probe, tag, way, best):
    """A metric says which way is better, and a row repeats it; of a score that nobody knows there is no best."""
    assert directions(probe.better, [tag, "my_distance"]) == {tag: way}
    row = {"step": 1, tag: 1.0, "better": directions(probe.better, [tag])}
    assert scores.better([row, {"step": 2, "my_distance": 1.0}]) == {tag: way}
    points = curve({10: 2.0, 20: best, 30: best, 40: 2.0})
    assert scores.best_point(way, points) == (20, best)


def test_series_are_finite_in_order_and_the_last_written():
    rows = [{"step": 5, "a": 1.0}, {"step": 3, "a": 2}, {"step": 5, "a": 4.0}, {"step": 9, "a": float("inf")}]
    rows += [{"step": 7, "a": None, "b": True}, {"step": 3, "c": 1.0, "a": 3.0}, {"step": 2**53 + 1, "a": 2**70}]
    points = Columns(rows).series("a")
    assert dict(zip(points.steps.tolist(), points.values.tolist(), strict=True)) == {3: 3, 5: 4, 2**53 + 1: 2**70}
    assert points.steps.tolist() == [3, 5, 2**53 + 1]
    columns = Columns([{"step": 1, "seconds": 2.0, "b": 1.0, "a": 0, "embedding": "x", "c": None, "d": True}])
    assert columns.tags == ["b", "a"]
    assert (columns.count, columns.step, columns.seconds) == (1, 1, 2.0)
    assert len(columns.series("nosuch")) == len(Columns().series("a")) == 0


def test_columns_take_no_more_than_their_numbers():
    row = {"step": 1, "seconds": 1.0, **{f"tag/{number}": 0.1 for number in range(12)}}
    tracemalloc.start()
    try:
        columns = Columns({**row, "step": step} for step in range(50_000))
        assert tracemalloc.get_traced_memory()[1] < 50_000 * 8 * 14 * 1.3
        assert columns.series("tag/3").last == (49_999, 0.1)
    finally:
        tracemalloc.stop()


LOOK = styles.Style(styles.BLUE, "solid", "o")


def curve(points):
    return Series(np.array([*points]), np.array([*points.values()], float))


def test_differing_bindings(tmp_path):
    one = "GAMMA = 10.0\na.jare.gamma = %GAMMA\na.train.rule = @a.jare()\nb.size = 3\n"
    two = "a.jare.gamma = 10.0\na.train.rule = @a.con_opt()\na.con_opt.gamma = [1, 2]\nb.size = 3\n"
    _, found = show(make(tmp_path / "one", text=one), make(tmp_path / "two", text=two), make(tmp_path / "bare"))
    differing = [[cell["text"] for cell in row] for row in found.tables[1]]
    assert differing == [
        ["binding", "one", "two", "bare"],
        ["a.con_opt.gamma", "–", "[1, 2]", "–"],
        ["a.train.rule", "@a.jare()", "@a.con_opt()", "–"],
    ]
    assert "2 of 4 bindings differ" in found.text
    assert "No config.gin: bare." in found.text
    assert one in found.text
    assert two in found.text


def embedded(found):
    return [base64.b64decode(source.partition(",")[2]) for source in found.values("src")]


def test_pictures_are_the_files(tmp_path):
    steps = range(0, 1100, 100)
    _, found = show(make(tmp_path / "many", steps=steps), make(tmp_path / "few", steps=[7]), make(tmp_path / "none"))
    shown = [0, 200, 400, 600, 800, 1000, 7]
    assert embedded(found) == [picture(step) for step in shown]
    captions = [heading for heading in found.headings if heading.startswith("step ")]
    assert captions == [f"step {step:,}" for step in shown]
    assert "many 6 of 11 pictures" in found.headings


def test_number_of_pictures(tmp_path):
    run = make(tmp_path / "run", steps=range(5))
    assert embedded(show(run, pictures=3)[1]) == [picture(step) for step in (0, 2, 4)]
    assert embedded(show(run, pictures=1)[1]) == [picture(4)]
    for step in range(5):  # 300 KB each
        (tmp_path / "run" / "samples" / f"{step:07d}.png").write_bytes(picture(step).rjust(300_000))
    assert [len(one) for one in embedded(show(run)[1])] == [300_000] * 3
    text, found = show(run, make(tmp_path / "same", steps=range(9)))
    assert len(embedded(found)) == 1 + 6
    text, found = show(run, *(make(tmp_path / f"{number}", steps=[0]) for number in range(3)))
    assert len(embedded(found)) == 3
    assert "Pictures of 1 run left out, to keep the page small." in found.text
    assert len(embedded(show(run, *(str(tmp_path / name) for name in "012"), pictures=2)[1])) == 2 + 3


def test_picture_that_is_being_written(tmp_path):
    run = make(tmp_path / "run", steps=[0, 1])
    (tmp_path / "run" / "samples" / "0000002.png").write_bytes(picture(2)[:-1])
    (tmp_path / "run" / "samples" / "mine.png").write_bytes(picture(3))
    assert embedded(show(run)[1]) == [picture(0), picture(1)]


def test_curves_keep_their_colours_and_say_what_is_always_zero(tmp_path):
    rows = lambda values: [{"step": step, "shared/loss": value} for step, value in enumerate(values)]
    own = [{"step": step, "own": 1.0} for step in range(3)]
    one, two = make(tmp_path / "one", rows([0.0, 0.0])), make(tmp_path / "two", [*rows([1.0, 100.0]), *own])
    text, found = show(one, two)
    assert "loss, always 0: one" in found.headings
    assert "shared/loss by step; at the end: one 0, two 100" in found.values("aria-label")
    colours = [re.findall(r"#[0-9a-f]{6}", panel) for panel in text.split('role="img"')[1:]]
    first, second = (styles.of(["one", "two"])[label].color for label in ("one", "two"))
    assert [set(colour) for colour in colours] == [{second}, {second}]
    linear, _ = show(one, make(tmp_path / "three", rows([1.0, 2.0])))
    assert "always 0" not in linear
    assert first in linear.split('role="img"')[1]


def test_when_an_axis_is_logarithmic():
    assert curves.logarithmic([1.0, 0.1])
    assert not curves.logarithmic([1.0, 0.11])
    assert not curves.logarithmic([1.0, 0.0, 100.0])


def test_long_runs_are_summarized(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"{group}/{player}" for group in ("loss", "gradient_norm") for player in ("discriminator", "generator")]
    noise = rng.normal(size=[5000, 4])
    rows = [{"step": 100 * i, **dict(zip(names, map(float, row), strict=True))} for i, row in enumerate(noise)]
    runs = [make(tmp_path / name, rows) for name in "abc"]
    text, found = show(*runs)
    assert len(text) < 300_000
    assert "in each of 120 parts" in found.text
    assert "A line is the median" in found.text
    assert "A line is the median" not in show(make(tmp_path / "short", rows[:200]))[1].text


def heights(svg, before):
    """The lowest and the highest y of the path that stands before these words, in coordinates that grow downwards."""
    path = svg.partition(before)[0].rpartition("<path ")[2]
    found = [float(y) for y in re.findall(r"[ML] -?[\d.]+ (-?[\d.]+)", path)]
    return min(found), max(found)


def test_long_curve_is_the_median_in_a_shade_that_reaches_every_value():
    points = {step: 1.0 + step % 3 for step in range(5000)}
    plain, spiked = (curves.svg({LOOK: curve({**points, **extra})}, "name") for extra in ({}, {2500: 9.0}))
    low, high = heights(plain, "stroke-width: 1.4;")
    bottom, top = (165.6 + y for y in heights(plain, '"/>\n</defs>\n<g clip-path'))
    assert low == high == pytest.approx((bottom + top) / 2, abs=0.1)
    assert top - bottom > 100
    bottom, top = (165.6 + y for y in heights(spiked, '"/>\n</defs>\n<g clip-path'))
    assert top - bottom > 100
    assert plain == curves.svg({LOOK: curve(points)}, "name")
    assert plain != curves.svg({LOOK: curve(points)}, "another")


def test_labels_of_an_axis_differ():
    svg = curves.svg({LOOK: curve({0: 1.3840, 100: 1.3863, 200: 1.3902})}, "name")
    labels = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    assert len(labels) == len(set(labels)) > 8
    assert "1.386" in labels


@pytest.mark.parametrize(
    ("metrics", "text"),
    [(None, "a.b = 1\n"), ("", ""), ('{"step": 1', ""), (lines(ROWS) + '{"step": 30, "lo', "a.b = 1\n")],
    ids=["no rows yet", "no row", "a row begun", "an unfinished line"],
)
def test_runs_that_have_just_begun(tmp_path, metrics, text):
    run = make(tmp_path / "run", text=text, steps=[0])
    (tmp_path / "run" / "metrics.jsonl").unlink()
    if metrics is not None:
        (tmp_path / "run" / "metrics.jsonl").write_text(metrics)
    _, found = show(run, make(tmp_path / "other"))
    assert found.column(0, "steps")[0]["text"] == ("20" if metrics and len(metrics) > 20 else "none logged")
    assert embedded(found) == [picture(0)]


def test_one_run_has_no_comparison(tmp_path):
    _, found = show(make(tmp_path / "run", text="a.b = 1\n"))
    assert len(found.tables) == 1
    assert "differ" not in found.text
    assert "Scores" not in found.headings
    assert "Samples" not in found.headings


def test_many_runs_share_a_page(tmp_path, monkeypatch):
    """Curves, configurations and pictures; what is left out is said."""
    monkeypatch.setattr(page, "_PAGE_BYTES", 100_000)
    rng, tags = np.random.default_rng(0), [f"loss/{number}" for number in range(4)]
    runs = []
    for number in range(20):
        rows = [{"step": step, **dict(zip(tags, rng.normal(size=4), strict=True))} for step in range(300)]
        text = "".join(f"a.b{line} = {number}\n" for line in range(number * 10))
        runs.append(make(tmp_path / f"run{number}", rows, text=text, steps=[0] if number else []))
    (tmp_path / "run1" / "samples" / "0000000.png").write_bytes(picture(0).rjust(90_000))
    text, found = show(*runs)
    assert len(text) < 350_000
    assert "in each of 12 parts" in found.text
    assert re.search(r"190 of 190 bindings differ, \d\d are listed", found.text)
    assert "config.gin of 8 runs left out, to keep the page small." in found.text
    assert "Pictures of 1 run left out, to keep the page small." in found.text


def test_extreme_numbers_are_drawn(tmp_path):
    rows = [
        {"step": step, "seconds": 1e300, "a": value} for step, value in ((0, 1e308), (1, -1e308), (2**63 - 1, 5e-324))
    ]
    _, found = show(make(tmp_path / "run", rows), make(tmp_path / "other", [{"step": 2**62, "a": 10**300}]))
    assert found.column(0, "steps")[0]["text"] == "9,223,372,036,854,775,807"


def test_unreadable_runs(tmp_path, capsys):
    run = make(tmp_path / "run")
    (tmp_path / "run" / "config.gin").write_bytes(b"\xff\xfe")
    with pytest.raises(jare_tf.InputError, match=r"cannot read .*/run/config.gin: 'utf-8' codec"):
        show(run)
    show(make(tmp_path / "scored", evaluation=[{"step": 1}, {"fid": 1.0}]))
    line = f"{tmp_path}/scored/evaluation/metrics.jsonl, line 2: step must be an integer of at least 0 and below 2^63"
    assert capsys.readouterr().out == f"{line}; left out\n"
