// Package ledger is the hub's durable copy of all agents' journals: hellos and batches go in, each row once and in its
// class's order; acknowledgements and the feed come out. It builds every journal's evidence log again and refuses what
// contradicts what the agent signed. docs/ledger.md.
package ledger

import (
	"context"
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
	"lanewarden/sync/hub/ledger/postgres"
	"lanewarden/sync/hub/ledger/sqlite"
	"lanewarden/sync/hub/ledger/store"
	"lanewarden/sync/wire"
)

// FileName is the name of a ledger in SQLite in the hub's directory.
const FileName = sqlite.FileName

// Ledger is an open ledger. Apply belongs to one goroutine; the other methods may be called from
// any, and see what is committed, never a transaction under way.
type Ledger struct {
	dir      string // of keys, parts and artifacts
	store    store.Store
	tx       store.Tx            // of the group that Apply has at hand
	journals map[string]*replica // by journal id; what Apply has in hand
	limits   limits
	usage    *usage // what limits count; nil when it has to be counted again
	parts    *parts
	sealer   *personal.Sealer // of personal values, with the hub's key
	erased   bool             // the store may still hold copies of what was erased
	spent    []string         // parts to delete once the transaction is durable
	recent   recent

	mu       sync.Mutex
	position store.Position
	changed  chan struct{}

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
	verified int64
	refused  message.Message
	refusal  wire.Refusal
	forkOf   []byte // of a fork: the id that it was written under; nil for others
	original int64  // id of the journal that a fork parted from; 0 for none

	saved   savedState // as the database has it
	pending int64      // no checkpoint over fewer rows waits for rows; 0 when none does
	ahead   lookahead  // rows on record that follow the tree
}

