package views

import (
	"cmp"
	"database/sql/driver"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"time"

	"lanewarden/edge/evidence/sqlog"
)

// counterSchema is the table of counters. A row is a day of one counter, with its hours packed: a month of 2,000 lanes
// is a few hundred thousand rows to add up, where a row an hour would be millions.
const counterSchema = `CREATE TABLE IF NOT EXISTS view_count(
	day    BIGINT NOT NULL,       -- since 1970, UTC
	owner  BIGINT NOT NULL,       -- journal.id
	lane   TEXT NOT NULL,         -- of passages and outcomes; '' for what is of a device, whose lane its agent says
	device TEXT NOT NULL,         -- '' for passages and outcomes
	what   TEXT NOT NULL,         -- passages, alarms, blind, dwell, class.CLASS, detections, alarm.KIND, outcome.OUTCOME
	n      BIGINT NOT NULL,       -- of the whole day
	cells  BYTES NOT NULL,        -- of its hours: encodeCells
	PRIMARY KEY(day, owner, lane, device, what)
) CLUSTERED;`

// counterKey is a counter of a day.
type counterKey struct {
	day                int64
	owner              int64
	lane, device, what string
}

func compareCounters(a, b counterKey) int {
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.owner, b.owner), cmp.Compare(a.lane, b.lane),
		cmp.Compare(a.device, b.device), cmp.Compare(a.what, b.what))
}

// counter is what the table has of a counter.
type counter struct {
	cells  map[int64]int64 // by hour of the day and bucket: cellOf
	stored bool
}

// buckets bounds the buckets of an hour. Counters that have none use the first.
const buckets = 512

func cellOf(hour, bucket int64) int64 { return hour*buckets + bucket }

// count adds n to the counter of an hour.
func (b *batch) count(timeNs, owner int64, lane, device, what string, n int64) {
	b.countIn(timeNs, owner, lane, device, what, 0, n)
}

// countSeconds adds n vehicles that took so long to the counter of an hour.
func (b *batch) countSeconds(timeNs, owner int64, lane, device, what string, seconds, n int64) {
	b.countIn(timeNs, owner, lane, device, what, bucketOf(seconds), n)
}

func (b *batch) countIn(timeNs, owner int64, lane, device, what string, bucket, n int64) {
	hour := floorDiv(timeNs, int64(time.Hour))
	k := counterKey{floorDiv(hour, 24), owner, lane, device, what}
	if b.counted[k] == nil {
		b.counted[k] = map[int64]int64{}
	}
	b.counted[k][cellOf(hour-24*k.day, bucket)] += n
}

// floorDiv divides towards minus infinity, as an agent's clock may be from before 1970.
func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// spreadBits is how fine durations are kept: in 16 steps from each power of two to the next, 6 % wide.
const spreadBits = 4

// bucketOf returns the bucket of a duration in seconds. Those under 32 s are exact.
func bucketOf(seconds int64) int64 {
	seconds = min(max(seconds, 0), 1<<30)
	shift := max(0, int64(bits.Len64(uint64(seconds)))-spreadBits-1)
	return shift<<spreadBits + seconds>>shift
}

// secondsOf returns the middle of a bucket, in seconds.
func secondsOf(bucket int64) float64 {
	if bucket < 2<<spreadBits {
		return float64(bucket)
	}
	shift := bucket>>spreadBits - 1
	least := (bucket - shift<<spreadBits) << shift
	return float64(least) + float64(int64(1)<<shift-1)/2
}

// encodeCells packs cells: varints of the differences of their keys, and of their numbers.
func encodeCells(cells map[int64]int64) []byte {
	out, before := []byte{}, int64(0)
	for _, cell := range sortedKeys(cells) {
		out = binary.AppendVarint(out, cell-before)
		out = binary.AppendVarint(out, cells[cell])
		before = cell
	}
	return out
}

// eachCell calls f with each packed cell.
func eachCell(packed []byte, f func(cell, n int64)) {
	cell := int64(0)
	for len(packed) > 0 {
		delta, a := binary.Varint(packed)
		if a <= 0 {
			return
		}
		n, b := binary.Varint(packed[a:])
		if b <= 0 {
			return
		}
		cell, packed = cell+delta, packed[a+b:]
		f(cell, n)
	}
}

// writeCounters adds what the batch has counted.
func (b *batch) writeCounters() error {
	for _, k := range sortedFunc(b.counted, compareCounters) {
		added := b.counted[k]
		maps.DeleteFunc(added, func(_, n int64) bool { return n == 0 })
		if len(added) == 0 {
			continue
		}
		c, err := b.counter(k)
		if err != nil {
			return err
		}
		for cell, n := range added {
			if c.cells[cell] += n; c.cells[cell] == 0 {
				delete(c.cells, cell)
			}
		}
		if err := b.writeCounter(k, c); err != nil {
			return err
		}
	}
	return nil
}

// counter returns a counter as the table has it. What was written lately is remembered.
func (b *batch) counter(k counterKey) (counter, error) {
	if c, ok := b.counts[k]; ok {
		return c, nil
	}
	c := counter{cells: map[int64]int64{}}
	err := b.Query("SELECT cells FROM view_count WHERE day=? AND owner=? AND lane=? AND device=? AND what=?",
		func(r []driver.Value) error {
			c.stored = true
			eachCell(sqlog.Bytes(r[0]), func(cell, n int64) { c.cells[cell] = n })
			return nil
		}, k.day, k.owner, k.lane, k.device, k.what)
	return c, err
}

