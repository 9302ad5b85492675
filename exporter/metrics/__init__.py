"""Metric families: what is exposed, how it is bounded and how it is rendered."""
