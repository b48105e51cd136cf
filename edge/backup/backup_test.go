package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
)

const passphrase = "correct horse battery staple"

func known(text string) Options {
	return Options{Passphrase: func() (string, error) { return text, nil }}
}

// unasked fails a test in which a passphrase is asked for and none is needed.
func unasked(t *testing.T) Options {
	return Options{Passphrase: func() (string, error) { t.Error("asked for the passphrase"); return "", nil }}
}

// state is an agent's state directory with an open journal.
type state struct {
	*journal.Journal
	t    testing.TB
	dir  string
	rows int
}

func (s *state) journalDir() string { return filepath.Join(s.dir, "journal") }

func newState(t testing.TB) *state {
	s := &state{t: t, dir: filepath.Join(t.TempDir(), "state")}
	s.Journal = s.open(s.dir)
	return s
}

func (s *state) open(dir string) *journal.Journal {
	s.t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{
		Site: "demo", Agent: "lane-1", Beside: filepath.Join(dir, "journal.last"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { j.Close() })
	return j
}

// add commits rows, of class event.
func (s *state) add(n int, artifacts ...*observation.Artifact) {
	s.t.Helper()
	for range n {
		o := observation.New(observation.Class_CLASS_EVENT, time.Unix(int64(s.rows), 0), &observation.XrayImage{})
		o.Body.Artifacts = artifacts
		o.Device = "xray-1"
		s.rows++
		if _, err := s.Commit(context.Background(), o); err != nil {
			s.t.Error(err)
			return
		}
	}
}

// image stores an artifact of random bytes.
func (s *state) image(size int) *observation.Artifact {
	s.t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(size)))
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	a, err := s.StoreArtifact(context.Background(), bytes.NewReader(data), "application/dicom", "image.dcm")
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// content is what lanectl backup saves of the state.
func (s *state) content() Content {
	return Content{
		Kind: Agent, Software: "test",
		Database: Database{
			Path: filepath.Join(s.journalDir(), journal.FileName), Held: journal.ArtifactsHeld, Removed: journal.ArtifactRemoved,
		},
		Files: []File{
			{Name: "journal/" + journal.KeyFile, Path: filepath.Join(s.journalDir(), journal.KeyFile), Sealed: true},
			{Name: "journal.last", Path: filepath.Join(s.dir, "journal.last"), Optional: true},
		},
	}
}

// save writes a backup and returns its path.
func (s *state) save(c Content) string {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "backup.tar")
	if _, err := Write(context.Background(), file, c, known(passphrase)); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// plain is the content without what is sealed, which takes a tenth of a second each time.
func (s *state) plain() Content {
	c := s.content()
	c.Files = c.Files[1:]
	return c
}

// checkRestored audits a restored state and opens it as its agent does; it returns its rows.
func (s *state) checkRestored(dir string) int64 {
	s.t.Helper()
	_, report, err := journal.Audit(context.Background(), filepath.Join(dir, "journal"), s.Identity().Verifier)
	if err != nil || !report.OK() {
		s.t.Fatalf("audit: %v, %v", report, err)
	}
	db, err := sqlog.Open(filepath.Join(dir, "journal", journal.FileName), sqlog.ReadOnly)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	sealer, err := journal.SealerBeside(db, filepath.Join(dir, "journal", journal.FileName))
	if err != nil || sealer == nil {
		s.t.Fatalf("the key was not restored: %v", err)
	}
	artifacts, err := sqlog.CheckArtifacts(db, sealer, filepath.Join(dir, "journal"), journal.ArtifactsHeld)
	if err != nil || len(artifacts.Findings) > 0 {
		s.t.Fatalf("artifacts: %v, %v", artifacts.Findings, err)
	}
	j := s.open(dir)
	defer j.Close()
	if found := j.Opening(); found.Damage != nil || found.Before.Size > 0 {
		s.t.Errorf("opened with %+v", found)
	}
	if !bytes.Equal(j.Identity().ID, s.Identity().ID) {
		s.t.Error("another journal was restored")
	}
	return j.Size()
}

