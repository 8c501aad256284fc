"""The default recipe of air in PyTorch, to be measured against: the same model, objective and optimiser, from core/.

    python air_torch.py check fixtures/oracle/torch-air-difference-small.safetensors
        is it the same model? values and gradients against recorded ones
    python air_torch.py bench scenes.air --batch-sizes 64,128 --threads 2
        one JSON object: milliseconds of a training step by batch size, images a second of a forward pass

Weights have the names and layouts of air's checkpoints, which are those of Pyro's example. Batch B, canvas 50 x 50.
"""

import argparse
import json
import math
import statistics
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

CANVAS, STEPS = 50, 3


class Mlp(nn.Module):
    """Linear layers with ReLU between them, as `seq.0`, `seq.2`, ..."""

    def __init__(self, *sizes):
        super().__init__()
        layers = [nn.Linear(*pair) for pair in zip(sizes, sizes[1:])]
        self.seq = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])

    def forward(self, x):
        return self.seq(x)


class Named(nn.Module):
    """A network under the name `mlp`, as Pyro's example has it."""

    def __init__(self, *sizes):
        super().__init__()
        self.mlp = Mlp(*sizes)

    def forward(self, x):
        return self.mlp(x)


class Air(nn.Module):
    def __init__(self, window=28, z_what=20, hidden=128, net=200, embed=256, pool=2):
        super().__init__()
        self.window, self.z_what, self.pool = window, z_what, pool
        self.embed = Mlp((CANVAS // pool) ** 2, embed)
        self.rnn = nn.LSTMCell(embed + 3 + z_what + 1, hidden)
        self.predict = Named(hidden, net, 7)
        self.encode = Named(window**2, net, 2 * z_what)
        self.decode = Named(z_what, net, window**2)
        for name, size in {"h": hidden, "c": hidden, "z_where": 3, "z_what": z_what}.items():
            setattr(self, f"{name}_init", nn.Parameter(torch.zeros(1, size)))
        self.register_buffer("where_mean", torch.tensor([3.0, 0.0, 0.0]), persistent=False)
        self.register_buffer("where_sd", torch.tensor([0.2, 1.0, 1.0]), persistent=False)

    def forward(self, images, noise):
        """The all-present path: logits [B, N], log p(x | z_1..n) [B, N+1], KL [B, N]. noise(t, name, like) is standard normal."""
        batch = len(images)
        canvas = torch.zeros_like(images)
        h, c = self.h_init.expand(batch, -1), self.c_init.expand(batch, -1)
        where, what = self.z_where_init.expand(batch, -1), self.z_what_init.expand(batch, -1)
        present = torch.ones(batch, 1)
        logits, log_lik, kl = [], [log_likelihood(images, canvas)], []
        for t in range(STEPS):
            rest = F.avg_pool2d((images - canvas.detach()).unsqueeze(1), self.pool).flatten(1)
            seen = F.relu(self.embed(rest))
            h, c = self.rnn(torch.cat([seen, where, what, present], 1), (h, c))
            logit, where_loc, where_raw = self.predict(h).split([1, 3, 3], 1)
            where_loc, where_scale = where_loc + self.where_mean, F.softplus(where_raw) * self.where_sd
            where = where_loc + where_scale * noise(t, "z_where", where_loc)
            s, x, y = where.unbind(1)

            window = sample(images, 1 / s, -x / s, -y / s, self.window)
            what_loc, what_raw = self.encode(window.flatten(1)).chunk(2, 1)
            what_scale = F.softplus(what_raw)
            what = what_loc + what_scale * noise(t, "z_what", what_loc)

            decoded = torch.sigmoid(self.decode(what) - 2).view(batch, self.window, self.window)
            canvas = canvas + sample(decoded, s, x, y, CANVAS)
            logits.append(logit)
            log_lik.append(log_likelihood(images, canvas))
            kl.append(kl_normal(where_loc, where_scale, self.where_mean, self.where_sd) + kl_normal(what_loc, what_scale, 0.0, 1.0))
        return torch.cat(logits, 1), torch.stack(log_lik, 1), torch.stack(kl, 1)


def sample(images, s, x, y, size):
    """Spatial transformer [[s, 0, x], [0, s, y]]: bilinear, zero outside. [B, h, w] -> [B, size, size]"""
    zero = torch.zeros_like(s)
    theta = torch.stack([s, zero, x, zero, s, y], 1).view(-1, 2, 3)
    grid = F.affine_grid(theta, (len(images), 1, size, size), align_corners=False)
    return F.grid_sample(images.unsqueeze(1), grid, align_corners=False).squeeze(1)


def log_likelihood(images, canvas, sd=0.3):
    return -((images - canvas) ** 2).sum((1, 2)) / (2 * sd**2) - CANVAS**2 * math.log(sd * math.sqrt(2 * math.pi))


def kl_normal(loc, scale, prior_loc, prior_scale):
    ratio = scale / prior_scale
    return (0.5 * (ratio**2 + ((loc - prior_loc) / prior_scale) ** 2 - 1) - torch.log(ratio)).sum(1)


def elbo(logits, log_lik, kl, k):
    """Exact in n: [B]. k: each further object is k times as likely a priori."""
    stay = torch.cumsum(F.logsigmoid(logits), 1)  # log q(n >= t)
    stop = F.logsigmoid(-logits)
    log_q = torch.cat([stop[:, :1], stay[:, :-1] + stop[:, 1:], stay[:, -1:]], 1)
    log_prior = torch.log_softmax(torch.arange(STEPS + 1.0) * math.log(k), 0)
    return (log_q.exp() * (log_lik + log_prior - log_q)).sum(1) - (stay.exp() * kl).sum(1)


def standard_normal(_step, _name, like):
    return torch.randn_like(like)


# --- check ----------------------------------------------------------------------------------------------------------------


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], "<f4").copy()
        tensors[name] = torch.from_numpy(values).view(entry["shape"])
    return tensors, metadata


