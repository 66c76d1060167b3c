"""A small convolutional network in Keras; a run that is killed goes on from its checkpoint."""

from restudy.families.contract import Artefact, Axis, Family, Time, count, measures_of_parts


def train(run):
    """Train with Adam on minibatches, which depend on seed and step alone."""
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(run.seed)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(run.threads)
    protocol, (images, labels) = run.settings["protocol"], run.parts["train"]
    conv = layers.Conv2D(8, 5, 2, activation=run.cell["activation"], name="conv")
    dense = layers.Dense(run.classes, name="dense")
    first = layers.Reshape((*images.shape[1:], 1)), layers.Rescaling(1 / 255)
    network = keras.Sequential([*first, conv, layers.Flatten(), dense], name="network")
    network.build(images.shape)
    adam = keras.optimizers.Adam(run.cell["learning_rate"])
    adam.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adam, loss, metrics=["accuracy"])
    variables = [*network.variables, *adam.variables]
    done, state = run.restored() or (0, {})
    for number, value in state.items():
        variables[int(number)].assign(value)
    for step in range(done, protocol["steps"] + 1):
        if step > done:
            chosen = run.generator("batch", step).choice(len(images), 50)
            network.train_on_batch(images[chosen], labels[chosen])
        if step % protocol["record_interval"] == 0 or step == protocol["steps"]:
            for part, data in run.parts.items():
                found = network.evaluate(*data, verbose=0, return_dict=True)
                run.record(step, **{f"{part}_{what}": value for what, value in found.items()})
            run.checkpoint(step, {str(n): each.numpy() for n, each in enumerate(variables)})
    run.save("weights.npz", {each.path: each.numpy() for each in network.trainable_variables})


FAMILY = Family(
    name="keras_net",
    title="Small networks in Keras",
    description="One convolution and one dense layer, in Keras.",
    takes="images",
    axes=(
        Axis("activation", "Activation", "Of the convolution.", "choice", choices=("relu", "tanh")),
        Axis("learning_rate", "Learning rate", "Adam's.", "number", above=0),
    ),
    protocol=(count("steps", "Of 50 images each."), count("record_interval", "In steps.", 20)),
    measures=measures_of_parts("images", "loss", "accuracy", recorded="record_interval"),
    artefacts=(Artefact("weights.npz", "The final weights, by layer."),),
    time=Time("step", "steps", "Training steps", "steps", "image"),
)
