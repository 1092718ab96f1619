"""Figures and tables of JARE (Nie & Patel 2019) about games of few parameters, and about Jacobians."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jare_tf.report import bars, curves, pictures
from jare_tf.reproduction.workspace import Claim, Result, TrainedRun, Workspace, turning_points
from jare_tf.theory import closed_form, eigenvalues

METHODS = {"SimGD": "simgd", "ConOpt": "conopt", "JARE (Ours)": "jare"}
PLAYERS = {"discriminator": "d_norm", "generator": "g_norm"}
OURS = "JARE (Ours)"

Games = Mapping[str, Mapping[str, Sequence[TrainedRun]]]  # by title and method, a run for each seed


def isotropic(workspace: Workspace, mean: float, sigma: float) -> dict[str, list[TrainedRun]]:
    """Runs of the isotropic Gaussian by method, a run for each seed."""
    return {
        label: [
            workspace.train(f"isotropic_gaussian/{name}.gin", f"MU = {mean}", f"SIGMA = {sigma}", seed=seed)
            for seed in workspace.first_if_smoke((0, 1, 2))
        ]
        for label, name in METHODS.items()
    }


def _distance(run: TrainedRun, player: str) -> np.ndarray:
    return run.curve(f"parameter_distance/{player}")[1]


def _left(run: TrainedRun, player: str) -> float:
    """A player's last distance over its first."""
    distance = _distance(run, player)
    return float(distance[-1] / distance[0])


def _error_left(run: TrainedRun) -> float:
    """‖(θ, φ − v)‖ at the end of a run, over that at its beginning."""
    error = np.hypot(*(_distance(run, player) for player in PLAYERS))
    return float(error[-1] / error[0])


def _games_drawn(games: Games, side_by_side: bool = False) -> tuple[curves.Figure, list[dict]]:
    """A column for each game, the discriminator's distances above the generator's or beside them, and the table."""
    tag = "parameter_distance/{}".format
    grid = [
        [
            curves.Panel(
                f"{title}{name}", {label: [run.curve(tag(player)) for run in runs] for label, runs in game.items()}
            )
            for title, game in games.items()
        ]
        for player, name in PLAYERS.items()
    ]
    data = [
        {"game": title.rstrip(", "), "method": label, "seed": seed, "step": int(step), "d_norm": d, "g_norm": g}
        for title, game in games.items()
        for label, runs in game.items()
        for seed, run in enumerate(runs)
        for step, d, g in zip(*run.curve(tag("discriminator")), _distance(run, "generator"), strict=True)
    ]
    return curves.panels([sum(grid, [])] if side_by_side else grid), data


