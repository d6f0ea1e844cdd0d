// Command golden-pod-security records what Pod Security says, asked for its decisions as kube-apiserver asks.
//
//	node ../../test/golden/pod-security/cases.ts | go run ./cmd/golden-pod-security ../../test/golden/pod-security
//
// fixtures.json gets the module's own fixtures: every Pod that must pass or fail a level at a version. outcomes.json gets
// the Pods, requests and configurations of test/golden/pod-security/cases.ts. Every Pod is judged at all levels and
// versions. test/golden/pod-security/pod-security.test.ts holds Sallyport against both.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	genericadmissioninit "k8s.io/apiserver/pkg/admission/initializer"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/component-base/compatibility"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/plugin/pkg/admission/security/podsecurity"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const (
	module      = "k8s.io/pod-security-admission"
	newestMinor = 37
)

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

type cases struct {
	Pods           []json.RawMessage
	Requests       []request
	Configurations []json.RawMessage
}

type request struct {
	Configuration json.RawMessage
	State         []json.RawMessage
	Operation     admission.Operation
	Kind          schema.GroupVersionKind
	Resource      schema.GroupVersionResource
	Subresource   string
	Namespace     string
	Name          string
	User          string
	Object        json.RawMessage
	OldObject     json.RawMessage
}

type requestOutcome struct {
	Status           *metav1.Status    `json:"status"`
	Warnings         []string          `json:"warnings"`
	AuditAnnotations map[string]string `json:"auditAnnotations"`
}

// judgement holds from version Since on, until the next one. Reason and detail are empty for an allowed Pod.
type judgement struct {
	Since  string `json:"since"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

type judgements map[api.Level][]judgement

// fixture is one Pod of the module's test data. Pass and Fail list the versions at which it is one, by level.
type fixture struct {
	Check     string                 `json:"check"`
	Pass      map[api.Level][]string `json:"pass"`
	Fail      map[api.Level][]string `json:"fail"`
	Pod       json.RawMessage        `json:"pod"`
	Judgement judgements             `json:"judgements"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: golden-pod-security DIRECTORY")
	}
	input, err := io.ReadAll(os.Stdin)
	check(err)
	var given cases
	check(json.Unmarshal(input, &given))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	check(err)

	record := newRecord()
	fmt.Fprintf(record, ",\n\"copyright\": %q", "The Kubernetes Authors, Apache License 2.0")
	section(record, "fixtures", readFixtures(evaluator), func(f *fixture) any { return f })
	record.writeTo(filepath.Join(os.Args[1], "fixtures.json"))

	record = newRecord()
	fmt.Fprintf(record, ",\n\"cases\": \"%x\"", sha256.Sum256(input))
	section(record, "pods", given.Pods, func(pod json.RawMessage) any { return judge(evaluator, pod) })
	section(record, "requests", given.Requests, func(r request) any { return admit(r) })
	section(record, "configurations", given.Configurations, func(c json.RawMessage) any {
		_, err := newPlugin(c, nil)
		return strings.TrimPrefix(fmt.Sprint(err), fmt.Sprintf("failed to initialize admission plugin %q: ", podsecurity.PluginName))
	})
	record.writeTo(filepath.Join(os.Args[1], "outcomes.json"))
}

// readFixtures has each distinct Pod of the test data once.
func readFixtures(evaluator policy.Evaluator) []*fixture {
	directory, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	check(err)
	checkIDs := map[string]string{"base": "", "base_linux": "", "base_windows": ""}
	for _, c := range policy.DefaultChecks() {
		checkIDs[strings.ToLower(string(c.ID))] = string(c.ID)
	}
	fixtures := []*fixture{}
	known := map[string]*fixture{}
	for _, level := range levels {
		for minor := 0; minor <= newestMinor; minor++ {
			version := api.MajorMinorVersion(1, minor)
			for _, outcome := range []string{"pass", "fail"} {
				files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(directory)), "test/testdata", string(level), version.String(), outcome, "*.yaml"))
				check(err)
				if len(files) == 0 {
					log.Fatalf("no fixtures to %s %s:%s", outcome, level, version)
				}
				for _, file := range files {
					text, err := os.ReadFile(file)
					check(err)
					pod, err := yaml.YAMLToJSON(text)
					check(err)
					f := known[string(pod)]
					if f == nil {
						name := strings.TrimRight(strings.TrimSuffix(filepath.Base(file), ".yaml"), "0123456789")
						id, ok := checkIDs[name]
						if !ok {
							log.Fatalf("%s: fixture of no check", file)
						}
						f = &fixture{Check: id, Pass: map[api.Level][]string{}, Fail: map[api.Level][]string{}, Pod: pod, Judgement: judge(evaluator, pod)}
						known[string(pod)] = f
						fixtures = append(fixtures, f)
					}
					versions := f.Pass
					if outcome == "fail" {
						versions = f.Fail
					}
					versions[level] = append(versions[level], version.String())
				}
			}
		}
	}
	return fixtures
}

