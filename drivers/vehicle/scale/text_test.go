package scale

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
)

// said in words, for tables.
func (s said) String() string {
	var out []string
	for i, name := range []string{"stable", "motion", "overload", "underload", "invalid", "gross", "net", "tare"} {
		if s>>i&1 != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func (r reading) String() string {
	out := r.dialect
	if r.weighed {
		out += fmt.Sprintf(" %g", r.kg)
	}
	if r.tareKnown {
		out += fmt.Sprintf(" (tare %g)", r.tareKg)
	}
	return strings.TrimSpace(out + " " + r.said.String())
}

// TestLines has lines as the makers' manuals give them, with the dialect found out.
func TestLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"S S      42100 kg", "sics 42100 stable"},
		{"S D      42120 kg", "sics 42120 motion"},
		{"S S    -  0.0409kg", "sics -0.041 stable"},
		{"S S     42.10 t", "sics 42100 stable"},
		{"S S     92814 lb", "sics 42099.722 stable"},
		{"S I", "sics"},
		{"S +", "sics overload"},
		{"S -", "sics underload"},
		{"SIR D 120 kg", "sics 120 motion"},
		{"TA A     7000 kg", "sics 7000 tare"},

		{" 1G       42100kg ", "sma 42100 stable gross"},
		{" 1GM      42140kg ", "sma 42140 motion gross"},
		{" 1N       92814lb ", "sma 42099.722 stable net"},
		{" 1T        7000kg ", "sma 7000 stable tare"},
		{"Z1G        0.00t  ", "sma 0 stable gross"},
		{"O1G       99999kg ", "sma stable overload gross"},
		{"U1G      -99999kg ", "sma stable underload gross"},
		{"E1G  ----------kg ", "sma stable invalid gross"},

		{"ST,GS,+0042100kg", "st 42100 stable gross"},
		{"US,GS,+0042120kg", "st 42120 motion gross"},
		{"ST,NT,+  1.234kg", "st 1.234 stable net"},
		{"ST,NT,-  0.0409kg", "st -0.041 stable net"},
		{"OL,GS,+9999999kg", "st overload gross"},
		{"UL,GS,-9999999kg", "st underload gross"},
		{"ST,TR,  7000kg", "st 7000 stable tare"},
		{"ST,GS,   42,10, t", "st 42100 stable gross"},
		{"1,ST,GS,   42100,kg", "st 42100 stable gross"},
		{"1,ST,   35100,PT    7000,         0,kg", "st 35100 (tare 7000) stable net"},
		{"ST,GS,\x01,\x00,  42.10 t", "st 42100 stable gross"},
		{"US,NT,1,0, -0020 kg", "st -20 motion net"},
		{"ST,GS,  92814 lb", "st 42099.722 stable gross"},

		{"  42100KG ", "rice-lake 42100 stable gross"},
		{"  92814LGM", "rice-lake 42099.722 motion gross"},
		{"-     20KN", "rice-lake -20 stable net"},
		{"  99999KGO", "rice-lake overload gross"},
		{"   42.10TGZ", "rice-lake 42100 stable gross"},

		{"+042100  kg g  ", "cardinal 42100 stable gross"},
		{"+042120m kg g  ", "cardinal 42120 motion gross"},
		{"+092814  lb n  ", "cardinal 42099.722 stable net"},
		{"+999999o kg g", "cardinal overload gross"},

		{" G+042100 kg", "avery 42100 gross"},
		{" n-000020 kg", "avery -20 net"},
		{" G+021.05 tn", "avery 19096.239 gross"},

		{"\x02   42100GS  ", "rinstrum 42100 stable gross"},
		{"\x02   42100GM  ", "rinstrum 42100 motion gross"},
		{"\x02   99999GSO ", "rinstrum stable overload gross"},

		{"\x0200.84", "toledo-8217 0.84 gross"},
		{"\x0200.84N", "toledo-8217 0.84 net"},
		{"\x02?\x41", "toledo-8217 motion"},
		{"\x02?\x42", "toledo-8217 overload"},
		{"\x02?\x44", "toledo-8217 underload"},

		{"   42100 kg", "generic 42100"},
		{"GROSS   42100 kg  STABLE", "generic 42100 stable gross"},
		{"42 100 kg", "fault"},
		{"Net: 42,1 t ~", "generic 42100 motion net"},
		{"No. 17 12:30  42100 kg G", "generic 42100 gross"},
		{"TARE 7000 kg", "generic 7000 tare"},
		{"OVERLOAD", "generic overload"},
		{"S S 12 pcs", "fault"},
		{"ES", "fault"},
		{"  42100", "fault"},
		{"2026-11-28 12:30:00", "fault"},
		{"HTTP/1.1 400 Bad Request", "fault"},

		{"GROSS 24460 kg TARE 9100 kg NET 15360 kg", "generic 24460 (tare 9100) gross"},
		{"B  24460 kg  T  9100 kg  N  15360 kg", "generic 24460 (tare 9100) gross"},
		{"N 15360kg T 9100kg B 24460kg ST", "generic 24460 (tare 9100) stable gross"},
		{"24460 kg G  9100 kg PT  15360 kg N", "generic 24460 (tare 9100) gross"},
		{"G/T/N 24460 9100 15360 kg", "generic 24460 (tare 9100) gross"},
		{"24,46 t G 9,10 t T 15,36 t N", "generic 24460 (tare 9100) gross"},
		{"BRUTTO: 24,46 t TARA: 9,10 t NETTO: 15,36 t", "generic 24460 (tare 9100) gross"},
		{"G 20000 lb N 15000 lb", "generic 9071.847 (tare 2267.961) gross"},
		{"NETTO 15360 kg TARA 9100 kg", "generic 15360 (tare 9100) net"},
		{"ST,GS,+24460kg,T 9100kg", "generic 24460 (tare 9100) stable gross"},
		{"2026-11-28 10:31 No. 7 GROSS 24460 kg TARE 9100 kg", "generic 24460 (tare 9100) gross"},
		{"<0000281126103100   7   24460    9100   15360kg  1   54321>", "generic 24460 (tare 9100) stable gross"},
		{"<0010281126103100   7   24460       0   24460kg  1   54321>", "generic 24460 (tare 0) motion gross"},
		{"<1200281126103100   7   99999       0   99999kg  1   54321>", "generic overload"},
		{"<0000281126103100   7   24460    9100   24460kg  1   54321>", "fault"},
		{"GROSS 24460 kg TARE 9100 kg NET 24460 kg", "fault"},
		{"GROSS 24460 kg 9100 kg 15360 kg", "fault"},
		{"24460 kg 9100 kg", "fault"},
		{"G 24460 T 9100 N 15360", "fault"},
		{"GROSS 24460  9100 kg", "fault"},
	} {
		d := testDecoder(config(""))
		r, err := d.decodeText([]byte(c.line))
		got := "fault"
		if err == nil && r != nil {
			got = r.String()
		}
		if got != c.want {
			t.Errorf("%q is %s, want %s (%v)", c.line, got, c.want, err)
		}
	}
}

