package ledger

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest name, in bytes, that is looked up in the database: of a passage, a media type.
const maxText = 255

// storable reports whether a text can be kept as text in every database: it is UTF-8 without NUL, which PostgreSQL does not
// take. An agent that sends another one is hostile or broken.
func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

// asStorable returns what can be kept of a text.
func asStorable(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}
