// Command golden-cel records what the API server's own CEL makes of the expressions in test/golden/cel.
//
// Every *.json file of the folder but results.json holds a list of groups:
//
//	{"about": "…", "variables": {"object": …, "oldObject": …, "request": …, "namespaceObject": …}, "expressions": ["…", …],
//	 "resultType": "bool", "authorizer": {"username": "…", "groups": ["…"], "decisions": [{"verb": "get", "resource": "pods", "decision": "allow"}]}}
//
// All fields but expressions may be left out. Expressions are compiled as ValidatingAdmissionPolicy and matchConditions
// compile them (k8s.io/apiserver/pkg/admission/plugin/cel, environment of Kubernetes 1.37, stored expressions) and
// evaluated once. An authorizer answers with the first decision whose fields all equal the question's, else with no opinion.
//
// results.json then says for each expression of each file: its value and cost, or the error of compiling or evaluating it.
//
// Usage: go run ./cmd/golden-cel ../../test/golden/cel
package main

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

const resultsFile = "results.json"

// repetitions of each evaluation: what depends on the order of a map, which Go shuffles, shows in them.
const repetitions = 100

// group is a list of expressions that see the same variables.
type group struct {
	About       string                        `json:"about,omitempty"`
	Variables   map[string]stdjson.RawMessage `json:"variables,omitempty"`
	Authorizer  *authorizerSpec               `json:"authorizer,omitempty"`
	ResultType  string                        `json:"resultType,omitempty"`
	Expressions []string                      `json:"expressions"`
}

// authorizerSpec is an authorizer that answers from a list.
type authorizerSpec struct {
	Username  string         `json:"username"`
	Groups    []string       `json:"groups,omitempty"`
	Decisions []decisionSpec `json:"decisions"`
}

type decisionSpec struct {
	Username      *string `json:"username,omitempty"`
	Verb          *string `json:"verb,omitempty"`
	Path          *string `json:"path,omitempty"`
	APIGroup      *string `json:"group,omitempty"`
	Resource      *string `json:"resource,omitempty"`
	Subresource   *string `json:"subresource,omitempty"`
	Namespace     *string `json:"namespace,omitempty"`
	Name          *string `json:"name,omitempty"`
	FieldSelector *string `json:"fieldSelector,omitempty"`
	LabelSelector *string `json:"labelSelector,omitempty"`
	Decision      string  `json:"decision"`
	Reason        string  `json:"reason,omitempty"`
	Error         string  `json:"error,omitempty"`
}

// result is what became of one expression: compilePanic or compileError; or cost and one of value and error; or that
// it is unstable, having given several results.
type result struct {
	Expression   string        `json:"expression"`
	CompilePanic string        `json:"compilePanic,omitempty"`
	CompileError string        `json:"compileError,omitempty"`
	Value        *encodedValue `json:"value,omitempty"`
	Error        string        `json:"error,omitempty"`
	Cost         *uint64       `json:"cost,omitempty"`
	Unstable     bool          `json:"unstable,omitempty"`
}

// recorded is the content of results.json: for each file, for each of its groups, a result for each expression.
type recorded struct {
	Versions map[string]string
	Results  map[string][][]result
}

