package agent

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"lanewarden/drivers"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/edge/api"
	"lanewarden/edge/bundle"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
	repository "lanewarden/sync/hub/orders"
)

// trialTime is short: the devices of these tests answer at once. It is long beside a start on a busy machine.
const trialTime = 8 * time.Second

// centre is a repository of orders with the keys of two who sign bundles.
type centre struct {
	*repository.Repository
	dir, root string
	keys      []repository.Key
}

func newCentre(t *testing.T, dir string) *centre {
	t.Helper()
	c := &centre{Repository: repository.At(dir), dir: dir}
	files, root, err := c.Init(filepath.Join(t.TempDir(), "keys"), "")
	if err != nil {
		t.Fatal(err)
	}
	c.root = root
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), "targets-") {
			k, err := repository.ReadKey(f, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.keys = append(c.keys, k)
		}
	}
	return c
}

// publish publishes a bundle of files, name and content in turn.
func (c *centre) publish(t *testing.T, path string, files ...string) {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.tar.zst")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err := c.Publish([]repository.File{{Path: path, From: file}}, nil, c.keys); err != nil || !done {
		t.Fatal(done, err)
	}
}

// portal is a simulated device that listens until the test ends.
func portal(t *testing.T) (l *counted, address string) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &counted{Listener: tcp}
	server := &sim.Server{Portal: sim.New(sim.Defaults()), Speed: 20}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { server.Serve(ctx, l) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return l, l.Addr().String()
}

// box is an agent on a machine of its own.
type box struct {
	dir, agent, root, broker string
	portal                   string // address
	more                     string // other devices, as the lane file has them
	config                   *firmwareconfig.Config
	client                   *api.Client
	stop                     func()
}

// laneFile is the box's lane file with its portal at an address.
func (b *box) laneFile(comment, portal string) string {
	return fmt.Sprintf(`# %s
site: {id: demo}
agent: {id: %s, state_dir: %s}
lanes: [{id: lane-1}]
devices: [{id: rpm-1, driver: tsa, lane: lane-1, settings: {address: "%s"}}%s]
uplink: {broker: "mqtt://%s", orders: {root: %s}}
`, comment, b.agent, b.dir, portal, b.more, b.broker, b.root)
}

// start runs the agent until the test, or stop, ends it.
func (b *box) start(t *testing.T, portal string) {
	t.Helper()
	b.portal = portal
	file := filepath.Join(t.TempDir(), "lane.yaml")
	if err := os.WriteFile(file, []byte(b.laneFile("machine", portal)), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := firmwareconfig.Load(file, drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	b.config, b.client = config, api.NewClient(Socket(config), 5*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, config, Options{Software: "test", BundleTrial: trialTime, Log: slog.New(slog.DiscardHandler)})
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	b.wait(t, "the portal", func() bool { return b.state() == lane.Running })
}

// state is the first device's, "" while the agent does not answer.
func (b *box) state() string {
	s, err := api.GetStatus.Ask(context.Background(), b.client, api.None{})
	if err != nil || len(s.Devices) == 0 {
		return ""
	}
	return s.Devices[0].State
}

func (b *box) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); <-time.After(100 * time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("%s waited too long for %s; its bundles: %q", b.agent, what, b.steps(t))
		}
	}
}

