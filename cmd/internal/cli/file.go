package cli

import (
	"io/fs"
	"os"

	"lanewarden/drivers/message"
)

// Replaceable returns an error for a path where something stands that is no file: a folder, a device, a pipe. What is
// written whole or not at all is renamed to its place, and would replace /dev/null too.
func Replaceable(path string) error {
	info, err := os.Lstat(path)
	if err != nil { // nothing is there, or creating it says why not
		return nil
	}
	if target, err := os.Stat(path); err == nil {
		info = target
	}
	if info.IsDir() || info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket|fs.ModeIrregular) != 0 {
		return message.Errorf("cli.no-file", message.String("path", path))
	}
	return nil
}
