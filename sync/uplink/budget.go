package uplink

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// Shares of a path's monthly bytes from which on something is no longer sent by it. Alarms are sent always.
const (
	shareArtifacts = 0.80
	shareTelemetry = 0.95
	shareEvents    = 1.00
)

// saveEvery is how often what passed is written to disk: a crash forgets so much at most.
const saveEvery = 5 * time.Minute

// usage counts what passed by each path in a calendar month (UTC). Its methods may be called from any goroutine.
type usage struct {
	file string // where it is kept; "" for nowhere
	log  *slog.Logger

	mu    sync.Mutex
	month string           // "2026-11"
	bytes map[string]int64 // by the path's id
	saved time.Time
	dirty bool
}

// usageFile is the content of a usage's file.
type usageFile struct {
	Month string           `json:"month"`
	Bytes map[string]int64 `json:"bytes"`
}

// monthOf returns the calendar month of a time.
func monthOf(t time.Time) string { return t.UTC().Format("2006-01") }

// newUsage reads what was counted before. A file that cannot be read is reported, and counting begins at 0.
func newUsage(file string, now time.Time, log *slog.Logger) *usage {
	u := &usage{file: file, log: log, month: monthOf(now), bytes: map[string]int64{}, saved: now}
	if file == "" {
		return u
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return u
	}
	var kept usageFile
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		log.Warn("what the paths carried this month is not known; counting begins at 0", "file", file, "err", err)
		return u
	}
	if kept.Month >= u.month && kept.Bytes != nil { // a later one: the clock went back
		u.bytes = kept.Bytes
	}
	return u
}

// add counts bytes of a path.
func (u *usage) add(id string, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bytes[id] += int64(n)
	u.dirty = u.dirty || n > 0
}

// of returns the bytes of a path in the month of now. A new month begins at 0; a clock that goes back changes nothing.
func (u *usage) of(id string, now time.Time) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if month := monthOf(now); month > u.month {
		u.month, u.dirty = month, true
		clear(u.bytes)
	}
	return u.bytes[id]
}

// save writes what was counted when it is due, or at once when all is to be written. An error is logged: the next try
// is due later.
func (u *usage) save(now time.Time, atOnce bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.file == "" || !u.dirty || !atOnce && now.Sub(u.saved) < saveEvery {
		return
	}
	u.saved, u.dirty = now, false
	text, err := json.Marshal(usageFile{u.month, u.bytes})
	if err == nil {
		err = os.WriteFile(u.file+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(u.file+".new", u.file)
	}
	if err != nil {
		u.dirty = true
		u.log.Warn("what the paths carried this month is not kept", "file", u.file, "err", err)
	}
}

// withheld is what is not sent by a path at a time.
type withheld struct {
	Artifacts bool // but those that somebody asks for, unless the month's bytes are spent
	Pulled    bool // those too
	Telemetry bool
	Events    bool
}

// class reports whether rows of a class wait.
func (w withheld) class(c observation.Class) bool {
	return w.Telemetry && c == observation.Class_CLASS_TELEMETRY || w.Events && c == observation.Class_CLASS_EVENT
}

// message says what waits; the zero Message for nothing.
func (w withheld) message() message.Message {
	switch {
	case w.Events:
		return message.New("link.holds-events")
	case w.Artifacts && w.Telemetry:
		return message.New("link.holds-telemetry-and-artifacts")
	case w.Telemetry:
		return message.New("link.holds-telemetry")
	case w.Artifacts:
		return message.New("link.holds-artifacts")
	}
	return message.Message{}
}

// withholds returns what waits now, by the path's hours and by what it carried of its monthly bytes.
func (p *Path) withholds(used int64, now time.Time) withheld {
	share := 0.0
	if p.MonthlyBytes > 0 {
		share = float64(used) / float64(p.MonthlyBytes)
	}
	return withheld{
		Artifacts: share >= shareArtifacts || !p.Artifacts.Include(now),
		Pulled:    share >= shareTelemetry,
		Telemetry: share >= shareTelemetry || !p.Telemetry.Include(now),
		Events:    share >= shareEvents,
	}
}
