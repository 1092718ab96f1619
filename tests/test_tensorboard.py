"""What the real TensorBoard shows of a short sweep, read over HTTP as its page reads it."""

import io
import json
import re
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tests.processes import start
from tests.runs import metrics, run
from tests.test_experiment import TAGS

GAMMAS = {"weak": 1.0, "strong": 10.0}
WITHIN = 120  # seconds, on a busy machine


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A folder of two runs, and how to ask a TensorBoard that looks at it."""
    folder = tmp_path_factory.mktemp("sweep")
    for name, gamma in GAMMAS.items():
        run(folder / "runs" / name, f"GAMMA = {gamma}", "experiment.Pace.histograms_every = 10", "STEPS = 15")
        run(folder / "runs" / name, files=[])
    log = folder / "log"
    where = ["--logdir", folder / "runs", "--host", "127.0.0.1", "--port", "0", "--reload_interval", "1"]
    server = start(log, "-m", "tensorboard.main", *where)
    try:
        (address,) = eventually(lambda: re.findall(r"http://127\.0\.0\.1:\d+/", log.read_text()), server, log)

        def ask(path, body=None, **query):
            url = f"{address}data/{path}?{urllib.parse.urlencode(query)}"
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=WITHIN) as answer:
                return answer.read()

        eventually(lambda: loaded(ask), server, log)
        yield folder / "runs", ask
    finally:
        server.kill()
        server.wait()


def eventually(answer, server, log):
    """The first answer that is not empty."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        if value := answer():
            return value
        time.sleep(0.2)
    raise AssertionError(f"nothing within {WITHIN} s: {log.read_text()}")


def loaded(ask):
    """Whether it has read what was written last, the histograms of the last step."""
    tags = [(run, tag) for run, found in json.loads(ask("plugin/histograms/tags")).items() for tag in found]
    last = [json.loads(ask("plugin/histograms/histograms", run=run, tag=tag))[-1][1] for run, tag in tags]
    return len(json.loads(ask("runs"))) == 2 * len(GAMMAS) and last == [20] * 2 * len(GAMMAS)


@pytest.mark.parametrize("name", GAMMAS)
def test_scalars(sweep, name):
    folder, ask = sweep
    rows = metrics(folder / name)
    tags = json.loads(ask("plugin/scalars/tags"))[f"{name}/train"]
    assert set(tags) == TAGS - {"step", "seconds"}
    for tag in tags:
        points = json.loads(ask("plugin/scalars/scalars", run=f"{name}/train", tag=tag))
        expected = [(row["step"], row[tag]) for row in rows if tag in row]
        np.testing.assert_allclose([(step, value) for _, step, value in points], expected, rtol=1e-6, err_msg=tag)


def test_runs_and_their_sessions(sweep):
    _, ask = sweep
    assert set(json.loads(ask("runs"))) == {*GAMMAS, *(f"{name}/train" for name in GAMMAS)}


@pytest.mark.parametrize("name", GAMMAS)
def test_images_are_the_files(sweep, name):
    folder, ask = sweep
    found = json.loads(ask("plugin/images/images", run=f"{name}/train", tag="samples", sample=0))
    assert [image["step"] for image in found] == [0, 15, 20]
    for image in found:
        shown = ask("plugin/images/individualImage", **dict(urllib.parse.parse_qsl(image["query"])))
        file = folder / name / "samples" / f"{image['step']:07d}.png"
        pixels = [np.asarray(Image.open(one).convert("RGB")) for one in (io.BytesIO(shown), file)]
        np.testing.assert_array_equal(*pixels)


def test_text_is_the_configuration(sweep):
    folder, ask = sweep
    *_, text = json.loads(ask("plugin/text/text", run="strong/train", tag="config"))
    shown = re.sub(r"<[^>]*>", "", text["text"])
    assert shown.split() == (folder / "strong" / "config.gin").read_text().split()


def test_histograms(sweep):
    _, ask = sweep
    tags = json.loads(ask("plugin/histograms/tags"))["weak/train"]
    assert set(tags) == {
        "parameters/discriminator/dense/kernel",
        "parameters/generator/shift/shift",
    }
    for tag in tags:
        points = json.loads(ask("plugin/histograms/histograms", run="weak/train", tag=tag))
        assert [step for _, step, _ in points] == [0, 10, 15, 20]


def test_hyperparameters(sweep):
    """A session for each run, called by its folder, with what was bound and the last values of train/."""
    folder, ask = sweep
    body = {"experimentName": "", "startIndex": 0, "sliceSize": 10, "colParams": []}
    body["allowedStatuses"] = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    groups = {one["name"]: one for one in json.loads(ask("plugin/hparams/session_groups", body))["sessionGroups"]}
    assert groups.keys() == GAMMAS.keys()
    for name, gamma in GAMMAS.items():
        shown, last = groups[name]["hparams"], metrics(folder / name)[-1]
        assert shown["rules.jare.gamma"] == gamma
        assert shown["rule"] == "jare (rules)"
        assert shown["batch_size"] == 128
        assert "keras.optimizers.SGD.momentum" not in shown
        values = {(one["name"]["group"], one["name"]["tag"]): one["value"] for one in groups[name]["metricValues"]}
        expected = {("train", tag): last[tag] for tag in TAGS - {"step", "seconds"}}
        assert values == pytest.approx(expected, rel=1e-6)
        assert len(groups[name]["sessions"]) == 1
    assert groups["weak"]["hparams"] == {**groups["strong"]["hparams"], "rules.jare.gamma": 1.0}
