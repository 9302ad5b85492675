"""The embedded demo: a real Hubble Observer on loopback with a small cluster's traffic."""