// A backup that is made while rows are committed is the journal as it was at one moment, and goes on as itself.
func TestRoundTripBesideAWriter(t *testing.T) {
	s := newState(t)
	s.add(20, s.image(300_000))
	s.add(1, s.image(20))
	if err := os.WriteFile(filepath.Join(s.dir, "journal.last"), []byte("note"), 0o640); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.add(1)
			}
		}
	})
	file := filepath.Join(t.TempDir(), "backup.tar")
	for range 3 {
		before := s.Size()
		sum, err := Write(t.Context(), file, s.content(), known(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		if sum.Rows < before || sum.Rows > s.Size() || sum.Artifacts != 2 || sum.Files != 4 || sum.Wrong != 0 {
			t.Errorf("saved %+v beside %d to %d rows", sum, before, s.Size())
		}
		dir := filepath.Join(t.TempDir(), "new", "state")
		restored, err := Restore(t.Context(), file, dir, Agent, known(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		if restored.Rows != sum.Rows || restored.Files != sum.Files || restored.Kind != Agent {
			t.Errorf("restored %+v of %+v", restored, sum)
		}
		if size := s.checkRestored(dir); size != sum.Rows {
			t.Errorf("%d rows restored of %d", size, sum.Rows)
		}
		key, err := os.Stat(filepath.Join(dir, "journal", journal.KeyFile))
		if err != nil || key.Mode().Perm() != 0o600 {
			t.Errorf("key: %v, %v", key, err)
		}
	}
	close(stop)
	writer.Wait()
	left, err := filepath.Glob(file + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// The tools that every machine has can look into a backup and check it. The key is not readable in it.
func TestOrdinaryToolsReadIt(t *testing.T) {
	s := newState(t)
	s.add(3, s.image(100_000))
	file := s.save(s.content())
	dir := t.TempDir()
	for _, command := range [][]string{{"tar", "xf", file}, {"sha256sum", "--check", "--strict", "MANIFEST"}} {
		c := exec.Command(command[0], command[1:]...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	secret, err := os.ReadFile(filepath.Join(s.journalDir(), journal.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || bytes.Contains(data, secret[:20]) {
		t.Errorf("the key can be read in the backup (%v)", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// is reports whether an error says a message of the catalogue, about a member if name is not "".
func is(err error, code, name string) bool {
	var said *message.Error
	return errors.As(err, &said) && said.Message.Code == code && (name == "" || strings.Contains(err.Error(), name))
}

// refused restores a file into a new directory, which must fail and leave nothing.
func refused(t *testing.T, file string, o Options) error {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	_, err := Restore(t.Context(), file, dir, Agent, o)
	if err == nil {
		t.Fatal("restored")
	}
	if _, there := os.Stat(dir); !errors.Is(there, fs.ErrNotExist) {
		t.Errorf("left %s: %v", dir, there)
	}
	return err
}

// A directory with something in it is left as it is; one that a power cut left half restored is taken.
func TestTarget(t *testing.T) {
	s := newState(t)
	s.add(1)
	file := s.save(s.plain())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), file, dir, Agent, unasked(t)); !is(err, "backup.not-empty", "mine") {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("it has %v now", entries)
	}
	dir = t.TempDir()
	for _, name := range []string{stagingName + "/journal", "lost+found"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Restore(t.Context(), file, dir, Agent, unasked(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, stagingName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", stagingName, err)
	}
}

// A backup replaces an older one only when it is whole, and no file that is none.
func TestReplacing(t *testing.T) {
	s := newState(t)
	s.add(1)
	file := s.save(s.plain())
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, file, s.plain(), unasked(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(old, now) {
		t.Errorf("the old one changed (%v)", err)
	}
	lock, err := create(file + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), file, s.plain(), unasked(t)); !is(err, "backup.busy", "") {
		t.Errorf("beside another: %v", err)
	}
	lock.Close()
	s.add(5)
	if sum, err := Write(t.Context(), file, s.plain(), unasked(t)); err != nil || sum.Rows != 6 {
		t.Errorf("saved %+v, %v", sum, err)
	}
	other := changed(t, []byte("site: {id: demo}"))
	if _, err := Write(t.Context(), other, s.plain(), unasked(t)); !is(err, "backup.other-file", "") {
		t.Errorf("over a lane file: %v", err)
	}
}

// full is a disk with so much room.
type full struct {
	left int
}

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		n := f.left
		f.left = 0
		return n, syscall.ENOSPC
	}
	f.left -= len(p)
	return len(p), nil
}

func (f *full) Close() error { return nil }

// A disk that becomes full, wherever that is, is said; no half of anything stays.
func TestFullDisk(t *testing.T) {
	s := newState(t)
	s.add(2, s.image(100_000))
	file := s.save(s.plain())
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for room := range 20 {
		disk := &full{left: int(info.Size()) * room / 20}
		if _, err := write(t.Context(), disk, t.TempDir(), s.plain(), unasked(t)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("saving, room for %d/20: %v", room, err)
		}
		disk.left = int(info.Size()) * room / 25
		x := extractor(t, info.Size(), func(string, fs.FileMode) (io.WriteCloser, error) { return disk, nil })
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.extract(f); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("restoring, room for %d/25: %v", room, err)
		}
		f.Close()
	}
}

func extractor(t *testing.T, size int64, create func(string, fs.FileMode) (io.WriteCloser, error)) *extraction {
	t.Helper()
	list, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { list.Close() })
	m, err := newManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	return &extraction{ctx: t.Context(), kind: Agent, size: size, options: unasked(t), manifest: m, create: create}
}

// An artifact that the agent removes while the backup is made is noted as removed in it; one that is missing or damaged
// is named, and the rest is saved.
func TestArtifactsThatAreNotThere(t *testing.T) {
	s := newState(t)
	removed, missing, damaged := s.image(100_000), s.image(100_001), s.image(100_002)
	s.add(1, removed)
	s.add(1, missing)
	s.add(1, damaged)
	s.Close()
	at := func(a *observation.Artifact) string { return sqlog.ArtifactPath(s.journalDir(), a.Sha256) }
	if err := errors.Join(os.Remove(at(removed)), os.Remove(at(missing)), os.Truncate(at(damaged), 500)); err != nil {
		t.Fatal(err)
	}
	live, err := sqlog.Open(s.content().Database.Path, sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	d, err := copyDatabase(t.Context(), live, s.plain(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := live.Exec(journal.ArtifactRemoved, removed.Sha256); err != nil { // after the copy
		t.Fatal(err)
	}
	list, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{ctx: t.Context(), tar: tar.NewWriter(io.Discard), manifest: m, watch: func(int64) {}}
	var sum Summary
	if err := a.writeArtifacts(live, d, &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Removed != 1 || sum.Wrong != 2 || len(sum.Findings) != 2 {
		t.Errorf("%+v", sum)
	}
	err = d.Query("SELECT state FROM artifact WHERE sha256=?", func(c []driver.Value) error {
		if sqlog.Int64(c[0]) != 4 {
			t.Errorf("state %v of the removed one", c[0])
		}
		return nil
	}, removed.Sha256)
	if err != nil {
		t.Error(err)
	}
}

// A disk that cannot be read in the middle of an artifact costs that artifact, not the backup.
func TestUnreadableArtifact(t *testing.T) {
	z := &zeroFilled{r: io.MultiReader(strings.NewReader("abc"), &failing{})}
	data, err := io.ReadAll(io.LimitReader(z, 10))
	if err != nil || !bytes.Equal(data, append([]byte("abc"), make([]byte, 7)...)) || !errors.Is(z.err, syscall.EIO) {
		t.Errorf("%q, %v, %v", data, err, z.err)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, syscall.EIO }

// A backup of 1 GB goes through in pieces.
func TestMemoryIsBounded(t *testing.T) {
	const size = 1 << 30
	list, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	m, err := newManifest(list)
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() {
		a := &archive{ctx: t.Context(), tar: tar.NewWriter(w), manifest: m, watch: func(int64) {}}
		err := a.writeFiles(Header{Format: format, Kind: Agent}, nil)
		if err == nil {
			_, err = a.add("journal/journal.db", size, &zeroFilled{r: strings.NewReader("SQLite format 3")})
		}
		if err == nil {
			err = a.end()
		}
		w.CloseWithError(err)
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	disk := &full{left: 2 * size}
	x := extractor(t, 2*size, func(string, fs.FileMode) (io.WriteCloser, error) { return disk, nil })
	sum, err := x.extract(r)
	runtime.ReadMemStats(&after)
	if err != nil || sum.Bytes != size || disk.left != size {
		t.Fatalf("%+v, %v", sum, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}