// TestSettings has lines that mean something only by the settings.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		set        Config
		line, want string
	}{
		{Config{Unit: "kg"}, "  42100", "generic 42100"},
		{Config{Unit: "lb"}, "92814", "generic 42099.722"},
		{Config{Dialect: "generic"}, "  42100", "generic 42100"},
		{Config{Dialect: "sics"}, "ST,GS,+0042100kg", "fault"},
		{Config{Dialect: "mettler"}, "ST,GS,+0042100kg", "fault"},
		{Config{Ton: "short"}, "S S 10 t", "sics 9071.847 stable"},
		{Config{Ton: "metric"}, "S S 10 t", "sics 10000 stable"},
	} {
		d := testDecoder(&c.set)
		r, err := d.decodeText([]byte(c.line))
		got := "fault"
		if err == nil && r != nil {
			got = r.String()
		}
		if got != c.want {
			t.Errorf("%+v: %q is %s, want %s (%v)", c.set, c.line, got, c.want, err)
		}
	}
	for ask, want := range map[string]string{`SI\r\n`: "SI\r\n", `W`: "W", `\x05`: "\x05", `\nW\r`: "\nW\r",
		`say "W"`: `say "W"`} {
		if got, err := (Config{Ask: ask}).question(); err != nil || string(got) != want {
			t.Errorf("ask %s is %q, %v", ask, got, err)
		}
	}
	if err := (Config{Ask: `\q`}).Check(); err == nil || !strings.Contains(err.Error(), "ask") {
		t.Errorf("%v", err)
	}
}

