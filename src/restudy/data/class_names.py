"""Names of the classes of the published image sets; classes of other sets have only numbers."""

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
    """Return the names of the classes of a kind of data set, or their numbers if it has none."""
    names = CLASS_NAMES.get(kind, ())
    return [names[label] if label < len(names) else str(label) for label in range(classes)]
