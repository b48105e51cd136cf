package ledger

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/ledger/store"
)

// Summary is the ledger's state of one journal. An agent has several when its box was replaced.
type Summary struct {
	ID                    int64 // in this ledger: the owner of the rows
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
	record                *store.Journal
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
	return journals(l.store, after, limit)
}

// Journal returns what the ledger holds of one journal, by its number in this ledger.
func (l *Ledger) Journal(id int64) (Summary, error) { return summary(l.store, id) }

func journals(in store.Reader, after Place, limit int) (page []Summary, next *Place, err error) {
	places, err := places(in, after, min(max(limit, 1), JournalsMax))
	if err != nil {
		return nil, nil, err
	}
	for i, p := range places {
		if p.beyond {
			return page, &places[i-1].Place, nil
		}
		s, err := summary(in, p.ID)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, s)
	}
	return page, nil, nil
}

// placed is a journal's position in the order of pages.
type placed struct {
	Place
	beyond bool // it does not fit into the page
}

// places returns the journals of a page, and one more, marked beyond, when there are more.
func places(in store.Reader, after Place, limit int) (out []placed, err error) {
	if after == (Place{}) {
		after = Place{HelloNs: math.MaxInt64, ID: math.MaxInt64}
	}
	found, err := in.Places(store.Place{HelloNs: after.HelloNs, ID: after.ID}, limit+1)
	size := int64(0)
	for i, p := range found {
		size += p.Bytes
		beyond := i > 0 && (i == limit || size > journalsBytes)
		out = append(out, placed{Place{HelloNs: p.HelloNs, ID: p.ID}, beyond})
		if beyond {
			break
		}
	}
	return out, err
}

// summary returns what the ledger holds of one journal. An error names the journal by its number in
// this ledger.
func summary(in store.Reader, id int64) (s Summary, err error) {
	j, err := in.Summary(id)
	if err == nil && j == nil {
		err = errors.New("not found")
	}
	if err != nil {
		return s, fmt.Errorf("journal %d: %w", id, err)
	}
	s = Summary{
		ID:   j.ID,
		Site: j.Site, Agent: j.Agent, Software: j.Software, Journal: j.Journal.Journal, ForkOf: j.ForkOf, Verifier: j.Verifier,
		Inventory: &observation.Inventory{}, HelloNs: j.TimeNs, Size: j.Size, Contiguous: j.Tree, Verified: j.Verified,
		Refused: decodeRefusal(j.Refused), Cursors: map[observation.Class]int64{}, record: &j.Journal,
	}
	for _, class := range observation.Classes {
		if idx := j.Cursors[class]; idx >= 0 {
			s.Cursors[class] = idx
		}
	}
	if err := proto.Unmarshal(j.Inventory, s.Inventory); err != nil {
		return s, fmt.Errorf("journal %d: %w", id, err)
	}
	return s, nil
}
