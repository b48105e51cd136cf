// Package ledger is the hub's durable copy of all agents' journals: hellos and batches go in, each row once and in its
// class's order; acknowledgements and the feed come out. It builds every journal's evidence log again and refuses what
// contradicts what the agent signed. docs/ledger.md.
package ledger

import (
	"database/sql/driver"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/personal"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/wire"
)

// Ledger is an open ledger. Apply belongs to one goroutine; the other methods may be called from
// any. Readers use a connection of their own and see what is committed, never a transaction under
// way.
type Ledger struct {
	dir      string
	db       *sqlog.DB
	read     *sqlog.DB
	journals map[string]*replica // by journal id; what Apply has in hand
	seq      int64
	limits   limits
	usage    *usage // what limits count; nil when it has to be counted again
	parts    *parts
	sealer   *personal.Sealer // of personal values, with the hub's key
	logHolds bool             // the write-ahead log may hold what was erased
	spent    []string         // parts to delete once the transaction is durable

	mu      sync.Mutex
	durable int64 // seq of the newest durable row
	changed chan struct{}
	epochs  []epoch // by their first row; never changed after Open

	lanesMu sync.Mutex
	lanes   map[string]lanesOf // by journal id
}

// replica is the hub's copy of one journal, as Apply keeps it in memory. It is ahead of the
// database within a transaction and dropped from memory when one is undone.
type replica struct {
	id       int64
	journal  []byte
	sender   Sender
	verifier note.Verifier
	cursors  observation.PerClass[int64]
	tree     *evidence.Tree
	hasher   *evidence.Hasher
	store    *sqlog.Store
	verified int64
	refused  message.Message
	refusal  wire.Refusal
	forkOf   []byte // of a fork: the id that it was written under; nil for others
	original int64  // id of the journal that a fork parted from; 0 for none
}

// origin is the first line of the journal's checkpoints: it names the site, the agent and the
// journal.
func (c *replica) origin() string { return originOf(c.sender, c.journal, c.forkOf) }

// originOf returns the first line of a journal's checkpoints. A fork was signed under the id that it was written under.
func originOf(from Sender, journal, forkOf []byte) string {
	if len(forkOf) > 0 {
		journal = forkOf
	}
	return evidence.Origin(from.Site, from.Agent, journal)
}

