package downlink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/wire/layout"
)

// set is the signed metadata in force: files as they came. It is kept in one file, so that a power cut leaves all of
// the old ones or all of the new ones.
type set struct {
	Initial   []byte            `json:"initial"` // the root that this lane was given; another one begins anew
	Root      []byte            `json:"root"`
	Timestamp []byte            `json:"timestamp,omitempty"`
	Snapshot  []byte            `json:"snapshot,omitempty"`
	Targets   map[string][]byte `json:"targets,omitempty"` // by role
}

// readSet reads the set that is kept in a file. One of another root than the lane has been given, one that is damaged,
// and none are the set of that root alone.
func readSet(path string, initial []byte) (set, error) {
	fresh := set{Initial: initial, Root: initial}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, err
	}
	var kept set
	if err := json.Unmarshal(text, &kept); err != nil || string(kept.Initial) != string(initial) {
		return fresh, nil
	}
	return kept, nil
}

// write keeps the set, whole or not at all.
func (s *set) write(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return linefile.Replace(path, text, 0o600)
}

// Target is a file that the centre publishes and that this lane may take.
type Target struct {
	Path   string          `json:"path"`   // "lists/targets/full-12.csv"
	Site   string          `json:"site"`   // for which it is; "" for all
	SHA256 []byte          `json:"sha256"` // of its content
	Length int64           `json:"length"` // bytes
	Custom json.RawMessage `json:"custom,omitempty"`
	Role   string          `json:"role"` // that signed it
}

// inForce is what a set says once it is checked.
type inForce struct {
	root, timestamp int64     // versions
	issued          time.Time // when the centre signed the timestamp; zero where it does not say
	signers         string    // keys of the timestamp, to tell whether they were exchanged
	targets         []Target  // sorted by path
}

// check is one run of TUF's client workflow (specification 1.0, section 5) for one site.
type check struct {
	fetcher Fetcher
	site    string
	old     set
	next    set
	tm      *trustedmetadata.TrustedMetadata
}

// refresh fetches what is new and returns the set to be in force. Expired and refused is what is older than what was
// trusted before, or what is not whole. After an error the set is the old one, but for root versions that were
// accepted. now returns the time by which is judged, for the keys that sign timestamps now.
func refresh(ctx context.Context, f Fetcher, site string, old set, now func(signers string) time.Time) (
	next set, is inForce, err error) {
	c := &check{fetcher: f, site: site, old: old, next: set{Initial: old.Initial, Root: old.Root, Targets: map[string][]byte{}}}
	defer func() {
		if r := recover(); r != nil { // hostile metadata in a library
			err = message.Wrap(fmt.Errorf("%v", r), "orders.malformed", message.String("file", layout.Timestamp))
		}
		if err != nil {
			root := c.next.Root
			next, is = old, inForce{}
			next.Root = root
		}
	}()
	if c.tm, err = trustedmetadata.New(old.Root); err != nil {
		return old, is, refused(err, metadata.ROOT)
	}
	if err := c.root(ctx); err != nil {
		return old, is, err
	}
	c.tm.RefTime = now(c.signers())
	for _, step := range []func(context.Context) error{c.timestamp, c.snapshot, c.targets} {
		if err := step(ctx); err != nil {
			return old, is, err
		}
	}
	is, err = c.says()
	return c.next, is, err
}

// root goes through all newer versions of root, each of which the one before must have signed.
func (c *check) root(ctx context.Context) error {
	for range layout.MaxRotations {
		data, err := c.fetch(ctx, metadata.ROOT, c.tm.Root.Signed.Version+1, layout.MaxMetadata)
		if errors.Is(err, ErrMissing) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.tm.UpdateRoot(data); err != nil {
			return refused(err, metadata.ROOT)
		}
		c.next.Root = data
	}
	return nil
}

// timestamp takes a newer timestamp. The old one only guards against older ones, so that what is wrong with it does
// not matter: it may have expired, or be signed with keys that were exchanged since.
func (c *check) timestamp(ctx context.Context) error {
	if c.old.Timestamp != nil {
		_, _ = c.tm.UpdateTimestamp(c.old.Timestamp)
	}
	c.next.Timestamp = c.old.Timestamp
	data, err := c.fetch(ctx, metadata.TIMESTAMP, 0, layout.MaxMetadata)
	if err != nil {
		return err
	}
	_, err = c.tm.UpdateTimestamp(data)
	if errors.Is(err, &metadata.ErrEqualVersionNumber{}) {
		return nil
	}
	c.next.Timestamp = data
	return refused(err, metadata.TIMESTAMP)
}

// snapshot takes the snapshot that the timestamp names. The old one guards against older versions of targets.
func (c *check) snapshot(ctx context.Context) error {
	if c.old.Snapshot != nil {
		if _, err := c.tm.UpdateSnapshot(c.old.Snapshot, true); err == nil {
			c.next.Snapshot = c.old.Snapshot
			return nil
		}
	}
	meta := c.tm.Timestamp.Signed.Meta["snapshot.json"]
	data, err := c.fetch(ctx, metadata.SNAPSHOT, meta.Version, lengthOf(meta))
	if err != nil {
		return err
	}
	c.next.Snapshot = data
	_, err = c.tm.UpdateSnapshot(data, false)
	return refused(err, metadata.SNAPSHOT)
}

