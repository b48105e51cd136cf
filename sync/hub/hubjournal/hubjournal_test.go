package hubjournal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/wire"
)

// book is a ledger and the folder of a hub's own journal.
type book struct {
	*ledger.Ledger
	t   *testing.T
	dir string
}

func newBook(t *testing.T) *book {
	l, err := ledger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &book{l, t, t.TempDir()}
}

// file is a File on the ledger.
func (b *book) file(_ context.Context, m ledger.Message) (*wire.Ack, error) {
	answers, err := b.Apply([]ledger.Message{m})
	if err != nil || len(answers) == 0 {
		return nil, err
	}
	return answers[0].Ack, nil
}

// during opens the journal, runs it while f acts, and returns once the ledger has as many rows of it as are said.
func (b *book) during(want int64, f func(*Journal)) {
	b.t.Helper()
	j, err := Open(b.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error)
	go func() { ended <- j.Run(ctx, b.file) }()
	f(j)
	for begin := time.Now(); b.held() < want; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			b.t.Errorf("%d rows are in the ledger, want %d", b.held(), want)
			break
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		b.t.Error(err)
	}
	if err := j.Close(); err != nil {
		b.t.Error(err)
	}
}

// held returns how many rows of the hub's own journals the ledger has.
func (b *book) held() (n int64) {
	events, err := b.Events(0, 1000, ledger.Filter{Site: Name.Site, Agent: Name.Agent})
	if err != nil {
		b.t.Error(err)
	}
	return int64(len(events))
}

func note(t *testing.T, j *Journal, what string) {
	if err := j.Note(t.Context(), api.User{Name: "anna", Peer: "10.0.0.1"}, "rekey", message.Verbatim(what)); err != nil {
		t.Error(err)
	}
}

// TestFiled: rows come into the ledger once, over restarts, with their proofs.
func TestFiled(t *testing.T) {
	b := newBook(t)
	b.during(0, func(*Journal) {})
	if known, err := b.Knows(Name); err != nil || known {
		t.Errorf("a journal without rows is known: %v %v", known, err)
	}
	b.during(2, func(j *Journal) { note(t, j, "one"); note(t, j, "two") })
	b.during(3, func(j *Journal) { note(t, j, "three") })
	if n := b.held(); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	page, _, err := b.Journals(ledger.Place{}, 10)
	if err != nil || len(page) != 1 || page[0].Contiguous != 3 || !page[0].Refused.IsZero() {
		t.Errorf("%+v %v", page, err)
	}
}

// TestLostJournal: a journal that is lost with its key begins anew, and the ledger takes the new key.
func TestLostJournal(t *testing.T) {
	b := newBook(t)
	b.during(1, func(j *Journal) { note(t, j, "before") })
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	b.during(2, func(j *Journal) { note(t, j, "after") })
}

// TestOlderCopy: a journal that is older than what the ledger has is set aside at the next start, and a new one begins.
func TestOlderCopy(t *testing.T) {
	b := newBook(t)
	b.during(1, func(j *Journal) { note(t, j, "one") })
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(b.dir)); err != nil {
		t.Fatal(err)
	}
	b.during(3, func(j *Journal) { note(t, j, "two"); note(t, j, "three") })
	b.dir = old
	j, err := Open(b.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	note(t, j, "two, otherwise")
	if err := j.serve(t.Context(), b.file); err == nil {
		t.Error("an older copy is accepted")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b.during(4, func(j *Journal) { note(t, j, "four") })
}

// TestLooksAreOneRow: repeated looks of one person are one row.
func TestLooksAreOneRow(t *testing.T) {
	b := newBook(t)
	b.during(2, func(j *Journal) {
		for range 5 {
			j.NoteLook(t.Context(), api.User{Name: "anna"}, message.New("look.feed"))
			j.NoteLook(t.Context(), api.User{Name: "bert"}, message.New("look.feed"))
		}
	})
	if n := b.held(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// TestRefusedByTheLedger: an answer that is no confirmation stops the journal, and loses nothing.
func TestRefusedByTheLedger(t *testing.T) {
	b := newBook(t)
	j, err := Open(b.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	note(t, j, "one")
	for name, ack := range map[string]*wire.Ack{
		"refused":   {Refusal: wire.Refusal_REFUSAL_EVIDENCE, RefusalText: "because"},
		"no cursor": {},
	} {
		if err := j.serve(t.Context(), func(context.Context, ledger.Message) (*wire.Ack, error) { return ack, nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	failed := errors.New("ctx ended")
	err = j.serve(t.Context(), func(context.Context, ledger.Message) (*wire.Ack, error) { return nil, failed })
	if !errors.Is(err, failed) {
		t.Error(err)
	}
}
