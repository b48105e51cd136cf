package views

import (
	"fmt"
	"strings"

	"lanewarden/drivers/observation"
)

// A fold derives some tables from rows. To add one: a file with its fold, and its line in folds. A change of a fold's
// schema or meaning raises its version: the hub then drops all tables and folds again from the first row.
type fold struct {
	name    string
	version int
	tables  []string
	schema  string // of the tables, in the words of store.Derived
	// bodies are the kinds of the rows that the fold reads. It sees those of other folds, and all alarms, as well.
	bodies []observation.Kind
	begin  func(*batch) folding
}

// folding is a fold of one batch. Results may depend on rows up to the one at hand alone, never on where a batch
// ends, so that folding again gives the same.
type folding interface {
	// row sees the next row in the order of the feed. An error is the row's: it is counted and passed over.
	row(*row) error
	// erased sees a row whose personal values were erased after it had been seen.
	erased(*row) error
	// finish writes what the batch has changed. An error is the database's.
	finish() error
}

// folds are all folds, in the order in which they see a row.
var folds = []fold{devices, listsInForce, passages, transits, hours, adjudication, looked}

// version names the folds that made the tables.
func version() string {
	var all []string
	for _, f := range folds {
		all = append(all, fmt.Sprintf("%s-%d", f.name, f.version))
	}
	return strings.Join(all, " ")
}

// wanted are the kinds whose bodies some fold reads.
func wanted() map[observation.Kind]bool {
	out := map[observation.Kind]bool{}
	for _, f := range folds {
		for _, k := range f.bodies {
			out[k] = true
		}
	}
	return out
}

// tables are those of all folds.
func tables() (out []string) {
	for _, f := range folds {
		out = append(out, f.tables...)
	}
	return out
}
