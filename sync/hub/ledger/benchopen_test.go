package ledger

import (
	"testing"

	"lanewarden/sync/hub/ledger/postgres/postgrestest"
)

// openBench opens an empty ledger on the database that the benchmarks run on.
func openBench(b *testing.B) *Ledger {
	o := Options{Dir: b.TempDir()}
	if onPostgres {
		o.URL = postgrestest.URL(b)
	}
	l, err := OpenWith(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}
