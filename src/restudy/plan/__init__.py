"""The plan: from configuration and families to files; what there is, who makes it, its names."""
