package kinds

import (
	"cmp"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Text is a sentence in the languages of the pages. Numbers are written as each language writes them, with no-break
// spaces before units.
type Text struct {
	EN string `json:"en"`
	FR string `json:"fr"`
	// Words holds the text of a device, a driver or a person beside the sentence, empty for none; in English where the
	// software said it, else in their own words.
	Words string `json:"words,omitempty"`
	// WordsFR is Words in French, empty for words that are of no language of ours.
	WordsFR string `json:"words_fr,omitempty"`
}

// saying returns the text with what was said beside it: m, or text where the row has none.
func (t Text) saying(m *observation.Message, text string) Text {
	t.Words = text
	if said := driver.DecodeMessage(m, text); !said.IsVerbatim() {
		t.WordsFR = said.In(message.French)
	}
	return t
}

// English returns the sentence and the words that belong to it, for a terminal.
func (t Text) English() string { return t.In(message.English) }

// In returns the sentence and the words that belong to it in a language, for a terminal.
func (t Text) In(l message.Language) string {
	sentence, words, colon := t.EN, t.Words, ": "
	if l == message.French {
		sentence, words, colon = t.FR, cmp.Or(t.WordsFR, t.Words), "\u00a0: "
	}
	if sentence == "" || words == "" {
		return sentence + words
	}
	return sentence + colon + words
}
