package draw

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/mathext"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Confidence is that of the interval in which the number of selected vehicles must lie.
const Confidence = 0.99

// drawnWithin is how long before its first decision a draw is made at most: both are of one moment.
const drawnWithin = time.Minute

// maxFindings bounds what a report names; the rest is counted.
const maxFindings = 1000

// Audit recomputes the draws of a day from the rows of a journal. Add all rows in their order, then ask for the Report.
type Audit struct {
	day       string
	secrets   map[string][]byte    // revealed, by name
	committed map[string]committed // by name
	early     map[string]bool      // secrets that were used before they were committed to
	decisions []decision           // until all secrets are known
	findings  []Finding
	more      int
}

// committed is what the journal was told of a secret.
type committed struct {
	row  int64
	hash []byte
}

// decision is a row with a draw.
type decision struct {
	row          int64
	at           time.Time
	presentation string
	Draw
	rate     float64
	selected bool
}

// Finding is a row that does not agree.
type Finding struct {
	Row int64
	Why message.Message
}

// RateTest is how many of the draws at one rate were selected, and how many must be.
type RateTest struct {
	Rate            float64
	Draws, Selected int
	Least, Most     int // interval of 99 %
	Agrees          bool
}

// Report is the result of an audit.
type Report struct {
	Day       string
	Decisions int // rows with a draw of this day
	Draws     int // without those that were kept
	Kept      int
	Unproven  int // rows whose secret is not revealed
	Rates     []RateTest
	Findings  []Finding // in the order of rows
	More      int       // findings that are not listed
}

// Agrees reports whether nothing was found.
func (r Report) Agrees() bool {
	return len(r.Findings) == 0 && !slices.ContainsFunc(r.Rates, func(t RateTest) bool { return !t.Agrees })
}

// NewAudit returns the audit of a day. centre is the secret that the centre has revealed, nil for none: the lane's own is
// in the journal.
func NewAudit(day string, centre []byte) *Audit {
	a := &Audit{day: day, secrets: map[string][]byte{}, committed: map[string]committed{}, early: map[string]bool{}}
	if centre != nil {
		a.secrets[day] = centre
	}
	return a
}

// Add takes a row of the journal in.
func (a *Audit) Add(row int64, o *observation.Observation) {
	switch b := o.GetBody().Typed().(type) {
	case *observation.ClearanceSecret:
		a.addSecret(row, b)
	case *observation.ClearanceDecision:
		d := FromRow(b.Draw)
		if b.Draw == nil || DayOf(b.Draw.Secret) != a.day {
			return
		}
		a.decisions = append(a.decisions, decision{row: row, at: time.Unix(0, b.NowNs), presentation: b.Presentation, Draw: d,
			rate: b.Draw.Rate, selected: b.Draw.Selected})
	}
}

// addSecret notes what was committed to, and what was revealed.
func (a *Audit) addSecret(row int64, b *observation.ClearanceSecret) {
	if b.Day != a.day {
		return
	}
	name := Secret{Day: b.Day, Local: b.Local}.Name()
	if len(b.Revealed) > 0 {
		a.secrets[name] = b.Revealed
		return
	}
	if before, there := a.committed[name]; there {
		if string(before.hash) != string(b.Hash) {
			a.find(row, message.New("draw.audit-two-hashes", message.String("secret", name), message.Int("row", before.row)))
		}
		return
	}
	a.committed[name] = committed{row, b.Hash}
}

func (a *Audit) find(row int64, why message.Message) {
	if len(a.findings) == maxFindings {
		a.more++
		return
	}
	a.findings = append(a.findings, Finding{row, why})
}

// Report compares all rows with what follows from the secrets.
func (a *Audit) Report() Report {
	r := Report{Day: a.day, Decisions: len(a.decisions)}
	bad := a.checkSecrets()
	first := map[drawKey]int64{} // row of each draw
	last := map[[32]byte]time.Time{}
	by := map[drawKey]decision{}
	for _, d := range a.decisions {
		if !a.recompute(d, bad) {
			r.Unproven++
		}
		key := drawKey{d.Identity, d.Drawn.Unix(), d.Secret}
		if _, seen := first[key]; !seen {
			first[key] = d.row
			a.checkNew(d, last)
			last[d.Identity] = d.Drawn
		}
		if d.Kept {
			r.Kept++
		} else {
			by[key] = d // the last word about the draw
		}
	}
	r.Draws = len(by)
	r.Rates = rateTests(by)
	slices.SortStableFunc(a.findings, func(x, y Finding) int { return cmp.Compare(x.Row, y.Row) })
	r.Findings, r.More = a.findings, a.more
	return r
}

