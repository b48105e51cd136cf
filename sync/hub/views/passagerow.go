package views

import (
	"database/sql/driver"
	"encoding/binary"
	"strings"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/firmware-config/policy"
)

// usualOutcome is the outcome of most decisions. Indexes of outcomes leave it out: among all passages those are soon found.
const usualOutcome = string(policy.Release)

// passageRow is what the table has of a passage, but for its key.
type passageRow struct {
	no, opened, alarm, counted, closed, touched, dwell, blind, class int64
	site, lane, outcome                                              string
	statements, names, decisions                                     []int64
}

// decision returns the row of the decision in force, -1 for none.
func (p *passageRow) decision() int64 {
	if len(p.decisions) == 0 {
		return -1
	}
	return p.decisions[len(p.decisions)-1]
}

const passageColumns = "no, id, owner, site, lane, opened, alarm, counted, closed, statements, names, decisions, " +
	"outcome, touched, dwell, blind, class"

// passageColumnsOf returns them of a table that a query calls otherwise.
func passageColumnsOf(table string) string {
	return table + "." + strings.ReplaceAll(passageColumns, ", ", ", "+table+".")
}

func scanPassage(r []driver.Value) (k passageKey, p passageRow) {
	k = passageKey{sqlog.Int64(r[2]), sqlog.Text(r[1])}
	return k, passageRow{
		no: sqlog.Int64(r[0]), site: sqlog.Text(r[3]), lane: sqlog.Text(r[4]), opened: sqlog.Int64(r[5]), alarm: sqlog.Int64(r[6]),
		counted: sqlog.Int64(r[7]), closed: sqlog.Int64(r[8]), statements: decodeRows(sqlog.Bytes(r[9])),
		names: decodeHashes(sqlog.Bytes(r[10])), decisions: decodeRows(sqlog.Bytes(r[11])), outcome: sqlog.Text(r[12]), touched: sqlog.Int64(r[13]),
		dwell: sqlog.Int64(r[14]), blind: sqlog.Int64(r[15]), class: sqlog.Int64(r[16]),
	}
}

// encodeRows packs indices of rows, which rise.
func encodeRows(all []int64) []byte {
	out, before := []byte{}, int64(0)
	for _, idx := range all {
		out = binary.AppendVarint(out, idx-before)
		before = idx
	}
	return out
}

func decodeRows(packed []byte) (out []int64) {
	idx := int64(0)
	for len(packed) > 0 {
		delta, n := binary.Varint(packed)
		if n <= 0 {
			return out
		}
		idx, packed = idx+delta, packed[n:]
		out = append(out, idx)
	}
	return out
}

func encodeHashes(all []int64) []byte {
	out := []byte{}
	for _, h := range all {
		out = binary.BigEndian.AppendUint64(out, uint64(h))
	}
	return out
}

func decodeHashes(packed []byte) (out []int64) {
	for ; len(packed) >= 8; packed = packed[8:] {
		out = append(out, int64(binary.BigEndian.Uint64(packed)))
	}
	return out
}
