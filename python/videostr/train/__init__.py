"""Training: cold start and the launcher of recipes. Nothing here is imported by scoring."""
