"""Training: the one loop, plans, evaluation on a split, and estimates of cost."""
