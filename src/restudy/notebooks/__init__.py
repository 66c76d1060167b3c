"""Living notebooks: run a template with the run's own parameters, and show things in its cells."""
