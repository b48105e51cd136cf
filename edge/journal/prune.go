package journal

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// Pruning makes room: what the hub has acknowledged is removed, oldest first. A row of kind agent.pruned says what
// goes and is committed before it goes, so that an audit can tell what the agent removed from what somebody else
// did. The leaf hashes of removed rows stay in their tiles, and their keys in pruned_key, so that a device that
// sends one of them again is not taken for news.

const (
	// keepNewest is the number of newest rows that are never removed: console, doctor and the follower of passages
	// read them, and the unfinished tile is hashed from its rows at every start.
	keepNewest = 10_000
	// pruneChunk is the number of rows that one transaction removes: commits wait for so long.
	pruneChunk = 500
	// maxPruned is the number of artifacts that one transaction removes.
	maxPruned = 64
)

// PruneRows removes the oldest rows of a class that the hub has acknowledged, at most most of them, and returns
// how many it removed: 0 when there are none left that may go. Rows of kind agent.pruned stay, and so do those of
// class alarm. budget, in bytes, is what the record of it names as the reason. One goroutine at a time may prune.
func (j *Journal) PruneRows(ctx context.Context, class observation.Class, most int, budget int64) (int, error) {
	if class == observation.Class_CLASS_ALARM {
		return 0, errors.New("rows of class alarm are not removed")
	}
	var rows []int64
	err := j.read.Query("SELECT idx FROM observation WHERE "+removable(class)+" ORDER BY idx LIMIT ?",
		func(c []driver.Value) error {
			rows = append(rows, sqlog.Int64(c[0]))
			return nil
		}, j.prunedTo[class], j.mayPrune(class), int64(most))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	record := observation.NewAgentPruned(class, rows)
	record.BudgetBytes = uint64(budget)
	if err := j.declare(ctx, record, nil); err != nil {
		return 0, err
	}
	return len(rows), j.removeRows(ctx, class, rows[0], rows[len(rows)-1])
}

// removable is the condition (SQL) on rows of a class, from one idx to another, that may be removed. The class
// stands in it as a constant, for the partial indexes.
func removable(class observation.Class) string {
	return fmt.Sprintf("class=%d AND kind<>%d AND idx>=? AND idx<=?", class, observation.Kind_KIND_AGENT_PRUNED)
}

// mayPrune returns the idx up to which rows of a class may be removed. Waiting counts telemetry as all rows above its
// cursor less those of other classes, so events go only below that cursor.
func (j *Journal) mayPrune(class observation.Class) int64 {
	s := j.snapshot()
	tile := s.size - s.size%evidence.TileWidth
	return min(s.acked[class], s.acked[observation.Class_CLASS_TELEMETRY], tile-keepNewest, s.last[class]-1)
}

// declared is the condition (SQL) on the rows that say what was removed.
var declared = fmt.Sprintf("WHERE kind=%d", observation.Kind_KIND_AGENT_PRUNED)

// declare commits a record of what is removed; also runs in its transaction.
func (j *Journal) declare(ctx context.Context, record *observation.AgentPruned, also func(db *sqlog.DB) error) error {
	o := observation.New(observation.Class_CLASS_EVENT, time.Now(), record)
	o.Device = observation.AgentDevice
	row, err := newRow(o, j.sealer)
	if err != nil {
		return err
	}
	return j.do(ctx, &request{rows: []Row{row}, also: also})
}

// removeRows removes the rows of a class from first to last that may be removed, some at a time. It may be run again.
func (j *Journal) removeRows(ctx context.Context, class observation.Class, first, last int64) error {
	for next := first; next <= last; {
		from := next
		next = last + 1
		err := j.do(ctx, &request{also: func(db *sqlog.DB) error {
			to, err := forget(db, class, from, last)
			if err == nil && to <= last {
				err = db.Exec("DELETE FROM observation WHERE "+removable(class), from, to)
				next = to + 1
			}
			return errors.Join(err, giveBack(db))
		}})
		if err != nil {
			return err
		}
	}
	j.prunedTo[class] = last + 1
	return nil
}

// forget keeps the keys of the first rows from from on that are removed next, and returns the idx of the last of
// these; last+1 when there are none.
func forget(db *sqlog.DB, class observation.Class, from, last int64) (to int64, err error) {
	to = last + 1
	var keys [][]byte
	err = db.Query("SELECT idx, device, key FROM observation WHERE "+removable(class)+" ORDER BY idx LIMIT ?",
		func(c []driver.Value) error {
			to = sqlog.Int64(c[0])
			if key := sqlog.Text(c[2]); key != "" {
				keys = append(keys, keyHash(sqlog.Text(c[1]), key))
			}
			return nil
		}, from, last, int64(pruneChunk))
	for _, key := range keys {
		err = errors.Join(err, db.Exec("INSERT OR IGNORE INTO pruned_key(hash) VALUES(?)", key))
	}
	return to, err
}

