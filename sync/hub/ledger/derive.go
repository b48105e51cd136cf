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

// aloneDerive returns the Derive that is the only message of a group.
func aloneDerive(group []Message) (m Derive, alone bool) {
	if len(group) == 1 {
		m, alone = group[0].(Derive)
	}
	return m, alone
}

// derive runs a Derive among other messages, in a savepoint.
func (l *Ledger) derive(m Derive) error {
	return m.settle(l.tx.Savepoint(func() error { return m.run(l.tx) }))
}

// deriveAlone runs a Derive that is a group by itself. What it wrote is undone with its transaction: a savepoint would
// have SQLite copy each page that it changes.
func (l *Ledger) deriveAlone(m Derive) error {
	return m.settle(l.transact(func() error { return m.run(l.tx) }))
}

// run calls the function. A panic is an error of it.
func (m Derive) run(tx store.Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v\n%s", r, debug.Stack())
		}
	}()
	return m.Do(tx)
}

// settle notes what is wrong with the function, and returns what is wrong with the machine.
func (m Derive) settle(err error) error {
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
