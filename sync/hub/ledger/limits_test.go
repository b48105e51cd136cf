package ledger

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/sync/wire"
)

// stranger makes the hello of an agent that nobody named, with so many devices.
func stranger(t *testing.T, agent string, journal byte, devices int) Hello {
	t.Helper()
	_, verifier, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName("demo", agent))
	if err != nil {
		t.Fatal(err)
	}
	h := &wire.Hello{
		Journal: []byte(fmt.Sprintf("%-15s%c", agent, journal))[:16], BlindKey: make([]byte, 32), Verifier: verifier, Size: 1,
		Epoch: 1, Software: "test", Inventory: &observation.Inventory{},
	}
	for i := range devices {
		h.Inventory.Devices = append(h.Inventory.Devices, &observation.Device{Id: fmt.Sprintf("device-%d", i)})
	}
	return Hello{Sender{Site: "demo", Agent: agent}, h}
}

// Whoever may say hello cannot make the hub keep more than its limits, and is told which one it met. Those that the hub
// knows already go on.
func TestHellosAreBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.limits = limits{agents: 3, journals: 2, devices: 10, inventory: 200, inventories: 300, softwareBytes: 10, verifierBytes: 200}
	hello := func(what string, m Message, want string) {
		t.Helper()
		a := apply(t, l, m)
		if want == "" {
			if a.Refusal != 0 {
				t.Errorf("%s: refused: %s", what, a.RefusalText)
			}
			return
		}
		if a.Refusal != wire.Refusal_REFUSAL_LIMIT || !strings.Contains(a.RefusalText, want) {
			t.Errorf("%s: %v %q, want a refusal for %q", what, a.Refusal, a.RefusalText, want)
		}
	}
	hello("first", stranger(t, "one", 'a', 10), "")
	hello("the same again", stranger(t, "one", 'a', 10), "")
	hello("too many devices", stranger(t, "one", 'a', 11), "11 devices")
	long := stranger(t, "one", 'a', 1)
	long.Body.Inventory.Devices[0].Title = strings.Repeat("x", 300)
	hello("a long title", long, "list of devices has 3")
	loud := stranger(t, "one", 'a', 1)
	loud.Body.Software = strings.Repeat("x", 11)
	hello("long software", loud, "software")
	hello("second journal", stranger(t, "one", 'b', 0), "")
	hello("third journal", stranger(t, "one", 'c', 0), "2 journals")
	hello("second agent", stranger(t, "two", 'a', 10), "")
	hello("the lists of all", stranger(t, "three", 'a', 10), "lists of devices of all")
	hello("third agent with fewer devices", stranger(t, "three", 'a', 1), "")
	hello("fourth agent", stranger(t, "four", 'a', 0), "knows 3 agents")
	hello("a known one afterwards", stranger(t, "one", 'a', 10), "")

	held := l.limits
	l.Close() // what is kept is counted anew
	l = open(t, dir)
	l.limits = held
	hello("fourth agent after a restart", stranger(t, "four", 'a', 0), "knows 3 agents")
	hello("a smaller list makes room", stranger(t, "two", 'a', 0), "")
	hello("for another's", stranger(t, "three", 'a', 10), "")
}

// An undone transaction leaves no agent counted.
func TestLimitsAreCountedAnewAfterAFault(t *testing.T) {
	l := open(t, t.TempDir())
	l.limits.agents = 1
	bad := stranger(t, "one", 'a', 0)
	bad.Body.Inventory.Site = "\xff" // is no text: the hello is undone
	for range 3 {
		if a := apply(t, l, bad); a.Refusal == 0 {
			t.Fatalf("the hello was taken: %v", a)
		}
	}
	if a := apply(t, l, stranger(t, "two", 'a', 0)); a.Refusal != 0 {
		t.Errorf("an agent is refused although none is known: %s", a.RefusalText)
	}
}

// Pages of journals are bounded by count and by bytes, and together they are all journals, once each.
func TestJournalsComeInPages(t *testing.T) {
	l := open(t, t.TempDir())
	const agents = 25
	for i := range agents {
		m := stranger(t, fmt.Sprintf("agent-%d", i), 'a', 0)
		if i < 20 { // 20 lists of 120 kB: more than one page takes
			m.Body.Inventory.Devices = []*observation.Device{{Title: strings.Repeat("x", 120_000)}}
		}
		apply(t, l, m)
	}
	for _, limit := range []int{1, 3, 24, 25, 26, JournalsMax} {
		seen := map[string]bool{}
		var pages int
		for next := (&Place{}); next != nil; pages++ {
			var page []Summary
			var err error
			if page, next, err = l.Journals(*next, limit); err != nil || len(page) == 0 || len(page) > limit {
				t.Fatalf("limit %d: %d journals, %v", limit, len(page), err)
			}
			size := 0
			for i, s := range page {
				if seen[s.Agent] {
					t.Errorf("limit %d: %s twice", limit, s.Agent)
				}
				if i > 0 && page[i-1].HelloNs < s.HelloNs {
					t.Errorf("limit %d: %s is newer than what is before it", limit, s.Agent)
				}
				seen[s.Agent] = true
				for _, d := range s.Inventory.Devices {
					size += len(d.Title)
				}
			}
			if size > journalsBytes {
				t.Errorf("limit %d: a page of %d bytes", limit, size)
			}
		}
		if want := (agents + limit - 1) / limit; len(seen) != agents || pages < want || limit == JournalsMax && pages != 2 {
			t.Errorf("limit %d: %d agents on %d pages", limit, len(seen), pages)
		}
	}
	if page, next, err := open(t, t.TempDir()).Journals(Place{}, 10); len(page) != 0 || next != nil || err != nil {
		t.Errorf("an empty ledger: %v %v %v", page, next, err)
	}
}
