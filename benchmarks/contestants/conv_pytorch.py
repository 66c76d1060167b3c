"""PyTorch, eager: convolutions in channels-last order, Adam fused."""

import numpy as np
import torch
from conv_common import (
    BETA_1,
    BETA_2,
    CASE,
    EPSILON,
    LEARNING_RATE,
    PROBE,
    batches,
    examples,
    initial_parameters,
    run,
)
from torch import nn

torch.set_num_threads(CASE.threads)


class FlattenLikeOthers(nn.Module):
    """Flatten (n, channel, row, column) in the order row, column, channel: no copy is needed."""

    def forward(self, signal):
        """Return (n, row · column · channel)."""
        return signal.permute(0, 2, 3, 1).flatten(1)


def build() -> nn.Sequential:
    """Return the network with the common initial weights."""
    network = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        FlattenLikeOthers(),
        nn.Linear(7 * 7 * 64, 1024),
        nn.ReLU(),
        nn.Dropout(1 - CASE.keep),
        nn.Linear(1024, 10),
    )
    with torch.no_grad():
        for parameter, value in zip(
            network.parameters(), initial_parameters().values(), strict=True
        ):
            # Outputs come first here.
            axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value.transpose(axes))))
    return network.to(memory_format=torch.channels_last)


def prepare():
    """A loop in Python, a batch gathered in each step."""
    images, labels = (torch.from_numpy(array) for array in examples())
    labels = labels.long()
    order = torch.from_numpy(batches()).long()
    network, criterion = build(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(
        network.parameters(), LEARNING_RATE, (BETA_1, BETA_2), EPSILON, fused=True
    )

    def signals(rows):
        pixels = images[rows].unsqueeze(1).float().div_(255)
        return pixels.contiguous(memory_format=torch.channels_last)

    def train():
        for rows in order:
            optimizer.zero_grad()
            criterion(network(signals(rows)), labels[rows]).backward()
            optimizer.step()

    def loss():
        network.eval()
        with torch.no_grad():
            return float(criterion(network(signals(slice(PROBE))), labels[:PROBE]))

    return train, loss


run(prepare)
