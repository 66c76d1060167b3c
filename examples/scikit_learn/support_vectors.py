"""Support vector machines of scikit-learn on points."""

from restudy.families.contract import Artefact, Axis, Family, Measure, Setting

PARTS = {"train": "Training", "validation": "Validation", "heldout": "Held-out"}


def train(run):
    """Fit one machine to a bootstrap sample of the training points."""
    from sklearn.svm import SVC

    x, label = run.data["train"]
    size = round(run.settings["protocol"]["share"] * len(x))
    chosen = run.generator("bootstrap").choice(len(x), size)
    machine = SVC(C=run.cell["c"], kernel=run.cell["kernel"]).fit(x[chosen], label[chosen])
    run.record(**{f"{part}_accuracy": machine.score(*run.data[part]) for part in PARTS})
    arrays = {"vectors": machine.support_vectors_, "coefficients": machine.dual_coef_}
    run.save("support.npz", arrays)


FAMILY = Family(
    name="svm",
    title="Support vector machines",
    description="scikit-learn's SVC on bootstrap samples.",
    noun="machines",
    takes="points",
    axes=(
        Axis("kernel", "Kernel", "Its kernel.", "choice", choices=("linear", "rbf", "poly")),
        Axis("c", "Penalty C", "Price of an error.", "number", above=0),
    ),
    protocol=(Setting("share", "Size of a sample, of the training points.", default=1.0, above=0),),
    measures=tuple(
        Measure(f"{part}_accuracy", f"{word} accuracy", "Share predicted right.", better="higher")
        for part, word in PARTS.items()
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("support.npz", "The support vectors and their coefficients."),
    ),
    train="train",
)
