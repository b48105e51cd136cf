package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/keyfile"
)

// stagingName is the folder in the target in which a backup is unpacked until all of it was found right.
const stagingName = ".restoring"

// Restore makes a state directory of the backup in a file. dir is missing or empty; after an error it is so again. Its
// files get their places when every member was found to be what the manifest says, the database last. Run by root, they
// get dir's owner.
func Restore(ctx context.Context, file, dir string, kind Kind, o Options) (s Summary, err error) {
	f, err := os.Open(file)
	if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	made, err := target(dir)
	if err != nil {
		return s, err
	}
	staging := filepath.Join(dir, stagingName)
	defer func() {
		err = errors.Join(err, os.RemoveAll(staging))
		if err != nil && made {
			_ = os.Remove(dir) // only when it is empty: nothing of this restore is in it then
		}
	}()
	if err := os.Mkdir(staging, 0o750); err != nil {
		return s, err
	}
	root, err := os.OpenRoot(staging)
	if err != nil {
		return s, err
	}
	defer root.Close()
	x := &extraction{ctx: ctx, kind: kind, size: info.Size(), options: o, create: creator(root)}
	list, err := os.OpenFile(filepath.Join(staging, manifestName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return s, err
	}
	defer list.Close()
	if x.manifest, err = newManifest(list); err != nil {
		return s, err
	}
	if s, err = x.extract(f); err != nil {
		return s, err
	}
	if err := os.Remove(list.Name()); err != nil {
		return s, err
	}
	return s, publish(staging, dir, kind)
}

// target makes a directory, unless it is there and empty, and reports whether it did. What an interrupted Restore left
// there is removed; the folder that a new ext4 file system has does not count.
func target(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, sqlog.MakeDir(dir)
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Name() != stagingName && e.Name() != "lost+found" {
			return false, message.Errorf("backup.not-empty", message.String("dir", dir), message.Quoted("name", e.Name()))
		}
	}
	return false, os.RemoveAll(filepath.Join(dir, stagingName))
}

// creator returns a function that makes files below a folder, with those above them, and never outside.
func creator(root *os.Root) func(name string, mode fs.FileMode) (io.WriteCloser, error) {
	return func(name string, mode fs.FileMode) (io.WriteCloser, error) {
		if err := root.MkdirAll(path.Dir(name), 0o750); err != nil {
			return nil, err
		}
		return root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	}
}

// publish makes durable what was unpacked, and moves it to its place: the folder with the database last, so that after
// a power cut in between no program takes the directory for a state.
func publish(staging, dir string, kind Kind) error {
	if err := errors.Join(own(staging, dir), syncFiles(staging)); err != nil {
		return err
	}
	entries, err := os.ReadDir(staging)
	if err != nil {
		return err
	}
	last, _, _ := strings.Cut(kind.database(), "/")
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Name() != last {
			names = append(names, e.Name())
		}
	}
	for i, name := range append(names, last) {
		if err := os.Rename(filepath.Join(staging, name), filepath.Join(dir, name)); err != nil {
			for _, back := range names[:i] {
				err = errors.Join(err, os.Rename(filepath.Join(dir, back), filepath.Join(staging, back)))
			}
			return err
		}
	}
	return sqlog.SyncDir(dir)
}

// own gives what was unpacked to the owner of dir, when root runs this: the programs have users of their own.
func own(staging, dir string) error {
	var info unix.Stat_t
	if os.Geteuid() != 0 {
		return nil
	}
	if err := unix.Stat(dir, &info); err != nil {
		return err
	}
	return filepath.WalkDir(staging, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, int(info.Uid), int(info.Gid))
	})
}