func (b *batch) writeCounter(k counterKey, c counter) error {
	n := int64(0)
	for _, one := range c.cells {
		n += one
	}
	const (
		update = "UPDATE view_count SET n=?, cells=? WHERE day=? AND owner=? AND lane=? AND device=? AND what=?"
		insert = "INSERT INTO view_count(n, cells, day, owner, lane, device, what) VALUES(?,?,?,?,?,?,?)"
		drop   = "DELETE FROM view_count WHERE day=? AND owner=? AND lane=? AND device=? AND what=?"
	)
	if len(b.counts) >= maxRemembered {
		clear(b.counts)
	}
	if len(c.cells) == 0 {
		delete(b.counts, k)
		return b.Exec(drop, k.day, k.owner, k.lane, k.device, k.what)
	}
	statement := insert
	if c.stored {
		statement = update
	}
	b.counts[k] = counter{c.cells, true}
	return b.Exec(statement, n, encodeCells(c.cells), k.day, k.owner, k.lane, k.device, k.what)
}

// Counted is a counter of an hour.
type Counted struct {
	Hour         time.Time // its beginning
	Owner        int64
	Lane, Device string
	What         string
	N            int64
}

// Spread is how many took how long, by bucket.
type Spread map[int64]int64

// Quantile returns the duration that a part q of all, 0 to 1, did not exceed, to 3 %; zero where there are none.
func (s Spread) Quantile(q float64) time.Duration {
	all := int64(0)
	for _, n := range s {
		all += n
	}
	rank := int64(q*float64(all) + 0.999999)
	for _, bucket := range slices.Sorted(maps.Keys(s)) {
		if rank -= s[bucket]; rank <= 0 {
			return time.Duration(secondsOf(bucket) * float64(time.Second))
		}
	}
	return 0
}

// Add adds another spread.
func (s Spread) Add(other Spread) {
	for bucket, n := range other {
		s[bucket] += n
	}
}

const counterColumns = "day, owner, lane, device, what, n, cells"

// Hours returns the counters of a time by the hour; of one journal, or of all with owner 0.
func (v *Views) Hours(owner int64, from, to time.Time) (out []Counted, err error) {
	first, last := hoursOf(from, to)
	err = v.counters(owner, floorDiv(first, 24), floorDiv(last-1, 24), func(k counterKey, _ int64, cells []byte) {
		at := -1
		eachCell(cells, func(cell, n int64) {
			hour := 24*k.day + cell/buckets
			if hour < first || hour >= last {
				return
			}
			start := time.Unix(3600*hour, 0).UTC()
			if at < 0 || !out[at].Hour.Equal(start) {
				at = len(out)
				out = append(out, Counted{Hour: start, Owner: k.owner, Lane: k.lane, Device: k.device, What: k.what})
			}
			out[at].N += n
		})
	})
	slices.SortStableFunc(out, func(a, b Counted) int { return a.Hour.Compare(b.Hour) })
	return out, err
}

// counters calls f with each counter of some days, both included.
func (v *Views) counters(owner, first, last int64, f func(k counterKey, n int64, cells []byte)) error {
	if !v.there() {
		return nil
	}
	where, args := "day>=? AND day<=?", []driver.Value{first, last}
	if owner != 0 {
		where, args = where+" AND owner=?", append(args, owner)
	}
	return v.query("SELECT "+counterColumns+" FROM view_count WHERE "+where+" ORDER BY day, owner, lane, device, what",
		func(r []driver.Value) error {
			f(counterKey{sqlog.Int64(r[0]), sqlog.Int64(r[1]), sqlog.Text(r[2]), sqlog.Text(r[3]), sqlog.Text(r[4])},
				sqlog.Int64(r[5]), sqlog.Bytes(r[6]))
			return nil
		}, args...)
}

// DayCounter is a counter in some hours of one day.
type DayCounter struct {
	Owner        int64
	Lane, Device string
	What         string
	Cells        []Cell // of these hours, in order
}

// Cell is what was counted in an hour.
type Cell struct {
	Hour   int64 // since 1970, UTC
	Bucket int64 // of a duration, as in Spread; 0 for what is no duration
	N      int64
}

// EachCounter calls f with the counters of a time, day by day; the part before the first and behind the last whole hour
// is counted too. What f is given is reused.
func (v *Views) EachCounter(from, to time.Time, f func(*DayCounter)) error {
	first, last := hoursOf(from, to)
	var one DayCounter
	return v.counters(0, floorDiv(first, 24), floorDiv(last-1, 24), func(k counterKey, _ int64, cells []byte) {
		one = DayCounter{Owner: k.owner, Lane: k.lane, Device: k.device, What: k.what, Cells: one.Cells[:0]}
		eachCell(cells, func(cell, n int64) {
			if hour := 24*k.day + cell/buckets; hour >= first && hour < last {
				one.Cells = append(one.Cells, Cell{hour, cell % buckets, n})
			}
		})
		if len(one.Cells) > 0 {
			f(&one)
		}
	})
}

// hoursOf returns the hours that a time touches: from the first on, before last.
func hoursOf(from, to time.Time) (first, last int64) {
	return floorDiv(from.Unix(), 3600), floorDiv(to.Unix()+3599, 3600)
}
