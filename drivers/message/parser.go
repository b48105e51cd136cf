package message

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// lately is how many parsed texts are kept, each some kilobytes: a lane says a few dozen of the catalogue's again and
// again, and to parse one takes four times as long as to say it.
const lately = 64

// saidLately parses texts as go-i18n does by itself, and keeps those that were said lately.
var saidLately = newParser()

// parser is a template.Parser with a memory. It may be used by many goroutines.
type parser struct {
	template.TextParser
	parsed *lru.Cache[string, template.ParsedTemplate] // by text
}

func newParser() *parser {
	cache, err := lru.New[string, template.ParsedTemplate](lately)
	if err != nil {
		panic(err) // lately is not positive
	}
	return &parser{parsed: cache}
}

// Cacheable implements template.Parser: go-i18n is not to keep what is kept here.
func (p *parser) Cacheable() bool { return false }

// Parse implements template.Parser.
func (p *parser) Parse(text, left, right string) (template.ParsedTemplate, error) {
	if t, ok := p.parsed.Get(text); ok {
		return t, nil
	}
	t, err := p.TextParser.Parse(text, left, right)
	if err == nil {
		p.parsed.Add(text, t)
	}
	return t, err
}
