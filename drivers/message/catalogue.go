package message

import (
	"embed"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// files are the catalogue: TOPIC.LANGUAGE.yaml, in the form of go-i18n. An entry is a text, or one text for one thing
// and another for many ("one", "other"); {{.name}} stands for an argument, {{if .name}} … {{end}} for what is said
// only when there is one. CODE.do is what to do about CODE.
//
//go:embed catalogue/*.yaml
var files embed.FS

// Entry is one text of a catalogue.
type Entry struct {
	One   string // for one thing, in French for none too; empty when the text counts nothing
	Other string
}

// catalogue knows where each text is. What is not said is not read: a program says a tenth of it, a lane nothing of it in
// French most days, and all of it takes two megabytes, and longer to read than most commands take.
type catalogue struct {
	folders    []fs.FS
	localizers map[Language]*i18n.Localizer
	topics     map[string]*topic // by code
}

// topic is the file TOPIC.LANGUAGE.yaml of a folder in each language.
type topic struct {
	name    string
	entries map[Language]func() map[string]Entry // by code; the first call reads the file
}

// entry returns what the catalogue has for a code in a language, as the translator wrote it.
func (c *catalogue) entry(code string, l Language) (e Entry, known bool) {
	t, ok := c.topics[code]
	if !ok {
		return Entry{}, false
	}
	e, known = t.entries[l]()[code]
	return e, known
}

// shared is the catalogue in use. Extend replaces it as a whole, so that readers need no lock.
var shared atomic.Pointer[catalogue]

// extending is held by those who replace the catalogue.
var extending sync.Mutex

// loaded returns the catalogue, and reads it when something is said first. The files are part of the program and
// tested, so that one that cannot be read is a mistake in it.
func loaded() *catalogue {
	if c := shared.Load(); c != nil {
		return c
	}
	if err := Extend(); err != nil {
		panic(err)
	}
	return shared.Load()
}

// Extend adds folders to the catalogue: the texts that drivers keep beside their code, in files of the same form. A
// folder that is there already is not added twice. It returns an error for a code that another file has; the catalogue is
// then as before. Files are read when something of them is said: tests of who has texts call Check.
func Extend(folders ...fs.FS) error {
	extending.Lock()
	defer extending.Unlock()
	own, err := fs.Sub(files, "catalogue")
	if err != nil {
		return err
	}
	all := []fs.FS{own}
	if c := shared.Load(); c != nil {
		all = c.folders
	}
	for _, f := range folders {
		if !slices.Contains(all, f) {
			all = append(all[:len(all):len(all)], f)
		}
	}
	c, err := load(all...)
	if err == nil {
		shared.Store(&c)
	}
	return err
}

// load finds the topics of folders, and what codes each has in English.
func load(folders ...fs.FS) (catalogue, error) {
	c := catalogue{folders: folders, localizers: map[Language]*i18n.Localizer{}, topics: map[string]*topic{}}
	for _, folder := range folders {
		if err := c.find(folder); err != nil {
			return c, err
		}
	}
	c.topics = maps.Clone(c.topics) // as large as it has to be: growing it left room for twice as many
	for _, l := range Languages {
		// It has no messages of its own: render gives it each that is said. A bundle of all of them takes ten times the
		// memory of the entries.
		c.localizers[l] = i18n.NewLocalizer(i18n.NewBundle(language.Make(string(l))), string(l))
	}
	return c, nil
}

// find adds a folder's topics.
func (c *catalogue) find(folder fs.FS) error {
	names, err := fs.Glob(folder, "*."+string(English)+".yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		t := newTopic(folder, strings.TrimSuffix(name, "."+string(English)+".yaml"))
		for code := range codes(text) {
			if other, twice := c.topics[code]; twice {
				return fmt.Errorf("catalogue %s: %s is in another file too, %s", name, code, other.name)
			}
			c.topics[code] = t
		}
	}
	return nil
}

func newTopic(folder fs.FS, name string) *topic {
	t := &topic{name: name, entries: map[Language]func() map[string]Entry{}}
	for _, l := range Languages {
		t.entries[l] = sync.OnceValue(func() map[string]Entry {
			entries, err := read(folder, name+"."+string(l)+".yaml")
			if err != nil {
				panic(err) // a file of the program, all of which a test reads
			}
			return entries
		})
	}
	return t
}

// codes goes through the codes of a file without parsing it: they begin their lines, and nothing else does but comments.
func codes(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(text)) {
			code, _, ok := strings.Cut(line, ":")
			if ok && strings.Trim(line[:1], " #\n") != "" && !yield(strings.Clone(code)) {
				return
			}
		}
	}
}

