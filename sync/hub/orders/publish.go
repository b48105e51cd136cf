package orders

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/drivers/message"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire/layout"
)

// File is a file to publish.
type File struct {
	Path   string          // "lists/targets/full-12.csv"
	Site   string          // for which it is; "" for all
	From   string          // its content
	Custom json.RawMessage // what consumers are told of it beside path and size; nil for nothing
}

// Publish enters files, withdraws others by their paths as published, and signs with the keys that are at hand. done
// says that the change is in force; otherwise it waits for the signature of somebody else (Sign).
func (r *Repository) Publish(files []File, withdraw []string, keys []Key) (done bool, err error) {
	return r.change(func() error {
		edits := map[string]func(*metadata.TargetsType){}
		add := func(target string, edit func(*metadata.TargetsType)) {
			role, before := layout.Role(target), edits[layout.Role(target)]
			edits[role] = func(t *metadata.TargetsType) {
				if before != nil {
					before(t)
				}
				edit(t)
			}
		}
		for _, f := range files {
			target, entry, err := r.take(f)
			if err != nil {
				return err
			}
			add(target, func(t *metadata.TargetsType) { t.Targets[target] = entry })
		}
		for _, target := range withdraw {
			add(target, func(t *metadata.TargetsType) { delete(t.Targets, target) })
		}
		for role, edit := range edits {
			if err := r.edit(role, edit); err != nil {
				return err
			}
		}
		return r.addSignatures(keys)
	})
}

// Withdraw takes files of a site, "" for those of all, out of what is published.
func (r *Repository) Withdraw(paths []string, site string, keys []Key) (done bool, err error) {
	status, err := r.Status()
	if err != nil {
		return false, err
	}
	var targets []string
	for _, path := range paths {
		known := func(f FileStatus) bool { return f.Path == path && f.Site == site }
		if !slices.ContainsFunc(status.Files, known) {
			return false, message.Errorf("orders.not-published", message.String("file", layout.Join(path, site)))
		}
		targets = append(targets, layout.Join(path, site))
	}
	return r.Publish(nil, targets, keys)
}

// change makes a change under the lock and puts in force what has its signatures. done is false when something waits.
func (r *Repository) change(edit func() error) (done bool, err error) {
	if !r.Exists() {
		return false, message.Errorf("orders.no-repository", message.String("dir", r.dir))
	}
	unlock, err := r.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	if err := edit(); err != nil {
		return false, err
	}
	if err := r.commit(); err != nil {
		return false, err
	}
	waiting, err := r.pendingRoles()
	return len(waiting) == 0, err
}

// pendingRoles lists the roles whose metadata waits for signatures.
func (r *Repository) pendingRoles() (roles []string, err error) {
	entries, err := os.ReadDir(filepath.Join(r.dir, pendingDir))
	for _, e := range entries {
		if role, ok := bytes.CutSuffix([]byte(e.Name()), []byte(".json")); ok && e.Name()[0] != '.' {
			roles = append(roles, string(role))
		}
	}
	return roles, err
}

// take copies a file into the repository under its SHA-256 and returns the target's path and what metadata says of it.
func (r *Repository) take(f File) (target string, entry *metadata.TargetFiles, err error) {
	target = layout.Join(f.Path, f.Site)
	if err := layout.CheckTarget(target); err != nil {
		return "", nil, err
	}
	in, err := os.Open(f.From)
	if err != nil {
		return "", nil, err
	}
	defer in.Close()
	dir := filepath.Join(r.dir, layout.TargetsDir, filepath.Dir(filepath.FromSlash(target)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	part, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return "", nil, err
	}
	defer os.Remove(part.Name())
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(part, h), io.LimitReader(in, layout.MaxTarget+1))
	if err = errors.Join(err, part.Chmod(0o644), part.Sync(), part.Close()); err != nil {
		return "", nil, err
	}
	if n > layout.MaxTarget {
		return "", nil, message.Errorf("orders.too-large", message.String("file", f.From), message.Int("most", int64(layout.MaxTarget)))
	}
	sum := h.Sum(nil)
	if err := os.Rename(part.Name(), filepath.Join(r.dir, filepath.FromSlash(layout.File(target, sum)))); err != nil {
		return "", nil, err
	}
	entry = &metadata.TargetFiles{Length: n, Hashes: metadata.Hashes{"sha256": sum}, Path: target}
	if f.Custom != nil {
		entry.Custom = &f.Custom
	}
	return target, entry, sqlog.SyncDir(dir)
}

