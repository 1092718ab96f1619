"""Run directories written by hand, and what a page of HTML holds."""

import collections
import html.parser
import json

import numpy as np

from jare_tf.report import pictures

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
