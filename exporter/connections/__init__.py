"""One connection is counted once: windows over what was already seen."""
