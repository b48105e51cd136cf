package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/cmd/internal/scenario"
	"lanewarden/drivers"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/vehicle/barcode"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/liststore"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/lists"
)

// office is the CSA lane's booth without its devices: what they would say is committed, and outputs are noted.
type office struct {
	testing.TB
	journal *journal.Journal
	*decider
	opened chan time.Time // the barrier was opened
	number int
}

// newOffice returns an office that decides by the scenarios' trade.
func newOffice(t testing.TB) *office {
	t.Helper()
	text, err := firmwareconfig.Lanes.ReadFile("lanes/csa-lane.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := firmwareconfig.Decode(text, "csa-lane.yaml", drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	c.Agent.StateDir = t.TempDir()
	j, err := journal.Open(journalDir(c), journal.Options{Site: c.Site.ID, Agent: c.Agent.ID})
	if err != nil {
		t.Fatal(err)
	}
	store, err := liststore.Open(filepath.Join(c.Agent.StateDir, ListsName))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{TB: t, journal: j, opened: make(chan time.Time, 64)}
	trade := scenario.NewTrade(time.Now())
	for _, kind := range lists.Kinds() {
		o.install(store, trade, kind)
	}
	quiet := slog.New(slog.DiscardHandler)
	if o.decider, err = newDecider(c, j, o, store, quiet); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, err := range []error{store.Close(), j.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return o
}

// Command implements outputsOf.
func (o *office) Command(_ context.Context, _, output, value, _ string) error {
	if output == "barrier" && value == "on" {
		o.opened <- time.Now()
	}
	return nil
}

// Clock implements outputsOf: it is disciplined.
func (o *office) Clock() lane.ClockState { return lane.ClockState{Synchronised: true} }

func (o *office) install(store *liststore.Store, trade *scenario.Trade, kind lists.Kind) {
	o.Helper()
	f, err := os.Create(filepath.Join(o.TempDir(), string(kind)))
	if err == nil {
		err = trade.WriteList(f, kind, 1, time.Now())
	}
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err == nil {
		_, err = store.Install(o.Context(), f)
	}
	if err != nil {
		o.Fatal(err)
	}
	f.Close()
}

func (o *office) commit(device string, body proto.Message) {
	o.Helper()
	obs := observation.New(observation.Class_CLASS_EVENT, time.Now(), body)
	o.number++
	obs.Device, obs.Key = device, fmt.Sprint("n", o.number)
	if _, err := o.journal.Commit(o.Context(), obs); err != nil {
		o.Fatal(err)
	}
}

// vehicle lets a vehicle pass the portal and show its codes, and returns how long the barrier took from when the last
// code was about to be journalled. ok is false when it may not go: it was drawn for a check.
func (o *office) vehicle(codes ...string) (took time.Duration, ok bool) {
	o.Helper()
	o.commit("rpm-1", &observation.RadiationOccupancy{StartNs: time.Now().UnixNano()})
	for _, code := range codes[:len(codes)-1] {
		o.commit("scan-1", barcode.Classify(code, nil))
	}
	begin := time.Now()
	o.commit("scan-1", barcode.Classify(codes[len(codes)-1], nil))
	defer o.leave()
	for {
		select {
		case at := <-o.opened:
			return at.Sub(begin), true
		case <-time.After(100 * time.Millisecond):
			if d := o.decided(); d.GetDraw().GetSelected() {
				return 0, false
			}
		}
	}
}

// decided returns the decision about the vehicle at the booth; nil before one was made.
func (o *office) decided() *observation.ClearanceDecision {
	if all := o.States(); len(all) > 0 {
		return all[0].Current
	}
	return nil
}

// leave lets the vehicle leave the booth, and waits until nobody is there.
func (o *office) leave() {
	now := time.Now().UnixNano()
	o.commit("loop-2", &observation.VehicleDetection{Station: "loop-in", StartNs: now - 1e9, EndNs: now})
	for o.decided() != nil {
		<-time.After(time.Millisecond)
	}
	for len(o.opened) > 0 { // a decision that was revised opened it again
		<-o.opened
	}
}

// codesOf returns codes with which nothing is wrong, another set for each vehicle.
func codesOf(trade *scenario.Trade, i int) []string {
	active := func(p lists.Pair) bool {
		return slices.ContainsFunc(trade.Importers, func(one lists.Importer) bool { return one.BN15 == p.Importer && one.Status == lists.Active }) &&
			slices.ContainsFunc(trade.Carriers, func(one lists.Carrier) bool { return one.Code == p.Carrier && one.Status == lists.Active })
	}
	for n := i; ; n++ {
		if p := trade.Pairs[n%len(trade.Pairs)]; active(p) {
			return []string{p.Carrier, p.Importer, trade.Drivers[i%370].Number}
		}
	}
}

// The agent decides by its lists and its policy, and opens the barrier for who may go.
func TestDecider(t *testing.T) {
	o := newOffice(t)
	trade := scenario.NewTrade(time.Now())
	released := 0
	for i := range 12 { // one in thirty is drawn for a check, and stays
		codes := codesOf(trade, 5*i)
		o.commit("rpm-1", &observation.RadiationOccupancy{StartNs: time.Now().UnixNano()})
		for _, code := range codes {
			o.commit("scan-1", barcode.Classify(code, nil))
		}
		for len(o.decided().GetShipments()) == 0 || o.decided().GetDraw() == nil {
			<-time.After(time.Millisecond)
		}
		d := o.decided()
		if d.Outcome == "RELEASE" {
			released++
		} else if !d.Draw.Selected {
			t.Errorf("%v: %v", codes, d)
		}
		o.leave()
	}
	if released < 6 {
		t.Errorf("%d of 12 were released", released)
	}
	o.commit("scan-1", barcode.Classify("CD999999", nil))
	for o.decided() == nil {
		<-time.After(time.Millisecond)
	}
	if d := o.decided(); d.Outcome == "RELEASE" {
		t.Errorf("a driver without goods: %v", d)
	}
}

// BenchmarkDecision is the time from a driver's last code, before it is journalled, to the barrier's output, with the
// rows of 14 other devices in between.
func BenchmarkDecision(b *testing.B) {
	o := newOffice(b)
	ctx, cancel := context.WithCancel(b.Context())
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		for n := 0; ctx.Err() == nil; n++ { // 140 rows a second
			obs := observation.New(observation.Class_CLASS_TELEMETRY, time.Now(), &observation.RadiationBackground{Gamma: []int32{300, 310}})
			obs.Device, obs.Key = fmt.Sprintf("dev-%d", n%14), fmt.Sprint("b", n)
			if _, err := o.journal.Commit(ctx, obs); err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
			<-time.After(time.Second / 140)
		}
	}()
	trade := scenario.NewTrade(time.Now())
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		if one, ok := o.vehicle(codesOf(trade, i)...); ok {
			took = append(took, one)
		}
	}
	cancel()
	<-busy
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[min(int(share*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "ms-median")
	b.ReportMetric(at(0.99), "ms-p99")
	b.ReportMetric(at(0.999), "ms-p999")
	b.ReportMetric(float64(len(took)), "vehicles")
}
