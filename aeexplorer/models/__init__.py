"""Model families: the contract in `base`, and one paper in each file."""
