package kinds

// Text is a sentence in the languages of the pages. Numbers are written as each language writes them, with no-break
// spaces before units.
type Text struct {
	EN string `json:"en"`
	FR string `json:"fr"`
	// Words is what a device, a driver or a person said beside it, in their own words; empty for none. The pages
	// translate what they know of it.
	Words string `json:"words,omitempty"`
}

// English returns the sentence and the words that belong to it, for a terminal.
func (t Text) English() string {
	switch {
	case t.Words == "":
		return t.EN
	case t.EN == "":
		return t.Words
	}
	return t.EN + ": " + t.Words
}
