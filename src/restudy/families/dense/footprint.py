"""Bytes of memory that a training of dense networks takes; loads no library."""

# To begin with; of a record of one replicate, and of one of its layers; of a point's feature; of a
# layer.
JOB_BYTES, RECORD_BYTES, LAYER_RECORD_BYTES, POINT_BYTES, LAYER_BYTES = 150e6, 500, 300, 60, 30e3
# Copies of weights, of snapshots, and of what a replicate computes for all training points.
WEIGHT_COPIES, SNAPSHOT_COPIES, VALUE_COPIES = 8, 3, 3
