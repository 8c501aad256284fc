"""air against its peers, in one run on one machine: medians, ratios, and whether the aims are met, as Markdown on stdout.

    python bench_peers.py --air 'node bin/air.js' --pyro DIR --scenes some.air --train train.air > table.md

DIR is examples/air of Pyro's sources; some.air holds scenes to compute on, train.air 60,000 of them, for `air train`. Each round runs
every peer once, in turn, each in a process of its own (A B C A B C ...), so that a noisy minute hits all of them; a ratio is the
median over rounds of the ratio within a round.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCENES = 60000
BATCH, BATCH_WITH_SUMS, SUMS_FROM, STEPS = 128, 192, 300, 2500  # of the default recipe: see core/config.ts
PYRO_STEPS = 25000  # to 98 %, at batch 64


def said_by(command):
    """What a command prints."""
    print(f"  {shlex.join(command)}", file=sys.stderr, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def peak_megabytes(command):
    """The most memory a command has resident."""
    print(f"  {shlex.join(command)}", file=sys.stderr, flush=True)
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"{shlex.join(command)} failed"
    return usage.ru_maxrss * 1024 / 1e6


def commands_of(args):
    """Every peer by name: a command that prints what it measured as JSON."""
    measure = ["--repeats", str(args.repeats), "--warmup", str(args.warmup)]
    air, python = shlex.split(args.air), [sys.executable, "-W", "ignore"]
    bench = [*air, "bench", "--json", "--batch-size", f"64,{BATCH},{BATCH_WITH_SUMS}", *measure]
    torch = [*python, f"{HERE}/air_torch.py", "bench", args.scenes, "--batch-sizes", "64,128", *measure]
    peers = {
        "Pyro's example": [*python, f"{HERE}/pyro_step.py", args.pyro, args.scenes, "--threads", "2", *measure],
        "PyTorch, 1 thread": [*torch, "--threads", "1"],
        "PyTorch, 2 threads": [*torch, "--threads", "2"],
        "wasm, 1 worker": [*bench, "--backend", "wasm", "--workers", "1"],
        "wasm, 2 workers": [*bench, "--backend", "wasm", "--workers", "2"],
    }
    works = [backend["name"] for backend in json.loads(said_by([*air, "backends", "--json"])) if backend["works"]]
    if "tensorflow" in works:
        peers["tensorflow"] = [*bench, "--backend", "tensorflow"]
    return peers


class Figures:
    """What each round gave, by peer."""

    def __init__(self, rounds):
        self.rounds = rounds

    def of(self, peer, figure):
        """One number per round. `figure` picks it from what the peer said."""
        return [figure(said[peer]) for said in self.rounds]

    def ratio(self, over, under):
        """(peer, figure) over (peer, figure), per round."""
        return [a / b for a, b in zip(self.of(*over), self.of(*under))]


def training(batch, *path):
    """A figure of air's training step at a batch size."""

    def pick(said):
        value = next(one for one in said["training"] if one["batch_size"] == batch)
        for key in path:
            value = value[key]
        return value

    return pick


def torch_step(batch):
    return lambda said: said["step_ms"][str(batch)]


def air_pass(said):
    return said["inference"]["pass_images_per_second"]["median"]


def steps_to_98(logs):
    """Of each log of a training: the first step from which on held-out accuracy is never below 98 %; the median over logs."""
    steps = []
    for log in logs:
        with open(log) as file:
            lines = [json.loads(line) for line in file]
        scores = [(line["step"], line["valid_count_accuracy"]) for line in lines if "valid_count_accuracy" in line]
        below = [step for step, accuracy in scores if accuracy < 0.98]
        steps += [next((step for step, _ in scores if step > max(below, default=0)), STEPS)]
    return statistics.median(steps) if steps else STEPS


def minutes_of(steps):
    """From nothing: scenes, then so many steps of the default recipe."""

    def pick(said):
        ms = [training(batch, "step_ms", "median")(said) for batch in (BATCH, BATCH_WITH_SUMS)]
        with_sums = max(0, steps - SUMS_FROM)
        return (SCENES / said["scenes_per_second"]["median"] + ((steps - with_sums) * ms[0] + with_sums * ms[1]) / 1e3) / 60

    return pick


def pyro_minutes(said):
    return PYRO_STEPS * said["step_ms"] / 6e4


