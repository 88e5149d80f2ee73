"""The optimiser of all trainings."""

from __future__ import annotations

import inspect

import torch


class AdamW(torch.optim.AdamW):
    """PyTorch's AdamW (Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization), as it is where nothing is
    compiled.

    The original imports PyTorch's compiler, only to tell it to keep out of these methods: more than a second of the
    start of each process that trains.
    """

    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.AdamW.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.AdamW.state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
