package ledger

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
)

// Summary is the ledger's state of one journal. An agent has several when its box was replaced.
type Summary struct {
	Site, Agent, Software string
	Journal               []byte
	ForkOf                []byte // of a fork: the id of the journal that it parted from; nil for others
	Verifier              string
	Inventory             *observation.Inventory
	HelloNs               int64        // when the agent last said hello
	Size                  int64        // rows that it had then
	Contiguous            int64        // rows held without holes
	Verified              int64        // rows under a checkpoint found right
	Refused               message.Text // zero while all is well
	Cursors               map[observation.Class]int64
}

// Place is a position between two pages of journals: behind the journal that it names. The zero
// Place is the beginning.
type Place struct {
	HelloNs int64 // when the agent of that journal last said hello
	ID      int64 // of the journal, in this ledger
}

// JournalsMax is the largest number of journals of one page.
const JournalsMax = 1000

// journalsBytes bounds the lists of devices of one page, bytes encoded, so that a page of 1000
// agents with 1000 devices each does not fill memory. A page has one journal at least.
const journalsBytes = 2 << 20

// Journals returns at most limit of the journals that the ledger holds, newest hello first, and
// where the next page begins: nil after the last one. An agent that says hello between two pages is
// on the first page from then on, so no journal is missed, and some may come twice. It may be
// called from any goroutine.
func (l *Ledger) Journals(after Place, limit int) (page []Summary, next *Place, err error) {
	places, err := l.places(after, min(max(limit, 1), JournalsMax))
	if err != nil {
		return nil, nil, err
	}
	for i, p := range places {
		if p.beyond {
			return page, &places[i-1].Place, nil
		}
		s, err := l.summary(p.ID)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, s)
	}
	return page, nil, nil
}

// allJournals returns all journals, newest hello first.
func (l *Ledger) allJournals() (all []Summary, err error) {
	for next := (&Place{}); next != nil; {
		var page []Summary
		if page, next, err = l.Journals(*next, JournalsMax); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// placed is a journal's position in the order of pages.
type placed struct {
	Place
	beyond bool // it does not fit into the page
}

// places returns the journals of a page, and one more, marked beyond, when there are more.
func (l *Ledger) places(after Place, limit int) (out []placed, err error) {
	if after == (Place{}) {
		after = Place{HelloNs: math.MaxInt64, ID: math.MaxInt64}
	}
	size := int64(0)
	full := errors.New("the page is full")
	err = l.read.Query(`SELECT hello, id, length(inventory) FROM journal WHERE (hello, id) < (?, ?)
		ORDER BY hello DESC, id DESC LIMIT ?`, func(r []driver.Value) error {
		size += sqlog.Int64(r[2])
		p := placed{Place: Place{HelloNs: sqlog.Int64(r[0]), ID: sqlog.Int64(r[1])}}
		p.beyond = len(out) > 0 && (len(out) == limit || size > journalsBytes)
		out = append(out, p)
		if p.beyond {
			return full
		}
		return nil
	}, after.HelloNs, after.ID, int64(limit)+1)
	if errors.Is(err, full) {
		err = nil
	}
	return out, err
}

// summary returns what the ledger holds of one journal. An error names the journal by its number in
// this ledger.
func (l *Ledger) summary(id int64) (s Summary, err error) {
	err = l.read.Query(`SELECT site, agent, software, journal, verifier, inventory, hello, size, tree, verified, refused, fork_of
		FROM journal WHERE id=?`, func(r []driver.Value) error {
		s = Summary{
			Site: sqlog.Text(r[0]), Agent: sqlog.Text(r[1]), Software: sqlog.Text(r[2]), Journal: sqlog.Bytes(r[3]),
			Verifier: sqlog.Text(r[4]), Inventory: &observation.Inventory{}, HelloNs: sqlog.Int64(r[6]),
			Size: sqlog.Int64(r[7]), Contiguous: sqlog.Int64(r[8]), Verified: sqlog.Int64(r[9]), Refused: decodeRefusal(sqlog.Text(r[10])),
			Cursors: map[observation.Class]int64{}, ForkOf: sqlog.Bytes(r[11]),
		}
		return proto.Unmarshal(sqlog.Bytes(r[5]), s.Inventory)
	}, id)
	if err != nil {
		return s, fmt.Errorf("journal %d: %w", id, err)
	}
	err = l.read.Query("SELECT class, idx FROM cursor WHERE owner=?", func(r []driver.Value) error {
		s.Cursors[observation.Class(sqlog.Int64(r[0]))] = sqlog.Int64(r[1])
		return nil
	}, id)
	return s, err
}
