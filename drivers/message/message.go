// Package message is what the software says to people: a code with named arguments goes in, a sentence in English
// or French comes out. The sentences are in the folder catalogue, one entry a code and one file a topic and language;
// the same entry may have a second sentence that says what to do. causes.yaml tells which of them are faults and what
// they follow from.
//
// A driver makes a Message, or returns an Error that carries one; the journal keeps code and arguments beside the
// English sentence; pages and programs render the language of whoever reads.
package message

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Message is one sentence: a code of the catalogue and the values that stand in it. The zero Message says nothing.
type Message struct {
	Code string
	Args []Arg
}

// New returns a message. The code must be in the catalogue with exactly these arguments; a test of the repository
// compares all calls with it.
func New(code string, args ...Arg) Message { return Message{Code: code, Args: args} }

// Codes that the catalogue does not have: they put together what others say.
const (
	codeVerbatim = "verbatim" // one argument, "text"
	codeJoin     = "join"     // "separator", then the parts
	codeSentence = "sentence" // the parts: joined with commas, with a capital letter
	codeText     = "text"     // "en" and "fr": as it was said in another process
)

// IsVerbatim reports whether the message is what somebody else said.
func (m Message) IsVerbatim() bool { return m.Code == codeVerbatim }

// Composed reports whether a code puts together what others say: it has no entry in the catalogue.
func Composed(code string) bool {
	return code == codeVerbatim || code == codeJoin || code == codeSentence || code == codeText
}

// Verbatim returns a message with the words of a device, a person or another program, untranslated. It is the same in
// all languages.
func Verbatim(text string) Message {
	if text == "" {
		return Message{}
	}
	return New(codeVerbatim, String("text", text))
}

// Quote returns a message with an English text of another program that has no entry in the catalogue. It is shown in
// quotes where that is another language.
func Quote(text string) Message { return New("quoted", String("text", text)) }

// Join puts parts one behind the other, those that say something.
func Join(separator string, parts ...Message) Message {
	return New(codeJoin, append([]Arg{String("separator", separator)}, nested(parts)...)...)
}

// Sentence joins parts with commas, those that say something, and begins with a capital letter.
func Sentence(parts ...Message) Message { return New(codeSentence, nested(parts)...) }

// When returns m if something holds, else the zero Message, which Join and Sentence leave out.
func When(holds bool, m Message) Message {
	if holds {
		return m
	}
	return Message{}
}

func nested(parts []Message) (args []Arg) {
	for _, p := range parts {
		if !p.IsZero() {
			args = append(args, Nested("part", p))
		}
	}
	return args
}

// IsZero reports whether the message says nothing.
func (m Message) IsZero() bool { return m.Code == "" }

// Equal reports whether two messages have the same code and arguments.
func (m Message) Equal(o Message) bool {
	return m.Code == o.Code && (len(m.Args) == 0 && len(o.Args) == 0 || reflect.DeepEqual(m.Args, o.Args))
}

// Arg returns the value of an argument, nil for none of that name.
func (m Message) Arg(name string) Value {
	for _, a := range m.Args {
		if a.Name == name {
			return a.Value
		}
	}
	return nil
}

// Is reports whether the message has a code, or a message has that stands in it as its cause or as a part.
func (m Message) Is(code string) bool {
	if m.Code == code {
		return true
	}
	for _, a := range m.Args {
		if inner, ok := a.Value.(Message); ok && inner.Is(code) {
			return true
		}
	}
	return false
}

// Do returns what to do about it, the zero Message when the catalogue has no advice.
func (m Message) Do() Message {
	if do := m.Code + ".do"; Known(do) {
		return Message{Code: do, Args: m.Args}
	}
	return Message{}
}

// English returns the sentence in English.
func (m Message) English() string { return m.In(English) }

// In returns the sentence in a language, empty for the zero Message. A code that this version does not know, of a
// newer agent, is shown with its arguments.
func (m Message) In(l Language) string {
	switch m.Code {
	case "":
		return ""
	case codeVerbatim:
		return m.argument("text", l)
	case codeJoin:
		return strings.Join(m.parts(l), l.Separator(m.argument("separator", l)))
	case codeText:
		return m.argument(string(l), l)
	case codeSentence:
		return Capital(strings.Join(m.parts(l), ", "))
	}
	return render(m, l)
}

// parts are the messages that m joins, in a language.
func (m Message) parts(l Language) (out []string) {
	for _, a := range m.Args {
		part, ok := a.Value.(Message)
		if !ok {
			continue
		}
		if text := part.In(l); text != "" {
			out = append(out, text)
		}
	}
	return out
}

func (m Message) argument(name string, l Language) string {
	v := m.Arg(name)
	if v == nil {
		return ""
	}
	return v.In(l)
}

// Capital returns a text that begins with a capital letter.
func Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// Text is a message in all languages, for pages and other readers of JSON.
type Text struct {
	Code string `json:"code,omitempty"` // empty for the words of a device, of a person, or of an older version
	EN   string `json:"en"`
	FR   string `json:"fr"`
}

// Text returns the message in all languages.
func (m Message) Text() Text {
	t := Text{Code: m.Code, EN: m.In(English), FR: m.In(French)}
	if Composed(m.Code) {
		t.Code = ""
	}
	return t
}

// In returns the text in a language.
func (t Text) In(l Language) string {
	if l == French {
		return t.FR
	}
	return t.EN
}

// Message returns the text as a message, so that it can stand beside others.
func (t Text) Message() Message {
	if t.IsZero() {
		return Message{}
	}
	return New(codeText, String(string(English), t.EN), String(string(French), t.FR))
}

// IsZero reports whether the text says nothing.
func (t Text) IsZero() bool { return t == Text{} }
