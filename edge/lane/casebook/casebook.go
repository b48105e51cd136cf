// Package casebook keeps the cases of an agent's lanes. It follows the journal, opens a case for each passage with an
// alarm, follows alarms that move from one vehicle to another, attaches what a handheld instrument measures at a secondary
// inspection, and journals what people do in cases, at the lane and at the centre.
package casebook

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
)

// Journal is the part of the agent's journal that cases use. Commit takes a key once.
type Journal interface {
	Identity() journal.Identity
	Read(from int64, maxRows int) ([]journal.Row, error)
	ReadCases(from int64, maxRows int) ([]journal.Row, error)
	Arrived(t time.Time) (int64, error)
	Size() int64
	Changed() <-chan struct{}
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
	// OpenArtifact opens an artifact, and returns its size.
	OpenArtifact(sum []byte) (observation.ArtifactReader, int64, error)
	StoreArtifact(ctx context.Context, r io.Reader, mediaType, name string) (*observation.Artifact, error)
}

// Station is a place at a lane with its devices.
type Station struct {
	ID      string
	Devices []string
}

// Options are what a Casebook works with.
type Options struct {
	Journal Journal
	Rules   *observation.CaseRules
	// Stations are those of all lanes of the agent.
	Stations []Station
	// Handheld is within how long after a secondary inspection was asked for a measurement at its station is attached.
	Handheld time.Duration
	Log      *slog.Logger
}

// keptSettled is how many settled cases are kept in memory; others are read from the journal.
const keptSettled = 256

// Casebook has the cases of an agent. Run follows the journal; the other methods may be called from any goroutine.
type Casebook struct {
	o       Options
	id      []byte            // of the journal
	station map[string]string // device: its station

	acting sync.Mutex // one act at a time: the next one knows of it

	mu     sync.Mutex // guards book and folded
	book   *cases.Book
	folded chan struct{} // closed, and made anew, when the book has changed

	// The rest belongs to Run.
	next   int64
	alarms *tracker
}

// New returns the casebook of an agent.
func New(o Options) *Casebook {
	c := &Casebook{
		o: o, id: o.Journal.Identity().ID, station: map[string]string{}, book: cases.NewBook(keptSettled),
		folded: make(chan struct{}), alarms: newTracker(),
	}
	for _, s := range o.Stations {
		for _, d := range s.Devices {
			c.station[d] = s.ID
		}
	}
	return c
}

// Bounds of what is read of the journal.
const (
	readRows = 256
	// restoreRows is how far back a start looks for passages whose alarms may have no case yet.
	restoreRows = 131_072
	retry       = time.Second
)

// Run follows the journal until ctx ends, and returns nil. A journal that cannot be read or written is logged and tried
// again.
func (c *Casebook) Run(ctx context.Context) error {
	for !c.restore() {
		if !c.wait(ctx, nil) {
			return nil
		}
	}
	for {
		changed := c.o.Journal.Changed()
		if err := c.catchUp(ctx); err != nil {
			c.o.Log.Error("cases: the journal cannot be read, will be tried again", "err", err)
			changed = nil
		}
		if !c.wait(ctx, changed) {
			return nil
		}
	}
}

// wait returns when something happened, or after a while when changed is nil; false when ctx has ended.
func (c *Casebook) wait(ctx context.Context, changed <-chan struct{}) bool {
	var later <-chan time.Time
	if changed == nil {
		t := time.NewTimer(retry)
		defer t.Stop()
		later = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-later:
	}
	return true
}

// restore folds all cases that the journal has, and determines from where on passages are to be read: behind the row that
// the last row about alarms rests on.
func (c *Casebook) restore() bool {
	end := c.o.Journal.Size()
	for from := int64(0); from < end; {
		rows, err := c.o.Journal.ReadCases(from, readRows)
		if err != nil {
			c.o.Log.Error("cases: those of before the start cannot be read back, will be tried again", "err", err)
			return false
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			from = rows[i].Idx + 1
			if e, ok := c.take(&rows[i]); ok {
				c.alarms.take(&e)
			}
		}
	}
	c.next = max(0, end-restoreRows, c.alarms.because+1)
	return true
}

// catchUp processes the rows that are new, and commits what follows from each before it goes on.
func (c *Casebook) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		rows, err := c.o.Journal.Read(c.next, readRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			follows := c.follow(ctx, &rows[i])
			if len(follows) > 0 && !journal.Persist(ctx, c.o.Journal, c.o.Log, "cases", follows...) {
				return nil // ctx has ended
			}
			c.next = rows[i].Idx + 1
		}
	}
	return nil
}

// follow processes a row, and returns the rows that follow from it.
func (c *Casebook) follow(ctx context.Context, r *journal.Row) []*observation.Observation {
	switch {
	case cases.IsKind(r.Kind):
		if e, ok := c.take(r); ok {
			return c.report(ctx, &e)
		}
	case r.Device == observation.AgentDevice && isPassage(r.Kind):
		return c.alarms.passage(r, c)
	case r.Kind == observation.Kind_KIND_RADIATION_SPECTRUM:
		return c.measured(r)
	}
	return nil
}

func isPassage(k observation.Kind) bool {
	return k == observation.Kind_KIND_PASSAGE_OPENED || k == observation.Kind_KIND_PASSAGE_UPDATED ||
		k == observation.Kind_KIND_PASSAGE_CORRECTED
}

// take folds a row about a case. ok is false for one that cannot be read.
func (c *Casebook) take(r *journal.Row) (e cases.Event, ok bool) {
	if e, ok = c.event(r); !ok {
		return e, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.book.Take(e)
	close(c.folded)
	c.folded = make(chan struct{})
	return e, true
}

// event decodes a row about a case. One that cannot be decoded is logged and passed over.
func (c *Casebook) event(r *journal.Row) (cases.Event, bool) {
	o, err := r.Observation()
	if err != nil {
		c.o.Log.Error("cases: a row of the journal cannot be read", "idx", r.Idx, "err", err)
		return cases.Event{}, false
	}
	return cases.EventOf(c.id, r.Idx, o.Time(), o.Body.Typed())
}

// Cases returns the cases that are kept, in the order of cases.Compare.
func (c *Casebook) Cases() []*cases.Case {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.book.Cases()
}

// Case returns a case, which may be an old one; nil when there is none of that id.
func (c *Casebook) Case(id string) (*cases.Case, error) {
	c.mu.Lock()
	one := c.book.Case(id)
	c.mu.Unlock()
	if one != nil {
		return one, nil
	}
	events, err := c.search(id)
	return cases.Fold(events), err
}

// search reads the rows about an old case from the journal: they are behind the moment that its id names.
func (c *Casebook) search(id string) (events []cases.Event, err error) {
	begun, ok := openedAt(id)
	if !ok {
		return nil, nil
	}
	from, err := c.o.Journal.Arrived(begun)
	if err != nil {
		return nil, err
	}
	for {
		rows, err := c.o.Journal.ReadCases(from, readRows)
		if err != nil || len(rows) == 0 {
			return events, err
		}
		for i := range rows {
			from = rows[i].Idx + 1
			if e, ok := c.event(&rows[i]); ok && e.Case() == id {
				events = append(events, e)
			}
		}
	}
}
