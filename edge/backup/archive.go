package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// manifestHead is the first line of the manifest. Lines that begin with # are comments to sha256sum.
const manifestHead = "# Members of this backup: size in bytes, then SHA-256 and name. Check: tar xf BACKUP_FILE; sha256sum -c MANIFEST\n"

// manifestEntry returns the lines of a member. Its size is in a comment, so that `sha256sum -c` reads the manifest.
func manifestEntry(name string, size int64, sum []byte) string {
	return fmt.Sprintf("# %d\n%x  %s\n", size, sum, name)
}

// readEntry reads the lines of one member; io.EOF after the last.
func readEntry(r *bufio.Reader) (string, error) {
	size, err := r.ReadString('\n')
	if err != nil && (size == "" || err != io.EOF) {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err == io.EOF { // it is shown by the comparison
		err = nil
	}
	return size + line, err
}

// entryName returns the member that an entry of the manifest names, "" when it is no entry.
func entryName(entry string) string {
	_, line, _ := strings.Cut(entry, "\n")
	_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
	return name
}

// manifest gathers the entries of members in a file: of a million artifacts they would be too much for the memory.
type manifest struct {
	file *os.File
	w    *bufio.Writer
}

func newManifest(file *os.File) (*manifest, error) {
	m := &manifest{file, bufio.NewWriter(file)}
	_, err := m.w.WriteString(manifestHead)
	return m, err
}

func (m *manifest) add(name string, size int64, sum []byte) error {
	_, err := m.w.WriteString(manifestEntry(name, size, sum))
	return err
}

// reader returns the manifest so far, and its size.
func (m *manifest) reader() (io.Reader, int64, error) {
	if err := m.w.Flush(); err != nil {
		return nil, 0, err
	}
	size, err := m.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = m.file.Seek(0, io.SeekStart)
	}
	return m.file, size, err
}

// compare holds the manifest of a backup against that of the members as they were read, and names the first member that
// differs.
func (m *manifest) compare(stored io.Reader) error {
	r, _, err := m.reader()
	if err != nil {
		return err
	}
	have, want := bufio.NewReader(r), bufio.NewReader(stored)
	if head, err := want.ReadString('\n'); head != manifestHead {
		if err != nil && err != io.EOF {
			return err
		}
		return message.Errorf("backup.altered", message.String("name", manifestName))
	}
	if _, err := have.ReadString('\n'); err != nil {
		return err
	}
	for {
		read, errHave := readEntry(have)
		listed, errWant := readEntry(want)
		if err := errors.Join(notEOF(errHave), notEOF(errWant)); err != nil {
			return err
		}
		switch {
		case read == "" && listed == "":
			return nil
		case read == listed:
		case read == "" || entryName(read) != entryName(listed) && listed != "":
			return message.Errorf("backup.missing", message.Quoted("name", entryName(listed)))
		case listed == "":
			return message.Errorf("backup.unlisted", message.Quoted("name", entryName(read)))
		default:
			return message.Errorf("backup.altered", message.String("name", entryName(read)))
		}
	}
}

// lists reports whether a manifest has an entry.
func lists(stored io.Reader, entry string) (bool, error) {
	r := bufio.NewReader(stored)
	if _, err := r.ReadString('\n'); err != nil {
		return false, notEOF(err)
	}
	for {
		listed, err := readEntry(r)
		if err != nil || listed == entry {
			return err == nil, notEOF(err)
		}
	}
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// archive writes the members of a backup.
type archive struct {
	ctx      context.Context
	tar      *tar.Writer
	manifest *manifest
	created  time.Time
	files    int
	done     int64 // bytes of members
	watch    func(done int64)
}

// add writes a member of a size, and returns its SHA-256. An r that has fewer bytes is an error.
func (a *archive) add(name string, size int64, r io.Reader) ([]byte, error) {
	h := sha256.New()
	if err := a.put(name, size, io.TeeReader(r, h)); err != nil {
		return nil, err
	}
	a.files++
	sum := h.Sum(nil)
	return sum, a.manifest.add(name, size, sum)
}

// put writes a member that the manifest does not list.
func (a *archive) put(name string, size int64, r io.Reader) error {
	err := a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.created})
	if err != nil {
		return err
	}
	n, err := copyWatched(a.ctx, a.tar, io.LimitReader(r, size), func(n int64) { a.watch(a.done + n) })
	a.done += n
	if err == nil && n < size {
		err = message.Errorf("backup.shorter", message.String("name", name))
	}
	return err
}

// end writes the manifest, and what ends a tar file.
func (a *archive) end() error {
	r, size, err := a.manifest.reader()
	if err != nil {
		return err
	}
	return errors.Join(a.put(manifestName, size, r), a.tar.Close())
}

// copyBuffer is the size in bytes of the pieces in which files are copied.
const copyBuffer = 256 << 10

// copyWatched copies r to w in pieces until r or ctx ends, and tells after each how many bytes are done.
func copyWatched(ctx context.Context, w io.Writer, r io.Reader, watch func(int64)) (total int64, err error) {
	buffer := make([]byte, copyBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, errRead := r.Read(buffer)
		if _, err := w.Write(buffer[:n]); err != nil {
			return total, err
		}
		total += int64(n)
		watch(total)
		if errRead != nil {
			return total, notEOF(errRead)
		}
	}
}

// hashing is a writer that hashes what it writes.
type hashing struct {
	w   io.Writer
	sum hash.Hash
}

func (h hashing) Write(p []byte) (int, error) {
	h.sum.Write(p)
	return h.w.Write(p)
}
