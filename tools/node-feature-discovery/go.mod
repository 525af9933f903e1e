module modelplane.ai/tools/node-feature-discovery

go 1.26.0

require sigs.k8s.io/node-feature-discovery v0.18.3
