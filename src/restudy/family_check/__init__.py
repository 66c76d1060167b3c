"""Contract tests of a family of models: ``python -m restudy check my_family.py``."""
