"""Figures of consensus optimization, ConOpt (Mescheder et al. 2017); from 6 on its supplement's."""

from collections.abc import Mapping, Sequence

import numpy as np

from jare_tf.report import curves, pictures, spectra
from jare_tf.reproduction.jare import covers, densities, mode_changes
from jare_tf.reproduction.workspace import Claim, NotRun, Result, TrainedRun, Workspace
from jare_tf.theory import closed_form, eigenvalues

_METHODS = {"SimGA": "simgd", "AltGA": "altgd", "ConOpt": "conopt", "smoothing": "smoothing"}
_ARCHITECTURES = {
    "DC-GAN": "dcgan4",
    "no batch norm": "dcgan4_nobn",
    "constant filters": "dcgan4_nobn_cf",
    "JS": "dcgan4_nobn_cf_js",
}
_DENSE = {
    "DC-GAN": "dcgan4_dense",
    "no batch norm": "dcgan4_nobn_dense",
    "constant filters": "dcgan4_nobn_cf_dense",
    "JS": "dcgan4_nobn_cf_dense_js",
}
_CPU = ("FILTERS = 8", "STEPS = 3000", "SAVE_EVERY = 1000", "SAMPLE_EVERY = 1000", "LOG_EVERY = 50")
_CPU_RATE = "LEARNING_RATE = 8e-4"  # for an eighth of the filters
RATES = (5e-5, 1e-4, 2e-4, 5e-4)
GAMMAS = (0.1, 1.0, 10.0, 100.0)


def fig1(workspace: Workspace) -> Result:
    """How a step size maps eigenvalues into the unit circle, and what consensus optimization does about it."""
    a = np.array([[-0.05, -1.0], [1.0, -0.05]])
    easy = np.array([[-1.0, -0.5], [0.5, -1.0]])
    fields = {
        "eigenvalues far from the imaginary axis": easy,
        "close to it": a,
        "close to it, ConOpt, γ = 1": closed_form.con_opt_matrix(a, 1.0),
    }
    values = {label: np.linalg.eigvals(matrix) for label, matrix in fields.items()}
    largest = {label: eigenvalues.largest_stable_step(of) for label, of in values.items()}
    fastest = {
        label: min(eigenvalues.rate(of, step) for step in np.linspace(0, largest[label], 1001)[1:])
        for label, of in values.items()
    }
    data = [
        {
            "field": label,
            "Re λ": of[0].real,
            "Im λ": abs(of[0].imag),
            "largest stable step": largest[label],
            "best rate": fastest[label],
        }
        for label, of in values.items()
    ]
    _, plain, moved = largest
    return Result(
        spectra.draw_projection(values, largest),
        data,
        [
            Claim(
                "close to the imaginary axis only extremely small steps are stable",
                "Fig. 1",
                {"largest stable step": largest[plain], "of eigenvalues far from it": largest[next(iter(largest))]},
                largest[plain] < 0.1 * largest[next(iter(largest))],
            ),
            Claim(
                "consensus optimization moves eigenvalues to the left, so that reasonable steps converge",
                "Fig. 1",
                {
                    "Re λ before": values[plain][0].real,
                    "after": values[moved][0].real,
                    "best rate before": fastest[plain],
                    "best rate after": fastest[moved],
                },
                values[moved].real.max() < values[plain].real.min() and fastest[moved] < fastest[plain],
            ),
        ],
    )


def mixture(workspace: Workspace, method: str) -> list[TrainedRun]:
    """Runs on the circle of eight Gaussians, a run for each seed."""
    narrow = ["networks.mlp.generator.width = 4", "networks.mlp.discriminator.width = 4"]  # a spectrum in seconds
    not_in_name = workspace.by_scale(smoke=narrow, cpu=[], paper=[])
    return [
        workspace.train(f"mixture_conopt_paper/{method}.gin", not_in_name=not_in_name, seed=seed)
        for seed in workspace.first_if_smoke((0, 1, 2))
    ]


def fig2(workspace: Workspace) -> Result:
    """Densities on the circle of eight Gaussians after 0, 5,000, 10,000 and 20,000 iterations."""
    runs = {"SimGA": mixture(workspace, "simgd"), "ConOpt": mixture(workspace, "conopt")}
    picture, data = densities(runs)
    covered = {label: [int(run.last("modes_covered")) for run in of] for label, of in runs.items()}
    changes = min(map(mode_changes, runs["SimGA"]))
    return Result(
        picture,
        data,
        [
            Claim(
                "SimGA jumps around the modes and fails to converge",
                "section 5 and Fig. 2",
                {"most modes covered at the end": max(covered["SimGA"]), "fewest changes of their number": changes},
                max(covered["SimGA"]) < 8 and changes >= 2,
            ),
            Claim(
                "consensus optimization converges to the target distribution",
                "section 5 and Fig. 2",
                {f"modes covered at the end, seed {seed}": count for seed, count in enumerate(covered["ConOpt"])},
                all(map(covers, runs["ConOpt"])),
            ),
        ],
    )


