"""The convolutional network on MNIST; the only part that imports TensorFlow."""
