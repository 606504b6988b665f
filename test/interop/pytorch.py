"""Loads a run that Elbo saved into modules of PyTorch, strictly, and compares the loss of a batch: pytorch.py RUN BATCH.json"""

import json
import sys

import torch

sys.dont_write_bytecode = True
from vae import Vae


def read_safetensors(path):
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = {name: entry for name, entry in json.loads(data[8:start]).items() if name != "__metadata__"}
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    values = lambda dtype, a, b: torch.frombuffer(bytearray(data[start + a : start + b]), dtype=dtypes[dtype])
    return {name: values(entry["dtype"], *entry["data_offsets"]).reshape(entry["shape"]) for name, entry in header.items()}


run, batch = sys.argv[1:]
config = json.load(open(f"{run}/config.json"))["model"]
model = Vae(config)
model.load_state_dict(read_safetensors(f"{run}/model.safetensors"), strict=True)
batch = json.load(open(batch))
x, noise = [torch.tensor(batch[name]) for name in ("x", "noise")]
for mode in ("evaluated", "trained"):
    model.train(mode == "trained")
    with torch.no_grad():
        reconstruction, kl = model.terms(x, noise)
    theirs = {"loss": reconstruction + config["beta"] * kl, "reconstruction": reconstruction, "kl": kl}
    for name, value in theirs.items():
        ours = batch[mode][name]
        error = abs(value.item() - ours) / abs(ours)
        print(f"{mode} {name}: Elbo {ours:.6f}, PyTorch {value.item():.6f}, relative difference {error:.1e}")
        if not error < 1e-5:
            sys.exit(f"{mode} {name} differs by more than 1e-5")
