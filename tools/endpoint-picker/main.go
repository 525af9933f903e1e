// The real endpoint picker v0.7.1, without the scorers of its own repository: their module's dependencies cannot be had
// from the Go proxy. The plugins that prefill/decode needs are all here, and the extension's own scorers are.
package main

import (
	"os"

	"github.com/llm-d/llm-d-inference-scheduler/pkg/metrics"
	"github.com/llm-d/llm-d-inference-scheduler/pkg/plugins/filter"
	prerequest "github.com/llm-d/llm-d-inference-scheduler/pkg/plugins/pre-request"
	"github.com/llm-d/llm-d-inference-scheduler/pkg/plugins/profile"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/gateway-api-inference-extension/cmd/epp/runner"
	"sigs.k8s.io/gateway-api-inference-extension/pkg/epp/framework/interface/plugin"
)

var factories = map[string]plugin.FactoryFunc{
	filter.PrefillRoleType:                  filter.PrefillRoleFactory,
	filter.DecodeRoleType:                   filter.DecodeRoleFactory,
	prerequest.DisaggHeadersHandlerType:     prerequest.DisaggHeadersHandlerFactory,
	profile.DisaggProfileHandlerType:        profile.DisaggProfileHandlerFactory,
	profile.PrefixBasedPDDeciderPluginType:  profile.PrefixBasedPDDeciderPluginFactory,
	profile.AlwaysDisaggPDDeciderPluginType: profile.AlwaysDisaggPDDeciderPluginFactory,
}

func main() {
	for name, factory := range factories {
		plugin.Register(name, factory)
	}
	if err := runner.NewRunner().WithCustomCollectors(metrics.GetCollectors()...).Run(ctrl.SetupSignalHandler()); err != nil {
		os.Exit(1)
	}
}
