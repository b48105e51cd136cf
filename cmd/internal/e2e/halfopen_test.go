package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"lanewarden/drivers/radiation/n42/sim"
)

// A connection that is dead without a word, as behind a modem that restarted: nothing arrives in either direction and
// nobody closes it. The agent notices within one and a half times its keep_alive, 30 s by default, says so, and goes on over
// a new one.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	var proxy *toxiproxy.Proxy
	w := newWorld(t, options{noPortal: true, through: proxied(t, &proxy), uplink: ", keep_alive: 5s"})
	w.mustPost(t, sim.Document(sim.Pass{Number: 1, Start: time.Now(), Seconds: 1}, 1))
	w.waitFor("the queue to drain", time.Minute, w.drained)
	for _, stream := range []string{"upstream", "downstream"} { // a timeout of 0 swallows what comes, for ever
		toxic := `{"name":"` + stream + `","type":"timeout","stream":"` + stream + `","attributes":{"timeout":0}}`
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	dead := time.Now()
	w.waitFor("the agent to notice", 2*time.Minute, func() bool {
		s, err := w.status()
		return err == nil && !s.Link.Connected && s.Link.Problem != ""
	})
	t.Logf("noticed after %s", time.Since(dead).Round(time.Second))
	w.mustPost(t, sim.Document(sim.Pass{Number: 2, Start: time.Now(), Seconds: 1}, 1))
	proxy.Toxics.ResetToxics(t.Context())
	w.waitFor("the queue to drain", 2*time.Minute, w.drained)
	w.stop()
	w.checkCopies()
}
