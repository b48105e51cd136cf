package journal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// overwrite writes bytes into the database's file.
func overwrite(t *testing.T, dir string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, FileName), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func zeros(pages int) []byte { return make([]byte, pages*sqlog.PageSize) }

// garbage is bytes that are nothing.
func garbage(n int) []byte {
	rng, b := rand.New(rand.NewPCG(7, 7)), make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// rootPage returns the page on which a table or index begins.
func rootPage(t *testing.T, dir, name string) int64 {
	t.Helper()
	db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	page, err := db.Int("SELECT rootpage FROM sqlite_master WHERE name=?", 0, name)
	if err = errors.Join(err, db.Close()); err != nil || page == 0 {
		t.Fatal(page, err)
	}
	return page - 1
}

// damages are ways in which a disk, or somebody, damages a closed journal.
var damages = map[string]func(t *testing.T, dir string, size int64){
	"page 1 zeroed":           func(t *testing.T, dir string, _ int64) { overwrite(t, dir, 0, zeros(1)) },
	"page 1 garbage":          func(t *testing.T, dir string, _ int64) { overwrite(t, dir, 0, garbage(4096)) },
	"header alone garbage":    func(t *testing.T, dir string, _ int64) { overwrite(t, dir, 0, garbage(100)) },
	"page 2 zeroed":           func(t *testing.T, dir string, _ int64) { overwrite(t, dir, sqlog.PageSize, zeros(1)) },
	"10 pages in the middle":  func(t *testing.T, dir string, size int64) { overwrite(t, dir, size/2/4096*4096, zeros(10)) },
	"garbage in the middle":   func(t *testing.T, dir string, size int64) { overwrite(t, dir, size/3, garbage(50_000)) },
	"last page zeroed":        func(t *testing.T, dir string, size int64) { overwrite(t, dir, size-4096, zeros(1)) },
	"all but page 1 zeroed":   func(t *testing.T, dir string, size int64) { overwrite(t, dir, 4096, zeros(int(size/4096)-1)) },
	"half the file":           func(t *testing.T, dir string, size int64) { truncate(t, dir, size/2) },
	"half a page":             func(t *testing.T, dir string, size int64) { truncate(t, dir, size-2048) },
	"100 bytes":               func(t *testing.T, dir string, _ int64) { truncate(t, dir, 100) },
	"index of keys zeroed":    zeroRoot("observation_key"),
	"index of events zeroed":  zeroRoot("observation_event"),
	"table of rows zeroed":    zeroRoot("observation"),
	"table of tiles zeroed":   zeroRoot("tile"),
	"table of cursors zeroed": zeroRoot("cursor"),
	"artifacts zeroed":        zeroRoot("artifact"),
	"meta zeroed":             zeroRoot("meta"),
	"checkpoints zeroed":      zeroRoot("checkpoint"),
	"a row of the last tile": func(t *testing.T, dir string, _ int64) {
		tamper(t, dir, "UPDATE observation SET t=t+1 WHERE idx=(SELECT max(idx)-2 FROM observation)")
	},
	"the last rows deleted": func(t *testing.T, dir string, _ int64) {
		tamper(t, dir, "DELETE FROM observation WHERE idx>(SELECT max(idx)-20 FROM observation)")
	},
	"a checkpoint replaced":    func(t *testing.T, dir string, _ int64) { tamper(t, dir, "UPDATE checkpoint SET note='x'") },
	"journal's id removed":     func(t *testing.T, dir string, _ int64) { tamper(t, dir, "DELETE FROM meta WHERE key='journal_id'") },
	"all of meta but one gone": func(t *testing.T, dir string, _ int64) { tamper(t, dir, "DELETE FROM meta WHERE key<>'site'") },
}

func truncate(t *testing.T, dir string, size int64) {
	t.Helper()
	if err := os.Truncate(filepath.Join(dir, FileName), size); err != nil {
		t.Fatal(err)
	}
}

func zeroRoot(name string) func(t *testing.T, dir string, size int64) {
	return func(t *testing.T, dir string, _ int64) {
		overwrite(t, dir, rootPage(t, dir, name)*sqlog.PageSize, zeros(1))
	}
}

// damagedCopy returns the directory of a copy of a journal that was damaged.
func damagedCopy(t *testing.T, sound string, damage func(t *testing.T, dir string, size int64)) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sound)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	damage(t, dir, info.Size())
	return dir
}

