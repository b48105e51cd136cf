package orders

import (
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire/drawsecret"
	"lanewarden/sync/wire/layout"
)

// Status is the state of the repository.
type Status struct {
	Made  bool         `json:"made"`  // false: there is none yet (lanehub orders init)
	Roles []RoleStatus `json:"roles"` // root first, then those that it names, then those that targets delegates to
	Files []FileStatus `json:"files"` // that are published, by path
}

// RoleStatus is one role's metadata.
type RoleStatus struct {
	Role      string    `json:"role"`
	Version   int64     `json:"version"`
	Expires   time.Time `json:"expires"`
	Threshold int       `json:"threshold"` // signatures that it needs
	Keys      []string  `json:"keys"`      // ids of the keys that may sign it
	// Waiting is set when a next version waits for signatures.
	Waiting  bool     `json:"waiting"`
	SignedBy []string `json:"signed_by,omitempty"` // ids of the keys that have signed the next version
}

// FileStatus is one published file.
type FileStatus struct {
	Path   string `json:"path"`
	Site   string `json:"site,omitempty"` // for which it is; empty for all
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Role   string `json:"role"` // that signs it
}

// Status reads the state.
func (r *Repository) Status() (Status, error) {
	s := Status{Made: r.Exists(), Roles: []RoleStatus{}, Files: []FileStatus{}}
	if !s.Made {
		return s, nil
	}
	c, err := r.current()
	if err != nil {
		return s, err
	}
	root, timestamp, snapshot := c.root.Signed, c.timestamp.Signed, c.snapshot.Signed
	add := func(role string, version int64, expires time.Time, threshold int, keys []string) error {
		by, waiting, err := r.signedBy(role)
		s.Roles = append(s.Roles, RoleStatus{
			Role: role, Version: version, Expires: expires, Threshold: threshold, Keys: keys,
			Waiting: waiting, SignedBy: by,
		})
		return err
	}
	err = errors.Join(
		add(metadata.ROOT, root.Version, root.Expires, root.Roles[metadata.ROOT].Threshold,
			root.Roles[metadata.ROOT].KeyIDs),
		add(metadata.TIMESTAMP, timestamp.Version, timestamp.Expires, 1, root.Roles[metadata.TIMESTAMP].KeyIDs),
		add(metadata.SNAPSHOT, snapshot.Version, snapshot.Expires, 1, root.Roles[metadata.SNAPSHOT].KeyIDs),
	)
	targets := c.targets[metadata.TARGETS].Signed
	t := root.Roles[metadata.TARGETS]
	err = errors.Join(err, add(metadata.TARGETS, targets.Version, targets.Expires, t.Threshold, t.KeyIDs))
	for _, d := range targets.Delegations.Roles {
		one := c.targets[d.Name].Signed
		err = errors.Join(err, add(d.Name, one.Version, one.Expires, d.Threshold, d.KeyIDs))
	}
	for _, role := range slices.Sorted(maps.Keys(c.targets)) {
		for path, f := range c.targets[role].Signed.Targets {
			local, site := layout.Split(path)
			s.Files = append(s.Files, FileStatus{
				Path: local, Site: site, SHA256: hex.EncodeToString(f.Hashes["sha256"]), Bytes: f.Length, Role: role,
			})
		}
	}
	slices.SortFunc(s.Files, func(a, b FileStatus) int { return strings.Compare(a.Site+"/"+a.Path, b.Site+"/"+b.Path) })
	return s, err
}

// SecretsUntil returns the last day (UTC, 2026-12-01) for which secrets of random checks are published, by site.
func (s Status) SecretsUntil() map[string]string {
	last := map[string]string{}
	for _, f := range s.Files {
		if day, revealed, ok := drawsecret.ParsePath(f.Path); ok && !revealed {
			last[f.Site] = max(last[f.Site], day)
		}
	}
	return last
}

// signedBy returns which keys have signed what waits of a role.
func (r *Repository) signedBy(role string) (ids []string, waiting bool, err error) {
	var signatures []metadata.Signature
	if role == metadata.ROOT {
		m, err := read(r.pendingFile(role), metadata.Root())
		if err != nil || m == nil {
			return nil, false, err
		}
		signatures = m.Signatures
	} else {
		m, err := read(r.pendingFile(role), metadata.Targets())
		if err != nil || m == nil {
			return nil, false, err
		}
		signatures = m.Signatures
	}
	for _, one := range signatures {
		ids = append(ids, one.KeyID)
	}
	return ids, true, nil
}

// Export copies what the lanes of a site need into a folder, for a stick; site "" for the lanes of all sites. The
// timestamp comes last, so that a folder from which a copy was torn away is seen not to be whole.
func (r *Repository) Export(dir, site string) (files int, err error) {
	unlock, err := r.lock()
	if err != nil {
		return 0, err
	}
	defer unlock()
	c, err := r.current()
	if err != nil {
		return 0, err
	}
	var names []string
	for v := int64(1); v <= c.root.Signed.Version; v++ {
		names = append(names, layout.Metadata(metadata.ROOT, v))
	}
	names = append(names, layout.Metadata(metadata.SNAPSHOT, c.snapshot.Signed.Version))
	for role, m := range c.targets {
		names = append(names, layout.Metadata(role, m.Signed.Version))
		for path, f := range m.Signed.Targets {
			names = append(names, layout.File(path, f.Hashes["sha256"]))
		}
	}
	slices.Sort(names)
	for _, name := range append(slices.Compact(names), layout.Timestamp) {
		if site != "" && !layout.Serves(name, site) {
			continue
		}
		local := filepath.FromSlash(name)
		if err := copyFile(filepath.Join(r.dir, local), filepath.Join(dir, local)); err != nil {
			return files, err
		}
		files++
	}
	return files, sqlog.SyncDir(dir)
}

// copyFile copies a file to a place whose folders are made, durably.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
