"""The image, built for real and run for real: `make proof` asks for it, for it takes minutes and root."""
