package scenario

import (
	"bytes"
	"io"
	"slices"
	"time"

	"lanewarden/edge/lane/clearance"
	"lanewarden/edge/lane/clearance/clearancetest"
	"lanewarden/firmware-config/lists"
)

// Lists returns the trade's lists, in memory, as issued at a moment.
func (t *Trade) Lists(issued time.Time) clearance.Lists {
	l := clearancetest.New()
	for _, kind := range lists.Kinds() {
		l.InForce = append(l.InForce, lists.Version{Kind: kind, Number: 1, Issued: issued})
	}
	putAll(l, t.Drivers)
	putAll(l, t.Carriers)
	putAll(l, t.Importers)
	putAll(l, t.Pairs)
	putAll(l, t.Targets)
	putAll(l, t.Manifest)
	l.Put(usualRate)
	return l
}

func putAll[E any](l *clearancetest.Lists, entries []E) {
	for _, e := range entries {
		l.Put(e)
	}
}

// Rows returns the rows of a list in the order of their keys.
func (t *Trade) Rows(kind lists.Kind) (rows []lists.Row) {
	switch kind {
	case lists.Drivers:
		rows = rowsOf(t.Drivers)
	case lists.Carriers:
		rows = rowsOf(t.Carriers)
	case lists.Importers:
		rows = rowsOf(t.Importers)
	case lists.Pairs:
		rows = rowsOf(t.Pairs)
	case lists.Targets:
		rows = rowsOf(t.Targets)
	case lists.Manifest:
		rows = rowsOf(t.Manifest)
	case lists.Rates:
		rows = rowsOf([]lists.Rate{usualRate})
	}
	slices.SortFunc(rows, func(a, b lists.Row) int { return bytes.Compare(a.Key, b.Key) })
	return rows
}

func rowsOf[E interface{ Row() lists.Row }](entries []E) (rows []lists.Row) {
	for _, e := range entries {
		rows = append(rows, e.Row())
	}
	return rows
}

// WriteList writes a list as the full file of a version.
func (t *Trade) WriteList(out io.WriteSeeker, kind lists.Kind, number int64, issued time.Time) error {
	rows := t.Rows(kind)
	w, err := lists.NewWriter(out)
	if err != nil {
		return err
	}
	var sum lists.Sum
	for _, r := range rows {
		sum.Add(r)
		if err := w.Put(r); err != nil {
			return err
		}
	}
	n := int64(len(rows))
	return w.Close(lists.Header{Version: lists.Version{Kind: kind, Number: number, Issued: issued, Rows: n, SHA256: sum.Name(kind, n)}})
}

// usualRate is the share of vehicles that are checked at random.
var usualRate = lists.Rate{Site: "*", Lane: "*", Class: "*", Share: 0.03}
