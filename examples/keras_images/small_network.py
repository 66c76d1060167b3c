"""A small convolutional network in Keras; a run that is killed goes on from its checkpoint."""

from restudy.families.contract import Artefact, Axis, Family, Measure, Resources, Time, count

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}


def train(run):
    """Train with Adam on minibatches, which depend on seed and step alone."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(run.seed)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(run.threads)
    protocol, layers = run.settings["protocol"], keras.layers
    data = {
        part: (getattr(run.data, f"{part}_images")[..., None], getattr(run.data, f"{part}_labels"))
        for part in PARTS
    }
    images, labels = data["train"]
    network = keras.Sequential(
        [
            layers.Input(images.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(
                protocol["filters"], 5, 2, activation=run.cell["activation"], name="conv"
            ),
            layers.Flatten(),
            layers.Dense(run.data.classes, name="dense"),
        ],
        name="network",
    )
    adam = keras.optimizers.Adam(run.cell["learning_rate"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adam, loss, metrics=["accuracy"])
    adam.build(network.trainable_variables)
    state = {f"{n:02}": each for n, each in enumerate([*network.variables, *adam.variables])}
    done, kept = run.restored() or (0, {})
    for name, value in kept.items():
        state[name].assign(value)
    progress = run.progress(protocol["steps"], "steps")
    for step in range(done + 1, protocol["steps"] + 1):
        chosen = run.generator("batch", step).choice(len(images), protocol["batch_size"])
        found = network.train_on_batch(images[chosen], labels[chosen], return_dict=True)
        progress(step, found["loss"])
        if step % protocol["record_interval"] == 0 or step == protocol["steps"]:
            for part, (x, label) in data.items():
                found = network.evaluate(x, label, 500, verbose=0, return_dict=True)
                run.record(step, **{f"{part}_{what}": value for what, value in found.items()})
            run.checkpoint(step, {name: variable.numpy() for name, variable in state.items()})
    run.save("weights.npz", {each.path: each.numpy() for each in network.trainable_variables})


FAMILY = Family(
    name="keras_net",
    title="Small networks in Keras",
    description="One convolution and one dense layer, in Keras.",
    noun="networks",
    takes="images",
    axes=(
        Axis("activation", "Activation", "Of the convolution.", "choice", choices=("relu", "tanh")),
        Axis("learning_rate", "Learning rate", "Adam's.", "number", above=0),
    ),
    protocol=(
        count("steps", "Updates, of one minibatch each."),
        count("batch_size", "Images in a minibatch.", 50),
        count("filters", "Of the convolution.", 8),
        count("record_interval", "Steps between two records.", 20),
    ),
    measures=tuple(
        Measure(f"{part}_{what}", f"{word} {what}", meaning, unit, better, "record_interval", False)
        for part, word in PARTS.items()
        for what, meaning, unit, better in (
            ("loss", "Mean cross-entropy.", "nats", "lower"),
            ("accuracy", "Share predicted right.", "", "higher"),
        )
    ),
    ranked_by=("test_loss", "test_accuracy"),
    chosen_by="validation_loss",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("history.parquet", "A row per record."),
        Artefact("weights.npz", "The final weights, by layer."),
    ),
    train="train",
    time=Time("step", "steps", "Training steps", "steps", "image"),
    resources=Resources(mem_mb=2000),
)
