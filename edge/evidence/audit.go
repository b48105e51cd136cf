package evidence

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/observation/coded"
)

// SignedCheckpoint is a checkpoint as journal and ledger keep it: beside the note, the leaf hashes of the unfinished
// tile at that size, so that an audit can name the very row that was changed, in a tile that is not full yet too.
type SignedCheckpoint struct {
	Size   int64
	Note   string
	Leaves []tlog.Hash // of rows Size - Size%TileWidth to Size-1
}

// Log is a copy of a log that can be audited: a journal, a hub's copy, an export.
type Log interface {
	Tiles
	// Rows calls f for every row in the order of idx, from 0.
	Rows(f func(idx int64, r Record) error) error
	// Checkpoints returns what the agent signed, smallest first.
	Checkpoints() ([]SignedCheckpoint, error)
}

// Tailed is a Log that also keeps the leaf hashes of its unfinished tile, beyond the newest checkpoint.
type Tailed interface {
	Tail() ([]tlog.Hash, error)
}

// Range is rows from First to Last, both included.
type Range struct{ First, Last int64 }

// Ranges are rows, as ranges in rising order of their beginnings, that are gone through once.
type Ranges []Range

// Reach goes on to a row and reports whether it is in one of the ranges. It is asked of rows in rising order: ranges that
// end before the row are dropped.
func (r *Ranges) Reach(idx int64) bool {
	for len(*r) > 0 && (*r)[0].Last < idx {
		*r = (*r)[1:]
	}
	return len(*r) > 0 && (*r)[0].First <= idx
}

// SortRanges puts ranges in rising order.
func SortRanges(all []Range) {
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
}

// Thinned is a Log from which its agent removed rows. Which, it declared in rows that are still there.
type Thinned interface {
	// Removed returns the rows that were declared removed, in rising order of their beginnings.
	Removed() ([]Range, error)
}

// MaxFindings bounds the number of findings that an audit lists; it counts them all.
const MaxFindings = 20

// Report is the outcome of an audit.
type Report struct {
	Rows        int64     // of the log, with those that were removed
	Removed     int64     // rows that the agent declared removed; their leaf hashes are as it signed them
	Signed      int64     // rows covered by the newest valid checkpoint
	Checkpoints int       // valid ones
	Root        tlog.Hash // of all rows, as they stand
	Findings    []error   // what is wrong, at most MaxFindings
	Wrong       int       // how many things are wrong
}

// OK reports whether nothing was found wrong.
func (r *Report) OK() bool { return r.Wrong == 0 }

func (r *Report) find(code string, args ...coded.Arg) {
	if r.Wrong++; r.Wrong <= MaxFindings {
		r.Findings = append(r.Findings, coded.New(code, args...))
	}
}

// Audit hashes every row of a log again and holds it against the tiles and every checkpoint that the agent signed. An
// error means that the audit could not be made; what it found wrong stands in the Report.
func Audit(log Log, journalKey []byte, verifier note.Verifier, origin string) (*Report, error) {
	a := &audit{log: log, tree: &Tree{}, hasher: NewHasher(journalKey), report: &Report{}}
	if err := a.loadCheckpoints(verifier, origin); err != nil {
		return nil, err
	}
	if t, ok := a.log.(Thinned); ok {
		removed, err := t.Removed()
		if err != nil {
			return nil, err
		}
		a.removed = removed
	}
	if err := a.log.Rows(a.row); err != nil {
		return nil, err
	}
	for len(a.pending) > 0 && a.removed.Reach(a.tree.Size()) && a.missing(a.tree.Size()+1) == nil { // the last rows of a copy may be removed ones
		continue
	}
	for _, c := range a.pending {
		a.report.find("evidence.rows-short", coded.Number("rows", a.tree.Size()),
			coded.Number("last", c.Size-1), coded.Value("n", int(c.Size)))
	}
	a.report.Rows, a.report.Root = a.tree.Size(), a.tree.Root()
	return a.report, nil
}

type audit struct {
	log     Log
	tree    *Tree
	hasher  *Hasher
	report  *Report
	pending []signedRoot // checkpoints above the rows seen so far, smallest first
	stored  []tlog.Hash  // leaf hashes on record of the current tile
	removed Ranges       // declared removed, from the current row on
}

type signedRoot struct {
	Checkpoint
	leaves []tlog.Hash
}

