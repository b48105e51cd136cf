package ionscan

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lanewarden/drivers/trace/jcampdx"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/transport"
)

// record is a block with one record, as labelled sees it.
func record(label, value string) labelled {
	return labelled{blocks: []*jcampdx.Block{{Records: []jcampdx.Record{{Label: label, Value: value}}}}}
}

// TestUnits: quantities come in the units of plasmagram.Cell, whatever unit stands behind the number; one that is not
// known makes the quantity unknown, for a wrong one would move every peak.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		name, label, value, quantity string
		units                        map[string]func(float64) float64
		want                         float64
	}{
		{"cm", ".DRIFT LENGTH", "7.0 cm", "length", lengthUnits, 7},
		{"mm", ".DRIFT LENGTH", "70 MM", "length", lengthUnits, 7},
		{"no unit is cm", ".DRIFT LENGTH", "7", "length", lengthUnits, 7},
		{"inches are not known", ".DRIFT LENGTH", "2.75 in", "length", lengthUnits, 0},
		{"kV/m", ".ELECTRIC FIELD", "20 kV/m", "field", fieldUnits, 200},
		{"Torr", ".PRESSURE", "760 Torr", "pressure", pressureUnits, 760},
		{"hPa", ".PRESSURE", "1013.25 hPa", "pressure", pressureUnits, 760},
		{"atmospheres", ".PRESSURE", "1 atm", "pressure", pressureUnits, 760},
		{"no unit, Torr", ".PRESSURE", "755", "pressure", pressureUnits, 755},
		{"no unit, too much for Torr", ".PRESSURE", "1013.25", "pressure", pressureUnits, 760},
		{"no unit, Celsius", ".DRIFT TEMPERATURE", "249", "temperature", temperatureUnits, 522.15},
		{"no unit, kelvin", ".DRIFT TEMPERATURE", "250", "temperature", temperatureUnits, 250},
		{"an exponent", ".DRIFT LENGTH", "7E0 cm", "length", lengthUnits, 7},
		{"infinity", ".DRIFT LENGTH", "1e999 cm", "length", lengthUnits, 0},
		{"no number", ".DRIFT LENGTH", "cm", "length", lengthUnits, 0},
		{"another record", ".WEIGHT", "7 cm", "length", lengthUnits, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := record(c.label, c.value).quantity(c.quantity, c.units); math.Abs(got-c.want) > 1e-3 {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]plasmagram.Polarity{"positive": "positive", "+": "positive", " Pos ": "positive",
		"ESI-": "negative", "NEGATIVE": "negative", "": "", "both": ""} {
		if got := polarity(text); got != want {
			t.Errorf("polarity %q is %q", text, got)
		}
	}
	for text, want := range map[string]string{"ALARM": "alarm", " Detected ": "alarm", "no alarm": "clear",
		"pass":   "clear",
		"passed": "passed", "FAIL": "failed", "": "", "maybe": ""} {
		if got := verdictOf(text); got != want {
			t.Errorf("verdict %q is %q", text, got)
		}
	}
	for text, want := range map[string]string{"Blank swab": "blank", "VERIFICATION": "verification", "": "analysis",
		"sample": "analysis"} {
		if got := sampleKind(text); got != want {
			t.Errorf("kind %q is %q", text, got)
		}
	}
}

func TestBlockTime(t *testing.T) {
	for _, c := range []struct{ name, long, date, time, want string }{
		{"5.01, with a zone", "2026/11/25 12:00:00.50 -0500", "", "", "2026-11-25T17:00:00.5Z"},
		{"5.01, without", "2026/11/25 12:00:00", "", "", "2026-11-25T12:00:00Z"},
		{"RFC 3339", "2026-11-25T12:00:00Z", "", "", "2026-11-25T12:00:00Z"},
		{"4.24", "", "26/11/25", "12:00:00", "2026-11-25T12:00:00Z"},
		{"the long one first", "2026/11/25 12:00:00", "26/01/01", "00:00:00", "2026-11-25T12:00:00Z"},
		{"a date without time", "", "26/11/25", "", "0001-01-01T00:00:00Z"},
		{"nonsense", "yesterday", "x", "y", "0001-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &jcampdx.Block{Records: []jcampdx.Record{{Label: "LONG DATE", Value: c.long},
				{Label: "DATE", Value: c.date}, {Label: "TIME", Value: c.time}}}
			got := blockTime(labelled{blocks: []*jcampdx.Block{b}})
			if got.Format(time.RFC3339Nano) != c.want {
				t.Error(got)
			}
		})
	}
}

