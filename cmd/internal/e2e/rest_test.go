package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/radiation/tsa/sim"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
)

// BenchmarkAtRest runs laned with eight simulated portals (LANEWARDEN_REST long) and no hub, and reports the time to the
// first durable observation, resident memory, and the share of a core.
func BenchmarkAtRest(b *testing.B) {
	dir := b.TempDir()
	var devices strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range 8 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		cfg := sim.Defaults()
		cfg.Seed = uint64(i)
		s := &sim.Server{Portal: sim.New(cfg)}
		wg.Go(func() { s.Serve(ctx, l) })
		fmt.Fprintf(&devices, "  - {id: rpm-%d, driver: tsa, lane: l, settings: {address: '%s'}}\n", i, l.Addr())
	}
	config := filepath.Join(dir, "lane.yaml")
	text := fmt.Sprintf("site: {id: bench}\nagent: {id: a, state_dir: %s}\nlanes: [{id: l}]\ndevices:\n%suplink: {broker: 'mqtt://%s'}\n",
		filepath.Join(dir, "agent"), devices.String(), freeAddress(b))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	p := &program{name: "laned", path: filepath.Join(bin, "laned"), args: []string{"run", config}, log: log}
	begin := time.Now()
	p.start()
	defer p.end(syscall.SIGKILL)
	db := filepath.Join(dir, "agent", "journal", journal.FileName)
	var first time.Duration
	for first == 0 {
		if n, err := countRows(db); err == nil && n > 0 {
			first = time.Since(begin)
		}
		if time.Since(begin) > 30*time.Second {
			b.Fatal(tail(log.Name()))
		}
		<-time.After(2 * time.Millisecond)
	}
	rest := span("LANEWARDEN_REST", 20*time.Second)
	<-time.After(3 * time.Second)
	before := cpuTicks(b, p.cmd.Process.Pid)
	<-time.After(rest)
	used := float64(cpuTicks(b, p.cmd.Process.Pid)-before) / 100 / rest.Seconds()
	b.ReportMetric(float64(first.Milliseconds()), "first-ms")
	b.ReportMetric(float64(rssOf(b, p.cmd))/1024, "MB-resident")
	b.ReportMetric(used*100, "%-of-a-core")
}

// cpuTicks returns the hundredths of a second of CPU that a process has used.
func cpuTicks(b *testing.B, pid int) (ticks int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return user + system
}

func countRows(path string) (int64, error) {
	db, err := sqlog.Open(path, sqlog.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return db.Int("SELECT count(*) FROM observation", 0)
}