// signers names the keys that sign timestamps.
func (c *check) signers() string {
	return strings.Join(slices.Sorted(slices.Values(c.tm.Root.Signed.Roles[metadata.TIMESTAMP].KeyIDs)), " ")
}

// lengthOf returns how long a file of metadata may be.
func lengthOf(meta *metadata.MetaFiles) int64 {
	if meta.Length > 0 {
		return min(meta.Length, layout.MaxMetadata)
	}
	return layout.MaxMetadata
}

// targets takes the metadata of targets and of the roles that are for this lane.
func (c *check) targets(ctx context.Context) error {
	if err := c.role(ctx, metadata.TARGETS, metadata.ROOT); err != nil {
		return err
	}
	if d := c.tm.Targets[metadata.TARGETS].Signed.Delegations; d != nil {
		for _, r := range d.Roles {
			if site, ok := layout.SiteOf(r.Name); ok && site != c.site {
				continue
			}
			if err := c.role(ctx, r.Name, metadata.TARGETS); err != nil {
				return err
			}
		}
	}
	return nil
}

// role takes the metadata of one role, that which is kept where it is still the one that the snapshot names.
func (c *check) role(ctx context.Context, role, parent string) error {
	if kept := c.old.Targets[role]; kept != nil {
		if _, err := c.tm.UpdateDelegatedTargets(kept, role, parent); err == nil {
			c.next.Targets[role] = kept
			return nil
		}
	}
	meta := c.tm.Snapshot.Signed.Meta[role+".json"]
	if meta == nil {
		return message.Errorf("orders.mixed", message.String("file", role))
	}
	data, err := c.fetch(ctx, role, meta.Version, lengthOf(meta))
	if err != nil {
		return err
	}
	c.next.Targets[role] = data
	_, err = c.tm.UpdateDelegatedTargets(data, role, parent)
	return refused(err, role)
}

// fetch reads a file of metadata and guards it.
func (c *check) fetch(ctx context.Context, role string, version, most int64) ([]byte, error) {
	data, err := fetchAll(ctx, c.fetcher, layout.Metadata(role, version), most)
	if err != nil {
		return nil, err
	}
	return data, layout.Guard(role, data)
}

// says reads what the checked set says. A role that names what it was not delegated is refused as a whole.
func (c *check) says() (is inForce, err error) {
	is.root, is.timestamp = c.tm.Root.Signed.Version, c.tm.Timestamp.Signed.Version
	if text, ok := c.tm.Timestamp.Signed.UnrecognizedFields[layout.IssuedField].(string); ok {
		is.issued, _ = time.Parse(time.RFC3339, text)
	}
	is.signers = c.signers()
	for _, role := range slices.Sorted(maps.Keys(c.tm.Targets)) {
		for path, file := range c.tm.Targets[role].Signed.Targets {
			local, site := layout.Split(path)
			if role != metadata.TARGETS && layout.Role(path) != role {
				return is, message.Errorf("orders.foreign", message.String("file", role), message.String("path", path))
			}
			if site != "" && site != c.site {
				continue
			}
			sum := file.Hashes["sha256"]
			if len(sum) != 32 || file.Length < 0 || file.Length > layout.MaxTarget {
				return is, message.Errorf("orders.not-ours", message.String("file", role))
			}
			t := Target{Path: local, Site: site, SHA256: sum, Length: file.Length, Role: role}
			if file.Custom != nil {
				t.Custom = *file.Custom
			}
			is.targets = append(is.targets, t)
		}
	}
	slices.SortFunc(is.targets, func(a, b Target) int { return strings.Compare(a.Path+"\x00"+a.Site, b.Path+"\x00"+b.Site) })
	return is, nil
}

// rootVersion returns the version of a root.
func rootVersion(root []byte) (int64, error) {
	if err := layout.Guard(metadata.ROOT, root); err != nil {
		return 0, err
	}
	tm, err := trustedmetadata.New(root)
	if err != nil {
		return 0, refused(err, metadata.ROOT)
	}
	return tm.Root.Signed.Version, nil
}

// keptOnly is a Fetcher of nothing.
type keptOnly struct{ timestamp []byte }

// Fetch implements Fetcher.
func (k keptOnly) Fetch(_ context.Context, name string, offset int64, _ int) ([]byte, int64, error) {
	if name != layout.Timestamp || offset > int64(len(k.timestamp)) || k.timestamp == nil {
		return nil, 0, ErrMissing
	}
	return k.timestamp[offset:], int64(len(k.timestamp)), nil
}

// readInForce reads what a kept set says, whatever has expired of it since.
func readInForce(kept set, site string) (inForce, error) {
	_, is, err := refresh(context.Background(), keptOnly{kept.Timestamp}, site, kept, func(string) time.Time { return time.Time{} })
	return is, err
}
