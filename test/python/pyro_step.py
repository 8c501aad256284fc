"""Pyro's own AIR example, one training step at its published recipe: milliseconds as one JSON object.

    python pyro_step.py DIR scenes.air --threads 2        DIR: examples/air of Pyro's sources

The model, the guide and the baselines are Pyro's (DIR/air.py); what is here is the part of its main.py that sets them up:

    -n 200000 -blr 0.1 --z-pres-prior 0.01 --scale-prior-sd 0.2 --predict-net 200 --bl-predict-net 200
    --decoder-output-use-sigmoid --decoder-output-bias -2                     and batches of 64, Adam 1e-4, by default
"""

import argparse
import json
import sys

import pyro
import torch
from air_torch import load_images, median_ms
from pyro.infer import SVI, TraceGraph_ELBO

DATA_SIZE, BATCH_SIZE, Z_PRES_PRIOR = 60000, 64, 0.01


def trial_probabilities(k):
    """As make_prior() in Pyro's main.py."""
    u = 1 / (1 + k + k**2 + k**3)
    p0 = 1 - u
    p1 = 1 - (k * u) / p0
    return [p0, p1, 1 - (k**2 * u) / (p0 * p1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("scenes")
    for name, default in {"threads": 1, "warmup": 5, "repeats": 20}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    sys.path.insert(0, args.folder)
    from air import AIR

    torch.set_num_threads(args.threads)
    pyro.set_rng_seed(0)
    images = load_images(args.scenes).float() / 255
    images = images.repeat(-(-DATA_SIZE // len(images)), 1, 1)[:DATA_SIZE]  # it draws a batch from all of its data
    air = AIR(
        num_steps=3,
        x_size=50,
        window_size=28,
        z_what_size=50,
        rnn_hidden_size=256,
        encoder_net=[200],
        decoder_net=[200],
        predict_net=[200],
        bl_predict_net=[200],
        decoder_output_bias=-2,
        decoder_output_use_sigmoid=True,
        scale_prior_sd=0.2,
    )
    adam = pyro.optim.Adam(lambda name: {"lr": 0.1 if "bl_" in name else 1e-4})
    svi = SVI(air.model, air.guide, adam, loss=TraceGraph_ELBO())
    priors = trial_probabilities(Z_PRES_PRIOR)
    step_ms = median_ms(lambda: svi.step(images, batch_size=BATCH_SIZE, z_pres_prior_p=lambda t: priors[t]), args.warmup, args.repeats)
    print(json.dumps({"pyro": pyro.__version__, "threads": args.threads, "step_ms": step_ms}))


if __name__ == "__main__":
    main()
