"""A control plane in memory: what `modelplane render` shows before anything runs."""
