"""Training steps in PyTorch, to compare with: settings A to F of CIFAR-10, methods GAN, ConOpt and JARE.

A straightforward implementation of the networks of `jare_tf.game.networks`, with second derivatives by
`autograd.grad(create_graph=True)`, on random pixels, on a GPU where PyTorch sees one. The kernels of 5×5 and stride 2
lie as PyTorch's padding has it, a mirror image of TensorFlow's, which changes neither the game nor what it costs.

This file is run as a program, in a process of its own, and imports neither TensorFlow nor this package: in one process
PyTorch and TensorFlow end in a segmentation fault. `pytorch_process` talks to it: the argument is
what to make, in JSON; it prints the seconds that the first step of each method takes, then takes a step of method n for
each line "n" that comes, and prints "done". PyTorch is no dependency of the project.
"""

import functools
import json
import sys
import time
from collections.abc import Callable, Sequence

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    print(f"pip install torch ({error})", file=sys.stderr)
    sys.exit(2)

LATENT_DIM, LEAK = 128, 0.1


class BatchNorm(nn.Module):
    """With a centre and no scale, on features or channels, by the moments of the batch."""

    def __init__(self, width: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))
        self.register_buffer("scale", torch.ones(width))  # without one PyTorch cannot differentiate twice

    def forward(self, inputs):
        return functional.batch_norm(inputs, self.mean, self.variance, self.scale, self.bias, True, 0.1, 1e-3)


class Residual(nn.Module):
    """h + 0.1 · conv3×3(f, ReLU)(conv3×3(inner, ReLU)(h))."""

    def __init__(self, filters: int, inner: int):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(filters, inner, 3, padding=1), nn.ReLU(), nn.Conv2d(inner, filters, 3, padding=1), nn.ReLU()
        )

    def forward(self, inputs):
        return inputs + 0.1 * self.branch(inputs)


