package line

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/profile"
	"lanewarden/drivers/observation"
)

func ptr(v float64) *float64 { return &v }

// thermometer is a small instrument with everything.
func thermometer() *Profile {
	return &Profile{
		Name: "thermometer", Charset: "latin1", Framing: Framing{Start: "\x02", End: "\x03", MaxBytes: 64},
		Unmatched: "fault",
		Checksum:  &Checksum{Kind: "sum", Format: "hex", Separator: ","},
		Time:      Clock{Zone: "America/Montreal", Formats: []string{"DD-MON-YY hh:mm:ss.s"}},
		Messages: []Message{
			{Name: "temperature", Kind: "reading",
				Pattern: "T{channel:int} {celsius:float} °C {status:word} {at:time}", Fields: []profile.Field{
					{Name: "celsius", Unit: "degC", Factor: 0.1},
					{Name: "status", Factor: 1, Map: []profile.Word{
						{From: "N", To: "normal"}, {From: "F", To: "failed"}}},
				}, Alarm: []profile.Rule{{Field: "status", Is: []string{"failed"}}, {Field: "celsius", Above: ptr(60)}}},
			{Name: "survey", Kind: "reading", Pattern: "SURVEY {n:int}",
				Lines: []Line{{Name: "point", Pattern: "P {x:float} {y:float}"}}, End: "END {crc:hex}"},
			{Name: "list", Kind: "reading", Pattern: "LIST", Lines: []Line{{Name: "item", Pattern: "- {what}"}}},
		},
	}
}

func frame(p *Profile, text string) []byte {
	raw := []byte(strings.ReplaceAll(text, "°", "\xb0"))
	return append(append([]byte(p.Framing.Start), p.Checksum.Append(raw, p.Framing.Start)...), p.Framing.End...)
}

func frames(p *Profile, texts ...string) (out []byte) {
	for _, t := range texts {
		out = append(out, frame(p, t)...)
	}
	return out
}

func read(t testing.TB, p *Profile, input []byte) (readings []*Reading, faults []string) {
	r, err := NewReader(p)
	if err != nil {
		t.Fatal(err)
	}
	emit := func(e Event) {
		if !e.Fault.IsZero() {
			faults = append(faults, e.Fault.English())
		} else {
			readings = append(readings, e.Reading)
		}
	}
	for i := range input { // byte by byte: frames are split everywhere
		r.Feed(time.Unix(1, 0), input[i:i+1], emit)
	}
	r.Flush(time.Unix(1, 0), emit)
	return readings, faults
}

func TestReadings(t *testing.T) {
	p := thermometer()
	readings, faults := read(t, p, frames(p, "T1 +215 °C N 25-Nov-26 03:12:08.25", "T2 -- °C F 25-Nov-26 03:12:09",
		"T3 712 °C N 25-Nov-26 03:12:10", "SURVEY 2", "P 1 2", "P 3 4", "END 1F", "LIST", "- a",
		"- b", "T1 1 °C N 25-Nov-26 03:12:11"))
	if len(faults) != 0 || len(readings) != 6 {
		t.Fatalf("%d readings, faults %v", len(readings), faults)
	}
	c, _ := readings[0].Get("celsius")
	at, _ := readings[0].Get("at")
	if c.Number != 21.5 || c.Unit != "degC" || !at.Time.Equal(time.Date(2026, 11, 25, 8, 12, 8, 25e7, time.UTC)) ||
		!readings[0].Alarm.IsZero() {
		t.Errorf("%+v", readings[0])
	}
	if v, _ := readings[1].Get("celsius"); v.IsNum || readings[1].Alarm.English() != "status is failed" {
		t.Errorf("no value, and a failure: %+v", readings[1])
	}
	if readings[2].Alarm.English() != "celsius is 71.2 °C, above 60" {
		t.Errorf("%+v", readings[2])
	}
	if v, _ := readings[3].Get("crc"); len(readings[3].Rows) != 2 || v.Number != 31 || readings[3].Partial {
		t.Errorf("%+v", readings[3])
	}
	if len(readings[4].Rows) != 2 || readings[4].Rows[1].Values[0].Text != "b" {
		t.Errorf("%+v", readings[4])
	}
}

