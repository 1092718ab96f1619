"""Figures and tables of JARE (Nie & Patel 2019) about images: CIFAR-10, CelebA, ImageNet, and their networks."""

from collections.abc import Mapping
from typing import Any

import keras

from jare_tf.game.networks import resnet
from jare_tf.report import bars, pictures, step_times
from jare_tf.reproduction import resnet_tables, step_cost
from jare_tf.reproduction.workspace import UNDECIDED, Claim, NotRun, Result, TrainedRun, Value, Workspace

METHODS = {"GAN": "gan", "SN-GAN": "sngan", "ConOpt": "conopt", "JARE": "jare"}
SETTINGS = "ABCDEF"
OURS = "JARE"


# An eighth of the filters, and learning rates that are as much higher, as narrow layers want.
_CPU = ("FILTERS = 8", "STEPS = 3000", "SAVE_EVERY = 1000", "SAMPLE_EVERY = 1000")
_CPU_RATES = {"D": "keras.optimizers.RMSprop.learning_rate = 8e-4"}
_CPU_RATE = "keras.optimizers.Adam.learning_rate = 8e-4"


def cifar10(workspace: Workspace) -> dict[str, dict[str, TrainedRun]]:
    """Runs on CIFAR-10 by setting and method."""
    return {
        letter: {
            label: workspace.train_images(
                f"cifar10/{letter.lower()}_{name}.gin", cpu=[*_CPU, _CPU_RATES.get(letter, _CPU_RATE)]
            )
            for label, name in workspace.first_if_smoke(list(METHODS.items()), 2)
        }
        for letter in workspace.first_if_smoke(SETTINGS)
    }


def _cifar10_scores(
    workspace: Workspace, runs: Mapping[str, Mapping[str, TrainedRun]]
) -> dict[str, dict[str, dict[str, float]]]:
    """The newest `inception_score` and `fid` by setting and method."""
    return {letter: {label: workspace.scores(run)[-1] for label, run in of.items()} for letter, of in runs.items()}


def fig3(workspace: Workspace) -> Result:
    """Inception scores and Fréchet distances on CIFAR-10, settings A to F."""
    return fig3_of(_cifar10_scores(workspace, cifar10(workspace)))


