"""Pods that run: a small kubelet for known images, an engine that plays its contract, and Envoy in front."""
