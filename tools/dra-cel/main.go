// Says what Kubernetes makes of device selectors: one JSON line in, one out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/utils/ptr"
)

type question struct {
	Expression string          `json:"expression"`
	Device     json.RawMessage `json:"device"`
}

type device struct {
	Driver                   string
	AllowMultipleAllocations *bool
	Attributes               map[resourceapi.QualifiedName]resourceapi.DeviceAttribute
	Capacity                 map[resourceapi.QualifiedName]resourceapi.DeviceCapacity
}

type answer struct {
	DeviceError  string `json:"deviceError,omitempty"`
	CompileError string `json:"compileError,omitempty"`
	RuntimeError string `json:"runtimeError,omitempty"`
	Matches      *bool  `json:"matches,omitempty"`
}

// The feature gates that are on in Kubernetes 1.36 by default.
var compiler = cel.GetCompiler(cel.Features{EnableConsumableCapacity: true})

func main() {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked question
		if err := questions.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(reply(asked)); err != nil {
			log.Fatal(err)
		}
	}
}

func reply(asked question) answer {
	var given device
	if err := json.Unmarshal(asked.Device, &given); err != nil {
		return answer{DeviceError: err.Error()}
	}
	if err := refusal(asked.Expression); err != "" {
		return answer{CompileError: err}
	}
	stored := compiler.CompileCELExpression(asked.Expression, cel.Options{DisableCostEstimation: true})
	if stored.Error != nil {
		return answer{CompileError: stored.Error.Error()}
	}
	matches, _, err := stored.DeviceMatches(context.Background(), cel.Device(given))
	if err != nil {
		return answer{RuntimeError: err.Error()}
	}
	return answer{Matches: &matches}
}

// Why the API server refuses a new claim with this expression, as in its validateCELSelector.
func refusal(expression string) string {
	if len(expression) > resourceapi.CELSelectorExpressionMaxLength {
		return "too long"
	}
	compiled := compiler.CompileCELExpression(expression, cel.Options{EnvType: ptr.To(environment.NewExpressions)})
	if compiled.Error != nil {
		return compiled.Error.Error()
	}
	if compiled.MaxCost > resourceapi.CELSelectorExpressionMaxCost {
		return "too complex, exceeds cost limit"
	}
	return ""
}
