package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// laneFile is the lane file of an agent in a state directory, with a comment that tells one from another.
func laneFile(stateDir, agent, comment string) string {
	return fmt.Sprintf("# %s\nsite: {id: demo}\nagent: {id: %s, state_dir: %s}\nlanes: [{id: lane-1}]\n", comment, agent, stateDir)
}

// packed writes an archive of files, name and content in turn, and returns its path.
func packed(t *testing.T, files ...string) string {
	t.Helper()
	var entries []tar.Header
	var contents []string
	for i := 0; i < len(files); i += 2 {
		entries = append(entries, tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		contents = append(contents, files[i+1])
	}
	return packedEntries(t, entries, contents)
}

func packedEntries(t *testing.T, entries []tar.Header, contents []string) string {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for i := range entries {
		if err := w.WriteHeader(&entries[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, contents[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.tar.zst")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// opened opens the store of lane-1 in a state directory; change may be nil.
func opened(t *testing.T, dir string, change func(*Options)) *Store {
	t.Helper()
	file, err := firmwareconfig.Decode([]byte(laneFile(dir, "lane-1", "machine")), "machine.yaml", drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: filepath.Join(dir, "bundles"), File: file, Specs: drivers.Catalog, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stage stages an archive as a version.
func (s *Store) stage(t *testing.T, version int64, archive string) {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	b := Bundle{Path: fmt.Sprintf("bundles/demo/lane-1/lane-%d", version), Version: version, SHA256: sum[:]}
	if err := s.Stage(b, archive); err != nil {
		t.Fatal(err)
	}
}

// inForce is the comment of the lane file in force.
func (s *Store) inForce() string {
	first, _, _ := strings.Cut(s.Config().Text, "\n")
	return strings.TrimPrefix(first, "# ")
}

// told lists the steps in the state and in a journal: "refused lane-7: its lane file …".
func told(t *testing.T, s *Store, dir string) (out []string) {
	t.Helper()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "demo", Agent: "lane-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := s.Flush(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	rows, err := j.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		o, err := rows[i].Observation()
		if err != nil {
			t.Fatal(err)
		}
		if b := o.Body.GetBundleState(); b != nil {
			step := strings.ToLower(strings.TrimPrefix(b.Step.String(), "STEP_"))
			line := step + " " + filepath.Base(b.Bundle)
			if b.Text != "" {
				line += ": " + b.Text
			}
			out = append(out, line)
		}
	}
	return out
}

func TestLife(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	if got := s.inForce(); got != "machine" {
		t.Fatalf("in force at first: %q", got)
	}
	for version := range int64(3) {
		s.stage(t, version+1, packed(t, LaneFile, laneFile(dir, "lane-1", fmt.Sprint("version ", version+1))))
		if err := s.Switch(Health{Linked: true}); err != nil {
			t.Fatal(err)
		}
		if before, on := s.Trial(); !on || !before.Linked || s.inForce() != fmt.Sprint("version ", version+1) {
			t.Fatalf("after the switch: %v %v, %q in force", before, on, s.inForce())
		}
		if version == 2 {
			s.Revert(message.New("bundle.unlinked"))
		} else if err := s.Keep(); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.inForce(); got != "version 2" {
		t.Errorf("in force in the end: %q", got)
	}
	if s.Offers([]byte("3"), 3) || !s.Offers([]byte("4"), 4) {
		t.Error("a version that did not work is taken again, or a newer one is not")
	}
	if err := s.Order([]byte("1")); err != nil || !s.Offers([]byte("1"), 1) || s.Offers([]byte("2"), 2) {
		t.Error("an older version that was ordered is not taken", err)
	}
	again := opened(t, dir, nil)
	if got := again.inForce(); got != "version 2" {
		t.Errorf("in force after a restart: %q", got)
	}
	want := []string{"staged lane-1", "switched lane-1", "healthy lane-1", "staged lane-2", "switched lane-2", "healthy lane-2",
		"staged lane-3", "switched lane-3", "reverted lane-3: the centre answered before and does not answer any more"}
	for range 2 { // and never twice
		if got := told(t, again, dir); !slices.Equal(got, want) {
			t.Errorf("journalled:\n%s", strings.Join(got, "\n"))
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "bundles"))
	if err != nil || len(entries) != 2 { // the state, and version 2
		t.Errorf("what is kept: %v %v", entries, err)
	}
}

// An agent that ends during the trial comes back with what was in force before.
func TestDiedOnTrial(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	s.stage(t, 1, packed(t, LaneFile, laneFile(dir, "lane-1", "bad")))
	if err := s.Switch(Health{}); err != nil {
		t.Fatal(err)
	}
	again := opened(t, dir, nil)
	if _, on := again.Trial(); on || again.inForce() != "machine" {
		t.Errorf("on trial: %v; in force: %q", on, again.inForce())
	}
	if got := told(t, again, dir); len(got) != 3 || got[2] != "reverted lane-1: the agent ended while it was on trial" {
		t.Errorf("journalled: %q", got)
	}
}

// A bundle whose files have rotted, or which a newer laned does not accept, does not keep the agent from starting.
func TestUnreadableInForce(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	s.stage(t, 1, packed(t, LaneFile, laneFile(dir, "lane-1", "one")))
	if err := s.Switch(Health{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir(s.Current()), LaneFile), []byte("site: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := opened(t, dir, nil).inForce(); got != "machine" {
		t.Errorf("in force: %q", got)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	good := laneFile(dir, "lane-1", "good")
	link := []tar.Header{{Typeflag: tar.TypeSymlink, Name: LaneFile, Linkname: "/etc/passwd"}}
	many := make([]string, 0, 2*maxEntries+2)
	for i := range maxEntries + 1 {
		many = append(many, fmt.Sprint("f", i), "")
	}
	var large []string
	for i := range maxUnpacked/maxFile + 1 {
		large = append(large, fmt.Sprint("f", i), strings.Repeat("x", maxFile))
	}
	notZstd := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(notZstd, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	withProfile := func(path string) string {
		return good + fmt.Sprintf("devices: [{id: d, driver: ionscan, lane: lane-1, settings: {folder: {path: /tmp}, profile: %q}}]\n", path)
	}
	for _, c := range []struct{ name, archive, want string }{
		{"other agent", packed(t, LaneFile, laneFile(dir, "lane-2", "")), "is of agent demo/lane-2, and this is demo/lane-1"},
		{"other site", packed(t, LaneFile, strings.Replace(good, "id: demo", "id: emerson", 1)), "is of agent emerson/lane-1"},
		{"other state directory", packed(t, LaneFile, laneFile("/tmp/elsewhere", "lane-1", "")), "agent.state_dir belongs to the machine"},
		{"other socket", packed(t, LaneFile, good+"console: {socket: /tmp/x.sock}\n"), "console.socket belongs to the machine"},
		{"wrong lane file", packed(t, LaneFile, good+"devises: []\n"), `devises`},
		{"no lane file", packed(t, "profiles/p.yaml", "x: 1"), "it has no lane file"},
		{"only another agent's", packed(t, "lanes/lane-2.yaml", good), "it has no lane file"},
		{"profile that is missing", packed(t, LaneFile, withProfile("profiles/p.yaml")), "profiles/p.yaml"},
		{"profile outside", packed(t, LaneFile, withProfile("../../p.yaml")), "leads out of the bundle"},
		{"path outside", packed(t, "../lane.yaml", good), "is no file that a bundle may have"},
		{"absolute path", packed(t, "/etc/lane.yaml", good), "is no file that a bundle may have"},
		{"link", packedEntries(t, link, []string{""}), "is no file that a bundle may have"},
		{"twice", packed(t, LaneFile, good, LaneFile, good), "is in it twice"},
		{"large file", packed(t, "big", strings.Repeat("x", maxFile+1)), "has more than 4,194,304 bytes"},
		{"large", packed(t, large...), "unpacked, it has more than"},
		{"many files", packed(t, many...), "more than 1,000 files"},
		{"no archive", notZstd, "no tar archive compressed with zstd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := opened(t, filepath.Join(t.TempDir(), "x"), func(o *Options) {
				own, err := firmwareconfig.Decode([]byte(good), "lane.yaml", drivers.Catalog)
				if err != nil {
					t.Fatal(err)
				}
				o.File, o.Dir = own, filepath.Join(t.TempDir(), "bundles")
			})
			s.stage(t, 7, c.archive)
			if s.Next() != nil || s.Offers(nil, 7) {
				t.Error("it waits, or is taken again")
			}
			got := told(t, s, t.TempDir())
			if len(got) != 1 || !strings.HasPrefix(got[0], "refused lane-7: ") || !strings.Contains(got[0], c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A bundle brings its documents, and one of a site has a lane file for each agent.
func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	profile, _, err := firmwareconfig.ReadDocument(firmwareconfig.Profiles, firmwareconfig.Builtin(firmwareconfig.Profiles)[0])
	if err != nil {
		t.Fatal(err)
	}
	text := laneFile(dir, "lane-1", "site") + `devices: [{id: d, driver: ionscan, lane: lane-1, settings: {folder: {path: ` + dir + `}, profile: profiles/mine.yaml}}]` + "\n"
	s.stage(t, 1, packed(t, "lanes/lane-1.yaml", text, LaneFile, laneFile(dir, "lane-2", ""), "./profiles/mine.yaml", string(profile)))
	if s.Next() == nil {
		t.Fatalf("it does not wait: %q", told(t, s, dir))
	}
}

func TestWorse(t *testing.T) {
	running := func(id string) lane.Status { return lane.Status{ID: id, State: lane.Running} }
	down := func(id string) lane.Status { return lane.Status{ID: id, State: "down"} }
	before := Health{Devices: []lane.Status{running("a"), down("b"), running("gone")}, Linked: true}
	for _, c := range []struct {
		name  string
		after Health
		want  string
	}{
		{"as before", Health{[]lane.Status{running("a"), down("b")}, true}, ""},
		{"a new device that is down", Health{[]lane.Status{running("a"), down("c")}, true}, ""},
		{"a device down", Health{[]lane.Status{down("a")}, true}, "device a ran before and does not run any more"},
		{"no link", Health{[]lane.Status{running("a")}, false}, "the centre answered before and does not answer any more"},
	} {
		if got := before.Worse(c.after).English(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// through has a store go through all steps of two bundles, in a folder; stop is called at each step.
func through(t *testing.T, dir string, stop func(string)) {
	s := opened(t, dir, func(o *Options) { o.stop = stop })
	for version := int64(1); version <= 2; version++ {
		if s.Offers(nil, version) {
			s.stage(t, version, packed(t, LaneFile, laneFile(dir, "lane-1", fmt.Sprint("version ", version))))
		}
		if s.Next() != nil {
			if err := s.Switch(Health{}); err != nil {
				t.Fatal(err)
			}
			_ = told(t, s, dir)
			if s.Current().Version == 1 {
				if err := s.Keep(); err != nil {
					t.Fatal(err)
				}
			} else {
				s.Revert(message.New("bundle.unlinked"))
			}
		}
		_ = told(t, s, dir)
	}
}

// TestKillChild is the process that TestKill ends; alone it does nothing.
func TestKillChild(t *testing.T) {
	dir, at := os.Getenv("BUNDLE_DIR"), os.Getenv("BUNDLE_STEP")
	if dir == "" {
		return
	}
	n, err := strconv.Atoi(at)
	if err != nil {
		t.Fatal(err)
	}
	through(t, dir, func(string) {
		if n--; n == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			select {}
		}
	})
}

// An agent that is killed at any step has the old or the new in force, whole; goes on to the end; and each step is
// journalled once.
func TestKill(t *testing.T) {
	var steps []string
	through(t, t.TempDir(), func(step string) { steps = append(steps, step) })
	for i, step := range steps {
		t.Run(fmt.Sprint(i+1, "-", step), func(t *testing.T) {
			for range kills() {
				killAndGoOn(t, i+1)
			}
		})
	}
}

// kills is how often the process is killed at each step; make kills says how often.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("LANEWARDEN_KILLS")); err == nil {
		return n
	}
	return 1
}

// killAndGoOn has a process killed at its nth step, and goes on with what it left.
func killAndGoOn(t *testing.T, n int) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), "BUNDLE_DIR="+dir, fmt.Sprint("BUNDLE_STEP=", n),
		"TMPDIR="+t.TempDir()) // what it makes goes with this test, as it is killed before it can
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed: %v\n%s", err, out)
	}
	s := opened(t, dir, nil)
	if got := s.inForce(); got != "machine" && got != "version 1" {
		t.Errorf("in force after the kill: %q", got)
	}
	if _, on := s.Trial(); on {
		t.Error("a trial goes on after the kill")
	}
	through(t, dir, nil)
	got := told(t, opened(t, dir, nil), dir)
	sorted := slices.Clone(got)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(got) || len(got) < 6 || !strings.HasPrefix(got[len(got)-1], "reverted lane-2") {
		t.Errorf("journalled:\n%s", strings.Join(got, "\n"))
	}
}

// A step is a sentence in both languages, and an alarm where somebody must look.
func TestRowsClass(t *testing.T) {
	s := state{}
	s.add(observation.BundleState_STEP_REVERTED, &Bundle{Path: "bundles/demo/lane-7"}, message.New("bundle.died"))
	o, err := s.Rows[0].observation()
	if err != nil || o.Class != observation.Class_CLASS_ALARM || o.Body.GetBundleState().Message.GetCode() != "bundle.died" {
		t.Error(o, err)
	}
}
