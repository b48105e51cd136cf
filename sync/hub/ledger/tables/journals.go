package tables

import (
	"database/sql/driver"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger/store"
)

// withOriginal joins journal j with o, from which it parted when it is a fork. Both are of one agent.
const withOriginal = "LEFT JOIN journal o ON o.journal=j.fork_of AND o.site=j.site AND o.agent=j.agent"

// journalColumns are what scanJournal reads.
const journalColumns = `j.id, j.journal, j.site, j.agent, j.blind_key, j.verifier, j.fork_of, coalesce(o.id, 0), j.tree, j.tail,
	j.verified, j.refused`

// scanJournal returns a journal's record, without its cursors and version: an audit reads ledgers of earlier versions.
func scanJournal(r []driver.Value) store.Journal {
	return store.Journal{
		ID: sqlog.Int64(r[0]), Journal: sqlog.Bytes(r[1]),
		Sender:   store.Sender{Site: sqlog.Text(r[2]), Agent: sqlog.Text(r[3])},
		BlindKey: sqlog.Bytes(r[4]), Verifier: sqlog.Text(r[5]), ForkOf: sqlog.Bytes(r[6]), Original: sqlog.Int64(r[7]),
		State: store.State{
			Tree: sqlog.Int64(r[8]), Tail: sqlog.Bytes(r[9]), Verified: sqlog.Int64(r[10]), Refused: sqlog.Text(r[11]),
			Cursors: noCursors,
		},
	}
}

// noCursors are those of a journal without rows.
var noCursors = observation.PerClass[int64]{-1, -1, -1, -1}

// readCursors fills in a journal's cursors.
func readCursors(c Conn, j *store.Journal) error {
	return c.Query("SELECT class, idx FROM cursor WHERE owner=?", func(r []driver.Value) error {
		if class := sqlog.Int64(r[0]); class > 0 && class < int64(len(j.Cursors)) {
			j.Cursors[class] = sqlog.Int64(r[1])
		}
		return nil
	}, j.ID)
}

// Journal implements store.Journals.
func (t Tx) Journal(journal []byte) (found *store.Journal, err error) {
	query := "SELECT " + journalColumns + ", j.version FROM journal j " + withOriginal + " WHERE j.journal=?"
	err = t.Query(query, func(r []driver.Value) error {
		j := scanJournal(r)
		j.Version = sqlog.Int64(r[12])
		found = &j
		return nil
	}, journal)
	if err != nil || found == nil {
		return nil, err
	}
	return found, readCursors(t, found)
}

// AddJournal implements store.Journals.
func (t Tx) AddJournal(j *store.Journal) error {
	return t.Exec(`INSERT INTO journal(journal, site, agent, blind_key, verifier, software, inventory, hello, size, tree, tail,
		verified, refused, fork_of) VALUES(?,?,?,?,?,'',?,0,0,0,?,0,'',?)`, j.Journal, j.Site, j.Agent, orEmpty(j.BlindKey), j.Verifier,
		[]byte{}, []byte{}, orNull(j.ForkOf))
}

// SetHello implements store.Journals.
func (t Tx) SetHello(owner int64, h store.Hello) error {
	return t.Exec("UPDATE journal SET software=?, inventory=?, hello=?, size=? WHERE id=?",
		h.Software, orEmpty(h.Inventory), h.TimeNs, h.Size, owner)
}

// InventoryBytes implements store.Journals.
func (t Tx) InventoryBytes(owner int64) (int64, error) {
	return integer(t, "SELECT length(inventory) FROM journal WHERE id=?", 0, owner)
}

// SaveStates implements store.Journals.
func (t Tx) SaveStates(changed []store.Changed) error {
	for i := range changed {
		c := &changed[i]
		for _, class := range c.Moved {
			if err := t.Exec(`INSERT INTO cursor(owner, class, idx) VALUES(?,?,?)
				ON CONFLICT(owner, class) DO UPDATE SET idx=excluded.idx`,
				c.ID, int64(class), c.Cursors[class]); err != nil {
				return err
			}
		}
		if err := t.Exec("UPDATE journal SET tree=?, tail=?, verified=?, refused=?, version=version+1 WHERE id=?",
			c.Tree, orEmpty(c.Tail), c.Verified, c.Refused, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// Refuse implements store.Journals.
func (t Tx) Refuse(journal []byte, of store.Sender, why string) error {
	return t.Exec("UPDATE journal SET refused=?, version=version+1 WHERE journal=? AND site=? AND agent=? AND refused=''",
		why, journal, of.Site, of.Agent)
}

// CountJournals implements store.Journals.
func (t Tx) CountJournals(of store.Sender) (int64, error) {
	return integer(t, "SELECT count(*) FROM journal WHERE site=? AND agent=?", 0, of.Site, of.Agent)
}

// Usage implements store.Journals.
func (t Tx) Usage() (agents, inventories int64, err error) {
	err = t.Query(`SELECT (SELECT count(*) FROM agent),
		(SELECT CAST(coalesce(sum(length(inventory)), 0) AS BIGINT) FROM journal)`,
		func(r []driver.Value) error {
			agents, inventories = sqlog.Int64(r[0]), sqlog.Int64(r[1])
			return nil
		})
	return agents, inventories, err
}

// Key implements store.Keys.
func (t Tx) Key(of store.Sender) (pinned string, err error) {
	err = t.Query("SELECT verifier FROM agent WHERE site=? AND agent=?", func(r []driver.Value) error {
		pinned = sqlog.Text(r[0])
		return nil
	}, of.Site, of.Agent)
	return pinned, err
}

// PinKey implements store.Keys.
func (t Tx) PinKey(of store.Sender, verifier string) error {
	return t.Exec("INSERT INTO agent(site, agent, verifier) VALUES(?,?,?)", of.Site, of.Agent, verifier)
}

// ReplaceKey implements store.Keys.
func (t Tx) ReplaceKey(of store.Sender, verifier string) error {
	return t.Exec("UPDATE agent SET verifier=? WHERE site=? AND agent=?", verifier, of.Site, of.Agent)
}

// ForgetKey implements store.Keys.
func (t Tx) ForgetKey(of store.Sender) error {
	return t.Exec("DELETE FROM agent WHERE site=? AND agent=?", of.Site, of.Agent)
}

// Signed implements store.Keys.
func (t Tx) Signed(of store.Sender, journal, other []byte, verifier string) (bool, error) {
	n, err := integer(t, "SELECT count(*) FROM journal WHERE journal IN (?, ?) AND site=? AND agent=? AND verifier=?", 0,
		journal, orEmpty(other), of.Site, of.Agent, verifier)
	return n > 0, err
}
