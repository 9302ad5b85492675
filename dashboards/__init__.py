"""Builders of the Grafana dashboards; `python -m dashboards.generate` writes their JSON beside them."""
