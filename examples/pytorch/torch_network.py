"""A small network in PyTorch on the digits of scikit-learn, in an environment of its own."""

from restudy.families.contract import Artefact, Axis, Family, Time, count, measures_of_parts


def train(run):
    """Train with Adam on minibatches, which depend on seed and step alone."""
    import io

    import numpy as np
    import torch
    from torch import nn

    torch.manual_seed(run.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(run.threads)
    protocol, channels = run.settings["protocol"], run.cell["channels"]
    between = nn.ReLU() if run.cell["activation"] == "relu" else nn.Tanh()
    first = nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, channels, 3), between, nn.Flatten()
    network = nn.Sequential(*first, nn.Linear(36 * channels, run.classes))
    adam, loss_of = torch.optim.Adam(network.parameters()), nn.CrossEntropyLoss()
    data = {part: (torch.tensor(x).float(), torch.tensor(y)) for part, (x, y) in run.parts.items()}
    x, label = data["train"]
    done, kept = run.restored() or (0, None)
    if kept:
        states = torch.load(io.BytesIO(kept["states"].tobytes()))
        for each, state in zip((network, adam), states, strict=True):
            each.load_state_dict(state)
    for step in range(done, protocol["steps"] + 1):
        if step > done:
            chosen = run.generator("batch", step).choice(len(x), 50)
            adam.zero_grad()
            loss_of(network(x[chosen]), label[chosen]).backward()
            adam.step()
        if step % protocol["record_interval"] == 0 or step == protocol["steps"]:
            for part, (points, right) in data.items():
                with torch.no_grad():
                    scores = network(points)
                accuracy = (scores.argmax(1) == right).float().mean()
                measured = {"loss": loss_of(scores, right), "accuracy": accuracy}
                run.record(step, **{f"{part}_{what}": value for what, value in measured.items()})
            states = io.BytesIO()
            torch.save([network.state_dict(), adam.state_dict()], states)
            run.checkpoint(step, {"states": np.frombuffer(states.getvalue(), np.uint8)})
    run.save("weights.npz", {name: each.numpy() for name, each in network.state_dict().items()})


FAMILY = Family(
    name="torch_net",
    title="Small networks in PyTorch",
    description="One convolution and one dense layer, in PyTorch.",
    takes="points",
    environment="envs/torch.yaml",
    axes=(
        Axis("activation", "Activation", "Of the convolution.", "choice", choices=("relu", "tanh")),
        Axis("channels", "Channels", "Of the convolution.", "whole_number", minimum=1),
    ),
    protocol=(count("steps", "Of 50 images each."), count("record_interval", "In steps.", 20)),
    measures=measures_of_parts("points", "loss", "accuracy", recorded="record_interval"),
    artefacts=(Artefact("weights.npz", "The final weights, by layer."),),
    time=Time("step", "steps", "Training steps", "steps", "image"),
)
