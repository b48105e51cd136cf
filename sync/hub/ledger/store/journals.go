package store

import "lanewarden/drivers/observation"

// Journal is the ledger's record of an agent's journal.
type Journal struct {
	ID       int64  // in this ledger: the owner of its rows
	Journal  []byte // 16 bytes
	Sender          // whose it is
	BlindKey []byte
	Verifier string // the agent's public key
	ForkOf   []byte // of a fork: the id under which it was written; nil for others
	Original int64  // of a fork: ID of the journal that it parted from; 0 for none
	State
}

// State is what filing messages changes of a journal.
type State struct {
	Tree     int64                       // rows without holes, which stand in the evidence log
	Tail     []byte                      // leaf hashes of the unfinished tile of those
	Verified int64                       // rows under a checkpoint that was found right
	Refused  string                      // why nothing more is accepted, "" while all is well
	Cursors  observation.PerClass[int64] // of each class the last row held, -1 for none
	Version  int64                       // changes whenever a State is saved; stores with one writer leave it at 0
}

// Changed is a journal's State to be saved.
type Changed struct {
	ID int64
	State
	Moved []observation.Class // whose cursors changed
}

// Hello is what an agent's last hello said.
type Hello struct {
	Software  string
	Inventory []byte // lanewarden.v1.Inventory
	TimeNs    int64  // when it came
	Size      int64  // rows of the journal
}

// Journals are the records of journals.
type Journals interface {
	// Stale locks journals against other writers until the transaction ends. held are the versions of the copies that the
	// caller has in memory, by the journals' ids, -1 for journals of which it has none. It returns the ids of copies that
	// are out of date.
	Stale(held map[string]int64) ([]string, error)
	// Journal returns a journal's record, nil when there is none.
	Journal(journal []byte) (*Journal, error)
	// AddJournal adds the record of a journal without rows.
	AddJournal(j *Journal) error
	// SetHello records a hello, and returns by how many bytes that lengthens the journal's list of devices.
	SetHello(owner int64, h Hello) error
	// InventoryBytes returns the length of a journal's list of devices.
	InventoryBytes(owner int64) (int64, error)
	// SaveStates saves the states of journals.
	SaveStates(changed []Changed) error
	// Refuse refuses a journal of an agent unless it is refused already.
	Refuse(journal []byte, of Sender, why string) error
	// CountJournals returns how many journals an agent has.
	CountJournals(of Sender) (int64, error)
	// Usage returns how many agents have keys, and the bytes of all lists of devices.
	Usage() (agents, inventories int64, err error)
}

// Keys are the public keys of agents.
type Keys interface {
	// Key returns the key that is pinned to an agent, "" for none.
	Key(of Sender) (string, error)
	// PinKey pins a key to an agent that has none.
	PinKey(of Sender, verifier string) error
	// ReplaceKey pins another key to an agent that has one.
	ReplaceKey(of Sender, verifier string) error
	// ForgetKey has an agent be new.
	ForgetKey(of Sender) error
	// Signed reports whether one of two journals is an agent's under a key.
	Signed(of Sender, journal, other []byte, verifier string) (bool, error)
}
