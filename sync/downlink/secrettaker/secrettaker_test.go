package secrettaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/sync/downlink"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/wire/drawsecret"
)

const site = "s"

// rows is a journal in memory that knows a repetition by its key.
type rows struct{ all []*observation.Observation }

func (r *rows) Commit(_ context.Context, obs ...*observation.Observation) (int, error) {
	for _, o := range obs {
		if o.Key == "" || !slices.ContainsFunc(r.all, func(a *observation.Observation) bool { return a.Key == o.Key }) {
			r.all = append(r.all, o)
		}
	}
	return len(obs), nil
}

// centre is a repository with a site, and the keys of those who publish.
type centre struct {
	*orders.Repository
	t            *testing.T
	root         []byte
	site, master orders.Key
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	dir := t.TempDir()
	c := &centre{Repository: orders.At(filepath.Join(dir, "orders")), t: t}
	files, root, err := c.Init(filepath.Join(dir, "keys"), "")
	must(t, err)
	var targets []orders.Key
	for _, f := range files {
		if strings.Contains(f, "targets-") {
			k, err := orders.ReadKey(f, nil)
			must(t, err)
			targets = append(targets, k)
		}
	}
	c.root, err = os.ReadFile(root)
	must(t, err)
	c.site, err = orders.NewKey("site-" + site)
	must(t, err)
	c.master, err = orders.NewKey("secrets-" + site)
	must(t, err)
	if done, err := c.AddSite(site, c.site, targets); err != nil || !done {
		t.Fatal(done, err)
	}
	return c
}

// publish publishes the secrets of some days for lanes, and returns the days that were sealed.
func (c *centre) publish(days int, lanes ...*lane) []string {
	c.t.Helper()
	var to []string
	for _, l := range lanes {
		to = append(to, l.service.Identity().Recipient().String())
	}
	changed, done, err := c.PublishSecrets(site, c.master, to, days, []orders.Key{c.site})
	if err != nil || !done {
		c.t.Fatal(done, err)
	}
	return changed
}

// plain publishes a file as it is.
func (c *centre) plain(path string, content []byte, custom any) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "f")
	must(c.t, os.WriteFile(file, content, 0o600))
	text, err := json.Marshal(custom)
	must(c.t, err)
	done, err := c.Publish([]orders.File{{Path: path, Site: site, From: file, Custom: text}}, nil, []orders.Key{c.site})
	if err != nil || !done {
		c.t.Fatal(done, err)
	}
}

// lane is an agent that takes secrets from a stick.
type lane struct {
	t       *testing.T
	dir     string
	rows    rows
	service *downlink.Service
	secrets *draw.Secrets
}

func (c *centre) lane(dir string) *lane {
	c.t.Helper()
	l := &lane{t: c.t, dir: dir}
	l.open(c.root)
	return l
}

// open opens what the lane has on its disk.
func (l *lane) open(root []byte) {
	var err error
	l.secrets, err = draw.OpenSecrets(filepath.Join(l.dir, "secrets"), []byte("key"), func(ctx context.Context, o *observation.Observation) error {
		_, err := l.rows.Commit(ctx, o)
		return err
	})
	must(l.t, err)
	taker := New(site, l.secrets, func() *age.X25519Identity { return l.service.Identity() }, time.Now)
	l.service, err = downlink.New(downlink.Options{
		Dir: filepath.Join(l.dir, "orders"), Site: site, Agent: filepath.Base(l.dir), Root: root, ClockTrusted: func() bool { return true },
		Consumers: []downlink.Consumer{taker}, Journal: &l.rows, Log: slog.New(slog.DiscardHandler),
	})
	must(l.t, err)
}

// take looks into what the centre publishes, and returns the paths that were taken into use.
func (l *lane) take(c *centre) (paths []string, err error) {
	l.t.Helper()
	stick := l.t.TempDir()
	if _, err := c.Export(stick, site); err != nil {
		l.t.Fatal(err)
	}
	taken, err := l.service.Import(l.t.Context(), stick)
	for _, t := range taken {
		paths = append(paths, t.Path)
	}
	return paths, err
}

