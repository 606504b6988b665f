"""Elbo's models as one writes them in PyTorch: their modules have the names, the shapes and the order that Elbo's files have."""

import math

import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU, "elu": nn.ELU, "softplus": nn.Softplus}


class ChannelNorm(nn.LayerNorm):
    """Over the channels, which are the second axis of pictures and of flat values."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def norm(name, channels, flat):
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
    return {
        "none": lambda: [],
        "batch": lambda: [nn.BatchNorm1d(channels) if flat else nn.BatchNorm2d(channels)],
        "group": lambda: [nn.GroupNorm(groups, channels)],
        "layer": lambda: [ChannelNorm(channels)],
    }[name]()


class Residual(nn.Module):
    def __init__(self, channels, name, activation):
        super().__init__()
        conv = lambda: nn.Conv2d(channels, channels, 3, padding=1)
        self.body = nn.Sequential(conv(), *norm(name, channels, False), activation(), conv(), *norm(name, channels, False))
        self.activation = activation()

    def forward(self, x):
        return self.activation(x + self.body(x))


def dense(config):
    widths = [math.prod(config["input"]), *config["hidden"]]
    activation = ACTIVATIONS[config["activation"]]
    rise = lambda sizes: [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), activation())]
    up = [config["latent"], *reversed(config["hidden"])]
    return nn.Sequential(*rise(widths)), widths[-1], nn.Sequential(*rise(up), nn.Linear(up[-1], widths[0]))


def conv(config):
    kernel, stride, padding = config["kernel"], config["stride"], config["padding"]
    height, width, channels = config["input"]
    activation = ACTIVATIONS[config["activation"]]
    after = lambda n, flat=False: [*norm(config["norm"], n, flat), activation()]
    blocks = lambda n: [Residual(n, config["norm"], activation) for _ in range(config["residual"])]

    down = []
    sizes = [(height, width)]
    filters = [channels, *config["channels"]]
    for a, b in zip(filters, filters[1:]):
        down += [nn.Conv2d(a, b, kernel, stride, padding), *after(b), *blocks(b)]
        sizes.append(tuple((n + 2 * padding - kernel) // stride + 1 for n in sizes[-1]))
    small = (filters[-1], *sizes[-1])
    widths = [math.prod(small), *config["hidden"]]
    down += [nn.Flatten(), *[m for a, b in zip(widths, widths[1:]) for m in (nn.Linear(a, b), *after(b, True))]]

    ups = [config["latent"], *reversed(config["hidden"])]
    up = [m for a, b in zip(ups, ups[1:]) for m in (nn.Linear(a, b), *after(b, True))]
    up += [nn.Linear(ups[-1], widths[0]), nn.Unflatten(1, small), *after(small[0])]
    for i in reversed(range(len(filters) - 1)):
        more = [n - ((m - 1) * stride + kernel - 2 * padding) for n, m in zip(sizes[i], sizes[i + 1])]
        up += blocks(filters[i + 1])
        if config["decoder"] == "upsample":
            up += [nn.Upsample(scale_factor=stride), nn.Conv2d(filters[i + 1], filters[i], 3, padding=1)]
        else:
            up += [nn.ConvTranspose2d(filters[i + 1], filters[i], kernel, stride, padding, more)]
        up += after(filters[i]) if i > 0 else []
    return nn.Sequential(*down), widths[-1], nn.Sequential(*up)


class Vae(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.is_dense = config["model"] == "dense"
        self.encoder, width, self.decoder = (dense if self.is_dense else conv)(config)
        self.mean = nn.Linear(width, config["latent"])
        self.logVariance = nn.Linear(width, config["latent"])
        self.likelihood = nn.Module()
        if config["likelihood"] == "gaussian":
            self.likelihood.logScale = nn.Parameter(torch.zeros(()))

    def terms(self, x, noise):
        """Reconstruction and KL of pictures [n, h, w, c], as Elbo has them."""
        x = x.movedim(3, 1)
        h = self.encoder(x.flatten(1) if self.is_dense else x)
        q = torch.distributions.Normal(self.mean(h), torch.exp(0.5 * self.logVariance(h)))
        decoded = self.decoder(q.mean + q.stddev * noise).reshape(x.shape)
        if hasattr(self.likelihood, "logScale"):
            reconstruction = -torch.distributions.Normal(decoded, self.likelihood.logScale.exp()).log_prob(x)
        else:
            reconstruction = nn.functional.binary_cross_entropy_with_logits(decoded, x, reduction="none")
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(torch.zeros_like(q.mean), 1.0))
        return reconstruction.flatten(1).sum(1).mean(), kl.sum(1).mean()
