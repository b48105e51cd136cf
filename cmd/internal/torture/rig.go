package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"lanewarden/cmd/internal/process"
	"lanewarden/cmd/internal/torture/powercut"
	"lanewarden/edge/api"
)

// diskBytes is the size of each of the two disks: far more than a run writes, so that nothing is removed for want of
// room.
const diskBytes = 6 << 30

// rig is a hub, an agent, each on a disk of its own, and the link between them. Methods are for one goroutine.
type rig struct {
	log                io.Writer
	dir                string
	agentDisk, hubDisk *powercut.Disk
	agent, hub         *process.Process
	clocks             map[string]*clock
	proxy              *toxiproxy.Proxy
	socket             string
	n42, plates, dicom string // addresses of the agent for devices
	parking            string // the same, for a plate reader of no lane
	portal             string // address of a simulated portal
	oracle             *oracle
	result             *Result
	healing            []healing
	patience           time.Duration
}

// healing ends a fault that lasts.
type healing struct {
	after int // so many more faults
	end   func() error
}

func newRig(ctx context.Context, c Config, result *Result) (r *rig, err error) {
	r = &rig{log: c.Log, dir: c.Dir, result: result, oracle: newOracle(), clocks: map[string]*clock{},
		socket: filepath.Join(c.Dir, "laned.sock"), patience: c.Patience}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := build(ctx, c); err != nil {
		return r, err
	}
	for _, d := range []struct {
		name string
		disk **powercut.Disk
	}{{agentName, &r.agentDisk}, {hubName, &r.hubDisk}} {
		if err := os.MkdirAll(r.path(d.name), 0o750); err != nil {
			return r, err
		}
		disk := powercut.New(r.path(d.name), diskBytes)
		if err := disk.Mount(); err != nil {
			return r, err
		}
		*d.disk = disk
		if r.clocks[d.name], err = newClock(r.path(d.name + ".clock")); err != nil {
			return r, err
		}
	}
	return r, r.compose()
}

