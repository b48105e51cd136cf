package main

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// config returns how an image is run: the first program as the entry point, not as root, state in a volume.
func (p plan) config(r release) v1.Config {
	ports := map[string]struct{}{}
	for _, port := range p.Ports {
		ports[port] = struct{}{}
	}
	return v1.Config{
		User: fmt.Sprintf("%d:%d", nobody, nobody), Entrypoint: []string{"/usr/bin/" + p.Programs[0]}, Cmd: p.Cmd,
		Env: []string{"PATH=/usr/bin"}, WorkingDir: "/", ExposedPorts: ports, Volumes: map[string]struct{}{p.State: {}},
		Labels: p.labels(r), StopSignal: "SIGTERM",
	}
}
