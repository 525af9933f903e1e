// provider-helm with its addresses as flags: its own main listens on every interface.
package main

import (
	"flag"
	"log"
	"os"
	"time"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/statemetrics"

	apis "github.com/crossplane-contrib/provider-helm/apis/namespaced"
	namespaced "github.com/crossplane-contrib/provider-helm/pkg/controller/namespaced"
)

func main() {
	metrics := flag.String("metrics-bind-address", "127.0.0.1:8080", "where metrics are served")
	health := flag.String("health-probe-bind-addr", "127.0.0.1:8081", "where health is served")
	poll := flag.Duration("poll", 10*time.Minute, "how often a Release is looked at")
	timeout := flag.Duration("timeout", 10*time.Minute, "how long one look at a Release may take")
	flag.Parse()
	// Its cache of charts is a relative folder in this build (tools.yaml): one per control plane.
	check(os.Chdir(os.TempDir()))
	zl, err := zap.NewProduction()
	check(err)
	ctrl.SetLogger(zapr.NewLogger(zl))

	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Metrics:                server.Options{BindAddress: *metrics},
		HealthProbeBindAddress: *health,
	})
	check(err)
	check(mgr.AddHealthzCheck("ping", healthz.Ping))
	check(apis.AddToScheme(mgr.GetScheme()))
	check(apiextensionsv1.AddToScheme(mgr.GetScheme()))
	features := &feature.Flags{}
	features.Enable(feature.EnableBetaManagementPolicies)
	check(namespaced.Setup(mgr, controller.Options{
		Logger:                  logging.NewLogrLogger(zapr.NewLogger(zl).WithName("provider-helm")),
		MaxConcurrentReconciles: 100,
		PollInterval:            *poll,
		GlobalRateLimiter:       ratelimiter.NewGlobal(100),
		Features:                features,
		MetricOptions: &controller.MetricOptions{
			PollStateMetricInterval: time.Minute,
			MRMetrics:               managed.NewMRMetricRecorder(),
			MRStateMetrics:          statemetrics.NewMRStateMetrics(),
		},
	}, *timeout))
	check(mgr.Start(ctrl.SetupSignalHandler()))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
