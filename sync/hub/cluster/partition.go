// Package cluster shares agents out among the hub processes of a cluster: each process says regularly that it lives and
// what it serves (Beat), and all of them work out from that, without a vote, which of the partitions each one serves
// (Roster). Two that serve the same agent for a moment do no harm: the cursors in the ledger decide what is filed. So
// nothing here needs to be durable, or agreed on by a majority. docs/decisions/0023-partitions.md.
package cluster

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"lanewarden/sync/wire"
)

// Partitions is the number of parts into which agents are divided: enough to be shared evenly by a dozen processes, and
// few enough to be named in each beat. It stands in the settings of the NATS servers, too (brokerrules).
const Partitions = 64

// prefix is the first token of the subjects to which NATS servers map agents' topics: lw1p.PARTITION.SITE.AGENT.LEAF.
const prefix = wire.Version + "p"

// Beats is the subject on which hubs say that they live. Agents have no permission for it.
const Beats = wire.Version + "c.beat"

// Of returns the partition of an agent, as nats-server's function partition(64,1,2) has it: FNV-1a, 32 bits, of the
// tokens one behind the other.
func Of(site, agent string) int {
	h := fnv.New32a()
	h.Write([]byte(site))
	h.Write([]byte(agent))
	return int(h.Sum32() % Partitions)
}

// Subject returns the subject on which what an agent publishes arrives at hubs.
func Subject(site, agent, leaf string) string {
	return strings.Join([]string{prefix, strconv.Itoa(Of(site, agent)), site, agent, leaf}, ".")
}

// Filter returns the subject of all that arrives of a partition; "*" for partition is all of them.
func Filter(partition string) string { return prefix + "." + partition + ".*.*.*" }

// Mapping returns, as a NATS server's setting has it, how the topic of all agents with a leaf is mapped.
func Mapping(leaf string) (from, to string) {
	from = strings.Join([]string{wire.Version, "*", "*", leaf}, ".")
	to = fmt.Sprintf("%s.{{partition(%d,1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}.%s", prefix, Partitions, leaf)
	return from, to
}

// Topic returns the MQTT topic of a subject lw1p.PARTITION.SITE.AGENT.LEAF. ok is false for another subject, and for a
// partition that is not the agent's: only wrong settings of a server bring one.
func Topic(subject string) (topic string, ok bool) {
	t := strings.Split(subject, ".")
	if len(t) != 5 || t[0] != prefix || t[1] != strconv.Itoa(Of(t[2], t[3])) {
		return "", false
	}
	return wire.Topic(t[2], t[3], t[4]), true
}

// share gives each partition to one of the members, evenly, so that when a member comes or goes few partitions move that
// need not: each goes to the member with the highest score for it (rendezvous hashing) that has not got its share yet.
// The order of members does not matter. Without members it returns "" for all.
func share(members []string) (owner [Partitions]string) {
	if len(members) == 0 {
		return owner
	}
	left := map[string]int{}
	for i, m := range slices.Sorted(slices.Values(members)) {
		left[m] = Partitions / len(members)
		if i < Partitions%len(members) {
			left[m]++
		}
	}
	for p := range owner {
		best, bestScore := "", uint64(0)
		for m, n := range left {
			if s := score(m, p); n > 0 && (best == "" || s > bestScore || s == bestScore && m < best) {
				best, bestScore = m, s
			}
		}
		owner[p] = best
		left[best]--
	}
	return owner
}

// score is the score of a member for a partition.
func score(member string, partition int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", partition, member)
	x := h.Sum64() // FNV changes its high bits little by what comes last: mix them (splitmix64's finaliser)
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
