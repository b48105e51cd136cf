package e2e

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/edge/api"
	"lanewarden/edge/evidence/sqlog"
)

// TestGarbage pipes garbage into the portal's connection (LANEWARDEN_GARBAGE long) as fast as it goes. The agent must go on
// serving its other devices, report faults, and not grow.
func TestGarbage(t *testing.T) {
	w := newWorld(t, options{noPortal: true})
	l, err := net.Listen("tcp", w.portal)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { pourGarbage(l, stop) })
	t.Cleanup(func() { l.Close(); wg.Wait() })
	w.waitFor("faults", 30*time.Second, func() bool { s, err := w.status(); return err == nil && device(s, "rpm-1").Faults > 0 })
	before := w.rss()
	end := time.Now().Add(span("LANEWARDEN_GARBAGE", 3*time.Second))
	documents := 0
	for time.Now().Before(end) {
		w.mustPost(t, sim.Document(sim.Pass{Number: documents, Start: time.Now(), Seconds: 1}, 77))
		documents++
	}
	after := w.rss()
	close(stop)
	s, err := w.status()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d documents stored beside the garbage; rpm-1 %+v; memory %d kB before, %d kB after", documents, device(s, "rpm-1"), before, after)
	if asp := device(s, "asp-1"); asp.State != "running" || int(asp.Observations) < documents {
		t.Errorf("asp-1: %+v", asp)
	}
	if after > before+64<<10 {
		t.Errorf("memory grew from %d to %d kB", before, after)
	}
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.stop()
	w.checkCopies()
}

// pourGarbage sends random bytes, with line ends among them, to whoever connects.
func pourGarbage(l net.Listener, stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(5, 5))
	junk := make([]byte, 1<<16)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		for {
			for i := range junk {
				junk[i] = byte(rng.Uint32())
			}
			if _, err := c.Write(junk); err != nil {
				break
			}
			select {
			case <-stop:
				c.Close()
				return
			default:
			}
		}
		c.Close()
	}
}

func device(s api.Status, id string) (d struct {
	State                         string
	Observations, Faults, Connect uint64
}) {
	for _, one := range s.Devices {
		if one.ID == id {
			d.State, d.Observations, d.Faults, d.Connect = one.State, one.Observations, one.Faults, one.Connects
		}
	}
	return d
}

// rss returns the agent's resident memory in kB.
func (w *world) rss() int {
	return rssOf(w.t, w.agent.cmd)
}

func rssOf(t testing.TB, cmd *exec.Cmd) (kB int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		fmt.Sscanf(line, "VmRSS: %d kB", &kB)
	}
	return kB
}

// TestVerifyNamesTheChangedRow changes one byte of one body, in the journal and in the hub's copy, and asks lanectl.
func TestVerifyNamesTheChangedRow(t *testing.T) {
	w := newWorld(t, options{})
	for n := range 400 {
		w.mustPost(t, sim.Document(sim.Pass{Number: n, Start: time.Now(), Seconds: 1}, 5))
	}
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.waitFor("the portal", time.Minute, func() bool { s, err := w.status(); return err == nil && device(s, "rpm-1").State == "running" })
	out, code := lanectl(t, "status", "--socket", w.socket)
	if code != 0 || !strings.Contains(out, "rpm-1") {
		t.Errorf("lanectl status: %d\n%s", code, out)
	}
	out, code = lanectl(t, "tail", "--socket", w.socket, "-n", "5")
	if code != 0 || strings.Count(out, "\n") < 5 { // the portal goes on meanwhile
		t.Errorf("lanectl tail: %d\n%s", code, out)
	}
	w.waitFor("a checkpoint over it all", time.Minute, func() bool { s, err := w.status(); return err == nil && s.Journal.Signed == s.Journal.Size })
	w.agent.end(syscall.SIGKILL) // no last checkpoint on the way out, and no goodbye: the last will speaks
	w.waitFor("the hub to hear the last will", time.Minute, func() bool {
		resp, err := http.Get("http://" + w.hubHTTP + "/v1/agents")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), `"online":false`)
	})
	w.hub.end(syscall.SIGKILL)
	for name, path := range map[string]string{"journal": w.path("agent"), "ledger": w.path("hub")} {
		if out, code := lanectl(t, "verify", path); code != 0 || !strings.HasPrefix(out, "OK") {
			t.Fatalf("%s before: %d\n%s", name, code, out)
		}
		db := map[string]string{"journal": w.journalDB(), "ledger": w.ledgerDB()}[name]
		for _, row := range []int64{3, 390} { // in a full tile, and in the last
			flip(t, db, row)
			out, code := lanectl(t, "verify", path)
			if code != 1 || !strings.Contains(out, fmt.Sprintf("row %d ", row)) {
				t.Errorf("%s, row %d changed: %d\n%s", name, row, code, out)
			}
			flip(t, db, row)
		}
		if out, code := lanectl(t, "verify", path); code != 0 {
			t.Errorf("%s, changed back: %d\n%s", name, code, out)
		}
	}
}

// flip changes the last byte of a row's body, and changes it back the second time.
func flip(t *testing.T, path string, idx int64) {
	db, err := sqlog.Open(path, sqlog.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var body []byte
	if err := db.Query("SELECT body FROM observation WHERE idx=?", func(c []driver.Value) error { body = sqlog.Bytes(c[0]); return nil }, idx); err != nil {
		t.Fatal(err)
	}
	body[len(body)-1] ^= 1
	if err := db.Exec("UPDATE observation SET body=? WHERE idx=?", body, idx); err != nil {
		t.Fatal(err)
	}
}
