"""hubble-egress-exporter: where egress goes, what became of it, as Prometheus metrics."""
