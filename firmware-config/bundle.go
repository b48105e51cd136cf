package firmwareconfig

import (
	"os"
	"path/filepath"
	"strings"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
)

// LoadBundle is Load for a lane file in a folder that has all of its documents: a path in the lane file that is not
// absolute is below that folder.
func LoadBundle(dir, file string, specs []driver.Spec) (*Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	c, err := decodeWith(&decoder{file: file, dir: dir, specs: specs}, data)
	if err != nil {
		return nil, err
	}
	c.File = filepath.Join(dir, file)
	return c, nil
}

// isPath reports whether a document's name is the path of a file, and not the name of one that is built in.
func isPath(name string) bool { return strings.Contains(name, "/") || strings.HasSuffix(name, ".yaml") }

// below returns the absolute path of a file that is named by a path below a folder, or by an absolute one.
func below(dir, name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	if !filepath.IsLocal(name) {
		return "", message.Errorf("config.outside", message.Quoted("file", name))
	}
	return filepath.Join(dir, name), nil
}
