// A peer of the benchmarks: the two webhooks of bench/webhooks/pods.ts on controller-runtime's webhook server, written as
// its documentation shows it. GOMAXPROCS comes from the environment.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const registry = "registry.example.com/"

type defaulter struct{ decoder admission.Decoder }

func (d *defaulter) Handle(_ context.Context, req admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := d.decoder.Decode(req, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Labels["team"] = "unknown"
	for i := range pod.Spec.Containers {
		resources := &pod.Spec.Containers[i].Resources
		if resources.Requests == nil {
			resources.Requests = quantities("100m", "128Mi")
		}
		if resources.Limits == nil {
			resources.Limits = quantities("500m", "256Mi")
		}
	}
	changed, err := json.Marshal(pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, changed)
}

func quantities(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(cpu),
		corev1.ResourceMemory: resource.MustParse(memory),
	}
}

type validator struct{ decoder admission.Decoder }

func (v *validator) Handle(_ context.Context, req admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := v.decoder.Decode(req, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	for _, container := range pod.Spec.Containers {
		if !strings.HasPrefix(container.Image, registry) {
			return admission.Denied(fmt.Sprintf("container %s: its image is not from %s", container.Name, registry))
		}
	}
	return admission.Allowed("")
}

func main() {
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.Int("port", 0, "port to listen on")
	certificates := flag.String("certificates", "", "folder with tls.crt and tls.key")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		exit(err)
	}
	decoder := admission.NewDecoder(scheme)
	server := webhook.NewServer(webhook.Options{Host: *host, Port: *port, CertDir: *certificates})
	server.Register("/mutate", &admission.Webhook{Handler: &defaulter{decoder}})
	server.Register("/validate", &admission.Webhook{Handler: &validator{decoder}})
	if err := server.Start(ctrl.SetupSignalHandler()); err != nil {
		exit(err)
	}
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
