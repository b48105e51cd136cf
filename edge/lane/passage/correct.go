package passage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane/passage/detection"
)

// Errors of Passages and Correct.
var (
	errNoPassages = message.Errorf("passage.no-answer")
	errNoStations = message.Errorf("passage.no-stations")
)

// errElsewhere means that a correction is about a reading or passage that is not in memory: the
// journal has to be searched.
var errElsewhere = errors.New("not in memory")

// correction is a person's assignment of a reading, with the journal's assignment when the reading
// is not in memory.
type correction struct {
	idx            int64
	to, reason, by string
	found          *found // nil until the journal was asked
}

// found is the result of searching the journal for a reading and a passage.
type found struct {
	row  Row
	from statement
	to   bool // the passage was opened
}

// Correct puts a reading into a passage because a person says so; to "" is no passage. It may be
// any reading of a device, and any passage of any lane, open or closed. No later assignment changes
// that. It returns when the correction is durable; errors say what is wrong with it. It may be
// called from any goroutine while Run runs.
func (f *Follower) Correct(ctx context.Context, idx int64, to, reason, by string) error {
	if !f.hasLanes() {
		return errNoStations
	}
	if by == byLane { // an account of that name
		by += " (account)"
	}
	want := correction{idx: idx, to: to, reason: reason, by: by}
	err := f.command(ctx, func(ctx context.Context) error { return f.correct(ctx, &want) })
	if !errors.Is(err, errElsewhere) {
		return err
	}
	if want.found, err = f.search(ctx, idx, to); err != nil {
		return err
	}
	return f.command(ctx, func(ctx context.Context) error { return f.correct(ctx, &want) })
}

// command has do run on the follower's goroutine between two rows, and returns its error. Once ctx has ended
// nothing is begun.
func (f *Follower) command(ctx context.Context, do func(ctx context.Context) error) error {
	if ctx.Err() != nil {
		return errNoPassages
	}
	c := command{do, make(chan error, 1)}
	select {
	case f.commands <- c:
	case <-ctx.Done():
		return errNoPassages
	}
	select {
	case err := <-c.outcome:
		return err
	case <-ctx.Done():
		return errNoPassages
	}
}

// correct journals a correction, and then reads it back as every follower of this journal will, so
// that a replay comes to the same state.
func (f *Follower) correct(ctx context.Context, want *correction) error {
	if err := f.catchUp(ctx); err != nil {
		return err
	}
	o, err := f.correlator.correct(want, time.Now())
	if err != nil {
		return err
	}
	if _, err := f.journal.Commit(ctx, o); err != nil {
		return err
	}
	return f.catchUp(ctx)
}

// correct returns the row that says where a person put a reading. It changes nothing: the row does,
// when it is read. It returns errElsewhere when something is not in memory and want.found is nil.
func (c *Correlator) correct(want *correction, now time.Time) (*observation.Observation, error) {
	r, _ := c.find(want.idx)
	v, _ := c.passage(want.to)
	if want.found == nil && (r == nil || v == nil && want.to != "") {
		return nil, errElsewhere
	}
	if v == nil && want.to != "" && !want.found.to {
		return nil, message.Errorf("passage.unknown", message.Quoted("passage", want.to))
	}
	p := &observation.PassageCorrected{Idx: want.idx, To: want.to, Reason: want.reason, By: want.by}
	if r != nil {
		p.Reading = c.pinned(r, want.by, want.reason)
		if r.stated != nil {
			p.From = r.stated.passage
		}
	} else {
		p.From, p.Reading = want.found.from.passage, c.pinnedRow(want)
	}
	return c.newEvent(c.now, fmt.Sprintf("corrected %d by %s at %d", want.idx, want.by, now.UnixNano()), p), nil
}

// pinnedRow returns a reading that is not in memory, as it will be in the journal when a person has
// put it into a passage.
func (c *Correlator) pinnedRow(want *correction) *observation.PassageReading {
	o := want.found.row.Observation
	d := detection.Of(want.idx, o, 0)
	if detection.ByOwnClock(o) {
		d.At -= c.Offset(o.Device).Seconds()
	}
	g := c.where[o.Device]
	if g != nil {
		g.prepare(d)
	}
	out := c.pinned(&reading{det: d, label: noLabel}, want.by, want.reason)
	if was := want.found.from.reading; was != nil { // the offset of its day counts
		out.TimeNs, out.Station = was.TimeNs, was.Station
	}
	return out
}

// search looks for a reading and a passage in the journal, from the earlier of the two to its end.
// It reads beside Run, on the caller's goroutine: it may take seconds in a large journal.
func (f *Follower) search(ctx context.Context, idx int64, to string) (*found, error) {
	row, ok := f.fetch(idx)
	if !ok || row.Device == observation.AgentDevice {
		return nil, message.Errorf("passage.no-record", message.String("row", strconv.FormatInt(idx, 10)))
	}
	if !kinds.IsOfVehicle(row.Body.Kind()) {
		return nil, message.Errorf("passage.no-vehicle", message.String("row", strconv.FormatInt(idx, 10)),
			message.String("kind", row.Body.Kind().Name()), message.String("device", row.Device))
	}
	out := &found{row: row}
	err := f.each(ctx, min(idx, firstRow(to, idx)), f.journal.Size(), func(r *journal.Row) error {
		if !tellsOfPassages(r) {
			return nil
		}
		b := &observation.Body{}
		if err := proto.Unmarshal(r.Body, b); err != nil {
			return message.Wrap(err, "evidence.row", message.String("row", strconv.FormatInt(r.Idx, 10)))
		}
		if p := b.GetPassageOpened(); p != nil && p.Id == to {
			out.to = true
		}
		eachStatement(b, func(of int64, s statement) {
			if of == idx {
				if s.reading == nil {
					s.reading = out.from.reading
				}
				out.from = s
			}
		})
		return nil
	})
	return out, err
}

// firstRow returns the row of a passage's first detection, with which its id ends; or when the id
// does not say it.
func firstRow(passage string, or int64) int64 {
	n, err := strconv.ParseInt(passage[strings.LastIndexByte(passage, '-')+1:], 10, 64)
	if err != nil || n < 0 {
		return or
	}
	return n
}
