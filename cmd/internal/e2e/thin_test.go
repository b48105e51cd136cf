package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/xray/dicos/sim"
)

// namespace makes a network namespace that is joined to this one by a link of so many bits/s both ways, and returns its name and
// the address of this side. It skips the benchmark where that cannot be done.
func namespace(b *testing.B, bits int) (name, address string) {
	name, address = fmt.Sprintf("lw%x", rand.Uint32()), "10.213.77.1" // a name that was deleted just now may still be there
	rate := []string{"root", "tbf", "rate", fmt.Sprintf("%dbit", bits), "burst", "1600", "latency", "4s"}
	here, there := name+"a", name+"b"
	b.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	for _, args := range [][]string{
		{"ip", "netns", "add", name}, {"ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name},
		{"ip", "addr", "add", address + "/24", "dev", here}, {"ip", "link", "set", here, "up"},
		{"ip", "-n", name, "addr", "add", "10.213.77.2/24", "dev", there}, {"ip", "-n", name, "link", "set", there, "up"},
		{"ip", "-n", name, "link", "set", "lo", "up"},
		append([]string{"tc", "qdisc", "add", "dev", here}, rate...), append([]string{"tc", "-n", name, "qdisc", "add", "dev", there}, rate...),
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			b.Skipf("%s: %v %s (needs root and iproute2)", strings.Join(args, " "), err, out)
		}
	}
	return name, address
}

// thinCase is a bad link: tbf in a network namespace, behind a proxy that adds the way of a satellite and resets connections.
type thinCase struct {
	bits   int
	delay  time.Duration // each way
	resets int           // of 100 alarms, one has its connection reset while it is on its way
	pause  time.Duration // between two alarms, half to one and a half times; their previews are before the image
	share  int           // of LANEWARDEN_ALARMS, percent
}

// BenchmarkAlarmBesideImage puts an image of 20 MB on a thin link and reports how long alarms take from the drop folder of their
// driver to the hub's ledger meanwhile. LANEWARDEN_ALARMS of them, 120 when it is not set.
func BenchmarkAlarmBesideImage(b *testing.B) {
	for _, c := range []struct {
		name string
		thinCase
	}{
		{"64kbit", thinCase{bits: 64_000, pause: 700 * time.Millisecond, share: 100}},
		{"9.6kbit-600ms", thinCase{bits: 9600, delay: 300 * time.Millisecond, pause: 12 * time.Second, share: 40}},
		{"64kbit-resets", thinCase{bits: 64_000, resets: 2, pause: 700 * time.Millisecond, share: 100}},
	} {
		b.Run(c.name, func(b *testing.B) { newThinBed(b, c.thinCase).measure(b, c.thinCase) })
	}
}

// thinBed is a hub and, behind a thin link, an agent with an X-ray's drop folder.
type thinBed struct {
	dir            string
	feed           string // HOST:PORT of the hub's HTTP side
	link           *toxiproxy.Proxy
	agent, hub     *program
	alarms, events chan string
}

