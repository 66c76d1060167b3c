"""From configuration and families to files: what there is, who makes it, what it is called."""
