package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/keyfile"
)

// Write copies a state into the file at a path. The file is complete and on the disk when it gets its name; an earlier
// backup of that name is replaced, any other file is refused. Beside it there must be room for the database twice. The
// program whose state it is may run, and never waits for Write.
//
// Artifacts that are missing or damaged are no error: the summary counts them, and the rest is saved.
func Write(ctx context.Context, file string, c Content, o Options) (s Summary, err error) {
	if err := mayReplace(file); err != nil {
		return s, err
	}
	f, err := create(file + ".new")
	if err != nil {
		return s, err
	}
	defer f.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	scratch := file + ".tmp" // the lock on FILE.new is for this folder, too
	if err := errors.Join(os.RemoveAll(scratch), os.Mkdir(scratch, 0o700)); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if s, err = write(ctx, f, scratch, c, o); err != nil {
		return s, err
	}
	if err := errors.Join(f.Sync(), os.Rename(f.Name(), file)); err != nil {
		return s, err
	}
	return s, sqlog.SyncDir(filepath.Dir(file))
}

// mayReplace refuses a file that is there and is no backup: most likely the arguments were mixed up.
func mayReplace(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		if isBackup(f) {
			return nil
		}
	}
	return message.Errorf("backup.other-file", message.String("file", file))
}

// create opens an empty file that nobody else is writing with create. The lock ends with the file's.
func create(name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		// Some network file systems have no locks: there two backups at once are the operator's to avoid.
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
			return nil, errors.Join(message.Errorf("backup.busy", message.String("file", name)), f.Close())
		}
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there, err := os.Stat(name); err != nil || !os.SameFile(mine, there) {
			f.Close() // the one who had the lock has given the file its name meanwhile
			continue
		}
		return f, f.Truncate(0)
	}
}

// write writes a backup to w; scratch is a folder for its temporary files.
func write(ctx context.Context, w io.Writer, scratch string, c Content, o Options) (s Summary, err error) {
	// What stands beside the database is read before it: journal.last may be older than the journal, never newer.
	files, err := readFiles(c.Files, o)
	if err != nil {
		return s, err
	}
	live, err := sqlog.Open(c.Database.Path, sqlog.ReadOnly)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, live.Close()) }()
	s.Header = Header{Format: format, Kind: c.Kind, Software: c.Software, Created: time.Now().UTC()}
	d, err := copyDatabase(ctx, live, c, filepath.Join(scratch, "db"))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if s.Rows, err = d.Int("SELECT count(*) FROM observation", 0); err != nil {
		return s, err
	}
	if s.Artifacts, err = d.Int("SELECT count(*) FROM artifact WHERE "+c.Database.Held, 0); err != nil {
		return s, err
	}
	list, err := os.OpenFile(filepath.Join(scratch, "manifest"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return s, err
	}
	defer list.Close()
	m, err := newManifest(list)
	if err != nil {
		return s, err
	}
	a := &archive{
		ctx: ctx, tar: tar.NewWriter(w), manifest: m, created: s.Created,
		watch: func(done int64) { o.watch(done, d.bytes) },
	}
	for _, step := range []func() error{
		func() error { return a.writeFiles(s.Header, files) },
		func() error { return a.writeArtifacts(live, d, &s) },
		func() error { return a.writeDatabase(d) },
		a.end,
	} {
		if err := step(); err != nil {
			return s, err
		}
	}
	s.Files, s.Bytes = a.files, a.done
	return s, nil
}

// small is a file that was read whole, as the backup has it.
type small struct {
	name string
	data []byte
}

// readFiles reads the small files and seals those that are to be sealed.
func readFiles(files []File, o Options) (out []small, err error) {
	passphrase := ""
	for _, f := range files {
		data, err := readSmall(f.Path)
		if f.Optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		name := f.Name
		if f.Sealed {
			if passphrase == "" {
				if passphrase, err = o.Passphrase(); err != nil {
					return nil, err
				}
				if len(passphrase) < keyfile.MinPassphrase {
					return nil, message.Errorf("backup.short-passphrase", message.Int("least", keyfile.MinPassphrase))
				}
			}
			if data, err = keyfile.Seal(data, passphrase); err != nil {
				return nil, err
			}
			name += sealedSuffix
		}
		out = append(out, small{name, data})
	}
	return out, nil
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(data) > maxSmall {
		err = message.Errorf("backup.large", message.String("file", name), message.Int("most", maxSmall>>20))
	}
	return data, err
}

