// Package orders keeps the centre's side of what comes down to lanes: a repository of The Update Framework in a
// folder of the hub. Files to publish and keys go in; signed metadata comes out, which lanes fetch over the link or
// from a stick (sync/downlink). docs/orders.md tells the rules.
package orders

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire/layout"
)

// Folders and files of a repository, beside the metadata and layout.TargetsDir.
const (
	keysDir    = "keys"    // with which a running hub signs snapshot and timestamp
	pendingDir = "pending" // metadata that waits for signatures
	lockFile   = "lock"
)

// How long metadata is good for. What two persons sign is renewed by them once a year; the hub renews the rest by
// itself.
const (
	yearly        = 365 * 24 * time.Hour
	snapshotLife  = 30 * 24 * time.Hour
	timestampLife = 7 * 24 * time.Hour
	renewBefore   = 6 * 24 * time.Hour  // the timestamp's end: once a day
	renewSnapshot = 20 * 24 * time.Hour // before its end
)

// Repository is a repository in a folder. Several processes may use it at once.
type Repository struct {
	dir string
	now func() time.Time
}

// Dir is the folder of the repository in the hub's folder.
const Dir = "orders"

// At returns the repository in a folder, which need not be there yet.
func At(dir string) *Repository { return &Repository{dir: dir, now: time.Now} }

// Exists reports whether the repository was made.
func (r *Repository) Exists() bool {
	_, err := os.Stat(filepath.Join(r.dir, layout.Timestamp))
	return err == nil
}

// Root returns the root of trust in force, as lanes are given it (root.json of TUF); nil where the repository was not made.
func (r *Repository) Root() ([]byte, error) {
	if !r.Exists() {
		return nil, nil
	}
	c, err := r.current()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(r.file(metadata.ROOT, c.root.Signed.Version))
}

