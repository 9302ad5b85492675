"""Generated from protos/thin."""
