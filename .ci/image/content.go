package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// checkConfig checks how an image is run.
func (p plan) checkConfig(c v1.ConfigFile) error {
	var all []error
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if want := fmt.Sprintf("%d:%d", nobody, nobody); c.Config.User != want {
		wrong("user %q, want %s", c.Config.User, want)
	}
	if len(c.Config.Entrypoint) != 1 || c.Config.Entrypoint[0] != "/usr/bin/"+p.Programs[0] {
		wrong("entry point %q, want /usr/bin/%s", c.Config.Entrypoint, p.Programs[0])
	}
	if !slices.Equal(c.Config.Cmd, p.Cmd) {
		wrong("arguments %q, want %q", c.Config.Cmd, p.Cmd)
	}
	if ports := slices.Sorted(maps.Keys(c.Config.ExposedPorts)); !slices.Equal(ports, p.Ports) {
		wrong("ports %v, want %v", ports, p.Ports)
	}
	if _, ok := c.Config.Volumes[p.State]; !ok || len(c.Config.Volumes) != 1 {
		wrong("volumes %v, want %s", c.Config.Volumes, p.State)
	}
	if c.Config.StopSignal != "SIGTERM" {
		wrong("stopped by %q, want SIGTERM", c.Config.StopSignal)
	}
	if c.OS != "linux" || c.RootFS.Type != "layers" || c.Created.IsZero() {
		wrong("system %q, root %q, made %s", c.OS, c.RootFS.Type, c.Created)
	}
	return errors.Join(all...)
}

// checkAnnotations checks that a manifest says of itself what the image's labels say, and all that people look for.
func checkAnnotations(have, labels map[string]string) error {
	if !maps.Equal(have, labels) {
		return fmt.Errorf("annotations %v are not the labels %v", have, labels)
	}
	for _, name := range []string{"title", "description", "version", "revision", "created", "licenses", "source"} {
		if labels["org.opencontainers.image."+name] == "" {
			return fmt.Errorf("no label org.opencontainers.image.%s", name)
		}
	}
	return nil
}

// machines are the architectures' numbers in ELF files.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkFile checks one file of a layer: where it goes, its time, that nobody gets rights by it or may change what is
// run, and of a program that it is for this architecture and needs no libraries.
func checkFile(h *tar.Header, content io.Reader, config v1.ConfigFile) error {
	clean := path.Clean("/" + h.Name)
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir || "/"+strings.TrimSuffix(h.Name, "/") != clean {
		return fmt.Errorf("type %c, or a name that is not clean", h.Typeflag)
	}
	if !h.ModTime.Equal(config.Created.Time) {
		return fmt.Errorf("of %s, and the image of %s", h.ModTime, config.Created)
	}
	if h.Mode&0o6000 != 0 || h.Typeflag == tar.TypeReg && (h.Mode&0o022 != 0 || h.Uid != 0 || h.Gid != 0) {
		return fmt.Errorf("mode %o of %d:%d", h.Mode, h.Uid, h.Gid)
	}
	if path.Dir(clean) != "/usr/bin" || h.Typeflag != tar.TypeReg {
		return nil
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if program.Machine != machines[config.Architecture] {
		return fmt.Errorf("for %s, in an image for %s", program.Machine, config.Architecture)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			return fmt.Errorf("it is linked with shared libraries, and the image has none")
		}
	}
	return nil
}
