package cluster

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every partition has one owner, all members have as many give or take one, and the order in which they are named does
// not matter. When one goes, only its partitions and those that even out the rest move.
func TestShareIsEvenAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "members")
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprintf("%08x", rapid.Uint32().Draw(t, "id"))
		}
		members = slices.Compact(slices.Sorted(slices.Values(members)))
		n = len(members)
		owner := share(members)
		count := map[string]int{}
		for _, o := range owner {
			count[o]++
		}
		for _, m := range members {
			if c := count[m]; c < Partitions/n || c > (Partitions+n-1)/n {
				t.Fatalf("%s of %d members has %d partitions", m, n, c)
			}
		}
		if other := share(rapid.Permutation(members).Draw(t, "order")); other != owner {
			t.Fatal("the order of members matters")
		}
		if n == 1 {
			return
		}
		moved := 0
		for p, o := range share(members[1:]) {
			if o != owner[p] {
				moved++
			}
		}
		if lost := count[members[0]]; moved > lost+Partitions/2 {
			t.Fatalf("%d partitions move when a member with %d goes", moved, lost)
		}
	})
	if share(nil) != ([Partitions]string{}) {
		t.Error("nobody has partitions")
	}
}

// net is a network that brings beats to those that can hear each other, in rounds.
type net struct {
	rosters map[string]*Roster
	serves  map[string][]int
	leaving map[string]bool
	silent  map[string]bool // dead or stopped: neither says nor hears
	side    map[string]int  // of a cut
}

func newNet(ids ...string) *net {
	n := &net{map[string]*Roster{}, map[string][]int{}, map[string]bool{}, map[string]bool{}, map[string]int{}}
	for _, id := range ids {
		n.rosters[id] = NewRoster(id)
	}
	return n
}

// round has each process beat once and then act; it acts and beats again at once when that changed something.
func (n *net) round() {
	ids := make([]string, 0, len(n.rosters))
	for id := range n.rosters {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		n.beat(id)
	}
}

func (n *net) beat(id string) {
	if n.silent[id] {
		return
	}
	for other, r := range n.rosters {
		if !n.silent[other] && n.side[other] == n.side[id] {
			r.Note(Beat{ID: id, Serves: n.serves[id], Leaving: n.leaving[id]})
		}
	}
	for other := range n.rosters {
		if n.silent[other] {
			continue
		}
		next := n.rosters[other].Next(n.serves[other], n.leaving[other])
		if !slices.Equal(next, n.serves[other]) {
			n.serves[other] = next
			n.beat(other)
		}
	}
}

// served returns how many processes serve each partition on one side.
func (n *net) served(side int) (served [Partitions]int) {
	for id, ps := range n.serves {
		if n.silent[id] || n.side[id] != side {
			continue
		}
		for _, p := range ps {
			served[p]++
		}
	}
	return served
}

func (n *net) expect(t *testing.T, what string, side, least, most int) {
	t.Helper()
	for p, c := range n.served(side) {
		if c < least || c > most {
			t.Fatalf("%s: partition %d is served by %d processes", what, p, c)
		}
	}
}

func (n *net) rounds(k int) {
	for range k {
		n.round()
	}
}

// Each partition is served by one process; by another one soon after one died; and never by none when one comes or
// leaves in good order.
func TestRosterHandsOver(t *testing.T) {
	n := newNet("a", "b")
	n.rounds(joinBeats + 1)
	n.expect(t, "two", 0, 1, 1)
	n.rosters["c"] = NewRoster("c")
	for range joinBeats + 2 {
		n.round()
		n.expect(t, "while one joins", 0, 1, 2)
	}
	n.expect(t, "three", 0, 1, 1)
	if k := len(n.serves["c"]); k < Partitions/3 {
		t.Errorf("the new one serves %d", k)
	}
	n.silent["a"] = true
	n.rounds(missedBeats + 1)
	n.expect(t, "after one died", 0, 1, 1)
	n.silent["a"] = false // it was stopped, and notices before it says anything
	n.rosters["a"].Forget()
	n.serves["a"] = nil
	for range joinBeats + 2 {
		n.round()
		n.expect(t, "while it comes back", 0, 1, 2)
	}
	n.expect(t, "after it came back", 0, 1, 1)
	n.leaving["b"] = true
	for range 3 {
		n.round()
		n.expect(t, "while one leaves", 0, 1, 2)
	}
	n.expect(t, "after one left", 0, 1, 1)
	if len(n.serves["b"]) > 0 {
		t.Errorf("who left serves %v", n.serves["b"])
	}
}

// On each side of a cut all partitions are served, and by one process again when it is over. A network that delivers
// nothing kills nobody.
func TestRosterAcrossACut(t *testing.T) {
	n := newNet("a", "b", "c")
	n.rounds(joinBeats + 1)
	n.side["a"] = 1
	n.rounds(missedBeats + 1)
	n.expect(t, "the lonely side", 1, 1, 1)
	n.expect(t, "the other side", 0, 1, 1)
	n.side["a"] = 0
	n.rounds(3)
	n.expect(t, "after the cut", 0, 1, 1)
	before := fmt.Sprint(n.serves)
	for id := range n.rosters {
		n.side[id] = len(id) + int(id[0]) // each alone, and its own beats do not come back either
		n.silent[id] = true
	}
	n.rounds(100)
	for id := range n.rosters {
		n.side[id], n.silent[id] = 0, false
	}
	n.rounds(1)
	if after := fmt.Sprint(n.serves); after != before {
		t.Errorf("served %s, after a pause of all %s", before, after)
	}
}

// The last process that leaves goes on serving nothing: there is nobody to wait for.
func TestLastOneLeaves(t *testing.T) {
	r := NewRoster("a")
	for range joinBeats {
		r.Note(Beat{ID: "a"})
	}
	all := r.Next(nil, false)
	if len(all) != Partitions {
		t.Fatalf("alone it serves %d", len(all))
	}
	if rest := r.Next(all, true); len(rest) > 0 {
		t.Errorf("it waits for nobody with %v", rest)
	}
}

func TestTopicsAndSubjects(t *testing.T) {
	subject := Subject("emerson-east", "lane-4", "a")
	if topic, ok := Topic(subject); !ok || topic != "lw1/emerson-east/lane-4/a" {
		t.Errorf("%s is %s", subject, topic)
	}
	p := Of("emerson-east", "lane-4")
	for _, bad := range []string{
		"lw1.emerson-east.lane-4.a", "lw1p.x.emerson-east.lane-4.a", "lw1p.1.2.3", "",
		fmt.Sprintf("lw1p.%d.emerson-east.lane-4.a", (p+1)%Partitions), fmt.Sprintf("lw1p.0%d.emerson-east.lane-4.a", p),
	} {
		if topic, ok := Topic(bad); ok {
			t.Errorf("%s is taken for %s", bad, topic)
		}
	}
	for _, bad := range []string{"", "{", "{}", `{"id":1}`} {
		if _, err := DecodeBeat([]byte(bad)); err == nil {
			t.Errorf("%q is a beat", bad)
		}
	}
}
