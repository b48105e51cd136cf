package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"lanewarden/drivers/xray/dicos/sim"
)

// namespace makes a network namespace that is joined to this one by a link of so many kbit/s both ways, and returns its name and
// the address of this side. It skips the benchmark where that cannot be done.
func namespace(b *testing.B, kbit int) (name, address string) {
	name, address = fmt.Sprintf("lw%d", os.Getpid()), "10.213.77.1"
	rate := []string{"root", "tbf", "rate", fmt.Sprintf("%dkbit", kbit), "burst", "1600", "latency", "2s"}
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

// BenchmarkAlarmBesideImage puts an image of 20 MB on a link of 64 kbit/s (tbf in a network namespace) and reports how long alarms
// take from the drop folder of their driver to the hub's ledger meanwhile. LANEWARDEN_ALARMS of them, 120 when it is not set.
func BenchmarkAlarmBesideImage(b *testing.B) {
	ns, address := namespace(b, 64)
	dir := b.TempDir()
	_, port, _ := net.SplitHostPort(freeAddress(b))
	feed := freeAddress(b)
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
uplink: {broker: "mqtt://%s:%s", username: test/lane-1, password_file: %s}
`, filepath.Join(dir, "agent"), filepath.Join(dir, "xray"), address, port, filepath.Join(dir, "password")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	logs := map[string]*program{}
	for name, args := range map[string][]string{
		"lanehub": {filepath.Join(bin, "lanehub"), "run", "--dir", filepath.Join(dir, "hub"), "--http", feed, "--mqtt", address + ":" + port, "--agents", filepath.Join(dir, "agents")},
		"laned":   {"/usr/sbin/ip", "netns", "exec", ns, filepath.Join(bin, "laned"), "run", filepath.Join(dir, "lane.yaml")},
	} {
		log, err := os.Create(filepath.Join(dir, name+".log"))
		if err != nil {
			b.Fatal(err)
		}
		defer log.Close()
		p := &program{name: name, path: args[0], args: args[1:], log: log}
		p.start()
		defer p.end(syscall.SIGKILL)
		logs[name] = p
	}
	ctx, cancel := context.WithTimeout(b.Context(), 15*time.Minute)
	defer cancel()
	alarms := make(chan string, 16)
	go follow(ctx, feed, "alarm", alarms)
	events := make(chan string, 64)
	go follow(ctx, feed, "event", events)
	wait := func(what string, from chan string) {
		for {
			select {
			case got := <-from:
				if strings.Contains(got, what) {
					return
				}
			case <-time.After(60 * time.Second):
				b.Fatalf("waited 60 s for %s\n%s\n%s", what, tail(logs["laned"].log.Name()), tail(logs["lanehub"].log.Name()))
			}
		}
	}
	drop := func(o sim.Object) {
		tmp := filepath.Join(dir, "xray", "."+o.Name)
		f, err := os.Create(tmp)
		if err == nil {
			err = o.Write(f)
		}
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
		if err := os.Rename(tmp, filepath.Join(dir, "xray", o.Name)); err != nil {
			b.Fatal(err)
		}
	}
	for begin := time.Now(); ; <-time.After(50 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "xray", "done")); err == nil {
			break
		} else if time.Since(begin) > 30*time.Second {
			b.Fatal("the agent does not start\n" + tail(logs["laned"].log.Name()))
		}
	}
	drop((sim.Scan{Seed: 1, At: time.Now(), OOI: "SIMU0000001"}).Sized(20 << 20).Objects()[1])
	wait("preview", events)
	time.Sleep(10 * time.Second) // the image is on its way, and the link is known
	n := 120
	fmt.Sscan(os.Getenv("LANEWARDEN_ALARMS"), &n)
	held := func() (n int64) { // bytes of the image at the hub
		parts, _ := filepath.Glob(filepath.Join(dir, "hub", "artifacts", "parts", "*"))
		for _, path := range parts {
			if info, err := os.Stat(path); err == nil {
				n = max(n, info.Size())
			}
		}
		return n
	}
	begin, before := time.Now(), held()
	var took []time.Duration
	for k := range n {
		time.Sleep(time.Duration(200+rand.IntN(1000)) * time.Millisecond)
		s := sim.Scan{Seed: uint64(100 + k), At: time.Now(), OOI: fmt.Sprintf("SIMU%07d", k), Threat: true, Rows: 100, Columns: 100}
		begin := time.Now()
		drop(s.Objects()[0])
		wait(s.OOI, alarms)
		took = append(took, time.Since(begin))
		if d := took[k]; d > time.Second {
			out, _ := exec.Command(filepath.Join(bin, "lanectl"), "status", "--json", "--socket", filepath.Join(dir, "agent", "laned.sock")).CombinedOutput()
			b.Logf("alarm %d took %s; %s", k, d, out)
		}
	}
	moved, span := held()-before, time.Since(begin)
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
	b.ReportMetric(float64(moved)/span.Seconds()/8000*100, "%-of-link-for-image")
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
