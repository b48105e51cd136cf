package powercut

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"lanewarden/edge/evidence/sqlog"
)

// mounted returns a disk of 64 MB, or skips the test where FUSE is not to be had.
func mounted(t *testing.T) *Disk {
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and /dev/fuse")
	}
	d := New(t.TempDir(), 64<<20)
	if err := d.Mount(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// cut takes the power and gives it back.
func cut(t *testing.T, d *Disk, seed uint64) Lost {
	t.Helper()
	lost := d.Cut(rand.New(rand.NewPCG(seed, 0)))
	if err := errors.Join(d.Unmount(), d.Mount()); err != nil {
		t.Fatal(err)
	}
	return lost
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// put writes a file, and syncs it when it is to.
func put(t *testing.T, path string, data []byte, sync bool) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	_, err = f.Write(data)
	if sync {
		err = errors.Join(err, f.Sync())
	}
	must(t, err, f.Close())
}

// What was synced, and whose name was, is there after each cut; what was not is as before or partly new, page by
// page.
func TestCutKeepsWhatWasSynced(t *testing.T) {
	d := mounted(t)
	path := filepath.Join(d.path, "file")
	before, after := bytes.Repeat([]byte("a"), 5*pageSize), bytes.Repeat([]byte("b"), 5*pageSize)
	kept, torn := 0, 0
	for seed := range uint64(30) {
		put(t, path, before, true)
		must(t, sqlog.SyncDir(d.path))
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.Write(after)
		must(t, err, f.Close())
		cut(t, d, seed)
		got, err := os.ReadFile(path)
		must(t, err)
		if len(got) != len(before) {
			t.Fatalf("seed %d: %d bytes, %d were synced", seed, len(got), len(before))
		}
		for at := range got {
			if got[at] != got[at/sectorSize*sectorSize] {
				t.Fatalf("seed %d: the sector of byte %d is torn", seed, at)
			}
		}
		if n := bytes.Count(got, []byte("b")); n == 0 {
			kept++
		} else if n < len(got) {
			torn++
		}
	}
	if kept == 0 || torn == 0 {
		t.Errorf("of 30 cuts %d took all and %d a part: both are to happen", kept, torn)
	}
}

// A name is durable when its directory was synced: creations, removals and renames.
func TestCutOfNames(t *testing.T) {
	d := mounted(t)
	in := func(name string) string { return filepath.Join(d.path, name) }
	lostOnce, keptOnce := false, false
	for seed := range uint64(20) {
		must(t, os.MkdirAll(in("a"), 0o750), os.MkdirAll(in("b"), 0o750), sqlog.SyncDir(d.path))
		put(t, in("a/old"), []byte("old"), true)
		must(t, sqlog.SyncDir(in("a")))
		put(t, in("a/moved"), []byte("moved"), true)
		must(t, os.Rename(in("a/moved"), in("b/moved")), sqlog.SyncDir(in("b")))
		must(t, os.Remove(in("a/old")))
		put(t, in("a/unnamed"), []byte("synced, and its name not"), true)
		cut(t, d, seed)
		if got, err := os.ReadFile(in("b/moved")); err != nil || string(got) != "moved" {
			t.Fatalf("seed %d: a file that was moved and synced: %q, %v", seed, got, err)
		}
		if _, err := os.Stat(in("a/moved")); err == nil {
			t.Fatalf("seed %d: a file has two names", seed)
		}
		old, err := os.ReadFile(in("a/old"))
		if err == nil && string(old) != "old" {
			t.Fatalf("seed %d: a removal was undone and the file is %q", seed, old)
		}
		lostOnce, keptOnce = lostOnce || err == nil, keptOnce || err != nil
		must(t, os.RemoveAll(in("a")), os.RemoveAll(in("b")), sqlog.SyncDir(d.path))
	}
	if !lostOnce || !keptOnce {
		t.Error("a removal that was not synced is to be undone by some cuts and not by others")
	}
}

// databaseVariable names the database that this program, started again by TestCutUnderSQLite, writes to.
const databaseVariable = "LANEWARDEN_POWERCUT_DATABASE"

// perStart is how many rows one start of that program commits.
const perStart = 20

// SQLite maps files into memory. Were it in the program that serves the disk, that program could wait for a page of
// its own for ever; so it is in another one, as a real program is.
func TestMain(m *testing.M) {
	if name := os.Getenv(workVariable); name != "" {
		if err := runWorker(name, os.Getenv(diskVariable)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	if path := os.Getenv(databaseVariable); path != "" {
		if err := writeRows(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeRows prints how many rows a database has, commits perStart more, says so, and waits to be killed.
func writeRows(path string) error {
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return err
	}
	if err := db.Exec("CREATE TABLE IF NOT EXISTS r(n INTEGER PRIMARY KEY, body BLOB)"); err != nil {
		return err
	}
	n, err := db.Int("SELECT count(*) FROM r", 0)
	if err != nil {
		return err
	}
	fmt.Println(n)
	for range perStart {
		if err := db.Exec("INSERT INTO r(body) VALUES(?)", make([]byte, 3000)); err != nil {
			return err
		}
	}
	fmt.Println(n + perStart)
	_, err = io.Copy(io.Discard, os.Stdin) // it is killed meanwhile
	return err
}

// SQLite with synchronous=FULL keeps each committed row; the syncs that it makes are seen.
func TestCutUnderSQLite(t *testing.T) {
	d := mounted(t)
	for seed := range uint64(15) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), databaseVariable+"="+filepath.Join(d.path, "rows.db"))
		_, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err, cmd.Start())
		said := bufio.NewScanner(out)
		for _, want := range []int{int(seed) * perStart, int(seed+1) * perStart} {
			if !said.Scan() || said.Text() != strconv.Itoa(want) {
				t.Errorf("seed %d: %q, want %d rows", seed, said.Text(), want)
			}
		}
		syncs := d.Syncs()
		lost := d.Cut(rand.New(rand.NewPCG(seed, 0))) // while it runs: from now on it writes nothing
		t.Logf("seed %d: %+v", seed, lost)
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		must(t, d.Unmount(), d.Mount())
		if t.Failed() {
			return
		}
		if rows := int64(seed+1) * perStart; syncs < rows {
			t.Fatalf("%d syncs of %d commits reached the disk", syncs, rows)
		}
	}
}

// A disk that is filled takes nothing more, and takes it again when there is room.
func TestFull(t *testing.T) {
	d := mounted(t)
	put(t, filepath.Join(d.path, "a"), make([]byte, 10*pageSize), false)
	d.Fill()
	if _, err := os.Create(filepath.Join(d.path, "b")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a file on a full disk: %v", err)
	}
	f, err := os.OpenFile(filepath.Join(d.path, "a"), os.O_RDWR|os.O_APPEND, 0)
	must(t, err)
	if _, err := f.Write(make([]byte, pageSize)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write to a full disk: %v", err)
	}
	var s syscall.Statfs_t
	must(t, syscall.Statfs(d.path, &s))
	if s.Bavail != 0 {
		t.Errorf("a full disk says that it has %d blocks", s.Bavail)
	}
	d.Free()
	_, err = f.Write(make([]byte, pageSize))
	must(t, err, f.Close(), os.Remove(f.Name()))
	put(t, filepath.Join(d.path, "b"), make([]byte, pageSize), true)
}

// The room that is kept back for a start on a full disk is there after a power cut.
func TestCutOfReserve(t *testing.T) {
	d := mounted(t)
	for seed := range uint64(5) {
		sqlog.FillReserve(d.path)
		cut(t, d, seed)
		info, err := os.Stat(filepath.Join(d.path, "reserve"))
		must(t, err)
		if info.Size() != 1<<20 {
			t.Errorf("seed %d: %d bytes of the reserve are left", seed, info.Size())
		}
		must(t, os.Remove(filepath.Join(d.path, "reserve")), sqlog.SyncDir(d.path))
	}
}
