"""Runs on disk: folder, request, recording, replay of the training, dial, owner."""
