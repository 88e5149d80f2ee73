"""Runs on disk: the folder, what is asked for, how it is recorded, and whose it is."""
