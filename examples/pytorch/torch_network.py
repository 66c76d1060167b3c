"""A small network in PyTorch on the digits of scikit-learn, in an environment of its own."""

from restudy.families.contract import Artefact, Axis, Family, Measure, Time, count

PARTS = {"train": "Training", "validation": "Validation", "heldout": "Held-out"}


def train(run):
    """Train with Adam on minibatches, which depend on seed and step alone."""
    import io

    import numpy as np
    import torch
    from torch import nn

    torch.manual_seed(run.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(run.threads)
    protocol, classes = run.settings["protocol"], int(run.data["train"][1].max()) + 1
    data = {
        part: (torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(label))
        for part, (x, label) in run.data.items()
    }
    network = nn.Sequential(
        nn.Conv2d(1, run.cell["channels"], 3),
        nn.ReLU() if run.cell["activation"] == "relu" else nn.Tanh(),
        nn.Flatten(),
        nn.Linear(36 * run.cell["channels"], classes),
    )
    adam, loss_of = torch.optim.Adam(network.parameters()), nn.CrossEntropyLoss()
    done, kept = run.restored() or (0, None)
    if kept:
        states = torch.load(io.BytesIO(kept["states"].tobytes()))
        network.load_state_dict(states[0])
        adam.load_state_dict(states[1])
    x, label = data["train"]
    progress = run.progress(protocol["steps"], "steps")
    for step in range(done, protocol["steps"] + 1):
        if step > done:
            chosen = run.generator("batch", step).choice(len(x), protocol["batch_size"])
            adam.zero_grad()
            loss = loss_of(network(x[chosen]), label[chosen])
            loss.backward()
            adam.step()
            progress(step, loss.item())
        if step % protocol["record_interval"] == 0:
            for part in PARTS:
                with torch.no_grad():
                    scores, right = network(data[part][0]), data[part][1]
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
    noun="networks",
    takes="points",
    environment="envs/torch.yaml",
    axes=(
        Axis("activation", "Activation", "Of the convolution.", "choice", choices=("relu", "tanh")),
        Axis("channels", "Channels", "Of the convolution.", "whole_number", minimum=1),
    ),
    protocol=(
        count("steps", "Updates, of one minibatch each."),
        count("batch_size", "Images in a minibatch.", 50),
        count("record_interval", "Steps between two records.", 20),
    ),
    measures=tuple(
        Measure(f"{part}_{what}", f"{word} {what}", meaning, unit, better, "record_interval")
        for part, word in PARTS.items()
        for what, meaning, unit, better in (
            ("loss", "Mean cross-entropy.", "nats", "lower"),
            ("accuracy", "Share predicted right.", "", "higher"),
        )
    ),
    ranked_by=("heldout_loss", "heldout_accuracy"),
    chosen_by="validation_loss",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("history.parquet", "A row per record."),
        Artefact("weights.npz", "The final weights, by layer."),
    ),
    train="train",
    time=Time("step", "steps", "Training steps", "steps", "image"),
)
