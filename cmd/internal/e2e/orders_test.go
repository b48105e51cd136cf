package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/sync/wire/drawsecret"
)

// centre is who publishes for the lanes of a world.
type centre struct {
	t *testing.T
	w *world
}

// lanehub runs a command that signs with keys of the centre.
func (c centre) lanehub(args ...string) (out string) {
	c.t.Helper()
	out, _ = tool(c.t, false, "lanehub", append(args, "--passphrase-file", c.w.path("word"))...)
	return out
}

// orders runs a command of the repository, signed with keys.
func (c centre) orders(keys []string, args ...string) {
	c.t.Helper()
	args = append([]string{"orders", "--orders-dir", c.w.path("hub/orders")}, args...)
	for _, k := range keys {
		args = append(args, "--key", c.key(k))
	}
	c.lanehub(args...)
}

func (c centre) key(name string) string { return filepath.Join(c.w.path("keys"), name+".key") }

// file writes a file of the world and returns its path.
func (c centre) file(name, text string) string {
	c.t.Helper()
	if err := os.WriteFile(c.w.path(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.w.path(name)
}

// TestOrders: what the centre publishes reaches a running lane through the hub and counts there. A list makes the lane
// check everybody, its draws are with the centre's secret of the day, a commander's orders put a device in maintenance and
// hold a vehicle; an order of somebody who may not is refused.
func TestOrders(t *testing.T) {
	t.Parallel()
	b := newBoothWorld(t, options{
		before: func(w *world) string {
			c := centre{t, w}
			c.file("word", "a long passphrase\n")
			if err := os.Mkdir(w.path("hub"), 0o750); err != nil {
				t.Fatal(err)
			}
			c.orders(nil, "init", w.path("keys"))
			root, err := os.ReadFile(w.path("hub/orders/1.root.json"))
			if err != nil {
				t.Fatal(err)
			}
			return ", orders: {root: " + c.file("root.json", string(root)) + "}"
		},
	})
	c := centre{t, b.world}
	hub := []string{"--hub", "http://" + b.hubHTTP}
	both := []string{"targets-1", "targets-2"}
	c.orders(both, "site", "test", c.w.path("keys"))
	c.lanehub("orders", "secret-key", "test", c.w.path("keys"))
	commanders := c.lanehub("command", "key", "duty", c.w.path("keys"), "--kind", "maintenance", "--kind", "block")
	c.orders(both, "publish", c.file("commanders.json", commanders), "commanders.json")
	for list, rows := range map[string]string{
		"rates": "site,lane,traffic_class,rate\ntest,*,*,1\n", "manifest": "ccn\n9123PARS00001\n",
	} {
		tool(t, false, "lanehub", "lists", "import", list, c.file(list+".csv", rows), "--dir", b.path("hub"))
		c.orders([]string{"lists"}, "list", list, "--dir", b.path("hub"))
	}
	secrets := append([]string{"secrets", "test", "--days", "2", "--secret-key", c.key("secrets-test")}, hub...)
	c.orders([]string{"site-test"}, secrets...)

	command := func(args ...string) {
		t.Helper()
		args = append(append([]string{"command", "send", "test/lane-1"}, args...), "--key", c.key("duty"), "--passphrase-file", c.w.path("word"))
		tool(t, false, "lanehub", append(args, hub...)...)
	}
	command("maintenance", "--device", "rpm-1", "--until", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	said := func(what string, ok func(*observation.Body) bool) {
		t.Helper()
		b.waitFor(what+" at the hub", time.Minute, func() (met bool) {
			b.bodies(func(body *observation.Body) { met = met || ok(body) })
			return met
		})
	}
	for _, file := range []string{"commanders.json", "lists/rates/1.full", "lists/manifest/1.full", drawsecret.SealedPath(draw.Day(time.Now()))} {
		said(file, func(body *observation.Body) bool {
			return slices.ContainsFunc(body.GetOrdersChecked().GetTaken(), func(o *observation.OrdersTarget) bool { return o.Path == file })
		})
	}
	said("maintenance", func(body *observation.Body) bool {
		return body.GetDeviceMaintenance().GetUntilNs() > time.Now().UnixNano()
	})
	show := func() { b.codes.Scan("9123PARS00001") }
	show()
	b.until(true, show)
	command("reboot", "--device", "io-1") // not a kind that this person may order
	said("the refusal", func(body *observation.Body) bool { return body.GetOrderReceived().GetRefusal() == "not-allowed" })
	said("the draw", func(body *observation.Body) bool {
		d := body.GetClearanceDecision().GetDraw()
		return d.GetSelected() && d.Rate == 1 && d.Secret == draw.Day(time.Now())
	})
}
