"""Prometheus remote write, version 1: what Mimir, Thanos, VictoriaMetrics and Prometheus itself take."""
