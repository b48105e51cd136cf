package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
)

// run runs one of the programs to its end and returns what it printed; any exit code but 0 ends the test.
func (w *world) run(name string, args ...string) string {
	w.t.Helper()
	p := w.program(name, filepath.Join(bin, name), args...)
	p.start()
	<-p.ended
	if p.err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), p.err, tail(p.log.Name()))
	}
	return tail(p.log.Name())
}

// A post whose results go to the hub by a stick while its link comes and goes, and whose agent and hub are killed
// between: each row and each document is at the hub once, and the lane knows by the receipts alone.
func TestCarry(t *testing.T) {
	t.Parallel()
	var proxy *toxiproxy.Proxy
	w := newWorld(t, options{noPortal: true, through: proxied(t, &proxy)})
	carry := func(stick string, back bool) {
		t.Helper()
		file := w.path(stick + ".tar")
		if _, err := os.Stat(file); err != nil {
			w.run("lanectl", "carry", "export", w.path("agent"), file)
		}
		if back {
			w.run("lanehub", "carry", "import", file, w.path(stick+".receipt"), "--hub", "http://"+w.hubHTTP)
			w.run("lanectl", "carry", "import", w.path(stick+".receipt"), "--socket", w.socket)
		}
	}
	w.waitFor("the link, over which the agent learns the hub's key", time.Minute, func() bool {
		s, err := w.status()
		_, missing := os.Stat(filepath.Join(w.path("agent"), "hub.keys"))
		return err == nil && s.Link.Ready && missing == nil
	})
	for round := range 4 {
		proxy.Stop()
		w.postPasses(8)
		carry(fmt.Sprint("first-", round), false)
		w.postPasses(4)
		switch round {
		case 1:
			w.hub.end(syscall.SIGKILL)
			w.hub.start()
			w.waitFor("the hub", time.Minute, func() bool { code, _ := w.health(); return code == http.StatusOK })
		case 2:
			w.agent.end(syscall.SIGKILL)
			w.agent.start()
			w.waitFor("the agent", time.Minute, func() bool { _, err := w.status(); return err == nil })
		}
		carry(fmt.Sprint("second-", round), true)
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
		w.postPasses(2)
		carry(fmt.Sprint("first-", round), true) // the stick that was forgotten in a pocket
	}
	w.waitFor("the queue to drain", time.Minute, w.drained)
	proxy.Stop()
	w.postPasses(10)
	w.postPasses(1)
	carry("last", true)
	w.waitFor("the lane to know", time.Minute, func() bool {
		s, err := w.status()
		n := s.Journal.Waiting["alarm"] + s.Journal.Waiting["event"]
		return err == nil && n <= 2 && s.Journal.WaitingArtifacts <= 1 // those after the newest signature
	})
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.stop()
	w.checkCopies()
}
