package views

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/store"
)

// errEnough ends a query whose rows fill a batch.
var errEnough = errors.New("enough rows")

// next gets the rows behind the cursor that some fold wants to see: those whose bodies are read, and alarms. Of the
// others, most of which are telemetry, no fold needs more than when their devices were seen. Those that were filed a
// moment ago the ledger has at hand; others are read.
func (b *batch) next(l *ledger.Ledger, limit int) error {
	if recent, err := b.takeRecent(l, limit); err != nil || recent {
		return err
	}
	return b.read(limit)
}

// takeRecent takes rows that the ledger has at hand, if these are the next ones.
func (b *batch) takeRecent(l *ledger.Ledger, limit int) (taken bool, err error) {
	sealed := int64(0)
	upTo := l.Recent(b.seq, limit, func(r *store.OwnedRow) {
		if r.Sealed != nil {
			sealed++
		}
		b.hear(r.Owner, r.Device, r.TimeNs)
		if isWanted(r.Class, r.Kind) {
			b.rows = append(b.rows, &row{OwnedRow: *r, sealer: b.sealer})
		}
	})
	if upTo <= b.seq {
		return false, nil
	}
	erased, err := b.Erased(b.seq, upTo, sealed)
	if err != nil || erased {
		b.rows, b.heard = nil, map[deviceKey]int64{}
		return false, err
	}
	b.upTo = upTo
	return true, nil
}

// read reads rows.
func (b *batch) read(limit int) error {
	first, err := integer(b.Tx, "SELECT min(seq) FROM observation WHERE seq>?", b.seq)
	if err != nil || first == 0 {
		return err
	}
	newest, err := integer(b.Tx, "SELECT max(seq) FROM observation")
	if err != nil {
		return err
	}
	upTo, bytes := min(newest, first+int64(limit)-1), 0
	err = b.Query(nextRows, func(r []driver.Value) error {
		b.hear(sqlog.Int64(r[1]), sqlog.Text(r[5]), sqlog.Int64(r[4]))
		if !isWanted(observation.Class(sqlog.Int64(r[3])), observation.Kind(sqlog.Int64(r[6]))) {
			return nil
		}
		one := scanRow(r, b.sealer)
		b.rows = append(b.rows, one)
		if bytes += len(one.Body) + len(one.Sealed); bytes >= batchBytes {
			upTo = one.Seq
			return errEnough
		}
		return nil
	}, b.seq, upTo)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	b.upTo = upTo
	return nil
}

// hear notes when something of a device was observed.
func (b *batch) hear(owner int64, device string, timeNs int64) {
	k := deviceKey{owner, device}
	b.heard[k] = max(b.heard[k], timeNs)
}

// wantedKinds are the kinds of rows that some fold wants to see.
var wantedKinds = func() map[observation.Kind]bool {
	all := wanted()
	for number := range observation.Kind_name {
		if k := observation.Kind(number); observation.Describe(k).Detections != nil {
			all[k] = true
		}
	}
	return all
}()

// isWanted reports whether some fold wants to see a row.
func isWanted(class observation.Class, kind observation.Kind) bool {
	return class == observation.Class_CLASS_ALARM || wantedKinds[kind]
}

// nextRows is the query for the rows of a batch, in the columns of rowColumns; bodies are those of wanted rows alone. It
// is one query for all rows, as finding their pages is what costs most.
var nextRows = func() string {
	var kinds []string
	for k := range wantedKinds {
		kinds = append(kinds, strconv.Itoa(int(k)))
	}
	body := fmt.Sprintf("CASE WHEN o.class=%d OR o.kind IN (%s) THEN o.body END", observation.Class_CLASS_ALARM,
		strings.Join(sorted(kinds), ","))
	return "SELECT " + strings.Replace(rowColumns, "o.body", body, 1) + " FROM observation o WHERE o.seq>? AND o.seq<=? ORDER BY o.seq"
}()
