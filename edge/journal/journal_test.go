package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testOptions = Options{Site: "demo", Agent: "lane-1", SignEvery: time.Hour}

func open(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func background(n int) *observation.Observation {
	o := observation.New(observation.Class_CLASS_TELEMETRY, time.Unix(0, int64(n)), &observation.RadiationBackground{Gamma: []int32{int32(n), 2, 3, 4}})
	o.Device = "rpm-1"
	return o
}

func keyed(class observation.Class, key string) *observation.Observation {
	o := observation.New(class, time.Unix(5, 0), &observation.RadiationTamper{Tripped: true})
	o.Device, o.Key = "rpm-1", key
	return o
}

func commit(t testing.TB, j *Journal, want int, obs ...*observation.Observation) {
	t.Helper()
	added, err := j.Commit(t.Context(), obs...)
	if err != nil || added != want {
		t.Fatalf("Commit added %d, %v; want %d", added, err, want)
	}
}

func TestCommitAddsEachKeyOnce(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, 1, keyed(observation.Class_CLASS_EVENT, "a"))
	commit(t, j, 0, keyed(observation.Class_CLASS_EVENT, "a"))
	commit(t, j, 2, keyed(observation.Class_CLASS_ALARM, "b"), keyed(observation.Class_CLASS_ALARM, "b"), background(1))
	other := keyed(observation.Class_CLASS_EVENT, "a")
	other.Device = "rpm-2"
	commit(t, j, 1, other)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	commit(t, j, 0, keyed(observation.Class_CLASS_EVENT, "a"))
	rows, err := j.Read(0, 100)
	if err != nil || len(rows) != 4 {
		t.Fatalf("rows %v, %v", rows, err)
	}
	for i, want := range []struct{ class, prev int64 }{{2, -1}, {1, -1}, {3, -1}, {2, 0}} {
		if r := rows[i]; r.Idx != int64(i) || int64(r.Class) != want.class || r.Prev != want.prev {
			t.Errorf("row %d: %+v, want class %d prev %d", i, r, want.class, want.prev)
		}
	}
	if _, err := j.Commit(t.Context(), &observation.Observation{Class: 1, Device: "x"}); err == nil {
		t.Error("an observation without a body was accepted")
	}
}

