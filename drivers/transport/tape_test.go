package transport

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// said returns what is on a tape.
func said(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := ReadTape(dir, func(r Record) error {
		out = append(out, string(r.Data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTapeTriesAgain: a disk that refuses costs the records of that time, which are counted, and says why; afterwards the
// tape goes on by itself.
func TestTapeTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "tape")
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder should be
			t.Fatal(err)
		}
		tape := OpenTape(dir, 1<<20)
		record := func(text string) { tape.Record(Record{At: time.Unix(1, 0), Kind: RecordIn, Data: []byte(text)}) }
		record("a")
		if tape.Problem() == nil || tape.Lost() != 1 {
			t.Errorf("%v, lost %d", tape.Problem(), tape.Lost())
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		record("b") // the disk is left alone for a while
		time.Sleep(2 * tapeRetry)
		record("c")
		if tape.Problem() != nil || tape.Lost() != 2 {
			t.Errorf("%v, lost %d", tape.Problem(), tape.Lost())
		}
		tape.file.Close() // as a disk that breaks
		record("d")
		if tape.Problem() == nil {
			t.Error("no problem is told")
		}
		time.Sleep(2 * tapeRetry)
		record("e")
		if err := tape.Close(); err != nil {
			t.Fatal(err)
		}
		record("f") // after the end
		if got := said(t, dir); !slices.Equal(got, []string{"c", "e"}) || tape.Lost() != 4 {
			t.Errorf("%q, lost %d", got, tape.Lost())
		}
	})
}

// TestTornRecordIsTheLast: behind a record that a full disk tore, recording goes on in a segment of its own: nobody reads
// beyond a torn one.
func TestTornRecordIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		tape := OpenTape(dir, 1<<20)
		record := func(text string) { tape.Record(Record{At: time.Unix(1, 0), Kind: RecordIn, Data: []byte(text)}) }
		record("a")
		if _, err := tape.file.Write(AppendRecord(nil, Record{Kind: RecordIn, Data: []byte("torn")})[:recordHead+2]); err != nil {
			t.Fatal(err)
		}
		tape.leave(os.ErrInvalid)
		time.Sleep(2 * tapeRetry)
		record("b")
		if err := tape.Close(); err != nil {
			t.Fatal(err)
		}
		if got := said(t, dir); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("%q", got)
		}
	})
}
