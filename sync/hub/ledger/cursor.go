package ledger

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/sync/hub/ledger/store"
)

// A cursor names the epoch of its row (store.Epoch). When a
// backup of the ledger is put in its place, the rows after the backup are gone and others get their numbers, in a new
// epoch: so a cursor from before is recognised, and its reader is told instead of missing rows.

// ErrCursorGone means that the row of a cursor is not in the ledger any more: a backup was put in its place.
var ErrCursorGone = message.Errorf("cursor.gone")

// moved is told by the store how far the ledger goes, and wakes readers.
func (l *Ledger) moved(p store.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.position.Newest == p.Newest && !p.Reset && len(l.position.Epochs) == len(p.Epochs) {
		return
	}
	p.Reset = p.Reset || l.position.Reset
	l.position = p
	close(l.changed)
	l.changed = make(chan struct{})
}

// takeReset reports whether what is remembered of the ledger has to be read again, once for each time.
func (l *Ledger) takeReset() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	reset := l.position.Reset
	l.position.Reset = false
	return reset
}

// at returns how far the ledger goes.
func (l *Ledger) at() store.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position
}

// Durable returns the seq of the newest durable row, and a channel that is closed when there is a
// newer one.
func (l *Ledger) Durable() (int64, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position.Newest, l.changed
}

// epochOf returns the index of a row's epoch, -1 for rows from before there were epochs.
func epochOf(epochs []store.Epoch, seq int64) int {
	after, _ := slices.BinarySearchFunc(epochs, seq+1, func(e store.Epoch, seq int64) int { return cmp.Compare(e.First, seq) })
	return after - 1
}

// Cursor returns the cursor of the row seq, EPOCH-SEQ, or SEQ alone for rows from before there were
// epochs. Readers keep it as it is. It may be called from any goroutine.
func (l *Ledger) Cursor(seq int64) string { return cursorOf(l.at().Epochs, seq) }

func cursorOf(epochs []store.Epoch, seq int64) string {
	number := strconv.FormatInt(seq, 10)
	if i := epochOf(epochs, seq); seq > 0 && i >= 0 {
		return epochs[i].ID + "-" + number
	}
	return number
}

// ParseCursor returns the seq of a cursor that Cursor made. "" and "0" are before all rows, "now"
// is the newest row. It returns ErrCursorGone when the ledger does not hold the row any more, and
// another error, worded for the reader, for text that is no cursor.
func (l *Ledger) ParseCursor(text string) (int64, error) {
	seq, err := parseCursor(l.at(), text)
	if err != ErrCursorGone {
		return seq, err
	}
	if err := l.store.Refresh(); err != nil { // another hub process may have moved on just now
		return 0, err
	}
	return parseCursor(l.at(), text)
}

// AfterRestore returns the seq after which there is what a reader has not had, for a cursor that ParseCursor says is gone:
// the row before the first one of the epoch that followed on the cursor's. What was in the backup, the reader has had.
func (l *Ledger) AfterRestore(cursor string) int64 {
	at := l.at()
	id, _, _ := strings.Cut(cursor, "-")
	next := slices.IndexFunc(at.Epochs, func(e store.Epoch) bool { return e.ID == id }) + 1
	if next == 0 { // an epoch that the backup does not know
		next = len(at.Epochs) - 1
	}
	if next < 0 || next >= len(at.Epochs) {
		return at.Newest
	}
	return at.Epochs[next].First - 1
}

func parseCursor(at store.Position, text string) (int64, error) {
	switch text {
	case "", "0":
		return 0, nil
	case "now":
		return at.Newest, nil
	}
	id, number, qualified := strings.Cut(text, "-")
	if !qualified {
		number = id
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 0 || qualified && len(id) != 8 {
		return 0, message.Errorf("cursor.none", message.Quoted("text", text))
	}
	i := epochOf(at.Epochs, seq)
	if !qualified {
		if i >= 0 { // the number alone does not say which row it was
			return 0, message.Errorf("cursor.number", message.Quoted("text", text),
				message.Quoted("example", cursorOf(at.Epochs, at.Newest)))
		}
		return seq, nil
	}
	if seq > at.Newest || i < 0 || at.Epochs[i].ID != id {
		return 0, ErrCursorGone
	}
	return seq, nil
}
