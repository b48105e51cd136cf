package peers

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestStoreAndArrivals: what is committed is counted as it comes; a record that was torn is cut off at the next start
// and counted when it comes again.
func TestStoreAndArrivals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "received")
	s := mustOpen(t, path)
	for _, number := range []int{0, 1, 1} {
		s.add(mustPayload(t, number))
	}
	if err := s.commit(); err != nil {
		t.Fatal(err)
	}
	a, err := openLog(path, payloadTime)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	counted := newTally(4)
	check := func(have, doubled int) {
		t.Helper()
		if err := a.read(counted); err != nil || counted.have != have || counted.doubled != doubled {
			t.Fatalf("%d, %d doubled, %v; want %d, %d", counted.have, counted.doubled, err, have, doubled)
		}
	}
	check(2, 1)
	if _, err := s.file.Write([]byte{0, 0, 0, 9, 1}); err != nil { // killed in the midst of a record
		t.Fatal(err)
	}
	check(2, 1)
	s = mustOpen(t, path)
	s.add(mustPayload(t, 100))
	s.add(mustPayload(t, 3))
	if err := s.commit(); err != nil {
		t.Fatal(err)
	}
	check(3, 1)
	if counted.lost() != 1 {
		t.Errorf("%d lost", counted.lost())
	}
	if n, err := a.progress(); n != 5 || err != nil {
		t.Errorf("progress %d, %v", n, err)
	}
}

func mustOpen(t *testing.T, path string) *store {
	t.Helper()
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.file.Close() })
	return s
}

func mustPayload(t *testing.T, number int) []byte {
	t.Helper()
	b, err := payload(numbered(number))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestForeignRecord: a record without a time is an error, not something lost.
func TestForeignRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "received")
	if err := os.WriteFile(path, []byte{0, 0, 0, 1, 0xff}, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := openLog(path, payloadTime)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.read(newTally(1)); err != errRecord {
		t.Error(err)
	}
}

// TestNumbers: each observation's time tells its number, in both encodings.
func TestNumbers(t *testing.T) {
	for _, number := range []int{0, 1, 99, 100, 999_999} {
		o := numbered(number)
		fromPayload, ok := payloadTime(mustPayload(t, number))
		if n, ours := numberAt(fromPayload); !ok || !ours || n != number {
			t.Errorf("%d: payload says %d", number, n)
		}
		fromLine, ok := lineTime(bytes.TrimSpace(line(o)))
		if !ok || fromLine != o.TimeNs {
			t.Errorf("%d: line says %d", number, fromLine)
		}
	}
	if _, ours := numberAt(1_790_000_000e9); ours {
		t.Error("a time before the first is ours")
	}
	if _, ok := payloadTime([]byte{0x0a}); ok {
		t.Error("a torn message has a time")
	}
}

// TestLine: an observation as Telegraf takes it.
func TestLine(t *testing.T) {
	for number, want := range map[int]string{
		1: "background,device=rpm-1 gamma1=241i,neutron1=1i,gamma2=251i,neutron2=1i,gamma3=246i,neutron3=1i,gamma4=256i,neutron4=1i 1800000005000000000\n",
		0: "state,device=rpm-1 state=2i,reason=\"0\" 1800000000000000000\n",
	} {
		if got := string(line(numbered(number))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