// play feeds lines, 300 ms apart, and then silence for some time; it returns what the driver said in words.
func play(d *decoder, silence time.Duration, input ...string) (out []string) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	note := func(all []*observation.Observation) {
		for _, o := range all {
			switch b := o.Body.Typed().(type) {
			case *observation.VehicleWeight:
				text := fmt.Sprintf("%g kg", b.Kg)
				for i, on := range []bool{b.Net, b.Overload, b.Unstable} {
					if on {
						text += []string{" net", " overload", " unstable"}[i]
					}
				}
				if b.GrossKg != nil && b.Net {
					text += fmt.Sprintf(" (gross %g)", *b.GrossKg)
				}
				out = append(out, text)
			case *observation.DeviceCondition:
				out = append(out, fmt.Sprintf("%s %v", b.Condition, !b.Cleared))
			}
		}
	}
	for _, line := range input {
		at = at.Add(300 * time.Millisecond)
		note(d.Feed(at, []byte(line)))
	}
	for end := at.Add(silence); at.Before(end); {
		at = at.Add(500 * time.Millisecond)
		note(d.Feed(at, nil))
	}
	note(d.Break(at))
	return out
}

func repeat(n int, lines ...string) (out []string) {
	for range n {
		out = append(out, lines...)
	}
	return out
}

// TestPlatform is what becomes of lines: one weight of each vehicle.
func TestPlatform(t *testing.T) {
	for _, c := range []struct {
		name    string
		limit   float64
		silence time.Duration
		input   []string
		want    string
	}{
		{"at rest by the scale's word", 0, 0, []string{"S S 42100 kg\r\n", "S D 42120 kg\r\n", "S I\r\n",
			"S S  42.1 t\r\n"}, "42100 kg"},
		{"at rest by repetition", 0, 0, repeat(7, "42100 kg\r\n"), "42100 kg"},
		{"never at rest", 0, 0, []string{"S D 41000 kg\r\n", "S D 42100 kg\r\n", "S D 100 kg\r\n"},
			"42100 kg unstable"},
		{"stopped with one axle on it", 0, 0, []string{"S S 7000 kg\r\n", "S D 42100 kg\r\n", "S S 0 kg\r\n"},
			"42100 kg unstable"},
		{"printed on demand", 0, 6 * time.Second, []string{"ST,GS,+0042100kg\r\n"}, "42100 kg"},
		{"two, printed on demand", 0, 0, append(append([]string{"ST,GS,+0042100kg\r\n"}, repeat(120, "")...),
			"ST,GS,+0018000kg\r\n"), "42100 kg; 18000 kg"},
		{"gross over the limit", 40000, 0, repeat(7, "ST,GS,+0042100kg\r\n"), "42100 kg overload"},
		{"net, tare told", 40000, 0, append([]string{"ST,TR,+0007000kg\r\n"}, repeat(7, "ST,NT,+0035100kg\r\n")...),
			"35100 kg net overload (gross 42100)"},
		{"net, tare told, under the limit", 50000, 0, append([]string{"ST,TR,+0007000kg\r\n"}, repeat(7,
			"ST,NT,+0035100kg\r\n")...), "35100 kg net (gross 42100)"},
		{"net, tare not known", 30000, 0, repeat(7, "ST,NT,+0035100kg\r\n"), "tare-unknown true; 35100 kg net"},
		{"a tare is the vehicle's that it was told for", 0, 0, append(append([]string{"ST,TR,+0007000kg\r\n"},
			repeat(7, "ST,NT,+0035100kg\r\n")...), append(repeat(2, "ST,NT,-0007000kg\r\n"),
			repeat(7, "ST,NT,+0012000kg\r\n")...)...), "35100 kg net (gross 42100); 12000 kg net"},
		{"a tare told over an empty platform that is weighed gross", 0, 0, append([]string{"ST,TR,+0007000kg\r\n",
			"ST,GS,+0000000kg\r\n"}, repeat(7, "ST,NT,+0012000kg\r\n")...), "12000 kg net"},
		{"several weights in a line", 20000, 0, append(repeat(7, "G 24460 kg T 9100 kg N 15360 kg\r\n"),
			"G 0 kg T 0 kg N 0 kg\r\n"), "24460 kg overload"},
		{"net in continuous output", 40000, 0, repeat(7, string(Encode(Frame{Kg: 35100, TareKg: 7000, Net: true},
			false))), "35100 kg net overload (gross 42100)"},
		{"tared with the vehicle on it", 0, 0, append(repeat(7, string(Encode(Frame{Kg: 42100}, false))), repeat(3,
			string(Encode(Frame{TareKg: 42100, Net: true}, false)))...), "42100 kg"},
		{"more than the scale can weigh", 0, 0, []string{"US,GS,+0042100kg\r\n", "OL,GS,+9999999kg\r\n",
			"ST,GS,+0000000kg\r\n"},
			"overload true; overload false; 42100 kg overload unstable"},
		{"nothing but overload", 0, 0, []string{"OL,GS,+9999999kg\r\n", "ST,GS,+0000000kg\r\n"},
			"overload true; overload false"},
		{"cut anywhere", 0, 0, strings.SplitAfter("\x02  42100KG \r\n\x02  42100KG \r\n\x02      0KG \r\n", ""),
			"42100 kg"},
		{"STX and ETX", 0, 0, []string{"\x02ST,GS,+0042100kg\x03", "\x02ST,GS,+0000000kg\x03"}, "42100 kg"},
		{"LF first, CR last", 0, 0, []string{"\n 1G       42100kg \r", "\n 1G           0kg \r"}, "42100 kg"},
		{"CR first, ETX last", 0, 0, []string{"\r+042100  kg g  \x03", "\r+000000  kg g  \x03"}, "42100 kg"},
		{"parity in the eighth bit", 0, 0, []string{"\xd3\xd4,\xc7\xd3,+00421\xb00k\xe7\r\n"}, "42100 kg"},
		{"frames and lines in one", 0, 0, []string{string(Encode(Frame{Kg: 42100}, false)), "\x02  42100KG \r\n",
			string(Encode(Frame{}, true))}, "42100 kg"},
	} {
		conf := config("")
		conf.LimitKg = c.limit
		d := testDecoder(conf)
		got := strings.Join(play(d, c.silence, c.input...), "; ")
		if got != c.want || d.faults.Total != 0 {
			t.Errorf("%s: %s; want %s; %d faults", c.name, got, c.want, d.faults.Total)
		}
	}
}

