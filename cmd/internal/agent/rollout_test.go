package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest"
	"lanewarden/edge/api"
	"lanewarden/edge/bundle"
	"lanewarden/edge/lane"
	"lanewarden/sync/hub"
	"lanewarden/sync/hub/orders/rollout"
)

// site is a hub and two agents.
type site struct {
	*centre
	http  string
	boxes []*box
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{centre: newCentre(t, filepath.Join(t.TempDir(), "orders")), http: drivertest.FreeAddress(t)}
	mqtt, done := drivertest.FreeAddress(t), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		done <- hub.Run(ctx, hub.Options{
			Dir: t.TempDir(), OrdersDir: s.dir, HTTP: s.http, MQTT: mqtt, Log: slog.New(slog.DiscardHandler),
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for i := range 2 {
		b := &box{dir: t.TempDir(), agent: fmt.Sprint("lane-", i+1), root: s.root, broker: mqtt}
		_, here := portal(t)
		b.start(t, here)
		b.wait(t, "the hub", func() bool {
			status, err := api.GetStatus.Ask(t.Context(), b.client, api.None{})
			return err == nil && status.Link.Ready
		})
		s.boxes = append(s.boxes, b)
	}
	return s
}

// bundle publishes a bundle for the site, in which each agent's portal is at an address, and begins to hand it out.
func (s *site) bundle(t *testing.T, name string, addresses ...string) {
	t.Helper()
	var files []string
	for i, b := range s.boxes {
		files = append(files, bundle.AgentsDir+"/"+b.agent+".yaml", b.laneFile(name, addresses[i]))
	}
	s.publish(t, "bundles/demo/"+name, files...)
	if err := rollout.Start(s.dir, name, "demo", []int{50, 100}, 0, "kay"); err != nil {
		t.Fatal(err)
	}
}

// rollout asks the hub how a bundle's rollout goes.
func (s *site) rollout(t *testing.T, bundle string) (r rollout.Rollout, agents map[string]rollout.Agent) {
	t.Helper()
	answer, err := http.Get("http://" + s.http + "/v1/rollouts")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var b rollout.Book
	if err := json.NewDecoder(answer.Body).Decode(&b); err != nil {
		t.Fatal(err)
	}
	for _, one := range b.Rollouts {
		if one.Bundle == bundle {
			return *one, b.Agents
		}
	}
	return r, b.Agents
}

// A bundle that works comes to all lanes, one after the other. One in which a device has a wrong address is given up by
// the lane that tries it first, which stops the rollout: the other lane never has it. Done when 6.
func TestRollout(t *testing.T) {
	if testing.Short() {
		t.Skip("two bundles on trial at two agents")
	}
	s := newSite(t)
	var here []string
	for _, b := range s.boxes {
		here = append(here, b.portal)
	}
	ended := func(name, state string) (r rollout.Rollout, agents map[string]rollout.Agent) {
		t.Helper()
		s.boxes[0].wait(t, name+" to be "+state, func() bool {
			r, agents = s.rollout(t, name)
			return r.State == state
		})
		return r, agents
	}
	s.bundle(t, "config-1", here...)
	_, agents := ended("config-1", rollout.Done)
	for _, b := range s.boxes {
		if a := agents["demo/"+b.agent]; a.InForce != "bundles/demo/config-1" || a.Step != "healthy" {
			t.Errorf("%s: %+v", b.agent, a)
		}
	}
	s.bundle(t, "config-2", drivertest.FreeAddress(t), drivertest.FreeAddress(t))
	r, agents := ended("config-2", rollout.Stopped)
	if len(r.Turn) != 1 || !strings.HasSuffix(r.Why, "tried it and went back") {
		t.Fatalf("the rollout: %+v", r)
	}
	for _, b := range s.boxes {
		a, steps := agents["demo/"+b.agent], b.steps(t)
		had := slices.ContainsFunc(steps, func(s string) bool { return strings.Contains(s, "config-2") })
		if a.InForce != "bundles/demo/config-1" || had != (b.agent == r.Turn[0]) {
			t.Errorf("%s: %+v, %q", b.agent, a, steps)
		}
		b.wait(t, "the portal", func() bool { return b.state() == lane.Running })
	}
	t.Logf("given up and stopped %v after the start of the rollout", time.Since(r.Begun).Round(time.Second))
}
