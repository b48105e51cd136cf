package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Table is the score by case, as Markdown.
func (s *Score) Table() string { return table("case", s.Cases, s.Total) }

// KindTable is the score by kind of device, as Markdown.
func (s *Score) KindTable() string { return table("device", s.Kinds, s.Total) }

func table(by string, rows map[string]*Tally, total Tally) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | readings | right | right or shown | wrong at 0.95 or more | per 10,000 "+
		"| alarms | right | right or shown | wrong at 0.95 or more | per 10,000 |\n", by)
	b.WriteString(strings.Repeat("|---", 11) + "|\n")
	line := func(name string, t Tally) {
		fmt.Fprintf(&b, "| %s%s%s |\n", name, t.Readings.cells(), t.Alarms.cells())
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		line(name, *rows[name])
	}
	line("**all**", total)
	return b.String()
}

func (c Count) cells() string {
	if c.All == 0 {
		return " | 0 | | | | "
	}
	return fmt.Sprintf(" | %d | %.2f %% | %.2f %% | %d | %.2f",
		c.All, 100*c.Share(), 100*c.ShownShare(), c.SureWrong, c.SureWrongPer10000())
}

// Report is everything about days: tables by case and by kind of device, calibration, passages and speed.
func (s *Score) Report() string {
	seconds := s.Took.Seconds()
	facts := fmt.Sprintf("%d passages of %d vehicles seen; passages with scans of two vehicles: %d, with weighings of two: %d; "+
		"readings without a decision: %d; %.2f s a day, %.0f observations/s\n",
		s.Passages, s.Vehicles, s.Mixed, s.Weighed, s.Undecided, seconds/float64(max(s.Days, 1)),
		float64(s.Total.Readings.All)/max(seconds, 1e-9))
	return strings.Join([]string{s.Table(), s.KindTable(), s.Calibration.Table(), facts}, "\n")
}
