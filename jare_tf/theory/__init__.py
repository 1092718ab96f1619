"""What the theory says of a game and a rule: closed forms, spectra, step sizes, streamlines, arithmetic."""

from jare_tf.theory import (
    advice,
    analysis,
    arithmetic,
    closed_form,
    eigenvalues,
    games,
    hessians,
    landscape,
    path,
    spectral_density,
    spectrum,
    step_size,
    streamlines,
)

__all__ = [
    "advice",
    "analysis",
    "arithmetic",
    "closed_form",
    "eigenvalues",
    "games",
    "hessians",
    "landscape",
    "path",
    "spectral_density",
    "spectrum",
    "step_size",
    "streamlines",
]
