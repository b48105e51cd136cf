package journal

import (
	"encoding/json"
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

// A database is set aside into a folder of the journal's directory: its name says why and when, UTC.
const (
	damagedPrefix = "damaged-"
	refusedPrefix = "refused-"
	asideTime     = "20060102T150405Z"
)

// Files that have the database set aside at the next start. They hold the reason.
const (
	markFile    = "damaged" // it was found damaged while it was in use
	refusedFile = "refused" // the hub holds another past of it; JSON of a message.Text
)

// Opening is what Open met and went on without.
type Opening struct {
	Damage  error        // why the database was set aside as damaged; nil when it was not
	Refused message.Text // why the hub refused it, which is why it was set aside; zero when it was not
	Aside   string       // folder in which it is whole

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
	if reason, err := os.ReadFile(filepath.Join(dir, refusedFile)); err == nil {
		return beginAfterRefusal(dir, opts, reason)
	}
	if err := checkKey(dir, opts); err != nil {
		return beginAnew(dir, opts, errors.Join(err, moveNoKey(dir)))
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
	aside, err := setAside(dir, damagedPrefix)
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

// beginAfterRefusal begins a new journal after the hub has refused the one that is there.
func beginAfterRefusal(dir string, opts Options, reason []byte) (*Journal, error) {
	aside, err := setAside(dir, refusedPrefix)
	if err != nil {
		return nil, err
	}
	j, err := openOnce(dir, opts)
	if err != nil {
		return nil, err
	}
	j.opening.Aside = aside
	if err := json.Unmarshal(reason, &j.opening.Refused); err != nil || j.opening.Refused.IsZero() {
		j.opening.Refused = message.Text{EN: string(reason), FR: string(reason)} // cut by a crash: it is shown as it is
	}
	return j, nil
}

// refusalPause is how soon after a journal was set aside because the hub refused it the next one may be: a hub that refuses
// every journal must not fill the card with them.
const refusalPause = time.Hour

// SetAsideNext has the journal set aside when it is opened next, because the hub holds another past of it: its disk was
// restored from an image, or another box wrote under its name. It reports false when the last time is under an hour ago.
func (j *Journal) SetAsideNext(why message.Text) (bool, error) {
	before, err := filepath.Glob(filepath.Join(j.dir, refusedPrefix+"*"))
	if err != nil {
		return false, err
	}
	for _, aside := range before {
		if info, err := os.Stat(aside); err == nil && time.Since(info.ModTime()).Abs() < refusalPause {
			return false, nil
		}
	}
	text, err := json.Marshal(why)
	if err != nil {
		return false, err
	}
	f, err := os.Create(filepath.Join(j.dir, refusedFile))
	if err != nil {
		return false, err
	}
	_, err = f.Write(text)
	return true, errors.Join(err, f.Sync(), f.Close())
}

// setAside moves the database, with its write-ahead log, into a folder of its own. Artifacts stay where they are,
// named by their SHA-256: the new journal does not know them, and they are deleted by nobody.
func setAside(dir, prefix string) (aside string, err error) {
	aside = filepath.Join(dir, prefix+time.Now().UTC().Format(asideTime))
	if err := sqlog.MakeDir(aside); err != nil {
		return "", err
	}
	// The log goes first: without its database it is nothing, but a new database with an old log would be damaged too.
	for _, name := range []string{FileName + "-wal", FileName + "-shm", FileName, markFile, refusedFile} {
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
	if j.opts.Beside == "" || j.opening.Aside != "" {
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
