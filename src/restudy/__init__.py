"""A reproducible study of small neural networks; the library behind the workflow."""