// Whatever was damaged: the journal opens, takes what comes, at the latest after it was opened again, and what it was is
// whole in a folder of its own or still in use.
func TestDamagedJournal(t *testing.T) {
	sound := t.TempDir()
	j := open(t, sound)
	mixture(t, j, 6000)
	acknowledge(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := damagedCopy(t, sound, damage)
			before, err := os.ReadFile(filepath.Join(dir, FileName))
			if err != nil {
				t.Fatal(err)
			}
			j := takes(t, dir)
			if aside := j.Opening().Aside; aside != "" {
				whole, err := os.ReadFile(filepath.Join(aside, FileName))
				if err != nil || len(whole) < len(before) {
					t.Errorf("%d bytes of %d were set aside, %v", len(whole), len(before), err)
				}
				t.Log(j.Opening().Damage)
			} else if j.Size() < 6000 {
				t.Errorf("a journal of %d rows goes on without a word", j.Size())
			}
		})
	}
}

// takes opens a journal until it takes a row of each class, a new key and an artifact, two times at most.
func takes(t *testing.T, dir string) *Journal {
	t.Helper()
	for range 2 {
		j := open(t, dir)
		err := func() error {
			for i := range 40 {
				for _, class := range observation.Classes {
					if _, err := j.Commit(t.Context(), keyed(class, string(garbage(8)[:4])+string(rune(1000+i))+class.Name())); err != nil {
						return err
					}
				}
			}
			_, err := j.StoreArtifact(t.Context(), bytes.NewReader([]byte("x")), "text/plain", "")
			return err
		}()
		if err == nil {
			return j
		}
		select {
		case <-j.Damaged():
		case <-time.After(10 * time.Second):
			t.Fatalf("it takes nothing, and does not say that it is damaged: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Log(err)
		}
	}
	t.Fatal("it takes nothing after it was opened twice")
	return nil
}

// What is gone, or older than it was, is told by the checkpoint that stands beside the journal.
func TestLostJournal(t *testing.T) {
	beside := func(dir string) Options {
		return Options{Site: "demo", Agent: "lane-1", SignEvery: time.Hour, Beside: filepath.Join(dir, "last")}
	}
	for name, c := range map[string]struct {
		lose func(t *testing.T, dir, old string)
		size int64 // that is missed, 0 for nothing
	}{
		"nothing":       {func(*testing.T, string, string) {}, 0},
		"the database":  {func(t *testing.T, dir, _ string) { os.Remove(filepath.Join(dir, "journal", FileName)) }, 1000},
		"the directory": {func(t *testing.T, dir, _ string) { os.RemoveAll(filepath.Join(dir, "journal")) }, 1000},
		"emptied":       {func(t *testing.T, dir, _ string) { truncate(t, filepath.Join(dir, "journal"), 0) }, 1000},
		"an older copy": {func(t *testing.T, dir, old string) { replace(t, dir, old) }, 1000},
		"the note as well": {func(t *testing.T, dir, _ string) {
			os.RemoveAll(filepath.Join(dir, "journal"))
			os.Remove(filepath.Join(dir, "last"))
		}, 0},
		"the note is wrong": {func(t *testing.T, dir, _ string) { os.WriteFile(filepath.Join(dir, "last"), garbage(3000), 0o600) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, old := t.TempDir(), t.TempDir()
			for _, rows := range []int{400, 600} {
				j, err := Open(filepath.Join(dir, "journal"), beside(dir))
				if err != nil {
					t.Fatal(err)
				}
				mixtureFrom(t, j, int(j.Size()), rows)
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				if rows == 400 {
					if err := os.CopyFS(old, os.DirFS(filepath.Join(dir, "journal"))); err != nil {
						t.Fatal(err)
					}
				}
			}
			c.lose(t, dir, old)
			j, err := Open(filepath.Join(dir, "journal"), beside(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if before := j.Opening().Before; before.Size != c.size {
				t.Errorf("missed: %+v, want %d rows", before, c.size)
			}
		})
	}
}

// replace puts an older copy in the place of the journal.
func replace(t *testing.T, dir, old string) {
	t.Helper()
	path := filepath.Join(dir, "journal")
	if err := errors.Join(os.RemoveAll(path), os.CopyFS(path, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
}

// What can be read of a damaged journal is there to be sent, in order and with nothing that differs from what was
// hashed; what cannot be read is there as its leaf hash where that is known.
func TestSalvage(t *testing.T) {
	sound := t.TempDir()
	j := open(t, sound)
	const rows = 6000
	mixture(t, j, rows)
	art, err := j.StoreArtifact(t.Context(), bytes.NewReader(garbage(100_000)), "image/png", "")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, j, 1, naming(observation.Class_CLASS_EVENT, art))
	all, err := j.Read(0, rows+1)
	if err != nil || j.Close() != nil {
		t.Fatal(err)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := damagedCopy(t, sound, damage)
			next := takes(t, dir)
			asides, err := Asides(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, aside := range asides {
				s, err := OpenSalvaged(t.Context(), dir, aside, testOptions)
				if errors.Is(err, ErrDamaged) {
					t.Log("nothing to salvage:", err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				read, lost := follow(t, s.Journal, all)
				if read != int(s.Rows) || read+lost > int(s.Size()) {
					t.Errorf("%d rows and %d lost ones follow each other, of %d and %d", read, lost, s.Rows, s.Lost)
				}
				t.Logf("%d rows, %d lost with a leaf, of %d", read, lost, rows+1)
				if r, _, err := s.OpenArtifact(art.Sha256); err == nil {
					r.Close()
				}
				if err := errors.Join(next.Adopt(t.Context(), s), s.Sent(), s.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Wherever the file is cut, no row is salvaged that is not as it was, and all that are follow each other.
func TestSalvageOfACutFile(t *testing.T) {
	sound := t.TempDir()
	j := open(t, sound)
	mixture(t, j, 6000)
	all, err := j.Read(0, 6000)
	if err != nil || j.Close() != nil {
		t.Fatal(err)
	}
	for i := range int64(5) {
		dir := damagedCopy(t, sound, func(t *testing.T, dir string, size int64) { truncate(t, dir, size/2-i*1900) })
		takes(t, dir)
		asides, err := Asides(dir)
		if err != nil || len(asides) != 1 {
			t.Fatal(asides, err)
		}
		s, err := OpenSalvaged(t.Context(), dir, asides[0], testOptions)
		if err != nil {
			t.Fatal(err)
		}
		if read, lost := follow(t, s.Journal, all); read != int(s.Rows) {
			t.Errorf("cut %d: %d rows and %d lost ones follow each other, of %d", i, read, lost, s.Rows)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// follow reads a salvaged journal class by class as the link does, and compares its rows with those of before.
func follow(t *testing.T, j *Journal, all []Row) (read, lost int) {
	t.Helper()
	for _, class := range observation.Classes {
		for after := int64(-1); after < j.Last(class); {
			next, err := j.Next(class, after, Limits{Rows: 100, Bytes: 1 << 20, Removed: 100})
			if err != nil {
				t.Fatal(err)
			}
			was := after
			for _, r := range next.Rows {
				if int(r.Idx) < len(all) && !bytes.Equal(r.Body, all[r.Idx].Body) || r.Class != class || r.Idx <= after {
					t.Fatalf("row %d after %d differs", r.Idx, after)
				}
				after = r.Idx
				read++
			}
			for _, r := range next.Removed {
				if r.Idx <= after {
					t.Fatalf("lost row %d after %d", r.Idx, after)
				}
				after = r.Idx
				lost++
			}
			if after == was {
				t.Fatalf("class %s ends at %d of %d", class.Name(), after, j.Last(class))
			}
		}
	}
	return read, lost
}
