package casebook

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/cases"
	"lanewarden/edge/journal"
)

// Act journals what somebody does in a case, and returns the case afterwards. revision is that of the case they saw;
// 0 for what needs none. An event with a key that is there already changes nothing when it is the same one.
func (c *Casebook) Act(ctx context.Context, act *observation.CaseEvent, revision int) (*cases.Case, error) {
	return c.act(ctx, act, revision)
}

// Attach is Act for an event that attaches artifacts which the journal has: they go to the centre with the row.
func (c *Casebook) Attach(ctx context.Context, act *observation.CaseEvent, files ...*observation.Artifact) (*cases.Case, error) {
	for _, a := range files {
		act.Attachments = append(act.Attachments, &observation.CaseAttachment{Sha256: a.Sha256, MediaType: a.MediaType})
	}
	return c.act(ctx, act, 0, files...)
}

func (c *Casebook) act(ctx context.Context, act *observation.CaseEvent, revision int, files ...*observation.Artifact) (*cases.Case, error) {
	c.acting.Lock()
	defer c.acting.Unlock()
	one, err := c.Case(act.Id)
	if err != nil {
		return nil, err
	}
	if one == nil {
		return nil, message.Errorf("cases.none", message.Quoted("id", act.Id))
	}
	if done, err := one.Repeats(act); done || err != nil {
		return one, err
	}
	if err := one.Admits(act, revision); err != nil {
		return nil, err
	}
	now := time.Now()
	o := observe(now, act)
	o.Body.Artifacts = files
	if act.Key == "" {
		act.Key = fmt.Sprintf("%d", now.UnixNano())
	}
	o.Key = fmt.Sprintf("case %s by %s", act.Id, act.Key)
	if _, err := c.o.Journal.Commit(ctx, o); err != nil {
		return nil, err
	}
	return c.after(ctx, act)
}

// observe returns the row of an event.
func observe(at time.Time, act *observation.CaseEvent) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, at, act)
	o.Device = observation.AgentDevice
	return o
}

// after returns the case once an event is folded that is journalled.
func (c *Casebook) after(ctx context.Context, act *observation.CaseEvent) (*cases.Case, error) {
	for {
		c.mu.Lock()
		folded, one := c.folded, c.book.Case(act.Id)
		c.mu.Unlock()
		if one != nil && one.Has(act.Key) {
			return one, nil
		}
		if one == nil { // an old one, which is not kept in memory unless this opened it again
			events, err := c.search(act.Id)
			if old := cases.Fold(events); err != nil || old != nil && old.Has(act.Key) {
				c.keep(events)
				return old, err
			}
		}
		select {
		case <-folded:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// keep takes an old case into memory again.
func (c *Casebook) keep(events []cases.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		c.book.Take(e)
	}
}

// Receive journals a copy of what was said at the centre. It returns once that is durable. The same again adds nothing.
func (c *Casebook) Receive(ctx context.Context, act *observation.CaseEvent) error {
	if act.GetOrigin() == nil || len(act.Origin.Journal) == 0 || act.Id == "" {
		return message.Errorf("cases.no-origin")
	}
	o := observe(time.Now(), proto.Clone(act).(*observation.CaseEvent))
	o.Key = fmt.Sprintf("case copy %x/%d", act.Origin.Journal, act.Origin.Idx)
	_, err := c.o.Journal.Commit(ctx, o)
	return err
}

// measured returns the row that attaches an N42 document to the secondary inspection that is open at its station; none
// when there is no such inspection, or several, of which a person has to choose.
func (c *Casebook) measured(r *journal.Row) []*observation.Observation {
	station := c.station[r.Device]
	if station == "" {
		return nil
	}
	o, err := r.Observation()
	if err != nil || len(o.Body.Artifacts) == 0 {
		return nil
	}
	at := time.Unix(0, r.Time+o.Body.AgentDelayNs)
	var open []*cases.Case
	for _, one := range c.Cases() {
		s := one.Secondary
		if one.State == cases.SecondaryRequested && s.Station == station && !at.Before(s.At) && at.Sub(s.At) <= c.o.Handheld {
			open = append(open, one)
		}
	}
	if len(open) != 1 {
		return nil
	}
	document := o.Body.Artifacts[0]
	act := &observation.CaseEvent{
		Id: open[0].ID, Action: observation.CaseEvent_ACTION_ATTACH, By: cases.LaneRole, Role: cases.LaneRole, Station: station,
		Key: fmt.Sprintf("row %d", r.Idx), Seen: open[0].Heads(),
		Attachments: []*observation.CaseAttachment{{Sha256: document.Sha256, MediaType: document.MediaType, Row: r.Idx}},
	}
	row := observe(time.Now(), act)
	row.Key = fmt.Sprintf("case measured %d", r.Idx)
	return []*observation.Observation{row}
}
