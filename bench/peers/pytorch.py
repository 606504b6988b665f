# PyTorch on the CPU, eager as it is mostly used, with both forms of its Adam. It does what peer.mjs says:
#   python3 pytorch.py --work dense|gemm --folder DIR [--threads 1]
import argparse, array, json, math, os, re, resource, time
from pathlib import Path

BATCH = 128
parser = argparse.ArgumentParser()
parser.add_argument("--work", default="dense")
parser.add_argument("--folder", type=Path)
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()


def read(name):
    values = array.array("f")
    values.frombytes((options.folder / f"{name}.f32").read_bytes())
    return torch.tensor(values).reshape(task["tensors"][name])


def dense():
    losses, trainings = None, []
    for how, foreach in (("Adam of loops", False), ("Adam of foreach", True)):
        layers = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1) for name in ("encoder0", "mean", "logVariance", "decoder0", "decoder2")})
        for name in task["parameters"]:
            layer, kind = name.rsplit(".", 1)
            value = read(name)  # weights come as [inputs, outputs]
            setattr(layers[layer.replace(".", "")], kind, torch.nn.Parameter(value.t().contiguous() if kind == "weight" else value))
        x = read("x")
        optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=foreach)

        def step(noise=None):
            optimizer.zero_grad(set_to_none=True)
            h = F.relu(layers["encoder0"](x))
            mean, log_variance = layers["mean"](h), layers["logVariance"](h)
            eps = torch.randn_like(mean) if noise is None else noise
            z = mean + torch.exp(0.5 * log_variance) * eps
            y = layers["decoder2"](F.relu(layers["decoder0"](z)))
            reconstruction = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
            kl = 0.5 * torch.sum(mean * mean + log_variance.exp() - log_variance - 1)
            loss = (reconstruction + kl) / BATCH
            loss.backward()
            optimizer.step()
            return loss

        found = [step(read(name)).item() for name in task["noise"]]
        if losses and any(abs(a - b) > 1e-5 * b for a, b in zip(found, losses)):
            raise RuntimeError(f"the two forms of Adam differ: {found}, {losses}")
        losses = found
        first = step().item()
        ms = sampled(step)
        trainings.append({"how": how, "ms": ms, "first": first, "last": step().item()})
    return {"losses": losses, "trainings": trainings}


def gemm():
    products = []
    for product in task["products"]:
        a, b = read(f"{product}.a"), read(f"{product}.b")
        c = torch.mm(a, b)
        (options.folder / f"{product}.c.f32").write_bytes(array.array("f", c.flatten().tolist()).tobytes())

        def run(count):
            for _ in range(count):
                torch.mm(a, b, out=c)

        once = min(sampled(lambda: run(1), 0.1))
        count = math.ceil(5 / once)  # so that a sample takes 5 ms or more
        products.append({"product": product, "ms": [t / count for t in sampled(lambda: run(count), 0.3)]})
    return {"products": products}


def sampled(body, seconds=0.6):
    warm = time.perf_counter() + seconds / 3
    while True:
        body()
        if time.perf_counter() >= warm:
            break
    ms = []
    end = time.perf_counter() + seconds
    while len(ms) < 3 or (len(ms) < 60 and time.perf_counter() < end):
        start = time.perf_counter()
        body()
        ms.append((time.perf_counter() - start) * 1e3)
    return ms


def blas():
    """The library that products are computed by, as it is mapped; Debian's PyTorch takes any that is installed."""
    libraries = set(re.findall(r"/(lib[\w+-]*(?:blas|mkl_rt)[\w+.-]*)$", Path("/proc/self/maps").read_text(), re.M))
    return ", ".join(sorted(name for name in libraries if not name.startswith("libblas.")) or sorted(libraries)) or "its own"


try:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    task = json.loads((options.folder / "task.json").read_text())
    answer = {"dense": dense, "gemm": gemm}[options.work]()
    answer["versions"] = {"PyTorch": f"{torch.__version__} ({blas()})"}
except Exception as error:  # it is an answer, too
    answer = {"error": f"{type(error).__name__}: {error}"}
answer["rss"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(answer), flush=True)
os._exit(0)
