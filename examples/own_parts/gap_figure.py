"""A figure of every study: held-out over training loss, a point for each run."""

import matplotlib.pyplot as plt

from restudy.families.plugins import Figure


def draw(tables, study, family):
    """A panel with the diagonal, on which runs lose as much on new points as on known ones."""
    runs = tables["runs"]
    figure, axes = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
    axes.scatter(runs["train_loss"], runs["heldout_loss"], s=14, alpha=0.7, linewidths=0)
    middle = runs["train_loss"].mean()
    axes.axline((middle, middle), slope=1, color="0.6", linewidth=0.9)
    axes.set(xlabel="Training loss (nats)", ylabel="Held-out loss (nats)")
    axes.set_title(study["question"], loc="left", fontsize="medium", parse_math=False)
    return figure


GAP = Figure(
    "loss_gap",
    "Held-out against training loss",
    draw=draw,
    fits=lambda study: not study["sampled"],
    shows="A point for each run: above the line, it fits points that it learned from better than "
    "others.",
    made="From the losses at the end of training.",
)
