package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// dockerManifest is the file that docker load reads in an archive; podman and skopeo read index.json beside it, too. It
// is what docker save has written since Docker 25: a layout of the image specification with this file in it.
const dockerManifest = "manifest.json"

// dockerImage is an element of dockerManifest. Config and Layers are paths in the archive.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// writeArchive writes a tar file of an image that docker load, podman load and skopeo read.
func writeArchive(file string, img v1.Image, reference string, r release) error {
	dir, err := os.MkdirTemp("", "lanewarden-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	at, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	names := map[string]string{refName: r.tag(), imageName: "docker.io/" + reference}
	if err := at.AppendImage(img, layout.WithAnnotations(names)); err != nil {
		return err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	one := dockerImage{Config: blob(manifest.Config.Digest), RepoTags: []string{reference}}
	for _, l := range manifest.Layers {
		one.Layers = append(one.Layers, blob(l.Digest))
	}
	text, err := json.Marshal([]dockerImage{one})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, dockerManifest), text, 0o644); err != nil {
		return err
	}
	entries, err := filesBelow(dir)
	if err != nil {
		return err
	}
	packed, err := pack(entries, r.Date)
	if err != nil {
		return err
	}
	return os.WriteFile(file, packed, 0o644)
}

// blob is the path of a blob in a layout.
func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// filesBelow returns the files below a folder as entries of mode 0644.
func filesBelow(dir string) (all []entry, err error) {
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		all = append(all, entry{Name: name, Mode: 0o644, Content: text})
		return err
	})
	return all, err
}
