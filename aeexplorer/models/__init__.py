"""Models: the contract in `base`, and one paper in each other file."""