def aims(figures, peak, steps):
    """(figure, backend, aim, numbers); an aim is ('<=' or '>=', bound)."""
    backends = {
        "wasm, 1 worker": ("PyTorch, 1 thread", 0.30, 1.0, 2.0, 200, 1.0, 1 / 20),
        "wasm, 2 workers": ("PyTorch, 2 threads", 0.20, 1.2, None, None, 1.0, 1 / 20),
        "tensorflow": ("PyTorch, 2 threads", 0.15, 1.0, 2.5, 400, 1.0, 1 / 40),
    }
    pyro = ("Pyro's example", lambda said: said["step_ms"])
    for air, (torch, of_pyro, of_torch, of_products, kernels, of_pass, of_time) in backends.items():
        if air not in figures.rounds[0]:
            continue
        step = (air, training(64, "step_ms", "median"))
        yield "training step, batch 64 / Pyro's step", air, ("<=", of_pyro), figures.ratio(step, pyro)
        for batch in (64, 128):
            ratio = figures.ratio((air, training(batch, "step_ms", "median")), (torch, torch_step(batch)))
            yield f"training step, batch {batch} / {torch}", air, ("<=", of_torch), ratio
        if of_products:
            for batch in (64, 128):
                ratio = figures.of(air, training(batch, "step_per_products"))
                yield f"training step, batch {batch} / its matrix products alone", air, ("<=", of_products), ratio
            what, key = ("ops of TensorFlow", "library_ops") if air == "tensorflow" else ("kernels", "kernels")
            yield f"{what} per step, batch 64", air, ("<=", kernels), figures.of(air, training(64, key))
        for batch in (64, 128):
            late = figures.of(air, training(batch, "late", "per_fresh"))
            yield f"training step, batch {batch}, of a trained model / of a fresh one", air, ("<=", 1.1), late
        rate = figures.ratio((air, air_pass), (torch, lambda said: said["images_per_second"]))
        yield f"forward pass, batch 256, images/s / {torch}", air, (">=", of_pass), rate
        time = figures.ratio((air, minutes_of(steps)), ("Pyro's example", pyro_minutes))
        yield f"time from nothing to 98 % ({steps:.0f} steps) / Pyro's ({PYRO_STEPS})", air, ("<=", of_time), time
    for batch, aim in ((64, 1.5), (128, 1.6)):
        one, two = [(f"wasm, {workers}", training(batch, "step_ms", "median")) for workers in ("1 worker", "2 workers")]
        yield f"training step, batch {batch}, one thread / two threads", "wasm", (">=", aim), figures.ratio(one, two)
    made = figures.of("wasm, 1 worker", lambda said: said["scenes_per_second"]["median"])
    yield "gen-data, scenes/s on one core", "-", (">=", 50000), made
    for backend, megabytes in peak.items():
        yield "peak MB of train on 60,000 scenes", backend, ("<=", 1200 if backend == "tensorflow" else 600), [megabytes]
    beyond = figures.of("wasm, 1 worker", lambda said: said["startup"]["beyond_node_ms"]["median"])
    yield "`air --help`, ms beyond `node -e 0`", "-", ("<=", 100), beyond


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def table(figures, peak, steps, before):
    machine = next(iter(said for peer, said in figures.rounds[0].items() if "machine" in said))["machine"]
    torch = figures.rounds[0]["PyTorch, 1 thread"]["torch"]
    pyro = figures.rounds[0]["Pyro's example"]["pyro"]
    yield f"{machine['cpu']}, {os.cpu_count()} cores, load {before:.2f} before; Node {machine['node']}, Python {platform.python_version()}, "
    yield f"torch {torch}, pyro-ppl {pyro}; {len(figures.rounds)} rounds."
    yield "\n| figure | on | aim | measured | rounds | met |\n|---|---|---|---|---|---|"
    for figure, backend, (sign, bound), values in aims(figures, peak, steps):
        middle = statistics.median(values)
        met = middle <= bound if sign == "<=" else middle >= bound
        spread = f"{number(min(values))} .. {number(max(values))}"
        yield f"| {figure} | {backend} | {sign} {number(bound)} | {number(middle)} | {spread} | {'yes' if met else '**no**'} |"
    yield "\n| peer | ms a step, batch 64 | batch 128 | each of the first 100, batch 128 | threads at 64, 128 | forward pass, batch 256, images/s |\n|---|---|---|---|---|---|"
    for peer in figures.rounds[0]:
        said = figures.rounds[0][peer]
        if "training" in said:
            steps = [figures.of(peer, training(batch, "step_ms", "median")) for batch in (64, 128)]
            threads = ", ".join(str(training(batch, "workers")(said)) for batch in (64, 128)) if "wasm" in peer else "its own"
            rates = figures.of(peer, air_pass)
            cold = figures.of(peer, training(128, "cold_ms"))
        elif "images_per_second" in said:
            steps = [figures.of(peer, torch_step(batch)) for batch in (64, 128)]
            threads, rates = said["threads"], figures.of(peer, lambda said: said["images_per_second"])
        else:
            steps, threads, rates = [figures.of(peer, lambda said: said["step_ms"])], said["threads"], None
        first = number(statistics.median(cold)) if "training" in said else "-"
        shown = [number(statistics.median(values)) for values in steps] + ["-"] * (2 - len(steps))
        yield f"| {peer} | {' | '.join(shown)} | {first} | {threads} | {number(statistics.median(rates)) if rates else '-'} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("air", "pyro", "scenes", "train"):
        parser.add_argument(f"--{name}", required=True)
    for name, default in {"rounds": 5, "repeats": 15, "warmup": 10, "memory-steps": 100}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--metrics", nargs="*", default=[], help="logs of trainings by the default recipe; without, 98 %% at its end")
    parser.add_argument("--raw", help="put everything that was said here, as JSON")
    args = parser.parse_args()
    before = os.getloadavg()[0]
    peers = commands_of(args)
    rounds = []
    for turn in range(args.rounds):
        print(f"round {turn + 1} of {args.rounds}", file=sys.stderr, flush=True)
        rounds.append({peer: json.loads(said_by(command)) for peer, command in peers.items()})
    peak = {}
    for backend in ("wasm", "tensorflow"):
        if any(peer.startswith(backend) for peer in peers):
            with tempfile.TemporaryDirectory() as folder:
                train = [*shlex.split(args.air), "train", args.train, "--steps", str(args.memory_steps), "--backend", backend, "-q"]
                peak[backend] = peak_megabytes([*train, "-o", os.path.join(folder, "air.safetensors")])
    if args.raw:
        with open(args.raw, "w") as file:
            json.dump({"rounds": rounds, "peak_megabytes": peak, "load_before": before}, file)
    for line in table(Figures(rounds), peak, steps_to_98(args.metrics), before):
        print(line)


if __name__ == "__main__":
    main()
