package bundle

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
)

// Bounds of an archive. A lane's files are some 10 kB each; the largest substance libraries have a megabyte.
const (
	maxEntries  = 1000
	maxFile     = 4 << 20  // bytes of one file
	maxUnpacked = 64 << 20 // bytes of all files, with tar's own
	maxWindow   = 8 << 20  // bytes that zstd may look back, and so take in memory
)

// entryName is what files in an archive may be called: no hidden ones, nothing above the folder, eight levels.
var entryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*){0,7}$`)

// errArchive wraps what is wrong with an archive, as opposed to a disk that is full: it cannot be unpacked another time.
type errArchive struct{ error }

func (e errArchive) Unwrap() error { return e.error }

func wrong(code string, args ...message.Arg) error { return errArchive{message.Errorf(code, args...)} }

// unpack unpacks a tar file compressed with zstd into a folder, which must not be there, and syncs it. Regular files and
// folders alone are taken, with rights of our own.
func unpack(archive io.Reader, dir string) error {
	z, err := zstd.NewReader(archive, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return errArchive{message.Wrap(err, "bundle.archive")}
	}
	defer z.Close()
	limited := &io.LimitedReader{R: z, N: maxUnpacked}
	in := tar.NewReader(limited)
	if err := sqlog.MakeDir(dir); err != nil {
		return err
	}
	folders := map[string]bool{".": true}
	for entries := 0; ; entries++ {
		head, err := in.Next()
		switch {
		case limited.N == 0:
			return wrong("bundle.large", message.Int("most", int64(maxUnpacked)))
		case errors.Is(err, io.EOF):
			return syncDirs(dir, folders)
		case err != nil:
			return errArchive{message.Wrap(err, "bundle.archive")}
		case entries == maxEntries:
			return wrong("bundle.entries", message.Int("most", int64(maxEntries)))
		}
		if err := unpackEntry(in, head, dir, folders); err != nil && limited.N > 0 { // else the next turn says so
			return err
		}
	}
}

// unpackEntry writes one file or folder, and notes the folders that it made.
func unpackEntry(in *tar.Reader, head *tar.Header, dir string, folders map[string]bool) error {
	name := strings.TrimSuffix(strings.TrimPrefix(head.Name, "./"), "/")
	if head.Typeflag == tar.TypeDir && (name == "" || name == ".") {
		return nil
	}
	if !entryName.MatchString(name) || head.Typeflag != tar.TypeReg && head.Typeflag != tar.TypeDir {
		return wrong("bundle.entry", message.Quoted("file", head.Name))
	}
	if head.Size > maxFile {
		return wrong("bundle.file-large", message.String("file", name), message.Int("most", int64(maxFile)))
	}
	parent := path.Dir(name)
	if head.Typeflag == tar.TypeDir {
		parent = name
	}
	if err := os.MkdirAll(filepath.Join(dir, parent), 0o700); err != nil {
		return err
	}
	for p := parent; p != "."; p = path.Dir(p) {
		folders[p] = true
	}
	if head.Typeflag == tar.TypeDir {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return errArchive{message.Wrap(err, "bundle.archive")}
	}
	return writeNew(filepath.Join(dir, name), name, content)
}

// writeNew writes a file that is not there yet, and syncs it.
func writeNew(file, name string, content []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return wrong("bundle.twice", message.String("file", name))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDirs makes the names in folders durable.
func syncDirs(dir string, folders map[string]bool) (err error) {
	for f := range folders {
		err = errors.Join(err, sqlog.SyncDir(filepath.Join(dir, f)))
	}
	return err
}
