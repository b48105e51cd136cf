package ledger

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/personal"
	"lanewarden/sync/hub/ledger/store"
)

// Event is one row of the ledger, as the feed gives it. What is said of passages is as of the time
// of reading, and may change with later rows.
type Event struct {
	Seq         int64 // the feed's cursor
	Site, Agent string
	Journal     []byte
	Idx         int64
	Class       observation.Class
	TimeNs      int64
	Device      string
	Kind        observation.Kind
	Body        []byte
	Candidate             // passage that the reading belongs to, as the lane has said so far
	Other       Candidate // passage of which it may be as well
}

// Filter selects rows of the feed; the zero Filter selects all. Its conditions hold together.
type Filter struct {
	Site, Agent string
	Classes     []observation.Class
	only, not   []observation.Kind // AddKind
}

// AddKind adds a condition on the kind: "radiation.occupancy", "radiation.*", or with a leading "-"
// all kinds but these. A name that fits no kind is an error, so that a typing error does not give
// an empty feed.
func (f *Filter) AddKind(name string) error {
	bare, not := strings.CutPrefix(name, "-")
	var found []observation.Kind
	for number := range observation.Kind_name {
		k := observation.Kind(number)
		family, all := strings.CutSuffix(bare, "*")
		if k != 0 && (k.Name() == bare || all && strings.HasPrefix(k.Name(), family)) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		return message.Errorf("feed.kind", message.Quoted("kind", name))
	case not:
		f.not = append(f.not, found...)
	default:
		f.only = append(f.only, found...)
	}
	return nil
}

// maxLanes bounds the journals whose inventories are kept decoded; beyond it all are dropped and
// decoded again.
const maxLanes = 4096

// lanesOf is the lanes of one journal's devices, as of the hello at a time, ns since 1970.
type lanesOf struct {
	hello int64
	lanes map[string]string // by device
}

// LaneOf returns the lane at which a journal's device stands, "" where its last hello does not say.
// Inventories are decoded once for each hello, not for each row. It may be called from any
// goroutine.
func (l *Ledger) LaneOf(journal []byte, device string) (string, error) {
	l.lanesMu.Lock()
	defer l.lanesMu.Unlock()
	hello, err := l.store.HelloOf(journal, false)
	if err != nil {
		return "", err
	}
	known, ok := l.lanes[string(journal)]
	if !ok || known.hello != hello.TimeNs {
		if known, err = l.readLanes(journal); err != nil {
			return "", err
		}
		if len(l.lanes) >= maxLanes {
			clear(l.lanes)
		}
		l.lanes[string(journal)] = known
	}
	return known.lanes[device], nil
}

// readLanes decodes the inventory of a journal's last hello. A journal that is not there has no
// lanes.
func (l *Ledger) readLanes(journal []byte) (lanesOf, error) {
	hello, err := l.store.HelloOf(journal, true)
	if err != nil {
		return lanesOf{}, err
	}
	var inventory observation.Inventory
	if err := proto.Unmarshal(hello.Inventory, &inventory); err != nil {
		return lanesOf{}, fmt.Errorf("inventory of journal %x: %w", journal, err)
	}
	out := lanesOf{hello: hello.TimeNs, lanes: map[string]string{}}
	for _, d := range inventory.Devices {
		out.lanes[d.Id] = d.Lane
	}
	return out, nil
}

// Events returns up to limit rows after a cursor, in the order of commit. The seq of a row is taken
// in the transaction that commits it, so no row appears later below a seq that was read. It may be
// called from any goroutine.
func (l *Ledger) Events(after int64, limit int, filter Filter) (out []Event, err error) {
	rows, err := l.store.Events(after, l.at().Newest, limit, store.Filter{
		Site: filter.Site, Agent: filter.Agent, Classes: filter.Classes, Only: filter.only, Not: filter.not,
	})
	for i := range rows {
		r := &rows[i]
		body, err := WithValues(l.sealer, r.Kind, r.Body, r.Sealed, personal.ErasedWord)
		if err != nil {
			body = r.Body // it is no protobuf, and the feed says so
		}
		out = append(out, Event{
			Seq: r.Seq, Site: r.Site, Agent: r.Agent, Journal: r.Journal, Idx: r.Idx, Class: r.Class, TimeNs: r.TimeNs,
			Device: r.Device, Kind: r.Kind, Body: body, Candidate: l.candidate(r.Passage), Other: l.candidate(r.Other),
		})
	}
	return out, err
}
