package ledger

import (
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire"
)

// limits bound what hellos make the hub keep. Without an agents file whoever reaches the broker may
// say hello under any name, and with one an agent may still report any number of devices and
// journals.
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

// usage is how much of the limits is used. It is counted in the database when it is first needed,
// and again after a transaction was undone, and once a minute, as other hub processes add to it.
type usage struct {
	agents, inventories int64
	at                  time.Time
}

const usageLife = time.Minute

// currentUsage returns the usage, counting it when it is not known. The caller keeps it up to date
// as it adds.
func (l *Ledger) currentUsage() (*usage, error) {
	if l.usage != nil && time.Since(l.usage.at) < usageLife {
		return l.usage, nil
	}
	agents, inventories, err := l.tx.Usage()
	if err != nil {
		return nil, err
	}
	l.usage = &usage{agents, inventories, time.Now()}
	return l.usage, nil
}

// tooLarge explains what in a hello is more than is kept of one agent; the zero message when
// nothing is.
func (l *Ledger) tooLarge(h *wire.Hello) message.Message {
	devices, size := len(h.Inventory.GetDevices()), proto.Size(h.Inventory)
	switch {
	case devices > l.limits.devices:
		return message.New("refusal.devices", message.Count("n", devices), message.Int("limit", l.limits.devices))
	case size > l.limits.inventory:
		return message.New("refusal.inventory", message.Count("n", size), message.Int("limit", l.limits.inventory))
	case len(h.Software) > l.limits.softwareBytes:
		return message.New("refusal.software", message.Int("bytes", len(h.Software)),
			message.Int("limit", l.limits.softwareBytes))
	case len(h.Verifier) > l.limits.verifierBytes:
		return message.New("refusal.long-key", message.Int("bytes", len(h.Verifier)),
			message.Int("limit", l.limits.verifierBytes))
	}
	return message.Message{}
}

// roomForAgent explains why no further agent is accepted; the zero message when there is room.
func (l *Ledger) roomForAgent() (message.Message, error) {
	k, err := l.currentUsage()
	if err != nil || k.agents < l.limits.agents {
		return message.Message{}, err
	}
	return message.New("refusal.agents", message.Int("agents", k.agents)), nil
}

// roomForJournal explains why an agent may not begin a further journal; the zero message when it
// may.
func (l *Ledger) roomForJournal(from Sender) (message.Message, error) {
	n, err := l.tx.CountJournals(from)
	if err != nil || n < l.limits.journals {
		return message.Message{}, err
	}
	return message.New("refusal.journals", message.Count("n", n), message.String("site", from.Site),
		message.String("agent", from.Agent)), nil
}

// roomForInventory explains why a journal's list of devices may not grow by more bytes; the zero
// message when it may. Shrinking is always allowed.
func (l *Ledger) roomForInventory(more int64) (message.Message, error) {
	k, err := l.currentUsage()
	if err != nil || more <= 0 || k.inventories+more <= l.limits.inventories {
		return message.Message{}, err
	}
	return message.New("refusal.inventories", message.Int("bytes", k.inventories),
		message.Int("limit", l.limits.inventories)), nil
}
