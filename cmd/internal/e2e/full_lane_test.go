package e2e

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanewarden/edge/api"
)

// BenchmarkFullLane runs the demonstration with a vehicle every six seconds through thirteen devices (LANEWARDEN_FULL long) and reports what
// laned costs. The fourteenth, X-ray, stands idle: no portal takes an image every six seconds.
func BenchmarkFullLane(b *testing.B) {
	_, pid := demonstration(b, "full-lane")
	<-time.After(45 * time.Second) // the lane fills
	long := span("LANEWARDEN_FULL", time.Minute)
	before := cpuTicks(b, pid)
	<-time.After(long)
	b.ReportMetric(float64(cpuTicks(b, pid)-before)/long.Seconds(), "%-of-a-core")
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(kb)/1024, "MB-largest")
}

// demonstration runs the demonstration until the benchmark ends, and returns its directory and laned's process.
func demonstration(b *testing.B, scenario string) (dir string, pid int) {
	dir = b.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	demo := exec.CommandContext(ctx, filepath.Join(bin, "lanesim"), "demo", "--dir", dir, "--bin", bin, "--scenario", scenario)
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGINT) }
	demo.WaitDelay = 15 * time.Second
	if err := demo.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cancel(); demo.Wait() })
	for begin := time.Now(); ; <-time.After(100 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "agent", "laned.sock")); err == nil {
			break
		}
		if time.Since(begin) > 30*time.Second {
			b.Fatal("laned does not run")
		}
	}
	out, err := exec.Command("pgrep", "-f", "laned run "+dir).Output()
	pid, e := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || e != nil {
		b.Fatalf("laned does not run: %v %v", err, e)
	}
	return dir, pid
}

// BenchmarkOpenPages reports what a page of the console that follows a portal costs laned, while the traffic of make run flows.
func BenchmarkOpenPages(b *testing.B) {
	dir, pid := demonstration(b, "demo")
	<-time.After(30 * time.Second)
	long := span("LANEWARDEN_PAGES", 30*time.Second)
	before := cpuTicks(b, pid)
	<-time.After(long)
	alone := cpuTicks(b, pid) - before
	const pages = 10
	client := api.NewClient(filepath.Join(dir, "agent", "laned.sock"), 0)
	for range pages {
		body, err := api.GetStream.Open(b.Context(), client, api.StreamQuery{Device: "rpm-1"})
		if err != nil {
			b.Fatal(err)
		}
		defer body.Close()
		go io.Copy(io.Discard, body)
	}
	before = cpuTicks(b, pid)
	<-time.After(long)
	b.ReportMetric(float64(cpuTicks(b, pid)-before-alone)/long.Seconds()/pages, "%-of-a-core-per-page")
}
