package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/api/passwords"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/people"
)

// walkAll has the hub's pages walked at all widths, in both languages and colours, and not in a covering set.
var walkAll = flag.Bool("pages", false, "walk every page of the hub at every width, in both languages and both colours")

// TestBrowser walks every page of the console and of the hub in a browser, in both languages, at 360 px and by keyboard, with axe-core, while
// the traffic of make run flows. It needs Chromium and the packages of edge/web/package.json (npm ci); .ci/setup installs both.
func TestBrowser(t *testing.T) {
	t.Parallel()
	web, err := filepath.Abs("../../../edge/web")
	if err != nil {
		t.Fatal(err)
	}
	peer.Need(t, peer.Browser(web))
	p := &patient{t: t, dir: t.TempDir()}
	address, hub := demoLane(p), freeAddress(t)
	hubAccounts(p)
	p.run("lanehub", "run", "--dir", p.path("hub"), "--http", hub, "--mqtt", address["18830"], "--http-accounts", p.path("hub-accounts"))
	p.start()
	p.run("lanesim", "lane", "--config", p.path("lane.yaml"), "--seed", "3")
	url := "http://" + address["8480"]
	ready := func() bool {
		resp, err := http.Get(url + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}
	for begin := time.Now(); !ready(); <-time.After(100 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("no console: %s", tail(p.path("laned.log")))
		}
	}
	for begin := time.Now(); !p.wholePassage(); <-time.After(time.Second) { // vehicles drive through
		if time.Since(begin) > 5*time.Minute {
			t.Fatalf("no whole passage: %s\nlanesim: %s", tail(p.path("laned.log")), tail(p.path("lanesim.log")))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	walk := func(t *testing.T, env string, args ...string) {
		cmd := exec.CommandContext(ctx, "node", args...)
		cmd.Dir, cmd.Env = web, append(os.Environ(), "CHROMIUM="+peer.ChromiumPath(), env)
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error(err)
		}
	}
	how := "WALK=some"
	if *walkAll {
		how = "WALK=all"
	}
	t.Run("lane", func(t *testing.T) { walk(t, "", "browser.mjs", url, "technician", "lanewarden") })
	t.Run("hub", func(t *testing.T) { walk(t, how, "hub.mjs", "http://"+hub, "lanewarden") })
}

// hubAccounts writes the file of those who sign in at the hub: one for each role, by its name.
func hubAccounts(p *patient) {
	for _, role := range people.Roles() {
		cmd := exec.Command(filepath.Join(bin, "lanehub"), "account", "set", string(role), "--role", string(role), "--file", p.path("hub-accounts"))
		cmd.Stdin = strings.NewReader("lanewarden\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			p.t.Fatalf("%v: %s", err, out)
		}
	}
}

// demoLane writes the lane file of make run with ports that are free, and accounts. It returns the addresses by the ports of make run.
func demoLane(p *patient) map[string]string {
	text, err := firmwareconfig.Lanes.ReadFile("lanes/demo.yaml")
	if err != nil {
		p.t.Fatal(err)
	}
	hash, err := passwords.Hash("lanewarden")
	if err == nil {
		err = accounts.Write(p.path("accounts"), []accounts.Account{{Name: "technician", Role: accounts.Technician, Hash: hash}})
	}
	for _, dir := range []string{"n42", "trace", "xray"} {
		err = os.MkdirAll(p.path("run/"+dir), 0o750)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	out := map[string]string{}
	lane := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).ReplaceAllStringFunc(string(text), func(old string) string {
		port := old[strings.IndexByte(old, ':')+1:]
		if out[port] == "" {
			out[port] = freeAddress(p.t)
		}
		return out[port]
	})
	lane = strings.ReplaceAll(lane, " .run/", " "+p.path("run")+"/")
	lane = strings.Replace(lane, "console: {", fmt.Sprintf("console: {socket: %q, accounts_file: %q, ", p.path("s"), p.path("accounts")), 1)
	if err := os.WriteFile(p.path("lane.yaml"), []byte(lane), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// wholePassage reports whether a vehicle has been seen by most of the lane.
func (p *patient) wholePassage() bool {
	resp, err := api.NewClient(p.path("s"), 5*time.Second).HTTP.Get("http://laned/v1/passages")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var list struct {
		Passages []struct{ Readings []struct{} }
	}
	if json.NewDecoder(resp.Body).Decode(&list) != nil {
		return false
	}
	return slices.ContainsFunc(list.Passages, func(one struct{ Readings []struct{} }) bool { return len(one.Readings) > 8 })
}