// newThinBed starts both and puts the image on its way.
func newThinBed(b *testing.B, c thinCase) *thinBed {
	ns, address := namespace(b, c.bits)
	bed := &thinBed{dir: b.TempDir(), alarms: make(chan string, 16), events: make(chan string, 64)}
	broker, feed := freeAddress(b), freeAddress(b)
	bed.feed = feed
	bed.link = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "link", address+":0", broker)
	if err := bed.link.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bed.link.Stop)
	for _, stream := range []string{"upstream", "downstream"} {
		toxic := fmt.Sprintf(`{"name":%q,"type":"latency","stream":%[1]q,"attributes":{"latency":%d}}`, stream, c.delay.Milliseconds())
		if _, err := bed.link.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			b.Fatal(err)
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"agents": fmt.Sprintf("test/lane-1:%s\n", hash), "password": "secret",
		"lane.yaml": fmt.Sprintf(`
site: {id: test}
agent: {id: lane-1, state_dir: %s}
lanes: [{id: lane-1}]
devices: [{id: xray-1, driver: dicos, lane: lane-1, settings: {folder: {path: %s}}}]
uplink: {broker: "mqtt://%s", username: test/lane-1, password_file: %s}
`, bed.path("agent"), bed.path("xray"), bed.link.Listen, bed.path("password")),
	} {
		if err := os.WriteFile(bed.path(name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	bed.hub = bed.run(b, "lanehub", filepath.Join(bin, "lanehub"), "run", "--dir", bed.path("hub"), "--http", feed, "--mqtt", broker, "--agents", bed.path("agents"))
	bed.agent = bed.run(b, "laned", "/usr/sbin/ip", "netns", "exec", ns, filepath.Join(bin, "laned"), "run", bed.path("lane.yaml"))
	go follow(b.Context(), feed, "alarm", bed.alarms)
	go follow(b.Context(), feed, "event", bed.events)
	for begin := time.Now(); ; <-time.After(50 * time.Millisecond) {
		if _, err := os.Stat(bed.path("xray", "done")); err == nil {
			break
		} else if time.Since(begin) > 30*time.Second {
			b.Fatal("the agent does not start\n" + tail(bed.agent.log.Name()))
		}
	}
	bed.drop(b, thinImage())
	bed.wait(b, "preview", bed.events)
	for begin := time.Now(); bed.held() == 0; <-time.After(50 * time.Millisecond) {
		if time.Since(begin) > 3*time.Minute {
			b.Fatal("the image does not begin\n" + tail(bed.agent.log.Name()))
		}
	}
	time.Sleep(10 * time.Second) // until the link is known
	return bed
}

// thinImage returns the image of 20 MB that is on its way.
func thinImage() sim.Object {
	return (sim.Scan{Seed: 1, At: time.Unix(1_800_000_000, 0), OOI: "SIMU0000001"}).Sized(20 << 20).Objects()[1]
}

func (bed *thinBed) path(names ...string) string {
	return filepath.Join(append([]string{bed.dir}, names...)...)
}

// run starts a program until the end of the benchmark.
func (bed *thinBed) run(b *testing.B, name, path string, args ...string) *program {
	log, err := os.Create(bed.path(name + ".log"))
	if err != nil {
		b.Fatal(err)
	}
	p := &program{name: name, path: path, args: args, log: log}
	p.start()
	b.Cleanup(func() {
		p.end(syscall.SIGKILL)
		log.Close()
	})
	return p
}

// wait returns when an event says what.
func (bed *thinBed) wait(b *testing.B, what string, from chan string) {
	for {
		select {
		case got := <-from:
			if strings.Contains(got, what) {
				return
			}
		case <-time.After(3 * time.Minute):
			b.Fatalf("waited 3 minutes for %s\n%s\n%s", what, tail(bed.agent.log.Name()), tail(bed.hub.log.Name()))
		}
	}
}

// drop puts a file into the X-ray's folder, whole at once.
func (bed *thinBed) drop(b *testing.B, o sim.Object) {
	tmp := bed.path("xray", "."+o.Name)
	f, err := os.Create(tmp)
	if err == nil {
		err = errors.Join(o.Write(f), f.Close())
	}
	if err == nil {
		err = os.Rename(tmp, bed.path("xray", o.Name))
	}
	if err != nil {
		b.Fatal(err)
	}
}

// held returns how many bytes of the image the hub has.
func (bed *thinBed) held() (n int64) {
	parts, _ := filepath.Glob(bed.path("hub", "artifacts", "parts", "*"))
	for _, path := range parts {
		if info, err := os.Stat(path); err == nil {
			n = max(n, info.Size())
		}
	}
	return n
}

// measure sends alarms and reports how long they took.
func (bed *thinBed) measure(b *testing.B, c thinCase) {
	n := 120
	fmt.Sscan(os.Getenv("LANEWARDEN_ALARMS"), &n)
	n = max(n*c.share/100, 1)
	begin, before := time.Now(), bed.held()
	var took []time.Duration
	for k := range n {
		time.Sleep(c.pause/2 + rand.N(c.pause))
		s := sim.Scan{Seed: uint64(100 + k), At: time.Now(), OOI: fmt.Sprintf("SIMU%07d", k), Threat: true, Rows: 100, Columns: 100}
		begin := time.Now()
		bed.drop(b, s.Objects()[0])
		if c.resets > 0 && k%(100/c.resets) == 50/c.resets {
			bed.reset(b)
		}
		bed.wait(b, s.OOI, bed.alarms)
		took = append(took, time.Since(begin))
		if testing.Verbose() {
			b.Logf("alarm %d took %s", k, took[k])
		}
	}
	moved, span := bed.held()-before, time.Since(begin)
	if moved == 0 {
		b.Error("the image was not on its way meanwhile")
	}
	slices.Sort(took)
	for b.Loop() {
	}
	at := func(share float64) float64 {
		return float64(took[min(int(share*float64(len(took))), len(took)-1)].Milliseconds())
	}
	b.ReportMetric(at(0.5), "ms-median")
	b.ReportMetric(at(0.99), "ms-p99")
	b.ReportMetric(at(1), "ms-worst")
	b.ReportMetric(float64(moved)/span.Seconds()/float64(c.bits/8)*100, "%-of-link-for-image")
}

// reset resets the connection, as a firewall does that forgot it.
func (bed *thinBed) reset(b *testing.B) {
	time.Sleep(50 * time.Millisecond) // the alarm is on its way
	if _, err := bed.link.Toxics.AddToxicJson(strings.NewReader(`{"name":"reset","type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`)); err != nil {
		b.Fatal(err)
	}
	if err := bed.link.Toxics.RemoveToxic(b.Context(), "reset"); err != nil {
		b.Fatal(err)
	}
}

// follow passes on the events of a class, as they come, until ctx ends.
func follow(ctx context.Context, address, class string, out chan<- string) {
	after := "0"
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/v1/feed?class=%s&wait=30s&after=%s", address, class, after), nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var e struct{ Lwcursor string }
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				after = e.Lwcursor
			}
			select {
			case out <- lines.Text():
			case <-ctx.Done():
			}
		}
		resp.Body.Close()
	}
}
