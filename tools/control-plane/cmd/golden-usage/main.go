// Command golden-usage records what the quota evaluators of kube-apiserver and its ResourceQuota plug-in say to the objects
// and writes of test/golden/usage/cases.ts, and how it defaults them.
//
//	node ../../test/golden/usage/cases.ts | go run ./cmd/golden-usage > ../../test/golden/usage/outcomes.json
//
// test/golden/usage/usage.test.ts holds Sallyport against the record.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	resourcequotaapi "k8s.io/apiserver/pkg/admission/plugin/resourcequota/apis/resourcequota"
	resourcequotav1 "k8s.io/apiserver/pkg/admission/plugin/resourcequota/apis/resourcequota/v1"
	quota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	api "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	k8sapiv1 "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	testingclock "k8s.io/utils/clock/testing"
)

const module = "k8s.io/kubernetes"

type cases struct {
	Now             time.Time
	DeviceClasses   []resourcev1.DeviceClass
	Pods            []corev1.Pod
	ResourceClaims  []resourcev1.ResourceClaim
	Scopes          []corev1.ScopedResourceSelectorRequirement
	Names           []corev1.ResourceName
	IllegibleScopes []corev1.ScopedResourceSelectorRequirement
	Objects         []counted
	Resources       []counted
	Undefaulted     []counted
	Requests        []request
}

type counted struct {
	Resource schema.GroupResource
	Object   json.RawMessage
}

type request struct {
	counted
	Operation        admission.Operation
	Subresource      string
	OldObject        json.RawMessage
	Quotas           []corev1.ResourceQuota
	LimitedResources []resourcequotav1.LimitedResource
}

// countedOutcome is what an evaluator says of one object. Scopes are the numbers of those that match.
type countedOutcome struct {
	Usage    corev1.ResourceList `json:"usage"`
	Scopes   []int               `json:"scopes"`
	Missing  string              `json:"missing,omitempty"`
	QOSClass corev1.PodQOSClass  `json:"qosClass,omitempty"`
}

// resourceOutcome is what an evaluator says of any object of its resource: which names are its own, and what it says to
// each scope that cannot be understood.
type resourceOutcome struct {
	Matching []corev1.ResourceName `json:"matching"`
	Scopes   []string              `json:"scopes"`
}

// requestOutcome is the refusal, or what each quota holds after the write.
type requestOutcome struct {
	Handled   bool                           `json:"handled"`
	Forbidden bool                           `json:"forbidden,omitempty"`
	Error     string                         `json:"error,omitempty"`
	Used      map[string]corev1.ResourceList `json:"used,omitempty"`
}

// defaultedOutcome are the parts of an object that defaulting changes and quota looks at: at reading and at creation.
type defaultedOutcome struct {
	Read    any `json:"read"`
	Created any `json:"created,omitempty"`
}

type podParts struct {
	Containers     []corev1.ResourceRequirements `json:"containers"`
	InitContainers []corev1.ResourceRequirements `json:"initContainers"`
	Resources      *corev1.ResourceRequirements  `json:"resources,omitempty"`
	Overhead       corev1.ResourceList           `json:"overhead,omitempty"`
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	check(err)
	var given cases
	check(json.Unmarshal(input, &given))
	registry := newRegistry(given)

	fmt.Printf("{\n\"source\": %q,\n\"cases\": \"%x\"", module+" "+version(), sha256.Sum256(input))
	section("objects", given.Objects, func(c counted) any { return judge(given, evaluatorOf(registry, c.Resource), c) })
	section("resources", given.Resources, func(c counted) any { return judgeResource(given, evaluatorOf(registry, c.Resource), c) })
	section("undefaulted", given.Undefaulted, func(c counted) any { return defaulted(c) })
	section("requests", given.Requests, func(r request) any { return admit(evaluatorOf(registry, r.Resource), r) })
	fmt.Print("\n}\n")
}

// newRegistry has the evaluators that the API server starts with; those that look at the time or at other objects get the
// ones of the cases.
func newRegistry(given cases) quota.Registry {
	factory := informers.NewSharedInformerFactory(nil, 0)
	evaluators, err := core.NewEvaluators(nil, factory, nil)
	check(err)
	classes := extendedresourcecache.NewExtendedResourceCache(klog.FromContext(context.Background()))
	for i := range given.DeviceClasses {
		classes.OnAdd(&given.DeviceClasses[i], true)
	}
	pods := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for i := range given.Pods {
		check(pods.Add(&given.Pods[i]))
	}
	ownedBy := func(namespace string, uid types.UID) ([]*resourcev1.ResourceClaim, error) {
		owned := []*resourcev1.ResourceClaim{}
		for i := range given.ResourceClaims {
			claim := &given.ResourceClaims[i]
			if ref := metav1.GetControllerOf(claim); claim.Namespace == namespace && ref != nil && ref.UID == uid {
				owned = append(owned, claim)
			}
		}
		return owned, nil
	}
	replaced := []quota.Evaluator{
		core.NewPodEvaluator(nil, testingclock.NewFakeClock(given.Now)),
		core.NewResourceClaimEvaluator(nil, classes, corelisters.NewPodLister(pods), ownedBy),
	}
	for _, evaluator := range evaluators {
		if !slices.ContainsFunc(replaced, func(r quota.Evaluator) bool { return r.GroupResource() == evaluator.GroupResource() }) {
			replaced = append(replaced, evaluator)
		}
	}
	return generic.NewRegistry(replaced)
}

