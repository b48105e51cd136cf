package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// refName is the annotation by which tools find an image in a layout, imageName the one by which containerd names it.
const (
	refName   = "org.opencontainers.image.ref.name"
	imageName = "io.containerd.image.name"
)

// notInTag are characters that a version may have and a tag may not, such as Debian's ~.
var notInTag = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// tag returns the release's tag.
func (r release) tag() string { return notInTag.ReplaceAllString(r.Version, "-") }

// baseLayer returns the layer that all images share.
func baseLayer(r release) (v1.Layer, error) {
	entries, err := baseEntries(r)
	if err != nil {
		return nil, err
	}
	return newLayer(entries, r)
}

func newLayer(entries []entry, r release) (v1.Layer, error) {
	text, err := pack(entries, r.Date)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
}

// write makes the plan's images from programs/ARCH: the layout out/NAME with all architectures under one tag, and the
// archives out/lanewarden-NAME_TAG_ARCH.tar.
func (p plan) write(r release, base v1.Layer, programs, out string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range architectures {
		img, err := p.image(r, base, arch, filepath.Join(programs, arch))
		if err != nil {
			return err
		}
		named := v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: named})
		archive := filepath.Join(out, "lanewarden-"+p.Name+"_"+r.tag()+"_"+arch+".tar")
		if err := writeArchive(archive, img, p.reference(r), r); err != nil {
			return err
		}
	}
	index = mutate.Annotations(index, p.labels(r)).(v1.ImageIndex)
	at, err := layout.Write(filepath.Join(out, p.Name), empty.Index)
	if err != nil {
		return err
	}
	if err := at.AppendIndex(index, layout.WithAnnotations(map[string]string{refName: r.tag()})); err != nil {
		return err
	}
	return readable(filepath.Join(out, p.Name))
}

// readable lets everybody read the files below a folder: the library writes blobs for their owner alone.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o644)
	})
}

// reference is the name under which an archive is loaded.
func (p plan) reference(r release) string { return "lanewarden/" + p.Name + ":" + r.tag() }

// image makes the image of one architecture.
func (p plan) image(r release, base v1.Layer, arch, folder string) (v1.Image, error) {
	entries, err := p.entries(folder)
	if err != nil {
		return nil, err
	}
	own, err := newLayer(entries, r)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: r.Date}
	if img, err = mutate.Append(img,
		mutate.Addendum{Layer: base, History: v1.History{Created: created, CreatedBy: "certificates, zones, accounts"}},
		mutate.Addendum{Layer: own, History: v1.History{Created: created, CreatedBy: "programs of " + r.Revision}},
	); err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.Created, file.OS, file.Architecture, file.Config = created, "linux", arch, p.config(r)
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return nil, err
	}
	return mutate.Annotations(img, p.labels(r)).(v1.Image), nil
}