// Open opens the ledger in dir, and creates it when there is none. A reserve of disk space is kept
// beside it (sqlog.OpenWithReserve), so that a ledger on a full disk can still be opened. Only one
// hub at a time may use dir.
func Open(dir string) (l *Ledger, err error) {
	err = sqlog.OpenWithReserve(dir, func() (err error) {
		l, err = openOnce(dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.dir = dir
	return l, nil
}

// openOnce opens the database and brings its tables up to date. Nothing stays open after an error.
func openOnce(dir string) (*Ledger, error) {
	path := filepath.Join(dir, FileName)
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		db: db, journals: map[string]*replica{}, limits: standardLimits, lanes: map[string]lanesOf{},
		changed: make(chan struct{}),
	}
	key, err := keyfile.Open(filepath.Join(dir, KeyFile), KeyName)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l.sealer = personal.NewSealer(key.Secret())
	if err := l.prepare(dir); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if l.read, err = sqlog.Open(path, sqlog.ReadOnly); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l.seq, err = db.Int("SELECT max(seq) FROM observation", 0)
	l.durable = l.seq
	if err = errors.Join(err, l.beginEpoch()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// prepare creates the tables, upgrades those of an older ledger, and clears up what a crash left in
// the folder of parts.
func (l *Ledger) prepare(dir string) (err error) {
	old, err := l.db.Int(`SELECT count(*) FROM sqlite_master WHERE name='observation'
		AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name='artifact')`, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(l.db.Script(schema), l.upgrade()); err != nil {
		return err
	}
	if l.parts, err = newParts(dir); err != nil {
		return err
	}
	if old > 0 {
		if err := l.nameOld(); err != nil {
			return err
		}
	}
	return l.dropParts()
}

// Close closes the ledger. Apply must not be running.
func (l *Ledger) Close() error {
	err := errors.Join(l.read.Close(), l.db.Close())
	if l.dir != "" {
		sqlog.FillReserve(l.dir) // SQLite gave some room back
	}
	return err
}

// replicaOf returns the copy of a journal, nil when there is none. It is for Apply's goroutine.
func (l *Ledger) replicaOf(journal []byte) (*replica, error) {
	if c := l.journals[string(journal)]; c != nil {
		return c, nil
	}
	c, err := l.load(journal)
	if c != nil {
		l.journals[string(journal)] = c
	}
	return c, err
}

// load reads a journal's copy from the database, nil when there is none. The tree is restored from
// its size and unfinished tile; whole tiles stay in the database.
func (l *Ledger) load(journal []byte) (*replica, error) {
	var c *replica
	var size int64
	var tail []evidence.Hash
	err := l.db.Query(`SELECT j.id, j.site, j.agent, j.blind_key, j.verifier, j.tree, j.tail, j.verified, j.refused, j.fork_of,
		ifnull(o.id, 0) FROM journal j `+withOriginal+` WHERE j.journal=?`,
		func(row []driver.Value) (err error) {
			c = &replica{
				id: sqlog.Int64(row[0]), journal: journal, sender: Sender{sqlog.Text(row[1]), sqlog.Text(row[2])},
				hasher: evidence.NewHasher(sqlog.Bytes(row[3])), verified: sqlog.Int64(row[7]),
				refused: decodeRefusal(sqlog.Text(row[8])).Message(),
				refusal: wire.Refusal_REFUSAL_EVIDENCE, forkOf: sqlog.Bytes(row[9]), original: sqlog.Int64(row[10]),
			}
			if c.verifier, err = note.NewVerifier(sqlog.Text(row[4])); err != nil {
				return err
			}
			size = sqlog.Int64(row[5])
			tail, err = evidence.DecodeHashes(sqlog.Bytes(row[6]))
			return err
		}, journal)
	if err != nil || c == nil {
		return nil, err
	}
	c.store = sqlog.NewOwnedStore(l.db, c.id)
	if c.tree, err = evidence.Restore(size, c.store, tail); err != nil {
		return nil, err
	}
	for _, class := range observation.Classes {
		if c.cursors[class], err = l.db.Int("SELECT idx FROM cursor WHERE owner=? AND class=?", -1,
			c.id, int64(class)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// saveTree writes what a group has changed of a journal's cursors, tree and refusal.
func (l *Ledger) saveTree(c *replica) error {
	for _, class := range observation.Classes {
		if err := l.db.Exec("INSERT OR REPLACE INTO cursor(owner, class, idx) VALUES(?,?,?)",
			c.id, int64(class), c.cursors[class]); err != nil {
			return err
		}
	}
	return l.db.Exec("UPDATE journal SET tree=?, tail=?, verified=?, refused=? WHERE id=?",
		c.tree.Size(), evidence.EncodeHashes(c.tree.Tail()), c.verified, encodeRefusal(c.refused), c.id)
}

// hello commits an agent's hello and returns the answer to it. A journal whose end lies before what
// the hub holds was rolled back: its next rows would get indices that are taken.
func (l *Ledger) hello(from Sender, h *wire.Hello, touched map[*replica]bool) (*wire.Ack, error) {
	verifier, refusal, err := l.admit(from, h)
	if err != nil || refusal != nil {
		return refusal, err
	}
	c, err := l.replicaOf(h.Journal)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if said, err := l.roomForJournal(from); err != nil || !said.IsZero() {
			return refuse(h.Journal, wire.Refusal_REFUSAL_LIMIT, said), err
		}
		if c, err = l.newReplica(from, h); err != nil {
			return nil, err
		}
	}
	if c.sender != from {
		said := message.New("refusal.other-agent", message.String("site", c.sender.Site),
			message.String("agent", c.sender.Agent))
		return refuse(h.Journal, wire.Refusal_REFUSAL_KEY, said), nil
	}
	c.verifier = verifier
	touched[c] = true
	if said, err := l.noteHello(c, h); err != nil || !said.IsZero() {
		return refuse(h.Journal, wire.Refusal_REFUSAL_LIMIT, said), err
	}
	if held := max(c.cursors[1], c.cursors[2], c.cursors[3]); h.Size <= held {
		return refuse(h.Journal, wire.Refusal_REFUSAL_ROLLED_BACK, message.New("refusal.rolled-back",
			message.Count("n", h.Size), rowNumber("held", held))), nil
	}
	if h.Checkpoint != "" {
		if err := l.checkpoint(c, h.Checkpoint); err != nil {
			return nil, err
		}
	}
	if !c.refused.IsZero() {
		return refuse(h.Journal, c.refusal, c.refused), nil
	}
	return l.welcome(c, h.Epoch)
}

// admit checks a hello against the agent's name, the hub's limits and the agent's pinned key, which
// it pins when the agent is new. A journal that is here stays with its own key, whatever is pinned. It
// returns the key, or the refusal to answer. The error is of the database.
func (l *Ledger) admit(from Sender, h *wire.Hello) (note.Verifier, *wire.Ack, error) {
	verifier, said := checkHello(from, h)
	if !said.IsZero() {
		return nil, refuse(h.Journal, wire.Refusal_REFUSAL_MALFORMED, said), nil
	}
	if said := l.tooLarge(h); !said.IsZero() {
		return nil, refuse(h.Journal, wire.Refusal_REFUSAL_LIMIT, said), nil
	}
	if known, err := l.signed(from, h); err != nil || known {
		return verifier, nil, err
	}
	pinned, said, err := l.pinKey(from, h.Verifier)
	if err != nil {
		return nil, nil, err
	}
	if !said.IsZero() {
		return nil, refuse(h.Journal, wire.Refusal_REFUSAL_LIMIT, said), nil
	}
	if pinned != h.Verifier {
		said := message.New("refusal.key", message.String("site", from.Site), message.String("agent", from.Agent))
		return nil, refuse(h.Journal, wire.Refusal_REFUSAL_KEY, said), nil
	}
	return verifier, nil, nil
}

// welcome returns the answer to a hello that is accepted: where each class goes on, and which
// artifacts are waited for.
func (l *Ledger) welcome(c *replica, epoch uint32) (ack *wire.Ack, err error) {
	ack = &wire.Ack{Journal: c.journal, HelloEpoch: epoch, Verified: c.verified, Personal: true}
	for _, class := range observation.Classes {
		ack.Cursors = append(ack.Cursors, &wire.Cursor{Class: class, Idx: c.cursors[class], GoBack: true})
	}
	ack.Pull, err = l.pulls(c)
	return ack, err
}

// checkHello returns the agent's key, or why the hello cannot be of the agent whose topic it came
// on.
func checkHello(from Sender, h *wire.Hello) (note.Verifier, message.Message) {
	v, err := note.NewVerifier(h.Verifier)
	switch {
	case len(h.Journal) != 16 || len(h.BlindKey) != 32 || len(h.ForkOf) != 0 && len(h.ForkOf) != len(h.Journal):
		return nil, message.New("refusal.identifiers")
	case err != nil:
		return nil, message.New("refusal.unreadable-key", message.CausedBy(err))
	case v.Name() != evidence.KeyName(from.Site, from.Agent):
		return nil, message.New("refusal.key-of-other", message.Quoted("key", v.Name()),
			message.Quoted("topic", evidence.KeyName(from.Site, from.Agent)))
	case h.Size < 0:
		return nil, message.New("refusal.negative-size")
	}
	return v, message.Message{}
}

// newReplica creates the copy of a journal. Its hello is 0, and noteHello fills in the rest.
func (l *Ledger) newReplica(from Sender, h *wire.Hello) (*replica, error) {
	var forkOf driver.Value
	if len(h.ForkOf) > 0 {
		forkOf = h.ForkOf
	}
	err := l.db.Exec(`INSERT INTO journal(journal, site, agent, blind_key, verifier, software, inventory, hello, size, tree,
		tail, verified, refused, fork_of) VALUES(?,?,?,?,?,?,?,?,?,0,?,0,'',?)`, h.Journal, from.Site, from.Agent, h.BlindKey,
		h.Verifier, "", []byte{}, int64(0), h.Size, []byte{}, forkOf)
	if err != nil {
		return nil, err
	}
	return l.replicaOf(h.Journal)
}

// noteHello records what a hello says of the agent. refusal says why its list of devices does not
// fit, and is zero otherwise.
func (l *Ledger) noteHello(c *replica, h *wire.Hello) (refusal message.Message, err error) {
	inventory, err := proto.Marshal(h.Inventory)
	if err != nil {
		return refusal, err
	}
	if inventory == nil {
		inventory = []byte{}
	}
	before, err := l.db.Int("SELECT length(inventory) FROM journal WHERE id=?", 0, c.id)
	if err != nil {
		return refusal, err
	}
	more := int64(len(inventory)) - before
	if refusal, err = l.roomForInventory(more); err != nil || !refusal.IsZero() {
		return refusal, err
	}
	err = l.db.Exec("UPDATE journal SET software=?, inventory=?, hello=?, size=? WHERE id=?",
		h.Software, inventory, time.Now().UnixNano(), h.Size, c.id)
	if err == nil {
		l.usage.inventories += more
	}
	return refusal, err
}

// Greetings returns an empty acknowledgement for every journal that is not refused. A hub that has
// come back sends them, so that its agents say hello at once. It may be called from any goroutine.
func (l *Ledger) Greetings() (out []Answer, err error) {
	err = l.read.Query("SELECT journal, site, agent FROM journal WHERE refused=''", func(row []driver.Value) error {
		to := Sender{sqlog.Text(row[1]), sqlog.Text(row[2])}
		out = append(out, Answer{Sender: to, Ack: &wire.Ack{Journal: sqlog.Bytes(row[0])}})
		return nil
	})
	return out, err
}
