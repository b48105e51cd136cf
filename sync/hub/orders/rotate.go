package orders

import (
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire/layout"
)

// AddSite has a key of its own sign the lists and secrets of a site. That two persons who sign targets agree is needed
// before it is in force.
func (r *Repository) AddSite(site string, k Key, keys []Key) (done bool, err error) {
	role := layout.SiteRole(site)
	if err := layout.CheckRole(role); err != nil {
		return false, err
	}
	return r.change(func() error {
		c, err := r.current()
		if err != nil {
			return err
		}
		next := c.targets[role] // of a key that is exchanged
		if next == nil {
			next = metadata.Targets()
			if err := writePending(r, role, next); err != nil {
				return err
			}
		}
		if err := r.delegateNext(role, k); err != nil {
			return err
		}
		if err := r.edit(role, func(*metadata.TargetsType) {}); err != nil {
			return err
		}
		return r.addSignatures(append(keys, k))
	})
}

// delegateNext has the next targets delegate to a role with one key.
func (r *Repository) delegateNext(role string, k Key) (err error) {
	failed := r.edit(metadata.TARGETS, func(t *metadata.TargetsType) { err = delegate(t, role, k) })
	if failed != nil {
		return failed
	}
	return err
}

// Rotate takes a new key in the place of an old one, which is not trusted any more once this is in force: lanes
// refuse what is signed with it. old is the old key's id in metadata; the file of the new key is the caller's, but
// for the hub's own keys, snapshot and timestamp, which Rotate makes. keys are those at hand, the new one among them
// where it signs.
func (r *Repository) Rotate(role, old string, k Key, keys []Key) (done bool, err error) {
	return r.change(func() error {
		switch role {
		case metadata.ROOT, metadata.TARGETS, metadata.SNAPSHOT, metadata.TIMESTAMP:
			err = r.editRoot(func(root *metadata.RootType) error { return exchange(root, role, old, k) })
			if err == nil && role == metadata.TARGETS {
				err = r.edit(role, func(*metadata.TargetsType) {})
			}
			if err == nil && (role == metadata.SNAPSHOT || role == metadata.TIMESTAMP) {
				_, err = k.Write(filepath.Join(r.dir, keysDir), "")
			}
		default:
			if err = r.delegateNext(role, k); err == nil {
				err = r.edit(role, func(*metadata.TargetsType) {})
			}
		}
		if err != nil {
			return err
		}
		return r.addSignatures(append(keys, k))
	})
}

// exchange takes one key of a role for another one in root.
func exchange(root *metadata.RootType, role, old string, k Key) error {
	if !slices.Contains(root.Roles[role].KeyIDs, old) {
		return message.Errorf("orders.not-its-key", message.String("role", role), message.String("key", old))
	}
	if err := root.RevokeKey(old, role); err != nil {
		return err
	}
	return addKey(k, func(public *metadata.Key) error { return root.AddKey(public, role) })
}

// editRoot changes the next root, without its signatures.
func (r *Repository) editRoot(edit func(*metadata.RootType) error) error {
	c, err := r.current()
	if err != nil {
		return err
	}
	next, err := read(r.pendingFile(metadata.ROOT), metadata.Root())
	if err != nil {
		return err
	}
	version := c.root.Signed.Version + 1
	if next == nil {
		next = c.root
	}
	next.ClearSignatures()
	next.Signed.Version, next.Signed.Expires = version, r.now().Add(yearly).UTC()
	if err := edit(&next.Signed); err != nil {
		return err
	}
	return writePending(r, metadata.ROOT, next)
}