func TestFaults(t *testing.T) {
	p := thermometer()
	good := frame(p, "T1 +215 °C N 25-Nov-26 03:12:08")
	bad := func(edit func([]byte) []byte) []byte { return edit(append([]byte(nil), good...)) }
	for name, c := range map[string]struct {
		input    []byte
		want     string
		readings int
	}{
		"checksum":        {bad(func(b []byte) []byte { b[2]++; return b }), "checksum is", 0},
		"no hex":          {bad(func(b []byte) []byte { b[len(b)-2] = 'z'; return b }), "is not hexadecimal", 0},
		"unknown":         {frame(p, "HELLO"), `byte 0: line fits no message of profile thermometer: "HELLO"`, 0},
		"no start":        {good[1:], `does not begin with "\x02"`, 0},
		"cut, then sound": {append(append([]byte(nil), good[:9]...), good...), "bytes before", 1},
		"too long": {append(append([]byte("\x02"), strings.Repeat("x", 500)...),
			append([]byte("\x03"), good...)...), "longer than 64 bytes", 1},
		"time": {frame(p, "T1 +215 °C N 99-Nov-26 03:12:08"),
			"field at: \"99-Nov-26 03:12:08\" is no time", 0},
		"end lost": {frames(p, "SURVEY 1", "P 1 2", "T1 1 °C N 25-Nov-26 03:12:08"),
			"message survey broke off after 2 lines", 2},
		"within": {frames(p, "SURVEY 1", "Q 1 2", "END 00"), "fits nothing in message survey", 1},
		"short":  {[]byte("\x02a\x03"), "shorter than its checksum", 0},
	} {
		t.Run(name, func(t *testing.T) {
			readings, faults := read(t, p, c.input)
			if len(faults) == 0 || !strings.Contains(faults[0], c.want) || len(readings) != c.readings {
				t.Errorf("%d readings, faults %q; want %d, %q", len(readings), faults, c.readings, c.want)
			}
		})
	}
}

// Values of the check string "123456789" that everybody publishes.
func TestChecksums(t *testing.T) {
	for kind, want := range map[string]string{"xor": "31", "sum": "DD", "negated-sum": "23",
		"crc16-modbus": "4B37", "crc16-ccitt": "29B1"} {
		c := &Checksum{Kind: kind, Format: "hex"}
		got := c.Append([]byte("123456789"), "")
		if string(got) != "123456789"+want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		if back, err := c.strip(got, ""); err != nil || string(back) != "123456789" {
			t.Errorf("%s: %q %v", kind, back, err)
		}
		c.Format, c.Separator, c.WithStart, c.WithSep = "binary", "*", true, true
		if back, err := c.strip(c.Append([]byte("abc"), "\x02"), "\x02"); err != nil || string(back) != "abc" {
			t.Errorf("%s: %q %v", kind, back, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for text, want := range map[string]string{
		"{x": "'{' without '}'", "{X}": "is no field name", "{x:number}": "is not one of",
		"{x} {x}": "stands there twice", strings.Repeat("{*}", 3): "",
	} {
		if _, err := compilePattern(text); (err == nil) != (want == "") || err != nil &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	p, err := compilePattern("A{{b} {x:int}.{*}")
	if err != nil {
		t.Fatal(err)
	}
	if found := p.re.FindStringSubmatch("A{b}  -7.anything"); found == nil || found[1] != "-7" {
		t.Errorf("%v", found)
	}
}

func TestConforms(t *testing.T) {
	p := thermometer()
	input := frames(p, "T1 +215 °C N 25-Nov-26 03:12:08", "SURVEY 1", "P 1 2", "END 00",
		"T1 712 °C N 25-Nov-26 03:12:09")
	drivertest.Stream{
		Spec: Spec, Input: input, Cut: len(input) - 10, Normal: func(*observation.Observation) {},
		Settings: func(address string) any {
			c := &Config{Profile: driver.Ref[Profile]{Name: p.Name, Value: p}, SilentAfter: time.Minute}
			c.Link.Address = address
			return c
		},
	}.Run(t)
}

func FuzzReader(f *testing.F) {
	p := thermometer()
	f.Add(frames(p, "T1 +215 °C N 25-Nov-26 03:12:08.25", "SURVEY 2", "P 1 2", "END 1F", "LIST", "- a"), byte(3))
	f.Add([]byte("\x02\x02\x03,\x03"), byte(1))
	f.Fuzz(func(t *testing.T, input []byte, step byte) {
		r, err := NewReader(p)
		if err != nil {
			t.Fatal(err)
		}
		emit := func(e Event) {
			if e.Fault.IsZero() && e.Reading == nil || e.Offset < 0 || len(e.Frame) > faultExcerpt {
				t.Fatalf("event %+v", e)
			}
		}
		for rest := input; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			r.Feed(time.Unix(1, 0), rest[:n], emit)
			rest = rest[n:]
			if len(r.buf) > p.Framing.MaxBytes+n+8 {
				t.Fatalf("%d bytes are kept", len(r.buf))
			}
		}
		r.Flush(time.Unix(2, 0), emit)
		if !r.Idle() && !r.skip {
			t.Fatal("not idle after the end")
		}
	})
}

// FuzzPattern compiles whatever a profile's author writes.
func FuzzPattern(f *testing.F) {
	f.Add("A {x:int} {*}", "A 1 b")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 1000 {
			return
		}
		if p, err := compilePattern(pattern); err == nil {
			if found := p.re.FindStringSubmatch(text); found != nil && len(found) != len(p.fields)+1 {
				t.Fatalf("%d groups for %d fields", len(found)-1, len(p.fields))
			}
		}
	})
}

func ExampleReader() {
	r, _ := NewReader(thermometer())
	r.Feed(time.Unix(0, 0), frame(thermometer(), "SURVEY 3"), func(Event) {})
	r.Break(time.Unix(0, 0), func(e Event) { fmt.Println(e.Fault.English(), e.Reading != nil) })
	// Output:
	// byte 13: message survey broke off after 1 line false
	//  true
}
