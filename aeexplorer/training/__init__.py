"""Training: the one loop, figures on a split, and what a training will cost."""
