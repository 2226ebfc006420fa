"""What the daemon shows of itself to Prometheus."""
