"""The live channel: scenes turn params into frames, one socket carries them to the page while a finger moves."""
