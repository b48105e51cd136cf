package plasmagram

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lanewarden/drivers/message"
)

// rules is a library of two substances whose windows overlap, and one that needs two peaks.
func rules() *Library {
	ion := func(k0 float64) Ion { return Ion{Adduct: "M", K0: k0, Window: 0.02, MinSNR: 6} }
	share := ion(1.60)
	share.Threshold = 0.1
	return &Library{Name: "test", Substances: []Substance{
		{Name: "left", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2, Peaks: []Ion{ion(1.05)}},
		{Name: "right", Category: "narcotic", Polarity: "positive", Require: 1, MinScans: 2, Peaks: []Ion{ion(1.07)}},
		{Name: "pair", Category: "explosive", Polarity: "positive", Require: 2, MinScans: 1,
			Peaks: []Ion{ion(1.30), ion(1.40)}},
		{Name: "share", Category: "explosive", Polarity: "positive", Require: 1, MinScans: 1, Peaks: []Ion{share}},
		{Name: "other", Category: "explosive", Polarity: "negative", Require: 1, MinScans: 1, Peaks: []Ion{ion(1.05)}},
	}}
}

func peak(k0, contrast float64, scans int) Peak {
	return Peak{K0: k0, Contrast: contrast, Scans: scans, Amplitude: 100}
}

func TestDecide(t *testing.T) {
	role := peak(1.05, 50, 5)
	role.Role = "reactant"
	for _, c := range []struct {
		name     string
		peaks    []Peak
		reactant float64
		found    string // substances, "right<left" for one that left explains better
		reason   string // part of one of the reasons, as code and arguments
	}{
		{"no peaks", nil, 1000, "", ""},
		{"in one window", []Peak{peak(1.04, 10, 3)}, 1000, "left", "contrast=10 needed=6.000 n=3"},
		{"on a window's edge", []Peak{peak(1.0301, 10, 3)}, 1000, "left", "verdict.found peak=verdict.peak substance=left"},
		{"just outside", []Peak{peak(1.0299, 10, 3)}, 1000, "", ""},
		{"in two windows, nearer to one", []Peak{peak(1.055, 10, 3)}, 1000, "left right<left",
			"verdict.shared substance=right instead=left"},
		{"two peaks, one of each", []Peak{peak(1.045, 10, 3), peak(1.075, 10, 3)}, 1000, "left right", ""},
		{"too little contrast", []Peak{peak(1.04, 5.9, 3)}, 1000, "", "contrast=5.9 needed=6.000"},
		{"in one scan only", []Peak{peak(1.04, 10, 1)}, 1000, "", "n=1 needed=2"},
		{"scans not known", []Peak{peak(1.04, 10, 0)}, 1000, "left", ""},
		{"one of two that are needed", []Peak{peak(1.30, 10, 3)}, 1000, "", "verdict.few-peaks substance=pair n=1 needed=2"},
		{"both that are needed", []Peak{peak(1.30, 10, 3), peak(1.40, 10, 3)}, 1000, "pair", ""},
		{"a tenth of the reactant ions", []Peak{peak(1.60, 10, 3)}, 1000, "share", ""},
		{"less than a tenth", []Peak{peak(1.60, 10, 3)}, 1001, "",
			"share=0.0999 needed=0.1000"},
		{"reactant ions not known", []Peak{peak(1.60, 10, 3)}, 0, "", "verdict.no-reference"},
		{"the reactant ions themselves", []Peak{role}, 1000, "", ""},
		{"a peak without mobility", []Peak{peak(0, 10, 3)}, 1000, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := rules().Decide(Positive, c.peaks, c.reactant)
			var found []string
			for _, f := range d.Found {
				if f.Instead != "" {
					f.Substance += "<" + f.Instead
				}
				found = append(found, f.Substance)
			}
			if got := strings.Join(found, " "); got != c.found || d.Alarm != (c.found != "") {
				t.Errorf("found %q, alarm %v", got, d.Alarm)
			}
			if c.reason != "" && !strings.Contains(d.Words(), c.reason) {
				t.Errorf("%q does not say %q", d.Words(), c.reason)
			}
		})
	}
}

