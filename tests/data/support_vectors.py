"""Support vector machines of scikit-learn on point sets: a family in a file of one's own."""

from restudy.families.contract import Artefact, Axis, Family, Measure, Setting


def train(run):
    """Fit one machine to a bootstrap sample of the training points."""
    from sklearn.svm import SVC

    x, label = run.data["train"]
    size = round(run.settings["protocol"]["share"] * len(x))
    chosen = run.generator("bootstrap").choice(len(x), size)
    machine = SVC(C=run.cell["c"], kernel=run.cell["kernel"]).fit(x[chosen], label[chosen])
    for part, (points, classes) in run.data.items():
        run.record(**{f"{part}_accuracy": machine.score(points, classes)})
    run.save("support.npz", {"vectors": machine.support_vectors_})
    run.log(f"{len(machine.support_)} support vectors")


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
    measures=(
        Measure("train_accuracy", "Training accuracy", "Of the training points.", better="higher"),
        Measure("validation_accuracy", "Validation accuracy", "To choose by.", better="higher"),
        Measure("heldout_accuracy", "Held-out accuracy", "To report.", better="higher"),
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("support.npz", "The support vectors."),
    ),
    train="train",
)
