package torture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is one drawn fault.
type fault struct {
	kind   string
	target string        // agent, hub or link
	pause  time.Duration // before it
	length time.Duration // that it lasts, where it is not healed later
	later  int           // how many other faults happen before it is healed, for those that can wait
	watch  bool          // afterwards both programs have to get on before the next one
	seed   uint64        // of what else it draws
}

func (f fault) String() string { return fmt.Sprintf("%s of the %s", f.kind, f.target) }

// watchEvery is how often, in faults, both programs have to show that they get on.
const watchEvery = 10

// plan draws the faults: kinds by their weights, and the power cuts, half of them under each disk, anywhere in
// between.
func plan(c Config) (out []fault) {
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	var drawn []string
	for _, name := range kindNames {
		drawn = append(drawn, slices.Repeat([]string{name}, kinds[name].weight)...)
	}
	for range c.Faults {
		kind := drawn[rng.IntN(len(drawn))]
		targets := kinds[kind].targets
		out = append(out, fault{kind: kind, target: targets[rng.IntN(len(targets))]})
	}
	for range c.Cuts {
		out = append(out, fault{kind: powerCut, target: agentName}, fault{kind: powerCut, target: hubName})
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for i := range out {
		f := &out[i]
		f.pause = time.Duration(rng.IntN(600)) * time.Millisecond
		f.length = time.Duration(100+rng.IntN(900)) * time.Millisecond
		f.later, f.seed, f.watch = rng.IntN(3), rng.Uint64(), i%watchEvery == watchEvery-1
	}
	return out
}
