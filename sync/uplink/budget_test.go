package uplink

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/wire"
)

func hours(t *testing.T, text string) firmwareconfig.Hours {
	t.Helper()
	h, err := firmwareconfig.ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWithholds(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	night := hours(t, "22:00-06:00")
	for name, c := range map[string]struct {
		path Path
		used int64
		want withheld
	}{
		"no bound":         {Path{}, 1 << 50, withheld{}},
		"little used":      {Path{MonthlyBytes: 1000}, 799, withheld{}},
		"80 percent":       {Path{MonthlyBytes: 1000}, 800, withheld{Artifacts: true}},
		"95 percent":       {Path{MonthlyBytes: 1000}, 950, withheld{Artifacts: true, Pulled: true, Telemetry: true}},
		"all":              {Path{MonthlyBytes: 1000}, 1000, withheld{true, true, true, true}},
		"images at night":  {Path{Artifacts: night}, 0, withheld{Artifacts: true}},
		"no telemetry now": {Path{Telemetry: night}, 0, withheld{Telemetry: true}},
	} {
		if got := c.path.withholds(c.used, noon); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if held := (withheld{true, true, true, true}); held.class(observation.Class_CLASS_ALARM) {
		t.Error("alarms are held back")
	}
}

// What passed is kept over a restart, and each month begins at 0; a clock that goes back forgets nothing.
func TestUsage(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	file := filepath.Join(t.TempDir(), "usage.json")
	november := time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	december := november.Add(2 * time.Minute)
	want := func(u *usage, now time.Time, main, cellular int64) {
		t.Helper()
		if m, c := u.of("main", now), u.of("cellular", now); m != main || c != cellular {
			t.Errorf("main %d, cellular %d; want %d, %d", m, c, main, cellular)
		}
	}
	u := newUsage(file, november, log)
	u.add("main", 100)
	u.add("cellular", 7)
	u.save(november, false)
	if _, err := os.Stat(file); err == nil {
		t.Error("it is written before it is due")
	}
	u.save(november.Add(saveEvery), false)
	u = newUsage(file, november, log)
	want(u, november, 100, 7)
	want(newUsage(file, november.AddDate(0, -1, 0), log), november.AddDate(0, -1, 0), 100, 7)
	want(newUsage(file, december, log), december, 0, 0)

	want(u, december, 0, 0)
	u.add("main", 5)
	want(u, november, 5, 0)
	u.save(december, true)
	want(newUsage(file, december, log), december, 5, 0)

	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	u = newUsage(file, december, log)
	u.add("main", 1)
	want(u, december, 1, 0)
}

// TestHeldBack spends a path's month: images, measurements and events wait, and alarms go on. In the next month all is
// sent.
func TestHeldBack(t *testing.T) {
	r := newRig(t)
	r.path.MonthlyBytes = 1_000_000
	r.greet()
	r.usage.add(r.path.ID, 1_000_000)
	r.store(3000) // with an event
	r.commit(observation.Class_CLASS_ALARM, 1)
	r.commit(observation.Class_CLASS_TELEMETRY, lingerRows)
	leaves := func(after time.Duration) (all []string) {
		for _, m := range r.act(after) {
			all = append(all, m.leaf)
		}
		return all
	}
	if got := leaves(0); !slices.Equal(got, []string{wire.ClassLeaf(observation.Class_CLASS_ALARM)}) {
		t.Errorf("sent though the month is spent: %q", got)
	}
	r.usage.month = "2000-01" // a month later
	got := leaves(0)
	for _, c := range observation.Classes {
		r.ack(&wire.Ack{Cursors: []*wire.Cursor{{Class: c, Idx: r.j.Last(c), Epoch: r.streams[c].epoch}}})
	}
	got = append(got, leaves(artifactNews)...)
	for _, want := range []string{wire.ClassLeaf(event), wire.ClassLeaf(observation.Class_CLASS_TELEMETRY), wire.LeafChunk} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in the next month: %q", want, got)
		}
	}
}
