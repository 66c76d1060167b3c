"""What Snakemake leaves in a folder that is the output of a job.

The library knows nothing of Snakemake but this: it fingerprints such folders, and this file is in
them on top of what the job wrote.
"""

TIMESTAMP = ".snakemake_timestamp"