func evaluatorOf(registry quota.Registry, resource schema.GroupResource) quota.Evaluator {
	if evaluator := registry.Get(resource); evaluator != nil {
		return evaluator
	}
	return generic.NewObjectCountEvaluator(resource, nil, "")
}

func judge(given cases, evaluator quota.Evaluator, c counted) countedOutcome {
	object := decode(c.Resource, c.Object)
	usage, err := evaluator.Usage(object)
	check(err)
	outcome := countedOutcome{Usage: usage, Scopes: []int{}}
	for i, scope := range given.Scopes {
		matched, err := evaluator.MatchingScopes(object, []corev1.ScopedResourceSelectorRequirement{scope})
		check(err)
		if len(matched) == 1 {
			outcome.Scopes = append(outcome.Scopes, i)
		}
	}
	if err := evaluator.Constraints(given.Names, object); err != nil {
		outcome.Missing = err.Error()
	}
	if pod, ok := object.(*corev1.Pod); ok {
		outcome.QOSClass = qos.GetPodQOS(pod)
	}
	return outcome
}

func judgeResource(given cases, evaluator quota.Evaluator, c counted) resourceOutcome {
	outcome := resourceOutcome{Matching: evaluator.MatchingResources(given.Names), Scopes: []string{}}
	slices.Sort(outcome.Matching)
	for _, scope := range given.IllegibleScopes {
		text := ""
		if _, err := evaluator.MatchingScopes(decode(c.Resource, c.Object), []corev1.ScopedResourceSelectorRequirement{scope}); err != nil {
			text = err.Error()
		}
		outcome.Scopes = append(outcome.Scopes, text)
	}
	return outcome
}

func admit(evaluator quota.Evaluator, r request) requestOutcome {
	object := decode(r.Resource, r.Object)
	var old runtime.Object
	if string(r.OldObject) != "null" {
		old = decode(r.Resource, r.OldObject)
	}
	accessor, err := meta.Accessor(object)
	check(err)
	attributes := admission.NewAttributesRecord(object, old, schema.GroupVersionKind{}, "team", accessor.GetName(),
		r.Resource.WithVersion("v1"), r.Subresource, r.Operation, nil, false, nil)
	if !evaluator.Handles(attributes) {
		return requestOutcome{}
	}
	limited := []resourcequotaapi.LimitedResource{}
	for _, l := range r.LimitedResources {
		limited = append(limited, resourcequotaapi.LimitedResource{APIGroup: l.APIGroup, Resource: l.Resource, MatchContains: l.MatchContains, MatchScopes: l.MatchScopes})
	}
	after, err := resourcequota.CheckRequest(r.Quotas, attributes, evaluator, limited)
	if err != nil {
		return requestOutcome{Handled: true, Forbidden: apierrors.IsForbidden(err), Error: err.Error()}
	}
	used := map[string]corev1.ResourceList{}
	for _, q := range after {
		used[q.Name] = q.Status.Used
	}
	return requestOutcome{Handled: true, Used: used}
}

func defaulted(c counted) defaultedOutcome {
	object := decode(c.Resource, c.Object)
	legacyscheme.Scheme.Default(object)
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return defaultedOutcome{Read: object.(*resourcev1.ResourceClaim).Spec.Devices.Requests}
	}
	read := partsOf(pod)
	internal := &api.Pod{}
	check(k8sapiv1.Convert_v1_Pod_To_core_Pod(pod.DeepCopy(), internal, nil))
	podutil.DefaultPodLevelResources(internal)
	created := &corev1.Pod{}
	check(k8sapiv1.Convert_core_Pod_To_v1_Pod(internal, created, nil))
	return defaultedOutcome{Read: read, Created: partsOf(created)}
}

func partsOf(pod *corev1.Pod) podParts {
	parts := podParts{Resources: pod.Spec.Resources.DeepCopy(), Overhead: pod.Spec.Overhead.DeepCopy()}
	for _, container := range pod.Spec.Containers {
		parts.Containers = append(parts.Containers, *container.Resources.DeepCopy())
	}
	for _, container := range pod.Spec.InitContainers {
		parts.InitContainers = append(parts.InitContainers, *container.Resources.DeepCopy())
	}
	return parts
}

func decode(resource schema.GroupResource, text []byte) runtime.Object {
	var object runtime.Object
	switch resource.String() {
	case "pods":
		object = &corev1.Pod{}
	case "services":
		object = &corev1.Service{}
	case "persistentvolumeclaims":
		object = &corev1.PersistentVolumeClaim{}
	case "resourceclaims.resource.k8s.io":
		object = &resourcev1.ResourceClaim{}
	default:
		content := map[string]any{}
		check(json.Unmarshal(text, &content))
		return &unstructured.Unstructured{Object: content}
	}
	check(json.Unmarshal(text, object))
	return object
}

// section prints one case on a line, so that a changed case is a changed line.
func section[Case any](name string, given []Case, of func(Case) any) {
	lines := make([]string, len(given))
	for i, each := range given {
		text, err := json.Marshal(of(each))
		check(err)
		lines[i] = string(text)
	}
	fmt.Printf(",\n%q: [\n%s\n]", name, strings.Join(lines, ",\n"))
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		log.Fatal("no build information")
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
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
