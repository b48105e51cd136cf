package torture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// clockVariable names, in a program's environment, the file whose 8 bytes are the seconds that its clock is ahead.
const clockVariable = "LANEWARDEN_TORTURE_CLOCK"

// clockSource is a file of package time: the programs under torture are built with it. It maps the file, so that a
// step is there with the next call, as on a machine whose clock is set. The monotonic clock goes on, as it does
// there.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var tortureOffset *int64

func init() {
	name, ok := syscall.Getenv("` + clockVariable + `")
	if !ok {
		return
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("` + clockVariable + `: " + err.Error())
	}
	b, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("` + clockVariable + `: " + err.Error())
	}
	tortureOffset = (*int64)(unsafe.Pointer(&b[0]))
}

func tortured(sec int64) int64 {
	if tortureOffset == nil {
		return sec
	}
	return sec + atomic.LoadInt64(tortureOffset)
}
`

// clock is how far a program's clock is ahead.
type clock struct{ file *os.File }

func newClock(path string) (*clock, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	c := &clock{f}
	return c, c.set(0)
}

func (c *clock) env() string { return clockVariable + "=" + c.file.Name() }

// set sets how far the clock is ahead, in whole seconds.
func (c *clock) set(ahead time.Duration) error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(int64(ahead/time.Second)))
	_, err := c.file.WriteAt(b[:], 0)
	return err
}

func (c *clock) close() error { return c.file.Close() }

const day = 24 * time.Hour

// steps are how far clocks are off: by a wrong zone, a battery that died, a GPS receiver's weeks, a slip of the
// keyboard.
var steps = []time.Duration{time.Hour, -time.Hour, -90 * time.Second, 12 * time.Hour, -1024 * 7 * day, 1024 * 7 * day,
	3653 * day, -3653 * day}

// stepClock sets a program's clock wrong, one time in five to 1970.
func (r *rig) stepClock(_ context.Context, f fault, rng *rand.Rand) (int, error) {
	c, ahead := r.clocks[f.target], steps[rng.IntN(len(steps))]
	if rng.IntN(5) == 0 {
		ahead = -time.Duration(time.Now().UnixNano())
	}
	fmt.Fprintf(r.log, "  by %s\n", ahead)
	r.heal(f, func() error { return c.set(0) })
	return 1, errors.Join(c.set(ahead))
}