def check(path):
    """ELBO to 1e-5 and every gradient to 1e-4, of the largest value, against recorded ones."""
    recorded, metadata = read_safetensors(path)
    config = json.loads(metadata["config"])
    net = Air(config["window"], config["z_what"], config["hidden"], config["net"], config["embed"])
    net.load_state_dict({name[6:]: tensor for name, tensor in recorded.items() if name.startswith("param.")})
    value = elbo(*net(recorded["images"], lambda t, name, _: recorded[f"enum.noise.{name}.{t}"]), config["z_pres_prior"])
    (-value.mean()).backward()

    def error(actual, expected):
        return ((actual - expected).abs().max() / expected.abs().max()).item()

    errors = {name: error(weight.grad, recorded[f"enum.grad.{name}"]) for name, weight in net.named_parameters()}
    worst = max(errors, key=errors.get)
    print(f"ELBO off by {error(value.detach(), recorded['enum.elbo']):.1e}, gradients by at most {errors[worst]:.1e} ({worst})")
    assert error(value.detach(), recorded["enum.elbo"]) < 1e-5 and errors[worst] < 1e-4


# --- bench ----------------------------------------------------------------------------------------------------------------


def load_images(path):
    """uint8 [count, 50, 50] of a stream of scenes."""
    from readers import read_stream

    [(_, records)] = read_stream(path)
    return torch.from_numpy(numpy.stack([numpy.frombuffer(record["image"], numpy.uint8) for record in records])).view(-1, CANVAS, CANVAS)


def median_ms(run, warmup, repeats):
    times = []
    for _ in range(warmup + repeats):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[warmup:])


def make_step(net, images, batch_size):
    """A training step as air does it: other images each time, from bytes on."""
    adam = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999), fused=True)
    order = torch.arange(batch_size)

    def step():
        batch = images[order].float() / 255
        order.add_(batch_size).remainder_(len(images))
        loss = -elbo(*net(batch, standard_normal), 1e-4).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def bench(args):
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    images = load_images(args.scenes)
    net = Air()
    steps = {size: median_ms(make_step(net, images, size), args.warmup, args.repeats) for size in args.batch_sizes}
    bytes_of_batch = images[:256]

    def infer():
        with torch.inference_mode():
            net(bytes_of_batch.float() / 255, standard_normal)

    rate = 1e3 * len(bytes_of_batch) / median_ms(infer, args.warmup, args.repeats)
    print(json.dumps({"torch": torch.__version__, "threads": args.threads, "step_ms": steps, "images_per_second": rate}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("recorded")
    measuring = commands.add_parser("bench")
    measuring.add_argument("scenes")
    measuring.add_argument("--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=[64])
    for name, default in {"threads": 1, "warmup": 5, "repeats": 20}.items():
        measuring.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    check(args.recorded) if args.command == "check" else bench(args)


if __name__ == "__main__":
    main()
