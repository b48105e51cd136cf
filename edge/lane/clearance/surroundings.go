package clearance

import (
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/firmware-config/policy"
)

// issueAhead is how far before the issue of a list in force a clock may be: centre and lane need not agree to the second.
const issueAhead = 5 * time.Minute

// checkSurroundings adds a clock that cannot be trusted, and a policy of another kind of site.
func (d *decider) checkSurroundings() {
	ahead := slices.ContainsFunc(d.book.versions, func(v lists.Version) bool {
		return v.Issued.After(d.in.Now.Add(issueAhead))
	})
	if !d.in.ClockTrusted || ahead {
		d.add(policy.ClockUntrust, message.New("clearance.clock-untrusted"))
	}
	if !d.policy.For(d.in.SiteKind) {
		d.add(policy.PolicyForSite, message.New("clearance.policy-site", message.String("policy", d.policy.Name),
			message.String("kind", d.in.SiteKind)))
	}
}

// checkLists adds what is wrong with the lists that the decision needs. It comes after all that looks rows up.
func (d *decider) checkLists() {
	for _, a := range d.policy.Lists {
		k := lists.Kind(a.ID)
		if !d.needs(k) {
			continue
		}
		if r, broken := d.brokenList(k); broken {
			d.reasons = append(d.reasons, r)
			continue
		}
		d.checkAge(k, a)
	}
	for _, k := range lists.Kinds() { // damage is told even of a list that the policy does not name
		if _, named := d.policy.Age(k); d.book.unread[k] && (!named || !d.needs(k)) {
			d.add(policy.ListUnread, unreadableList(k))
		}
	}
}

// needs reports whether a list matters to the decision.
func (d *decider) needs(k lists.Kind) bool {
	class := func(classes ...policy.Class) bool {
		return slices.ContainsFunc(d.shipments, func(s *shipment) bool { return slices.Contains(classes, s.class) })
	}
	switch k {
	case lists.Drivers, lists.Carriers:
		return class(policy.CSA, policy.EmptyUnit)
	case lists.Importers, lists.Pairs:
		return class(policy.CSA)
	case lists.Manifest:
		return class(policy.Manifest) || len(d.shown.trips) > 0
	case lists.InTransit:
		return class(policy.InTransit)
	}
	return true
}

// brokenList returns the reason why a list that the policy names cannot be used: it is missing or cannot be read.
func (d *decider) brokenList(k lists.Kind) (r Reason, broken bool) {
	if d.book.unread[k] {
		return d.reason(policy.ListUnread, unreadableList(k)), true
	}
	_, named := d.policy.Age(k)
	if _, there := d.book.version(k); named && !there {
		return d.reason(policy.ListMissing, message.New("clearance.list-missing", message.Nested("list", listName(k)))), true
	}
	return Reason{}, false
}

// checkAge adds a list that is older than a limit. The text has the time of its issue, not the age: it is the same a
// minute later.
func (d *decider) checkAge(k lists.Kind, a policy.ListAge) {
	v, _ := d.book.version(k)
	age := d.in.Now.Sub(v.Issued)
	over := func(limit time.Duration) bool { return limit > 0 && age >= limit }
	code := policy.ListOld
	switch {
	case over(a.Limit):
		code = policy.ListExpired
	case over(a.Stale):
		code = policy.ListStale
	case !over(a.Old):
		return
	}
	d.add(code, message.New("clearance.list-old", message.Nested("list", listName(k)), message.Time("issued", v.Issued)))
}

func unreadableList(k lists.Kind) message.Message {
	return message.New("clearance.list-unreadable", message.Nested("list", listName(k)))
}

// listName is what a list is called.
func listName(k lists.Kind) message.Message {
	switch k {
	case lists.Drivers:
		return message.New("clearance.list-drivers")
	case lists.Carriers:
		return message.New("clearance.list-carriers")
	case lists.Importers:
		return message.New("clearance.list-importers")
	case lists.Pairs:
		return message.New("clearance.list-pairs")
	case lists.Targets:
		return message.New("clearance.list-targets")
	case lists.Manifest:
		return message.New("clearance.list-manifest")
	case lists.InTransit:
		return message.New("clearance.list-intransit")
	}
	return message.New("clearance.list-rates")
}
