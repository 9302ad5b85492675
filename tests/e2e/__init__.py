"""A package, unlike other folders of tests: so the programs end with the last test that needs them, not with all."""
