package torture

import "sync"

// Kinds of results that devices are told are stored.
const (
	document = "N42 document"
	read     = "plate read"
	image    = "X-ray image"
	swab     = "swab analysis"
)

// item is one result: a device's kind, and what makes it recognisable at the hub.
type item struct {
	kind string
	key  string
}

// digest is the SHA-256 of what a device handed over; zero where only the key can be compared.
type digest [32]byte

// oracle knows what devices were told is stored, and nothing of what was only sent. Its methods may be called from
// several goroutines.
type oracle struct {
	mu    sync.Mutex
	acked map[item]digest
	told  int
}

func newOracle() *oracle { return &oracle{acked: map[item]digest{}} }

// acknowledged notes that a device was told that a result is stored.
func (o *oracle) acknowledged(i item, d digest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acked[i] = d
	o.told++
}

// count is how often something was acknowledged.
func (o *oracle) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told
}

// stored is one row of the ledger that is of a device's result. content is that of the bytes that the hub holds for
// it, zero when it does not hold them all.
type stored struct {
	item
	content digest
}

// verdict is what a comparison gave.
type verdict struct {
	acknowledged int
	lost         []item // acknowledged, and not in the ledger or not with these bytes
	doubled      []item // more than once in the ledger, acknowledged or not
}

// compare holds the ledger's rows against what was acknowledged. A result that was sent and whose acknowledgement was
// lost may be there or not, but not twice.
func (o *oracle) compare(rows []stored) (v verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	times, content := map[item]int{}, map[item]digest{}
	for _, r := range rows {
		times[r.item]++
		content[r.item] = r.content
		if times[r.item] == 2 {
			v.doubled = append(v.doubled, r.item)
		}
	}
	v.acknowledged = len(o.acked)
	for i, d := range o.acked {
		if times[i] == 0 || content[i] != d {
			v.lost = append(v.lost, i)
		}
	}
	return v
}
