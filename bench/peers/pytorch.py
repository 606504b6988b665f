# PyTorch: eager as it is mostly used, compiled, or as one CUDA graph, with the forms of its Adam that suit, and pictures in both orders of
# memory. As peer.mjs says:
#   python3 pytorch.py --work train|gemm|layers|kernels --folder DIR [--threads 1] [--device cpu|cuda] [--mode eager|compile|graph] [--tf32]
import argparse, ctypes, json, math, os, re, resource, struct, time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--work", default="train")
parser.add_argument("--folder", type=Path)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--device", default="cpu")
parser.add_argument("--mode", default="eager")
parser.add_argument("--tf32", action="store_true")  # tensor cores for float32, of whose fractions they take ten bits
parser.add_argument("--started", type=int, default=0)
parser.add_argument("--judged-only", action="store_true")
options = parser.parse_args()

CONV = {"stride": 2, "padding": 1}  # of all convolutions
ORDERS = {"channels first": "contiguous_format", "channels last": "channels_last"}
ADAMS = {"loops": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
FORMS = {"cpu": ("loops", "foreach"), "cuda": ("foreach", "fused")}  # of Adam, by device


def floats(data, shape):
    return torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape).to(options.device)


def read(name):
    return floats((options.folder / f"{name}.f32").read_bytes(), task["tensors"][name])


def write(name, value):
    values = value.detach().float().cpu().flatten().contiguous()
    (options.folder / f"{name}.f32").write_bytes(ctypes.string_at(values.data_ptr(), 4 * values.numel()))


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


def idle():
    if options.device == "cuda":
        torch.cuda.synchronize()


def loss_of(p, layers, x, eps, order):
    mean, log_variance = encode(p, layers["encoder"], x)
    y = decode(p, layers["decoder"], mean + torch.exp(0.5 * log_variance) * eps, order)
    reconstruction = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
    kl = 0.5 * torch.sum(mean * mean + log_variance.exp() - log_variance - 1)
    return (reconstruction + kl) / task["batch"]


def training_step(layers, x, order, form):
    """A function that trains one step, with noise that is given or drawn, and returns the loss."""
    p = {name: t.contiguous(memory_format=getattr(torch, order)) if t.dim() == 4 else t for name, t in saved().items()}
    p = {name: torch.nn.Parameter(t) for name, t in p.items()}
    capturable = {"capturable": True} if options.mode == "graph" else {}
    optimizer = torch.optim.Adam(p.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **ADAMS[form], **capturable)
    loss_now = torch.compile(loss_of) if options.mode == "compile" else loss_of
    noise_like = read(task["noise"][0])

    def step(noise=None):
        optimizer.zero_grad(set_to_none=True)
        eps = torch.randn_like(noise_like) if noise is None else noise
        loss = loss_now(p, layers, x, eps, order)
        loss.backward()
        optimizer.step()
        return loss

    return graphed(step, list(p.values()), optimizer, noise_like) if options.mode == "graph" else step


def graphed(step, parameters, optimizer, noise_like):
    """The same as CUDA graphs, one for each kind of noise: all kernels of a step in one launch."""
    before = [t.detach().clone() for t in parameters]
    given = noise_like.clone()  # what is copied here is the next step's noise
    # It is warmed up beside the main stream, as the documentation wants it; what those steps did is undone.
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for noise in (given, None, given):
            step(noise)
    torch.cuda.current_stream().wait_stream(side)
    captured = {}
    for kind, noise in (("given", given), ("drawn", None)):
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            loss = step(noise)
        captured[kind] = (graph, loss)
    with torch.no_grad():
        for t, value in zip(parameters, before):
            t.copy_(value)
        for state in optimizer.state.values():
            for t in state.values():
                t.zero_()

    def replay(noise=None):
        if noise is not None:
            given.copy_(noise)
        graph, loss = captured["drawn" if noise is None else "given"]
        graph.replay()
        return loss

    return replay