// draws has the lane draw for a number of presentations, and journals them.
func (l *lane) draws(n int) {
	l.t.Helper()
	k := draw.NewKeeper(l.secrets)
	for i := range n {
		now := time.Now()
		d, err := k.Draw(l.t.Context(), fmt.Sprint(now), draw.Identity([]string{fmt.Sprint(l.dir, now, i)}, "1", "8080"), now)
		must(l.t, err)
		_, err = l.rows.Commit(l.t.Context(), observation.New(observation.Class_CLASS_EVENT, now, &observation.ClearanceDecision{
			Presentation: fmt.Sprint(now), NowNs: now.UnixNano(), Draw: &observation.RandomDraw{Identity: d.Identity[:], Value: d.Value,
				Rate: 0.1, Selected: d.Value < 0.1, Secret: d.Secret, Kept: d.Kept, DrawnS: d.Drawn.Unix()},
		}))
		must(l.t, err)
		time.Sleep(time.Second)
	}
}

func (l *lane) audit(day string) draw.Report {
	a := draw.NewAudit(day, nil)
	for i, o := range l.rows.all {
		a.Add(int64(i), o)
	}
	return a.Report()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func day(n int) string { return draw.Day(time.Now().AddDate(0, 0, n)) }

// refused wants the reason for which nothing was taken.
func refused(t *testing.T, l *lane, c *centre, code string) {
	t.Helper()
	taken, err := l.take(c)
	if len(taken) > 0 || !has(err, code) {
		t.Errorf("want %s: %v, %v", code, taken, err)
	}
}

// has reports whether a code is in an error or in what it wraps.
func has(err error, code string) bool {
	if one := (*message.Error)(nil); errors.As(err, &one) {
		return one.Message.Code == code || has(one.Err, code)
	}
	return false
}

// Secrets come days ahead, once, sealed; the lane draws with them and commits to their hashes. When the day is over the centre
// reveals its secret, and the journal alone proves the day.
func TestDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		l := c.lane(filepath.Join(t.TempDir(), "a"))
		if days := c.publish(3, l); len(days) != 3 || len(c.publish(3, l)) != 0 {
			t.Fatal(days)
		}
		if taken, err := l.take(c); err != nil || len(taken) != 3 {
			t.Fatal(taken, err)
		}
		l.open(c.root)
		if taken, err := l.take(c); err != nil || len(taken) != 0 {
			t.Fatalf("taken twice: %v, %v", taken, err)
		}
		l.draws(50)
		first := day(0)
		if r := l.audit(first); r.Draws != 50 || r.Unproven != 50 || !r.Agrees() {
			t.Fatalf("before: %+v", r)
		}
		if _, err := c.RevealSecrets(site, c.master, []string{first}, []orders.Key{c.site}); !message.Of(err).Is("draw.not-over") {
			t.Errorf("revealed while lanes draw with it: %v", err)
		}
		time.Sleep(24 * time.Hour)
		for _, days := range [][]string{nil, nil, {first}} { // again changes nothing
			if done, err := c.RevealSecrets(site, c.master, days, []orders.Key{c.site}); err != nil || !done {
				t.Fatal(done, err)
			}
		}
		if s, err := c.Status(); err != nil || s.SecretsUntil()[site] != day(1) {
			t.Errorf("published until %v: %v", s.SecretsUntil(), err)
		}
		for n, want := range []int{1, 0} {
			if taken, err := l.take(c); err != nil || len(taken) != want {
				t.Fatalf("look %d: %v, %v", n, taken, err)
			}
		}
		if r := l.audit(first); r.Draws != 50 || r.Unproven != 0 || !r.Agrees() {
			t.Errorf("after: %+v", r)
		}
	})
}

// A lane that comes later gets the days that are published already, with the same secrets as the others.
func TestNewLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		a, b := c.lane(filepath.Join(t.TempDir(), "a")), c.lane(filepath.Join(t.TempDir(), "b"))
		c.publish(2, a)
		if taken, err := b.take(c); err != nil || len(taken) != 0 {
			t.Fatalf("what is not for it: %v, %v", taken, err)
		}
		if days := c.publish(2, a, b); len(days) != 2 {
			t.Fatal(days)
		}
		for _, l := range []*lane{a, b} {
			if _, err := l.take(c); err != nil {
				t.Fatal(err)
			}
		}
		one, err := a.secrets.For(t.Context(), time.Now())
		must(t, err)
		two, err := b.secrets.For(t.Context(), time.Now())
		must(t, err)
		if one.Local || two.Local || string(one.Key) != string(two.Key) {
			t.Errorf("%+v, %+v", one, two)
		}
	})
}

