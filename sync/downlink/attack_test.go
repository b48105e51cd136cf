package downlink

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire/layout"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refusesTarget imports a folder whose metadata is good and a target of which is refused.
func (l *lane) refusesTarget(t *testing.T, dir, reason string) {
	t.Helper()
	before := len(l.journal.checked())
	_, err := l.Import(t.Context(), dir)
	all := l.journal.checked()
	if refusalOf(err) != reason || len(all) != before+1 || all[before].Refusal != reason {
		t.Fatalf("refused as %q: %v; want %q; %d rows", refusalOf(err), err, reason, len(all)-before)
	}
}

// copyOf copies a repository, for an attacker.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// twoVersions returns a centre, a lane that has its newest state, and a copy of the state before.
func twoVersions(t *testing.T) (c *centre, l *lane, before string) {
	c = newCentre(t)
	l = newLane(t, c.root)
	c.publish(t, "lists/targets/full-1.csv", "", "one", "lists")
	before = copyOf(t, c.dir)
	c.publish(t, "lists/targets/full-2.csv", "", "two", "lists")
	l.takes(t, c.dir, "lists/targets/full-1.csv", "lists/targets/full-2.csv")
	return c, l, before
}

// edit changes a file of a repository.
func edit(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, change(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// forge reads metadata, changes it and signs it with keys that were stolen.
func forge[T metadata.Roles](t *testing.T, file string, empty *metadata.Metadata[T], change func(*T), keys ...orders.Key) {
	t.Helper()
	m, err := empty.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	change(&m.Signed)
	m.ClearSignatures()
	if err := orders.SignWith(m, keys); err != nil {
		t.Fatal(err)
	}
	if err := m.ToFile(file, false); err != nil {
		t.Fatal(err)
	}
}

// online returns one of the hub's own keys.
func (c *centre) online(t *testing.T, name string) orders.Key {
	t.Helper()
	k, err := orders.ReadKey(filepath.Join(c.dir, "keys", name+".key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func version(n int64, role string) string { return layout.Metadata(role, n) }

func TestOldTimestamp(t *testing.T) {
	_, l, before := twoVersions(t)
	l.refuses(t, before, "rolled-back")
}

// Somebody who has the hub's own keys signs a new snapshot that names the lists of before.
func TestRolledBackTargets(t *testing.T) {
	c, l, before := twoVersions(t)
	snapshot, timestamp := newest(t, c.dir)
	old, _ := newest(t, before)
	oldMeta, err := metadata.Snapshot().FromFile(filepath.Join(before, version(old, "snapshot")))
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(c.dir, version(snapshot, "snapshot")), filepath.Join(c.dir, version(snapshot+1, "snapshot")))
	forge(t, filepath.Join(c.dir, version(snapshot+1, "snapshot")), metadata.Snapshot(), func(s *metadata.SnapshotType) {
		s.Version = snapshot + 1
		s.Meta["lists.json"] = oldMeta.Signed.Meta["lists.json"]
	}, c.online(t, "snapshot"))
	forge(t, filepath.Join(c.dir, layout.Timestamp), metadata.Timestamp(), func(s *metadata.TimestampType) {
		s.Version = timestamp + 1
		s.Meta["snapshot.json"] = &metadata.MetaFiles{Version: snapshot + 1}
	}, c.online(t, "timestamp"))
	l.refuses(t, c.dir, "rolled-back")
}

// The same with an older snapshot under a newer timestamp.
func TestRolledBackSnapshot(t *testing.T) {
	c, l, _ := twoVersions(t)
	snapshot, timestamp := newest(t, c.dir)
	forge(t, filepath.Join(c.dir, layout.Timestamp), metadata.Timestamp(), func(s *metadata.TimestampType) {
		s.Version = timestamp + 1
		s.Meta["snapshot.json"] = &metadata.MetaFiles{Version: snapshot - 1}
	}, c.online(t, "timestamp"))
	l.refuses(t, c.dir, "rolled-back")
}

// newest returns the versions of snapshot and timestamp.
func newest(t *testing.T, dir string) (snapshot, timestamp int64) {
	t.Helper()
	m, err := metadata.Timestamp().FromFile(filepath.Join(dir, layout.Timestamp))
	if err != nil {
		t.Fatal(err)
	}
	return m.Signed.Meta["snapshot.json"].Version, m.Signed.Version
}

// One of the two who sign bundles, together with whoever has the hub, is not enough.
func TestOneOfTwoSignatures(t *testing.T) {
	c, l, _ := twoVersions(t)
	c.publish(t, "bundles/b.zip", "", "b", "targets-1", "targets-2")
	l.takes(t, c.dir, "bundles/b.zip")
	snapshot, timestamp := newest(t, c.dir)
	file := filepath.Join(c.dir, version(3, "targets"))
	copyFile(t, filepath.Join(c.dir, version(2, "targets")), file)
	forge(t, file, metadata.Targets(), func(s *metadata.TargetsType) {
		s.Version = 3
		s.Targets["bundles/evil.zip"] = s.Targets["bundles/b.zip"]
	}, c.keys["targets-1"])
	c.forgeUp(t, snapshot, timestamp, "targets", 3)
	l.refuses(t, c.dir, "signatures")
}

// forgeUp makes the next snapshot and timestamp that name a version of a role.
func (c *centre) forgeUp(t *testing.T, snapshot, timestamp int64, role string, v int64) {
	t.Helper()
	next := filepath.Join(c.dir, version(snapshot+1, "snapshot"))
	copyFile(t, filepath.Join(c.dir, version(snapshot, "snapshot")), next)
	forge(t, next, metadata.Snapshot(), func(s *metadata.SnapshotType) {
		s.Version = snapshot + 1
		s.Meta[role+".json"] = &metadata.MetaFiles{Version: v}
	}, c.online(t, "snapshot"))
	forge(t, filepath.Join(c.dir, layout.Timestamp), metadata.Timestamp(), func(s *metadata.TimestampType) {
		s.Version = timestamp + 1
		s.Meta["snapshot.json"] = &metadata.MetaFiles{Version: snapshot + 1}
	}, c.online(t, "timestamp"))
}

// Files of two states of the repository together.
func TestMixAndMatch(t *testing.T) {
	c, l, before := twoVersions(t)
	c.publish(t, "lists/targets/full-3.csv", "", "three", "lists")
	snapshot, _ := newest(t, c.dir)
	old, _ := newest(t, before)
	reason := swap(t, filepath.Join(before, version(old, "snapshot")), filepath.Join(c.dir, version(snapshot, "snapshot")))
	l.refuses(t, c.dir, reason)
}

// swap puts a file in the place of another one, and returns the reason for which that is refused: one that is longer than
// what was signed is not read to its end.
func swap(t *testing.T, from, to string) string {
	t.Helper()
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	reason := "mixed"
	if size(from) > size(to) {
		reason = "too-large"
	}
	copyFile(t, from, to)
	return reason
}

// A role's metadata of another state, under the newest snapshot.
func TestMixedRole(t *testing.T) {
	c, l, _ := twoVersions(t)
	c.publish(t, "lists/targets/full-3.csv", "", "three", "lists")
	l.refuses(t, c.dir, swap(t, filepath.Join(c.dir, version(2, "lists")), filepath.Join(c.dir, version(4, "lists"))))
}

// endless is a file without end.
type endless struct{ Fetcher }

func (e endless) Fetch(ctx context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	if name == layout.Timestamp || strings.HasPrefix(name, layout.TargetsDir) {
		return bytes.Repeat([]byte("["), limit), 1 << 40, nil
	}
	return e.Fetcher.Fetch(ctx, name, offset, limit)
}

// growing says a small size and goes on.
type growing struct{ Fetcher }

func (g growing) Fetch(ctx context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	if name == layout.Timestamp {
		return make([]byte, limit), 10, nil
	}
	return g.Fetcher.Fetch(ctx, name, offset, limit)
}

func TestEndlessData(t *testing.T) {
	c, l, _ := twoVersions(t)
	for _, f := range []Fetcher{endless{Folder(c.dir)}, growing{Folder(c.dir)}} {
		if _, err := l.look(t.Context(), f, 1); refusalOf(err) != "too-large" {
			t.Errorf("%T: %v", f, err)
		}
	}
	target := Target{Path: "lists/x/y", SHA256: make([]byte, 32), Length: 1 << 20}
	if _, err := l.store.get(t.Context(), endless{}, target, func(int64) {}); refusalOf(err) != "too-large" {
		t.Error(err)
	}
	c, l, _ = twoVersions(t)
	edit(t, filepath.Join(c.dir, layout.Timestamp), func([]byte) []byte { return bytes.Repeat([]byte(" "), layout.MaxMetadata+1) })
	l.refuses(t, c.dir, "too-large")
}

// targetFile returns the file of a target in a repository.
func targetFile(t *testing.T, dir, base string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "targets/lists/targets/*."+base))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

func TestAlteredTarget(t *testing.T) {
	for reason, change := range map[string]func([]byte) []byte{
		"truncated":  func(b []byte) []byte { return b[:len(b)-1] },
		"wrong-hash": func(b []byte) []byte { return append(b[:len(b)-1:len(b)-1], '!') },
		"too-large":  func(b []byte) []byte { return append(b, '!') },
	} {
		t.Run(reason, func(t *testing.T) {
			c, l, _ := twoVersions(t)
			c.publish(t, "lists/targets/full-3.csv", "", "three", "lists")
			good := copyOf(t, c.dir)
			edit(t, targetFile(t, c.dir, "full-3.csv"), change)
			l.refusesTarget(t, c.dir, reason)
			if got := l.user.has("lists/targets/full-3.csv"); got != "" {
				t.Errorf("in force: %q", got)
			}
			l.takes(t, good, "lists/targets/full-3.csv") // nothing of the bad one stays in the way
		})
	}
}

// Each role, once it has expired, opens nothing new; what is in force stays.
func TestExpired(t *testing.T) {
	for _, role := range []string{"root", "timestamp", "snapshot", "targets", "lists"} {
		t.Run(role, func(t *testing.T) {
			c, l, _ := twoVersions(t)
			c.publish(t, "lists/targets/full-3.csv", "", "three", "lists")
			snapshot, timestamp := newest(t, c.dir)
			past := time.Now().Add(-time.Minute).UTC()
			file := func(v int64) string { return filepath.Join(c.dir, version(v, role)) }
			switch role {
			case "root":
				copyFile(t, file(1), file(2))
				forge(t, file(2), metadata.Root(), func(s *metadata.RootType) { s.Version, s.Expires = 2, past }, c.signers("root-1", "root-2")...)
			case "timestamp":
				forge(t, file(0), metadata.Timestamp(), func(s *metadata.TimestampType) { s.Expires = past }, c.online(t, role))
			case "snapshot":
				forge(t, file(snapshot), metadata.Snapshot(), func(s *metadata.SnapshotType) { s.Expires = past }, c.online(t, role))
				forge(t, filepath.Join(c.dir, layout.Timestamp), metadata.Timestamp(), func(s *metadata.TimestampType) {
					s.Meta["snapshot.json"] = &metadata.MetaFiles{Version: snapshot}
				}, c.online(t, "timestamp"))
			default:
				keys := map[string][]orders.Key{"targets": c.signers("targets-1", "targets-2"), "lists": c.signers("lists")}[role]
				copyFile(t, file(1), file(9))
				forge(t, file(9), metadata.Targets(), func(s *metadata.TargetsType) { s.Version, s.Expires = 9, past }, keys...)
				c.forgeUp(t, snapshot, timestamp, role, 9)
			}
			l.refuses(t, c.dir, "expired")
			if l.user.has("lists/targets/full-2.csv") != "two" || l.user.has("lists/targets/full-3.csv") != "" {
				t.Error("not the last good one is in force")
			}
		})
	}
}

// A clock that is set to 1970, or back a year, opens nothing that has expired; not after a restart either.
func TestClockSetBack(t *testing.T) {
	for name, back := range map[string]func(time.Time) time.Time{
		"1970": func(time.Time) time.Time { return time.Unix(0, 0) },
		"year": func(now time.Time) time.Time { return now.AddDate(-1, 0, 0) },
	} {
		for _, trusted := range []bool{true, false} {
			t.Run(fmt.Sprint(name, trusted), func(t *testing.T) {
				c, l, _ := twoVersions(t)
				c.publish(t, "lists/targets/full-3.csv", "", "three", "lists")
				l.now = l.now.Add(9 * 24 * time.Hour)
				if err := l.clock.note(time.Time{}, ""); err != nil {
					t.Fatal(err)
				}
				l.now, l.trusted = back(l.now), trusted
				l.open(t, l.o.Dir, c.root)
				l.refuses(t, c.dir, "expired")
			})
		}
	}
}

// Another site's key cannot name what is for this one, nor anything but lists and secrets.
func TestOtherSite(t *testing.T) {
	for _, path := range []string{"sites/demo/lists/rates/full-9.csv", "bundles/evil.zip", "lists/targets/full-9.csv"} {
		t.Run(path, func(t *testing.T) {
			c, l, _ := twoVersions(t)
			c.site(t, "demo")
			c.site(t, "other")
			l.takes(t, c.dir)
			snapshot, timestamp := newest(t, c.dir)
			for _, site := range []string{"other", "demo"} {
				if site == "demo" && strings.HasPrefix(path, "sites/demo") {
					continue // it may
				}
				file := filepath.Join(c.dir, version(2, "site-"+site))
				copyFile(t, filepath.Join(c.dir, version(1, "site-"+site)), file)
				forge(t, file, metadata.Targets(), func(s *metadata.TargetsType) {
					s.Version = 2
					s.Targets[path] = &metadata.TargetFiles{Length: 1, Hashes: metadata.Hashes{"sha256": make([]byte, 32)}}
				}, c.keys["site-"+site])
				c.forgeUp(t, snapshot, timestamp, "site-"+site, 2)
				snapshot, timestamp = snapshot+1, timestamp+1
			}
			if strings.HasPrefix(path, "sites/demo") {
				l.takes(t, c.dir) // the other site's metadata is not even fetched
				return
			}
			l.refuses(t, c.dir, "foreign")
		})
	}
}

// Somebody with the timestamp's key signs the largest version and a time far ahead. A new key undoes both.
func TestFastForward(t *testing.T) {
	c, l, _ := twoVersions(t)
	good := copyOf(t, c.dir)
	forge(t, filepath.Join(c.dir, layout.Timestamp), metadata.Timestamp(), func(s *metadata.TimestampType) {
		s.Version, s.Expires = 1<<40, l.now.AddDate(50, 0, 0)
		s.UnrecognizedFields[layout.IssuedField] = l.now.AddDate(49, 0, 0).UTC().Format(time.RFC3339)
	}, c.online(t, "timestamp"))
	l.takes(t, c.dir)
	if l.Now().Before(l.now.AddDate(40, 0, 0)) {
		t.Fatal("the test is none: the time was not taken")
	}
	r := orders.At(good)
	k, err := orders.NewKey("timestamp-2")
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.online(t, "timestamp").ID()
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.Rotate("timestamp", id, k, c.signers("root-1", "root-3")); err != nil || !done {
		t.Fatal(done, err)
	}
	l.takes(t, good)
	if l.Now().After(l.now.AddDate(1, 0, 0)) {
		t.Errorf("it is %v", l.Now())
	}
}

// Root must follow on root, signed by two of the old and two of the new.
func TestRootRotation(t *testing.T) {
	rotated := func(t *testing.T) (c *centre, l *lane, before string) {
		c, l, _ = twoVersions(t)
		before = copyOf(t, c.dir)
		k, err := orders.NewKey("root-4")
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.keys["root-1"].ID()
		if err != nil {
			t.Fatal(err)
		}
		if done, err := c.Rotate("root", id, k, c.signers("root-2", "root-3")); err != nil || !done {
			t.Fatal(done, err)
		}
		c.keys["root-4"] = k
		return c, l, before
	}
	t.Run("good", func(t *testing.T) {
		c, l, _ := rotated(t)
		l.takes(t, c.dir)
		if v := l.Status().Root; v != 2 {
			t.Errorf("root %d", v)
		}
		l.open(t, l.o.Dir, c.root) // the root that it was given is the same
		l.takes(t, c.dir)
	})
	t.Run("skipped", func(t *testing.T) {
		c, l, _ := rotated(t)
		forge(t, filepath.Join(c.dir, "2.root.json"), metadata.Root(), func(s *metadata.RootType) { s.Version = 3 }, c.signers("root-2", "root-3")...)
		l.refuses(t, c.dir, "root-version")
	})
	t.Run("old keys only", func(t *testing.T) {
		c, l, _ := rotated(t)
		forge(t, filepath.Join(c.dir, "2.root.json"), metadata.Root(), func(*metadata.RootType) {}, c.signers("root-1", "root-2")...)
		l.refuses(t, c.dir, "signatures")
	})
	t.Run("new keys only", func(t *testing.T) {
		c, l, _ := rotated(t)
		forge(t, filepath.Join(c.dir, "2.root.json"), metadata.Root(), func(*metadata.RootType) {}, c.signers("root-4", "root-2")...)
		l.refuses(t, c.dir, "signatures")
	})
}

// What no centre writes is refused before TUF's parser sees it.
func TestGuard(t *testing.T) {
	c := newCentre(t)
	targets, err := os.ReadFile(filepath.Join(c.dir, "1.targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(text []byte, f func(signed map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		f(m["signed"].(map[string]any))
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	role := func(f func(all []any) []any) []byte {
		return change(targets, func(s map[string]any) {
			d := s["delegations"].(map[string]any)
			d["roles"] = f(d["roles"].([]any))
		})
	}
	many := role(func(all []any) []any {
		for range layout.MaxDelegations {
			all = append(all, all[0])
		}
		return all
	})
	zero := func(n int) []byte {
		return role(func(all []any) []any { all[0].(map[string]any)["threshold"] = n; return all })
	}
	for name, one := range map[string]struct {
		role, reason string
		text         []byte
	}{
		"huge":                  {"targets", "too-large", bytes.Repeat([]byte("["), layout.MaxMetadata+1)},
		"nested":                {"targets", "malformed", bytes.Repeat([]byte("["), 1000)},
		"no JSON":               {"targets", "malformed", []byte("x")},
		"more behind":           {"targets", "malformed", append(bytes.Clone(targets), '{')},
		"another type":          {"snapshot", "not-ours", targets},
		"root's threshold 0":    {"root", "threshold", change(c.root, func(s map[string]any) { s["roles"].(map[string]any)["targets"].(map[string]any)["threshold"] = 0 })},
		"root without a role":   {"root", "threshold", change(c.root, func(s map[string]any) { delete(s["roles"].(map[string]any), "snapshot") })},
		"delegation's 0":        {"targets", "threshold", zero(0)},
		"delegation's -1":       {"targets", "threshold", zero(-1)},
		"65 delegations":        {"targets", "delegations", many},
		"deep delegation":       {"lists", "deep", targets},
		"another role":          {"targets", "delegation", role(func(all []any) []any { all[0].(map[string]any)["name"] = "../x"; return all })},
		"other paths":           {"targets", "delegation", role(func(all []any) []any { all[0].(map[string]any)["paths"] = []string{"bundles/*"}; return all })},
		"null target":           {"targets", "not-ours", change(targets, func(s map[string]any) { s["targets"] = map[string]any{"lists/a/b": nil} })},
		"path upwards":          {"targets", "malformed", change(targets, func(s map[string]any) { s["targets"] = map[string]any{"../b": 1} })},
		"twice the same":        {"targets", "malformed", bytes.Replace(targets, []byte(`"version":1`), []byte(`"version":1,"version":1`), 1)},
		"another spelling":      {"targets", "malformed", bytes.Replace(targets, []byte(`"version":1`), []byte(`"version":1,"Version":2`), 1)},
		"timestamp of nothing":  {"timestamp", "not-ours", []byte(`{"signed":{"_type":"timestamp","version":1,"meta":{}},"signatures":[]}`)},
		"snapshot without any":  {"snapshot", "not-ours", []byte(`{"signed":{"_type":"snapshot","version":1},"signatures":[]}`)},
		"version 0":             {"timestamp", "not-ours", []byte(`{"signed":{"_type":"timestamp","version":0,"meta":{"snapshot.json":{}}}}`)},
		"succinct delegation":   {"targets", "deep", change(targets, func(s map[string]any) { s["delegations"].(map[string]any)["succinct_roles"] = map[string]any{} })},
		"more needed than keys": {"targets", "threshold", zero(2)},
	} {
		if err := layout.Guard(one.role, one.text); refusalOf(err) != one.reason {
			t.Errorf("%s: %q, want %q: %v", name, refusalOf(err), one.reason, err)
		}
	}
	if err := layout.Guard("targets", targets); err != nil {
		t.Error(err)
	}
}

// FuzzLook has a lane look at metadata that somebody altered: it never ends the program, and never takes it.
func FuzzLook(f *testing.F) {
	c := newCentre(f)
	c.publish(f, "lists/targets/full-1.csv", "", "one", "lists")
	l := newLane(f, c.root)
	text, err := os.ReadFile(filepath.Join(c.dir, layout.Timestamp))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"signed":{"_type":"timestamp","version":1,"meta":{"snapshot.json":{}}},"signatures":[{"keyid":"a","sig":"00"}]}`))
	f.Fuzz(func(t *testing.T, altered []byte) {
		_, is, err := refresh(t.Context(), replaced{Folder(c.dir), altered}, "demo", l.set, func(string) time.Time { return time.Now() })
		if err == nil && is.timestamp != 2 {
			t.Errorf("took %q", altered)
		}
	})
}

// replaced has another timestamp.
type replaced struct {
	Fetcher
	timestamp []byte
}

func (r replaced) Fetch(ctx context.Context, name string, offset int64, limit int) ([]byte, int64, error) {
	if name == layout.Timestamp {
		return r.timestamp[min(offset, int64(len(r.timestamp))):], int64(len(r.timestamp)), nil
	}
	return r.Fetcher.Fetch(ctx, name, offset, limit)
}