func (a *audit) loadCheckpoints(verifier note.Verifier, origin string) error {
	signed, err := a.log.Checkpoints()
	if err != nil {
		return err
	}
	for _, s := range signed {
		c, err := OpenCheckpoint(s.Note, verifier, origin)
		switch {
		case err != nil:
			a.report.find("evidence.checkpoint-at", coded.Number("size", s.Size), coded.CausedBy(err))
		case c.Size != s.Size:
			a.report.find("evidence.checkpoint-size", coded.Number("size", s.Size), coded.Value("n", int(c.Size)))
		default:
			a.pending = append(a.pending, signedRoot{c, s.Leaves})
		}
	}
	return nil
}

func (a *audit) row(idx int64, r Record) error {
	for a.tree.Size() < idx {
		if err := a.missing(idx); err != nil {
			return err
		}
	}
	if err := a.enter(idx); err != nil {
		return err
	}
	leaf, err := a.hasher.Leaf(idx, r)
	if err != nil {
		return coded.New("evidence.row", coded.CausedBy(err), coded.Number("row", idx))
	}
	if at := int(idx % TileWidth); at < len(a.stored) && a.stored[at] != leaf {
		a.report.find("evidence.row-changed", coded.Number("row", idx), coded.Value("device", r.Device),
			coded.Value("time", time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano)))
	}
	a.append(leaf)
	return nil
}

// missing takes the leaf hash on record for the next row, which is not there. Unless it was declared removed that is
// wrong; without a leaf hash the audit ends there. next is the idx of the next row that is there.
func (a *audit) missing(next int64) error {
	idx := a.tree.Size()
	if err := a.enter(idx); err != nil {
		return err
	}
	args := []coded.Arg{coded.Number("row", idx), coded.Number("next", next), coded.Number("before", idx-1)}
	at := int(idx % TileWidth)
	if at >= len(a.stored) {
		return coded.New("evidence.row-missing", args...)
	}
	if a.removed.Reach(idx) {
		a.report.Removed++
	} else {
		a.report.find("evidence.row-missing", args...)
	}
	a.append(a.stored[at])
	return nil
}

// enter loads the leaf hashes on record when a row is the first of its tile.
func (a *audit) enter(idx int64) error {
	if idx%TileWidth != 0 {
		return nil
	}
	return a.loadStored(idx / TileWidth)
}

func (a *audit) append(leaf tlog.Hash) {
	for _, t := range a.tree.Append(leaf) {
		if t.Level > 0 {
			a.upperTile(t)
		}
	}
	a.checkRoots()
}

// ErrNoTile is returned by a Log's Tile method for a tile that it does not hold.
var ErrNoTile = coded.New("evidence.tile-unrecorded")

// loadStored gets the leaf hashes on record for leaf tile n: from the tile, or from the largest checkpoint within it.
func (a *audit) loadStored(n int64) (err error) {
	a.stored, err = a.log.Tile(0, n)
	if !errors.Is(err, ErrNoTile) {
		return err
	}
	a.stored = nil
	for _, c := range a.pending {
		if c.Size/TileWidth == n {
			a.stored = c.leaves
		}
		if c.Size >= (n+1)*TileWidth {
			a.report.find("evidence.tile-missing", coded.Number("tile", n), coded.Number("first", n*TileWidth),
				coded.Number("last", (n+1)*TileWidth-1))
			break
		}
	}
	if t, ok := a.log.(Tailed); ok {
		tail, err := t.Tail()
		if err != nil {
			return err
		}
		if len(tail) > len(a.stored) {
			a.stored = tail
		}
	}
	return nil
}

func (a *audit) upperTile(t Tile) {
	stored, err := a.log.Tile(t.Level, t.N)
	if err != nil {
		a.report.find("evidence.tile", coded.Number("level", t.Level), coded.Number("tile", t.N), coded.CausedBy(err))
		return
	}
	for i := range stored {
		if i >= len(t.Hashes) || stored[i] != t.Hashes[i] {
			a.report.find("evidence.tile-hash", coded.Number("level", t.Level), coded.Number("tile", t.N),
				coded.Number("place", i))
		}
	}
}

func (a *audit) checkRoots() {
	for len(a.pending) > 0 && a.pending[0].Size <= a.tree.Size() {
		c := a.pending[0]
		a.pending = a.pending[1:]
		if c.Size != a.tree.Size() { // size 0, or two checkpoints of one size: checked below or by the next row
			continue
		}
		if root := a.tree.Root(); root != c.Root {
			a.report.find("evidence.root", coded.Number("last", c.Size-1))
			continue
		}
		a.report.Checkpoints++
		a.report.Signed = c.Size
	}
}
