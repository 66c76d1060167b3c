"""PyTorch, eager, with its fused gradient descent: one replicate after another."""

import torch
from common import L2, LEARNING_RATE, Case, initial_weights, points, run

torch.set_num_threads(1)


def prepare(case: Case):
    """Modules of torch.nn; the penalty as weight decay of the matrices."""
    x, label = points(case.precision)
    x, label = torch.from_numpy(x), torch.from_numpy(label)
    criterion = torch.nn.CrossEntropyLoss()
    models = []
    for seed in range(case.replicates):
        drawn = initial_weights(case, seed)
        parts = []
        for matrix in drawn:
            layer = torch.nn.Linear(*matrix.shape, dtype=getattr(torch, case.precision))
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(matrix.T))
                layer.bias.zero_()
            parts += [layer, torch.nn.Tanh()]
        model = torch.nn.Sequential(*parts[:-1])
        layers = [part for part in model if isinstance(part, torch.nn.Linear)]
        optimizer = torch.optim.SGD(
            [
                {"params": [layer.weight for layer in layers], "weight_decay": L2},
                {"params": [layer.bias for layer in layers]},
            ],
            lr=LEARNING_RATE,
            fused=True,
        )
        models.append((model, optimizer, layers))

    def train():
        for model, optimizer, _ in models:
            for _ in range(case.passes):
                optimizer.zero_grad()
                criterion(model(x), label).backward()
                optimizer.step()

    def losses():
        found = []
        with torch.no_grad():
            for model, _, layers in models:
                penalty = L2 / 2 * sum(float((layer.weight**2).sum()) for layer in layers)
                found.append(float(criterion(model(x), label)) + penalty)
        return found

    return train, losses


run(prepare)
