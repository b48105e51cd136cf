package drivertest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
)

// Documents describes a driver that takes whole documents from a drop folder and over HTTP.
type Documents struct {
	Spec driver.Spec
	// Settings for a drop folder and an address and path to listen on; "" for neither.
	Settings func(folder, listen, path string) any
	Name     string // of a document's file
	Good     []byte // a sound document, of which the driver makes one observation
	Bad      []byte // one that it cannot read
	Other    []byte // another sound document that has Good's name and ids, and other content; nil for none
	HTTP     bool   // the driver takes documents over HTTP too
	Listens  bool   // it listens for them in a protocol of its own
	NoFolder bool   // it takes them over HTTP only
	// Observations is the number of observations of the good document, for drivers that go on with it after they have
	// acknowledged it; 0 for those that are there by then.
	Observations int
	// Timed tells the observations that the driver makes as time passes, not of a document: how many there are by the
	// time a document has been read depends on how busy the machine is. nil for none.
	Timed func(*observation.Observation) bool
}

// Run runs the kit.
func (d Documents) Run(t *testing.T) {
	if !d.NoFolder {
		t.Run("folder", d.folder)
		t.Run("folder: a file that grows", d.growing)
		t.Run("folder: bad file", d.badFile)
		t.Run("folder: names in another encoding", d.foreignNames)
		t.Run("folder: refusing journal", d.refusedFile)
		t.Run("folder: cannot be used", d.noFolder)
		if d.Other != nil {
			t.Run("folder: other content under a known name", d.otherFile)
		}
	}
	if d.HTTP {
		t.Run("http", d.http)
		t.Run("http: refusing journal", d.refusedPost)
		if d.Other != nil {
			t.Run("http: other content under a known name", d.otherPost)
		}
	}
	if d.HTTP || d.Listens {
		t.Run("port: another program has it", d.portTaken)
	}
	t.Run("again and again", d.repeat)
}

func (d Documents) start(t *testing.T, folder, listen string) *running {
	return start(t, d.Spec, d.Settings(folder, listen, "/in"), t.TempDir())
}

// folderRunning starts the driver on a new drop folder and waits until it watches it.
func (d Documents) folderRunning(t *testing.T) (*running, string) {
	folder := t.TempDir()
	r := d.start(t, folder, "")
	waitFor(t, "done/ to be made", func() bool { return exists(filepath.Join(folder, "bad")) })
	return r, folder
}

