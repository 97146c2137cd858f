"""Training recipes: hydra configurations over verl's own, shipped inside the wheel (``pkg://videostr.recipes``)."""
