"""AIR of Pyro's example beside air, for `make test-pyro`: JSON on stdout. With PYRO_AIR=DIR (examples/air of Pyro's sources) the
class is Pyro's own, otherwise one that stands in for it (air_stand_in.py).

    python pyro_air.py new CALL FILE --seed N         CALL makes it: 'AIR(num_steps=3, ...)'; its state_dict, as safetensors
    python pyro_air.py oracle FILE                    what the class says of the latents recorded in an oracle file
    python pyro_air.py replay CALL FILE LATENTS.air --prior geometric|trials --rarity K
                                                      what it says, with these weights, of latents that air infer drew

In float64, so that what differs is air's. State dicts are loaded strictly.
"""

import argparse
import json
import os
import sys

import torch
from air_stand_in import AIR as StandIn
from readers import read_stream
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.distributions import Normal, kl_divergence

FOLDER = os.environ.get("PYRO_AIR", "")


def make_pyros(**arguments):
    """Pyro's own class, with the method that is asked of it here: traces of guide and model with all latents given."""
    sys.path.insert(0, FOLDER)
    from air import AIR
    from pyro import poutine

    class Traced(AIR):
        def replay(self, images, latents, trials):
            self.options = {"dtype": images.dtype, "device": images.device}
            names = ["z_pres", "z_where", "z_what"]
            given = {f"{name}_{t}": value for t, step in enumerate(latents) for name, value in zip(names, step)}
            arguments = {"data": images, "batch_size": len(images), "z_pres_prior_p": lambda t: trials[t]}
            guide, model = (
                poutine.trace(poutine.condition(side, data=given)).get_trace(**arguments)
                for side in (self.guide, self.model)
            )
            for trace in (guide, model):
                trace.compute_log_prob()

            def log_probs(trace):
                return {name: site["log_prob"] for name, site in trace.nodes.items() if name in given or name == "obs"}

            def normal(site):
                while not isinstance(site, torch.distributions.Normal):
                    site = site.base_dist
                return site.loc, site.scale

            normals = {name: normal(guide.nodes[name]["fn"]) for name in given if not name.startswith("z_pres")}
            return {"guide": log_probs(guide), "model": log_probs(model), "normals": normals}

    return Traced(**arguments)


def make(call):
    """The class called as the text says."""
    return eval(call, {"__builtins__": {}, "AIR": make_pyros if FOLDER else StandIn, "True": True, "False": False})


def trial_probabilities(prior, rarity, steps):
    """Of the chain "is there one more?": the prior P(n) ~ k^n, n = 0..N, or the same probability at every step."""
    if prior == "trials":
        return [rarity] * steps
    odds = [sum(rarity**n for n in range(1, steps - t + 1)) for t in range(steps)]
    return [o / (1 + o) for o in odds]


def new(call, file, seed):
    """Initial values of PyTorch, and a little noise on top, so that what begins with zeros has something to say too."""
    torch.manual_seed(seed)
    air = make(call)
    with torch.no_grad():
        for weights in air.parameters():
            if weights.requires_grad:
                weights.add_(0.1 * torch.randn_like(weights))
    save_file({name: value.contiguous() for name, value in air.state_dict().items()}, file)
    return {"tensors": len(air.state_dict())}


def oracle(file):
    tensors = load_file(file)
    with safe_open(file, "pt") as opened:
        config = json.loads(opened.metadata()["config"])
    steps, rarity = config["num_steps"], config["z_pres_prior"]
    call = {name: value for name, value in config.items() if name not in ("z_pres_prior", "align_corners", "seed")}
    air = (make_pyros if FOLDER else StandIn)(**call)
    air.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("param.")}, strict=True)
    latents = [[tensors[f"{name}.{t}"].double() for name in ("z_pres", "z_where", "z_what")] for t in range(steps)]
    said = air.double().replay(tensors["images"].double(), latents, trial_probabilities("geometric", rarity, steps))
    return {side: {site: value.tolist() for site, value in said[side].items()} for side in ("guide", "model")}


