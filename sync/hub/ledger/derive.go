package ledger

import (
	"fmt"
	"runtime/debug"

	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// Derive has a function run in a transaction of the ledger, for tables that are derived from its rows. What is wrong
// with the function is in Failed and undoes what it wrote; an error of the machine is Apply's, which is then called
// again with the same message, as with all others.
type Derive struct {
	Do     func(store.Tx) error
	Failed *error
}

func (Derive) message() {}

// derive runs a Derive.
func (l *Ledger) derive(m Derive) error {
	err := l.tx.Savepoint(func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%v\n%s", r, debug.Stack())
			}
		}()
		return m.Do(l.tx)
	})
	if store.IsMachine(err) {
		return err
	}
	*m.Failed = err
	return nil
}

// Derived reads the tables that are derived from rows, and rows. It may be used from any goroutine.
func (l *Ledger) Derived() sqlog.Conn { return l.store.Derived() }

// Sealer opens and seals personal values with the hub's key.
func (l *Ledger) Sealer() *personal.Sealer { return l.sealer }
