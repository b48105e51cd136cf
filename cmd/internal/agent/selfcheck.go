package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal"
)

// The whole journal is checked once a week, and for the first time an hour after the start: what lies unread on a flash
// card may rot, and is found before somebody needs it as evidence.
const (
	checkEvery  = 7 * 24 * time.Hour
	checkFirst  = time.Hour
	checkedName = "journal.checked" // its modification time is that of the last check
	lowest      = 19                // nice
)

// selfCheck checks the whole journal weekly, until ctx ends, and journals what came of it. It returns nil: damage is told
// by Journal.Damaged.
func selfCheck(ctx context.Context, j *journal.Journal, stateDir string, log *slog.Logger) error {
	mark := filepath.Join(stateDir, checkedName)
	for wait.For(ctx, untilCheck(mark, time.Now())) == nil {
		report, err := checkSlowly(ctx, j)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			log.Error("the journal could not be checked", "err", err)
		} else {
			_ = journalLater(ctx, j, []*observation.Observation{checked(report)}, log) // it tries until ctx ends
		}
		if err := os.WriteFile(mark, nil, 0o600); err != nil {
			log.Warn("the time of the journal's check is not kept", "err", err)
		}
	}
	return nil
}

// untilCheck returns how long to wait for the next check: checkEvery after the last one, and checkFirst at least.
func untilCheck(mark string, now time.Time) time.Duration {
	info, err := os.Stat(mark)
	if err != nil || info.ModTime().After(now) { // never, or the clock went back
		return checkFirst
	}
	return max(info.ModTime().Add(checkEvery).Sub(now), checkFirst)
}

// checkSlowly checks the journal on a thread that has the processor when nobody else wants it.
func checkSlowly(ctx context.Context, j *journal.Journal) (report *evidence.Report, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), lowest); err == nil {
			report, err = j.Check(ctx)
		}
	}()
	<-done
	return report, err
}

// checked returns what is journalled of a check: an event, or an alarm that says what is wrong.
func checked(report *evidence.Report) *observation.Observation {
	var conditions driver.Conditions
	var all []*observation.Observation
	rows := message.Count("n", report.Rows)
	if report.OK() {
		all = conditions.Set(time.Now(), "journal-checked", "", true, message.New("condition.journal-checked", rows))
	} else {
		all = conditions.Alarm(time.Now(), "journal-altered", "", true, message.New("condition.journal-altered", rows,
			message.Nested("first", message.Of(report.Findings[0]))))
	}
	all[0].Device = observation.AgentDevice
	return all[0]
}
