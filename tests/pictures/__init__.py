"""Pictures of the dashboards, drawn with Grafana's own components over a real Prometheus and the demo's data."""