def fig3(workspace: Workspace) -> Result:
    """Eigenvalues of the plain and of the regularised field, before and after training."""
    run = mixture(workspace, "conopt")[0]
    found = {}
    for one in workspace.spectrum(run)["shown"]:
        field = "v'" if one["rule"] == "sim_gd()" else "w'"
        at = "before" if one["point"] == "before training" else "after"
        found[field, at] = np.array([complex(*pair) for pair in one["eigenvalues"]])
    data = [
        {"field": field, "training": at, "Re λ": value.real, "Im λ": value.imag}
        for (field, at), of in found.items()
        for value in eigenvalues.nonzero(of)
    ]
    # The paper's linear axes show the large ones.
    large = {field: eigenvalues.nonzero(found[field, "after"], 0.01) for field in ("v'", "w'")}
    ratios = {field: eigenvalues.phase_factor(of) for field, of in large.items()}
    after = {field: eigenvalues.nonzero(found[field, "after"]) for field in large}
    means = {f"mean Re λ of {field}": float(of.real.mean()) for field, of in after.items()}
    source = "section 5 and Fig. 3"
    return Result(
        pictures.read(f"{run.path}/spectrum.png"),
        data,
        [
            Claim(
                "near the equilibrium v' has eigenvalues close to the imaginary axis, w' has not",
                source,
                {f"largest |Im λ/Re λ| of |λ| above max|λ|/100, {field}": value for field, value in ratios.items()},
                ratios["w'"] < 10 < ratios["v'"],
            ),
            Claim(
                "consensus optimization moves the eigenvalues to the left",
                source,
                means,
                means["mean Re λ of w'"] < means["mean Re λ of v'"],
            ),
        ],
    )


def _train(workspace: Workspace, name: str, *overrides: str, rate: bool = True) -> TrainedRun:
    """A run on CIFAR-10 with checkpoints to score along it."""
    paper = workspace.by_scale(smoke=[], cpu=[], paper=["SAVE_EVERY = 5000"])
    cpu = [*_CPU, *([_CPU_RATE] if rate else [])]
    return workspace.train_images(f"cifar10_conopt_paper/{name}.gin", *overrides, *paper, cpu=cpu, keep=100)


def _score_curve(workspace: Workspace, run: TrainedRun, tag: str = "inception_score") -> tuple[np.ndarray, np.ndarray]:
    """Steps, and a score there."""
    return tuple(np.transpose([(row["step"], row[tag]) for row in workspace.scores(run)]))