// drawKey is one draw: several rows can have it.
type drawKey struct {
	identity [32]byte
	drawn    int64
	secret   string
}

// checkSecrets holds the revealed secrets against the hashes, and returns those that are others.
func (a *Audit) checkSecrets() (bad map[string]bool) {
	bad = map[string]bool{}
	for name, key := range a.secrets {
		hash := sha256.Sum256(key)
		c, there := a.committed[name]
		if there && string(c.hash) != string(hash[:]) {
			bad[name] = true
			a.find(c.row, message.New("draw.audit-other-secret", message.String("secret", name)))
		}
	}
	return bad
}

// recompute checks one row by itself. It is false where the secret is not known.
func (a *Audit) recompute(d decision, bad map[string]bool) (proven bool) {
	if c, there := a.committed[d.Secret]; (!there || c.row > d.row) && !a.early[d.Secret] {
		a.early[d.Secret] = true // once: all rows before the hash have this in common
		a.find(d.row, message.New("draw.audit-not-committed", message.String("secret", d.Secret)))
	}
	if d.selected != (d.Value < d.rate) {
		a.find(d.row, message.New("draw.audit-selected", message.Number("value", d.Value, 6), message.Number("rate", d.rate, 6)))
	}
	key, known := a.secrets[d.Secret]
	if !known || bad[d.Secret] {
		return false
	}
	if want := Value(key, d.Identity, d.Drawn); want != d.Value {
		a.find(d.row, message.New("draw.audit-value", message.Number("value", d.Value, 6), message.Number("want", want, 6)))
	}
	return true
}

// checkNew checks the first row that has a draw: it was made then, for a set that had none, or it is another's.
func (a *Audit) checkNew(d decision, last map[[32]byte]time.Time) {
	before, drawn := last[d.Identity]
	switch {
	case d.Kept:
		a.find(d.row, message.New("draw.audit-kept"))
	case drawn && d.Drawn.Sub(before) < KeptFor && !d.Drawn.Before(before):
		a.find(d.row, message.New("draw.audit-again", message.Duration("after", d.Drawn.Sub(before))))
	case d.at.Sub(d.Drawn).Abs() > drawnWithin:
		a.find(d.row, message.New("draw.audit-time", message.Duration("off", d.at.Sub(d.Drawn).Abs())))
	}
}

// rateTests tests the selected share at each rate, the lowest first.
func rateTests(by map[drawKey]decision) (out []RateTest) {
	tests := map[float64]*RateTest{}
	for _, d := range by {
		t := tests[d.rate]
		if t == nil {
			t = &RateTest{Rate: d.rate}
			tests[d.rate] = t
		}
		t.Draws++
		if d.selected {
			t.Selected++
		}
	}
	for _, t := range tests {
		t.Least, t.Most = Interval(t.Draws, t.Rate)
		t.Agrees = t.Least <= t.Selected && t.Selected <= t.Most
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b RateTest) int { return cmp.Compare(a.Rate, b.Rate) })
	return out
}

// Interval returns the least and the most of n draws that are selected at a rate, but for 0.5 % of the days on either
// side.
func Interval(n int, rate float64) (least, most int) {
	if !(rate > 0) {
		return 0, 0
	}
	if rate >= 1 {
		return n, n
	}
	atMost := func(k int) float64 { return mathext.RegIncBeta(float64(n-k), float64(k+1), 1-rate) } // k < n, binomial
	tail := (1 - Confidence) / 2
	least = sort.Search(n, func(k int) bool { return atMost(k) > tail })
	most = sort.Search(n, func(k int) bool { return atMost(k) >= 1-tail })
	return least, most
}