// TestDecideProperties: a find has its number of peaks, each in its window and over its contrast; more contrast never
// takes an alarm back; the order of the peaks does not matter.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lib := rules()
		peaks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Peak {
			return peak(rapid.Float64Range(1, 1.7).Draw(t, "k0"), rapid.Float64Range(0, 20).Draw(t, "contrast"),
				rapid.IntRange(0, 4).Draw(t, "scans"))
		}), 0, 12).Draw(t, "peaks")
		reactant := rapid.SampledFrom([]float64{0, 500, 2000}).Draw(t, "reactant")
		d := lib.Decide(Positive, slices.Clone(peaks), reactant)
		for _, f := range d.Found {
			s := lib.Substances[slices.IndexFunc(lib.Substances, func(s Substance) bool {
				return s.Name == f.Substance
			})]
			if len(f.Ions) < s.Require || s.Polarity != "positive" {
				t.Fatalf("%s by %d peaks", f.Substance, len(f.Ions))
			}
			for _, ion := range f.Ions {
				if p := peaks[ion.Peak]; math.Abs(p.K0-ion.K0) > 0.02 || p.Contrast < 6 {
					t.Fatalf("%s by the peak %+v", f.Substance, p)
				}
			}
		}
		stronger := slices.Clone(peaks)
		for i := range stronger {
			stronger[i].Contrast *= 2
		}
		reversed := slices.Clone(peaks)
		slices.Reverse(reversed)
		if d.Alarm && !lib.Decide(Positive, reversed, reactant).Alarm {
			t.Fatal("in another order there is no alarm")
		}
		if slices.ContainsFunc(peaks, func(p Peak) bool { return p.Scans == 1 }) {
			return // the stronger peak of a window may stand in fewer scans
		}
		if d.Alarm && !lib.Decide(Positive, stronger, reactant).Alarm {
			t.Fatal("with twice the contrast there is no alarm")
		}
	})
}

func TestLibraryCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *Library)
		err    string
	}{
		{"sound", func(*Library) {}, ""},
		{"no substances", func(l *Library) { l.Substances = nil }, "no substances"},
		{"a substance twice", func(l *Library) { l.Substances[1].Name = "left" }, "substance left is given twice"},
		{"two calibrants of a polarity", func(l *Library) {
			l.Calibrants = []Calibrant{{Polarity: "positive"}, {Polarity: "positive"}}
		}, "two calibrants of positive polarity"},
		{"a calibrant of each", func(l *Library) {
			l.Calibrants = []Calibrant{{Polarity: "positive"}, {Polarity: "negative"}}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := rules()
			c.change(l)
			if err := l.Check(); (err == nil) != (c.err == "") || err != nil && !strings.Contains(message.Of(err).English(), c.err) {
				t.Error(err)
			}
		})
	}
	if err := (Substance{Name: "x", Require: 2, Peaks: make([]Ion, 1)}).Check(); err == nil ||
		!strings.Contains(message.Of(err).English(), "require is 2, and x has 1 peak") {
		t.Error(err)
	}
}

// TestDriftTimeOfMobility: K0 and DriftMs are each other's inverse, and ions of higher mobility arrive earlier.
func TestDriftTimeOfMobility(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cell{
			LengthCm:     rapid.Float64Range(1, 30).Draw(t, "cm"),
			FieldVPerCm:  rapid.Float64Range(50, 1000).Draw(t, "V/cm"),
			TemperatureK: rapid.SampledFrom([]float64{0, 273.15, 350, 500}).Draw(t, "K"),
			PressureTorr: rapid.SampledFrom([]float64{0, 600, 760}).Draw(t, "Torr"),
			DelayMs:      rapid.Float64Range(0, 0.5).Draw(t, "delay"),
		}
		k0 := rapid.Float64Range(0.3, 4).Draw(t, "K0")
		if back := c.K0(c.DriftMs(k0)); math.Abs(back-k0) > 1e-9*k0 {
			t.Fatalf("%v became %v", k0, back)
		}
		if c.DriftMs(k0*1.01) >= c.DriftMs(k0) {
			t.Fatal("the faster ion arrives later")
		}
	})
	for name, c := range map[string]Cell{"length": {FieldVPerCm: 200}, "field": {LengthCm: 7}} {
		if c.K0(10) != 0 || c.DriftMs(1.5) != 0 {
			t.Errorf("a mobility without %s", name)
		}
	}
}

// TestCentroid: the centroid of a Gaussian is exact wherever it lies between two ordinates, and its half width is that
// by which it was drawn.
func TestCentroid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, fwhm := rapid.Float64Range(80, 120).Draw(t, "at"), rapid.Float64Range(6, 30).Draw(t, "fwhm")
		height := rapid.Float64Range(1, 1e6).Draw(t, "height")
		y := make([]float64, 200)
		for i := range y {
			y[i] = height * math.Exp(-4*math.Ln2*math.Pow((float64(i)-at)/fwhm, 2))
		}
		top := int(math.Round(at))
		if got := centroid(y, top, fwhm); math.Abs(got-at) > 1e-3 {
			t.Fatalf("a peak at %v is found at %v", at, got)
		}
		if left, right := halfHeight(y, top, height/2); math.Abs(right-left-fwhm) > 0.02*fwhm {
			t.Fatalf("a peak of width %v has %v", fwhm, right-left)
		}
	})
}
