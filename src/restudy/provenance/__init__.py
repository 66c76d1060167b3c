"""Where a result comes from: the code, the environment and the data behind it."""
