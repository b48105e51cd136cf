// Package deploytest reads what docs/deploy has people run, so that tests can hold it against the programs: services
// of the compose file and containers of the Kubernetes manifests, and the queries of dashboard and alerts. The
// schemas of Compose and Kubernetes are checked by the tests of .ci/image, whose libraries the product does not have.
package deploytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// Folder is that of the deployments, seen from a folder depth levels below the repository's root.
func Folder(depth int) string { return filepath.Join(strings.Repeat("../", depth), "docs/deploy") }

// Service is a container of one of our images.
type Service struct {
	File  string // where it is said, relative to Folder
	Image string // hub, agent or lane
	Args  []string
	Ports []int // that are published, or named as the container's
}

// ourImages is what the names of our images begin with.
const ourImages = "lanewarden/"

// Services returns the services of compose file and manifests that run our images. folder is that of docs/deploy.
func Services(folder string) ([]Service, error) {
	composed, err := composeServices(folder, "compose/compose.yaml")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "kubernetes/*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		more, err := podServices(folder, filepath.Join("kubernetes", filepath.Base(f)))
		if err != nil {
			return nil, err
		}
		composed = append(composed, more...)
	}
	return composed, nil
}

// image returns which of our images a reference names, "" for those of others.
func image(reference string) string {
	name, ours := strings.CutPrefix(reference, ourImages)
	if !ours {
		return ""
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

func composeServices(folder, file string) (all []Service, err error) {
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return nil, err
	}
	var compose struct {
		Services map[string]struct {
			Image   string
			Command []string
			Ports   []string
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for name, s := range compose.Services {
		if image(s.Image) == "" {
			continue
		}
		one := Service{File: file, Image: image(s.Image), Args: s.Command}
		for _, published := range s.Ports {
			var port int
			if _, err := fmt.Sscan(published[strings.LastIndex(published, ":")+1:], &port); err != nil {
				return nil, fmt.Errorf("%s: %s: port %q: %w", file, name, published, err)
			}
			one.Ports = append(one.Ports, port)
		}
		all = append(all, one)
	}
	return all, nil
}

// workload is what of a manifest says which containers run; it is empty in manifests of other kinds.
type workload struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Image string
					Args  []string
					Ports []struct {
						ContainerPort int `yaml:"containerPort"`
					}
				}
			}
		}
	}
}

func podServices(folder, file string) (all []Service, err error) {
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return nil, err
	}
	for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var w workload
		if err := documents.Decode(&w); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, c := range w.Spec.Template.Spec.Containers {
			one := Service{File: file, Image: image(c.Image), Args: c.Args}
			for _, p := range c.Ports {
				one.Ports = append(one.Ports, p.ContainerPort)
			}
			all = append(all, one)
		}
	}
}

// Arguments reports arguments of an image's services that its program does not take: commands, flags and values are
// those of root, the program's root command. Run from a program's folder.
func Arguments(t *testing.T, root *cobra.Command, imageName string) {
	t.Helper()
	services, err := Services(Folder(2))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range services {
		if s.Image != imageName {
			continue
		}
		seen++
		c, rest, err := root.Find(s.Args)
		if err == nil {
			err = c.ParseFlags(rest)
		}
		if err == nil {
			err = c.ValidateArgs(c.Flags().Args())
		}
		if err != nil || !c.Runnable() {
			t.Errorf("%s: %s %s: %v", s.File, imageName, strings.Join(s.Args, " "), err)
		}
	}
	if seen == 0 {
		t.Errorf("docs/deploy has no service of the image %s", imageName)
	}
}
