"""Support vector machines of scikit-learn on points."""

from restudy.families.contract import Artefact, Axis, Family, Setting, measures_of_parts


def train(run):
    """Fit one machine to a bootstrap sample of the training points."""
    from sklearn.svm import SVC

    (x, label), share = run.parts["train"], run.settings["protocol"]["share"]
    chosen = run.generator("bootstrap").choice(len(x), round(share * len(x)))
    fit = SVC(C=run.cell["c"], kernel=run.cell["kernel"]).fit(x[chosen], label[chosen])
    run.record(**{f"{part}_accuracy": fit.score(*data) for part, data in run.parts.items()})
    run.save("support.npz", {"vectors": fit.support_vectors_, "coefficients": fit.dual_coef_})


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
    measures=measures_of_parts("points", "accuracy"),
    artefacts=(Artefact("support.npz", "The support vectors and their coefficients."),),
)
