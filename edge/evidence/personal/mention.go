package personal

import (
	"strings"
	"unicode"

	"lanewarden/drivers/observation"
)

// Mentions reports whether values, as Values.Content has them, have a name among them: a value that is the name, or a text
// in which it stands as a word. Case, blanks and dashes of the name do not count where a value is compared whole.
func Mentions(content []byte, name string) bool {
	v, err := ParseContent(nil, content)
	if err != nil {
		return false
	}
	found := false
	v.Each(func(value []byte) bool {
		found = mentions(string(value), name)
		return !found
	})
	return found
}

// MentionsInClear reports whether a body has the name in a personal field that is not sealed.
func MentionsInClear(kind observation.Kind, body []byte, name string) bool {
	_, v, err := Split(kind, body)
	return err == nil && !v.IsZero() && Mentions(v.Content(), name)
}

func mentions(text, name string) bool {
	want := bare(name)
	if want == "" {
		return false
	}
	if bare(text) == want {
		return true
	}
	upper := strings.ToUpper(text)
	return hasWord(upper, strings.ToUpper(name)) || hasWord(upper, want)
}

// bare returns letters and digits of a name, in upper case.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, name)
}

// hasWord reports whether a word stands in a text, with neither letter nor digit next to it.
func hasWord(text, word string) bool {
	within := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		before, after := []rune(text[:at]), []rune(text[at+len(word):])
		if (len(before) == 0 || !within(before[len(before)-1])) && (len(after) == 0 || !within(after[0])) {
			return true
		}
		from = at + 1
	}
}
