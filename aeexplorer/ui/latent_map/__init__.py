"""The parts of the Latent map page."""