// TestCases reads the inputs that were found to be read wrongly, where they are.
func TestCases(t *testing.T) {
	dir := "../../../../shared/findings/cases"
	for _, name := range []string{"scale-01.txt", "scale-03.txt"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skip("the cases are not here")
		}
		weights := 0
		for _, text := range play(testDecoder(config("")), 0, strings.SplitAfter(string(data), "\n")...) {
			if strings.Contains(text, "kg") {
				weights++
				if text != "18240 kg" {
					t.Errorf("%s: %s", name, text)
				}
			}
		}
		if weights != 1 {
			t.Errorf("%s: %d weights", name, weights)
		}
	}
}

// TestTextConforms runs the kit with lines of text.
func TestTextConforms(t *testing.T) {
	in := strings.Join(append(repeat(8, "ST,GS,+0042100kg\r\n"), repeat(2, "ST,GS,+0000000kg\r\n")...), "")
	drivertest.Stream{
		Spec: Spec, Settings: func(address string) any { return config(address) }, Input: []byte(in), Cut: 18*3 + 5,
		Normal: func(o *observation.Observation) {
			if w := o.Body.GetVehicleWeight(); w != nil {
				w.Seconds = 0
			}
		},
	}.Run(t)
}

func FuzzLine(f *testing.F) {
	for _, line := range []string{"S S 42100 kg\r\n", "\n 1GM      42140kg \r", "ST,GS,\x01,\x00,  42.10 t\r\n",
		"\x02  92814LGM\r", "\r+042120m kg g  \x03", " G+042100 kg\r\n", "\x02?\x41\r", "Net: 42,1 t ~\n"} {
		f.Add([]byte(line), "auto")
	}
	f.Fuzz(func(t *testing.T, data []byte, dialect string) {
		c := config("")
		c.Dialect = dialect
		whole, split := newDecoder(*c, &driver.Faults{}, func(driver.Sample) {}), testDecoder(c)
		whole.Feed(time.Unix(1, 0), data)
		for i := range data {
			split.Feed(time.Unix(1, 0), data[i:i+1])
		}
		if whole.Sound() != split.Sound() || whole.faults.Total != split.faults.Total {
			t.Errorf("whole: %d sound, %d faults; split: %d sound, %d faults", whole.Sound(), whole.faults.Total,
				split.Sound(), split.faults.Total)
		}
		if len(whole.buf) > maxLine {
			t.Errorf("%d bytes are kept", len(whole.buf))
		}
	})
}
