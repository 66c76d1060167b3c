"""Write the event files in ``pytorch_log`` anew, with PyTorch's own writer.

    python tests/data/write_pytorch_log.py

Needs torch, tensorboard and pillow, in an environment of their own.
"""

import math
from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter

FOLDER = Path(__file__).parent / "pytorch_log"

torch.manual_seed(0)
with SummaryWriter(str(FOLDER / "plain")) as writer:
    for step in range(0, 60, 3):
        writer.add_scalar("loss/train", math.exp(-step / 20), step)
        writer.add_scalars("both", {"sine": math.sin(step), "cosine": math.cos(step)}, step)
    writer.add_scalar("loss/train", math.nan, 60)
    for step in range(3):
        writer.add_histogram("weights", torch.randn(500) * (1 + step), step)
        writer.add_histogram("in_thirty", torch.rand(500), step, bins=30)
        writer.add_image("noise", torch.rand(3, 6, 8), step)
    writer.add_text("remark", "text is no page of ours", 0)
    writer.add_graph(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()), torch.zeros(1, 3))
with SummaryWriter(str(FOLDER / "search")) as writer:
    for rate, layers in ((0.1, 1), (0.01, 2)):
        values = {"rate": rate, "layers": layers, "kind": "adam", "nesterov": layers == 2}
        writer.add_hparams(values, {"accuracy": 1 - rate}, run_name=f"trial_{layers}")
