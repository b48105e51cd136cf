package downlink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire"
)

// centre is a repository with the keys of those who publish.
type centre struct {
	*orders.Repository
	dir  string
	keys map[string]orders.Key
	root []byte
}

const passphrase = "a long passphrase"

func newCentre(t testing.TB) *centre {
	t.Helper()
	dir := t.TempDir()
	c := &centre{Repository: orders.At(filepath.Join(dir, "orders")), dir: filepath.Join(dir, "orders"), keys: map[string]orders.Key{}}
	files, root, err := c.Init(filepath.Join(dir, "keys"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		k, err := orders.ReadKey(f, func() (string, error) { return passphrase, nil })
		if err != nil {
			t.Fatal(err)
		}
		c.keys[k.Name] = k
	}
	if c.root, err = os.ReadFile(root); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *centre) signers(names ...string) (out []orders.Key) {
	for _, n := range names {
		out = append(out, c.keys[n])
	}
	return out
}

// publish publishes content under a path.
func (c *centre) publish(t testing.TB, path, site, content string, keys ...string) (done bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := c.Publish([]orders.File{{Path: path, Site: site, From: file}}, nil, c.signers(keys...))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// site adds a site with a key of its own.
func (c *centre) site(t testing.TB, site string) {
	t.Helper()
	k, err := orders.NewKey("site-" + site)
	if err != nil {
		t.Fatal(err)
	}
	c.keys[k.Name] = k
	if done, err := c.AddSite(site, k, c.signers("targets-1", "targets-2")); err != nil || !done {
		t.Fatal(done, err)
	}
}

// rows is a journal in memory.
type rows struct {
	mu   sync.Mutex
	all  []*observation.Observation
	fail error
}

func (r *rows) Commit(_ context.Context, obs ...*observation.Observation) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return 0, r.fail
	}
	r.all = append(r.all, obs...)
	return len(obs), nil
}

// checked returns the rows of kind orders.checked.
func (r *rows) checked() (out []*observation.OrdersChecked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.all {
		if b := o.Body.GetOrdersChecked(); b != nil {
			out = append(out, b)
		}
	}
	return out
}

// user keeps the newest content of each path.
type user struct {
	prefix string
	dir    string // in force, by path
	fail   error
}

func (u *user) Prefix() string { return u.prefix }

func (u *user) file(t Target) string {
	return filepath.Join(u.dir, strings.ReplaceAll(t.Site+"~"+t.Path, "/", "~"))
}

func (u *user) Choose(all []Target) (Target, bool) {
	for _, t := range all {
		if sum, err := os.ReadFile(u.file(t) + ".sum"); err != nil || string(sum) != string(t.SHA256) {
			return t, true
		}
	}
	return Target{}, false
}

func (u *user) Apply(_ context.Context, t Target, file string) error {
	if u.fail != nil {
		return u.fail
	}
	text, err := os.ReadFile(file)
	return errors.Join(err, os.WriteFile(u.file(t), text, 0o600), os.WriteFile(u.file(t)+".sum", t.SHA256, 0o600))
}

func (u *user) has(path string) string {
	text, err := os.ReadFile(u.file(Target{Path: path}))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return string(text)
}

// lane is one lane's side.
type lane struct {
	*Service
	journal *rows
	user    *user
	now     time.Time // the machine's clock
	trusted bool
}

func newLane(t testing.TB, root []byte) *lane {
	t.Helper()
	l := &lane{journal: &rows{}, user: &user{dir: t.TempDir()}, now: time.Now(), trusted: true}
	l.open(t, filepath.Join(t.TempDir(), "orders"), root)
	return l
}

