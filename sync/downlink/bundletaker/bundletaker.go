// Package bundletaker takes published bundles of configuration into a lane's store of them. The newest that is for this
// agent is fetched; the store checks it and says when it is in force.
package bundletaker

import (
	"context"

	"lanewarden/edge/bundle"
	"lanewarden/sync/downlink"
	"lanewarden/sync/wire/layout"
)

// Taker is the consumer of bundles.
type Taker struct {
	store       *bundle.Store
	site, agent string
	withheld    map[string]bool // paths that the centre did not give in this look
}

// New returns the consumer for a store of an agent.
func New(store *bundle.Store, site, agent string) *Taker {
	return &Taker{store: store, site: site, agent: agent, withheld: map[string]bool{}}
}

// Prefix implements downlink.Consumer.
func (*Taker) Prefix() string { return layout.BundlesPrefix }

// Choose implements downlink.Consumer: the newest bundle for this agent that the store does not know yet. Of two with
// one version, the agent's own comes before that of its site.
func (t *Taker) Choose(published []downlink.Target) (best downlink.Target, any bool) {
	var most layout.Bundle
	for _, p := range published {
		b, ok := layout.ParseBundle(p.Path)
		if !ok || p.Site != "" || !b.For(t.site, t.agent) || t.withheld[p.Path] || !t.store.Offers(p.SHA256, b.Version) {
			continue
		}
		if !any || b.Version > most.Version || b.Version == most.Version && b.Agent != "" {
			best, most, any = p, b, true
		}
	}
	if !any {
		clear(t.withheld) // the look is over: the next one asks again
	}
	return best, any
}

// Withheld implements downlink.Withholder.
func (t *Taker) Withheld(target downlink.Target) { t.withheld[target.Path] = true }

// Apply implements downlink.Consumer.
func (t *Taker) Apply(_ context.Context, target downlink.Target, file string) error {
	b, _ := layout.ParseBundle(target.Path) // it was chosen
	return t.store.Stage(bundle.Bundle{Path: target.Path, Version: b.Version, SHA256: target.SHA256}, file)
}