// foreignNames drops a good and a bad document whose names are in Latin-1: both are dealt with like any other.
func (d Documents) foreignNames(t *testing.T) {
	r, folder := d.folderRunning(t)
	defer r.end()
	const good, bad = "M\xfcnchen-", "Z\xfcrich-"
	write(t, filepath.Join(folder, good+d.Name), d.Good)
	waitFor(t, "the file to move to done/", func() bool { return exists(filepath.Join(folder, "done", good+d.Name)) })
	write(t, filepath.Join(folder, bad+d.Name), d.Bad)
	waitFor(t, "the bad file to move to bad/", func() bool { return exists(filepath.Join(folder, "bad", bad+d.Name)) })
	for _, o := range kept(r.sink.Observations(), d.Good) {
		if name := o.Body.Artifacts[0].Name; name != "M\uFFFDnchen-"+d.Name {
			t.Errorf("the artifact is called %q", name)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// folder drops a document, and the same again: it is observed once, kept whole, and both files move to done/.
func (d Documents) folder(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, folder := d.folderRunning(t)
	defer r.end()
	write(t, filepath.Join(folder, d.Name), d.Good)
	waitFor(t, "the file to move to done/", func() bool { return exists(filepath.Join(folder, "done", d.Name)) })
	obs := kept(r.sink.Observations(), d.Good)
	if len(obs) != 1 {
		t.Fatalf("one document gave %d observations with it: %v", len(obs), obs)
	}
	if got := r.sink.Artifact(obs[0].Body.Artifacts[0].Sha256); !bytes.Equal(got, d.Good) {
		t.Error("the artifact is not the document as it came")
	}
	write(t, filepath.Join(folder, d.Name), d.Good)
	waitFor(t, "the second file to move", func() bool { return exists(filepath.Join(folder, "done", d.Name+".1")) })
	if n := len(kept(r.sink.Observations(), d.Good)); n != 1 {
		t.Errorf("the same document twice gave %d observations", n)
	}
}

// kept returns the observations whose artifact is a document; others may be made of it.
func kept(all []*observation.Observation, document []byte) (out []*observation.Observation) {
	sum := sha256.Sum256(document)
	for _, o := range all {
		if a := o.Body.Artifacts; len(a) > 0 && bytes.Equal(a[0].Sha256, sum[:]) {
			out = append(out, o)
		}
	}
	return out
}

// growing writes a document in pieces: it must not be read before its writer has closed it.
func (d Documents) growing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, folder := d.folderRunning(t)
	defer r.end()
	f, err := os.Create(filepath.Join(folder, d.Name))
	if err != nil {
		t.Fatal(err)
	}
	for rest := d.Good; len(rest) > 0; {
		n := min(len(d.Good)/5+1, len(rest))
		if _, err := f.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
		<-time.After(50 * time.Millisecond)
	}
	if n := len(r.sink.Observations()); n != 0 {
		t.Errorf("%d observations before the file was whole", n)
	}
	f.Close()
	waitFor(t, "the file to move to done/", func() bool { return exists(filepath.Join(folder, "done", d.Name)) })
}

// badFile drops a document that cannot be read: it moves to bad/ with the reason, and the next one is read.
func (d Documents) badFile(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, folder := d.folderRunning(t)
	defer r.end()
	write(t, filepath.Join(folder, "a-"+d.Name), d.Bad)
	write(t, filepath.Join(folder, "b-"+d.Name), d.Good)
	waitFor(t, "the good file to move to done/", func() bool { return exists(filepath.Join(folder, "done", "b-"+d.Name)) })
	waitFor(t, "the bad file to move to bad/", func() bool { return exists(filepath.Join(folder, "bad", "a-"+d.Name)) })
	reason, err := os.ReadFile(filepath.Join(folder, "bad", "a-"+d.Name+".reason"))
	if err != nil || len(strings.TrimSpace(string(reason))) == 0 {
		t.Errorf("no reason beside the bad file: %v", err)
	}
	if len(r.sink.Of(observation.Kind_KIND_DEVICE_FAULT)) == 0 {
		t.Error("the bad file is no device.fault")
	}
}

// refusedFile checks that a file stays where it is until it is durable.
func (d Documents) refusedFile(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, folder := d.folderRunning(t)
	defer r.end()
	r.sink.Refuse(true)
	write(t, filepath.Join(folder, d.Name), d.Good)
	<-time.After(300 * time.Millisecond) // time to do it wrong
	if !exists(filepath.Join(folder, d.Name)) {
		t.Fatal("the file was moved, but the journal has refused it")
	}
	r.sink.Refuse(false)
	waitFor(t, "the file to move to done/ once the journal takes it", func() bool { return exists(filepath.Join(folder, "done", d.Name)) })
}

// otherFile drops a document, another one under its name, and the first again: both are observed, each once.
func (d Documents) otherFile(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r, folder := d.folderRunning(t)
	defer r.end()
	for i, document := range [][]byte{d.Good, d.Other, d.Good, d.Other} {
		write(t, filepath.Join(folder, d.Name), document)
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprintf(".%d", i)
		}
		waitFor(t, "the file to move to done/", func() bool { return exists(filepath.Join(folder, "done", d.Name+suffix)) })
	}
	d.bothKept(t, r)
}

// otherPost posts a document, another one with its ids, and the first again: both are observed, each once.
func (d Documents) otherPost(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultClient.CloseIdleConnections()
	r, url := d.httpRunning(t)
	defer r.end()
	for _, document := range [][]byte{d.Good, d.Other, d.Good, d.Other} {
		if code, text, err := d.post(url, document); err != nil || code != http.StatusOK {
			t.Fatalf("%d %s %v", code, text, err)
		}
	}
	d.bothKept(t, r)
}

func (d Documents) bothKept(t *testing.T, r *running) {
	t.Helper()
	all := r.sink.Observations()
	if good, other := len(kept(all, d.Good)), len(kept(all, d.Other)); good != 1 || other != 1 {
		t.Errorf("%d observations of the document, %d of another one with its name and ids; want one each", good, other)
	}
}

func (d Documents) post(url string, body []byte) (int, string, error) {
	resp, err := http.Post(url, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (d Documents) httpRunning(t *testing.T) (*running, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	r := d.start(t, "", address)
	waitFor(t, "the endpoint to listen", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return r, "http://" + address + "/in"
}

// noFolder gives the driver a folder that cannot be made: where it would be is a file.
func (d Documents) noFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, nil)
	d.neverRuns(t, path, "")
}

// portTaken gives the driver a port that is taken, beside a folder that is well where it takes both: the driver ends
// for the one, and what it started for the other ends with it.
func (d Documents) portTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	folder := ""
	if !d.NoFolder {
		folder = t.TempDir()
	}
	d.neverRuns(t, folder, l.Addr().String())
}

// neverRuns checks that a driver which cannot use what its documents come by ends with an error and did not say that
// its device is running: its supervisor tries again and again, and pages and doctor would see a device that is well.
func (d Documents) neverRuns(t *testing.T, folder, listen string) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := d.start(t, folder, listen)
	defer r.stop()
	if err := r.ended(); err == nil {
		t.Error("Run ended without an error")
	}
	if states := r.sink.States(); slices.Contains(states, observation.DeviceState_STATE_RUNNING) {
		t.Errorf("the device cannot run, and the driver said %v", states)
	}
}

func (d Documents) http(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultClient.CloseIdleConnections()
	r, url := d.httpRunning(t)
	defer r.end()
	for range 2 {
		if code, text, err := d.post(url, d.Good); err != nil || code != http.StatusOK {
			t.Fatalf("a good document: %d %s %v", code, text, err)
		}
		if n := len(kept(r.sink.Observations(), d.Good)); n != 1 {
			t.Fatalf("%d observations when the document was acknowledged", n)
		}
	}
	if code, text, err := d.post(url, d.Bad); err != nil || code != http.StatusBadRequest || len(text) < 5 {
		t.Errorf("a bad document: %d %q %v; want 400 and the reason", code, text, err)
	}
	if code, _, err := d.post(url+"/elsewhere", d.Good); err != nil || code != http.StatusNotFound {
		t.Errorf("another path: %d %v; want 404", code, err)
	}
	if resp, err := http.Get(url); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v %v; want 405", resp, err)
	} else {
		resp.Body.Close()
	}
}

func (d Documents) refusedPost(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer http.DefaultClient.CloseIdleConnections()
	r, url := d.httpRunning(t)
	defer r.end()
	r.sink.Refuse(true)
	if code, text, err := d.post(url, d.Good); err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("the journal refused, and the sender got %d %q %v; want 503", code, text, err)
	}
	r.sink.Refuse(false)
	if code, text, err := d.post(url, d.Good); err != nil || code != http.StatusOK {
		t.Errorf("the second try: %d %q %v", code, text, err)
	}
}
