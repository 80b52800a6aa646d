// The judge says of an object what Argo CD, Helm and Flux would say of it: it reads questions as JSON lines on standard input
// and answers each with one line. It decides nothing by itself: Lua, kstatus and CEL are those of the tools.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// question is what to judge, and by what.
type question struct {
	// Ask is health, discovery or action (Lua, as Argo CD runs it), kstatus, or flux (CEL).
	Ask         string         `json:"ask"`
	Object      map[string]any `json:"object"`
	Script      string         `json:"script"`
	Expressions expressions    `json:"expressions"`
}

// answer has one of the two.
type answer struct {
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

func judge(q question) (any, error) {
	switch q.Ask {
	case "health", "discovery", "action":
		return runLua(q.Script, q.Object)
	case "kstatus":
		return kstatusOf(q.Object)
	case "flux":
		return fluxOf(q.Expressions, q.Object)
	}
	return nil, fmt.Errorf("%q is no question: ask health, discovery, action, kstatus or flux", q.Ask)
}

func answerAll(in io.Reader, out io.Writer) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		result, err := judge(q)
		a := answer{Result: result}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func main() {
	if err := answerAll(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}
