module modelplane.ai/tools/ai-gateway

go 1.26.0

require github.com/envoyproxy/ai-gateway v1.0.0
