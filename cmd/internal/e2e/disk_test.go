package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/radiation/n42/sim"
	"lanewarden/edge/accounts"
)

// A full disk ends nothing: the agent lives through a thousand strangers' requests, starts, says what is wrong, and takes
// documents again by itself when there is room.
func TestAgentOnFullDisk(t *testing.T) {
	book, listen := t.TempDir()+"/accounts", freeAddress(t)
	if err := os.WriteFile(book, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Open(book); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, options{agentDisk: 64, noPortal: true, console: ", listen: \"" + listen + "\", accounts_file: " + book})
	w.mustPost(t, sim.Document(sim.Pass{Number: 1, Start: time.Now(), Seconds: 1}, 1))
	empty := w.fill("agent")
	refused := 0
	for range 1000 {
		resp, err := http.Get("http://" + listen + "/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusUnauthorized {
			refused++
		}
	}
	if refused != 1000 {
		t.Errorf("%d of 1000 strangers were refused", refused)
	}
	for _, restart := range []bool{false, true, true} {
		if restart {
			w.agent.end(syscall.SIGKILL)
			w.agent.start()
		}
		<-time.After(6 * time.Second) // refusals are journalled every 5 s
		w.waitFor("the agent on a full disk", 20*time.Second, func() bool { _, err := w.status(); return err == nil })
	}
	if out, _ := lanectl(t, "doctor", "--socket", w.socket); !strings.Contains(out, "disk") {
		t.Errorf("doctor does not name the disk:\n%s", out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if w.post(ctx, sim.Document(sim.Pass{Number: 2, Start: time.Now(), Seconds: 1}, 1)) {
		t.Error("a document was stored on a full disk")
	}
	healthy := func() int {
		resp, err := http.Get("http://" + listen + "/healthz")
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if code := healthy(); code != http.StatusServiceUnavailable {
		t.Errorf("healthz on a full disk: %d", code)
	}
	empty()
	w.waitFor("200 from the agent's health, before anything is posted", 20*time.Second, func() bool { return healthy() == http.StatusOK })
	begin := time.Now()
	w.mustPost(t, sim.Document(sim.Pass{Number: 3, Start: time.Now(), Seconds: 1}, 1))
	t.Logf("stored %s after there was room", time.Since(begin).Round(time.Millisecond))
	w.waitFor("the queue to drain", time.Minute, w.drained)
	w.stop()
	w.checkCopies()
}

// The hub of a small, then full disk says so, loses nothing, and goes on by itself when there is room.
func TestHubOnFullDisk(t *testing.T) {
	w := newWorld(t, options{hubDisk: 100, noPortal: true})
	w.mustPost(t, sim.Document(sim.Pass{Number: 1, Start: time.Now(), Seconds: 1}, 1))
	w.waitFor("the hub with 100 MB", time.Minute, w.drained)
	empty := w.fill("hub")
	w.waitFor("503 from the hub's health", time.Minute, func() bool {
		code, text := w.health()
		return code == http.StatusServiceUnavailable && strings.Contains(text, "make room")
	})
	for n := range 20 {
		w.mustPost(t, sim.Document(sim.Pass{Number: 10 + n, Start: time.Now(), Seconds: 1}, 1))
	}
	w.hub.end(syscall.SIGKILL)
	w.hub.start()
	w.waitFor("503 from the hub that started on a full disk", time.Minute, func() bool {
		code, _ := w.health()
		return code == http.StatusServiceUnavailable
	})
	empty()
	begin := time.Now()
	w.waitFor("the hub to have everything", 2*time.Minute, w.drained)
	t.Logf("drained %s after there was room", time.Since(begin).Round(time.Millisecond))
	w.waitFor("200 from the hub's health", time.Minute, func() bool { code, _ := w.health(); return code == http.StatusOK })
	w.stop()
	w.checkCopies()
}

// health asks the hub how it is; 0 when it does not answer.
func (w *world) health() (int, string) {
	resp, err := http.Get("http://" + w.hubHTTP + "/healthz")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}