func TestReopenContinuesTheLog(t *testing.T) {
	dir := t.TempDir()
	var id Identity
	for round := range 4 {
		j := open(t, dir)
		if round > 0 && !bytes.Equal(id.ID, j.Identity().ID) {
			t.Fatal("the journal's id changed")
		}
		id = j.Identity()
		for i := range 333 {
			commit(t, j, 1, background(round*333+i))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, report, err := Audit(t.Context(), dir, "")
	if err != nil || !report.OK() || report.Rows != 4*333 || report.Signed != 4*333 {
		t.Fatalf("audit: %+v, %v", report, err)
	}
}

func TestAuditNamesTheChangedRow(t *testing.T) {
	for _, row := range []int{0, 255, 256, 599} {
		dir := t.TempDir()
		j := open(t, dir)
		for i := range 600 {
			commit(t, j, 1, background(i))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := sqlog.Open(filepath.Join(dir, FileName), sqlog.ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Exec("UPDATE observation SET body=CAST(substr(body,1,length(body)-1)||x'7f' AS BLOB) WHERE idx=?", int64(row)); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		_, report, err := Audit(t.Context(), dir, "")
		if err != nil || report.OK() || !strings.HasPrefix(message.Of(report.Findings[0]).English(), fmt.Sprintf("row %d ", row)) {
			t.Errorf("row %d changed: %+v, %v", row, report, err)
		}
	}
}

func TestFailedTransactionLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, 1, background(0))
	bang := errors.New("disk full")
	rows := []Row{mustRow(t, background(1)), mustRow(t, background(2))}
	err := j.do(t.Context(), &request{rows: rows, also: func(*sqlog.DB) error { return bang }})
	if !errors.Is(err, bang) {
		t.Fatalf("error %v", err)
	}
	commit(t, j, 1, background(3))
	if j.Size() != 2 || j.Last(observation.Class_CLASS_TELEMETRY) != 1 || j.Stats().Failures != 1 {
		t.Fatalf("size %d, stats %+v", j.Size(), j.Stats())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, report, err := Audit(t.Context(), dir, ""); err != nil || !report.OK() || report.Rows != 2 {
		t.Fatalf("audit %+v, %v", report, err)
	}
}

func mustRow(t *testing.T, o *observation.Observation) Row {
	r, err := newRow(o, personal.NewSealer([]byte("of a test")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTextInAnotherEncoding: a row whose text is no UTF-8 is kept, with the letters that cannot be told replaced; the
// observation itself is left alone.
func TestTextInAnotherEncoding(t *testing.T) {
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), &observation.DeviceFault{Reason: "M\xfcller"})
	o.Device = "scanner-1"
	var body observation.Body
	if err := proto.Unmarshal(mustRow(t, o).Body, &body); err != nil {
		t.Fatal(err)
	}
	if got := body.GetDeviceFault().Reason; got != "M\uFFFDller" || o.Body.GetDeviceFault().Reason != "M\xfcller" {
		t.Errorf("%q", got)
	}
}

func TestConcurrentCommitsAreGroupedAndComplete(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	const producers, each = 16, 50
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				if _, err := j.Commit(context.Background(), keyed(observation.Classes[i%3], fmt.Sprint(p, "-", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if j.Size() != producers*each {
		t.Fatalf("size %d", j.Size())
	}
	var n int
	for _, class := range observation.Classes {
		after := int64(-1)
		for {
			rows, err := j.ReadClass(class, after, 7, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				break
			}
			for _, r := range rows {
				if r.Prev != after || r.Class != class {
					t.Fatalf("class %v: row %d has prev %d, want %d", class, r.Idx, r.Prev, after)
				}
				after = r.Idx
				n++
			}
		}
		if after != j.Last(class) {
			t.Errorf("class %v ends at %d, not %d", class, after, j.Last(class))
		}
	}
	if n != producers*each {
		t.Errorf("classes hold %d rows", n)
	}
}

func TestWaitingCountsByClass(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, 5, background(0), keyed(1, "a"), background(1), keyed(2, "b"), background(2))
	check := func(a, e, tel int64) {
		t.Helper()
		w, err := j.Waiting(t.Context())
		if err != nil || w[1] != a || w[2] != e || w[3] != tel {
			t.Errorf("waiting %v, %v; want %d %d %d", w, err, a, e, tel)
		}
	}
	check(1, 1, 3)
	j.SetAcked(observation.Class_CLASS_TELEMETRY, 2)
	check(1, 1, 1)
	j.SetAcked(observation.Class_CLASS_ALARM, 1)
	check(0, 1, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	check(0, 1, 1)
}

func TestArtifactsInlineAndFile(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for _, size := range []int{0, 1, inlineMax, inlineMax + 1, 1 << 20} {
		data := bytes.Repeat([]byte{byte(size), 7}, size/2+1)[:size]
		for range 2 {
			a, err := j.StoreArtifact(t.Context(), bytes.NewReader(data), "application/octet-stream", "x.bin")
			if err != nil {
				t.Fatal(err)
			}
			if want := sha256.Sum256(data); !bytes.Equal(a.Sha256, want[:]) || a.Size != int64(size) {
				t.Fatalf("artifact of %d bytes: %v", size, a)
			}
			f, n, err := j.OpenArtifact(a.Sha256)
			if err != nil || n != int64(size) {
				t.Fatalf("open: %d, %v", n, err)
			}
			got, err := io.ReadAll(f)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("artifact of %d bytes reads differently: %v", size, err)
			}
			f.Close()
		}
	}
	if _, _, err := j.OpenArtifact(make([]byte, 32)); !errors.Is(err, ErrNoArtifact) {
		t.Errorf("unknown artifact: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, artifactDir, ".in-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnotherAgentIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	other := testOptions
	other.Agent = "lane-2"
	if _, err := Open(dir, other); err == nil {
		t.Error("a journal of lane-1 was opened by lane-2")
	}
	if err := os.Remove(filepath.Join(dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := openKey(dir, testOptions); err != nil {
		t.Fatal(err) // a new key was made
	}
	if _, err := Open(dir, testOptions); err == nil || !strings.Contains(err.Error(), KeyFile) {
		t.Errorf("a journal was continued with another key: %v", err)
	}
}

// A journal whose key is lost is set aside whole, and a new one begins under a new key; what the old one holds can still
// be read for the hub.
func TestLostKey(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"removed": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"zeroed":  func(path string) error { return os.WriteFile(path, make([]byte, 200), 0o600) },
		"half":    func(path string) error { return os.Truncate(path, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := open(t, dir)
			commit(t, first, 2, background(1), background(2))
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			if err := lose(filepath.Join(dir, KeyFile)); err != nil {
				t.Fatal(err)
			}
			j := open(t, dir)
			if found := j.Opening(); found.Damage == nil || j.Size() != 0 || j.Identity().Verifier == first.Identity().Verifier {
				t.Fatalf("%+v, %d rows, key %s", found, j.Size(), j.Identity().Verifier)
			}
			s, err := OpenSalvaged(t.Context(), dir, j.Opening().Aside, testOptions)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Rows != 2 || s.Lost != 0 || s.Fork || s.Identity().Verifier != first.Identity().Verifier {
				t.Errorf("%+v of %v", s, s.Identity())
			}
		})
	}
}

// Who only reads a journal leaves a key file that is no key where it is: what becomes of it is the agent's to say.
func TestReadingLeavesTheKeyFile(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	commit(t, j, 1, background(1))
	key := filepath.Join(dir, KeyFile)
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := OpenForReading(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v %v", r, err)
	}
	if text, err := os.ReadFile(key); err != nil || string(text) != "no key" {
		t.Errorf("the key file has %q: %v", text, err)
	}
}

// A journal that the hub refuses is set aside when it is opened next, once in an hour.
func TestSetAsideNext(t *testing.T) {
	dir, why := t.TempDir(), message.Text{EN: "rolled back", FR: "revenu en arrière"}
	first := open(t, dir)
	commit(t, first, 2, background(1), background(2))
	if again, err := first.SetAsideNext(why); !again || err != nil {
		t.Fatal(again, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	if found := j.Opening(); found.Refused != why || found.Damage != nil || j.Size() != 0 {
		t.Errorf("%+v, %d rows", found, j.Size())
	}
	if again, err := j.SetAsideNext(why); again || err != nil {
		t.Errorf("a second journal within an hour: %v, %v", again, err)
	}
	s, err := OpenSalvaged(t.Context(), dir, j.Opening().Aside, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Rows != 2 || !s.Fork || string(s.Identity().ID) != string(first.Identity().ID) {
		t.Errorf("%+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j = open(t, dir); j.Opening().Aside != "" {
		t.Errorf("set aside again: %+v", j.Opening())
	}
}

// An audit of a large journal ends when nobody waits for it any more.
func TestAuditEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for i := range 10 {
		if _, err := j.Commit(t.Context(), background(i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := int64(0)
	_, _, err := AuditWatched(ctx, dir, "", func(done, _ int64) {
		if seen = done; done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || seen != 3 {
		t.Errorf("%v after %d rows", err, seen)
	}
}

// Newest filters in the query: what is rare is found behind much that is not.
func TestNewest(t *testing.T) {
	j := open(t, t.TempDir())
	for i := range 50 {
		o := background(i)
		o.Class, o.Device = observation.Class_CLASS_TELEMETRY, "rpm-1"
		if i%10 == 3 {
			o.Class, o.Device = observation.Class_CLASS_ALARM, "rpm-2"
		}
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		n      int
		class  observation.Class
		device string
		want   string
	}{
		{3, 0, "", "[47 48 49]"}, {2, observation.Class_CLASS_ALARM, "", "[33 43]"}, {100, 0, "rpm-2", "[3 13 23 33 43]"},
		{2, observation.Class_CLASS_TELEMETRY, "rpm-2", "[]"}, {0, 0, "", "[]"}, {5, 0, "nobody", "[]"},
	} {
		rows, err := j.Newest(c.n, c.class, c.device)
		got := []int64{}
		for _, r := range rows {
			got = append(got, r.Idx)
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

func TestCommitAfterClose(t *testing.T) {
	j := open(t, t.TempDir())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Commit(t.Context(), background(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// A caller whose context ends leaves its rows to the writer: nothing of the request may be touched after that.
func TestCommitGivenUp(t *testing.T) {
	j := open(t, t.TempDir())
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if added, err := j.Commit(ctx, background(i)); err != nil && added != 0 {
			t.Errorf("added %d with %v", added, err)
		}
	}
}
