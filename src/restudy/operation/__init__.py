"""Operating a run: its lock, why jobs run again, what they cost, tickets for single results."""
