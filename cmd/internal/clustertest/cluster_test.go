package clustertest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/cluster"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/ledger/postgres/postgrestest"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// everyPart has each server and each hub killed and stopped, as make cluster does, and not one of each kind.
var (
	everyPart = flag.Bool("every-part", false, "run TestCluster: kill and stop each server and hub in turn")
	oneOfEach = flag.Bool("one-of-each", false, "run TestCluster: kill and stop one of each kind")
)

const (
	parts    = 3 // NATS servers, and hubs
	lanes    = 12
	downTime = 4 * time.Second  // between a kill and the next start
	stopTime = 10 * time.Second // of a stopped part: longer than the others wait for it
	rowEvery = 50 * time.Millisecond
	patience = 3 * time.Minute // of a condition, on a busy machine
)

// part is a program of the cluster.
type part struct {
	t    *testing.T
	name string
	args []string
	log  *os.File
	cmd  *exec.Cmd
}

func (p *part) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Env = append(os.Environ(), "LANEHUB_PASSWORD=secret")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// end sends a signal that ends the program, and waits until it is gone.
func (p *part) end(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s)
	_ = p.cmd.Wait() // killed
}

// rig is the whole cluster with its agents.
type rig struct {
	*testing.T
	dir, url string
	nats     []*part
	clients  []string // of the NATS servers, for hubs
	mqtt     []string
	network  *network
	hubs     []*part
	http     []string
	password string
	journals []*journal.Journal
	uplinks  []*uplink.Uplink
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (r *rig) write(name, text string) string {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	return path
}

func (r *rig) run(args ...string) {
	r.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		r.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// add makes a part of the cluster, which ends with the test.
func (r *rig) add(name string, args ...string) *part {
	log, err := os.Create(filepath.Join(r.dir, name+".log"))
	if err != nil {
		r.Fatal(err)
	}
	p := &part{t: r.T, name: name, args: args, log: log}
	r.Cleanup(func() {
		p.end(syscall.SIGKILL)
		log.Close()
		if r.Failed() {
			text, _ := os.ReadFile(log.Name())
			r.Logf("--- %s\n%s", name, text[max(0, len(text)-4000):])
		}
	})
	p.start()
	return p
}

func (r *rig) waitFor(what string, ok func() bool) {
	r.Helper()
	for begin := time.Now(); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			r.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// newRig starts everything.
func newRig(t *testing.T) *rig {
	r := &rig{T: t, url: postgrestest.URL(t), dir: t.TempDir()}
	lanehub, natsServer := filepath.Join(r.dir, "lanehub"), filepath.Join(r.dir, "nats-server")
	r.buildHub(lanehub)
	r.run("go", "build", "-o", natsServer, "github.com/nats-io/nats-server/v2")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	var agents strings.Builder
	for i := range lanes {
		fmt.Fprintf(&agents, "demo/lane-%d:%s\n", i, hash)
	}
	r.password = r.write("password", "secret\n")
	r.run(lanehub, "broker-rules", "--for", "nats", "--agents", r.write("agents", agents.String()), "--out", r.dir)
	r.startNATS(natsServer)
	r.startHubs(lanehub)
	for i := range lanes {
		r.startAgent(i)
	}
	return r
}

func (r *rig) startNATS(program string) {
	for range parts {
		r.clients, r.mqtt = append(r.clients, freeAddress(r.T)), append(r.mqtt, freeAddress(r.T))
	}
	r.network = newNetwork(r.T)
	for i := range parts {
		name := fmt.Sprintf("nats-%d", i)
		config := r.write(name+".conf", fmt.Sprintf("server_name: %s\nlisten: %q\njetstream {store_dir: %q, max_file_store: 256MB}\n"+
			"mqtt {listen: %q}\n%sinclude lanewarden-nats.conf\n",
			name, r.clients[i], filepath.Join(r.dir, name), r.mqtt[i], r.network.settings(i)))
		r.nats = append(r.nats, r.add(name, program, "-c", config))
	}
}

// startHubs starts the hubs; all have the key of the first.
func (r *rig) startHubs(program string) {
	for i := range parts {
		name, address := fmt.Sprintf("hub-%d", i), freeAddress(r.T)
		dir := filepath.Join(r.dir, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			r.Fatal(err)
		}
		if i > 0 {
			key, err := os.ReadFile(filepath.Join(r.dir, "hub-0", "hub.key"))
			if err != nil {
				r.Fatal(err)
			}
			r.write(filepath.Join(name, "hub.key"), string(key))
		}
		r.http = append(r.http, "http://"+address)
		r.hubs = append(r.hubs, r.add(name, program, "run", "--dir", dir, "--http", address, "--ledger", r.url,
			"--nats", "nats://"+strings.Join(r.clients, ",nats://"), "--broker-user", "lanehub", "--broker-password-file", r.password))
		r.waitFor(name, func() bool {
			resp, err := http.Get(r.http[i] + "/healthz")
			if err == nil {
				resp.Body.Close()
			}
			return err == nil && resp.StatusCode == http.StatusOK
		})
	}
}

// startAgent starts the uplink of an agent, which prefers one server and has the others as further paths.
func (r *rig) startAgent(i int) {
	name := fmt.Sprintf("lane-%d", i)
	j, err := journal.Open(r.TempDir(), journal.Options{Site: "demo", Agent: name})
	if err != nil {
		r.Fatal(err)
	}
	var paths []uplink.Path
	for k := range parts {
		paths = append(paths, uplink.Path{ID: fmt.Sprint(k), Broker: wire.Broker{
			URL: "mqtt://" + r.mqtt[(i+k)%parts], Username: "demo/" + name, PasswordFile: r.password, KeepAlive: 5 * time.Second}})
	}
	u, err := uplink.New(j, uplink.Options{Paths: paths, Hold: 2 * time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); u.Run(ctx) }()
	r.Cleanup(func() { cancel(); <-done; j.Close() })
	r.journals, r.uplinks = append(r.journals, j), append(r.uplinks, u)
}

// load has each agent commit an alarm or an event every rowEvery, until ctx ends.
func (r *rig) load(ctx context.Context) *sync.WaitGroup {
	var running sync.WaitGroup
	for _, j := range r.journals {
		running.Go(func() {
			for n := 0; wire.Pause(ctx, rowEvery) == nil; n++ {
				o := observation.New(observation.Class(1+n%2), time.Now(), &observation.RadiationTamper{Tripped: n%3 == 0})
				o.Device = "rpm-1"
				if _, err := j.Commit(context.WithoutCancel(ctx), o); err != nil {
					r.Error(err)
					return
				}
			}
		})
	}
	return &running
}

// served waits until all agents have acknowledgements of rows that they wrote after now, and returns how long that took.
// meanwhile is called again and again.
func (r *rig) served(what string, meanwhile func()) time.Duration {
	r.Helper()
	begin := time.Now()
	target := make([]int64, len(r.journals))
	for i, j := range r.journals {
		target[i] = j.Size()
	}
	r.waitFor("service after "+what, func() bool {
		meanwhile()
		for i, j := range r.journals {
			if j.Acked(observation.Class_CLASS_ALARM) < target[i] || j.Acked(observation.Class_CLASS_EVENT) < target[i] {
				return false
			}
		}
		return true
	})
	return time.Since(begin)
}

// settle waits until each agent is back at the server that it prefers and the hubs share the agents evenly, so that a
// fault meets some.
func (r *rig) settle() {
	r.Helper()
	r.waitFor("agents at the servers that they prefer", func() bool {
		return !slices.ContainsFunc(r.uplinks, func(u *uplink.Uplink) bool { return !u.Status().Ready || u.Status().Path != "0" })
	})
	least := cluster.Partitions / parts
	share := []string{fmt.Sprintf("cluster_partitions %d\n", least), fmt.Sprintf("cluster_partitions %d\n", least+1)}
	r.waitFor("hubs that share the agents evenly", func() bool {
		for _, hub := range r.http {
			resp, err := http.Get(hub + "/metrics")
			if err != nil {
				return false
			}
			text, _ := io.ReadAll(resp.Body) // a part of it does not have the line
			resp.Body.Close()
			if !slices.ContainsFunc(share, func(line string) bool { return strings.Contains(string(text), line) }) {
				return false
			}
		}
		return true
	})
}

// fault does something to a cluster that has settled, undoes it after a time, and prints how long it took until all agents
// were served.
func (r *rig) fault(what string, lasts time.Duration, begin, end func()) {
	r.Helper()
	r.settle()
	begin()
	over, ended := time.After(lasts), false
	took := r.served(what, func() {
		select {
		case <-over:
			end()
			ended = true
		default:
		}
	})
	if !ended {
		<-over
		end()
	}
	r.Logf("%-19s all agents served again after %s", what+":", took.Round(10*time.Millisecond))
	r.served("the end of "+what, func() {})
}

func (r *rig) kill(p *part) {
	r.fault(p.name+" killed", downTime, func() { p.end(syscall.SIGKILL) }, p.start)
}

func (r *rig) stop(p *part) {
	signal := func(s syscall.Signal) func() {
		return func() { _ = p.cmd.Process.Signal(s) } // it runs
	}
	r.fault(p.name+" stopped", stopTime, signal(syscall.SIGSTOP), signal(syscall.SIGCONT))
}

// postgres returns the folder of the server and the ids of its processes, the first of all first.
func (r *rig) postgres() (dir string, pids []int) {
	r.Helper()
	u, err := url.Parse(r.url)
	if err != nil {
		r.Fatal(err)
	}
	dir = u.Query().Get("host")
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		r.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	out, _ := exec.Command("pgrep", "-P", first).Output() // 1 when there are none
	for _, field := range append([]string{first}, strings.Fields(string(out))...) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			r.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return dir, pids
}

// signalPostgres sends a signal to all of the server's processes.
func (r *rig) signalPostgres(s syscall.Signal) {
	_, pids := r.postgres()
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // one may have ended by itself
	}
}

// startPostgres starts the server that was killed, as package postgrestest did.
func (r *rig) startPostgres() {
	dir, _ := r.postgres()
	bin, err := exec.Command("sh", "-c", "ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1").Output()
	if err != nil {
		r.Fatal(err)
	}
	args := []string{filepath.Join(strings.TrimSpace(string(bin)), "pg_ctl"), "--pgdata=" + dir + "/data", "--log=" + dir + "/server.log",
		"--wait", "--silent", "--options=-h '' -k " + dir + " -c max_connections=200", "start"}
	if os.Getuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	command := exec.Command(args[0], args[1:]...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		r.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// What check says of rows that are wrong.
const (
	differs       = "the ledger differs from what was written"
	wrongEvidence = "wrong evidence"
)

// check compares the ledger with what the agents wrote: each row once, every proof right.
func (r *rig) check() {
	want := map[string]bool{}
	for _, j := range r.journals {
		for idx := range j.Size() {
			want[fmt.Sprintf("%x/%d", j.Identity().ID, idx)] = true
		}
	}
	held := map[string]int{}
	for after := "0"; ; {
		resp, err := http.Get(r.http[0] + "/v1/feed?site=demo&limit=1000&after=" + after)
		if err != nil {
			r.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			r.Fatalf("feed: %d %v %s", resp.StatusCode, err, text)
		}
		if len(text) == 0 {
			break
		}
		for line := range strings.Lines(string(text)) {
			var e struct {
				ID     string `json:"id"`
				Cursor string `json:"lwcursor"`
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				r.Fatal(err)
			}
			held[e.ID]++
			after = e.Cursor
		}
	}
	lost, doubled := 0, 0
	for id := range want {
		if held[id] == 0 {
			lost++
		}
	}
	for _, n := range held {
		if n > 1 {
			doubled++
		}
	}
	r.Logf("%d rows written, %d in the ledger, %d lost, %d doubled", len(want), len(held), lost, doubled)
	if lost > 0 || doubled > 0 || len(held) != len(want) {
		r.Error(differs)
	}
	all, err := ledger.Audit(r.Context(), r.url, "")
	if err != nil {
		r.Fatal(err)
	}
	for _, one := range all {
		if !one.Report.OK() {
			r.Errorf("%s of %s/%s: %v", wrongEvidence, one.Site, one.Agent, one.Report.Findings)
		}
	}
	r.Logf("evidence of %d journals was checked", len(all))
}

// TestCluster: whatever part of a cluster is killed, stopped or cut off under load, every row is in the ledger once, the evidence
// holds, and service comes back by itself.
func TestCluster(t *testing.T) {
	if !*everyPart && !*oneOfEach {
		t.Skip("it takes minutes: make cluster runs it")
	}
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	load := r.load(ctx)
	t.Logf("first service after %s", r.served("the start", func() {}).Round(10*time.Millisecond))
	each := parts
	if !*everyPart {
		each = 1
	}
	for i := range each {
		r.kill(r.hubs[i])
		r.stop(r.hubs[i])
		r.kill(r.nats[i])
		r.stop(r.nats[i])
		r.cutOff(i)
	}
	r.fault("PostgreSQL killed", downTime, func() { r.signalPostgres(syscall.SIGKILL) }, r.startPostgres)
	r.fault("PostgreSQL stopped", stopTime, func() { r.signalPostgres(syscall.SIGSTOP) },
		func() { r.signalPostgres(syscall.SIGCONT) })
	cancel()
	load.Wait()
	r.waitFor("the end of the queue", func() bool {
		for _, j := range r.journals {
			for _, class := range observation.Classes {
				if j.Acked(class) < j.Last(class) {
					return false
				}
			}
		}
		return true
	})
	r.check()
}
