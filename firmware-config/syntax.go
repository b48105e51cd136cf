package firmwareconfig

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"lanewarden/drivers/message"
)

// syntaxProblem describes an error of the YAML parser, with its place when the parser gives one.
func syntaxProblem(name string, err error) Problem {
	p, text := Problem{File: name}, err.Error()
	var ye yaml.Error
	if errors.As(err, &ye) {
		text = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	p.Message = message.New("config.yaml", message.Nested("cause", parserMessage(text)))
	if strings.ContainsRune(text, '\t') {
		p.Message = message.New("config.yaml-tabs", message.Nested("cause", parserMessage(text)))
	}
	return p
}

// Messages of goccy/go-yaml that quote from the file.
var (
	keyTwice       = regexp.MustCompile(`^mapping key (".*") already defined at \[(\d+):(\d+)\]$`)
	reserved       = regexp.MustCompile(`^'(.*)' is a reserved character$`)
	unknownEscape  = regexp.MustCompile(`^found unknown escape character '(.*)'$`)
	parserMessages = "yaml." // codes of the others, whose English texts are the parser's
)

// parserMessage returns the message of the catalogue that the parser has in English, or quotes it when there is none.
// The parser's errors have no codes, and its texts come from its sources (parser.go, token.go, scanner.go of 1.19).
func parserMessage(text string) message.Message {
	if m := keyTwice.FindStringSubmatch(text); m != nil {
		key, err := strconv.Unquote(m[1])
		if err != nil {
			key = m[1]
		}
		return message.New("yaml.key-twice", message.Quoted("key", key),
			message.String("line", m[2]), message.String("column", m[3]))
	}
	if m := reserved.FindStringSubmatch(text); m != nil {
		return message.New("yaml.reserved", message.String("character", m[1]))
	}
	if m := unknownEscape.FindStringSubmatch(text); m != nil {
		return message.New("yaml.escape", message.String("character", m[1]))
	}
	text = strings.ReplaceAll(text, "\t", `\t`)
	for _, code := range message.Codes() {
		if strings.HasPrefix(code, parserMessages) && message.EntryOf(code, message.English).Other == text {
			return message.New(code)
		}
	}
	return message.Quote(text)
}
