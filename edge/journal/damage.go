package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
)

// ErrDamaged means that the database is not what the journal wrote: pages are missing or overwritten, or rows differ
// from what was signed.
var ErrDamaged = message.Errorf("journal.damaged")

// damagedBy is ErrDamaged with what shows it.
func damagedBy(err error) error {
	return message.Wrap(ErrDamaged, "journal.damaged-by", message.Nested("why", message.Of(err)))
}

// isDamage reports whether an error says that the database is damaged, not only that the disk takes or gives nothing.
func isDamage(err error) bool { return errors.Is(err, ErrDamaged) || sqlog.IsCorrupt(err) }

// asideFormat is the name of the folder in the journal's directory into which a damaged database is moved: when that
// was, UTC.
const asideFormat = "damaged-20060102T150405Z"

// markFile says that the database was found damaged while it was in use: it is set aside at the next start. It
// holds the reason.
const markFile = "damaged"

// Opening is what Open met and went on without.
type Opening struct {
	Damage error  // why the database was set aside; nil when it was not
	Aside  string // folder in which it is whole

	// Before is the newest checkpoint that was noted beside the journal, when the journal does not hold it: the
	// journal was lost, or an older copy of it was put in its place. Its Size is 0 when all is well.
	Before evidence.Checkpoint
}

// openOrSetAside opens the journal. A damaged database is moved away whole, and a new journal begins: a lane that does
// not start loses more than a journal that a person looks into later.
func openOrSetAside(dir string, opts Options) (*Journal, error) {
	if reason, err := os.ReadFile(filepath.Join(dir, markFile)); err == nil {
		return beginAnew(dir, opts, damagedBy(errors.New(strings.TrimSpace(string(reason)))))
	}
	j, err := openOnce(dir, opts)
	if err != nil && isDamage(err) {
		return beginAnew(dir, opts, err)
	}
	return j, err
}

func beginAnew(dir string, opts Options, damage error) (*Journal, error) {
	if !errors.Is(damage, ErrDamaged) {
		damage = damagedBy(damage)
	}
	aside, err := setAside(dir)
	if err != nil {
		return nil, errors.Join(damage, err)
	}
	j, err := openOnce(dir, opts)
	if err != nil {
		return nil, errors.Join(damage, err)
	}
	j.opening.Damage, j.opening.Aside = damage, aside
	return j, nil
}

// setAside moves the database, with its write-ahead log, into a folder of its own. Artifacts stay where they are,
// named by their SHA-256: the new journal does not know them, and they are deleted by nobody.
func setAside(dir string) (aside string, err error) {
	aside = filepath.Join(dir, time.Now().UTC().Format(asideFormat))
	if err := sqlog.MakeDir(aside); err != nil {
		return "", err
	}
	// The log goes first: without its database it is nothing, but a new database with an old log would be damaged too.
	for _, name := range []string{FileName + "-wal", FileName + "-shm", FileName, markFile} {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, errors.Join(sqlog.SyncDir(aside), sqlog.SyncDir(dir))
}

// noteDamage notes that the database was found damaged while it is in use. Damaged tells.
func (j *Journal) noteDamage(cause error) {
	j.damageOnce.Do(func() {
		// Whether the mark can be written or not: what found it here finds it again.
		_ = os.WriteFile(filepath.Join(j.dir, markFile), []byte(cause.Error()+"\n"), 0o640)
		close(j.damaged)
	})
}

// Damaged returns a channel that is closed when the database is found damaged while it is in use. Nothing can be
// committed any more: close the journal and open it again, which sets the database aside.
func (j *Journal) Damaged() <-chan struct{} { return j.damaged }

// Opening returns what Open met and went on without.
func (j *Journal) Opening() Opening { return j.opening }

// checkTail compares the newest checkpoint with the tree as it was restored: what was written last is damaged first.
func (w *writer) checkTail(c evidence.SignedCheckpoint) error {
	if c.Size == 0 {
		return nil
	}
	verifier, err := note.NewVerifier(w.j.identity.Verifier)
	if err != nil {
		return err
	}
	signed, err := evidence.OpenCheckpoint(c.Note, verifier, w.j.identity.Origin())
	if err != nil {
		return message.Wrap(ErrDamaged, "journal.damaged-checkpoint", rowNumber(c.Size),
			message.Nested("why", message.Of(err)))
	}
	if signed.Size > w.tree.Size() {
		return message.Wrap(ErrDamaged, "journal.damaged-short", message.Int("rows", w.tree.Size()),
			message.Int("signed", signed.Size))
	}
	root, err := tlog.TreeHash(signed.Size, w.tree.Reader(w.store))
	if err != nil {
		return damagedBy(err)
	}
	if root != signed.Root {
		return message.Wrap(ErrDamaged, "journal.damaged-root", rowNumber(signed.Size-1))
	}
	return nil
}

// noteEvery is how often the newest checkpoint is noted beside the journal: it is for a loss, and a flash card wears.
const noteEvery = time.Minute

// noteBeside writes the newest checkpoint to the file beside the journal. Nothing depends on it but that a loss is
// seen, so what fails is tried again a minute later.
func (w *writer) noteBeside() {
	c := w.j.snapshot().checkpoint
	if path := w.j.opts.Beside; path != "" && c.Size > 0 && c.Size != w.noted {
		if os.WriteFile(path+".new", []byte(c.Note), 0o640) == nil && os.Rename(path+".new", path) == nil {
			w.noted = c.Size
		}
	}
	w.notedAt = time.Now()
}

// compareBeside holds the journal against the checkpoint that was noted beside it.
func (j *Journal) compareBeside() {
	if j.opts.Beside == "" || j.opening.Damage != nil {
		return
	}
	text, err := os.ReadFile(j.opts.Beside)
	if err != nil {
		return
	}
	c, err := evidence.ReadCheckpoint(string(text))
	if err == nil && (c.Origin != j.identity.Origin() || c.Size > j.Size()) {
		j.opening.Before = c
	}
}
