"""Run directories written by hand, and what a page of HTML holds."""

import collections
import html.parser
import json
import pathlib

import numpy as np

from jare_tf.report import pictures
from jare_tf.report.step_times import StepTime

VOID = {"img", "meta", "wbr"}
ROWS = [
    {"step": 10, "seconds": 1.5, "loss/generator": 0.75, "gradient_norm/generator": 3.0, "phase_factor": 0.625},
    {"step": 20, "seconds": 3725.0, "loss/generator": 0.123456789, "steps_per_second": 33797.05},
]


class Page(html.parser.HTMLParser):
    """What an HTML text holds; it must close everything that it opens."""

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.attributes, self.tables = [], collections.Counter(), [], []
        self.text, self.headings, self.cell, self.captions = "", [], None, []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, name, attributes):
        self.names[name] += 1
        self.attributes += attributes
        if name not in VOID:
            self.open.append(name)
        if name == "table":
            self.tables.append([])
        elif name == "tr":
            self.tables[-1].append([])
        elif name in ("th", "td"):
            self.cell = {"text": "", **dict(attributes)}
            self.tables[-1][-1].append(self.cell)
        elif name in ("h1", "h2", "h3", "figcaption"):
            self.headings.append("")

    def handle_startendtag(self, name, attributes):
        self.names[name] += 1
        self.attributes += attributes

    def handle_endtag(self, name):
        assert self.open.pop() == name
        if name in ("th", "td"):
            self.cell = None

    def handle_data(self, data):
        self.text += data
        if self.cell is not None:
            self.cell["text"] += data
        if {"h1", "h2", "h3", "figcaption"} & set(self.open):
            self.headings[-1] += data

    def values(self, name):
        return [value for key, value in self.attributes if key == name]

    def column(self, table, head):
        """The cells of the column with that head."""
        index = [cell["text"] for cell in self.tables[table][0]].index(head)
        return [row[index] for row in self.tables[table][1:]]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def make(directory, rows=ROWS, evaluation=(), text="", steps=()):
    """A run directory, written by hand."""
    (directory / "samples").mkdir(parents=True)
    (directory / "metrics.jsonl").write_text(lines(rows))
    if evaluation:
        (directory / "evaluation").mkdir()
        (directory / "evaluation" / "metrics.jsonl").write_text(lines(evaluation))
    if text:
        (directory / "config.gin").write_text(text)
    for step in steps:
        (directory / "samples" / f"{step:07d}.png").write_bytes(picture(step))
    return str(directory)


def picture(step):
    return pictures.png(np.full((4, 4, 3), step % 256, np.uint8))


LOGGED = [
    *("gradient_norm/discriminator", "gradient_norm/generator"),
    *("loss/discriminator", "loss/generator", "parameter_distance/discriminator", "parameter_distance/generator"),
    *("modes_covered", "high_quality_fraction", "reverse_kl", "confident_fraction"),
    *("mean_distance", "covariance_distance"),
]


def run_by_hand(files, bindings, mode, model_dir):
    """In place of `main.dispatch` for figures: writes what a run of four steps, its scores or its spectrum leave."""
    folder, waves = pathlib.Path(model_dir), np.add.outer(np.arange(120), np.arange(120)).astype(np.uint8)
    if mode == "train":
        make(folder, [{"step": step, **{tag: 1 / step for tag in LOGGED}} for step in range(1, 5)], steps=(0, 2, 4))
        for path in (folder / "samples").iterdir():
            path.write_bytes(pictures.png(waves[..., None].repeat(3, -1)))
    elif mode == "evaluate":
        scores = {"settings": "by hand", "inception_score_16": 2.0, "fid_16_train": 30.0}
        (folder / "evaluation").mkdir()
        (folder / "evaluation" / "metrics.jsonl").write_text(lines([{"step": step, **scores} for step in (2, 4)]))
    elif mode == "spectrum":
        shown = [
            {"rule": rule, "point": point, "eigenvalues": [[-1.0, 2.0], [-1.0, -2.0], [-0.1, 0.0]]}
            for rule in ("sim_gd()", "con_opt(gamma=10.0)")
            for point in ("before training", "after 4 iterations")
        ]
        (folder / "spectrum.json").write_text(json.dumps({"shown": shown}))
        (folder / "spectrum.png").write_bytes(pictures.png(waves[..., None].repeat(3, -1)))


def step_times_by_hand(setting, configurations, rounds):
    """In place of `step_cost.measure`."""
    return [
        StepTime(
            setting=setting,
            method=name,
            mode="graph",
            images=True,
            batch_size=64,
            milliseconds=10.0 + index,
            quartiles=(9.0 + index, 11.0 + index),
            first_call_seconds=1.0,
            peak_memory_bytes=10**6,
            operations=1e9,
        )
        for index, name in enumerate(configurations)
    ]
