package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

const deployments = "../../docs/deploy"

// kinds are the types of Kubernetes that the manifests use.
var kinds = map[string]func() any{
	"v1 Namespace":                       func() any { return &corev1.Namespace{} },
	"v1 Service":                         func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                  func() any { return &corev1.ServiceAccount{} },
	"apps/v1 StatefulSet":                func() any { return &appsv1.StatefulSet{} },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return &networkingv1.NetworkPolicy{} },
}

// manifests decodes all documents of the manifests strictly, as Kubernetes' own types: a key that these do not have, or
// one that is there twice, fails the test.
func manifests(t *testing.T) (all []any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deployments, "kubernetes/*.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			var meta metav1.TypeMeta
			if err := yaml.Unmarshal(document, &meta); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if meta.Kind == "Kustomization" {
				continue // no type of k8s.io/api
			}
			make, ok := kinds[meta.APIVersion+" "+meta.Kind]
			if !ok {
				t.Fatalf("%s: %s %s: not a kind that this test knows", file, meta.APIVersion, meta.Kind)
			}
			object := make()
			if err := yaml.UnmarshalStrict(document, object); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			all = append(all, object)
		}
	}
	return all
}

// What no schema says: names that refer to something are there, and the hub's pod is of the restricted level.
func TestManifests(t *testing.T) {
	var set *appsv1.StatefulSet
	services, accounts := map[string]corev1.Service{}, map[string]bool{}
	for _, object := range manifests(t) {
		switch o := object.(type) {
		case *appsv1.StatefulSet:
			set = o
		case *corev1.Service:
			services[o.Name] = *o
		case *corev1.ServiceAccount:
			accounts[o.Name] = true
		}
	}
	if set == nil {
		t.Fatal("no StatefulSet")
	}
	pod := set.Spec.Template
	if _, ok := services[set.Spec.ServiceName]; !ok || !accounts[pod.Spec.ServiceAccountName] {
		t.Errorf("service %q or account %q is not there", set.Spec.ServiceName, pod.Spec.ServiceAccountName)
	}
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	c := pod.Spec.Containers[0]
	for name, s := range services {
		if !contains(pod.Labels, s.Spec.Selector) {
			t.Errorf("service %s selects %v, the pod has %v", name, s.Spec.Selector, pod.Labels)
		}
		for _, port := range s.Spec.Ports {
			named := func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }
			if !slices.ContainsFunc(c.Ports, named) {
				t.Errorf("service %s: the container has no port %q", name, port.TargetPort.StrVal)
			}
		}
	}
	if !contains(pod.Labels, set.Spec.Selector.MatchLabels) || *set.Spec.Replicas != 1 {
		t.Error("the StatefulSet does not select its pod, or has other than one")
	}
	checkMounts(t, set, c)
	checkRestricted(t, pod.Spec, c)
	for name, p := range map[string]*corev1.Probe{
		"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe,
	} {
		if p == nil {
			t.Errorf("no %s probe", name)
		} else if p.HTTPGet != nil && (p.HTTPGet.Path != "/healthz" || p.HTTPGet.Scheme != corev1.URISchemeHTTPS) {
			t.Errorf("%s probe: %+v", name, p.HTTPGet)
		}
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("resources: %v", c.Resources)
	}
}

func contains(all, some map[string]string) bool {
	for key, value := range some {
		if all[key] != value {
			return false
		}
	}
	return len(some) > 0
}

// checkMounts: each mount has a volume, each volume a mount, and what the arguments name is below a mount.
func checkMounts(t *testing.T, set *appsv1.StatefulSet, c corev1.Container) {
	volumes := map[string]bool{}
	for _, v := range set.Spec.Template.Spec.Volumes {
		volumes[v.Name] = false
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		volumes[v.Name] = false
	}
	for _, m := range c.VolumeMounts {
		if used, ok := volumes[m.Name]; !ok || used {
			t.Errorf("mount %s has no volume, or not one of its own", m.Name)
		}
		volumes[m.Name] = true
	}
	for name, used := range volumes {
		if !used {
			t.Errorf("volume %s is mounted nowhere", name)
		}
	}
	for _, arg := range c.Args {
		_, path, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(path, "/") && !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			return path == m.MountPath || strings.HasPrefix(path, m.MountPath+"/")
		}) {
			t.Errorf("%s is below no mount", arg)
		}
	}
}

// checkRestricted holds the pod against the restricted level of Kubernetes' pod security standards, which the namespace
// asks for, and against a root that nobody can write.
func checkRestricted(t *testing.T, pod corev1.PodSpec, c corev1.Container) {
	var wrong field.ErrorList
	require := func(ok bool, path string) {
		if !ok {
			wrong = append(wrong, field.Required(field.NewPath(path), ""))
		}
	}
	s, own := pod.SecurityContext, c.SecurityContext
	require(s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot, "runAsNonRoot")
	require(s != nil && s.RunAsUser != nil && *s.RunAsUser == nobody && *s.FSGroup == nobody, "runAsUser, fsGroup")
	require(s != nil && s.SeccompProfile != nil &&
		s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "seccomp")
	require(own != nil && own.AllowPrivilegeEscalation != nil &&
		!*own.AllowPrivilegeEscalation, "allowPrivilegeEscalation")
	require(own != nil && own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem, "readOnlyRootFilesystem")
	require(own != nil && own.Capabilities != nil && fmt.Sprint(own.Capabilities.Drop) == "[ALL]", "capabilities")
	if err := wrong.ToAggregate(); err != nil {
		t.Error(err)
	}
}

// The compose file is what its specification allows, and its services of ours are images that are made here, each with
// its state on a volume, its program's arguments and no rights.
func TestCompose(t *testing.T) {
	project, err := loadCompose(filepath.Join(deployments, "compose/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range project.Services {
		for _, p := range plans {
			if !strings.HasPrefix(s.Image, "lanewarden/"+p.Name+":") {
				continue
			}
			seen++
			if !slices.ContainsFunc(s.Volumes, mountedAt(p.State)) {
				t.Errorf("%s: %s is not on a volume", s.Name, p.State)
			}
			if !s.ReadOnly || s.User == "" || fmt.Sprint(s.CapDrop) != "[ALL]" || s.PullPolicy != "never" {
				t.Errorf("%s: has rights, or a root that can be written", s.Name)
			}
			for _, port := range s.Ports {
				exposed := slices.Contains(p.Ports, fmt.Sprintf("%d/%s", port.Target, port.Protocol))
				if port.HostIP != "127.0.0.1" || !exposed {
					t.Errorf("%s: port %+v, the image has %v", s.Name, port, p.Ports)
				}
			}
		}
		for _, v := range s.Volumes {
			made := strings.Contains(v.Source, "/compose/secrets/") || strings.Contains(v.Source, "/compose/state/")
			if _, err := os.Stat(v.Source); err != nil && !made {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	if seen != len(plans) {
		t.Errorf("%d services of ours, and %d images", seen, len(plans))
	}
}