// parsers of a catalogue's files, by the ending of their names.
var parsers = map[string]i18n.UnmarshalFunc{"yaml": yaml.Unmarshal}

// read reads a file.
func read(folder fs.FS, name string) (map[string]Entry, error) {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	file, err := i18n.ParseMessageFileBytes(text, name, parsers)
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", name, err)
	}
	entries := make(map[string]Entry, len(file.Messages))
	for _, m := range file.Messages {
		// Copies: what the parser gives are parts of the whole file, and keep it in memory.
		entries[strings.Clone(m.ID)] = Entry{One: strings.Clone(m.One), Other: strings.Clone(m.Other)}
	}
	return entries, nil
}

// Check returns an error unless each file of a folder can be read, in both languages, and codes begin its lines.
func Check(folder fs.FS) error {
	c := catalogue{topics: map[string]*topic{}}
	if err := c.find(folder); err != nil {
		return err
	}
	found := map[string][]string{} // codes by topic
	for code, t := range c.topics {
		found[t.name] = append(found[t.name], code)
	}
	for name, want := range found {
		slices.Sort(want)
		for _, l := range Languages {
			entries, err := read(folder, name+"."+string(l)+".yaml")
			if err != nil {
				return err
			}
			if have := slices.Sorted(maps.Keys(entries)); !slices.Equal(have, want) {
				return fmt.Errorf("catalogue %s: codes %v in %s, lines begin with %v in English", name, have, l, want)
			}
		}
	}
	return nil
}

// Known reports whether the catalogue has a code.
func Known(code string) bool {
	_, ok := loaded().topics[code]
	return ok
}

// Codes returns all codes of the catalogue, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(loaded().topics)) }

// EntryOf returns what the catalogue has for a code in a language, as the translator wrote it.
func EntryOf(code string, l Language) Entry {
	e, _ := loaded().entry(code, l)
	return e
}

// render says a message of the catalogue. What cannot be said is shown as it is: a sentence that fails must not hide
// what it was about.
func render(m Message, l Language) string {
	c := loaded()
	entry, known := c.entry(m.Code, l)
	data := make(map[string]string, len(m.Args))
	config := i18n.LocalizeConfig{
		DefaultMessage: &i18n.Message{ID: m.Code, One: entry.One, Other: entry.Other}, TemplateData: data,
		TemplateParser: saidLately,
	}
	for _, a := range m.Args {
		if a.Value == nil {
			continue
		}
		data[a.Name] = a.Value.In(l)
		if n, ok := a.Value.(Plural); ok {
			// Our languages tell 0, 1 and more apart; go-i18n would look for a third form for a million in French.
			config.PluralCount = int(min(max(n, -n), 2))
		}
	}
	if !known {
		return unknown(m, data)
	}
	if entry.One == "" {
		config.PluralCount = nil
	}
	text, err := c.localizers[l].Localize(&config)
	if err != nil || text == "" {
		return unknown(m, data)
	}
	return text
}

// unknown shows a message without a text.
func unknown(m Message, data map[string]string) string {
	words := []string{m.Code}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		words = append(words, name+"="+data[name])
	}
	return strings.Join(words, " ")
}