// lock waits until no other process changes the repository.
func (r *Repository) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(r.dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

// Names of the keys that Init makes.
const (
	timestampKey = "timestamp"
	snapshotKey  = "snapshot"
)

// offlineKeys lists the keys that are kept away from the hub, by role: so many must sign as threshold says.
var offlineKeys = []struct {
	role      string
	names     []string
	threshold int
}{
	{metadata.ROOT, []string{"root-1", "root-2", "root-3"}, 2},
	{metadata.TARGETS, []string{"targets-1", "targets-2"}, 2},
	{layout.Lists, []string{layout.Lists}, 1},
}

// Init makes a repository, and the keys of those who publish, sealed with a passphrase, in a folder of their own. It
// returns the files of the keys, and that of the root of trust, which lanes are given.
func (r *Repository) Init(keys, passphrase string) (files []string, root string, err error) {
	if r.Exists() {
		return nil, "", message.Errorf("orders.there", message.String("dir", r.dir))
	}
	for _, dir := range []string{r.dir, filepath.Join(r.dir, keysDir), filepath.Join(r.dir, pendingDir), keys} {
		if err := sqlog.MakeDir(dir); err != nil {
			return nil, "", err
		}
	}
	unlock, err := r.lock()
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	signing := map[string][]Key{}
	for _, o := range offlineKeys {
		for _, name := range o.names {
			k, err := NewKey(name)
			if err != nil {
				return nil, "", err
			}
			file, err := k.Write(keys, passphrase)
			if err != nil {
				return nil, "", err
			}
			files, signing[o.role] = append(files, file), append(signing[o.role], k)
		}
	}
	for _, name := range []string{snapshotKey, timestampKey} {
		k, err := NewKey(name)
		if err == nil {
			_, err = k.Write(filepath.Join(r.dir, keysDir), "")
		}
		if err != nil {
			return nil, "", err
		}
		signing[name] = []Key{k}
	}
	if err := r.first(signing); err != nil {
		return nil, "", err
	}
	return files, filepath.Join(r.dir, layout.Metadata(metadata.ROOT, 1)), nil
}

// first writes version 1 of everything, with nothing published.
func (r *Repository) first(signing map[string][]Key) error {
	root := metadata.Root(r.now().Add(yearly).UTC())
	targets := metadata.Targets(r.now().Add(yearly).UTC())
	for role, keys := range signing {
		if role == layout.Lists {
			continue
		}
		for _, k := range keys {
			err := addKey(k, func(public *metadata.Key) error { return root.Signed.AddKey(public, role) })
			if err != nil {
				return err
			}
		}
	}
	for _, o := range offlineKeys[:2] {
		root.Signed.Roles[o.role].Threshold = o.threshold
	}
	if err := delegate(&targets.Signed, layout.Lists, signing[layout.Lists][0]); err != nil {
		return err
	}
	lists := metadata.Targets(r.now().Add(yearly).UTC())
	err := errors.Join(SignWith(root, signing[metadata.ROOT]), SignWith(targets, signing[metadata.TARGETS]),
		SignWith(lists, signing[layout.Lists]))
	if err != nil {
		return err
	}
	return errors.Join(writePending(r, metadata.ROOT, root), writePending(r, metadata.TARGETS, targets),
		writePending(r, layout.Lists, lists), r.commit())
}

// delegate has targets delegate to a role with one key.
func delegate(targets *metadata.TargetsType, role string, k Key) error {
	if targets.Delegations == nil {
		targets.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	d := targets.Delegations
	d.Roles = slices.DeleteFunc(d.Roles, func(one metadata.DelegatedRole) bool { return one.Name == role })
	if len(d.Roles) >= layout.MaxDelegations {
		return message.Errorf("orders.delegations", message.Int("n", len(d.Roles)+1),
			message.Int("most", layout.MaxDelegations))
	}
	d.Roles = append(d.Roles, metadata.DelegatedRole{
		Name: role, Threshold: 1, Terminating: true, Paths: layout.Patterns(role),
	})
	return addKey(k, func(public *metadata.Key) error { return targets.AddKey(public, role) })
}

func addKey(k Key, add func(*metadata.Key) error) error {
	public, err := k.Public()
	if err != nil {
		return err
	}
	return add(public)
}

// SignWith adds the signatures of keys to metadata.
func SignWith[T metadata.Roles](m *metadata.Metadata[T], keys []Key) error {
	for _, k := range keys {
		id, err := k.ID()
		if err != nil {
			return err
		}
		m.Signatures = slices.DeleteFunc(m.Signatures, func(s metadata.Signature) bool { return s.KeyID == id })
		signer, err := k.signer()
		if err != nil {
			return err
		}
		if _, err := m.Sign(signer); err != nil {
			return err
		}
	}
	return nil
}

// read reads a file of metadata; nil for one that is not there.
func read[T metadata.Roles](file string, empty *metadata.Metadata[T]) (*metadata.Metadata[T], error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := empty.FromBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

func (r *Repository) pendingFile(role string) string {
	return filepath.Join(r.dir, pendingDir, role+".json")
}

func writePending[T metadata.Roles](r *Repository, role string, m *metadata.Metadata[T]) error {
	return write(r.pendingFile(role), m)
}

func write[T metadata.Roles](file string, m *metadata.Metadata[T]) error {
	text, err := m.ToBytes(false)
	if err != nil {
		return err
	}
	if len(text) > layout.MaxMetadata {
		return message.Errorf("orders.too-large", message.String("file", filepath.Base(file)),
			message.Int("most", layout.MaxMetadata))
	}
	return linefile.Replace(file, text, 0o644)
}

// current is the metadata in force at the centre.
type current struct {
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType] // nil before the first
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   map[string]*metadata.Metadata[metadata.TargetsType]
}

// current reads what is in force. What a crash left behind of a change that was not finished does not count.
func (r *Repository) current() (c current, err error) {
	c.targets = map[string]*metadata.Metadata[metadata.TargetsType]{}
	for v := int64(1); ; v++ {
		next, err := read(r.file(metadata.ROOT, v), metadata.Root())
		if err != nil {
			return c, err
		}
		if next == nil {
			break
		}
		c.root = next
	}
	if c.timestamp, err = read(r.file(metadata.TIMESTAMP, 0), metadata.Timestamp()); err != nil || c.timestamp == nil {
		return c, err
	}
	version := c.timestamp.Signed.Meta["snapshot.json"].Version
	if c.snapshot, err = read(r.file(metadata.SNAPSHOT, version), metadata.Snapshot()); err != nil {
		return c, err
	}
	if c.snapshot == nil {
		return c, message.Errorf("orders.lost", message.String("file", r.file(metadata.SNAPSHOT, version)))
	}
	for name, meta := range c.snapshot.Signed.Meta {
		role := name[:len(name)-len(".json")]
		one, err := read(r.file(role, meta.Version), metadata.Targets())
		if err != nil {
			return c, err
		}
		if one == nil {
			return c, message.Errorf("orders.lost", message.String("file", r.file(role, meta.Version)))
		}
		c.targets[role] = one
	}
	return c, nil
}

func (r *Repository) file(role string, version int64) string {
	return filepath.Join(r.dir, layout.Metadata(role, version))
}

// commit puts pending metadata in force that has all its signatures, together: root, targets, the roles that it
// delegates to, a snapshot of them, and last the timestamp, from which lanes see the change. What lacks signatures
// goes on waiting.
func (r *Repository) commit() error {
	c, err := r.current()
	if err != nil {
		return err
	}
	next, done, err := r.candidates(c)
	if err != nil || len(done) == 0 {
		return err
	}
	for _, role := range done {
		if role == metadata.ROOT {
			err = write(r.file(role, next.root.Signed.Version), next.root)
		} else {
			err = write(r.file(role, next.targets[role].Signed.Version), next.targets[role])
		}
		if err != nil {
			return err
		}
	}
	if err := r.publish(c, next); err != nil {
		return err
	}
	for _, role := range done {
		if err := os.Remove(r.pendingFile(role)); err != nil {
			return err
		}
	}
	return nil
}

// candidates returns what would be in force, and the roles of which that is pending metadata. Nothing is done while a
// role would be left without metadata that its keys have signed.
func (r *Repository) candidates(c current) (next current, done []string, err error) {
	next = current{root: c.root, timestamp: c.timestamp, snapshot: c.snapshot, targets: maps.Clone(c.targets)}
	pending, err := read(r.pendingFile(metadata.ROOT), metadata.Root())
	if err != nil {
		return next, nil, err
	}
	if pending != nil && (c.root == nil || c.root.VerifyDelegate(metadata.ROOT, pending) == nil) &&
		pending.VerifyDelegate(metadata.ROOT, pending) == nil {
		next.root, done = pending, append(done, metadata.ROOT)
	}
	if next.root == nil {
		return next, nil, nil
	}
	choose := func(role string, verify func(string, any) error) (bool, error) {
		waiting, err := read(r.pendingFile(role), metadata.Targets())
		if err != nil {
			return false, err
		}
		if waiting != nil && verify(role, waiting) == nil {
			next.targets[role], done = waiting, append(done, role)
			return true, nil
		}
		return c.targets[role] != nil && verify(role, c.targets[role]) == nil, nil
	}
	whole, err := choose(metadata.TARGETS, next.root.VerifyDelegate)
	if err != nil || !whole {
		return next, nil, err
	}
	targets := next.targets[metadata.TARGETS]
	for _, role := range targets.Signed.Delegations.Roles {
		if whole, err := choose(role.Name, targets.VerifyDelegate); err != nil || !whole {
			return next, nil, err
		}
	}
	return next, done, nil
}

// publish writes the next snapshot and the next timestamp.
func (r *Repository) publish(c, next current) error {
	snapshot := metadata.Snapshot(r.now().Add(snapshotLife).UTC())
	if c.snapshot != nil {
		snapshot.Signed.Version = c.snapshot.Signed.Version + 1
		snapshot.Signed.Meta = maps.Clone(c.snapshot.Signed.Meta)
	}
	for role, m := range next.targets {
		meta, err := describe(r.file(role, m.Signed.Version), m.Signed.Version)
		if err != nil {
			return err
		}
		snapshot.Signed.Meta[role+".json"] = meta
	}
	if err := r.signOnline(next.root, snapshotKey, func(k []Key) error { return SignWith(snapshot, k) }); err != nil {
		return err
	}
	if err := write(r.file(metadata.SNAPSHOT, snapshot.Signed.Version), snapshot); err != nil {
		return err
	}
	return r.writeTimestamp(next.root, c.timestamp, snapshot.Signed.Version)
}

// writeTimestamp writes the next timestamp for a version of the snapshot.
func (r *Repository) writeTimestamp(root *metadata.Metadata[metadata.RootType],
	before *metadata.Metadata[metadata.TimestampType], snapshot int64) error {
	now := r.now().UTC()
	next := metadata.Timestamp(now.Add(timestampLife))
	if before != nil {
		next.Signed.Version = before.Signed.Version + 1
	}
	next.Signed.UnrecognizedFields = map[string]any{layout.IssuedField: now.Format(time.RFC3339)}
	meta, err := describe(r.file(metadata.SNAPSHOT, snapshot), snapshot)
	if err != nil {
		return err
	}
	next.Signed.Meta["snapshot.json"] = meta
	if err := r.signOnline(root, timestampKey, func(k []Key) error { return SignWith(next, k) }); err != nil {
		return err
	}
	return write(r.file(metadata.TIMESTAMP, 0), next)
}

// describe returns what another file says of a file of metadata.
func describe(file string, version int64) (*metadata.MetaFiles, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	hashes := metadata.Hashes{"sha256": sum[:]}
	return &metadata.MetaFiles{Version: version, Length: int64(len(text)), Hashes: hashes}, nil
}

// signOnline signs with the key of the hub's own that root names for a role.
func (r *Repository) signOnline(root *metadata.Metadata[metadata.RootType], role string, sign func([]Key) error) error {
	files, err := filepath.Glob(filepath.Join(r.dir, keysDir, role+"*"+KeyEnding))
	if err != nil {
		return err
	}
	for _, file := range files {
		k, err := ReadKey(file, func() (string, error) {
			return "", message.Errorf("orders.no-key", message.String("file", file))
		})
		if err != nil {
			return err
		}
		if id, err := k.ID(); err == nil && slices.Contains(root.Signed.Roles[role].KeyIDs, id) {
			return sign([]Key{k})
		}
	}
	return message.Errorf("orders.no-online-key", message.String("role", role),
		message.String("dir", filepath.Join(r.dir, keysDir)))
}