// TestShiftOf: every moment is in a shift that began at most one shift's length before, at a whole number of shifts
// after the day's first one.
func TestShiftOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQuality(Quality{
			Shift:      time.Duration(rapid.SampledFrom([]int{4, 6, 8, 12, 24}).Draw(t, "hours")) * time.Hour,
			ShiftStart: time.Duration(rapid.IntRange(0, 23).Draw(t, "start")) * time.Hour,
		})
		at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "at"), 0).UTC()
		begin := q.shiftOf(at)
		if begin.After(at) || at.Sub(begin) >= q.Shift {
			t.Fatalf("%s is in the shift of %s", at, begin)
		}
		if first := begin.Truncate(24 * time.Hour).Add(q.ShiftStart); begin.Sub(first)%q.Shift != 0 {
			t.Fatalf("a shift begins at %s", begin)
		}
		if again := q.shiftOf(begin); !again.Equal(begin) {
			t.Fatalf("the shift of %s begins at %s", begin, again)
		}
	})
}

// TestClockAhead: a time in the future is taken as now, so that quality control does not wait for it.
func TestClockAhead(t *testing.T) {
	now := time.Now()
	if got := notFuture(now.Add(time.Hour)); got.After(time.Now()) {
		t.Errorf("%s is ahead", got)
	}
	if before := now.Add(-time.Hour); !notFuture(before).Equal(before) {
		t.Error("a time that was became another")
	}
}

// TestTicks: an axis has 2 to 20 round numbers, all between its ends and at even steps.
func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-1000, 1000).Draw(t, "low")
		high := low + rapid.Float64Range(1e-2, 1e5).Draw(t, "span")
		all := ticks(low, high)
		if len(all) < 2 || len(all) > 20 {
			t.Fatalf("%d marks from %v to %v", len(all), low, high)
		}
		for i, v := range all {
			if slack := 1e-9 * (high - low); v < low-slack || v > high+slack ||
				i > 1 && math.Abs((v-all[i-1])-(all[1]-all[0])) > slack {
				t.Fatalf("from %v to %v: %v", low, high, all)
			}
		}
	})
}

func TestConfigCheck(t *testing.T) {
	folder := &transport.Folder{Path: "/var/lib/drop"}
	for _, c := range []struct {
		name   string
		change func(c *Config)
		err    string
	}{
		{"a folder", func(c *Config) { c.Folder = folder }, ""},
		{"no way in", func(*Config) {}, "give folder, address or serial"},
		{"lines without a profile", func(c *Config) { c.Address = "192.0.2.9:4001" }, "lines need a profile"},
		{"lines with one", func(c *Config) { c.Address, c.Profile.Name = "192.0.2.9:4001", "p" }, ""},
		{"lines and a folder", func(c *Config) {
			c.Address, c.Profile.Name, c.Folder = "192.0.2.9:4001", "p", folder
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config Config
			c.change(&config)
			if err := config.Check(); (err == nil) != (c.err == "") || err != nil &&
				!strings.Contains(err.Error(), c.err) {
				t.Error(err)
			}
		})
	}
}

// TestShortHash: it is FNV-1a of 64 bits, which keys of the journal hold: it must not change.
func TestShortHash(t *testing.T) {
	for text, want := range map[string]string{"": "cbf29ce484222325", "a": "af63dc4c8601ec8c",
		"foobar": "85944171f73967e8"} {
		if got := shortHash([]byte(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
