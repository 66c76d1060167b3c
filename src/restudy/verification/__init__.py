"""Verification by others: the manifest, the comparison with another run, the certificate."""