// steps lists what the agent's journal says of bundles: "reverted lane-2".
func (b *box) steps(t *testing.T) (out []string) {
	t.Helper()
	j, err := journal.OpenForReading(journalDir(b.config))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for from := int64(0); from < j.Size(); {
		rows, err := j.Read(from, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			from = rows[i].Idx + 1
			if rows[i].Kind != observation.Kind_KIND_BUNDLE_STATE {
				continue
			}
			o, err := rows[i].Observation()
			if err != nil {
				t.Fatal(err)
			}
			s := o.Body.GetBundleState()
			step := strings.ToLower(strings.TrimPrefix(s.Step.String(), "STEP_"))
			out = append(out, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", step, filepath.Base(s.Bundle), s.Text), ": "))
		}
	}
	return out
}

// A bundle that works stays; one with a wrong address is given up, and the portal runs as before; another agent's is
// refused. After a restart the one that works is in force.
func TestBundles(t *testing.T) {
	c := newCentre(t, filepath.Join(t.TempDir(), "orders"))
	_, here := portal(t)
	b := &box{dir: t.TempDir(), agent: "lane-1", root: c.root, broker: drivertest.FreeAddress(t)}
	b.start(t, here)
	nowhere := drivertest.FreeAddress(t)
	for i, one := range []struct{ agent, address, last string }{
		{"lane-1", here, "healthy lane-1"},
		{"lane-1", nowhere, "reverted lane-2: device rpm-1 ran before and does not run any more"},
		{"lane-2", here, "refused lane-3: its lane file is of agent demo/lane-2, and this is demo/lane-1"},
	} {
		text := (&box{dir: b.dir, agent: one.agent, root: b.root, broker: b.broker}).laneFile("bundle", one.address)
		c.publish(t, fmt.Sprintf("bundles/demo/lane-1/lane-%d", i+1), bundle.LaneFile, text)
		if _, err := api.PostOrders.Do(t.Context(), b.client, api.OrdersFolder{Dir: c.dir}); err != nil {
			t.Fatal(err)
		}
		b.wait(t, one.last, func() bool { s := b.steps(t); return len(s) > 0 && s[len(s)-1] == one.last })
		b.wait(t, "the portal", func() bool { return b.state() == lane.Running })
	}
	b.stop()
	b.start(t, here)
	s, err := api.GetStatus.Ask(t.Context(), b.client, api.None{})
	if err != nil || !strings.Contains(s.Config, "/"+BundlesName+"/") {
		t.Errorf("in force after a restart: %q %v", s.Config, err)
	}
}

// counted counts the connections that a device accepts.
type counted struct {
	net.Listener
	n atomic.Int64
}

func (c *counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// A bundle that changes the settings of one device has that one begin anew, and goes back to what was as well: the other devices
// keep their connection, and the agent goes on. One that changes more has the agent begin anew.
func TestOneDeviceChanged(t *testing.T) {
	var devices [3]*counted
	var address [3]string
	for i := range devices {
		devices[i], address[i] = portal(t)
	}
	c, other := newCentre(t, filepath.Join(t.TempDir(), "orders")), drivertest.FreeAddress(t)
	b := &box{dir: t.TempDir(), agent: "lane-1", root: c.root, broker: drivertest.FreeAddress(t)}
	with := func(second string, silent string) string {
		return fmt.Sprintf(`, {id: rpm-2, driver: tsa, lane: lane-1, settings: {address: "%s", silent_after: %s}}, `+
			`{id: rpm-3, driver: tsa, lane: lane-1, settings: {address: "%s"}}`, second, silent, address[2])
	}
	b.more = with(address[1], "30s")
	b.start(t, address[0])
	status := func() api.Status {
		s, err := api.GetStatus.Ask(t.Context(), b.client, api.None{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	all := func() bool {
		s, err := api.GetStatus.Ask(t.Context(), b.client, api.None{})
		return err == nil && !slices.ContainsFunc(s.Devices, func(d lane.Status) bool { return d.State != lane.Running })
	}
	b.wait(t, "three portals", all)
	started := status().Started
	for i, one := range []struct{ title, more, last string }{
		{"other settings", with(address[1], "45s"), "healthy c-1"},
		{"a wrong address", with(other, "45s"), "reverted c-2: device rpm-2 ran before and does not run any more"},
	} {
		text := (&box{dir: b.dir, agent: b.agent, root: b.root, broker: b.broker, more: one.more}).laneFile(one.title, address[0])
		c.publish(t, fmt.Sprintf("bundles/demo/lane-1/c-%d", i+1), bundle.LaneFile, text)
		if _, err := api.PostOrders.Do(t.Context(), b.client, api.OrdersFolder{Dir: c.dir}); err != nil {
			t.Fatal(err)
		}
		b.wait(t, one.last, func() bool { s := b.steps(t); return len(s) > 0 && s[len(s)-1] == one.last })
		b.wait(t, "three portals", all)
	}
	if n := []int64{devices[0].n.Load(), devices[1].n.Load(), devices[2].n.Load()}; n[0] != 1 || n[1] != 3 || n[2] != 1 {
		t.Errorf("connections: %v", n)
	}
	detail, err := api.GetDevice.Ask(t.Context(), b.client, api.DeviceQuery{Device: "rpm-2"})
	if s := status(); err != nil || !s.Started.Equal(started) || !strings.Contains(fmt.Sprint(detail.Settings), "45s") ||
		!strings.Contains(s.Config, "/"+BundlesName+"/") {
		t.Errorf("started %v and %v, config %s, settings %v, %v", started, s.Started, s.Config, detail.Settings, err)
	}
	text := (&box{dir: b.dir, agent: b.agent, root: b.root, broker: b.broker, more: with(address[1], "45s") + ", {id: c, driver: clock}"}).
		laneFile("one more device", address[0])
	c.publish(t, "bundles/demo/lane-1/c-3", bundle.LaneFile, text)
	if _, err := api.PostOrders.Do(t.Context(), b.client, api.OrdersFolder{Dir: c.dir}); err != nil {
		t.Fatal(err)
	}
	b.wait(t, "the next run", func() bool { return devices[0].n.Load() == 2 })
}

// With a vehicle in a lane a bundle waits; a passage that cannot be asked for may be open.
func TestNoVehicle(t *testing.T) {
	open, closed := &observation.PassageClosed{}, &observation.PassageClosed{End: observation.PassageEnd_PASSAGE_END_LEFT}
	for _, one := range []struct {
		name string
		passages
		want bool
	}{
		{"none", passages{}, true},
		{"one that has left", passages{all: []*observation.PassageClosed{closed}}, true},
		{"one that is there", passages{all: []*observation.PassageClosed{closed, open}}, false},
		{"no answer", passages{err: context.DeadlineExceeded}, false},
	} {
		if got := noVehicle(t.Context(), one.passages); got != one.want {
			t.Errorf("%s: %v", one.name, got)
		}
	}
}

type passages struct {
	all []*observation.PassageClosed
	err error
}

func (p passages) Passages(context.Context) ([]*observation.PassageClosed, map[string]time.Duration, error) {
	return p.all, nil, p.err
}
