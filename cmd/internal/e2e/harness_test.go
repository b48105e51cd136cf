package e2e

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/edge/api"
	"lanewarden/edge/evidence"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

var buildFlags []string

// bin is where TestMain put the programs.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	if wanted := 2 * runtime.GOMAXPROCS(0); flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		// Most of their time these tests wait for programs: a core for each would stand still for half of it.
		if err := flag.Set("test.parallel", strconv.Itoa(wanted)); err != nil {
			panic(err)
		}
	}
	dir, err := os.MkdirTemp("", "lanewarden-e2e-*")
	if err != nil {
		panic(err)
	}
	bin = dir
	args := append([]string{"build"}, buildFlags...)
	out, err := exec.Command("go", append(args, "-o", dir+"/", "lanewarden/cmd/...")...).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program is one of the programs, which can be killed and started again.
type program struct {
	t    *testing.T
	name string
	path string
	args []string
	log  *os.File

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil when it does not run
	ended chan struct{} // closed when cmd has ended
	err   error         // of that end
}

func (p *program) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
		p.cmd = nil
		return
	}
	cmd, ended := p.cmd, make(chan struct{})
	p.ended = ended
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
}

// died reports whether the program has ended without being told to.
func (p *program) died() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// end sends a signal and waits for the end.
func (p *program) end(sig os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(sig)
	<-p.ended
	p.cmd = nil
	if sig == syscall.SIGTERM && p.err != nil {
		p.t.Errorf("%s did not end in order: %v\n%s", p.name, p.err, tail(p.log.Name()))
	}
}

func tail(path string) string {
	b, _ := os.ReadFile(path)
	return string(b[max(0, len(b)-3000):])
}

// world is a hub, an agent and simulated devices.
type world struct {
	t                              *testing.T
	dir                            string
	broker, hub, agent             *program // broker is nil when the hub embeds it
	hubHTTP, mqtt, portal, n42Post string
	dicom                          string
	socket                         string
	sim                            *sim.Server
	passes                         int // that postPasses posted
}

// freeAddress returns an address on which nobody listens.
func freeAddress(t testing.TB) string { return drivertest.FreeAddress(t) }

// options say what is special about a world.
type options struct {
	mosquitto bool                       // the broker is Mosquitto, not the hub's own
	through   func(broker string) string // gives the address at which the agent finds the broker
	noPortal  bool                       // nobody listens at the portal's address
	lane      string                     // more of the lane, as YAML in one line: ", stations: [...]"
	devices   string                     // further ones, as YAML lines
	console   string                     // more of the console, as YAML in one line: ", listen: ..."
	uplink    string                     // more of the uplink, likewise
	agentDisk int                        // MB of a disk of the agent's own; 0 for the machine's
	hubDisk   int                        // MB of a disk of the hub's own; 0 for the machine's
	before    func(*world) string        // is called before programs start, and gives more of the uplink
}

