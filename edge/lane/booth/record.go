package booth

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance"
)

// Revise returns what is to be journalled of a decision about a presentation; nil when it says what was said already. read
// is when the agent had read the last row that it rests on. Whoever journals it gives the row to Take.
func (b *Booth) Revise(p *Presentation, in clearance.Input, d clearance.Decision, read time.Time) *observation.ClearanceDecision {
	said := b.record(p, in, d, read)
	p.judgedAlarms = b.alarmRows(p)
	if p.said != nil && same(p.said, said) {
		return nil
	}
	return said
}

// record puts a decision into the form in which it is journalled, with an officer's word against it.
func (b *Booth) record(p *Presentation, in clearance.Input, d clearance.Decision, read time.Time) *observation.ClearanceDecision {
	out := &observation.ClearanceDecision{
		Presentation: p.ID, Revision: p.said.GetRevision() + 1, Lane: b.lane.ID, Passage: in.Vehicle.Passage,
		Outcome: string(d.Outcome), Decided: string(d.Outcome), Reasons: reasons(d.Reasons), Exams: texts(d.Exams),
		Policy: d.Policy, PolicySha256: d.PolicySHA256[:], Rows: deltas(restsOn(&in)), Ended: !p.Ended.IsZero(),
		ClockUntrusted: !in.ClockTrusted, NowNs: in.Now.UnixNano(),
		DelayUs: uint32(min(in.Now.Sub(read).Microseconds(), math.MaxUint32)), Plates: plates(&in.Presented),
	}
	for _, s := range d.Shipments {
		out.Shipments = append(out.Shipments, &observation.ShipmentDecision{
			Importer: s.Importer, Ccn: s.CCN, Container: s.Container, Class: string(s.Class), Outcome: string(s.Outcome),
			Reasons: reasons(s.Reasons),
		})
	}
	for _, v := range d.Lists {
		out.Lists = append(out.Lists, &observation.ListInForce{
			List: string(v.Kind), Version: v.Number, IssuedNs: v.Issued.UnixNano(), Sha256: v.SHA256[:],
		})
	}
	if !in.Draw.IsNone() {
		out.Draw = &observation.RandomDraw{
			Identity: in.Draw.Identity[:], Value: in.Draw.Value, Rate: d.Rate, Selected: d.Selected,
			Secret: in.Draw.Secret, Kept: in.Draw.Kept, DrawnS: in.Draw.Drawn.Unix(),
		}
	}
	p.overridden.apply(out)
	return out
}

// apply puts the officer's outcome in force, unless a reason that the officer did not see asks for a worse one. A nil
// override changes nothing.
func (o *override) apply(d *observation.ClearanceDecision) {
	if o == nil || o.Outcome == d.Decided {
		return
	}
	for _, r := range d.Reasons {
		if !o.against[reasonKey(r)] && severity(r.Outcome) > severity(o.Outcome) {
			return
		}
	}
	d.Outcome, d.OverriddenBy = o.Outcome, o.By
}

// severity orders outcomes; one that is not known is the worst.
func severity(outcome string) int {
	order := []string{
		string(clearance.Release), string(clearance.Move), string(clearance.Documents), string(clearance.Refer),
		string(clearance.Hold),
	}
	if i := slices.Index(order, outcome); i >= 0 {
		return i
	}
	return len(order)
}

func reasons(all []clearance.Reason) (out []*observation.ClearanceReason) {
	for _, r := range all {
		out = append(out, &observation.ClearanceReason{
			Code: string(r.Code), Outcome: string(r.Outcome), Exams: texts(r.Exams), Text: driver.EncodeMessage(r.Text),
			Rows: r.Rows, Discreet: r.Discreet,
		})
	}
	return out
}

func texts[T ~string](all []T) (out []string) {
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

// restsOn returns the rows of an input, in their order.
func restsOn(in *clearance.Input) (rows []int64) {
	p := &in.Presented
	for _, codes := range [][]clearance.Code{p.Codes, p.Containers, p.Seals} {
		for _, c := range codes {
			rows = append(rows, c.Row)
		}
	}
	for _, c := range p.Cards {
		rows = append(rows, c.Row)
	}
	for _, c := range p.Plates {
		rows = append(rows, c.Row)
	}
	for _, a := range in.Vehicle.Alarms {
		rows = append(rows, a.Row)
	}
	for _, c := range in.Vehicle.Cases {
		rows = append(rows, c.Row)
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

// deltas returns each row less the one before it.
func deltas(rows []int64) (out []int64) {
	before := int64(0)
	for _, r := range rows {
		out = append(out, r-before)
		before = r
	}
	return out
}

// rowsOf returns the rows that a decision rests on.
func rowsOf(d *observation.ClearanceDecision) (rows []int64) {
	row := int64(0)
	for _, delta := range d.GetRows() {
		row += delta
		rows = append(rows, row)
	}
	return rows
}

// plates returns the plates that were read, surest first.
func plates(p *clearance.Presented) (out []string) {
	all := slices.Clone(p.Plates)
	slices.SortStableFunc(all, func(a, b clearance.Plate) int { return cmp.Compare(b.Sure, a.Sure) })
	for _, one := range all {
		out = append(out, one.Normal)
	}
	return out
}

// same reports whether two decisions say the same: when they were made, and by which version of a list, makes none a
// new one.
func same(a, b *observation.ClearanceDecision) bool {
	return proto.Equal(content(a), content(b))
}

// content returns a decision without what differs between two that say the same.
func content(d *observation.ClearanceDecision) *observation.ClearanceDecision {
	c, ok := proto.Clone(d).(*observation.ClearanceDecision)
	if !ok {
		return d
	}
	c.Revision, c.NowNs, c.DelayUs, c.ClockUntrusted, c.Lists = 0, 0, 0, false, nil
	return c
}

// Observe returns the observation of a decision. Its key has the revision: after a stop between commit and output the
// same decision is not journalled twice.
func Observe(d *observation.ClearanceDecision) *observation.Observation {
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(0, d.NowNs), d)
	o.Device = observation.AgentDevice
	o.Key = fmt.Sprintf("clearance %s#%d", d.Presentation, d.Revision)
	return o
}