// compose writes the lane file and makes the programs and the link, not started yet.
func (r *rig) compose() error {
	addresses, err := process.FreeAddresses(8)
	if err != nil {
		return err
	}
	hubHTTP, broker, link := addresses[0], addresses[1], addresses[2]
	r.n42, r.plates, r.dicom, r.portal, r.parking = addresses[3], addresses[4], addresses[5], addresses[6], addresses[7]
	text := fmt.Sprintf(`
site: {id: torture}
agent: {id: lane-1, state_dir: %s}
lanes: [{id: lane-1}]
devices:
  - {id: rpm-1, driver: tsa, lane: lane-1, settings: {address: "%s"}}
  - {id: asp-1, driver: n42, lane: lane-1, settings: {http: {listen: "%s", path: /n42}}}
  - {id: lpr-1, driver: plate, lane: lane-1, settings: {http: {listen: "%s", path: /p}}}
  - {id: lpr-2, driver: plate, settings: {http: {listen: "%s", path: /p}}}
  - {id: xray-1, driver: dicos, lane: lane-1, settings: {network: {listen: "%s", ae_title: LANE}}}
  - {id: ion-1, driver: ionscan, lane: lane-1, settings: {folder: {path: %s, settle: 1s}}}
uplink: {broker: "mqtt://%s", keep_alive: 5s}
console: {socket: %s}
`, r.path(agentName), r.portal, r.n42, r.plates, r.parking, r.dicom, r.path("trace"), link, r.socket)
	if err := os.WriteFile(r.path("lane.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	r.hub, err = process.New(hubName, r.path("bin/lanehub"), r.dir,
		[]string{"run", "--dir", r.path(hubName), "--http", hubHTTP, "--mqtt", broker}, r.clocks[hubName].env())
	if err != nil {
		return err
	}
	r.agent, err = process.New(agentName, r.path("bin/laned"), r.dir,
		[]string{"run", r.path("lane.yaml"), "--telemetry-delay", "200ms"}, r.clocks[agentName].env())
	if err != nil {
		return err
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r.proxy = toxiproxy.NewProxy(server, linkName, link, broker)
	return nil
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) process(target string) *process.Process {
	if target == hubName {
		return r.hub
	}
	return r.agent
}

func (r *rig) disk(target string) *powercut.Disk {
	if target == hubName {
		return r.hubDisk
	}
	return r.agentDisk
}

// awaken starts everything, and makes sure that what a cut takes is what programs did not sync.
func (r *rig) awaken(ctx context.Context) error {
	if err := errors.Join(r.hub.Start(), r.agent.Start(), r.proxy.Start()); err != nil {
		return err
	}
	if err := r.wait(ctx, "agent and hub to speak", func() bool { return r.status().Link.Ready }); err != nil {
		return err
	}
	for _, name := range both {
		if r.disk(name).Syncs() == 0 {
			r.result.note("no sync of the %s reaches its disk: it does not sync, or the kernel goes round the layer", name)
		}
	}
	return nil
}

// heal ends a lasting fault after as many others as it drew.
func (r *rig) heal(f fault, end func() error) {
	r.healing = append(r.healing, healing{f.later, end})
}

// healDue ends the faults that have lasted long enough, or all.
func (r *rig) healDue(ctx context.Context, all bool) error {
	left := r.healing[:0]
	var errs []error
	for _, h := range r.healing {
		if h.after--; h.after >= 0 && !all {
			left = append(left, h)
			continue
		}
		errs = append(errs, sleep(ctx, 200*time.Millisecond), h.end())
	}
	r.healing = left
	return errors.Join(errs...)
}

// status asks the agent; it is empty when the agent does not answer.
func (r *rig) status() api.Status {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := api.GetStatus.Ask(ctx, api.NewClient(r.socket, 2*time.Second), api.None{})
	if err != nil {
		return api.Status{}
	}
	return s
}

// errStuck means that somebody would have to act.
var errStuck = errors.New("waited too long")

// wait waits for a condition, and starts programs again that ended by themselves.
func (r *rig) wait(ctx context.Context, what string, ok func() bool) error {
	for begin := time.Now(); !ok(); {
		if err := r.revive(); err != nil {
			return err
		}
		if time.Since(begin) > r.patience {
			return fmt.Errorf("%w: %s for %s\nstatus: %+v\n--- agent\n%s\n--- hub\n%s", errStuck, r.patience, what,
				r.status(), r.agent.Tail(), r.hub.Tail())
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// revive starts programs again that ended by themselves.
func (r *rig) revive() error {
	for _, p := range []*process.Process{r.agent, r.hub} {
		fallen, err := p.Revive()
		if err != nil {
			return err
		}
		if fallen != nil {
			r.result.Fell++
			r.noteCrash(p, fallen)
			fmt.Fprintf(r.log, "  the %s ended by itself: %v\n%s\n", p.Name, fallen, p.Tail())
		}
	}
	return nil
}

// watchProgress heals everything and waits until a device got a further acknowledgement, and the agent one of the
// hub.
func (r *rig) watchProgress(ctx context.Context) error {
	if err := r.healDue(ctx, true); err != nil {
		return err
	}
	told := r.oracle.count()
	if err := r.wait(ctx, "a device to be told that something is stored", func() bool {
		return r.oracle.count() > told
	}); err != nil {
		return err
	}
	acked := r.status().Link.AckedRows
	return r.wait(ctx, "the hub to acknowledge something", func() bool {
		s := r.status()
		if s.Link.AckedRows < acked { // the agent was restarted
			acked = s.Link.AckedRows
		}
		return s.Link.Ready && s.Link.AckedRows > acked
	})
}

// settle heals everything and waits until the hub has all.
func (r *rig) settle(ctx context.Context) error {
	if err := r.healDue(ctx, true); err != nil {
		return err
	}
	err := r.wait(ctx, "the hub to have everything", func() bool {
		s := r.status()
		rows := s.Journal.Waiting["alarm"] + s.Journal.Waiting["event"] + s.Journal.Waiting["telemetry"]
		return s.Link.Ready && len(s.Journal.Waiting) == 3 && rows == 0 && s.Journal.WaitingArtifacts == 0
	})
	for _, p := range []*process.Process{r.agent, r.hub} {
		r.stop(p)
	}
	return err
}

// close ends and unmounts what there is.
func (r *rig) close() error {
	var errs []error
	for _, p := range []*process.Process{r.agent, r.hub} {
		if p != nil {
			p.End(syscall.SIGKILL)
			errs = append(errs, p.Log.Close())
		}
	}
	if r.proxy != nil {
		r.proxy.Stop()
	}
	for _, d := range []*powercut.Disk{r.agentDisk, r.hubDisk} {
		if d != nil {
			errs = append(errs, d.Unmount())
		}
	}
	for _, c := range r.clocks {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// ignoreRunning: a proxy that was started already is as it is to be.
func ignoreRunning(err error) error {
	if errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		return nil
	}
	return err
}
