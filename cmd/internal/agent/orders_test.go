package agent

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/wire"
	signed "lanewarden/sync/wire/command"
)

// Every kind of order has somebody who carries it out.
func TestEveryOrderHasAnExecutor(t *testing.T) {
	executors := (&carriers{}).executors()
	for _, kind := range signed.Kinds() {
		if executors[kind] == nil {
			t.Errorf("nobody carries out %s", kind)
		}
	}
}

// The centre puts a device in maintenance, and ends it; that survives the agent's restart.
func TestMaintenanceOrder(t *testing.T) {
	dir := t.TempDir()
	c, err := firmwareconfig.Decode([]byte("site: {id: s}\nagent: {id: a, state_dir: "+dir+"}\nlanes: [{id: l}]\n"+
		"devices: [{id: c, driver: clock}]\n"), "lane.yaml", drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Site: "s", Agent: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	open := func() *lane.Supervisor {
		s, err := supervisor(c, j, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	devices := open()
	order := func(o *wire.Order) error {
		o.Kind = signed.Maintenance
		return (&carriers{devices: devices}).executors()[o.Kind](t.Context(), o)
	}
	until := time.Now().Add(time.Hour)
	if err := order(&wire.Order{Device: "c", UntilNs: until.UnixNano(), Reason: "calibration"}); err != nil {
		t.Fatal(err)
	}
	devices = open()
	if m := devices.Devices()[0].Maintenance; m == nil || m.By != "centre" || m.Reason != "calibration" || !m.Until.Equal(until) {
		t.Fatalf("%+v", m)
	}
	for name, o := range map[string]*wire.Order{
		"config.no-device": {Device: "d", UntilNs: until.UnixNano()},
		"maintenance.past": {Device: "c", UntilNs: 1},
	} {
		if err := order(o); !message.Of(err).Is(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := order(&wire.Order{Device: "c"}); err != nil || devices.Devices()[0].Maintenance != nil {
		t.Error(err)
	}
}