def train():
    layers = {half: [name[:-7] for name in task["parameters"] if re.match(rf"{half}\..*\.weight$", name)] for half in ("encoder", "decoder")}
    has_pictures = len(task["tensors"]["x"]) == 4
    orders = ORDERS if has_pictures else {"": "contiguous_format"}
    losses, trainings, ready = None, [], 0
    for where, order in orders.items():
        x = pictures(read("x"), order) if has_pictures else read("x")
        for form in FORMS[options.device]:
            how = ", ".join(filter(None, (f"Adam {'of ' if form != 'fused' else ''}{form}", where)))
            step = training_step(layers, x, order, form)
            found = []
            for name in task["noise"]:
                found.append(step(read(name)).item())
                ready = ready or time.time() * 1e3 - options.started
            if losses and any(abs(a - b) > (1e-3 if options.tf32 else 1e-5) * b for a, b in zip(found, losses)):
                raise RuntimeError(f"{how} differs: {found}, {losses}")
            losses = found
            first = step().item()
            ms = each(step, 0.6)
            trainings.append({"how": how, "ms": ms, "first": first, "last": step().item()})
    return {"losses": losses, "trainings": trainings, "ready": round(ready)}


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


def kernels():
    """The kernels of the task, of tasks/kernels.mjs, one line of JSON for each as soon as it is found."""
    makers = {"matmul": matmul, "matmul f16": matmul_f16, "conv": conv, "chain": chain, "sum": whole_sum}
    for name in task["kernels"]:
        operands = [read(tensor) for tensor in task["tensors"] if tensor.startswith(f"{name}.")]
        try:
            for how, f, result in makers[re.sub(r" \S+", "", name, count=1)](*operands):
                f = torch.compile(f) if options.mode == "compile" else f
                write(".".join(filter(None, (name, how, "got"))), result(f()))
                print(json.dumps({"kernel": name, **({"how": how} if how else {}), "ms": each(f)}), flush=True)
        except Exception as error:
            print(json.dumps({"kernel": name, "error": first_line(error)}), flush=True)
    return {}


# Of each kernel the ways to compute it: how, the function that does, and its result in the task's order of axes.
def same(y):
    return y


def matmul(a, b):
    return [("", lambda: torch.mm(a, b), same)]


def matmul_f16(a, b):
    a, b = a.half(), b.half()
    return [("", lambda: torch.mm(a, b), same)]


def conv(x, w):
    def way(order):
        picture, weight = pictures(x, order), w.permute(3, 2, 0, 1).contiguous(memory_format=getattr(torch, order))
        return lambda: F.conv2d(picture, weight, **CONV)

    return [(how, way(order), lambda y: y.permute(0, 2, 3, 1)) for how, order in ORDERS.items()]


def chain(x, w, b):
    return [("", lambda: x * torch.sigmoid(x * w + b), same)]


def whole_sum(x):
    return [("", lambda: x.sum(), lambda y: y.reshape(1))]


def each(body, seconds=0.3):
    """Milliseconds of one of many in a row."""

    def run(count):
        for _ in range(count):
            body()
        idle()

    first = sampled(lambda: run(1), 0.1)
    if min(first) > 100:  # of which a few samples are enough
        return first
    count = math.ceil(5 / min(first))  # so that a sample takes 5 ms or more
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


def first_line(error):
    return f"{type(error).__name__}: {error}".split("\n")[0]


def version():
    if options.device == "cpu":
        return f"{torch.__version__} ({blas()})"
    return f"{torch.__version__} (CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, {torch.cuda.get_device_name()})"


try:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = options.tf32
    torch.backends.cudnn.allow_tf32 = options.tf32
    torch.backends.cudnn.benchmark = options.device == "cuda"  # its fastest convolution, found by trying, as who trains long would have it
    task = json.loads((options.folder / "task.json").read_text())
    answer = {"train": train, "gemm": gemm, "layers": layers, "kernels": kernels}[options.work]()
    answer["versions"] = {"PyTorch": version()}
except Exception as error:  # it is an answer, too
    answer = {"error": first_line(error)}
answer["rss"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(answer), flush=True)
os._exit(0)
