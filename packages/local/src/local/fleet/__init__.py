"""The process that makes the declared fleet real: nodes, devices and a gateway on each workload cluster."""