// What is not as it should be is refused with its reason, told once a day, and the lane goes on with what it has.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		l, other := c.lane(filepath.Join(t.TempDir(), "a")), c.lane(filepath.Join(t.TempDir(), "b"))
		seal := func(s drawsecret.Secret, to *lane) []byte {
			text, err := drawsecret.Seal(s, []string{to.service.Identity().Recipient().String()})
			must(t, err)
			return text
		}
		secret := func(site, day string) drawsecret.Secret {
			s, err := drawsecret.Derive(c.master.Private, site, day)
			must(t, err)
			return s
		}
		wrong := drawsecret.SealedPath(day(3))
		for name, one := range map[string]struct {
			content []byte
			custom  drawsecret.Custom
			code    string
		}{
			"for another agent":       {seal(secret(site, day(3)), other), drawsecret.Custom{}, "secrets.sealed"},
			"another day's":           {seal(secret(site, day(2)), l), drawsecret.Custom{}, "secrets.other"},
			"another site's":          {seal(secret("x", day(3)), l), drawsecret.Custom{}, "secrets.other"},
			"not the one of the hash": {seal(secret(site, day(3)), l), drawsecret.Custom{Commitment: make([]byte, 32)}, "secrets.commitment"},
			"no file of age":          {[]byte("age-encryption.org/v1\n"), drawsecret.Custom{}, "secrets.sealed"},
			"too short":               {seal(drawsecret.Secret{Site: site, Day: day(3), Key: []byte("short")}, l), drawsecret.Custom{}, "draw.no-secret"},
		} {
			c.plain(wrong, one.content, one.custom)
			refused(t, l, c, one.code)
			if taken, err := l.take(c); err != nil || len(taken) > 0 {
				t.Errorf("%s: tried twice a day: %v, %v", name, taken, err)
			}
		}
		c.publish(2, l)
		if taken, err := l.take(c); err != nil || len(taken) != 2 {
			t.Fatal(taken, err)
		}
		c.plain(drawsecret.SealedPath(day(1)), seal(drawsecret.Secret{Site: site, Day: day(1), Key: make([]byte, drawsecret.Size)}, l), drawsecret.Custom{})
		refused(t, l, c, "draw.other-secret")
	})
}

// A secret that is revealed before its day is over is refused, and taken when it is over; meanwhile the lane draws with its
// own. One that is not the one that the lane drew with is never taken.
func TestRevealedEarlyOrWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		l := c.lane(filepath.Join(t.TempDir(), "a"))
		c.publish(1, l)
		if _, err := l.take(c); err != nil {
			t.Fatal(err)
		}
		l.draws(3)
		first := day(0)
		reveal := func(s drawsecret.Secret) {
			text, err := s.Open()
			must(t, err)
			c.plain(drawsecret.RevealedPath(first), text, drawsecret.Custom{})
		}
		right, err := drawsecret.Derive(c.master.Private, site, first)
		must(t, err)
		reveal(right)
		refused(t, l, c, "draw.exposed")
		if own, err := l.secrets.For(t.Context(), time.Now()); err != nil || !own.Local {
			t.Errorf("the lane goes on with the secret that is known: %s, %v", own.Name(), err)
		}
		time.Sleep(24 * time.Hour)
		reveal(drawsecret.Secret{Site: site, Day: first, Key: make([]byte, drawsecret.Size)})
		refused(t, l, c, "draw.audit-other-secret")
		reveal(right)
		if taken, err := l.take(c); err != nil || len(taken) != 1 {
			t.Fatal(taken, err)
		}
		if r := l.audit(first); r.Draws != 3 || r.Unproven != 0 || !r.Agrees() {
			t.Errorf("%+v", r)
		}
	})
}