// edit changes the next metadata of a role: that which waits already, or a copy of what is in force. Signatures of
// before do not count for it.
func (r *Repository) edit(role string, edit func(*metadata.TargetsType)) error {
	next, err := r.next(role)
	if err != nil {
		return err
	}
	edit(&next.Signed)
	return writePending(r, role, next)
}

// next returns a role's next metadata, without signatures.
func (r *Repository) next(role string) (*metadata.Metadata[metadata.TargetsType], error) {
	c, err := r.current()
	if err != nil {
		return nil, err
	}
	next, err := read(r.pendingFile(role), metadata.Targets())
	if err != nil {
		return nil, err
	}
	if next == nil {
		next = c.targets[role]
	}
	if next == nil {
		return nil, message.Errorf("orders.no-role", message.String("role", role))
	}
	next.ClearSignatures()
	next.Signed.Version = 1
	if meta := c.snapshot.Signed.Meta[role+".json"]; meta != nil {
		next.Signed.Version = meta.Version + 1
	}
	next.Signed.Expires = r.now().Add(yearly).UTC()
	return next, nil
}

// Sign adds signatures to what waits for them.
func (r *Repository) Sign(keys []Key) (done bool, err error) {
	return r.change(func() error { return r.addSignatures(keys) })
}

// Renew makes the same metadata again, which is good for a year from now, and signs it with the keys that are at hand.
func (r *Repository) Renew(role string, keys []Key) (done bool, err error) {
	return r.change(func() error {
		if role == metadata.ROOT {
			err = r.editRoot(func(*metadata.RootType) error { return nil })
		} else {
			err = r.edit(role, func(*metadata.TargetsType) {})
		}
		return errors.Join(err, r.addSignatures(keys))
	})
}

// addSignatures signs all that waits with those of the keys that are a role's.
func (r *Repository) addSignatures(keys []Key) error {
	roles, err := r.pendingRoles()
	if err != nil {
		return err
	}
	c, err := r.current()
	if err != nil {
		return err
	}
	for _, role := range roles {
		if role == metadata.ROOT {
			err = r.signRoot(c, keys)
		} else {
			err = r.signTargets(c, role, keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) signRoot(c current, keys []Key) error {
	m, err := read(r.pendingFile(metadata.ROOT), metadata.Root())
	if err != nil {
		return err
	}
	ids := slices.Clone(m.Signed.Roles[metadata.ROOT].KeyIDs)
	if c.root != nil {
		ids = append(ids, c.root.Signed.Roles[metadata.ROOT].KeyIDs...)
	}
	if err := SignWith(m, among(keys, ids)); err != nil {
		return err
	}
	return writePending(r, metadata.ROOT, m)
}

func (r *Repository) signTargets(c current, role string, keys []Key) error {
	m, err := read(r.pendingFile(role), metadata.Targets())
	if err != nil {
		return err
	}
	ids, err := r.keyIDs(c, role)
	if err != nil {
		return err
	}
	if err := SignWith(m, among(keys, ids)); err != nil {
		return err
	}
	return writePending(r, role, m)
}

// keyIDs returns the keys that may sign a role, by what is in force and by what waits.
func (r *Repository) keyIDs(c current, role string) (ids []string, err error) {
	if role == metadata.TARGETS {
		root, err := read(r.pendingFile(metadata.ROOT), metadata.Root())
		for _, one := range []*metadata.Metadata[metadata.RootType]{c.root, root} {
			if one != nil {
				ids = append(ids, one.Signed.Roles[role].KeyIDs...)
			}
		}
		return ids, err
	}
	waiting, err := read(r.pendingFile(metadata.TARGETS), metadata.Targets())
	for _, one := range []*metadata.Metadata[metadata.TargetsType]{c.targets[metadata.TARGETS], waiting} {
		if one == nil || one.Signed.Delegations == nil {
			continue
		}
		for _, d := range one.Signed.Delegations.Roles {
			if d.Name == role {
				ids = append(ids, d.KeyIDs...)
			}
		}
	}
	return ids, err
}

// among returns the keys whose ids are in a list.
func among(keys []Key, ids []string) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool {
		id, err := k.ID()
		return err != nil || !slices.Contains(ids, id)
	})
}
