"""A family that trains with NumPy alone, in whatever Python: softmax regression on points."""

from restudy.families.contract import Artefact, Axis, Family, Measure, Time, count


def train(run):
    """Descend the gradient on minibatches, and use all that a run offers."""
    import numpy as np

    protocol, (x, label) = run.settings["protocol"], run.data["train"]
    weights = run.generator("weights").normal(size=(x.shape[1], label.max() + 1))
    done, kept = run.restored() or (0, {"weights": weights})
    weights = np.array(kept["weights"])
    progress = run.progress(protocol["steps"], "steps")
    for step in range(done, protocol["steps"] + 1):
        if step > done:
            chosen = run.generator("batch", step).choice(len(x), 20)
            error = _softmax(x[chosen] @ weights)
            error[np.arange(20), label[chosen]] -= 1
            weights -= run.cell["rate"] * x[chosen].T @ error / 20
            progress(step, 0.0)
        if step % 10 == 0:
            for part, (points, right) in run.data.items():
                hits = (points @ weights).argmax(axis=1) == right
                run.record(step, **{f"{part}_accuracy": hits.mean()})
            run.checkpoint(step, {"weights": weights})
    run.note(threads=run.threads)
    run.save("weights.npz", {"weights": weights})
    norms = {"feature": ["first", "second"], "norm": abs(weights).sum(axis=1)}
    run.save("norms.csv", {"seed": [run.seed] * 2, **norms})
    folder = run.place("notes")
    folder.mkdir(parents=True)
    (folder / "seed.txt").write_text(str(run.seed))
    run.log("trained")


def _softmax(scores):
    import numpy as np

    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


FAMILY = Family(
    name="softmax",
    title="Softmax regression",
    description="Softmax regression in NumPy.",
    takes="points",
    axes=(Axis("rate", "Learning rate", "Of gradient descent.", "number", above=0),),
    protocol=(count("steps", "Updates."), count("record_interval", "Not read.", 10)),
    measures=tuple(
        Measure(f"{part}_accuracy", part, "Share.", better="higher", recorded="record_interval")
        for part in ("train", "validation", "heldout")
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("history.parquet", "A row per record."),
        Artefact("weights.npz", "The weights."),
        Artefact("norms.csv", "A row per feature."),
        Artefact("notes", "A folder.", folder=True),
    ),
    train="train",
    time=Time("step", "steps", "Steps", "steps", "point"),
)