def replay(call, weights, stream, prior):
    """The enumerated ELBO of each image along the latents of a stream, and what it is made of."""
    air = make(call)
    air.load_state_dict(load_file(weights), strict=True)
    air.double()
    ((header, records),) = read_stream(stream)
    rows = [list(memoryview(record["image"])) for record in records]
    images = torch.tensor(rows, dtype=torch.float64).view(len(records), *header["canvas"]) / 255
    steps = len(records[0]["steps"])

    def drawn(t, name):
        return torch.stack([torch.frombuffer(bytearray(r["steps"][t][name]), dtype=torch.float32) for r in records]).double()

    where, what = [[drawn(t, name) for t in range(steps)] for name in ("where", "what")]
    log_q, log_p, log_lik = [], [], []
    for n in range(steps + 1):
        pres = [torch.full((len(records), 1), float(t < n), dtype=torch.float64) for t in range(steps)]
        said = air.replay(images, list(zip(pres, where, what)), trial_probabilities(*prior, steps))
        for logs, side in [(log_q, "guide"), (log_p, "model")]:
            logs.append(sum(said[side][f"z_pres_{t}"] for t in range(steps)))
        log_lik.append(said["model"]["obs"])
    # the last of them has all objects: every site counts
    log_q, log_p, log_lik = (torch.stack(logs, 1) for logs in (log_q, log_p, log_lik))
    kls, ratios = {}, 0
    for site, size in [("z_where", 3), ("z_what", what[0].shape[1])]:
        priors = (air.z_where_loc_prior, air.z_where_scale_prior) if site == "z_where" else (torch.zeros(size), torch.ones(size))
        normals = [said["normals"][f"{site}_{t}"] for t in range(steps)]
        kls[site] = torch.stack([kl_divergence(Normal(*one), Normal(*priors)).sum(1) for one in normals], 1)
        logs = [said["model"][f"{site}_{t}"] - said["guide"][f"{site}_{t}"] for t in range(steps)]
        ratios = ratios + torch.cumsum(torch.stack(logs, 1), 1)
    q = log_q.exp()
    tail = torch.stack([q[:, t:].sum(1) for t in range(1, steps + 1)], 1)
    terms = {
        "log_lik": (q * log_lik).sum(1),
        "kl_n": (q * (log_q - log_p)).sum(1),
        "kl_z_where": (tail * kls["z_where"]).sum(1),
        "kl_z_what": (tail * kls["z_what"]).sum(1),
    }
    weights_of_counts = log_lik + log_p + torch.cat([torch.zeros(len(records), 1), ratios], 1)
    scales = {site: [said["normals"][f"{site}_{t}"][1].tolist() for t in range(steps)] for site in ("z_where", "z_what")}
    return {
        "q": q.tolist(),
        "elbo": (terms["log_lik"] - terms["kl_n"] - terms["kl_z_where"] - terms["kl_z_what"]).tolist(),
        "terms": {name: value.mean().item() for name, value in terms.items()},
        "bound": torch.logsumexp(weights_of_counts, 1).mean().item(),
        "where_scale": scales["z_where"],
        "what_scale": scales["z_what"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, operands in {"new": ["call", "file"], "oracle": ["file"], "replay": ["call", "file", "latents"]}.items():
        one = commands.add_parser(command)
        for operand in operands:
            one.add_argument(operand)
        one.add_argument("--seed", type=int, default=0)
        one.add_argument("--prior", choices=["geometric", "trials"], default="geometric")
        one.add_argument("--rarity", type=float, default=0.5)
    args = parser.parse_args()
    with torch.no_grad():
        if args.command == "new":
            said = new(args.call, args.file, args.seed)
        elif args.command == "oracle":
            said = oracle(args.file)
        else:
            said = replay(args.call, args.file, args.latents, (args.prior, args.rarity))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
