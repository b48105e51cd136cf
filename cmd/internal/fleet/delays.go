package fleet

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Delays are counted in buckets, 16 to each power of two of a microsecond, so that a quantile is at most 7 % too long
// and never too short.
const (
	subBits = 4
	buckets = 40 << subBits // up to 2^40 µs and more
)

// delays counts how long something took. It may be used by many goroutines.
type delays struct{ buckets [buckets]atomic.Int64 }

func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	shift := max(bits.Len64(us)-1-subBits, 0)
	return min(shift<<subBits+int(us>>shift), buckets-1)
}

// upTo returns the end of a bucket.
func upTo(bucket int) time.Duration {
	shift := max(bucket>>subBits-1, 0)
	return time.Duration((bucket-shift<<subBits+1)<<shift) * time.Microsecond
}

func (d *delays) add(took time.Duration) { d.buckets[bucketOf(took)].Add(1) }

// counts returns how many took how long until now.
func (d *delays) counts() (c counts) {
	for i := range c {
		c[i] = d.buckets[i].Load()
	}
	return c
}

// counts are how many took how long, by bucket.
type counts [buckets]int64

// since returns what was counted after an earlier moment.
func (c counts) since(earlier counts) counts {
	for i := range c {
		c[i] -= earlier[i]
	}
	return c
}

// plus returns what was counted here or there.
func (c counts) plus(other counts) counts {
	for i := range c {
		c[i] += other[i]
	}
	return c
}

// quantile returns the time within which a share of all was done, from 0 to 1; 0 when nothing was.
func (c counts) quantile(share float64) time.Duration {
	total := int64(0)
	for _, n := range c {
		total += n
	}
	left := max(int64(share*float64(total)+0.999999), 1) // rounded up: of 3, the half is the second
	for i, n := range c {
		if left -= n; left <= 0 {
			return upTo(i)
		}
	}
	return 0
}