func judge(evaluator policy.Evaluator, text json.RawMessage) judgements {
	pod := decode(text).(*corev1.Pod)
	evaluate := func(level api.Level, version api.Version) judgement {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, &pod.ObjectMeta, &pod.Spec))
		return judgement{Since: version.String(), Reason: result.ForbiddenReason(), Detail: result.ForbiddenDetail()}
	}
	all := judgements{}
	for _, level := range levels {
		for minor := 0; minor <= newestMinor; minor++ {
			next := evaluate(level, api.MajorMinorVersion(1, minor))
			if before := all[level]; len(before) == 0 || before[len(before)-1].Detail != next.Detail || before[len(before)-1].Reason != next.Reason {
				all[level] = append(before, next)
			}
		}
		last := all[level][len(all[level])-1]
		for _, newer := range []api.Version{api.MajorMinorVersion(1, newestMinor+1), api.LatestVersion()} {
			if evaluate(level, newer).Detail != last.Detail {
				log.Fatalf("%s:%s differs from v1.%d", level, newer, newestMinor)
			}
		}
	}
	return all
}

// initializer gives the plug-in what kube-apiserver does.
type initializer struct {
	client  *fake.Clientset
	factory informers.SharedInformerFactory
}

func (i initializer) Initialize(plugin admission.Interface) {
	plugin.(interface {
		InspectEffectiveVersion(compatibility.EffectiveVersion)
	}).InspectEffectiveVersion(compatibility.NewEffectiveVersionFromString(fmt.Sprintf("1.%d", newestMinor), "", ""))
	plugin.(genericadmissioninit.WantsExternalKubeInformerFactory).SetExternalKubeInformerFactory(i.factory)
	plugin.(genericadmissioninit.WantsExternalKubeClientSet).SetExternalKubeClientSet(i.client)
}

func newPlugin(configuration json.RawMessage, state []runtime.Object) (admission.ValidationInterface, error) {
	client := fake.NewClientset(state...)
	factory := informers.NewSharedInformerFactory(client, 0)
	plugins := admission.NewPlugins()
	podsecurity.Register(plugins)
	var config io.Reader
	if len(configuration) > 0 && string(configuration) != "null" {
		config = bytes.NewReader(configuration)
	}
	plugin, err := plugins.InitPlugin(podsecurity.PluginName, config, initializer{client, factory})
	if err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	defer close(stop)
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	return plugin.(admission.ValidationInterface), nil
}

type warningRecorder struct{ texts []string }

func (r *warningRecorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

func admit(r request) requestOutcome {
	state := []runtime.Object{}
	for _, text := range r.State {
		state = append(state, decode(text))
	}
	plugin, err := newPlugin(r.Configuration, state)
	check(err)
	attributes := admission.NewAttributesRecord(internal(r.Object), internal(r.OldObject), r.Kind, r.Namespace, r.Name, r.Resource,
		r.Subresource, r.Operation, nil, false, &user.DefaultInfo{Name: r.User})
	recorder := &warningRecorder{texts: []string{}}
	ctx := audit.WithAuditContext(warning.WithWarningRecorder(context.Background(), recorder))
	check(audit.AuditContextFrom(ctx).Init(audit.RequestAuditConfig{Level: auditinternal.LevelMetadata}, nil))
	outcome := requestOutcome{}
	if plugin.Handles(r.Operation) {
		if err := plugin.Validate(ctx, attributes, nil); err != nil {
			var refusal *apierrors.StatusError
			if !errors.As(err, &refusal) {
				log.Fatal(err)
			}
			outcome.Status = &refusal.ErrStatus
		}
	}
	outcome.Warnings = recorder.texts
	outcome.AuditAnnotations = audit.AuditContextFrom(ctx).GetEventAnnotations()
	return outcome
}

// decode reads, defaults and prepares a Pod to be created, as the API server does before it asks the plug-in.
func decode(text json.RawMessage) runtime.Object {
	object, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode(text, nil, nil)
	check(err)
	legacyscheme.Scheme.Default(object)
	if pod, ok := object.(*corev1.Pod); ok {
		prepared := &core.Pod{}
		check(legacyscheme.Scheme.Convert(pod, prepared, nil))
		podregistry.Strategy.PrepareForCreate(context.Background(), prepared)
		created := &corev1.Pod{TypeMeta: pod.TypeMeta}
		check(legacyscheme.Scheme.Convert(prepared, created, nil))
		return created
	}
	return object
}

// internal is what admission gets to see.
func internal(text json.RawMessage) runtime.Object {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	object := decode(text)
	group := object.GetObjectKind().GroupVersionKind().Group
	converted, err := legacyscheme.Scheme.UnsafeConvertToVersion(object, schema.GroupVersion{Group: group, Version: runtime.APIVersionInternal})
	check(err)
	return converted
}

// record is a JSON object in the making.
type record struct{ bytes.Buffer }

func newRecord() *record {
	r := &record{}
	fmt.Fprintf(r, "{\n\"source\": %q", module+" "+version())
	return r
}

func (r *record) writeTo(file string) {
	r.WriteString("\n}\n")
	check(os.WriteFile(file, r.Bytes(), 0o644))
}

// section prints one case on a line, so that a changed case is a changed line.
func section[Case any](r *record, name string, given []Case, of func(Case) any) {
	lines := make([]string, len(given))
	for i, each := range given {
		text, err := json.Marshal(of(each))
		check(err)
		lines[i] = string(text)
	}
	fmt.Fprintf(r, ",\n%q: [\n%s\n]", name, strings.Join(lines, ",\n"))
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		log.Fatal("no build information")
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			if dep.Replace != nil {
				return dep.Replace.Version
			}
			return dep.Version
		}
	}
	log.Fatalf("%s is not among the dependencies", module)
	return ""
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