def deconv(before: int, after: int, kernel: int, bias: bool = True) -> nn.ConvTranspose2d:
    """Twice as many pixels a side."""
    return nn.ConvTranspose2d(before, after, kernel, 2, (kernel - 1) // 2, kernel % 2, bias=bias)


def conv4_generator(filters: int, batch_norm: bool) -> nn.Module:
    """`networks.conv4.generator`."""
    norm = lambda width: [BatchNorm(width)] if batch_norm else []
    bias, width = not batch_norm, 8 * filters
    stack = [nn.Linear(LATENT_DIM, 16 * width, bias=bias), *norm(16 * width), nn.ReLU(), nn.Unflatten(1, (width, 4, 4))]
    for multiple in (4, 2, 1):
        after = multiple * filters
        stack += [deconv(width, after, 4, bias), *norm(after), nn.ReLU()]
        width = after
    return nn.Sequential(*stack, nn.Conv2d(width, 3, 3, padding=1, bias=bias), *norm(3), nn.Tanh())


def conv4_discriminator(filters: int) -> nn.Module:
    """`networks.conv4.discriminator`."""
    stack, width = [], 3
    for multiple in (1, 2, 4):
        after = multiple * filters
        stack += [nn.Conv2d(width, after, 3, padding=1), nn.LeakyReLU(LEAK)]
        stack += [nn.Conv2d(after, after, 4, 2, padding=1), nn.LeakyReLU(LEAK)]
        width = after
    stack += [nn.Conv2d(width, 8 * filters, 3, padding=1), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(16 * 8 * filters, 1))


def dcgan4_generator(filters: int) -> nn.Module:
    """`networks.dcgan.generator`."""
    stack = [nn.Linear(LATENT_DIM, 4 * filters), nn.ReLU(), nn.Unflatten(1, (filters, 2, 2))]
    for _ in range(3):
        stack += [deconv(filters, filters, 5), nn.ReLU()]
    return nn.Sequential(*stack, deconv(filters, 3, 5), nn.Tanh())


def dcgan4_discriminator(filters: int) -> nn.Module:
    """`networks.dcgan.discriminator`."""
    stack = []
    for width in (3, filters, filters, filters):
        stack += [nn.Conv2d(width, filters, 5, 2, padding=2), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(4 * filters, 1))


def resnet_generator(filters: int, size: int) -> nn.Module:
    """`networks.resnet.generator_v1` from 2 pixels a side, `generator_v2` from 4."""
    stack = [nn.Linear(LATENT_DIM, size * size * filters), nn.ReLU(), nn.Unflatten(1, (filters, size, size))]
    for _ in range(3):
        stack += [deconv(filters, filters, 4), nn.ReLU(), Residual(filters, filters // 2)]
    last = deconv(filters, 3, 4) if size == 2 else nn.Conv2d(filters, 3, 3, padding=1)
    return nn.Sequential(*stack, last, nn.Tanh())


def resnet_discriminator(filters: int) -> nn.Module:
    """`networks.resnet.discriminator`."""
    stack = []
    for width, inner in ((3, filters), *[(filters, filters // 2)] * 3):
        stack += [nn.Conv2d(width, filters, 4, 2, padding=1), nn.ReLU(), Residual(filters, inner)]
    return nn.Sequential(*stack, nn.Flatten(), nn.Linear(4 * filters, 1))


# By setting what makes the generator and the discriminator.
NETWORKS: dict[str, tuple[Callable[[int], nn.Module], Callable[[int], nn.Module]]] = {
    "A": (functools.partial(conv4_generator, batch_norm=True), conv4_discriminator),
    "B": (functools.partial(conv4_generator, batch_norm=False), conv4_discriminator),
    "C": (dcgan4_generator, dcgan4_discriminator),
    "D": (dcgan4_generator, dcgan4_discriminator),
    "E": (functools.partial(resnet_generator, size=2), resnet_discriminator),
    "F": (functools.partial(resnet_generator, size=4), resnet_discriminator),
}


def direction(method: str, gamma: float, losses: Sequence, parameters: Sequence[Sequence]) -> list[list]:
    """The direction of each player, in the order discriminator, generator.

    Args:
      method: one of METHODS.
      gamma: γ.
      losses: of both players, scalars; non-saturating here.
      parameters: of both players.
    """
    twice = method != "GAN"
    xi = [
        torch.autograd.grad(loss, own, create_graph=twice, retain_graph=True)
        for loss, own in zip(losses, parameters, strict=True)
    ]
    if not twice:
        return [list(own) for own in xi]
    norms = [gamma / 2 * sum((part * part).sum() for part in own) for own in xi]
    grad = functools.partial(torch.autograd.grad, retain_graph=True, allow_unused=True)
    if method == "ConOpt":
        both = grad(norms[0] + norms[1], [*parameters[0], *parameters[1]])
        added = [both[: len(parameters[0])], both[len(parameters[0]) :]]
    else:
        added = [grad(norms[1], parameters[0]), grad(norms[0], parameters[1])]
    return [
        [part.detach() if more is None else part.detach() + more for part, more in zip(own, extra, strict=True)]
        for own, extra in zip(xi, added, strict=True)
    ]


METHODS = {"GAN": 0.0, "ConOpt": 10.0, "JARE": 100.0}  # γ of JARE section 7
PRECISIONS = {"float32": torch.float32, "mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}


def losses(generator: nn.Module, discriminator: nn.Module, real, latent) -> tuple:
    """Of the discriminator and of the generator, non-saturating."""
    fake = discriminator(generator(latent))
    softplus = functional.softplus
    return softplus(-discriminator(real)).mean() + softplus(fake).mean(), softplus(-fake).mean()


def trainer(setting: str, method: str, precision: str, batch_size: int, filters: int) -> Callable[[], None]:
    """A function that takes a training step, in one of PRECISIONS."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    autocast = functools.partial(torch.autocast, device, PRECISIONS[precision], enabled=precision != "float32")
    torch.manual_seed(0)
    generator, discriminator = (make(filters).to(device) for make in NETWORKS[setting])
    for module in [*generator.modules(), *discriminator.modules()]:
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    parameters = [list(network.parameters()) for network in (discriminator, generator)]
    adam = functools.partial(torch.optim.Adam, lr=1e-4, betas=(0.5, 0.999), eps=1e-8)
    rmsprop = functools.partial(torch.optim.RMSprop, lr=1e-4, alpha=0.9, eps=1e-10)
    optimizers = [(rmsprop if setting == "D" else adam)(own) for own in parameters]
    pixels = torch.randint(0, 256, (batch_size, 3, 32, 32), dtype=torch.uint8, device=device)

    def step() -> None:
        real, latent = pixels.float() / 127.5 - 1, torch.randn(batch_size, LATENT_DIM, device=device)
        with autocast():
            both = losses(generator, discriminator, real, latent)
        for own, parts in zip(parameters, direction(method, METHODS[method], both, parameters), strict=True):
            for parameter, part in zip(own, parts, strict=True):
                parameter.grad = part
        for optimizer in optimizers:
            optimizer.step()
        both[1].item()  # until then a GPU may still be at work

    return step


def main(request: str) -> None:
    """Answers the process that started this one."""
    asked = json.loads(request)
    steps = []
    for method in asked["methods"]:
        step = trainer(asked["setting"], method, asked["precision"], asked["batch_size"], asked["filters"])
        begin = time.perf_counter()
        step()
        steps.append(step)
        print(json.dumps(time.perf_counter() - begin), flush=True)
    for line in sys.stdin:
        steps[int(line)]()
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
