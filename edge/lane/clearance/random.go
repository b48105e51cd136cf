package clearance

import (
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/edge/lane/clearance/draw"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// DrawFor returns the identity of what is to be drawn for; ready is false while there is nothing to draw for yet: no
// announced shipment, no container, and not both driver and carrier.
func DrawFor(in Input, l Lists, p *policy.Policy) (identity [32]byte, ready bool) {
	return newDecider(&in, l, p).identity()
}

func (d *decider) identity() (identity [32]byte, ready bool) {
	var shipments []string
	ready = len(d.shown.drivers) > 0 && len(d.shown.carriers) > 0
	for _, s := range d.shipments {
		switch s.class {
		case policy.Manifest:
			shipments, ready = append(shipments, "ccn:"+s.ccn), true
		case policy.InTransit:
			shipments, ready = append(shipments, "container:"+s.container), true
		case policy.CSA:
			if s.importer != "" {
				shipments = append(shipments, "bn:"+s.importer)
			}
		}
	}
	driver := strings.Join(values(numbers(d.shown.drivers)), ",")
	return draw.Identity(shipments, driver, strings.Join(values(d.shown.carriers), ",")), ready
}

// checkRandom adds the random check when the draw says so, and returns the rate.
func (d *decider) checkRandom() (rate float64, selected bool) {
	for _, s := range d.shipments {
		rate = max(rate, d.rate(s.class))
	}
	if _, ready := d.identity(); rate <= 0 || !ready {
		return rate, false
	}
	if d.in.Draw.IsNone() {
		d.add(policy.DrawNone, message.New("clearance.draw-none"))
		return rate, false
	}
	if d.in.Draw.Value >= rate {
		return rate, false
	}
	d.add(policy.RandomCheck, message.New("clearance.random"))
	return rate, true
}

// rate returns the share of a class that is checked: that of the row which fits best, the site before the lane before
// the class, else that of the policy.
func (d *decider) rate(c policy.Class) float64 {
	best, share := -1, d.policy.Rate(c)
	for _, r := range d.book.rates() {
		if !fits(r.Site, d.in.Site) || !fits(r.Lane, d.in.Lane) || !fits(r.Class, string(c)) || !(r.Share >= 0) {
			continue
		}
		if p := precedence(r); p > best || p == best && r.Share > share {
			best, share = p, r.Share
		}
	}
	return share
}

func fits(pattern, value string) bool { return pattern == "*" || pattern == value }

// precedence is greater for a row that names more important things: the site before the lane before the class.
func precedence(r lists.Rate) (p int) {
	for _, pattern := range []string{r.Site, r.Lane, r.Class} {
		p *= 2
		if pattern != "*" {
			p++
		}
	}
	return p
}
