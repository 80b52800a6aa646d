// What Helm and Flux say of an object: kstatus (the copy that both of them use), and Flux's healthCheckExprs.
package main

import (
	"context"
	"encoding/json"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type expressions = kustomize.HealthCheckExpressions

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func kstatusOf(object map[string]any) (any, error) {
	read, err := read(object)
	if err != nil {
		return nil, err
	}
	return verdictOr(status.Compute(read))
}

func fluxOf(by expressions, object map[string]any) (any, error) {
	evaluator, err := cel.NewStatusEvaluator(&by)
	if err != nil {
		return nil, err
	}
	read, err := read(object)
	if err != nil {
		return nil, err
	}
	return verdictOr(evaluator.Evaluate(context.Background(), read))
}

func verdictOr(result *status.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return verdict{Status: string(result.Status), Message: result.Message}, nil
}

// read makes whole numbers integers, as they are on the way from the API server: kstatus wants them so.
func read(object map[string]any) (*unstructured.Unstructured, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	found := &unstructured.Unstructured{}
	return found, found.UnmarshalJSON(encoded)
}