// keyHash names a key of a device in pruned_key: 16 bytes of a SHA-256, so that two of 10^9 keys being one is as
// likely as 1 in 10^20.
func keyHash(device, key string) []byte {
	sum := sha256.Sum256([]byte(device + "\x00" + key))
	return sum[:16]
}

// spareBytes is the room in the database that is kept for rows to come when the rest is given back to the disk.
const spareBytes = 16 << 20

// giveBack returns room that removed rows left to the file system, as far as the database was made for that. It
// returns little at a time: each page that it returns may move another.
func giveBack(db *sqlog.DB) error {
	free, err := db.Int("PRAGMA freelist_count", 0)
	if err != nil || free*sqlog.PageSize <= spareBytes {
		return err
	}
	return db.Exec("PRAGMA incremental_vacuum(256)")
}

// resumePruning finds how far rows were removed, and removes what a crash left of what was declared.
func (j *Journal) resumePruning(ctx context.Context) error {
	found := map[observation.Class]*observation.AgentPruned{}
	err := queryRows(j.read, declared+" ORDER BY idx DESC LIMIT 1000", func(r *Row) error {
		o, err := r.Observation()
		if err != nil {
			return err
		}
		if p := o.Body.GetAgentPruned(); found[p.Class] == nil {
			found[p.Class] = p
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, class := range observation.Classes {
		for first, last := range found[class].Removed() {
			if err := j.removeRows(ctx, class, first, last); err != nil {
				return err
			}
		}
	}
	return j.unlinkPruned(ctx)
}

// PruneArtifacts removes artifacts that the hub holds, oldest first, of vehicles with an alarm or of the others, until
// that frees enough bytes of the disk or maxPruned are removed. It returns how many bytes that freed, 0 when there was
// none to remove. For budget see PruneRows.
func (j *Journal) PruneArtifacts(ctx context.Context, ofAlarms bool, enough, budget int64) (int64, error) {
	flag := int64(0)
	if ofAlarms {
		flag = 1
	}
	record := &observation.AgentPruned{OfAlarms: ofAlarms, BudgetBytes: uint64(budget)}
	var sums [][]byte
	oldest := "SELECT sha256, size FROM artifact WHERE state=2 AND alarm=? ORDER BY idx LIMIT ?"
	err := j.read.Query(oldest, func(c []driver.Value) error {
		sums = append(sums, sqlog.Bytes(c[0]))
		record.Artifacts++
		if record.ArtifactBytes += uint64(sqlog.Int64(c[1])); record.ArtifactBytes >= uint64(enough) {
			return errEnough
		}
		return nil
	}, flag, int64(maxPruned))
	if err != nil && !errors.Is(err, errEnough) || len(sums) == 0 {
		return 0, err
	}
	err = j.declare(ctx, record, func(db *sqlog.DB) (err error) {
		for _, sum := range sums {
			err = errors.Join(err, db.Exec("UPDATE artifact SET state=?, inline=NULL WHERE sha256=? AND state=?",
				artifactPruned, sum, artifactHeld))
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return int64(record.ArtifactBytes), j.unlinkPruned(ctx)
}

// unlinkPruned deletes the files of removed artifacts. An artifact that came again meanwhile is not removed any more.
func (j *Journal) unlinkPruned(ctx context.Context) error {
	j.files.Lock() // nobody renames one of these into place meanwhile
	defer j.files.Unlock()
	var sums [][]byte
	err := j.read.Query("SELECT sha256, size FROM artifact WHERE state=?", func(c []driver.Value) error {
		sums = append(sums, sqlog.Bytes(c[0]))
		return nil
	}, artifactPruned)
	if err != nil || len(sums) == 0 {
		return err
	}
	for _, sum := range sums {
		info, err := os.Stat(j.artifactPath(sum))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was inline, or a crash came between
		}
		if err = errors.Join(err, os.Remove(j.artifactPath(sum))); err != nil {
			return err
		}
		j.fileBytes.Add(-info.Size())
	}
	return j.do(ctx, &request{also: func(db *sqlog.DB) (err error) {
		for _, sum := range sums {
			err = errors.Join(err, db.Exec("UPDATE artifact SET state=? WHERE sha256=? AND state=?",
				artifactGone, sum, artifactPruned))
		}
		return err
	}})
}

// Usage is what a journal takes of the disk, in bytes.
type Usage struct {
	Database  int64 // with the write-ahead log at its usual size, without pages that are free for rows to come
	Artifacts int64 // files
}

// Usage measures what the journal takes of the disk.
func (j *Journal) Usage() (Usage, error) {
	pages, err := j.read.Int("PRAGMA page_count", 0)
	if err != nil {
		return Usage{}, err
	}
	free, err := j.read.Int("PRAGMA freelist_count", 0)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Database: (pages - free) * sqlog.PageSize, Artifacts: j.fileBytes.Load()}
	log := int64(sqlog.WALBytes) // it has that again soon after each start
	if info, err := os.Stat(filepath.Join(j.dir, FileName+"-wal")); err == nil {
		log = max(log, info.Size())
	}
	u.Database += log
	return u, nil
}