// database is a copy of the database that goes into the backup.
type database struct {
	*sqlog.DB
	Database
	kind  Kind
	path  string
	bytes int64 // of all that goes into the backup, as far as it is known
}

// copyDatabase copies the database to a path.
func copyDatabase(ctx context.Context, live *sqlog.DB, c Content, to string) (*database, error) {
	// It exists before, so that it has its mode: the database holds the key of the blinds.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), live.CopyTo(ctx, to)); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	db, err := sqlog.Open(to, sqlog.ReadOnly)
	if err != nil {
		return nil, err
	}
	d := &database{DB: db, Database: c.Database, kind: c.Kind, path: to}
	info, err := os.Stat(to)
	if err == nil {
		d.bytes, err = db.Int("SELECT sum(size) FROM artifact WHERE inline IS NULL AND ("+c.Database.Held+")", 0)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	d.bytes += info.Size()
	return d, nil
}

func (a *archive) writeFiles(h Header, files []small) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range append([]small{{headerName, append(text, '\n')}}, files...) {
		if _, err := a.add(f.name, int64(len(f.data)), bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	a.files-- // the header is no file of the state
	return nil
}

// writeArtifacts writes the artifacts that are files. Those that the program removed since the database was copied are
// noted in the copy.
func (a *archive) writeArtifacts(live *sqlog.DB, d *database, s *Summary) error {
	var removed [][]byte
	query := "SELECT sha256 FROM artifact WHERE inline IS NULL AND size>0 AND (" + d.Held + ") ORDER BY sha256"
	err := d.Query(query, func(c []driver.Value) error {
		sum := sqlog.Bytes(c[0])
		err := a.writeArtifact(filepath.Dir(d.Database.Path), d.kind, sum, s)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		have, errLive := live.Int("SELECT count(*) FROM artifact WHERE sha256=? AND ("+d.Held+")", 0, sum)
		if errLive != nil {
			return errLive
		}
		if have == 0 && d.Removed != "" {
			removed = append(removed, sum)
		} else {
			s.addFinding(hex.EncodeToString(sum), err)
		}
		return nil
	})
	if err != nil || len(removed) == 0 {
		return err
	}
	if err := d.AllowWrites(); err != nil {
		return err
	}
	for _, sum := range removed {
		if err := d.Exec(d.Removed, sum); err != nil {
			return err
		}
	}
	s.Removed = int64(len(removed))
	s.Artifacts -= s.Removed
	return nil
}

// writeArtifact writes one artifact from below dir. An error that is fs.ErrNotExist says that it is not there, and
// nothing was written.
func (a *archive) writeArtifact(dir string, kind Kind, sum []byte, s *Summary) error {
	f, err := os.Open(sqlog.ArtifactPath(dir, sum))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	base := hex.EncodeToString(sum)
	name := path.Join(artifactsOf(kind.database()), base[:2], base[2:])
	filled := &zeroFilled{r: f}
	have, err := a.add(name, info.Size(), filled)
	switch {
	case err != nil:
		return err
	case filled.err != nil:
		s.addFinding(base, filled.err)
	case !bytes.Equal(have, sum):
		s.addFinding(base, message.Errorf("backup.artifact-changed"))
	}
	return nil
}

// zeroFilled reads zeros from where r cannot be read any more: a bad sector in one artifact must not be the end of a
// backup, and a member has to have the size that was announced.
type zeroFilled struct {
	r   io.Reader
	err error // of r
}

func (z *zeroFilled) Read(p []byte) (int, error) {
	if z.err == nil {
		n, err := z.r.Read(p)
		if err == nil || n > 0 {
			return n, nil
		}
		z.err = err
		if err == io.EOF {
			z.err = io.ErrUnexpectedEOF
		}
	}
	clear(p)
	return len(p), nil
}

// writeDatabase writes the copy of the database, after the artifacts, as what became of those stands in it.
func (a *archive) writeDatabase(d *database) error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = a.add(d.kind.database(), info.Size(), f)
	return err
}
