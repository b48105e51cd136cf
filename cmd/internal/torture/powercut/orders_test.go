package powercut

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/edge/lane/liststore"
	"lanewarden/firmware-config/lists"
)

// Environment of the program whose power is cut: what it does (worker's name), the disk, and where the lists' files are.
const (
	workVariable  = "LANEWARDEN_POWERCUT_WORK"
	diskVariable  = "LANEWARDEN_POWERCUT_DISK"
	filesVariable = "LANEWARDEN_POWERCUT_FILES"
)

// worker is one of these programs. work says what is durable, a line each, and check, after the power is back, whether that
// is so: said are these lines.
type worker struct {
	work  func(disk string) error
	check func(disk string, said []string) error
}

var workers = map[string]worker{
	"lists": {installLists, checkLists}, "secrets": {makeSecrets, checkSecrets},
	"bundles": {switchBundles, checkBundles}, "orders": {takeSticks, checkSticks},
}

// runWorker is the program: with arguments it checks.
func runWorker(name, disk string) error {
	if len(os.Args) > 1 {
		return workers[name].check(disk, os.Args[2:])
	}
	if err := workers[name].work(disk); err != nil {
		return err
	}
	fmt.Println("done")
	_, err := io.Copy(io.Discard, os.Stdin) // it is killed meanwhile
	return err
}

// Versions of a list of drivers: each but the first comes as a change or whole.
const (
	listVersions = 5
	listDrivers  = 300
)

// inVersion returns driver i of a version; listed is false where it is not in it.
func inVersion(i, version int) (d lists.Driver, listed bool) {
	d = lists.Driver{Program: "FAST", Number: fmt.Sprintf("%010d", 1000000000+i), Status: lists.Active}
	if i%7 == version%7 {
		d.Carriers = []string{strconv.Itoa(7000 + version)}
	}
	return d, (i+version)%10 != 0
}

