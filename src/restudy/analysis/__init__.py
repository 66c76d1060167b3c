"""What runs wrote, read back as tables; imports neither TensorFlow nor a network."""
