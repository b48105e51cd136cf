package peers

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Table is a comparison.
type Table struct {
	N, Killed int
	Outage    time.Duration
	Rows      []Row
}

// Row is what one kind of peer did.
type Row struct {
	Kind    Kind
	Missing error     // why it did not run; nil when it did
	Result  *Result   // undisturbed
	Killed  []*Result // with each of its parts killed, in the order of Result.Parts
}

// Print writes the tables, as docs/performance.md keeps them.
func (t Table) Print(w io.Writer) error {
	fmt.Fprintf(w, "N = %d: observations that waited at the lane in an outage of %s or more.\n\n", t.N, t.Outage)
	t.drains(w)
	fmt.Fprintf(w, "\nN = %d: a part killed (kill -9) when a third had arrived, and started again %s later.\n\n",
		t.Killed, restartAfter)
	t.kills(w)
	fmt.Fprintln(w)
	for _, row := range t.Rows {
		if row.Missing != nil {
			fmt.Fprintf(w, "%s is skipped: %v\n", row.Kind.Name, row.Missing)
			continue
		}
		fmt.Fprintf(w, "%s:\n- %s\n", row.Kind.Name, strings.Join(row.Kind.Settings, "\n- "))
	}
	return t.wire(w)
}

// drains writes the table of the undisturbed runs.
func (t Table) drains(w io.Writer) {
	fmt.Fprintln(w, "| | begun after | whole after | observations/s once begun | of Lanewarden | bytes on the link, "+
		"an observation: up, down | disk at the lane, MB | memory at most, MB | processor time, µs an observation | "+
		"lost | doubled |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, row := range t.Rows {
		r := row.Result
		if r == nil {
			continue
		}
		n := float64(r.N)
		fmt.Fprintf(w, "| %s | %.2f s | %.1f s | %.0f | %.3f | %.1f, %.2f | %.0f | %s | %s | %d | %d |\n", row.Kind.Name,
			r.Begun.Seconds(), r.Whole.Seconds(), r.Rate(), r.Rate()/t.Rows[0].rate(), float64(r.Up)/n, float64(r.Down)/n,
			float64(r.Disk)/1e6, r.memory(), r.processor(), r.Lost, r.Doubled)
	}
}

// rate is that of the undisturbed run, 0 for none.
func (row Row) rate() float64 {
	if row.Result == nil {
		return 0
	}
	return row.Result.Rate()
}

// memory says what each part needed.
func (r *Result) memory() string {
	var all []string
	for _, p := range r.Parts {
		all = append(all, fmt.Sprintf("%s %.0f", p.Name, float64(p.Memory)/1e6))
	}
	return strings.Join(all, ", ")
}

// processor says what processor time each part took for an observation.
func (r *Result) processor() string {
	var all []string
	for _, p := range r.Parts {
		all = append(all, fmt.Sprintf("%s %.1f", p.Name, float64(p.Processor.Nanoseconds())/1e3/float64(r.N)))
	}
	return strings.Join(all, ", ")
}

// kills writes the table of the runs with a part killed.
func (t Table) kills(w io.Writer) {
	fmt.Fprintln(w, "| | killed | lost | doubled | whole after |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, row := range t.Rows {
		for part, r := range row.Killed {
			fmt.Fprintf(w, "| %s | %s | %d | %d | %.1f s |\n", row.Kind.Name, r.Parts[part].Name, r.Lost, r.Doubled,
				r.Whole.Seconds())
		}
	}
}

// wire writes what the observations are as JSON, beside what ours are on the link.
func (t Table) wire(w io.Writer) error {
	text, err := jsonBytes()
	if err != nil || len(t.Rows) == 0 || t.Rows[0].Result == nil {
		return err
	}
	r := t.Rows[0].Result
	ours := float64(r.Up) / float64(r.N)
	_, err = fmt.Fprintf(w, "As JSON an observation has %.0f bytes; on the link %.1f with %s, 1/%.1f of that.\n", text, ours,
		t.Rows[0].Kind.Name, text/ours)
	return err
}
