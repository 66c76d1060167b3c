"""What to run: a configuration becomes studies, and studies become cells."""
