package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// checkAll checks the images of all plans in the folder out: by the library that made them, and byte by byte without
// it.
func checkAll(out string) error {
	for _, p := range plans {
		dir := filepath.Join(out, p.Name)
		index, err := layout.ImageIndexFromPath(dir)
		if err == nil {
			err = validate.Index(index)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		n, err := checkLayout(os.DirFS(dir), p, architectures)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		fmt.Printf("%s: %d blobs, %s: digests, sizes, media types and contents are right\n",
			dir, n, strings.Join(architectures, " "))
		if err := checkArchives(out, p); err != nil {
			return err
		}
	}
	return nil
}

// checkArchives checks the archives of a plan, one of each architecture.
func checkArchives(out string, p plan) error {
	for _, arch := range architectures {
		files, err := filepath.Glob(filepath.Join(out, "lanewarden-"+p.Name+"_*_"+arch+".tar"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("%s: %d archives of %s for %s, want one", out, len(files), p.Name, arch)
		}
		dir, err := os.MkdirTemp("", "lanewarden-archive-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		text, err := os.ReadFile(files[0])
		if err == nil {
			err = unpack(bytes.NewReader(text), dir, os.Getuid())
		}
		if err == nil {
			err = checkDockerManifest(os.DirFS(dir), p)
		}
		if err == nil {
			_, err = checkLayout(os.DirFS(dir), p, []string{arch})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", files[0], err)
		}
	}
	return nil
}

// checkDockerManifest checks that the manifest for docker load names one image, with its name, and files that are
// there.
func checkDockerManifest(root fs.FS, p plan) error {
	var images []dockerImage
	text, err := fs.ReadFile(root, dockerManifest)
	if err == nil {
		err = json.Unmarshal(text, &images)
	}
	if err != nil {
		return err
	}
	if len(images) != 1 || len(images[0].RepoTags) != 1 ||
		!strings.HasPrefix(images[0].RepoTags[0], "lanewarden/"+p.Name+":") {
		return fmt.Errorf("%s: names other images than lanewarden/%s: %s", dockerManifest, p.Name, text)
	}
	for _, name := range append(images[0].Layers, images[0].Config) {
		if _, err := fs.Stat(root, name); err != nil {
			return err
		}
	}
	return nil
}

// reader reads a layout and remembers which blobs it has checked.
type reader struct {
	root fs.FS
	plan plan
	seen map[string]bool
}

// checkLayout checks a layout from its first byte: every blob has the digest and the size that its descriptor says,
// media types are those of the image specification, there is one image for each architecture, and no blob that none
// names. It returns how many blobs there are.
func checkLayout(root fs.FS, p plan, want []string) (int, error) {
	r := &reader{root, p, map[string]bool{}}
	version, err := fs.ReadFile(root, "oci-layout")
	if err != nil {
		return 0, err
	}
	var mark struct{ ImageLayoutVersion string }
	if err := json.Unmarshal(version, &mark); err != nil || mark.ImageLayoutVersion != "1.0.0" {
		return 0, fmt.Errorf("oci-layout: %s: not version 1.0.0", version)
	}
	text, err := fs.ReadFile(root, "index.json")
	if err != nil {
		return 0, err
	}
	var have []string
	if err := r.index(text, nil, &have); err != nil {
		return 0, err
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		return 0, fmt.Errorf("images of %v, want %v", have, want)
	}
	return len(r.seen), fs.WalkDir(root, "blobs", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !r.seen[name] {
			err = fmt.Errorf("%s: nothing names it", name)
		}
		return err
	})
}

// index checks what an index names, and adds the architectures of its images to have. within is the index's own
// descriptor, nil for the layout's.
func (r *reader) index(text []byte, within *v1.Descriptor, have *[]string) error {
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if index.SchemaVersion != 2 || index.MediaType != types.OCIImageIndex || len(index.Manifests) == 0 {
		return fmt.Errorf("index: version %d, type %q, %d manifests",
			index.SchemaVersion, index.MediaType, len(index.Manifests))
	}
	if within == nil && index.Manifests[0].Annotations[refName] == "" {
		return fmt.Errorf("index: no tag in %s", refName)
	}
	for i := range index.Manifests {
		d := index.Manifests[i]
		text, err := r.blob(d)
		if err != nil {
			return err
		}
		switch d.MediaType {
		case types.OCIImageIndex:
			err = r.index(text, &d, have)
		case types.OCIManifestSchema1:
			err = r.image(text, d, within != nil, have)
		default:
			err = fmt.Errorf("media type %q of %s in an index", d.MediaType, d.Digest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blob returns what a descriptor names, after its digest and size were checked.
func (r *reader) blob(d v1.Descriptor) ([]byte, error) {
	name := blob(d.Digest)
	text, err := fs.ReadFile(r.root, name)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); d.Digest.Algorithm != "sha256" || hex.EncodeToString(sum[:]) != d.Digest.Hex {
		return nil, fmt.Errorf("%s: its SHA-256 is %x", name, sum)
	}
	if int64(len(text)) != d.Size {
		return nil, fmt.Errorf("%s: size %d, its descriptor says %d", name, len(text), d.Size)
	}
	r.seen[name] = true
	return text, nil
}

// image checks a manifest, its configuration and its layers. An index of several architectures must say which this is.
func (r *reader) image(text []byte, d v1.Descriptor, platform bool, have *[]string) error {
	var m v1.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("manifest %s: %w", d.Digest, err)
	}
	if m.SchemaVersion != 2 || m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON {
		return fmt.Errorf("manifest %s: version %d, types %q and %q",
			d.Digest, m.SchemaVersion, m.MediaType, m.Config.MediaType)
	}
	text, err := r.blob(m.Config)
	if err != nil {
		return err
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("configuration %s: %w", m.Config.Digest, err)
	}
	if platform && (d.Platform == nil || d.Platform.OS != config.OS || d.Platform.Architecture != config.Architecture) {
		return fmt.Errorf("the index says %v of an image for %s/%s", d.Platform, config.OS, config.Architecture)
	}
	*have = append(*have, config.Architecture)
	err = errors.Join(r.plan.checkConfig(config), checkAnnotations(m.Annotations, config.Config.Labels))
	if err != nil {
		return err
	}
	if len(config.RootFS.DiffIDs) != len(m.Layers) {
		return fmt.Errorf("%d layers, and %d digests of them in the configuration",
			len(m.Layers), len(config.RootFS.DiffIDs))
	}
	for i, l := range m.Layers {
		if err := r.layer(l, config.RootFS.DiffIDs[i], config); err != nil {
			return fmt.Errorf("layer %s: %w", l.Digest, err)
		}
	}
	return nil
}

// layer checks a layer's types, digest when unpacked, and files.
func (r *reader) layer(d v1.Descriptor, id v1.Hash, config v1.ConfigFile) error {
	if d.MediaType != types.OCILayer {
		return fmt.Errorf("media type %q", d.MediaType)
	}
	packed, err := r.blob(d)
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != id.Hex {
		return fmt.Errorf("unpacked its SHA-256 is %x, the configuration says %s", sum, id)
	}
	for t := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := checkFile(h, t, config); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}
