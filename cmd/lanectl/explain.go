package main

import (
	"fmt"
	"io"
	"strings"

	"lanewarden/drivers/kinds"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// Columns of the table of terms: it is read at 100 columns.
const (
	termIndent = "    "
	termWidth  = 68 // characters of a term's words
)

// printExplanation prints, for each reading of a passage and each that may be its own, where it belongs and what
// speaks for that and for the runner-up. A score is the natural logarithm of a likelihood ratio: 1 makes a vehicle
// 2.7 times likelier.
func printExplanation(w io.Writer, d api.PassageDetail, names map[string]string) error {
	p := &observation.PassageClosed{}
	if err := observation.FromJSON(d.Passage, p); err != nil {
		return err
	}
	passageHead(w, p)
	fmt.Fprintf(w, "  times in %s; scores are natural logarithms of likelihoods, the larger the likelier\n", zoneOf(p))
	said := map[int64]bool{}
	for _, a := range d.Assignments {
		r := &observation.PassageReading{}
		if err := observation.FromJSON(a.Reading, r); err != nil {
			return err
		}
		said[r.Idx] = true
		printAssignment(w, p.Id, a, r, names)
	}
	for _, r := range append(p.Readings, p.Possible...) {
		if !said[r.Idx] {
			fmt.Fprintf(w, "\n%s\n%sthe journal's rows nearby do not say what this rests on\n",
				readingHead(r), termIndent)
		}
	}
	return nil
}

func readingHead(r *observation.PassageReading) string {
	return fmt.Sprintf("%s %s %s (row %d)", timeOfDay(r.TimeNs), r.Device, readingWords(r), r.Idx)
}

// printAssignment prints one reading. this is the passage that is explained: where the reading may be its own but was
// given to another, that other one is named first, and its scores stand first.
func printAssignment(
	w io.Writer, this string, a api.Assignment, r *observation.PassageReading, names map[string]string,
) {
	first, second := place(a.Passage, this, names), ""
	if r.Other != "" || r.OtherConfidence > 0 {
		second = place(r.Other, this, names)
	}
	fmt.Fprintf(w, "\n%s\n", readingHead(r))
	fmt.Fprintf(w, "  → %s %s", first, percent(r.Confidence))
	if second != "" {
		fmt.Fprintf(w, ", or %s %s", second, percent(r.OtherConfidence))
	}
	fmt.Fprintln(w)
	if len(r.Terms) == 0 {
		for _, line := range wrap(r.Reason, termWidth) {
			fmt.Fprintf(w, "%s%s\n", termIndent, line)
		}
		return
	}
	printTerms(w, r.Terms)
}

// place names a passage as seen from the one that is explained.
func place(id, this string, names map[string]string) string {
	switch id {
	case this:
		return "this passage"
	case "":
		return "no vehicle of this lane"
	}
	return vehicleName(id, names)
}

// printTerms prints a table: words, the score of where the reading was given, that of the other candidate. Where a
// person or a scan decides there are no scores, and where nobody else was near there is no other.
func printTerms(w io.Writer, terms []*observation.PassageTerm) {
	var sum, otherSum float64
	var scored, others int
	for _, t := range terms {
		sum, otherSum = sum+float64(t.Score), otherSum+float64(t.OtherScore)
		if t.Score != 0 || t.OtherScore != 0 {
			scored++
		}
		if t.OtherScore != 0 {
			others++
		}
	}
	line := func(words, score, other string) {
		if others == 0 {
			other = ""
		}
		pad := strings.Repeat(" ", max(0, termWidth-len([]rune(words))))
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s%s%s %8s %8s", termIndent, words, pad, score, other), " "))
	}
	if scored > 0 {
		line("", "→", "or")
	}
	for _, t := range terms {
		lines := wrap(terminal(kinds.PassageTerm(t)), termWidth)
		for _, words := range lines[:len(lines)-1] {
			line(words, "", "")
		}
		last := lines[len(lines)-1]
		if t.Score == 0 && t.OtherScore == 0 {
			line(last, "", "")
			continue
		}
		line(last, score(float64(t.Score)), score(float64(t.OtherScore)))
	}
	if scored > 1 {
		line("sum", score(sum), score(otherSum))
	}
}

// score writes a logarithm with its sign.
func score(v float64) string {
	text := fmt.Sprintf("%+.1f", v)
	if text == "-0.0" {
		text = "+0.0"
	}
	return strings.Replace(text, "-", "−", 1)
}

// wrap breaks a text at spaces into lines of so many characters; a longer word stays whole. There is always one line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
