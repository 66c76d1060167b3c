"""What the tests of the library share."""

import sys

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """TensorFlow, where some test of this process uses it, runs on one thread, as jobs do.

    It has to be told before it runs anything, whichever test comes first.
    """
    if "tensorflow" in sys.modules:
        from restudy.families.conv.training import configure_tensorflow

        configure_tensorflow(1)