def fig3_of(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Result:
    """The figure and its claims from the `inception_score` and `fid` of every setting and method."""
    panels = {
        title: {letter: {label: bars.Bar(score[tag]) for label, score in of.items()} for letter, of in scores.items()}
        for tag, title in {
            "inception_score": "inception score, more is better",
            "fid": "Fréchet distance, less is better",
        }.items()
    }
    data = [
        {"setting": letter, "method": label, **score} for letter, of in scores.items() for label, score in of.items()
    ]
    source = "section 7, CIFAR-10"
    labels = list(scores["A"])
    by = lambda tag: {label: {letter: of[label][tag] for letter, of in scores.items()} for label in labels}
    fid, inception = by("fid"), by("inception_score")
    worst = {label: max(of.values()) for label, of in fid.items()}
    spread = {label: max(of.values()) / min(of.values()) for label, of in fid.items()}
    least = {label: min(of.values()) for label, of in inception.items()}

    def own(label: str, letters: str, tag: str, name: str) -> Claim:
        """Within a quarter of the best at home, and half as much again, or more, in all others but one."""
        best = min if tag == "fid" else max
        ratio = lambda of: of[label][tag] / best(one[tag] for one in of.values())
        behind = {letter: max(ratio(of), 1 / ratio(of)) for letter, of in scores.items()}
        elsewhere = [value > 1.5 for letter, value in behind.items() if letter not in letters]
        at_home = max(value for letter, value in behind.items() if letter in letters or len(scores) == 1)
        return Claim(
            f"by {name}, {label} is almost the best in its own settings ({', '.join(letters)}) and poor in others",
            source,
            {f"times that it is behind the best of setting {letter}": value for letter, value in behind.items()},
            at_home <= 1.25 and sum(elsewhere) >= len(elsewhere) - 1,
        )

    robust = Claim(
        "JARE is more robust than the others to architecture and optimizer",
        source,
        {f"largest Fréchet distance of {label}": value for label, value in worst.items()}
        | {f"its largest over its least, {label}": value for label, value in spread.items()}
        | {f"least inception score of {label}": value for label, value in least.items()},
        min(worst, key=worst.__getitem__)
        == min(spread, key=spread.__getitem__)
        == max(least, key=least.__getitem__)
        == OURS,
    )
    owners = [
        own(label, letters, tag, name)
        for tag, name in (("fid", "Fréchet distance"), ("inception_score", "inception score"))
        for label, letters in (("SN-GAN", "AB"), ("ConOpt", "CD"))
        if label in labels and set(letters) & set(scores)
    ]
    return Result(bars.draw(panels, ylabel="score"), data, [robust, *owners])


def fig4(workspace: Workspace) -> Result:
    """Time of a training step on CIFAR-10, settings A to F."""
    tiny = workspace.by_scale(smoke=["FILTERS = 2", "BATCH_SIZE = 2"], cpu=[], paper=[])
    rounds = workspace.by_scale(smoke=1, cpu=5, paper=50)
    step_cost.warm_up(["graph"])
    rows = []
    for letter in workspace.first_if_smoke(SETTINGS):
        methods = {
            label: step_cost.Configuration(step_cost.SETTINGS[letter][name], tiny) for label, name in METHODS.items()
        }
        rows += step_cost.measure(letter, methods, rounds)
    milliseconds = {(row.setting, row.method): row.milliseconds for row in rows}
    ratios = {
        label: [
            milliseconds[letter, OURS] / milliseconds[letter, label] for letter in workspace.first_if_smoke(SETTINGS)
        ]
        for label in ("ConOpt", "SN-GAN")
    }
    return Result(
        step_times.draw(rows),
        step_times.to_json(rows),
        [
            Claim(
                "JARE's training time is always lower than ConOpt's",
                "section 7 and Fig. 4",
                {"JARE's time over ConOpt's, largest of the settings": max(ratios["ConOpt"])},
                max(ratios["ConOpt"]) < 1,
            ),
            Claim(
                "JARE's training time is on par with SN-GAN's",
                "section 7 and Fig. 4",
                {"JARE's time over SN-GAN's, largest of the settings": max(ratios["SN-GAN"])},
                max(ratios["SN-GAN"]) < 1.25,
            ),
        ],
    )


def fig9(workspace: Workspace) -> Result:
    """Samples of the four methods on CIFAR-10, settings A to F."""
    runs = cifar10(workspace)
    labels = list(next(iter(runs.values())))
    picture = pictures.table(
        {label: [of[label].last_picture() for of in runs.values()] for label in labels},
        [f"setting {letter}" for letter in runs],
    )
    scores = _cifar10_scores(workspace, runs)
    data: list[dict[str, Any]] = [
        {"setting": letter, "method": label, "fid": score["fid"]}
        for letter, of in scores.items()
        for label, score in of.items()
    ]
    least = min(row["fid"] for row in data)
    failed = {
        label: "".join(letter for letter, of in scores.items() if of[label]["fid"] > 2 * least) for label in labels
    }
    measured = {
        f"settings where {label} is further than twice the least distance": letters or "none"
        for label, letters in failed.items()
    }
    measured["least Fréchet distance of all"] = least
    trained = {
        label: all(workspace.trained(of[label]["inception_score"]) for of in scores.values()) for label in labels
    }
    alone = not failed.get(OURS, "all") and all(letters for label, letters in failed.items() if label != OURS)
    alone = alone and trained.get(OURS, False) and not any(trained[label] for label in labels if label != OURS)
    claim = "only JARE generates realistic images in all six settings"
    return Result(picture, data, [Claim(claim, "Fig. 9", measured, alone if any(trained.values()) else UNDECIDED)])


def fig10(workspace: Workspace) -> Result:
    """Samples of JARE on CelebA, 64 px, and of the methods on ImageNet, 128 px."""
    if workspace.scale == "cpu":
        raise NotRun("CelebA and ImageNet at 64 and 128 px need a GPU, and data that have to be downloaded by hand")
    runs = {"CelebA, JARE": workspace.train_images("celeba/jare.gin", side=64)}
    for label, name in reversed(workspace.first_if_smoke(list(reversed(METHODS.items())))):
        runs[f"ImageNet, {label}"] = workspace.train_images(f"imagenet/{name}.gin", side=128)
    samples = {label: run.last_picture() for label, run in runs.items()}
    fid = {label: workspace.scores(run)[-1]["fid"] for label, run in runs.items()}
    ours = fid.pop(f"ImageNet, {OURS}")
    others = [value for label, value in fid.items() if label.startswith("ImageNet")]
    picture = pictures.table({"": list(samples.values())}, list(samples))
    data = [{"run": label, "fid": value} for label, value in {**fid, f"ImageNet, {OURS}": ours}.items()]
    measured = {"JARE's Fréchet distance on ImageNet": ours, "least of the others": min(others, default=None)}
    claim = "JARE stabilises training on ImageNet while the other methods collapse"
    return Result(picture, data, [Claim(claim, "Appendix F.5", measured, all(value > 2 * ours for value in others))])


def _table(generator: keras.Model, discriminator: keras.Model, number: int) -> Result:
    """Layers of a table's networks, and whether they are its rows, every one."""
    layers = [
        {
            "network": player,
            "layer": type(layer).__name__,
            "output": "×".join(map(str, layer.output.shape[1:])),
            "parameters": layer.count_params(),
        }
        for player, network in (("generator", generator), ("discriminator", discriminator))
        for layer in network.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    listed = resnet_tables.TABLES[number]
    parameters = generator.count_params(), discriminator.count_params()
    published = resnet_tables.PARAMETERS.get(number)
    measured: dict[str, Value] = {}
    for player, network, of in zip("GD", (generator, discriminator), listed, strict=True):
        measured[f"rows of {player} in the table"] = len(of)
        measured[f"first row of {player} that differs"] = resnet_tables.first_difference(
            resnet_tables.rows(network), of
        )
    for player, count, theirs in zip("GD", parameters, published or (None, None), strict=True):
        measured[f"parameters of {player}"] = count
        measured |= {f"of the published code's {player}": theirs} if theirs else {}
    same = all(value is None for name, value in measured.items() if name.startswith("first row"))
    claim = Claim(
        f"the networks are Table {number}'s, row by row", f"Table {number}", measured,
        same and published in (None, parameters),
    )  # fmt: skip
    return Result(pictures.text_table(layers), layers, [claim])


def table2(workspace: Workspace) -> Result:
    """ResNet v1 for CIFAR-10, M_f = 64."""
    return _table(resnet.generator_v1(), resnet.discriminator(), 2)


def table3(workspace: Workspace) -> Result:
    """ResNet v2 for CIFAR-10, M_f = 64."""
    return _table(resnet.generator_v2(), resnet.discriminator(), 3)


def table4(workspace: Workspace) -> Result:
    """The residual networks for CelebA, 64 px."""
    return _table(resnet.generator_v2(image_size=64), resnet.discriminator(image_size=64), 4)


def table5(workspace: Workspace) -> Result:
    """The residual networks for ImageNet, 128 px."""
    return _table(resnet.generator_v2(image_size=128), resnet.discriminator(image_size=128), 5)