// syncFiles makes the file system of a folder durable: one call for a million artifacts.
func syncFiles(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// extraction reads the members of a backup and writes their files.
type extraction struct {
	ctx      context.Context
	kind     Kind
	size     int64 // of the backup, in bytes
	options  Options
	manifest *manifest
	create   func(name string, mode fs.FileMode) (io.WriteCloser, error)

	tar        *tar.Reader
	last       string // name of the member before the one at hand
	passphrase string
	done       int64
	summary    Summary
}

// extract reads a whole backup. Everything in it is listed in its manifest with the right hash when it returns nil.
func (x *extraction) extract(r io.Reader) (Summary, error) {
	x.tar = tar.NewReader(r)
	h, err := x.next()
	if err == nil {
		err = x.readHeader(h)
	}
	hasDatabase := false
	for err == nil {
		if h, err = x.next(); err != nil || h.Name == manifestName {
			break
		}
		hasDatabase = hasDatabase || h.Name == x.kind.database()
		err = x.member(h)
	}
	if err != nil {
		return x.summary, err
	}
	if err := x.manifest.compare(x.tar); err != nil {
		return x.summary, x.said(err)
	}
	if !hasDatabase {
		return x.summary, message.Errorf("backup.missing", message.Quoted("name", x.kind.database()))
	}
	if h, err = x.tar.Next(); err != io.EOF {
		if err != nil {
			return x.summary, x.said(err)
		}
		return x.summary, message.Errorf("backup.unlisted", message.Quoted("name", h.Name))
	}
	return x.summary, nil
}

// next returns the next member, which is a plain file of a name that stays in the folder.
func (x *extraction) next() (*tar.Header, error) {
	h, err := x.tar.Next()
	switch {
	case err == io.EOF:
		return nil, x.said(io.ErrUnexpectedEOF) // the manifest ends a backup
	case err != nil:
		return nil, x.said(err)
	case h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || path.Clean(h.Name) != h.Name || h.Name == "." ||
		strings.ContainsFunc(h.Name, isControl):
		return nil, message.Errorf("backup.name", message.Quoted("name", h.Name))
	case h.Size > x.size: // what is missing is at its end; or it is a sparse member, which would fill the disk
		return nil, x.said(io.ErrUnexpectedEOF)
	}
	return h, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// said returns the error of reading the file as people are told it, with the place.
func (x *extraction) said(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && x.last == "":
		return message.Errorf("backup.none")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return message.Errorf("backup.cut", message.String("name", x.last))
	case errors.Is(err, tar.ErrHeader) && x.last == "":
		return message.Errorf("backup.none")
	case errors.Is(err, tar.ErrHeader):
		return message.Errorf("backup.broken", message.String("name", x.last))
	}
	return err
}

// readHeader reads the first member, which says whose state it is.
func (x *extraction) readHeader(h *tar.Header) error {
	if h.Name != headerName {
		return message.Errorf("backup.none")
	}
	text, _, err := x.readSmall(h)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &x.summary.Header); err != nil {
		return message.Errorf("backup.altered", message.String("name", headerName))
	}
	switch {
	case x.summary.Format != format:
		return message.Errorf("backup.format", message.Quoted("format", x.summary.Format), message.String("want", format))
	case x.summary.Kind != x.kind && x.kind == Agent:
		return message.Errorf("backup.of-hub")
	case x.summary.Kind != x.kind:
		return message.Errorf("backup.of-agent")
	}
	return nil
}

// readSmall reads a member that is small enough for the memory, and notes it for the manifest.
func (x *extraction) readSmall(h *tar.Header) (data, sum []byte, err error) {
	if h.Size > maxSmall {
		return nil, nil, message.Errorf("backup.altered", message.String("name", h.Name))
	}
	if data, err = io.ReadAll(x.tar); err != nil {
		return nil, nil, x.said(err)
	}
	hash := sha256.Sum256(data)
	return data, hash[:], x.noted(h, hash[:])
}

// noted notes a member that was read.
func (x *extraction) noted(h *tar.Header, sum []byte) error {
	x.last = h.Name
	x.done += h.Size
	x.options.watch(x.done, x.size)
	return x.manifest.add(h.Name, h.Size, sum)
}

// member writes the file of a member.
func (x *extraction) member(h *tar.Header) error {
	if name, sealed := strings.CutSuffix(h.Name, sealedSuffix); sealed {
		secret, err := x.secret(h)
		if err != nil {
			return err
		}
		x.counted(int64(len(secret)))
		return x.file(name, 0o600, func(w io.Writer) error { _, err := w.Write(secret); return err })
	}
	x.counted(h.Size)
	sum := sha256.New()
	err := x.file(h.Name, 0o640, func(w io.Writer) error {
		_, err := copyWatched(x.ctx, hashing{w, sum}, x.tar, func(n int64) { x.options.watch(x.done+n, x.size) })
		return x.said(err)
	})
	if err != nil {
		return err
	}
	return x.noted(h, sum.Sum(nil))
}

func (x *extraction) counted(bytes int64) {
	x.summary.Files++
	x.summary.Bytes += bytes
}

// file makes a file and has fill write it.
func (x *extraction) file(name string, mode fs.FileMode, fill func(io.Writer) error) error {
	w, err := x.create(name, mode)
	if errors.Is(err, fs.ErrExist) {
		return message.Errorf("backup.twice", message.String("name", name))
	}
	if err != nil {
		return err
	}
	return errors.Join(fill(w), w.Close())
}

// secret opens a sealed member.
func (x *extraction) secret(h *tar.Header) ([]byte, error) {
	sealed, sum, err := x.readSmall(h)
	if err != nil {
		return nil, err
	}
	if x.passphrase == "" {
		if x.passphrase, err = x.options.Passphrase(); err != nil {
			return nil, err
		}
	}
	secret, err := keyfile.Unseal(sealed, x.passphrase)
	if err == nil {
		return secret, nil
	}
	altered, scanErr := x.isAltered(h.Name, h.Size, sum)
	switch {
	case scanErr != nil:
		return nil, scanErr
	case altered || !errors.Is(err, keyfile.ErrPassphrase):
		return nil, message.Errorf("backup.altered", message.String("name", h.Name))
	}
	return nil, keyfile.ErrPassphrase
}

// isAltered reports whether a member differs from what the manifest says, which it goes on to read: after this nothing
// else can be read. It tells an altered member from a wrong passphrase.
func (x *extraction) isAltered(name string, size int64, sum []byte) (bool, error) {
	for {
		h, err := x.next()
		if err != nil {
			return false, err
		}
		if h.Name == manifestName {
			listed, err := lists(x.tar, manifestEntry(name, size, sum))
			return !listed, x.said(err)
		}
		x.last = h.Name
	}
}
