package lane

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api/linefile"
)

// Maintenance is that somebody works on a device: what it says is recorded and marked, is no alarm and of no vehicle, and
// its absence is no fault.
type Maintenance struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`            // it ends by itself
	By     string    `json:"by"`               // who said so: an account, or "centre"
	Reason string    `json:"reason,omitempty"` // in their words
	State  string    `json:"state,omitempty"`  // what the driver says meanwhile: as Status.State
}

// LongestMaintenance is how long a device can be in maintenance at most: what is forgotten ends.
const LongestMaintenance = 30 * 24 * time.Hour

// InMaintenance is the State of a device on which somebody works.
const InMaintenance = "maintenance"

// upkeep keeps which devices are in maintenance, also over a restart, and journals when it begins and ends. Its methods may
// be called from any goroutine.
type upkeep struct {
	file    string // "" for none: it is forgotten at the end
	journal Journal
	clock   *Clock
	log     *slog.Logger

	changing sync.Mutex // held while one change is on its way
	mu       sync.Mutex
	all      map[string]Maintenance // by device
}

// openUpkeep reads what is kept. A file that cannot be read is nobody in maintenance.
func openUpkeep(file string, j Journal, clock *Clock, log *slog.Logger) *upkeep {
	u := &upkeep{file: file, journal: j, clock: clock, log: log, all: map[string]Maintenance{}}
	if file == "" {
		return u
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &u.all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.all = map[string]Maintenance{}
		log.Error("which devices are in maintenance cannot be read: none is", "file", file, "err", err)
	}
	return u
}

// of returns the maintenance of a device; nil for none.
func (u *upkeep) of(device string) *Maintenance {
	u.mu.Lock()
	defer u.mu.Unlock()
	if m, there := u.all[device]; there {
		return &m
	}
	return nil
}

// set begins, changes or (nil) ends a device's maintenance: first durably, so that a crash leaves the one or the other, and
// then with a row. A row that cannot be written is an error, and nothing is changed.
func (u *upkeep) set(ctx context.Context, device string, m *Maintenance, row *observation.DeviceMaintenance) error {
	u.changing.Lock()
	defer u.changing.Unlock()
	before := u.of(device)
	if err := u.keep(device, m); err != nil {
		return err
	}
	if err := u.say(ctx, device, row); err != nil {
		return errors.Join(err, u.keep(device, before))
	}
	return nil
}

// keep writes what is in maintenance, and takes it over.
func (u *upkeep) keep(device string, m *Maintenance) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	next := map[string]Maintenance{}
	for name, one := range u.all {
		next[name] = one
	}
	delete(next, device)
	if m != nil {
		next[device] = *m
	}
	if u.file != "" {
		text, err := json.Marshal(next)
		if err == nil {
			err = linefile.Replace(u.file, text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	u.all = next
	return nil
}

// say journals that a device's maintenance begins, goes on, or ends.
func (u *upkeep) say(ctx context.Context, device string, row *observation.DeviceMaintenance) error {
	now := time.Now()
	o := observation.New(observation.Class_CLASS_EVENT, now, row)
	o.Device = device
	u.clock.State().stamp(o, now)
	_, err := u.journal.Commit(ctx, o)
	return err
}

// maintenancePeriod is how often is looked whether a maintenance is over.
const maintenancePeriod = time.Second

// String implements fmt.Stringer, for suture.
func (*upkeep) String() string { return "maintenance" }

// Serve implements suture.Service: it says once what goes on from before a restart, so that whoever follows the journal from
// not far back knows it, and ends what is over.
func (u *upkeep) Serve(ctx context.Context) error {
	u.resume(ctx)
	tick := time.NewTicker(maintenancePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			u.expire(ctx, time.Now())
		}
	}
}

func (u *upkeep) resume(ctx context.Context) {
	for device, m := range u.list() {
		if err := u.say(ctx, device, m.row()); err != nil {
			u.log.Error("that a device is in maintenance is not journalled again", "device", device, "err", err)
		}
	}
}

// expire ends what is over at a time. What cannot be journalled stays, and is tried again.
func (u *upkeep) expire(ctx context.Context, now time.Time) {
	for device, m := range u.list() {
		if now.Before(m.Until) {
			continue
		}
		if err := u.set(ctx, device, nil, &observation.DeviceMaintenance{Expired: true}); err != nil && ctx.Err() == nil {
			u.log.Error("a device's maintenance cannot end, will be tried again", "device", device, "err", err)
		}
	}
}

// list returns a copy of what is in maintenance.
func (u *upkeep) list() map[string]Maintenance {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]Maintenance{}
	for device, m := range u.all {
		out[device] = m
	}
	return out
}

// row is the row that says that it begins or goes on.
func (m Maintenance) row() *observation.DeviceMaintenance {
	return &observation.DeviceMaintenance{UntilNs: m.Until.UnixNano(), By: m.By, Reason: m.Reason}
}

// Maintain has a device be in maintenance until a time, by whom and why. One that is already gets the new time.
func (s *Supervisor) Maintain(ctx context.Context, device string, until time.Time, by, reason string) error {
	now := time.Now()
	switch {
	case s.find(device) == nil:
		return message.Errorf("config.no-device", message.Quoted("device", device))
	case !until.After(now):
		return message.Errorf("maintenance.past", message.Time("until", until))
	case until.Sub(now) > LongestMaintenance:
		return message.Errorf("maintenance.long", message.Duration("most", LongestMaintenance))
	}
	m := Maintenance{Since: now.UTC(), Until: until.UTC(), By: by, Reason: reason}
	if before := s.upkeep.of(device); before != nil {
		m.Since = before.Since
	}
	return s.upkeep.set(ctx, device, &m, m.row())
}

// EndMaintenance ends a device's maintenance before its time.
func (s *Supervisor) EndMaintenance(ctx context.Context, device, by, reason string) error {
	switch {
	case s.find(device) == nil:
		return message.Errorf("config.no-device", message.Quoted("device", device))
	case s.upkeep.of(device) == nil:
		return message.Errorf("maintenance.none", message.String("device", device))
	}
	return s.upkeep.set(ctx, device, nil, &observation.DeviceMaintenance{By: by, Reason: reason})
}
