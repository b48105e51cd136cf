package message

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"
)

// Language is one in which the software speaks.
type Language string

// The languages, as BCP 47 calls them.
const (
	English Language = "en"
	French  Language = "fr"
)

// Languages are all that the catalogue has; the first is that of whoever asks for none of them.
var Languages = []Language{English, French}

// ParseLanguage reads a language's name as a person gives it: "fr", "fr-FR", "fr_FR.UTF-8".
func ParseLanguage(name string) (Language, error) {
	short, _, _ := strings.Cut(strings.NewReplacer("_", "-", ".", "-", "@", "-").Replace(name), "-")
	for _, l := range Languages {
		if strings.EqualFold(short, string(l)) {
			return l, nil
		}
	}
	return English, fmt.Errorf("language %q: there are en and fr", name)
}

// String implements pflag.Value.
func (l Language) String() string { return string(l) }

// Type implements pflag.Value.
func (l *Language) Type() string { return "language" }

// Set implements pflag.Value: it takes what ParseLanguage does.
func (l *Language) Set(name string) (err error) {
	*l, err = ParseLanguage(name)
	return err
}

// OfEnvironment returns the language of a person at a terminal, by LC_ALL, LC_MESSAGES or LANG, the first that is
// set, as POSIX orders them. getenv is os.Getenv.
func OfEnvironment(getenv func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			l, _ := ParseLanguage(value) // another language: English
			return l
		}
	}
	return English
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.French})

// OfHeader returns the language that an Accept-Language header prefers.
func OfHeader(accept string) Language {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return English
	}
	_, i, _ := matcher.Match(tags...)
	return Languages[i]
}
