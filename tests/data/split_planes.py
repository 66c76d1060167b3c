"""Planes through the origin, drawn at random: a family with weights, and names like numbers."""

from restudy.families.contract import Artefact, Axis, Family, Measure


def train(run):
    """Draw a normal vector, and count on which side of the plane the points lie."""
    normal = run.generator("normal").standard_normal(run.data["train"][0].shape[1])
    run.save("weights.npz", {"normal": normal})
    for part, (x, label) in run.data.items():
        run.record(**{f"{part}_accuracy": ((x @ normal > 0) == label).mean()})


def predict(settings, weights, points):
    """Return the side of each point, shape (R, N)."""
    return (weights["normal"] @ points.T > 0).astype(int)


FAMILY = Family(
    name="planes",
    title="Random planes",
    description="Planes through the origin.",
    takes="points",
    axes=(
        Axis("mark", "Mark", "Tells planes apart.", "choice", choices=("na", "nan", "null")),
        Axis("weight", "Weight", "Without effect.", "number"),
    ),
    measures=tuple(
        Measure(f"{part}_accuracy", f"Accuracy, {part}", "Share of points.", better="higher")
        for part in ("train", "validation", "heldout")
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("weights.npz", "The normal vector."),
    ),
    train="train",
    predict="predict",
)