// newWorld starts everything.
func newWorld(t *testing.T, o options) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: dir, hubHTTP: freeAddress(t), mqtt: freeAddress(t), portal: freeAddress(t), n42Post: freeAddress(t), dicom: freeAddress(t), socket: filepath.Join(dir, "laned.sock")}
	hubArgs := []string{"run", "--dir", w.path("hub"), "--http", w.hubHTTP, "--mqtt", w.mqtt}
	if o.mosquitto {
		w.broker = w.mosquitto()
		hubArgs = []string{"run", "--dir", w.path("hub"), "--http", w.hubHTTP, "--broker", "mqtt://" + w.mqtt}
	}
	address := w.mqtt
	if o.through != nil {
		address = o.through(w.mqtt)
	}
	w.mount("agent", o.agentDisk)
	w.mount("hub", o.hubDisk)
	if o.before != nil {
		o.uplink += o.before(w)
	}
	config := w.path("lane.yaml")
	text := fmt.Sprintf(`
site: {id: test}
agent: {id: lane-1, state_dir: %s}
lanes: [{id: lane-1%s}]
devices:
  - {id: rpm-1, driver: tsa, lane: lane-1, settings: {address: "%s"}}
  - {id: asp-1, driver: n42, lane: lane-1, settings: {http: {listen: "%s", path: /n42}}}
  - {id: xray-1, driver: dicos, lane: lane-1, settings: {network: {listen: "%s", ae_title: LANE}, folder: {path: %s}, quality: {detectors: rows}}}
  - {id: ion-1, driver: ionscan, lane: lane-1, settings: {folder: {path: %s, settle: 1s}}}
%s
uplink: {broker: "mqtt://%s"%s}
console: {socket: %s%s}
`, w.path("agent"), o.lane, w.portal, w.n42Post, w.dicom, w.path("xray"), w.path("trace"), o.devices, address, o.uplink, w.socket, o.console)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.hub = w.program("lanehub", filepath.Join(bin, "lanehub"), hubArgs...)
	w.agent = w.program("laned", filepath.Join(bin, "laned"), "run", config, "--telemetry-delay", "200ms")
	for _, p := range []*program{w.broker, w.hub, w.agent} {
		if p != nil {
			p.start()
			t.Cleanup(func() { p.end(syscall.SIGKILL) })
		}
	}
	if !o.noPortal {
		w.startPortal()
	}
	w.waitFor("the agent", 60*time.Second, func() bool { _, err := w.status(); return err == nil })
	return w
}