// encodedValue tells int from double and keeps every digit. Value is a string for scalars, a list of encodedValue
// for lists, a list of pairs sorted by key for maps, and absent for null, optional.none() and types of libraries.
type encodedValue struct {
	Type  string `json:"type"`
	Value any    `json:"value,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: golden-cel FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	compiler := plugincel.NewCompiler(environment.MustBaseEnvSet(version.MajorMinor(1, 37)))
	output := recorded{Versions: versions(), Results: map[string][][]result{}}
	for _, file := range files {
		name := filepath.Base(file)
		if name == resultsFile {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var groups []group
		decoder := stdjson.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&groups); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, g := range groups {
			results, err := evaluateGroup(compiler, g)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, g.About, err)
			}
			output.Results[name] = append(output.Results[name], results)
		}
	}
	text, err := output.marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, resultsFile), text, 0o644)
}

// marshal writes one result to a line, so that a change of one shows as such.
func (r recorded) marshal() ([]byte, error) {
	var text bytes.Buffer
	encoder := stdjson.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	text.WriteString("{\"versions\": ")
	if err := encoder.Encode(r.Versions); err != nil {
		return nil, err
	}
	text.WriteString(",\"results\": {\n")
	names := slices.Sorted(maps.Keys(r.Results))
	for i, name := range names {
		fmt.Fprintf(&text, "%q: [\n", name)
		for j, results := range r.Results[name] {
			text.WriteString("[\n")
			for k, one := range results {
				if err := encoder.Encode(one); err != nil {
					return nil, err
				}
				separate(&text, k, len(results))
			}
			text.WriteString("]")
			separate(&text, j, len(r.Results[name]))
		}
		text.WriteString("]")
		separate(&text, i, len(names))
	}
	text.WriteString("}}\n")
	return text.Bytes(), nil
}

func separate(text *bytes.Buffer, index, count int) {
	if index+1 < count {
		text.WriteString(",")
	}
}

func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			current := module
			if module.Replace != nil {
				current = module.Replace
			}
			switch module.Path {
			case "k8s.io/apiserver", "github.com/google/cel-go":
				found[module.Path] = current.Version
			}
		}
	}
	return found
}

// accessor hands an expression to the compiler.
type accessor struct {
	expression  string
	returnTypes []*cel.Type
}

func (a accessor) GetExpression() string    { return a.expression }
func (a accessor) ReturnTypes() []*cel.Type { return a.returnTypes }

func evaluateGroup(compiler plugincel.Compiler, g group) ([]result, error) {
	variables, err := g.activation()
	if err != nil {
		return nil, err
	}
	returnTypes := []*cel.Type{cel.AnyType}
	if g.ResultType == "bool" {
		returnTypes = []*cel.Type{cel.BoolType}
	} else if g.ResultType != "" {
		return nil, fmt.Errorf("resultType %q", g.ResultType)
	}
	results := make([]result, 0, len(g.Expressions))
	for _, expression := range g.Expressions {
		results = append(results, evaluate(compiler, accessor{expression, returnTypes}, variables))
	}
	return results, nil
}

func evaluate(compiler plugincel.Compiler, expression accessor, variables map[string]any) (answer result) {
	answer = result{Expression: expression.expression}
	// Some expressions make the compiler panic; evaluation has a recovery of its own.
	defer func() {
		if panicked := recover(); panicked != nil {
			answer.CompilePanic = fmt.Sprint(panicked)
		}
	}()
	compiled := compiler.CompileCELExpression(expression,
		plugincel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	if compiled.Error != nil {
		answer.CompileError = compiled.Error.Detail
		return answer
	}
	first := evaluateOnce(compiled, answer, variables)
	for range repetitions {
		if strings.HasPrefix(first.Error, "operation cancelled") {
			break
		}
		if next := evaluateOnce(compiled, answer, variables); !reflect.DeepEqual(next, first) {
			return result{Expression: answer.Expression, Unstable: true}
		}
	}
	return first
}

func evaluateOnce(compiled plugincel.CompilationResult, answer result, variables map[string]any) result {
	value, details, err := compiled.Program.ContextEval(context.Background(), variables)
	if details != nil {
		answer.Cost = details.ActualCost()
	}
	if err != nil {
		answer.Error = err.Error()
		return answer
	}
	encoded := encode(value)
	answer.Value = &encoded
	return answer
}

func (g group) activation() (map[string]any, error) {
	variables := map[string]any{
		"object": types.NullValue, "oldObject": types.NullValue, "namespaceObject": types.NullValue,
		"request": common.SchemalessTypedToVal(&admissionv1.AdmissionRequest{}),
	}
	for name, text := range g.Variables {
		switch name {
		case "object", "oldObject":
			var value any
			if err := k8sjson.Unmarshal(text, &value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			variables[name] = value
			if value == nil {
				variables[name] = types.NullValue
			}
		case "request":
			var request admissionv1.AdmissionRequest
			if err := k8sjson.Unmarshal(text, &request); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			variables[name] = common.SchemalessTypedToVal(&request)
		case "namespaceObject":
			var namespace *corev1.Namespace
			if err := k8sjson.Unmarshal(text, &namespace); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			variables[name] = common.SchemalessTypedToVal(namespace)
		default:
			return nil, fmt.Errorf("variable %q is not known", name)
		}
	}
	spec := authorizerSpec{}
	if g.Authorizer != nil {
		spec = *g.Authorizer
	}
	info := &user.DefaultInfo{Name: spec.Username, Groups: spec.Groups}
	variables["authorizer"] = library.NewAuthorizerVal(info, spec)
	variables["authorizer.requestResource"] = library.NewResourceAuthorizerVal(info, spec, requestResource{g.Variables["request"]})
	return variables, nil
}

// requestResource takes what authorizer.requestResource asks about from the request.
type requestResource struct{ text stdjson.RawMessage }

func (r requestResource) request() admissionv1.AdmissionRequest {
	var request admissionv1.AdmissionRequest
	if len(r.text) > 0 {
		_ = k8sjson.Unmarshal(r.text, &request)
	}
	return request
}
func (r requestResource) GetName() string        { return r.request().Name }
func (r requestResource) GetNamespace() string   { return r.request().Namespace }
func (r requestResource) GetSubresource() string { return r.request().SubResource }
func (r requestResource) GetResource() schema.GroupVersionResource {
	resource := r.request().Resource
	return schema.GroupVersionResource{Group: resource.Group, Version: resource.Version, Resource: resource.Resource}
}

// Authorize implements authorizer.Authorizer.
func (a authorizerSpec) Authorize(_ context.Context, question authorizer.Attributes) (authorizer.Decision, string, error) {
	for _, decision := range a.Decisions {
		if !decision.matches(question) {
			continue
		}
		var err error
		if decision.Error != "" {
			err = errors.New(decision.Error)
		}
		switch decision.Decision {
		case "allow":
			return authorizer.DecisionAllow, decision.Reason, err
		case "deny":
			return authorizer.DecisionDeny, decision.Reason, err
		default:
			return authorizer.DecisionNoOpinion, decision.Reason, err
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func (d decisionSpec) matches(question authorizer.Attributes) bool {
	equal := func(want *string, got string) bool { return want == nil || *want == got }
	fields, _ := question.GetFieldSelector()
	labels, _ := question.GetLabelSelector()
	fieldTexts := ""
	for _, requirement := range fields {
		fieldTexts += requirement.Field + string(requirement.Operator) + requirement.Value + ";"
	}
	labelTexts := ""
	for _, requirement := range labels {
		labelTexts += requirement.String() + ";"
	}
	return equal(d.Username, question.GetUser().GetName()) && equal(d.Verb, question.GetVerb()) &&
		equal(d.Path, question.GetPath()) && equal(d.APIGroup, question.GetAPIGroup()) &&
		equal(d.Resource, question.GetResource()) && equal(d.Subresource, question.GetSubresource()) &&
		equal(d.Namespace, question.GetNamespace()) && equal(d.Name, question.GetName()) &&
		equal(d.FieldSelector, fieldTexts) && equal(d.LabelSelector, labelTexts)
}

func encode(value ref.Val) encodedValue {
	name := value.Type().TypeName()
	switch v := value.(type) {
	case types.Null:
		return encodedValue{Type: name}
	case types.Bool:
		return encodedValue{name, strconv.FormatBool(bool(v))}
	case types.Int:
		return encodedValue{name, strconv.FormatInt(int64(v), 10)}
	case types.Uint:
		return encodedValue{name, strconv.FormatUint(uint64(v), 10)}
	case types.Double:
		return encodedValue{name, strconv.FormatFloat(float64(v), 'g', -1, 64)}
	case types.String:
		return encodedValue{name, string(v)}
	case types.Bytes:
		return encodedValue{name, fmt.Sprintf("%x", []byte(v))}
	case types.Duration:
		return encodedValue{name, strconv.FormatInt(int64(v.Duration), 10)}
	case types.Timestamp:
		return encodedValue{name, v.Format(time.RFC3339Nano)}
	case *types.Type:
		return encodedValue{"type", v.TypeName()}
	case *types.Optional:
		if !v.HasValue() {
			return encodedValue{Type: name}
		}
		return encodedValue{name, encode(v.GetValue())}
	case traits.Lister:
		elements := []encodedValue{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			elements = append(elements, encode(it.Next()))
		}
		return encodedValue{name, elements}
	case traits.Mapper:
		entries := [][2]encodedValue{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, [2]encodedValue{encode(key), encode(v.Get(key))})
		}
		sort.Slice(entries, func(i, j int) bool {
			a, b := entries[i][0], entries[j][0]
			if a.Type != b.Type {
				return a.Type < b.Type
			}
			return fmt.Sprint(a.Value) < fmt.Sprint(b.Value)
		})
		return encodedValue{name, entries}
	default:
		return encodedValue{Type: name}
	}
}
