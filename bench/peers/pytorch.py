# PyTorch on the CPU, eager as it is mostly used: both forms of its Adam, and pictures in both orders of memory. As peer.mjs says:
#   python3 pytorch.py --work train|gemm|layers --folder DIR [--threads 1]
import argparse, array, json, math, os, re, resource, struct, time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--work", default="train")
parser.add_argument("--folder", type=Path)
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()

CONV = {"stride": 2, "padding": 1}  # of all convolutions
ORDERS = {"channels first": "contiguous_format", "channels last": "channels_last"}


def floats(data, shape):
    return torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape)


def read(name):
    return floats((options.folder / f"{name}.f32").read_bytes(), task["tensors"][name])


def write(name, value):
    (options.folder / f"{name}.f32").write_bytes(array.array("f", value.flatten().tolist()).tobytes())


def saved():
    """The weights as a saved run has them, in the names and shapes that PyTorch's own would have."""
    data = (options.folder / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = {name: t for name, t in json.loads(data[8:start]).items() if name != "__metadata__"}
    return {name: floats(data[slice(*(start + i for i in t["data_offsets"]))], t["shape"]) for name, t in header.items()}


def pictures(x, order):
    """[n, h, w, c] as PyTorch has it, [n, c, h, w]; how it lies in memory is another matter."""
    return x.permute(0, 3, 1, 2).contiguous(memory_format=getattr(torch, order))


def encode(p, layers, x):
    for name in layers:
        w, b = p[f"{name}.weight"], p[f"{name}.bias"]
        x = F.relu(F.conv2d(x, w, b, **CONV) if w.dim() == 4 else F.linear(x.flatten(1), w, b))
    x = x.flatten(1)
    return [F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"]) for name in ("mean", "logVariance")]


def decode(p, layers, z, order):
    for i, name in enumerate(layers):
        w, b = p[f"{name}.weight"], p[f"{name}.bias"]
        if w.dim() == 4 and z.dim() == 2:  # the first picture, a square of as many channels as the weight takes
            side = math.isqrt(z.shape[1] // w.shape[0])
            z = z.reshape(-1, w.shape[0], side, side).contiguous(memory_format=getattr(torch, order))
        z = F.conv_transpose2d(z, w, b, **CONV) if w.dim() == 4 else F.linear(z, w, b)
        if i < len(layers) - 1:
            z = F.relu(z)
    return z


def train():
    batch = task["batch"]
    layers = {half: [name[:-7] for name in task["parameters"] if re.match(rf"{half}\..*\.weight$", name)] for half in ("encoder", "decoder")}
    has_pictures = len(task["tensors"]["x"]) == 4
    orders = ORDERS if has_pictures else {"": "contiguous_format"}
    ways = [(form, foreach, where) for where in orders for form, foreach in (("Adam of loops", False), ("Adam of foreach", True))]
    losses, trainings = None, []
    for form, foreach, where in ways:
        order = orders[where]
        p = {name: t.contiguous(memory_format=getattr(torch, order)) if t.dim() == 4 else t for name, t in saved().items()}
        p = {name: torch.nn.Parameter(t) for name, t in p.items()}
        x = pictures(read("x"), order) if has_pictures else read("x")
        optimizer = torch.optim.Adam(p.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, foreach=foreach)

        def step(noise=None):
            optimizer.zero_grad(set_to_none=True)
            mean, log_variance = encode(p, layers["encoder"], x)
            eps = torch.randn_like(mean) if noise is None else noise
            y = decode(p, layers["decoder"], mean + torch.exp(0.5 * log_variance) * eps, order)
            reconstruction = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
            kl = 0.5 * torch.sum(mean * mean + log_variance.exp() - log_variance - 1)
            loss = (reconstruction + kl) / batch
            loss.backward()
            optimizer.step()
            return loss

        found = [step(read(name)).item() for name in task["noise"]]
        if losses and any(abs(a - b) > 1e-5 * b for a, b in zip(found, losses)):
            raise RuntimeError(f"{form}, {where} differs: {found}, {losses}")
        losses = found
        first = step().item()
        ms = sampled(step)
        trainings.append({"how": ", ".join(filter(None, (form, where))), "ms": ms, "first": first, "last": step().item()})
    return {"losses": losses, "trainings": trainings}


def gemm():
    products = []
    for product in task["products"]:
        a, b = read(f"{product}.a"), read(f"{product}.b")
        c = torch.mm(a, b)
        write(f"{product}.c", c)
        products.append({"product": product, "ms": each(lambda: torch.mm(a, b, out=c))})
    return {"products": products}


def layers():
    found = []
    for layer in task["layers"]:
        given = [read(f"{layer}.{name}") for name in ("x", "w", "dy")]
        for how, order in ORDERS.items():
            x, dy = pictures(given[0], order), pictures(given[2], order)
            w = given[1].permute(3, 2, 0, 1).contiguous(memory_format=getattr(torch, order))
            passes = {
                "y": lambda: F.conv2d(x, w, **CONV),
                "dx": lambda: torch.nn.grad.conv2d_input(x.shape, w, dy, **CONV),
                "dw": lambda: torch.nn.grad.conv2d_weight(x, w.shape, dy, **CONV),
            }
            for role, run in passes.items():
                write(f"{layer}.{role}", run().permute((2, 3, 1, 0) if role == "dw" else (0, 2, 3, 1)))
                found.append({"layer": layer, "role": role, "how": how, "ms": each(run, 0.15)})
    return {"layers": found}


def each(body, seconds=0.3):
    """Milliseconds of one of many in a row."""

    def run(count):
        for _ in range(count):
            body()

    once = min(sampled(lambda: run(1), 0.1))
    count = math.ceil(5 / once)  # so that a sample takes 5 ms or more
    return [t / count for t in sampled(lambda: run(count), seconds)]


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
    answer = {"train": train, "gemm": gemm, "layers": layers}[options.work]()
    answer["versions"] = {"PyTorch": f"{torch.__version__} ({blas()})"}
except Exception as error:  # it is an answer, too
    answer = {"error": f"{type(error).__name__}: {error}"}
answer["rss"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(answer), flush=True)
os._exit(0)
