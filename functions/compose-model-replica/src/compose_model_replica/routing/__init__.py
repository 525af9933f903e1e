"""How a replica's pods get a serving surface. Routing decorates; it knows nothing of workloads."""
