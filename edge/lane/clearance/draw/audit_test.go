package draw

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"lanewarden/drivers/observation"
)

// decided is the row of a decision with a draw.
func decided(presentation string, at time.Time, d Draw, rate float64) *observation.Observation {
	return observation.New(observation.Class_CLASS_EVENT, at, &observation.ClearanceDecision{
		Presentation: presentation, NowNs: at.UnixNano(), Draw: &observation.RandomDraw{
			Identity: d.Identity[:], Value: d.Value, Rate: rate, Selected: d.Value < rate, Secret: d.Secret, Kept: d.Kept,
			DrawnS: d.Drawn.Unix(),
		}})
}

func drawOf(o *observation.Observation) *observation.RandomDraw {
	return o.Body.Typed().(*observation.ClearanceDecision).Draw
}

// day is a day of presentations at a lane, as its journal has it.
type day struct {
	rows   []*observation.Observation
	secret []byte // of the centre
}

// traffic is how much of a day's traffic comes in each hour.
var traffic = [24]float64{1, 1, 1, 1, 2, 4, 6, 8, 7, 6, 5, 5, 5, 5, 6, 7, 8, 8, 7, 5, 4, 3, 2, 1}

// arrivals returns n times of a day, most of them when most trucks come.
func arrivals(rng *rand.Rand, begin time.Time, n int) []time.Time {
	sum := 0.0
	for _, share := range traffic {
		sum += share
	}
	out := make([]time.Time, n)
	for i := range out {
		x, hour := rng.Float64()*sum, 0
		for x >= traffic[hour] {
			x -= traffic[hour]
			hour++
		}
		out[i] = begin.Add(time.Duration(hour)*time.Hour + time.Duration(rng.Int64N(int64(time.Hour))))
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

const letters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"

// tally counts draws and selected ones by hour and by the last character of the plate.
type tally struct {
	draws, selected int
	hours           [24][2]float64
	plates          [len(letters)][2]float64
	values          []float64
}

func (c *tally) add(at time.Time, plate int, d Draw, rate float64) {
	c.draws++
	c.values = append(c.values, d.Value)
	n := 0
	if d.Value < rate {
		n = 1
	}
	c.selected += n
	c.hours[at.Hour()][0]++
	c.hours[at.Hour()][1] += float64(n)
	c.plates[plate][0]++
	c.plates[plate][1] += float64(n)
}

// simulate lets n trucks of a day come. One in 30 comes again within 4 h, one in 30 comes with the same goods later.
func simulate(t testing.TB, rng *rand.Rand, begin time.Time, n int, rate float64, c *tally) day {
	t.Helper()
	r := &record{}
	s := open(t, filepath.Join(t.TempDir(), "draws"), r)
	key := sha256.Sum256([]byte(begin.String()))
	if err := s.Add(Day(begin), key[:], nil); err != nil {
		t.Fatal(err)
	}
	k := NewKeeper(s)
	var sets [][32]byte
	for i, at := range arrivals(rng, begin, n) {
		plate := rng.IntN(len(letters))
		id := Identity([]string{fmt.Sprint("bn:", rng.IntN(2000)), fmt.Sprint("ccn:", begin.Unix(), i)}, fmt.Sprint(i), "8080")
		if len(sets) > 0 && rng.IntN(15) == 0 {
			id = sets[rng.IntN(len(sets))]
		}
		sets = append(sets, id)
		d, err := k.Draw(t.Context(), fmt.Sprint(i), id, at)
		if err != nil {
			t.Fatal(err)
		}
		r.rows = append(r.rows, decided(fmt.Sprint(i), at, d, rate))
		if !d.Kept {
			c.add(at, plate, d, rate)
		}
	}
	return day{r.rows, key[:]}
}

func (d day) audit(name string) Report {
	a := NewAudit(name, d.secret)
	for i, o := range d.rows {
		a.Add(int64(i), o)
	}
	return a.Report()
}

// fits reports whether selected ones are spread over groups as all are (chi-square, 0.1 %).
func fits(groups [][2]float64, rate float64) (chi2, limit float64) {
	var seen, want []float64
	for _, g := range groups {
		seen = append(seen, g[1], g[0]-g[1])
		want = append(want, g[0]*rate, g[0]*(1-rate))
	}
	return stat.ChiSquare(seen, want), distuv.ChiSquared{K: float64(len(groups))}.Quantile(0.999)
}

// presentations is how many TestMillion draws for at least.
var presentations = 1_000_000

// Over 1,000,000 draws the rate is within its 99 % interval, uniform over hours and plates, and values are uniform; the audit
// of each day reproduces all of them.
func TestMillion(t *testing.T) { checkMany(t, presentations) }

// BenchmarkMillion is TestMillion without the race detector, for make bench.
func BenchmarkMillion(b *testing.B) {
	for b.Loop() {
		c := checkMany(b, 1_000_000)
		least, most := Interval(c.draws, manyRate)
		b.ReportMetric(float64(c.draws), "draws")
		b.ReportMetric(float64(c.selected), "selected")
		b.ReportMetric(float64(least), "least")
		b.ReportMetric(float64(most), "most")
	}
}

const (
	perDay   = 7_000 // the largest crossing, through one lane
	manyRate = 0.02
)

// checkMany simulates days with so many draws at least, and audits and tests them.
func checkMany(t testing.TB, all int) *tally {
	c, rng := &tally{}, rand.New(rand.NewPCG(18, 5))
	for i := 0; c.draws < all; i++ {
		begin := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		d := simulate(t, rng, begin, perDay, manyRate, c)
		r := d.audit(Day(begin))
		if len(r.Findings) > 0 || r.Unproven > 0 || r.Decisions != perDay || r.Draws+r.Kept != perDay || r.Kept < perDay/100 {
			t.Fatalf("%s: %d draws, %d kept, %d unproven, findings %v", r.Day, r.Draws, r.Kept, r.Unproven, r.Findings)
		}
	}
	least, most := Interval(c.draws, manyRate)
	if c.selected < least || c.selected > most {
		t.Errorf("%d of %d selected, must be %d to %d", c.selected, c.draws, least, most)
	}
	if chi2, limit := fits(c.hours[:], manyRate); chi2 > limit {
		t.Errorf("over hours: chi-square %.1f, limit %.1f", chi2, limit)
	}
	if chi2, limit := fits(c.plates[:], manyRate); chi2 > limit {
		t.Errorf("over plates: chi-square %.1f, limit %.1f", chi2, limit)
	}
	checkUniform(t, c.values)
	t.Logf("%d draws, %d selected (%d to %d)", c.draws, c.selected, least, most)
	return c
}

// checkUniform compares values with the uniform distribution (Kolmogorov-Smirnov, 0.1 %).
func checkUniform(t testing.TB, values []float64) {
	slices.Sort(values)
	uniform := make([]float64, 100_000)
	for i := range uniform {
		uniform[i] = (float64(i) + 0.5) / float64(len(uniform))
	}
	n, m := float64(len(values)), float64(len(uniform))
	if d := stat.KolmogorovSmirnov(values, nil, uniform, nil); d > 1.95*math.Sqrt((n+m)/(n*m)) {
		t.Errorf("distance from the uniform distribution %.5f", d)
	}
}

// One row that was tampered with is found, whatever was changed in it, and no other is.
func TestAuditFindsTampering(t *testing.T) {
	begin := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	fresh := func() (day, int) {
		d := simulate(t, rand.New(rand.NewPCG(1, 2)), begin, 2000, 0.02, &tally{})
		at := slices.IndexFunc(d.rows, func(o *observation.Observation) bool {
			b, ok := o.Body.Typed().(*observation.ClearanceDecision)
			return ok && b.Draw.Selected && !b.Draw.Kept
		})
		return d, at
	}
	if d, _ := fresh(); !d.audit("2026-12-01").Agrees() {
		t.Fatal("the day does not agree as it is")
	}
	for name, change := range map[string]func(*day, *observation.RandomDraw){
		"let through":        func(_ *day, r *observation.RandomDraw) { r.Selected = false },
		"value":              func(_ *day, r *observation.RandomDraw) { r.Value, r.Selected = 0.9, false },
		"value and nothing":  func(_ *day, r *observation.RandomDraw) { r.Value /= 2 },
		"identity":           func(_ *day, r *observation.RandomDraw) { r.Identity = make([]byte, 32) },
		"time":               func(_ *day, r *observation.RandomDraw) { r.DrawnS++ },
		"said to be kept":    func(_ *day, r *observation.RandomDraw) { r.Kept = true },
		"rate":               func(_ *day, r *observation.RandomDraw) { r.Rate = 0 },
		"no number":          func(_ *day, r *observation.RandomDraw) { r.Identity = nil },
		"unknown secret":     func(_ *day, r *observation.RandomDraw) { r.Secret = "local-2026-12-01" },
		"hash":               func(d *day, _ *observation.RandomDraw) { secretOf(d).Hash[0] ^= 1 },
		"no hash":            func(d *day, _ *observation.RandomDraw) { secretOf(d).Day = "2026-11-30" },
		"revealed is no key": func(d *day, _ *observation.RandomDraw) { d.secret = make([]byte, SecretSize) },
	} {
		t.Run(name, func(t *testing.T) {
			d, at := fresh()
			change(&d, drawOf(d.rows[at]))
			r := d.audit("2026-12-01")
			if r.Agrees() {
				t.Fatal("not found")
			}
			for _, f := range r.Findings {
				t.Log(f.Row, f.Why.English(), "/", f.Why.In("fr"))
				if secretOnly := name == "hash" || name == "no hash" || name == "revealed is no key"; !secretOnly && f.Row != int64(at) {
					t.Errorf("row %d is named, %d was changed", f.Row, at)
				}
			}
		})
	}
}

func secretOf(d *day) *observation.ClearanceSecret {
	for _, o := range d.rows {
		if s, ok := o.Body.Typed().(*observation.ClearanceSecret); ok {
			return s
		}
	}
	return nil
}

// A lane that draws until it likes what comes out is found: the same set has two draws within 4 h, or one that was made
// long before.
func TestAuditFindsDrawingAgain(t *testing.T) {
	begin := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	key, id := sha256.Sum256([]byte("k")), [32]byte{1}
	make := func(at, now time.Time) *observation.Observation {
		return decided("p", now, Draw{Identity: id, Drawn: at, Value: Value(key[:], id, at), Secret: "2026-12-01"}, 0.02)
	}
	hash := sha256.Sum256(key[:])
	commit := observation.New(observation.Class_CLASS_EVENT, begin, &observation.ClearanceSecret{Day: "2026-12-01", Hash: hash[:]})
	for name, c := range map[string]struct {
		rows []*observation.Observation
		bad  bool
	}{
		"once":               {[]*observation.Observation{commit, make(begin, begin)}, false},
		"twice a day":        {[]*observation.Observation{commit, make(begin, begin), make(begin.Add(KeptFor), begin.Add(KeptFor))}, false},
		"again":              {[]*observation.Observation{commit, make(begin, begin), make(begin.Add(time.Hour), begin.Add(time.Hour))}, true},
		"a time that suits":  {[]*observation.Observation{commit, make(begin, begin.Add(time.Hour))}, true},
		"before its hash":    {[]*observation.Observation{make(begin, begin), commit}, true},
		"of a day not asked": {[]*observation.Observation{commit, make(begin, begin)}, false},
	} {
		if r := (day{c.rows, key[:]}).audit("2026-12-01"); (len(r.Findings) > 0) != c.bad {
			t.Errorf("%s: %v", name, r.Findings)
		}
	}
	if r := (day{[]*observation.Observation{commit, make(begin, begin)}, nil}).audit("2026-12-01"); r.Unproven != 1 || len(r.Findings) != 0 {
		t.Errorf("without the secret: %+v", r)
	}
	if r := (day{[]*observation.Observation{commit, make(begin, begin)}, key[:]}).audit("2026-12-02"); r.Decisions != 0 {
		t.Errorf("another day: %+v", r)
	}
}

// A rate that is not kept is found.
func TestAuditFindsWrongRate(t *testing.T) {
	begin := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	d := simulate(t, rand.New(rand.NewPCG(3, 4)), begin, 5000, 0.02, &tally{})
	d.rows = slices.DeleteFunc(d.rows, func(o *observation.Observation) bool { // every second selected one is left out
		b, ok := o.Body.Typed().(*observation.ClearanceDecision)
		return ok && b.Draw.Selected && b.Draw.Identity[0]%2 == 0
	})
	if r := d.audit("2026-12-01"); r.Agrees() || r.Rates[0].Agrees {
		t.Errorf("%+v", r.Rates)
	}
}

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		n           int
		rate        float64
		least, most int
	}{{0, 0.5, 0, 0}, {10, 0, 0, 0}, {10, 1, 10, 10}, {100, 0.5, 37, 63}, {1000, 0.02, 10, 32}} {
		if least, most := Interval(c.n, c.rate); least != c.least || most != c.most {
			t.Errorf("%d at %g: %d to %d, want %d to %d", c.n, c.rate, least, most, c.least, c.most)
		}
	}
}

// BenchmarkDraw draws for sets that were never presented before: two hashes, and what is kept.
func BenchmarkDraw(b *testing.B) {
	k := NewKeeper(open(b, filepath.Join(b.TempDir(), "draws"), &record{}))
	i := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		id := [32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}
		if _, err := k.Draw(b.Context(), fmt.Sprint(i), id, noon); err != nil {
			b.Fatal(err)
		}
	}
}
