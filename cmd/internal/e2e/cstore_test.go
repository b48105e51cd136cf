package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
)

// BenchmarkCStore sends three files of 60 MB with dcmtk's storescu to laned, which stores them durable and hashed, and to dcmtk's
// storescp, whose files are then synced and hashed with sha256sum. of-storescp is the speed against that; they take turns.
func BenchmarkCStore(b *testing.B) {
	peer.Need(b, peer.Dcmtk)
	dir := b.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	ours, theirs := freeAddress(b), freeAddress(b)
	config := filepath.Join(dir, "lane.yaml")
	text := fmt.Sprintf("site: {id: b}\nagent: {id: a, state_dir: %s}\nlanes: [{id: l}]\ndevices: [{id: x, driver: dicos, lane: l, settings: {network: {listen: '%s'}}}]\n", filepath.Join(dir, "agent"), ours)
	received := filepath.Join(dir, "received")
	if err := os.Mkdir(received, 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(theirs)
	for _, args := range [][]string{{filepath.Join(bin, "laned"), "run", config}, {"storescp", "--promiscuous", "-od", received, port}} {
		path, err := exec.LookPath(args[0])
		if err != nil {
			b.Fatal(err)
		}
		p := &program{name: args[0], path: path, args: args[1:], log: log}
		p.start()
		defer p.end(syscall.SIGKILL)
	}
	for _, address := range []string{ours, theirs} {
		for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if c, err := net.Dial("tcp", address); err == nil {
				c.Close()
				break
			} else if time.Since(begin) > 20*time.Second {
				b.Fatal(tail(log.Name()))
			}
		}
	}
	send := func(address string, files []string) {
		_, port, _ := net.SplitHostPort(address)
		out, err := exec.Command("storescu", append([]string{"-R", "-pdu", "131072", "127.0.0.1", port}, files...)...).CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s\n%s", err, out, tail(log.Name()))
		}
	}
	var mine, other time.Duration
	seed := uint64(0)
	for b.Loop() {
		var files []string
		for range 3 {
			seed++
			s := scanOf(seed, 60<<20)
			path := filepath.Join(dir, fmt.Sprintf("%d.dcs", seed%3))
			f, err := os.Create(path)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.WriteImage(f); err != nil {
				b.Fatal(err)
			}
			f.Close()
			files = append(files, path)
		}
		exec.Command("sync").Run()
		time.Sleep(3 * time.Second) // previews of the round before
		begin := time.Now()
		send(ours, files)
		mine += time.Since(begin)
		time.Sleep(3 * time.Second)
		begin = time.Now()
		send(theirs, files)
		if out, err := exec.Command("sh", "-c", "sync "+received+"/* && sha256sum "+received+"/*").CombinedOutput(); err != nil {
			b.Fatalf("%v %s", err, out)
		}
		other += time.Since(begin)
		exec.Command("sh", "-c", "rm "+received+"/*").Run()
	}
	b.ReportMetric(float64(other)/float64(mine), "of-storescp")
	b.ReportMetric(180*float64(b.N)/mine.Seconds(), "MB/s")
}
