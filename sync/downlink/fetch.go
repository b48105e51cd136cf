package downlink

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/drivers/message"
)

// Fetcher reads files of a repository of orders in parts, over the link or from a folder. Nothing that it returns is
// trusted.
type Fetcher interface {
	// Fetch returns up to limit bytes of a file from offset on, and the file's size. No data at offset means that the
	// file ends there. ErrMissing means that there is no such file; other errors are for now: the same may be asked
	// again.
	Fetch(ctx context.Context, name string, offset int64, limit int) (data []byte, total int64, err error)
}

// ErrMissing is the error of a file that is not in the repository.
var ErrMissing = message.Errorf("orders.missing")

// partSize is how much is asked for at once, in bytes. A fetcher may return less.
const partSize = 256 << 10

// fetchAll reads a whole file of at most most bytes.
func fetchAll(ctx context.Context, f Fetcher, name string, most int64) ([]byte, error) {
	var all []byte
	for {
		part, total, err := f.Fetch(ctx, name, int64(len(all)), partSize)
		if err != nil {
			return nil, err
		}
		if total > most || int64(len(all)+len(part)) > min(most, total) {
			return nil, message.Errorf("orders.too-large", message.String("file", name), message.Int("most", most))
		}
		all = append(all, part...)
		if int64(len(all)) == total {
			return all, nil
		}
		if len(part) == 0 {
			return nil, message.Errorf("orders.truncated", message.String("file", name), message.Int("bytes", len(all)),
				message.Int("want", total))
		}
	}
}

// folder reads a repository from a folder, as `lanehub orders export` writes it.
type folder string

// Fetch implements Fetcher. Nothing outside the folder is read, whatever links are in it.
func (d folder) Fetch(_ context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, ErrMissing
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, ErrMissing
	}
	data := make([]byte, min(int64(limit), max(info.Size()-offset, 0)))
	n, err := f.ReadAt(data, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], info.Size(), err
}

// Folder returns a Fetcher of a folder.
func Folder(dir string) Fetcher { return folder(dir) }
