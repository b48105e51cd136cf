package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFullLane runs the demonstration with a vehicle every six seconds through thirteen devices (LANEWARDEN_FULL long) and reports what
// laned costs. The fourteenth, X-ray, stands idle: no portal takes an image every six seconds.
func BenchmarkFullLane(b *testing.B) {
	dir := b.TempDir()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	demo := exec.CommandContext(ctx, filepath.Join(bin, "lanesim"), "demo", "--dir", dir, "--bin", bin, "--scenario", "full-lane")
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGINT) }
	demo.WaitDelay = 15 * time.Second
	if err := demo.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { cancel(); demo.Wait() }()
	<-time.After(45 * time.Second) // the lane fills
	out, err := exec.Command("pgrep", "-f", "laned run "+dir).Output()
	pid, e := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || e != nil {
		b.Fatalf("laned does not run: %v %v", err, e)
	}
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
