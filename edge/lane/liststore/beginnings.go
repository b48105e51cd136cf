package liststore

import (
	"hash/maphash"

	"lanewarden/firmware-config/lists"
)

// filterBits is the size of a beginnings filter: 64 KiB, at which one of 100 looks is in vain with 50,000 beginnings.
const filterBits = 1 << 19

// filterHashes is how many bits of the filter each beginning sets.
const filterHashes = 4

// beginnings knows which beginnings of keys targets name, so that hardly any look is made for one that is not there: the
// lengths that there are by type, and a Bloom filter of all.
type beginnings struct {
	lengths map[lists.KeyType][]int
	seed    maphash.Seed
	filter  []uint64
}

func newBeginnings() *beginnings {
	return &beginnings{lengths: map[lists.KeyType][]int{}, seed: maphash.MakeSeed(), filter: make([]uint64, filterBits/64)}
}

// add notes a beginning; those of a type come by their lengths.
func (b *beginnings) add(t lists.KeyType, key string) {
	known := b.lengths[t]
	if len(known) == 0 || known[len(known)-1] != len(key) {
		b.lengths[t] = append(known, len(key))
	}
	for _, bit := range b.bits(t, key) {
		b.filter[bit/64] |= 1 << (bit % 64)
	}
}

// of calls f with each beginning of a key that may be there, the shortest first.
func (b *beginnings) of(t lists.KeyType, key string, f func(beginning string) error) error {
	for _, length := range b.lengths[t] {
		if length > len(key) {
			return nil
		}
		if !b.mayHave(t, key[:length]) {
			continue
		}
		if err := f(key[:length]); err != nil {
			return err
		}
	}
	return nil
}

func (b *beginnings) mayHave(t lists.KeyType, key string) bool {
	for _, bit := range b.bits(t, key) {
		if b.filter[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// bits returns the places of a beginning in the filter: four parts of one hash.
func (b *beginnings) bits(t lists.KeyType, key string) (out [filterHashes]uint64) {
	h := maphash.Comparable(b.seed, [2]string{string(t), key})
	step := h>>32 | 1
	for i := range out {
		out[i] = (h + uint64(i)*step) % filterBits
	}
	return out
}