// mount gives a directory a disk of its own, or skips the test where that is not allowed. 0 MB is none.
func (w *world) mount(name string, mb int) {
	if mb == 0 {
		return
	}
	if err := os.MkdirAll(w.path(name), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", w.path(name), "tmpfs", 0, fmt.Sprintf("size=%dm", mb)); err != nil {
		w.t.Skipf("a disk of its own cannot be mounted here (needs root): %v", err)
	}
	w.t.Cleanup(func() {
		if err := unix.Unmount(w.path(name), unix.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
	})
}

// fill writes to a directory's disk until there is no room, and returns what makes room again.
func (w *world) fill(name string) (empty func()) {
	path := filepath.Join(w.path(name), "filling")
	f, err := os.Create(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			w.t.Fatal(err)
		}
		err = nil
	}
	return func() {
		if err := os.Remove(path); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) program(name, path string, args ...string) *program {
	log, err := os.Create(w.path(name + ".log"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { log.Close() })
	return &program{t: w.t, name: name, path: path, args: args, log: log}
}

// mosquitto returns a Mosquitto of our own, or skips the test where it is not installed.
func (w *world) mosquitto() *program {
	peer.Need(w.t, peer.Mosquitto)
	host, port, _ := net.SplitHostPort(w.mqtt)
	conf := w.path("mosquitto.conf")
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\npersistence false\nuser root\n", port, host)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.program("mosquitto", peer.MosquittoPath(), "-c", conf)
}

// startPortal runs a simulated portal, 20 times faster than life, until the test ends.
func (w *world) startPortal() {
	l, err := net.Listen("tcp", w.portal)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := sim.Defaults()
	cfg.TruckEvery, cfg.InnocentShare = 20*time.Second, 0.2
	w.sim = &sim.Server{Portal: sim.New(cfg), Speed: 20}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { w.sim.Serve(ctx, l) })
	w.t.Cleanup(func() { cancel(); wg.Wait() })
}

func (w *world) waitFor(what string, limit time.Duration, ok func() bool) {
	w.t.Helper()
	for begin := time.Now(); !ok(); <-time.After(50 * time.Millisecond) {
		for _, p := range []*program{w.broker, w.hub, w.agent} {
			if p != nil && p.died() {
				w.t.Fatalf("waiting for %s: %s ended by itself: %v\n%s", what, p.name, p.err, tail(p.log.Name()))
			}
		}
		if time.Since(begin) > limit {
			var logs strings.Builder
			for _, p := range []*program{w.broker, w.hub, w.agent} {
				if p != nil {
					fmt.Fprintf(&logs, "--- %s\n%s\n", p.name, tail(p.log.Name()))
				}
			}
			s, err := w.status()
			text, _ := json.Marshal(s)
			w.t.Fatalf("waited %s for %s\nstatus %s %v\n%s", limit, what, text, err, logs.String())
		}
	}
}

func (w *world) status() (api.Status, error) {
	return api.GetStatus.Ask(context.Background(), api.NewClient(w.socket, 2*time.Second), api.None{})
}

// drained reports whether the hub has acknowledged everything.
func (w *world) drained() bool {
	s, err := w.status()
	return w.rowsDrained() && err == nil && s.Journal.WaitingArtifacts == 0
}

// rowsDrained reports whether the hub has acknowledged all rows; artifacts may still be on their way.
func (w *world) rowsDrained() bool {
	s, err := w.status()
	n := s.Journal.Waiting["alarm"] + s.Journal.Waiting["event"] + s.Journal.Waiting["telemetry"]
	return err == nil && s.Link.Ready && n == 0 && len(s.Journal.Waiting) == 3
}

// stop ends agent and hub in order.
func (w *world) stop() {
	w.agent.end(syscall.SIGTERM)
	w.hub.end(syscall.SIGTERM)
}

func (w *world) journalDB() string {
	return filepath.Join(w.path("agent"), "journal", journal.FileName)
}
func (w *world) ledgerDB() string { return filepath.Join(w.path("hub"), ledger.FileName) }

// rows reads all rows of a database in the order of idx.
func rows(t *testing.T, db, query string) (out []string) {
	d, err := sqlog.Open(db, sqlog.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.Query(query, func(c []driver.Value) error {
		out = append(out, fmt.Sprintf("%d|%d|%d|%s|%d|%x", c[0], c[1], c[2], sqlog.Text(c[3]), c[4], sqlog.Bytes(c[5])))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkCopies holds the ledger against the journal, row by row, and audits both.
func (w *world) checkCopies() {
	w.t.Helper()
	const columns = "SELECT idx, class, t, device, kind, body FROM observation ORDER BY "
	mine, theirs := rows(w.t, w.journalDB(), columns+"idx"), rows(w.t, w.ledgerDB(), columns+"owner, idx")
	if len(mine) != len(theirs) {
		w.t.Errorf("journal has %d rows, ledger %d", len(mine), len(theirs))
	}
	for i := range min(len(mine), len(theirs)) {
		if mine[i] != theirs[i] {
			w.t.Fatalf("row %d differs:\njournal %.200s\nledger  %.200s", i, mine[i], theirs[i])
		}
	}
	_, report, err := journal.Audit(w.t.Context(), w.journalDB(), "")
	w.checkReport("journal", report, err)
	if report != nil && report.Signed != report.Rows {
		w.t.Errorf("journal: %d of %d rows are signed", report.Signed, report.Rows)
	}
	audited, err := ledger.Audit(w.t.Context(), w.ledgerDB(), "")
	if err != nil || len(audited) != 1 {
		w.t.Fatalf("ledger: %d journals, %v", len(audited), err)
	}
	w.checkReport("ledger", audited[0].Report, err)
	if r := audited[0]; r.Report.Rows != int64(len(mine)) || !r.Refused.IsZero() {
		w.t.Errorf("ledger's evidence covers %d of %d rows; refused: %q", r.Report.Rows, len(mine), r.Refused)
	}
	w.t.Logf("%d rows, equal and verified", len(mine))
}

func (w *world) checkReport(name string, r *evidence.Report, err error) {
	w.t.Helper()
	if err != nil || !r.OK() {
		w.t.Fatalf("%s: %v %+v", name, err, r)
	}
}

// lanectl runs lanectl and returns what it printed and its exit code.
func lanectl(t *testing.T, args ...string) (string, int) {
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(bin, "lanectl"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// post sends a document to the agent until it is stored, as a device does, or ctx ends.
func (w *world) post(ctx context.Context, doc []byte) bool {
	for ctx.Err() == nil {
		resp, err := http.Post("http://"+w.n42Post+"/n42", "application/xml", bytes.NewReader(doc))
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return false
}