// writeVersions writes the files of all versions to a folder: whole-N, and change-N from the one before.
func writeVersions(dir string) error {
	for v := 1; v <= listVersions; v++ {
		if err := writeWhole(filepath.Join(dir, fmt.Sprint("whole-", v)), v); err != nil {
			return err
		}
		if v > 1 {
			if err := writeChange(dir, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeWhole(path string, version int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := lists.NewWriter(f)
	if err != nil {
		return err
	}
	var sum lists.Sum
	n := int64(0)
	for i := range listDrivers {
		if d, listed := inVersion(i, version); listed {
			sum.Add(d.Row())
			n++
			if err := w.Put(d.Row()); err != nil {
				return err
			}
		}
	}
	return w.Close(lists.Header{Version: lists.Version{
		Kind: lists.Drivers, Number: int64(version), Rows: n, Issued: time.Unix(int64(version)*86400, 0), SHA256: sum.Name(lists.Drivers, n),
	}})
}

func writeChange(dir string, version int) (err error) {
	out, err := os.Create(filepath.Join(dir, fmt.Sprint("change-", version)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	var readers []*lists.Reader
	for _, v := range []int{version - 1, version} {
		f, err := os.Open(filepath.Join(dir, fmt.Sprint("whole-", v)))
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := lists.NewReader(f)
		if err != nil {
			return err
		}
		defer r.Close()
		readers = append(readers, r)
	}
	return lists.WriteDelta(out, readers[0], readers[1])
}

// installLists installs all versions, every other one as a change, and says each that is in force.
func installLists(disk string) error {
	s, err := liststore.Open(filepath.Join(disk, "lists"))
	if err != nil {
		return err
	}
	for v := 1; v <= listVersions; v++ {
		form := []string{"change-", "whole-"}[v%2]
		f, err := os.Open(filepath.Join(os.Getenv(filesVariable), fmt.Sprint(form, v)))
		if err != nil {
			return err
		}
		if _, err := s.Install(context.Background(), f); err != nil {
			return err
		}
		fmt.Println(v)
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil // the store stays open: its power is cut
}

// checkLists wants the last version that was said, or the one after it, in force and whole; twice, as opening must not
// change that.
func checkLists(disk string, said []string) error {
	for range 2 {
		s, err := liststore.Open(filepath.Join(disk, "lists"))
		if err != nil {
			return err
		}
		if err := errors.Join(errors.Join(s.Problems()...), checkVersion(s, len(said)), s.Close()); err != nil {
			return err
		}
	}
	return nil
}

func checkVersion(s *liststore.Store, least int) error {
	version := 0
	for _, v := range s.Versions() {
		version = int(v.Number)
	}
	if version < least || version > least+1 {
		return fmt.Errorf("version %d is in force, %d was said to be", version, least)
	}
	return s.View(func(l clearance.Lists) error {
		for i := range listDrivers {
			want, listed := inVersion(i, version)
			got, err := l.DriversByNumber(want.Number)
			if err != nil {
				return err
			}
			if (len(got) > 0) != (listed && version > 0) || len(got) > 0 && !slices.Equal(got[0].Carriers, want.Carriers) {
				return fmt.Errorf("version %d has driver %d as %+v, which is %+v, %t", version, i, got, want, listed)
			}
		}
		return nil
	})
}

// secretDays is for how many days secrets are made.
const secretDays = 8

func secretDay(n int) time.Time { return time.Date(2026, 12, 1+n, 12, 0, 0, 0, time.UTC) }

// openDraws opens a journal, and the secrets whose hashes go into it.
func openDraws(disk string) (*journal.Journal, *draw.Secrets, error) {
	j, err := journal.Open(filepath.Join(disk, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		return nil, nil, err
	}
	s, err := draw.OpenSecrets(filepath.Join(disk, "secrets"), []byte("key of the agent"),
		func(ctx context.Context, o *observation.Observation) error {
			_, err := j.Commit(ctx, o)
			return err
		})
	return j, s, err
}

// makeSecrets has the lane make a secret a day, and says each that may be drawn with.
func makeSecrets(disk string) error {
	_, s, err := openDraws(disk)
	if err != nil {
		return err
	}
	for n := range secretDays {
		one, err := s.For(context.Background(), secretDay(n))
		if err != nil {
			return err
		}
		hash := sha256.Sum256(one.Key)
		fmt.Println(hex.EncodeToString(hash[:]))
	}
	return nil
}

// checkSecrets wants each secret that was said, and one hash a day in the journal, which is that day's secret's.
func checkSecrets(disk string, said []string) error {
	j, s, err := openDraws(disk)
	if err != nil {
		return err
	}
	if s.SetAside() != "" {
		return errors.New("the secrets were set aside")
	}
	var want []string // the hash of each day's secret
	for n := range secretDays {
		one, err := s.For(context.Background(), secretDay(n))
		if err != nil {
			return err
		}
		hash := sha256.Sum256(one.Key)
		if n < len(said) && hex.EncodeToString(hash[:]) != said[n] {
			return fmt.Errorf("the secret of day %d is another one", n)
		}
		want = append(want, hex.EncodeToString(hash[:]))
	}
	rows, err := j.Read(0, 1000)
	if err != nil {
		return err
	}
	var hashes []string
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			return err
		}
		if one := o.Body.GetClearanceSecret(); one != nil {
			hashes = append(hashes, hex.EncodeToString(one.Hash))
		}
	}
	if !slices.Equal(hashes, want) {
		return fmt.Errorf("the journal has the hashes %v, the secrets are %v", hashes, want)
	}
	return j.Close()
}

// cuts is how often the power is cut under each program.
func cuts() int {
	if n, err := strconv.Atoi(os.Getenv("LANEWARDEN_KILLS")); err == nil {
		return n
	}
	return 3
}

// The power is cut while lists are installed, secrets of draws made, bundles switched and orders taken, after any of the
// syncs: what was said to be in force is, whole, is journalled once, and no secret is lost to whose hash the lane has committed.
func TestPowerCutOfOrders(t *testing.T) {
	files := t.TempDir()
	must(t, writeVersions(files), writeSticks(files))
	for name := range workers {
		t.Run(name, func(t *testing.T) {
			d := mounted(t)
			all := workUntil(t, d, name, files, 1<<62, 0)
			if len(all) == 0 {
				t.Fatal("nothing was said")
			}
			syncs := d.Syncs()
			if syncs < int64(2*len(all)) {
				t.Fatalf("%d syncs of %d steps reached the disk", syncs, len(all))
			}
			for n := range cuts() {
				clean(t, d)
				seed := uint64(n)
				rng := rand.New(rand.NewPCG(seed, 1))
				said := workUntil(t, d, name, files, 1+rng.Int64N(syncs), seed)
				runCheck(t, d, name, files, said, fmt.Sprintf("cut %d, after %d of %d", n, len(said), len(all)))
			}
		})
	}
}

// clean removes all from a disk.
func clean(t *testing.T, d *Disk) {
	t.Helper()
	entries, err := os.ReadDir(d.path)
	must(t, err)
	for _, e := range entries {
		must(t, os.RemoveAll(filepath.Join(d.path, e.Name())))
	}
	must(t, sqlog.SyncDir(d.path))
}

// command is the program, to be started.
func command(d *Disk, name, files string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), workVariable+"="+name, diskVariable+"="+d.path, filesVariable+"="+files)
	return cmd
}

// workUntil runs the program, cuts the power after so many syncs, or when it is done, and gives it back. It returns what the
// program said was durable.
func workUntil(t *testing.T, d *Disk, name, files string, syncs int64, seed uint64) (said []string) {
	t.Helper()
	cmd := command(d, name, files)
	_, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	begin, done, lines := d.Syncs(), make(chan struct{}), make(chan string, 100)
	must(t, cmd.Start())
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if s.Text() == "done" {
				close(done)
			} else {
				lines <- s.Text()
			}
		}
	}()
	wait := time.NewTicker(100 * time.Microsecond)
	defer wait.Stop()
	deadline := time.After(2 * time.Minute)
	for ended := false; !ended && d.Syncs()-begin < syncs; {
		select {
		case <-done:
			ended = true
		case <-deadline:
			t.Error("the program did not get on")
			ended = true
		case <-wait.C:
		}
	}
	d.Cut(rand.New(rand.NewPCG(seed, 0)))
	must(t, cmd.Process.Kill())
	for line := range lines {
		if !strings.Contains(line, " ") { // else it is what failed when the power went
			said = append(said, line)
		}
	}
	_ = cmd.Wait() // killed
	must(t, d.Unmount(), d.Mount())
	return said
}

// runCheck runs the program that checks what is there after a cut.
func runCheck(t *testing.T, d *Disk, name, files string, said []string, when string) {
	t.Helper()
	if out, err := command(d, name, files, append([]string{"check"}, said...)...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", when, err, out)
	}
}
