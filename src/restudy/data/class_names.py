"""What the classes of the published image sets are called; other sets have numbers alone."""

CLASS_NAMES = {
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}


def class_names(kind: str, classes: int) -> list[str]:
    """Names of the classes of a data set, by its kind; their numbers where they have no names."""
    names = CLASS_NAMES.get(kind, ())
    return [names[label] if label < len(names) else str(label) for label in range(classes)]