// savedState is what the database has of a replica, so that what is the same need not be written.
type savedState struct {
	cursors        observation.PerClass[int64]
	tree, verified int64
	refused        string
	version        int64
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

// Options say where a ledger is.
type Options struct {
	Dir string // of the hub's key, of parts of artifacts, and of what is not elsewhere
	URL string // postgres://... of the database; "" for SQLite in Dir
}

// Open opens the ledger in dir, in SQLite, and creates it when there is none.
func Open(dir string) (*Ledger, error) { return OpenWith(context.Background(), Options{Dir: dir}) }

// OpenWith opens a ledger, and creates it when there is none. One in SQLite may be open once; a reserve of disk space
// is kept beside it (sqlog.OpenWithReserve), so that it can still be opened on a full disk. One in PostgreSQL may be
// open in several hub processes that have the same key. ctx ends waiting for the database.
func OpenWith(ctx context.Context, o Options) (l *Ledger, err error) {
	if o.URL != "" {
		if !postgres.IsURL(o.URL) {
			return nil, message.Errorf("lanehub.ledger-url", message.String("url", o.URL))
		}
		return openPostgres(ctx, o)
	}
	err = sqlog.OpenWithReserve(o.Dir, func() (err error) {
		l, err = openSQLite(o.Dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// newLedger returns a ledger without a store, whose keys and artifacts are in dir, and the public key.
func newLedger(dir string) (*Ledger, string, error) {
	l := &Ledger{
		dir: dir, journals: map[string]*replica{}, limits: standardLimits, lanes: map[string]lanesOf{},
		changed: make(chan struct{}),
	}
	key, err := keyfile.Open(filepath.Join(dir, KeyFile), wire.HubKeyName)
	if err != nil {
		return nil, "", err
	}
	l.sealer = personal.NewSealer(key.Secret())
	l.parts, err = newParts(dir)
	return l, key.Public, err
}

// openSQLite opens the database and brings it up to date. Nothing stays open after an error.
func openSQLite(dir string) (*Ledger, error) {
	l, _, err := newLedger(dir)
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(dir, store.Options{Moved: l.moved})
	if err != nil {
		return nil, err
	}
	l.store = s
	if err := errors.Join(l.upgrade(s.Old()), l.dropParts()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return l, nil
}

// openPostgres opens a ledger in PostgreSQL.
func openPostgres(ctx context.Context, o Options) (*Ledger, error) {
	l, public, err := newLedger(o.Dir)
	if err != nil {
		return nil, err
	}
	if l.store, err = postgres.Open(ctx, o.URL, public, store.Options{Moved: l.moved}); err != nil {
		return nil, err
	}
	if err := l.dropParts(); err != nil {
		return nil, errors.Join(err, l.store.Close())
	}
	return l, nil
}

// Close closes the ledger. Apply must not be running.
func (l *Ledger) Close() error {
	err := l.store.Close()
	if _, embedded := l.store.(*sqlite.Store); embedded {
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
	j, err := l.tx.Journal(journal)
	if err != nil || j == nil {
		return nil, err
	}
	c := &replica{
		id: j.ID, journal: j.Journal, sender: j.Sender, hasher: evidence.NewHasher(j.BlindKey),
		cursors: j.Cursors, verified: j.Verified,
		refused: decodeRefusal(j.Refused).Message(), refusal: wire.Refusal_REFUSAL_EVIDENCE,
		forkOf: j.ForkOf, original: j.Original,
		saved: savedState{cursors: j.Cursors, tree: j.Tree, verified: j.Verified, refused: j.Refused, version: j.Version},
		ahead: lookahead{missing: -1},
	}
	if c.verifier, err = note.NewVerifier(j.Verifier); err != nil {
		return nil, err
	}
	tail, err := evidence.DecodeHashes(j.Tail)
	if err != nil {
		return nil, err
	}
	if c.tree, err = evidence.Restore(j.Tree, l.tx.Log(c.id), tail); err != nil {
		return nil, err
	}
	c.pending, err = l.tx.FirstPending(c.id)
	return c, err
}

// saveStates writes what a group has changed of journals' cursors, trees and refusals.
func (l *Ledger) saveStates(touched map[*replica]bool) error {
	var changed []store.Changed
	for c := range touched {
		if one, differs := c.changes(); differs {
			changed = append(changed, one)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return l.tx.SaveStates(changed)
}

// changes returns the replica's state, and whether the database has another one. It takes it for saved.
func (c *replica) changes() (out store.Changed, differs bool) {
	now := savedState{
		cursors: c.cursors, tree: c.tree.Size(), verified: c.verified, refused: encodeRefusal(c.refused), version: c.saved.version,
	}
	if now == c.saved {
		return out, false
	}
	out = store.Changed{ID: c.id, State: store.State{
		Tree: now.tree, Tail: evidence.EncodeHashes(c.tree.Tail()), Verified: now.verified, Refused: now.refused, Cursors: now.cursors,
	}}
	for _, class := range observation.Classes {
		if now.cursors[class] != c.saved.cursors[class] {
			out.Moved = append(out.Moved, class)
		}
	}
	now.version++
	c.saved = now
	return out, true
}

// held returns the index of the last row on record, -1 for none: the cursors say it.
func (c *replica) held() int64 { return max(c.cursors[1], c.cursors[2], c.cursors[3]) }

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
	if held := c.held(); h.Size <= held {
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
	case !storable(from.Site) || !storable(from.Agent) || !storable(h.Software) || !storable(h.Verifier):
		return nil, message.New("refusal.text")
	case h.Size < 0:
		return nil, message.New("refusal.negative-size")
	}
	return v, message.Message{}
}

// newReplica creates the copy of a journal. Its hello is 0, and noteHello fills in the rest.
func (l *Ledger) newReplica(from Sender, h *wire.Hello) (*replica, error) {
	j := &store.Journal{Journal: h.Journal, Sender: from, BlindKey: h.BlindKey, Verifier: h.Verifier}
	if len(h.ForkOf) > 0 {
		j.ForkOf = h.ForkOf
	}
	if err := l.tx.AddJournal(j); err != nil {
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
	before, err := l.tx.InventoryBytes(c.id)
	if err != nil {
		return refusal, err
	}
	more := int64(len(inventory)) - before
	if refusal, err = l.roomForInventory(more); err != nil || !refusal.IsZero() {
		return refusal, err
	}
	err = l.tx.SetHello(c.id, store.Hello{Software: h.Software, Inventory: inventory, TimeNs: time.Now().UnixNano(), Size: h.Size})
	if err == nil {
		l.usage.inventories += more
	}
	return refusal, err
}

// Greetings returns an empty acknowledgement for every journal that is not refused. A hub that has
// come back sends them, so that its agents say hello at once. It may be called from any goroutine.
func (l *Ledger) Greetings() (out []Answer, err error) {
	accepted, err := l.store.Accepted()
	for _, j := range accepted {
		out = append(out, Answer{Sender: j.Sender, Ack: &wire.Ack{Journal: j.Journal}})
	}
	return out, err
}
