"""What other libraries do not promise, and this one uses all the same: all of it is here.

One module for each use, so that a job depends on no more of it than it needs. Each member has a
test of its contract in ``tests/unit/test_library_internals.py``; when a new version of a library
breaks one, its message says what to do. (The workflow has a room of its own for what Snakemake does
not promise: ``workflow/internals.py``.)
"""