// open starts the lane on its folder, again too.
func (l *lane) open(t testing.TB, dir string, root []byte) {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { codec.Close() })
	l.Service, err = New(Options{
		Dir: dir, Site: "demo", Agent: "lane-1", Root: root, Built: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		ClockTrusted: func() bool { return l.trusted }, Consumers: []Consumer{l.user}, Journal: l.journal, Codec: codec,
		Log: slog.New(slog.DiscardHandler), now: func() time.Time { return l.now },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refuses imports a folder, which must be refused for a reason, journalled once, with the last good in force.
func (l *lane) refuses(t *testing.T, dir, reason string) {
	t.Helper()
	before, kept := len(l.journal.checked()), l.set
	_, err := l.Import(t.Context(), dir)
	if refusalOf(err) != reason {
		t.Fatalf("refused as %q: %v; want %q", refusalOf(err), err, reason)
	}
	for range 2 { // a second time it is no news
		_, _ = l.Import(t.Context(), dir)
	}
	all := l.journal.checked()
	if len(all) != before+1 || all[before].Refusal != reason || all[before].Text == "" {
		t.Errorf("%d rows were journalled: %v", len(all)-before, all[before:])
	}
	if string(l.set.Timestamp) != string(kept.Timestamp) || string(l.set.Snapshot) != string(kept.Snapshot) {
		t.Error("what is in force has changed")
	}
	if st := l.Status(); !st.Refused || st.Problem == "" {
		t.Errorf("status %+v", st)
	}
}

func (l *lane) takes(t *testing.T, dir string, paths ...string) {
	t.Helper()
	taken, err := l.Import(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range taken {
		got = append(got, one.Path)
	}
	if !slices.Equal(got, paths) {
		t.Fatalf("took %v, want %v", got, paths)
	}
}

// What two have signed, what one has signed for a list, and what is for this site comes down; what is for others does
// not.
func TestTakes(t *testing.T) {
	c := newCentre(t)
	l := newLane(t, c.root)
	l.takes(t, c.dir)
	if n := len(l.journal.checked()); n != 1 {
		t.Fatalf("%d rows of the first look", n)
	}
	if !c.publish(t, "lists/targets/full-1.csv", "", "list", "lists") {
		t.Error("a list waits for more signatures")
	}
	if c.publish(t, "bundles/lane.zip", "", "bundle", "targets-1") {
		t.Error("one signature is enough for a bundle")
	}
	l.takes(t, c.dir, "lists/targets/full-1.csv")
	if done, err := c.Sign(c.signers("targets-2")); err != nil || !done {
		t.Fatal(done, err)
	}
	l.takes(t, c.dir, "bundles/lane.zip")
	c.site(t, "demo")
	c.site(t, "other")
	c.publish(t, "lists/rates/full-1.csv", "demo", "ours", "site-demo")
	c.publish(t, "lists/rates/full-1.csv", "other", "theirs", "site-other")
	l.takes(t, c.dir, "lists/rates/full-1.csv")
	l.takes(t, c.dir)
	if got := l.user.has("bundles/lane.zip"); got != "bundle" {
		t.Errorf("bundle %q", got)
	}
	all := l.journal.checked()
	if last := all[len(all)-1]; len(all) != 4 || len(last.Taken) != 1 || !last.Taken[0].OfSite ||
		last.Way != observation.OrdersChecked_WAY_FOLDER || last.SignedNs == 0 || last.RootVersion != 1 {
		t.Errorf("%d rows, last %v", len(all), last)
	}
	st := l.Status()
	if len(st.Targets) != 3 || !st.Targets[0].Here || st.Problem != "" || st.Stale || st.Way != "folder" {
		t.Errorf("status %+v", st)
	}
	l.open(t, l.o.Dir, c.root) // after a restart the same is in force, and nothing is news
	if again := l.Status(); len(again.Targets) != 3 || again.Timestamp != st.Timestamp || !again.Signed.Equal(st.Signed) {
		t.Errorf("status after a restart %+v", again)
	}
	l.takes(t, c.dir)
	if n := len(l.journal.checked()); n != 4 {
		t.Errorf("%d rows after a restart", n)
	}
}

// Without a root of trust nothing is taken, and the status says so.
func TestNoRoot(t *testing.T) {
	c := newCentre(t)
	l := newLane(t, nil)
	if _, err := l.Import(t.Context(), c.dir); err == nil {
		t.Error("imported")
	}
	if st := l.Status(); st.Configured || st.Problem == "" {
		t.Errorf("status %+v", st)
	}
	if _, err := New(Options{Dir: t.TempDir(), Root: []byte(`{"signed":{}}`), Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a root that is none is taken")
	}
}

// What a consumer cannot use is journalled once and tried again; a full journal loses nothing.
func TestApplyFails(t *testing.T) {
	c := newCentre(t)
	l := newLane(t, c.root)
	l.takes(t, c.dir)
	c.publish(t, "lists/targets/full-1.csv", "", "list", "lists")
	l.user.fail = errors.New("no room")
	_, err := l.Import(t.Context(), c.dir)
	if refusalOf(err) != "apply" {
		t.Fatal(err)
	}
	l.user.fail, l.journal.fail = nil, errors.New("disk full")
	if _, err := l.Import(t.Context(), c.dir); err == nil {
		t.Error("the journal's error is lost")
	}
	l.journal.fail = nil
	l.open(t, l.o.Dir, c.root)
	l.reportInterrupted(t.Context())
	all := l.journal.checked()
	if last := all[len(all)-1]; len(all) != 3 || len(last.Taken) != 1 || last.Taken[0].Path != "lists/targets/full-1.csv" {
		t.Errorf("rows %v", all)
	}
}

// Of the store the oldest files go first, and what never fits is refused.
func TestDiskBound(t *testing.T) {
	c := newCentre(t)
	l := newLane(t, c.root)
	l.store.most = 100
	for i := range 3 {
		c.publish(t, fmt.Sprintf("lists/a/full-%d.csv", i), "", strings.Repeat(fmt.Sprint(i), 40), "lists")
		l.takes(t, c.dir, fmt.Sprintf("lists/a/full-%d.csv", i))
	}
	here := 0
	for _, one := range l.Status().Targets {
		if l.store.has(Target{SHA256: unhex(t, one.SHA256), Length: one.Bytes}) {
			here++
		}
	}
	if here != 2 {
		t.Errorf("%d files are kept", here)
	}
	c.publish(t, "lists/a/full-9.csv", "", strings.Repeat("x", 101), "lists")
	l.refusesTarget(t, c.dir, "disk")
}
