package message

import (
	"embed"
	"fmt"
	"io/fs"
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

// catalogue holds the entries of all files.
type catalogue struct {
	folders    []fs.FS
	localizers map[Language]*i18n.Localizer
	entries    map[Language]func() map[string]Entry // by code
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
// folder that is there already is not added twice. It returns an error for a file that cannot be read and for a code
// that another file has; the catalogue is then as before.
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

// load reads all files of folders but causes.yaml.
func load(folders ...fs.FS) (catalogue, error) {
	c := catalogue{
		folders: folders, localizers: map[Language]*i18n.Localizer{}, entries: map[Language]func() map[string]Entry{},
	}
	for _, l := range Languages {
		entries, err := read(folders, l)
		if err != nil {
			return c, err
		}
		if l == English {
			c.entries[l] = func() map[string]Entry { return entries }
		} else { // it is read again when somebody asks for it: at most lanes nobody does, and it takes a megabyte
			c.entries[l] = sync.OnceValue(func() map[string]Entry {
				entries, _ := read(folders, l) // it was read before
				return entries
			})
		}
		// It has no messages of its own: render gives it each that is said. A bundle of all of them takes ten times the
		// memory of the entries.
		c.localizers[l] = i18n.NewLocalizer(i18n.NewBundle(language.Make(string(l))), string(l))
	}
	return c, nil
}

// parsers of a catalogue's files, by the ending of their names.
var parsers = map[string]i18n.UnmarshalFunc{"yaml": yaml.Unmarshal}

// read reads the files of a language in folders.
func read(folders []fs.FS, l Language) (map[string]Entry, error) {
	entries := map[string]Entry{}
	for _, folder := range folders {
		if err := readFolder(entries, folder, l); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// readFolder adds a folder's files of a language.
func readFolder(entries map[string]Entry, folder fs.FS, l Language) error {
	names, err := fs.Glob(folder, "*."+string(l)+".yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		file, err := i18n.ParseMessageFileBytes(text, name, parsers)
		if err != nil {
			return fmt.Errorf("catalogue %s: %w", name, err)
		}
		for _, m := range file.Messages {
			if _, twice := entries[m.ID]; twice {
				return fmt.Errorf("catalogue %s: %s is in another file too", name, m.ID)
			}
			// Copies: what the parser gives are parts of the whole file, and keep it in memory.
			entries[strings.Clone(m.ID)] = Entry{One: strings.Clone(m.One), Other: strings.Clone(m.Other)}
		}
	}
	return nil
}

// Known reports whether the catalogue has a code.
func Known(code string) bool {
	_, ok := loaded().entries[English]()[code]
	return ok
}

// Codes returns all codes of the catalogue, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(loaded().entries[English]())) }

// EntryOf returns what the catalogue has for a code in a language, as the translator wrote it.
func EntryOf(code string, l Language) Entry { return loaded().entries[l]()[code] }

// render says a message of the catalogue. What cannot be said is shown as it is: a sentence that fails must not hide
// what it was about.
func render(m Message, l Language) string {
	c := loaded()
	entry, known := c.entries[l]()[m.Code]
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
