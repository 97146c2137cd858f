"""Training rows: their contract and check, and the builders that make them."""
