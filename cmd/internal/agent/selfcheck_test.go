package agent

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
)

func TestUntilCheck(t *testing.T) {
	mark := filepath.Join(t.TempDir(), checkedName)
	now := time.Now()
	if got := untilCheck(mark, now); got != checkFirst {
		t.Errorf("never checked: %v", got)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for ago, want := range map[time.Duration]time.Duration{
		0:                        checkEvery,
		24 * time.Hour:           6 * 24 * time.Hour,
		checkEvery - time.Minute: checkFirst,
		30 * 24 * time.Hour:      checkFirst,
		-time.Hour:               checkFirst,
	} {
		if err := os.Chtimes(mark, now, now.Add(-ago)); err != nil {
			t.Fatal(err)
		}
		if got := untilCheck(mark, now); got.Round(time.Second) != want {
			t.Errorf("checked %v ago: %v, want %v", ago, got, want)
		}
	}
}

// A journal that is as signed is an event; one with a row that was changed is an alarm.
func TestChecked(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{Site: "s", Agent: "a", SignEvery: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for range 3 {
		o := observation.New(observation.Class_CLASS_EVENT, time.Now(), &observation.RadiationTamper{Tripped: true})
		o.Device = "rpm-1"
		if _, err := j.Commit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want observation.Class, condition string) {
		t.Helper()
		report, err := checkSlowly(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		o := checked(report)
		if o.Class != want || o.Body.GetDeviceCondition().GetCondition() != condition || o.Device != observation.AgentDevice {
			t.Errorf("%v", o)
		}
	}
	check(observation.Class_CLASS_EVENT, "journal-checked")
	db, err := sqlog.Open(filepath.Join(dir, journal.FileName), sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec("UPDATE observation SET t=t+1 WHERE idx = 1"); err != nil {
		t.Fatal(err)
	}
	check(observation.Class_CLASS_ALARM, "journal-altered")
}
