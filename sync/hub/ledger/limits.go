package ledger

import (
	"database/sql/driver"
	"fmt"

	"github.com/dustin/go-humanize/english"
	"google.golang.org/protobuf/proto"

	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// limits bound what hellos make the hub keep. Without an agents file whoever reaches the broker may say hello under any
// name, and with one an agent may still tell of any number of devices and journals.
type limits struct {
	agents        int64 // names whose keys are kept
	journals      int64 // of one agent; a new one begins when a box is replaced or its journal moved away
	devices       int   // of one agent
	inventory     int   // bytes, encoded, of one agent
	inventories   int64 // bytes, encoded, of all journals
	softwareBytes int
	verifierBytes int
}

// standardLimits are ten times what a large country's customs has: 20,000 lanes, and a lane has some 15 devices of 60
// bytes.
var standardLimits = limits{
	agents: 20_000, journals: 1000, devices: 1000, inventory: 128 << 10, inventories: 64 << 20,
	softwareBytes: 200, verifierBytes: 1000,
}

// usage holds the quantities that are limited. It is read from the database when it is first needed, and after a
// transaction was undone.
type usage struct{ agents, inventories int64 }

// currentUsage returns the usage, counted in the database when it is not known.
func (l *Ledger) currentUsage() (*usage, error) {
	if l.usage != nil {
		return l.usage, nil
	}
	var k usage
	err := l.db.Query("SELECT (SELECT count(*) FROM agent), (SELECT coalesce(sum(length(inventory)), 0) FROM journal)",
		func(row []driver.Value) error {
			k = usage{agents: sqlog.Int64(row[0]), inventories: sqlog.Int64(row[1])}
			return nil
		})
	if err != nil {
		return nil, err
	}
	l.usage = &k
	return l.usage, nil
}

// tooLarge describes what in a hello is more than is kept of one agent, or "".
func (l *Ledger) tooLarge(h *wire.Hello) string {
	const advice = "run the devices by more than one agent"
	devices, size := len(h.Inventory.GetDevices()), proto.Size(h.Inventory)
	switch {
	case devices > l.limits.devices:
		return fmt.Sprintf("hello: %d %s, and the hub keeps %d of an agent: %s",
			devices, english.PluralWord(devices, "device", ""), l.limits.devices, advice)
	case size > l.limits.inventory:
		return fmt.Sprintf("hello: the list of devices has %d %s, and the hub keeps %d of an agent: shorten titles, or %s",
			size, english.PluralWord(size, "byte", ""), l.limits.inventory, advice)
	case len(h.Software) > l.limits.softwareBytes:
		return fmt.Sprintf("hello: the name of the software has %d bytes, more than %d", len(h.Software), l.limits.softwareBytes)
	case len(h.Verifier) > l.limits.verifierBytes:
		return fmt.Sprintf("hello: the public key has %d bytes, more than %d", len(h.Verifier), l.limits.verifierBytes)
	}
	return ""
}

// roomForAgent explains why one more agent is not taken, or "".
func (l *Ledger) roomForAgent() (string, error) {
	k, err := l.currentUsage()
	if err != nil || k.agents < l.limits.agents {
		return "", err
	}
	return fmt.Sprintf("the hub knows %d agents and takes no more: name those that may connect in a file (lanehub --agents)",
		k.agents), nil
}

// roomForJournal explains why an agent may not begin one more journal, or "".
func (l *Ledger) roomForJournal(from Sender) (string, error) {
	n, err := l.db.Int("SELECT count(*) FROM journal WHERE site=? AND agent=?", 0, from.Site, from.Agent)
	if err != nil || n < l.limits.journals {
		return "", err
	}
	return fmt.Sprintf("the hub holds %d %s of %s/%s and takes no more: who says hello under this name?",
		n, english.PluralWord(int(n), "journal", ""), from.Site, from.Agent), nil
}

// roomForInventory explains why a journal's list of devices may not grow by some bytes, or "".
func (l *Ledger) roomForInventory(more int64) (string, error) {
	k, err := l.currentUsage()
	if err != nil || more <= 0 || k.inventories+more <= l.limits.inventories {
		return "", err
	}
	return fmt.Sprintf("the lists of devices of all agents (%d B) are at their limit (%d B): "+
		"name the agents that may connect in a file (lanehub --agents)", k.inventories, l.limits.inventories), nil
}
