"""Applications of autoencoders, each beside the simplest method that does the same: arrays and figures, no pages."""
