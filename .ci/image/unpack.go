package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// unpackImage unpacks an architecture's image from the layout in dir into the folder root, as a container's root file
// system, and returns how it is run. Owners are set when we are root.
func unpackImage(dir, arch, root string) (v1.Config, error) {
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return v1.Config{}, err
	}
	list, err := top.IndexManifest()
	if err != nil {
		return v1.Config{}, err
	}
	index, err := top.ImageIndex(list.Manifests[0].Digest)
	if err != nil {
		return v1.Config{}, err
	}
	if list, err = index.IndexManifest(); err != nil {
		return v1.Config{}, err
	}
	for _, d := range list.Manifests {
		if d.Platform.Architecture != arch {
			continue
		}
		img, err := index.Image(d.Digest)
		if err != nil {
			return v1.Config{}, err
		}
		return unpackLayers(img, root)
	}
	return v1.Config{}, fmt.Errorf("%s has no image for %s", dir, arch)
}

func unpackLayers(img v1.Image, root string) (v1.Config, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return v1.Config{}, err
	}
	layers, err := img.Layers()
	if err != nil {
		return v1.Config{}, err
	}
	for _, l := range layers {
		text, err := l.Uncompressed()
		if err == nil {
			err = errors.Join(unpack(text, root, os.Getuid()), text.Close())
		}
		if err != nil {
			return v1.Config{}, err
		}
	}
	return file.Config, nil
}

// unpack writes the files of a tar stream below dir, with their owners when user, who does it, is root. Names that lead
// out of dir are an error.
func unpack(text io.Reader, dir string, user int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(text); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		name, mode := filepath.Clean(h.Name), h.FileInfo().Mode()
		if h.Typeflag == tar.TypeDir {
			if err = root.Mkdir(name, 0o755); errors.Is(err, fs.ErrExist) {
				err = nil
			}
		} else {
			err = writeFile(root, name, t)
		}
		if err == nil && user == 0 {
			err = root.Lchown(name, h.Uid, h.Gid)
		}
		if err == nil {
			err = root.Chmod(name, mode)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", h.Name, err)
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
