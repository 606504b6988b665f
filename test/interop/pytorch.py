"""Loads a run that Elbo saved into modules of PyTorch, strictly, and compares the loss of a batch: pytorch.py RUN BATCH.json"""

import json
import math
import sys

import torch
from torch import nn


def read_safetensors(path):
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = {name: entry for name, entry in json.loads(data[8:start]).items() if name != "__metadata__"}
    values = lambda a, b: torch.frombuffer(bytearray(data[start + a : start + b]), dtype=torch.float32)
    return {name: values(*entry["data_offsets"]).reshape(entry["shape"]) for name, entry in header.items()}


class Vae(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths = [math.prod(config["input"]), *config["hidden"]]
        activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}[config["activation"]]
        rise = lambda sizes: [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), activation())]
        up = [config["latent"], *reversed(config["hidden"])]
        self.encoder = nn.Sequential(*rise(widths))
        self.mean = nn.Linear(widths[-1], config["latent"])
        self.logVariance = nn.Linear(widths[-1], config["latent"])
        self.decoder = nn.Sequential(*rise(up), nn.Linear(up[-1], widths[0]))
        self.likelihood = nn.Module()
        if config["likelihood"] == "gaussian":
            self.likelihood.logScale = nn.Parameter(torch.zeros(()))

    def terms(self, x, noise):
        h = self.encoder(x)
        q = torch.distributions.Normal(self.mean(h), torch.exp(0.5 * self.logVariance(h)))
        decoded = self.decoder(q.mean + q.stddev * noise)
        if hasattr(self.likelihood, "logScale"):
            reconstruction = -torch.distributions.Normal(decoded, self.likelihood.logScale.exp()).log_prob(x)
        else:
            reconstruction = nn.functional.binary_cross_entropy_with_logits(decoded, x, reduction="none")
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
        return reconstruction.sum(1).mean(), kl.sum(1).mean()


run, batch = sys.argv[1:]
config = json.load(open(f"{run}/config.json"))["model"]
model = Vae(config)
model.load_state_dict(read_safetensors(f"{run}/model.safetensors"), strict=True)
batch = json.load(open(batch))
with torch.no_grad():
    reconstruction, kl = model.terms(torch.tensor(batch["x"]), torch.tensor(batch["noise"]))
theirs = {"loss": reconstruction + config["beta"] * kl, "reconstruction": reconstruction, "kl": kl}
for name, value in theirs.items():
    error = abs(value.item() - batch[name]) / abs(batch[name])
    print(f"{name}: Elbo {batch[name]:.6f}, PyTorch {value.item():.6f}, relative difference {error:.1e}")
    if not error < 1e-5:
        sys.exit(f"{name} differs by more than 1e-5")
