package ionscan

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/transport"
)

// plug makes a pseudo-terminal and lets link name its far end, as udev does with an adapter.
func plug(t *testing.T, link string) *os.File {
	master, port := drivertest.Terminal(t)
	os.Remove(link)
	if err := os.Symlink(port, link); err != nil {
		t.Fatal(err)
	}
	return master
}

// TestUnpluggedSerialLine pulls the line: Run ends with an error at once, so that the supervisor reports the device
// down and connects anew; plugged in again, the next run reads on.
func TestUnpluggedSerialLine(t *testing.T) {
	link := filepath.Join(t.TempDir(), "ttyUSB0")
	c := settings()
	c.Link.Serial = &transport.Serial{Port: link}
	c.Profile = driver.Ref[line.Profile]{Name: "test", Value: reportProfile()}
	links, err := transport.NewOpener(nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Spec.New(c, driver.Env{Device: "d", Links: links})
	if err != nil {
		t.Fatal(err)
	}
	sink := drivertest.NewSink()
	s := scanner(5)
	for round := 1; round <= 2; round++ {
		master := plug(t, link)
		done := make(chan error, 1)
		go func() { done <- d.Run(t.Context(), sink) }()
		before, deadline := len(sink.Of(observation.Kind_KIND_TRACE_HEALTH)), time.Now().Add(20*time.Second)
		// what comes before the line is set up is lost, as on a real one
		for len(sink.Of(observation.Kind_KIND_TRACE_HEALTH)) == before {
			if _, err := master.Write(s.Frame(s.State())); err != nil || time.Now().After(deadline) {
				t.Fatalf("round %d: nothing was read, %v", round, err)
			}
			<-time.After(100 * time.Millisecond)
		}
		master.Close()
		begin := time.Now()
		select {
		case err := <-done:
			t.Logf("reported after %s: %v", time.Since(begin).Round(time.Millisecond), err)
			if err == nil {
				t.Error("the line was pulled, and Run returned no error")
			}
		case <-time.After(20 * time.Second): // the contract says 2 s; machines are slow at times
			t.Fatal("the line was pulled, and nobody noticed")
		}
	}
}
