"""The plan: the files of a run, derived from configuration and families."""
