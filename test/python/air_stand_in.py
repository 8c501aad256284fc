"""A class that stands in for AIR of Pyro's example where its sources are not at hand: in PyTorch alone, with the same
arguments and the same names in its state_dict. `make test-pyro` holds it against numbers recorded from Pyro's own class
(fixtures/oracle/pyro-air-small.safetensors) before it trusts it.
"""

import torch
from torch import nn
from torch.distributions import Bernoulli, Normal
from torch.nn.functional import affine_grid, grid_sample, softplus


def part(**parts):
    """A module with these modules in it."""
    module = nn.Module()
    for name, one in parts.items():
        setattr(module, name, one)
    return module


def net(sizes, unit, ends_with_unit=False):
    """Linear layers at 0, 2, ... of `seq`, units between them."""
    layers = []
    for before, after in zip(sizes, sizes[1:]):
        layers += [nn.Linear(before, after), unit()]
    return part(seq=nn.Sequential(*(layers if ends_with_unit else layers[:-1])))


def sampled(pictures, matrix, side):
    """Pictures [B, side', side'] seen through z_where as (scale, x, y), as [B, side, side]."""
    scale, x, y = matrix[:, 0], matrix[:, 1], matrix[:, 2]
    zero = torch.zeros_like(scale)
    theta = torch.stack([torch.stack([scale, zero, x], 1), torch.stack([zero, scale, y], 1)], 1)
    grid = affine_grid(theta, (len(pictures), 1, side, side), align_corners=False)
    return grid_sample(pictures[:, None], grid, align_corners=False)[:, 0]


class AIR(nn.Module):
    def __init__(
        self, num_steps, x_size, window_size, z_what_size, rnn_hidden_size, encoder_net=(), decoder_net=(), predict_net=(),
        embed_net=None, bl_predict_net=(), non_linearity="ReLU", decoder_output_bias=None, decoder_output_use_sigmoid=False,
        use_baselines=True, baseline_scalar=None, scale_prior_mean=3.0, scale_prior_sd=0.1, pos_prior_mean=0.0,
        pos_prior_sd=1.0, likelihood_sd=0.3,
    ):  # fmt: skip
        super().__init__()
        self.num_steps, self.x_size, self.window_size, self.likelihood_sd = num_steps, x_size, window_size, likelihood_sd
        self.shift, self.is_bounded = decoder_output_bias or 0, decoder_output_use_sigmoid
        unit, hidden = getattr(nn, non_linearity), rnn_hidden_size

        def constant(scale, position):
            return nn.Parameter(torch.tensor([scale, position, position]), requires_grad=False)

        def start(size):
            return nn.Parameter(torch.zeros(1, size))

        def embedding():
            return nn.Identity() if embed_net is None else net([x_size**2, *embed_net], unit, ends_with_unit=True)

        self.z_where_loc_prior = constant(scale_prior_mean, pos_prior_mean)
        self.z_where_scale_prior = constant(scale_prior_sd, pos_prior_sd)
        seen = (x_size**2 if embed_net is None else embed_net[-1]) + 3 + z_what_size + 1
        self.rnn, self.bl_rnn = nn.LSTMCell(seen, hidden), nn.LSTMCell(seen, hidden)
        self.embed, self.bl_embed = embedding(), embedding()
        self.encode = part(mlp=net([window_size**2, *encoder_net, 2 * z_what_size], unit))
        self.decode = part(mlp=net([z_what_size, *decoder_net, window_size**2], unit))
        self.predict = part(mlp=net([hidden, *predict_net, 7], unit))
        self.bl_predict = net([hidden, *bl_predict_net, 1], unit)
        self.h_init, self.c_init, self.bl_h_init, self.bl_c_init = (start(hidden) for _ in range(4))
        self.z_where_init, self.z_what_init = start(3), start(z_what_size)

    def replay(self, images, latents, trials):
        """What guide and model say of given latents: log-probabilities [B] by site, and distributions by site.

        images [B, H, H]; latents: z_pres [B, 1], z_where [B, 3], z_what [B, Z] of each step; trials: the prior's
        probabilities that there is one more object. Without z_pres neither place nor look counts.
        """
        batch, window = len(images), self.window_size
        guide, model, normals = {}, {}, {}
        seen = images.flatten(1)
        seen = seen if isinstance(self.embed, nn.Identity) else self.embed.seq(seen)
        h, c = self.h_init.expand(batch, -1), self.c_init.expand(batch, -1)
        before_where, before_what = self.z_where_init.expand(batch, -1), self.z_what_init.expand(batch, -1)
        before_pres, canvas = torch.ones_like(seen[:, :1]), torch.zeros_like(images)
        for t, (pres, where, what) in enumerate(latents):
            h, c = self.rnn(torch.cat([seen, before_where, before_what, before_pres], 1), (h, c))
            said = self.predict.mlp.seq(h)
            p = torch.sigmoid(said[:, :1]) * before_pres
            q_where = Normal(said[:, 1:4] + self.z_where_loc_prior, softplus(said[:, 4:]) * self.z_where_scale_prior)
            back = torch.cat([torch.ones_like(pres), -where[:, 1:]], 1) / where[:, :1]
            attended = sampled(images, back, window).flatten(1)
            loc, raw_scale = self.encode.mlp.seq(attended).chunk(2, 1)
            q_what = Normal(loc, softplus(raw_scale))

            guide[f"z_pres_{t}"] = Bernoulli(p).log_prob(pres).sum(1)
            model[f"z_pres_{t}"] = Bernoulli(trials[t] * before_pres).log_prob(pres).sum(1)
            p_where = Normal(self.z_where_loc_prior, self.z_where_scale_prior)
            p_what = Normal(torch.zeros_like(loc), torch.ones_like(loc))
            for site, value, q_site, p_site in [("z_where", where, q_where, p_where), ("z_what", what, q_what, p_what)]:
                guide[f"{site}_{t}"] = (q_site.log_prob(value) * pres).sum(1)
                model[f"{site}_{t}"] = (p_site.log_prob(value) * pres).sum(1)
                normals[f"{site}_{t}"] = (q_site.loc, q_site.scale)

            logits = self.decode.mlp.seq(what) + self.shift
            decoded = torch.sigmoid(logits) if self.is_bounded else logits
            canvas = canvas + sampled(decoded.view(batch, window, window), where, self.x_size) * pres[:, :, None]
            before_pres, before_where, before_what = pres, where, what
        model["obs"] = Normal(canvas, self.likelihood_sd).log_prob(images).flatten(1).sum(1)
        return {"guide": guide, "model": model, "normals": normals}
