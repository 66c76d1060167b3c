"""Claims about a study: what they need measured, and what the evidence says of them."""
