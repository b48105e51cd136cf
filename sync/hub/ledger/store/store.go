// Package store is the contract between the ledger and the database that keeps it: what the ledger reads and writes, in
// its own words. Packages sqlite and postgres fulfil it; the ledger's own tests run on both.
package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"lanewarden/edge/evidence/sqlog"
)

// Store is a database of a ledger. Transact belongs to one goroutine; the other methods may be called from any, and see
// what is committed.
type Store interface {
	Reader

	// Transact runs f in one transaction: when it returns nil, all that f wrote is durable and seen by readers, and
	// Options.Moved was called; when it returns an error, nothing of it is, or (a connection lost at COMMIT) it is not
	// known whether it is. What f has read of journals is locked until then (Journals.Stale). newest is the seq of the
	// last row that f added, 0 for none; the others have the numbers before it, in the order in which they were added.
	Transact(f func(Tx) error) (newest int64, err error)

	// Refresh looks at once whether other writers have moved the ledger, and calls Options.Moved when they have.
	Refresh() error

	// Erased is called after transactions in which rows were erased: the store gets rid of copies that it keeps of what
	// was overwritten, as far as it can now. done is false when it is to be called again after the next transaction.
	Erased() (done bool, err error)

	// Derived reads the derived tables, and rows, beside everything else.
	Derived() sqlog.Conn

	// Audit reads for an audit beside everything else; its queries end with ctx. The caller closes it.
	Audit(ctx context.Context) (Audit, error)

	Close() error
}

// Options are what a store is opened with.
type Options struct {
	// Moved is told how far the ledger goes, when it is opened and whenever rows were committed, here or by another
	// process. Positions come in order. It may be called from any goroutine, and must not call the store.
	Moved func(Position)
}

// Position is how far a ledger goes.
type Position struct {
	Newest int64   // seq of the newest durable row, 0 for none
	Epochs []Epoch // by their first row
	// Reset says that the ledger may have been replaced by an older one: what is remembered of it has to be read again.
	Reset bool
}

// MonthSeqs is from which multiple on a store may number the rows of each month: between the rows of two months there are
// numbers without rows, nowhere else.
const MonthSeqs = 1 << 40

// Epoch is the rows that came between two openings of a ledger.
type Epoch struct {
	ID    string // 8 hexadecimal digits, random
	First int64  // seq of its first row
}

// NewEpochID returns the id of a new epoch.
func NewEpochID() string {
	random := make([]byte, 4)
	rand.Read(random)
	return hex.EncodeToString(random)
}

// Tx is a transaction under way. Its methods read what it wrote before. A store may keep writes back until the next read,
// the end of a savepoint or the commit, whose error is then theirs.
type Tx interface {
	Journals
	Keys
	Rows
	Artifacts
	Passages
	Eraser
	Derived

	// Savepoint runs f inside a savepoint: when f, or a write of its, fails, what it wrote is undone and the transaction
	// goes on as it was before.
	Savepoint(f func() error) error
}

// Sender names an agent, as the topic of its messages does.
type Sender struct{ Site, Agent string }

// ErrConstraint is in the chain of errors that say that a row contradicts one that is there.
var ErrConstraint = errors.New("the row contradicts one that is there")

// MachineError is an error that comes from the database's state, its server or the way to it: the same write may succeed
// later. Every other error of a store comes from what was to be written, and would come again.
type MachineError struct {
	Err error
	// Again says that another writer was in the way, so that it is worth trying again at once.
	Again bool
}

func (e *MachineError) Error() string { return e.Err.Error() }

// Unwrap returns the database's error.
func (e *MachineError) Unwrap() error { return e.Err }

// IsMachine reports whether an error comes from the machine, not from what was to be written: a MachineError, or one of
// SQLite or of the file system.
func IsMachine(err error) bool {
	var machine *MachineError
	return errors.As(err, &machine) || sqlog.IsMachine(err)
}

// IsConflict reports whether another writer was in the way, so that the transaction is to be tried again at once.
func IsConflict(err error) bool {
	var machine *MachineError
	return errors.As(err, &machine) && machine.Again
}
