package ledger

import (
	"cmp"
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
)

// An epoch is the rows that came between two openings of the ledger. A cursor names the epoch of its row. When a
// backup of the ledger is put in its place, the rows after the backup are gone and others get their numbers, in a new
// epoch: so a cursor from before is recognised, and its reader is told instead of missing rows.
type epoch struct {
	id    string
	first int64 // seq of its first row
}

// ErrCursorGone means that the row of a cursor is not in the ledger any more: a backup was put in its place.
var ErrCursorGone = message.Errorf("cursor.gone")

// beginEpoch begins the epoch of the rows to come, and reads all epochs. An epoch that got no row
// gives way to it, so that opening the ledger again and again leaves nothing behind.
func (l *Ledger) beginEpoch() error {
	random := make([]byte, 4)
	rand.Read(random)
	now := epoch{hex.EncodeToString(random), l.seq + 1}
	err := l.db.Tx(func() error {
		return errors.Join(
			l.db.Exec("DELETE FROM epoch WHERE first>?", l.seq),
			l.db.Exec("INSERT INTO epoch(id, first) VALUES(?,?)", now.id, now.first))
	})
	if err != nil {
		return err
	}
	return l.db.Query("SELECT id, first FROM epoch ORDER BY first", func(row []driver.Value) error {
		l.epochs = append(l.epochs, epoch{sqlog.Text(row[0]), sqlog.Int64(row[1])})
		return nil
	})
}

// epochOf returns the index in epochs of the epoch of a row, -1 for rows from before there were
// epochs.
func (l *Ledger) epochOf(seq int64) int {
	after, _ := slices.BinarySearchFunc(l.epochs, seq+1, func(e epoch, seq int64) int { return cmp.Compare(e.first, seq) })
	return after - 1
}

// Cursor returns the cursor of the row seq, EPOCH-SEQ, or SEQ alone for rows from before there were
// epochs. Readers keep it as it is. It may be called from any goroutine.
func (l *Ledger) Cursor(seq int64) string {
	number := strconv.FormatInt(seq, 10)
	if i := l.epochOf(seq); seq > 0 && i >= 0 {
		return l.epochs[i].id + "-" + number
	}
	return number
}

// ParseCursor returns the seq of a cursor that Cursor made. "" and "0" are before all rows, "now"
// is the newest row. It returns ErrCursorGone when the ledger does not hold the row any more, and
// another error, worded for the reader, for text that is no cursor.
func (l *Ledger) ParseCursor(text string) (int64, error) {
	newest, _ := l.Durable()
	switch text {
	case "", "0":
		return 0, nil
	case "now":
		return newest, nil
	}
	id, number, qualified := strings.Cut(text, "-")
	if !qualified {
		number = id
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 0 || qualified && len(id) != 8 {
		return 0, message.Errorf("cursor.none", message.Quoted("text", text))
	}
	i := l.epochOf(seq)
	if !qualified {
		if i >= 0 { // the number alone does not say which row it was
			return 0, message.Errorf("cursor.number", message.Quoted("text", text),
				message.Quoted("example", l.Cursor(newest)))
		}
		return seq, nil
	}
	if seq > newest || i < 0 || l.epochs[i].id != id {
		return 0, ErrCursorGone
	}
	return seq, nil
}
