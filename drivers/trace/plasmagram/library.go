package plasmagram

import (
	"math"
	"slices"
	"strings"

	"lanewarden/drivers/observation/coded"
)

// Library defines which peaks stand for which substance. It is data: firmware-config/substances, or an agency's own
// file.
type Library struct {
	Name       string      `yaml:"name" required:"true" format:"id"`
	Title      string      `yaml:"title" required:"true"`
	Version    string      `yaml:"version" required:"true" example:"2026-11"`
	Notice     string      `yaml:"notice"`
	Calibrants []Calibrant `yaml:"calibrants"`
	Substances []Substance `yaml:"substances" required:"true"`
}

// Calibrant is an ion of known mobility.
type Calibrant struct {
	Name     string  `yaml:"name" required:"true"`
	Polarity string  `yaml:"polarity" required:"true" enum:"positive,negative"`
	K0       float64 `yaml:"k0" required:"true" min:"0.3" max:"4" unit:"cm2/(V s)"`
	Source   string  `yaml:"source" required:"true"`
}

// Substance is one thing that is looked for.
type Substance struct {
	Name     string `yaml:"name" required:"true"`
	Category string `yaml:"category" required:"true" enum:"narcotic,explosive,precursor,medicine,simulant"`
	Polarity string `yaml:"polarity" required:"true" enum:"positive,negative"`
	Require  int    `yaml:"require" default:"1" min:"1" max:"8" unit:"peaks"`
	MinScans int    `yaml:"min_scans" default:"2" min:"1" max:"1000" unit:"scans"`
	Peaks    []Ion  `yaml:"peaks" required:"true"`
}

// Ion is one peak of a substance: reduced mobility and half width of its window in cm2/(V s), least contrast, and least
// amplitude as a share of the reactant ions' (0 for none).
type Ion struct {
	Adduct    string  `yaml:"adduct" required:"true"`
	K0        float64 `yaml:"k0" required:"true" min:"0.3" max:"4" unit:"cm2/(V s)"`
	Window    float64 `yaml:"window" default:"0.02" min:"0.001" max:"0.2" unit:"cm2/(V s)"`
	MinSNR    float64 `yaml:"min_snr" default:"6" min:"3" max:"1000"`
	Threshold float64 `yaml:"threshold" default:"0" min:"0" max:"10"`
	Source    string  `yaml:"source" required:"true"`
}

// Check implements driver.Checker: a rule cannot require more peaks than the substance has.
func (s Substance) Check() error {
	if s.Require > len(s.Peaks) {
		return coded.New("substances.require", coded.Value("require", s.Require), coded.Value("substance", s.Name),
			coded.Value("n", len(s.Peaks)))
	}
	return nil
}

// Check implements driver.Checker: names are unique, and a polarity has one calibrant at most, for one peak can be only
// one of two.
func (l Library) Check() error {
	seen := map[string]bool{}
	for _, c := range l.Calibrants {
		if seen[c.Polarity] {
			return coded.New("substances.two-calibrants", coded.Value("polarity", c.Polarity))
		}
		seen[c.Polarity] = true
	}
	names := map[string]bool{}
	for _, s := range l.Substances {
		if names[s.Name] {
			return coded.New("substances.twice", coded.Value("name", s.Name))
		}
		names[s.Name] = true
	}
	if len(l.Substances) == 0 {
		return coded.New("substances.none")
	}
	return nil
}

// calibrant returns the calibrant of a polarity.
func (l *Library) calibrant(p Polarity) (Calibrant, bool) {
	for _, c := range l.Calibrants {
		if Polarity(c.Polarity) == p {
			return c, true
		}
	}
	return Calibrant{}, false
}

// Decision describes what peaks mean, and why.
type Decision struct {
	Alarm   bool
	Invalid bool // no verdict: the instrument could not have seen anything
	Found   []Find
	Reasons []*coded.Message // for an officer: the finds first, then what was near
}

// Find is a substance whose rule holds.
type Find struct {
	Substance, Category string
	Ions                []FoundIon
	// Instead is the find that explains the same peak better, "" for none: the peak lies in the windows of both.
	Instead string
}

// FoundIon is one peak of a find.
type FoundIon struct {
	Adduct string
	K0     float64 // the library's
	Peak   int     // index of the peak
}

