"""Dense networks written by hand in NumPy: all replicates of a cell train together, stacked."""
