"""The ways in which values over seeds are judged; `restudy.claims.inference` explains them.

Apart from it, since claims are read wherever a call is planned, and it takes NumPy.
"""

MEAN, TYPICAL, NORMAL = "mean", "typical_seed", "normal"
SHARE = "share"  # of seeds: of tests whose form says so
