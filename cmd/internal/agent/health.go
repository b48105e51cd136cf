package agent

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/bundle"
	"lanewarden/edge/diag/guided"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/retention"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// health is how the lane is, as the centre is told of it. Its methods may be called from any goroutine.
type health struct {
	devices *lane.Supervisor
	clock   *lane.Clock
	disk    func() retention.State
	journal *journal.Journal
	tests   *guided.Runner
	orders  func() api.Orders
	bundles *bundle.Store

	mu    sync.Mutex
	begun time.Time // of the journal; zero for not known yet
}

// now returns the health of the lane but for its devices' states.
func (h *health) now(now time.Time) *wire.Health {
	clock, disk, orders := h.clock.State(), h.disk(), h.orders()
	out := &wire.Health{
		ClockUnsynchronised: !clock.Synchronised, ClockErrorMs: clock.ErrorMs,
		DiskPercent: diskPercent(disk), DiskRefused: disk.Refused, OrdersStale: orders.Configured && orders.Stale,
	}
	if !orders.Signed.IsZero() {
		out.OrdersSignedNs = orders.Signed.UnixNano()
	}
	if err := h.journal.Trouble(); err != nil {
		said := message.Of(err).Text()
		out.JournalFailing, out.JournalReason, out.JournalReasonFr = true, said.EN, said.FR
	}
	for _, d := range h.devices.Devices() {
		if d.State == lane.InMaintenance {
			out.Maintenance = append(out.Maintenance, d.ID)
		}
	}
	if b := h.bundles.Current(); b != nil {
		out.Bundle = fmt.Sprintf("%s %d", b.Path, b.Version)
	}
	out.Tests, out.Due = dueTests(h.tests.Offers(now), cmp.Or(h.beginning(), now), now)
	return out
}

// diskPercent returns how much of the budget is used, rounded down to steps of five while there is room: each change is
// a message to the centre.
func diskPercent(s retention.State) uint32 {
	if s.Budget <= 0 {
		return 0
	}
	percent := 100 * s.Used / s.Budget
	if percent < 90 {
		percent -= percent % 5
	}
	return uint32(max(0, min(percent, 999)))
}

// overdueShare is the part of a test's interval that may pass after the test is due.
const overdueShare = 4

// dueTests returns how many tests are to be done at intervals, and those that are due. One that was never done is due from
// the beginning of the journal on.
func dueTests(offers []guided.Offer, begun, now time.Time) (tests uint32, due []*wire.TestDue) {
	for _, o := range offers {
		if o.Every <= 0 {
			continue
		}
		tests++
		if !o.Due {
			continue
		}
		one := &wire.TestDue{Device: o.Device, Test: o.ID, Title: o.Title.EN, TitleFr: o.Title.FR}
		since := begun
		if o.Last != nil {
			since = time.Unix(0, o.Last.StartedNs)
			if one.Failed = o.Last.Verdict == observation.DeviceTest_VERDICT_FAILED; o.Last.Verdict == observation.DeviceTest_VERDICT_PASSED {
				since = since.Add(o.Every)
			}
		}
		one.SinceNs, one.Overdue = since.UnixNano(), now.Sub(since) > o.Every/overdueShare
		due = append(due, one)
	}
	return tests, due
}

// beginning returns when the journal began, the zero time while it has no row.
func (h *health) beginning() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.begun.IsZero() {
		return h.begun
	}
	if rows, err := h.journal.Read(0, 1); err == nil && len(rows) > 0 {
		h.begun = time.Unix(0, rows[0].Time)
	}
	return h.begun
}

const (
	healthEvery = time.Second // between two looks
	clockMoved  = time.Second // a wall clock that was set by more than this is worth telling
)

// watch has the uplink say the agent's state when it is not as it was, until ctx ends. It returns nil.
func (h *health) watch(ctx context.Context, up *uplink.Uplink) error {
	if up == nil {
		return nil
	}
	seed, begin := maphash.MakeSeed(), time.Now()
	var last uint64
	var moved time.Duration
	for wait.For(ctx, healthEvery) == nil {
		now := time.Now()
		sum := maphash.Bytes(seed, h.fingerprint(now))
		set := now.Round(0).Sub(begin.Round(0)) - now.Sub(begin) // how far the wall clock was set since the beginning
		if sum == last && (set-moved).Abs() < clockMoved {
			continue
		}
		last, moved = sum, set
		up.SayState()
	}
	return nil
}

// fingerprint returns bytes that change with what is to be told at once. The reasons of devices and the estimate of the
// clock's error are not: they change all the time.
func (h *health) fingerprint(now time.Time) (out []byte) {
	for _, d := range h.devices.Devices() {
		out = append(out, cmp.Or(d.ID, "-")+"="+d.State+" "...)
	}
	is := h.now(now)
	is.ClockErrorMs, is.JournalReason, is.JournalReasonFr = 0, "", ""
	more, err := proto.MarshalOptions{Deterministic: true}.Marshal(is)
	if err != nil {
		return out
	}
	return append(out, more...)
}
