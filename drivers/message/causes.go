package message

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/goccy/go-yaml"
)

// Severity ranks the harm of a cause.
type Severity int

// Severities. Nothing fails because of a Warning yet; Info is what somebody should know.
const (
	Info Severity = iota
	Warning
	Fault
)

// String returns "info", "warning" or "fault".
func (s Severity) String() string { return [...]string{"info", "warning", "fault"}[s] }

// UnmarshalText reads what String returns.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Info, Warning, Fault} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("severity %q: there are info, warning and fault", text)
}

// Cause is an entry of causes.yaml: something that can be wrong.
type Cause struct {
	Severity Severity `yaml:"severity"`
	// DependsOn are the codes that explain this one where they are found together: a full disk explains writes that
	// failed. What explains comes first.
	DependsOn []string `yaml:"depends_on"`
	// Means is one line for the table in docs/diagnosis.md.
	Means string `yaml:"means"`
}

var causes = sync.OnceValue(func() map[string]Cause {
	text, err := files.ReadFile("catalogue/causes.yaml")
	out := map[string]Cause{}
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &out, yaml.Strict())
	}
	if err != nil {
		panic(fmt.Errorf("catalogue causes.yaml: %w", err)) // a part of the program, and tested
	}
	return out
})

// CauseOf returns what is known of a code as something that is wrong, and whether causes.yaml has it.
func CauseOf(code string) (Cause, bool) {
	c, ok := causes()[code]
	return c, ok
}

// Causes returns the codes of causes.yaml, sorted.
func Causes() []string { return slices.Sorted(maps.Keys(causes())) }

// Explains reports whether what cause says can be why code is said, by itself or over others.
func Explains(cause, code string) bool {
	seen := map[string]bool{}
	var search func(code string) bool
	search = func(code string) bool {
		if seen[code] {
			return false
		}
		seen[code] = true
		depends := causes()[code].DependsOn
		return slices.Contains(depends, cause) || slices.ContainsFunc(depends, search)
	}
	return search(code)
}
