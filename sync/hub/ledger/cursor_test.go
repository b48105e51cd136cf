package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lanewarden/drivers/observation"
)

// A reader whose cursor is of rows that a backup lacks is told; one whose row is in the backup goes on.
func TestCursorsAfterABackupIsPutInPlace(t *testing.T) {
	sqliteOnly(t, "its ledger is one file")
	dir, lane := t.TempDir(), newLane(t, 60)
	l := open(t, dir)
	apply(t, l, lane.hello())
	fill := func(class observation.Class) string {
		apply(t, l, lane.batch(class, -1, 100))
		newest, _ := l.Durable()
		return l.Cursor(newest)
	}
	reopen := func() {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir)
	}
	before := fill(1)
	reopen()
	reopen() // an epoch without rows
	backedUp := fill(2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	backup, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	lost := fill(3)
	sound := func(cursor string) {
		t.Helper()
		seq, err := l.ParseCursor(cursor)
		if err != nil || l.Cursor(seq) != cursor {
			t.Errorf("%s: row %d, %v", cursor, seq, err)
		}
	}
	for _, cursor := range []string{before, backedUp, lost, "0"} {
		sound(cursor)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{FileName + "-wal", FileName + "-shm"} {
		os.Remove(filepath.Join(dir, name))
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), backup, 0o640); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	gone := func(cursor string) {
		t.Helper()
		if _, err := l.ParseCursor(cursor); !errors.Is(err, ErrCursorGone) {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	gone(lost)
	if seq := l.AfterRestore(lost); l.Cursor(seq) != backedUp {
		t.Errorf("a reader that had %s goes on after %s, and the backup ends with %s", lost, l.Cursor(seq), backedUp)
	}
	again := fill(3) // the numbers are used again, by other rows perhaps
	sound(before)
	sound(backedUp)
	sound(again)
	gone(lost)
	if again == lost {
		t.Error("the same cursor for rows of two histories")
	}
	for _, bad := range []string{"x", "-1", "5", "zz-5", before + "x", "99999999-1e3"} {
		if _, err := l.ParseCursor(bad); err == nil || errors.Is(err, ErrCursorGone) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Cursors that readers keep from a version without epochs hold.
func TestPlainCursorsOfEarlierVersions(t *testing.T) {
	dir, lane := t.TempDir(), newLane(t, 30)
	l := open(t, dir)
	apply(t, l, lane.hello())
	apply(t, l, lane.batch(3, -1, 100))
	if err := sqlOf(l).Exec("DELETE FROM epoch"); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if seq, err := l.ParseCursor("5"); seq != 5 || err != nil || l.Cursor(5) != "5" {
		t.Errorf("row %d, %v, %s", seq, err, l.Cursor(5))
	}
	apply(t, l, lane.batch(1, -1, 100))
	newest, _ := l.Durable()
	if c := l.Cursor(newest); len(c) < 10 {
		t.Errorf("a new row has the cursor %s", c)
	}
}