// candidate is an ion of the library in whose window a peak lies.
type candidate struct {
	substance, ion int
	distance       float64 // from k0, in windows
}

// Decide holds peaks against the rules. reactant is the reactant ion peak's amplitude, 0 when it is not known:
// thresholds that are shares of it then hold for no peak. It sets Peak.Substance.
func (l *Library) Decide(polarity Polarity, peaks []Peak, reactant float64) Decision {
	in := make([][]candidate, len(peaks))
	for i, p := range peaks {
		in[i] = l.candidates(polarity, p)
	}
	var d Decision
	var near []*coded.Message
	for si, s := range l.Substances {
		if Polarity(s.Polarity) != polarity {
			continue
		}
		find := Find{Substance: s.Name, Category: s.Category}
		var met []*coded.Message
		for ii, ion := range s.Peaks {
			pi := strongest(peaks, in, si, ii)
			if pi < 0 {
				continue
			}
			p := peaks[pi]
			if short, is := s.shortReason(ion, p, reactant); is {
				near = append(near, short)
				continue
			}
			met = append(met, s.foundReason(ion, p))
			find.Ions = append(find.Ions, FoundIon{Adduct: ion.Adduct, K0: ion.K0, Peak: pi})
		}
		switch {
		case len(find.Ions) >= s.Require:
			d.Found = append(d.Found, find)
			d.Reasons = append(d.Reasons, met...)
		case len(find.Ions) > 0:
			near = append(near, coded.New("verdict.few-peaks", coded.Value("substance", s.Name), coded.Value("n", len(find.Ions)),
				coded.Value("needed", s.Require)))
		}
	}
	d.Alarm = len(d.Found) > 0
	d.attribute(l, peaks, in)
	d.Reasons = append(d.Reasons, near...)
	return d
}

// attribute gives every peak to the found substance whose ion is nearest. Finds without a peak of their own are told
// as what they are: the same peak, less near.
func (d *Decision) attribute(l *Library, peaks []Peak, in [][]candidate) {
	found := map[string]bool{}
	for _, f := range d.Found {
		found[f.Substance] = true
	}
	for i := range peaks {
		for _, c := range in[i] {
			if name := l.Substances[c.substance].Name; found[name] {
				peaks[i].Substance = name
				break
			}
		}
	}
	for i := range d.Found {
		f := &d.Found[i]
		for _, ion := range f.Ions {
			if f.Instead = peaks[ion.Peak].Substance; f.Instead == f.Substance {
				f.Instead = ""
				break
			}
		}
		if f.Instead != "" {
			d.Reasons = append(d.Reasons, coded.New("verdict.shared", coded.Value("substance", f.Substance),
				coded.Value("instead", f.Instead)))
		}
	}
	slices.SortStableFunc(d.Found, func(a, b Find) int { // the likelier ones first
		switch {
		case a.Instead == "" && b.Instead != "":
			return -1
		case a.Instead != "" && b.Instead == "":
			return 1
		}
		return 0
	})
}

// candidates lists the ions in whose windows a peak lies, the nearest first.
func (l *Library) candidates(polarity Polarity, p Peak) (out []candidate) {
	if p.Role != "" || p.K0 == 0 {
		return nil
	}
	for si, s := range l.Substances {
		if Polarity(s.Polarity) != polarity {
			continue
		}
		for ii, ion := range s.Peaks {
			if d := math.Abs(p.K0-ion.K0) / ion.Window; d <= 1 {
				c := candidate{si, ii, d}
				at := len(out)
				for at > 0 && out[at-1].distance > d {
					at--
				}
				out = append(out[:at], append([]candidate{c}, out[at:]...)...)
			}
		}
	}
	return out
}

// strongest returns the peak of the highest contrast in an ion's window, -1 for none.
func strongest(peaks []Peak, in [][]candidate, substance, ion int) int {
	at := -1
	for i := range peaks {
		for _, c := range in[i] {
			if c.substance == substance && c.ion == ion && (at < 0 || peaks[i].Contrast > peaks[at].Contrast) {
				at = i
			}
		}
	}
	return at
}

// Words joins the reasons' codes and arguments, for logs and tests.
func (d Decision) Words() string {
	words := make([]string, len(d.Reasons))
	for i, r := range d.Reasons {
		words[i] = r.Error()
	}
	return strings.Join(words, "; ")
}
