package booth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/barcode"
	"lanewarden/edge/lane/clearance"
)

// Override journals an officer's word against the decision of a presentation: the vehicle at the booth, or one that
// left. revision is that of the decision which the officer saw: another one in force by now is an error, so that nobody
// releases what they have not seen. outcome is RELEASE, MOVE, DOCUMENTS, REFER or HOLD; reason is in the officer's words.
func (f *Follower) Override(ctx context.Context, presentation string, revision uint32, outcome, by, reason string) error {
	d := f.find(presentation)
	switch {
	case d == nil:
		return message.Errorf("booth.no-presentation", message.Quoted("id", presentation))
	case d.Revision != revision:
		return message.Errorf("booth.revised", message.Count("seen", revision), message.Count("now", d.Revision))
	case severity(outcome) > severity(string(clearance.Hold)):
		return message.Errorf("booth.no-outcome", message.Quoted("outcome", outcome))
	case reason == "":
		return message.Errorf("booth.no-reason")
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.ClearanceOverride{
		Presentation: d.Presentation, Revision: d.Revision, Lane: d.Lane, Was: d.Outcome, Outcome: outcome, By: by, Reason: reason,
	})
	o.Device = observation.AgentDevice
	o.Key = fmt.Sprintf("override %s@%d", d.Presentation, o.TimeNs)
	_, err := f.Journal.Commit(ctx, o)
	return err
}

// OverrideVehicle is Override for a vehicle that is at a booth now, by its presentation or by one of its plates, whatever
// is decided about it.
func (f *Follower) OverrideVehicle(ctx context.Context, vehicle, outcome, by, reason string) error {
	plate := identifier.NormalPlate(vehicle)
	for _, s := range f.States() {
		if d := s.Current; d != nil && (d.Presentation == vehicle || plate != "" && slices.Contains(d.Plates, plate)) {
			return f.Override(ctx, d.Presentation, d.Revision, outcome, by, reason)
		}
	}
	return message.Errorf("booth.not-there", message.Quoted("vehicle", vehicle))
}

// Key journals a code that an officer keyed in because it does not scan, typed twice. as is what the officer says it
// is, one of identifier's kinds; "" leaves that to its form.
func (f *Follower) Key(ctx context.Context, laneID, code, again, as string) error {
	i := slices.IndexFunc(f.lanes, func(l *lane) bool { return l.ID == laneID })
	if i < 0 || f.lanes[i].Keyed == "" {
		return message.Errorf("booth.not-keyed", message.Quoted("lane", laneID))
	}
	if code != again {
		return message.Errorf("booth.keyed-differs")
	}
	c := barcode.Classify(code, nil)
	c.Entry = "manual"
	if as != "" && !choose(c, as) {
		return message.Errorf("booth.not-a", message.Quoted("code", code), message.Quoted("kind", as))
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), c)
	o.Device = f.lanes[i].Keyed
	driver.SetKey(o, fmt.Sprintf("keyed@%d", o.TimeNs))
	_, err := f.Journal.Commit(ctx, o)
	return err
}

// choose makes one of the things that a code can be the only one. ok is false when it cannot be that.
func choose(c *observation.VehicleCode, kind string) (ok bool) {
	if c.Type == kind {
		c.Alternatives = nil
		return true
	}
	for _, a := range c.Alternatives {
		if a.Type == kind {
			c.Type, c.Value, c.Carrier, c.Role, c.Check, c.Note = a.Type, a.Value, a.Carrier, a.Role, a.Check, a.Note
			c.CheckFailed, c.Alternatives = a.Check == "wrong", nil
			return true
		}
	}
	return false
}