def fig4(workspace: Workspace) -> Result:
    """Samples of ConOpt on CIFAR-10, and on CelebA where the scale is the paper's."""
    runs = {"CIFAR-10": _train(workspace, "dcgan4_nobn_conopt")}
    if workspace.scale != "cpu":
        runs["CelebA"] = workspace.train_images("celeba/resnet_cf_conopt.gin", side=64)
    scores = {label: workspace.scores(run)[-1] for label, run in runs.items()}
    picture = pictures.table({"ConOpt": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"inception score, {label}": score["inception_score"] for label, score in scores.items()}
    learned = all(score["inception_score"] > 3 for score in scores.values())
    data = [{"data": label, **score} for label, score in scores.items()]
    return Result(picture, data, [Claim("ConOpt successfully trains the models", "section 5", measured, learned)])


def _losses_and_scores(workspace: Workspace, layers: int, claim: str) -> Result:
    """Losses and inception score of ConOpt without batch norm and of AltGA with it."""
    runs = {
        "AltGA": _train(workspace, f"dcgan{layers}_altgd"),
        "ConOpt": _train(workspace, f"dcgan{layers}_nobn_conopt"),
    }
    tags = {"loss/generator": "loss of the generator", "loss/discriminator": "loss of the discriminator"}
    scores = {label: _score_curve(workspace, run) for label, run in runs.items()}
    panels = [
        curves.Panel(title, {label: [run.curve(tag)] for label, run in runs.items()}) for tag, title in tags.items()
    ]
    panels.append(curves.Panel("inception score", {label: [curve] for label, curve in scores.items()}))
    data = [
        {"method": label, "step": row["step"], **{tag: row[tag] for tag in tags}}
        for label, run in runs.items()
        for row in run.rows()
    ]
    half = lambda values: values[len(values) // 2 :]
    spread = {label: float(np.std(half(run.curve("loss/generator")[1]))) for label, run in runs.items()}
    last = {label: float(curve[1][-1]) for label, curve in scores.items()}
    return Result(
        curves.panels([panels]),
        data,
        [
            Claim(
                "AltGA's losses fluctuate highly, ConOpt's are almost constant",
                "section 5",
                {f"standard deviation of the generator's loss, second half, {label}": s for label, s in spread.items()},
                spread["ConOpt"] < spread["AltGA"] / 2,
            ),
            Claim(
                claim,
                "section 5",
                {f"last inception score, {label}": s for label, s in last.items()},
                last["ConOpt"] > last["AltGA"],
            ),
        ],
    )


def fig5(workspace: Workspace) -> Result:
    """Losses and inception score, three layers."""
    return _losses_and_scores(workspace, 3, "ConOpt achieves slightly better end results")


def fig11(workspace: Workspace) -> Result:
    """Losses and inception score, four layers."""
    return _losses_and_scores(workspace, 4, "ConOpt achieves much better end results")


def _architectures(
    workspace: Workspace, methods: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, dict[str, TrainedRun]]:
    pairs = (
        workspace.first_if_smoke(list(methods.items()), 3)[-2:] if workspace.scale == "smoke" else list(methods.items())
    )
    return {
        title: {label: _train(workspace, f"{name}_{method}") for label, method in pairs}
        for title, name in workspace.first_if_smoke(list(names.items()))
    }


def _trains(last: Mapping[str, Mapping[str, float]]) -> list[Claim]:
    """What the supplement says about ConOpt across architectures, from last inception scores."""
    others = {title: of["ConOpt"] / max(of.values()) for title, of in last.items() if title != "DC-GAN"}
    with_norm = last["DC-GAN"]
    return [
        Claim(
            "ConOpt struggles with the DC-GAN with batch norm",
            "Fig. 6",
            {f"last inception score, {label}": value for label, value in with_norm.items()},
            with_norm["ConOpt"] < 0.8 * max(with_norm.values()),
        ),
        Claim(
            "ConOpt successfully trains all the others",
            "Fig. 6",
            {f"its inception score over the best, {title}": value for title, value in others.items()},
            all(value > 0.9 for value in others.values()),
        ),
    ]


def _last_scores(workspace: Workspace, runs: Mapping[str, Mapping[str, TrainedRun]]) -> dict[str, dict[str, float]]:
    return {
        title: {label: workspace.scores(run)[-1]["inception_score"] for label, run in of.items()}
        for title, of in runs.items()
    }


def fig6(workspace: Workspace) -> Result:
    """Samples of three methods with four architectures and objectives."""
    runs = _architectures(workspace, {label: _METHODS[label] for label in ("SimGA", "AltGA", "ConOpt")}, _ARCHITECTURES)
    last = _last_scores(workspace, runs)
    labels = list(next(iter(runs.values())))
    picture = pictures.table(
        {label: [of[label].last_picture() for of in runs.values()] for label in labels}, list(runs)
    )
    data = [{"architecture": title, **of} for title, of in last.items()]
    return Result(picture, data, _trains(last))


def _scores_over_time(workspace: Workspace, names: Mapping[str, str]) -> tuple[Result, dict[str, dict[str, float]]]:
    runs = _architectures(workspace, _METHODS, names)
    scores = {title: {label: _score_curve(workspace, run) for label, run in of.items()} for title, of in runs.items()}
    panels = [curves.Panel(title, {label: [curve] for label, curve in of.items()}) for title, of in scores.items()]
    last = {title: {label: float(curve[1][-1]) for label, curve in of.items()} for title, of in scores.items()}
    data = [
        {"architecture": title, "method": label, "step": int(step), "inception_score": value}
        for title, of in scores.items()
        for label, curve in of.items()
        for step, value in zip(*curve, strict=True)
    ]
    return Result(curves.panels([panels]), data, _trains(last)), last


def fig7(workspace: Workspace) -> Result:
    """Inception score over iterations of Fig. 6 and of the smoothing optimizer."""
    result, last = _scores_over_time(workspace, _ARCHITECTURES)
    ratios = {title: of["ConOpt"] / of.get("smoothing", np.inf) for title, of in last.items() if title != "DC-GAN"}
    measured = {f"ConOpt's inception score over smoothing's, {title}": value for title, value in ratios.items()}
    better = sum(value > 1 for value in ratios.values()) > len(ratios) / 2
    claim = Claim("the smoothing optimizer usually performs worse than ConOpt", "Fig. 7", measured, better)
    return result._replace(claims=[*result.claims, claim])


def fig8(workspace: Workspace) -> Result:
    """Inception score over iterations with one more dense layer in the discriminator."""
    result, last = _scores_over_time(workspace, _DENSE)
    of = last.get("constant filters", {})
    claim = "smoothing fails with constant filters, where ConOpt succeeds"
    fails = bool(of) and of["smoothing"] < 0.8 * of["ConOpt"]
    return result._replace(claims=[*result.claims, Claim(claim, "Fig. 8", of, fails)])


def fig9(workspace: Workspace) -> Result:
    """Samples of ConOpt with five objectives of the generator."""
    names = {"standard": "", "JS": "_js", "KL": "_kl", "total variation": "_tv", "indicator": "_indicator"}
    runs = {
        title: _train(workspace, f"dcgan4_nobn_cf{suffix}_conopt")
        for title, suffix in workspace.first_if_smoke(list(names.items()), 2)
    }
    scores = {title: workspace.scores(run)[-1]["inception_score"] for title, run in runs.items()}
    picture = pictures.table({"ConOpt": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"last inception score, {title}": value for title, value in scores.items()}
    claim = "ConOpt can be used with a large variety of divergences"
    every = min(scores.values()) > 0.75 * max(scores.values())
    return Result(
        picture,
        [{"objective": t, "inception_score": s} for t, s in scores.items()],
        [Claim(claim, "Fig. 9", measured, every)],
    )


def fig10(workspace: Workspace) -> Result:
    """Samples of residual networks on CelebA by three methods."""
    if workspace.scale == "cpu":
        raise NotRun("CelebA at 64 px needs a GPU, and a data set that has to be downloaded by hand")
    methods = {label: _METHODS[label] for label in ("ConOpt", "AltGA", "SimGA")}
    runs = {
        label: workspace.train_images(f"celeba/resnet_cf_{name}.gin", side=64)
        for label, name in workspace.first_if_smoke(list(methods.items()), 2)
    }
    fid = {label: workspace.scores(run)[-1]["fid"] for label, run in runs.items()}
    picture = pictures.table({"": [run.last_picture() for run in runs.values()]}, list(runs))
    measured = {f"Fréchet distance, {label}": value for label, value in fid.items()}
    ours = all(fid["ConOpt"] < value for label, value in fid.items() if label != "ConOpt")
    return Result(
        picture,
        [{"method": label, "fid": value} for label, value in fid.items()],
        [Claim("only ConOpt's results are visually compelling", "Fig. 10", measured, ours)],
    )


def _sweep(
    workspace: Workspace, names: Mapping[str, str], macro: str, values: Sequence[float], *overrides: str
) -> Result:
    """Inception scores over iterations for values of a macro, a panel a network. The paper draws no conclusion."""
    scores = {
        title: {
            f"{value:g}": _score_curve(workspace, _train(workspace, name, *overrides, f"{macro} = {value}", rate=False))
            for value in workspace.first_if_smoke(values, 2)
        }
        for title, name in workspace.first_if_smoke(list(names.items()))
    }
    panels = [curves.Panel(title, {label: [curve] for label, curve in of.items()}) for title, of in scores.items()]
    data = [
        {"network": title, macro: label, "step": int(step), "inception_score": score}
        for title, of in scores.items()
        for label, curve in of.items()
        for step, score in zip(*curve, strict=True)
    ]
    return Result(curves.panels([panels]), data, [])


def fig12(workspace: Workspace) -> Result:
    """Learning rates of AltGA, three and four layers."""
    names = {"3 convolutional layers": "dcgan3_altgd", "4 convolutional layers": "dcgan4_altgd"}
    return _sweep(workspace, names, "LEARNING_RATE", RATES)


_CONOPT = {"3 convolutional layers": "dcgan3_nobn_conopt", "4 convolutional layers": "dcgan4_nobn_conopt"}


def fig13(workspace: Workspace) -> Result:
    """Learning rates of ConOpt, three and four layers."""
    return _sweep(workspace, _CONOPT, "LEARNING_RATE", RATES)


def fig14(workspace: Workspace) -> Result:
    """γ of ConOpt, three and four layers, at learning rate 2e-4."""
    return _sweep(workspace, _CONOPT, "GAMMA", GAMMAS, "LEARNING_RATE = 2e-4")
