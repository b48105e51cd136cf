package main

import (
	"fmt"
	"strconv"
	"strings"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/kinds"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
)

// Columns of the table of terms, which fits into 100 columns.
const (
	termIndent = "    "
	termWidth  = 68 // characters of a term's words
)

// printExplanation prints, for each reading of a passage and each that may be its own, where it
// belongs and what speaks for that and for the runner-up. A score is the natural logarithm of a
// likelihood ratio: a difference of 1 makes a vehicle 2.7 times likelier (docs/association.md).
// names holds what the vehicles of passages are called.
func printExplanation(p cli.Printer, d api.PassageDetail, names map[string]string) error {
	passage := &observation.PassageClosed{}
	if err := observation.FromJSON(d.Passage, passage); err != nil {
		return err
	}
	passageHead(p, passage)
	p.Say("lanectl.explain-scores", message.String("zone", zoneOf(passage)))
	said := map[int64]bool{}
	for _, a := range d.Assignments {
		r := &observation.PassageReading{}
		if err := observation.FromJSON(a.Reading, r); err != nil {
			return err
		}
		said[r.Idx] = true
		printAssignment(p, passage.Id, a, r, names)
	}
	// The agent searches a bounded part of the journal for terms, so some readings may have none.
	for _, r := range append(passage.Readings, passage.Possible...) {
		if !said[r.Idx] {
			fmt.Fprintf(p.Writer, "\n%s\n%s%s\n", readingHead(p, r), termIndent, p.Phrase("lanectl.explain-nothing"))
		}
	}
	return nil
}

// readingHead returns the line above a reading's terms: its time, device, kind and row.
func readingHead(p cli.Printer, r *observation.PassageReading) string {
	return p.Phrase("lanectl.explain-reading", message.String("time", timeOfDay(r.TimeNs)),
		message.String("device", r.Device), message.Nested("reading", readingWords(r)),
		message.String("row", strconv.FormatInt(r.Idx, 10)))
}

// printAssignment prints one reading. this is the passage that is explained: where the reading may
// be its own but was given to another, that other one is named first, and its scores stand first.
func printAssignment(
	p cli.Printer, this string, a api.Assignment, r *observation.PassageReading, names map[string]string,
) {
	first, second := place(p, a.Passage, this, names), ""
	if r.Other != "" || r.OtherConfidence > 0 {
		second = place(p, r.Other, this, names)
	}
	fmt.Fprintf(p.Writer, "\n%s\n  → %s %s", readingHead(p, r), first, percent(p, r.Confidence))
	if second != "" {
		fmt.Fprintf(p.Writer, ", %s", p.Phrase("lanectl.or", message.String("other", second),
			message.String("share", percent(p, r.OtherConfidence))))
	}
	fmt.Fprintln(p.Writer)
	if len(r.Terms) == 0 {
		for _, line := range wrap(reasonOf(p, r), termWidth) {
			fmt.Fprintf(p.Writer, "%s%s\n", termIndent, line)
		}
		return
	}
	printTerms(p, r.Terms)
}

// place names a passage as seen from the one that is explained; "" is no vehicle of the lane.
func place(p cli.Printer, id, this string, names map[string]string) string {
	switch id {
	case this:
		return p.Phrase("lanectl.this-passage")
	case "":
		return p.Phrase("kinds.candidates.no-vehicle-this-lane")
	}
	return vehicleName(p, id, names)
}

// printTerms prints a table: words, the score of where the reading was given, that of the other
// candidate. Where a person or a scan decides there are no scores, and where nobody else was near
// there is no other column.
func printTerms(p cli.Printer, terms []*observation.PassageTerm) {
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
		fmt.Fprintln(p.Writer, strings.TrimRight(fmt.Sprintf("%s%s%s %8s %8s", termIndent, words, pad, score, other), " "))
	}
	if scored > 0 {
		line("", "→", p.Phrase("lanectl.explain-or"))
	}
	for _, t := range terms {
		lines := wrap(said(p, kinds.PassageTerm(t)), termWidth)
		for _, words := range lines[:len(lines)-1] {
			line(words, "", "")
		}
		last := lines[len(lines)-1]
		if t.Score == 0 && t.OtherScore == 0 {
			line(last, "", "")
			continue
		}
		line(last, score(p, float64(t.Score)), score(p, float64(t.OtherScore)))
	}
	if scored > 1 {
		line(p.Phrase("lanectl.explain-sum"), score(p, sum), score(p, otherSum))
	}
}

// score formats a logarithm with its sign, a minus that is as wide as the plus, and the language's
// decimal mark. What rounds to zero has a plus.
func score(p cli.Printer, v float64) string {
	text := fmt.Sprintf("%+.1f", v)
	if text == "-0.0" {
		text = "+0.0"
	}
	if p.Language == message.French {
		text = strings.Replace(text, ".", ",", 1)
	}
	return strings.Replace(text, "-", "−", 1)
}

// wrap breaks a text at spaces into lines of at most width characters; a longer word stays whole.
// There is always one line.
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