def fig1(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, μ = 4, σ² = 0.04."""
    game = isotropic(workspace, 4.0, 0.2)
    picture, data = _games_drawn({"": game}, side_by_side=True)
    source = "section 7, Isotropic Gaussian"
    turns = {
        label: [turning_points(_distance(run, player)) for run in game[label] for player in PLAYERS] for label in game
    }
    left = {label: [_error_left(run) for run in game[label]] for label in game}
    ends = {label: [_distance(run, "generator")[-1] for run in game[label]] for label in game}
    slower = min(a / b for a, b in zip(ends["ConOpt"], ends[OURS], strict=True))
    relative = [_left(run, player) for run in game[OURS] for player in PLAYERS]
    return Result(
        picture,
        data,
        [
            Claim(
                "for SimGD the training curves oscillate with very weak damping",
                source,
                {"fewest turning points of a curve": min(turns["SimGD"]), "least error left": min(left["SimGD"])},
                min(turns["SimGD"]) >= 1 and min(left["SimGD"]) > 0.5,
            ),
            Claim(
                "oscillations disappear with ConOpt",
                source,
                {"most turning points of a curve": max(turns["ConOpt"])},
                max(turns["ConOpt"]) <= 1,
            ),
            Claim(
                "ConOpt's generator is heavily slowed down",
                source,
                {"its last distance to the equilibrium over JARE's, least of the seeds": slower},
                slower > 5,
            ),
            Claim(
                "JARE has a decent convergence rate for both players",
                source,
                {"last distance over first, largest of players and seeds": max(relative)},
                max(relative) < 0.1,
            ),
        ],
    )


def fig5(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, μ = 2, 4 and 6, σ = 0.2."""
    games = {mean: isotropic(workspace, mean, 0.2) for mean in workspace.first_if_smoke((2.0, 4.0, 6.0), 2)}
    picture, data = _games_drawn({f"μ = {mean:g}, ": game for mean, game in games.items()})
    source = "section 7 and Fig. 5"
    left = {
        label: {
            f"μ = {mean:g}": float(np.mean([_error_left(run) for run in game[label]])) for mean, game in games.items()
        }
        for label in METHODS
    }
    growing = {label: bool(np.all(np.diff(list(left[label].values())) > 0)) for label in METHODS}
    largest = list(games.values())[-1]
    blown_up = [_left(run, "generator") for run in largest["ConOpt"]]
    ours = [_left(run, player) for game in games.values() for run in game[OURS] for player in PLAYERS]
    return Result(
        picture,
        data,
        [
            *(
                Claim(f"{label} converges more slowly as μ grows", source, left[label], growing[label])
                for label in ("SimGD", "ConOpt")
            ),
            Claim(
                "at μ = 6 ConOpt's generator blows up",
                source,
                {"last distance over first, least of the seeds": min(blown_up)},
                min(blown_up) > 1,
            ),
            Claim(
                "JARE converges for every μ",
                source,
                {"last distance over first, largest of players and seeds": max(ours)},
                max(ours) < 0.1,
            ),
        ],
    )


def fig6(workspace: Workspace) -> Result:
    """Distances to the equilibrium on the isotropic Gaussian, σ = 0.1, 0.2 and 0.4, μ = 2."""
    games = {sigma: isotropic(workspace, 2.0, sigma) for sigma in workspace.first_if_smoke((0.1, 0.2, 0.4), 2)}
    picture, data = _games_drawn({f"σ = {sigma:g}, ": game for sigma, game in games.items()})
    left = {
        f"error left at σ = {sigma:g}": float(np.mean([_error_left(run) for run in game["SimGD"]]))
        for sigma, game in games.items()
    }
    stronger = bool(np.all(np.diff(list(left.values())) < 0))
    return Result(picture, data, [Claim("the damping in SimGD becomes stronger as σ grows", "Fig. 6", left, stronger)])


def mixture(
    workspace: Workspace, radius: float, method: str, gamma: float | None = None, seeds: Sequence[int] = (0,)
) -> list[TrainedRun]:
    """Runs on the ring of eight Gaussians, a run for each seed."""
    overrides = [f"RADIUS = {radius}", *([] if gamma is None else [f"GAMMA = {gamma}"])]
    return [
        workspace.train(f"mixture_jare_paper/{method}.gin", *overrides, seed=seed)
        for seed in workspace.first_if_smoke(seeds)
    ]


def densities(runs: Mapping[str, Sequence[TrainedRun]]) -> tuple[pictures.Figure, list[dict]]:
    """The first seed's densities over the iterations, and modes covered as the rows of a table."""
    samples = {label: of_label[0].drawn() for label, of_label in runs.items()}
    steps = max(samples.values(), key=len)
    picture = pictures.table(
        {label: list(of_label.values()) for label, of_label in samples.items()}, [f"{step:,}" for step in steps]
    )
    tags = ("modes_covered", "high_quality_fraction")
    data = [
        {"method": label, "seed": seed, "step": row["step"], **{tag: row[tag] for tag in tags}}
        for label, of_label in runs.items()
        for seed, run in enumerate(of_label)
        for row in run.rows()
        if all(tag in row for tag in tags)
    ]
    return picture, data


def mode_changes(run: TrainedRun) -> int:
    """How often the number of modes covered changes along a run."""
    return int(np.count_nonzero(np.diff(run.curve("modes_covered")[1])))


def covers(run: TrainedRun) -> bool:
    """Whether a run ends on all eight modes."""
    return run.not_finite is None and run.last("modes_covered") == 8


def fig2(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians, r = 2, γ = 10."""
    seeds = workspace.by_scale(smoke=(0,), cpu=(0, 1), paper=(0, 1, 2))
    runs = {
        label: mixture(workspace, 2.0, name, None if name == "simgd" else 10.0, seeds)
        for label, name in METHODS.items()
    }
    picture, data = densities(runs)
    source = "section 7, Mixture of Gaussians"
    covered = {label: [int(run.last("modes_covered")) for run in of_label] for label, of_label in runs.items()}
    quality = {label: [run.last("high_quality_fraction") for run in of_label] for label, of_label in runs.items()}
    changes = [mode_changes(run) for run in runs["SimGD"]]
    return Result(
        picture,
        data,
        [
            Claim(
                "SimGD oscillates among the modes and fails to converge",
                source,
                {
                    "most modes covered at the end": max(covered["SimGD"]),
                    "fewest changes of their number": min(changes),
                },
                max(covered["SimGD"]) < 8 and min(changes) >= 2,
            ),
            *(
                Claim(
                    f"{label} converges to the target distribution",
                    source,
                    {
                        "fewest modes covered at the end": min(covered[label]),
                        "least fraction within 3 σ of a mode": min(quality[label]),
                    },
                    min(covered[label]) == 8,
                )
                for label in ("ConOpt", OURS)
            ),
        ],
    )


def _harder(workspace: Workspace, radius: float) -> Result:
    runs = {"SimGD": mixture(workspace, radius, "simgd")}
    for label, name in (("ConOpt", "conopt"), ("JARE", "jare")):
        runs |= {f"{label}, γ = {gamma:g}": mixture(workspace, radius, name, gamma) for gamma in (10.0, 1000.0)}
    picture, data = densities(runs)
    last = {label: (run.last("modes_covered"), run.last("high_quality_fraction")) for label, (run,) in runs.items()}
    measured = {
        f"{label}: {what}": value
        for label, values in last.items()
        for what, value in zip(("modes", "fraction within 3 σ"), values, strict=True)
    }
    ours, source = last["JARE, γ = 1000"], "section 7 and Appendix F.2"
    same, best = last["ConOpt, γ = 1000"], max(last["ConOpt, γ = 10"], last["ConOpt, γ = 1000"])
    return Result(
        picture,
        data,
        [
            Claim("JARE with γ = 1000 is better than ConOpt with that γ", source, measured, ours > same),
            Claim("JARE with γ = 1000 is slightly better than ConOpt with either γ", source, measured, ours > best),
        ],
    )


def fig7(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians with γ = 10 and 1000, r = 2."""
    return _harder(workspace, 2.0)


def fig8(workspace: Workspace) -> Result:
    """Densities on the mixture of Gaussians with γ = 10 and 1000, r = 10."""
    return _harder(workspace, 10.0)


def table1(workspace: Workspace) -> Result:
    """What the Jacobians of SimGD and JARE need to be well-conditioned: random P and Q, γ = 10⁴."""
    rng, size = np.random.default_rng(0), 8
    left, right = (np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(2))
    even, uneven = np.geomspace(1, 1.2, size), np.geomspace(1e-3, 1, size)
    p = lambda values: left @ np.diag(values) @ right.T
    q = lambda values: -2 * right @ np.diag(values) @ right.T
    cases = {
        "all requirements hold": (p(even), q(even)),
        "Q is ill-conditioned": (p(even), q(uneven)),
        "PᵀP is ill-conditioned": (p(uneven), q(even)),
        "Q does not match PᵀP: too small": (p(even), q(even / 100)),
        "Q does not match PᵀP: too large": (p(even), q(even * 100)),
    }
    rows: list[dict[str, Any]] = []
    for case, matrices in cases.items():
        for method, gamma in (("SimGD", 0.0), (OURS, 1e4)):
            values = np.linalg.eigvals(closed_form.general_jare(*matrices, gamma))
            factors = {
                "phase factor": eigenvalues.phase_factor(values),
                "conditioning": eigenvalues.conditioning(values),
            }
            rows.append({"case": case, "method": method, **factors})
    bad = {
        method: [
            row["case"]
            for row in rows
            if row["method"] == method and (row["phase factor"] > 10 or row["conditioning"] > 100)
        ]
        for method in ("SimGD", OURS)
    }
    wanted = {"SimGD": list(cases)[1:], OURS: ["PᵀP is ill-conditioned"]}
    picture = bars.draw(
        {
            "log₁₀(1 + phase factor)": _by_case(rows, "phase factor"),
            "log₁₀ conditioning": _by_case(rows, "conditioning", offset=0.0),
        },
        ylabel="",
    )
    claims = [
        Claim(
            f"what stable {method} requires",
            "Table 1",
            {"factors above 10 or conditioning above 100 where": "; ".join(bad[method])},
            bad[method] == cases_of,
        )
        for method, cases_of in wanted.items()
    ]
    return Result(picture, rows, claims)


def _by_case(rows: Sequence[Mapping], name: str, offset: float = 1.0) -> dict[str, dict[str, bars.Bar]]:
    cases: dict[str, dict[str, bars.Bar]] = {}
    for row in rows:
        place = row["case"].replace(": ", ":\n").replace(" is ", "\nis ").replace("match ", "match\n")
        cases.setdefault(place, {})[row["method"]] = bars.Bar(float(np.log10(offset + row[name])))
    return cases
