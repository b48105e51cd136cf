package hub

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/observation"
	"lanewarden/sync/wire"
)

// One write of the broker's buffer that fails, on a disk that is well otherwise, must not stop the agents for good: the
// broker is started anew and takes everything.
func TestBrokerAfterAFailedWrite(t *testing.T) {
	o := start(t, Options{})
	j, _ := agent(t, wire.Broker{URL: "mqtt://" + o.MQTT})
	commit(t, j, observation.Class_CLASS_EVENT, 1)
	held := func() bool { return j.Acked(observation.Class_CLASS_EVENT) == j.Last(observation.Class_CLASS_EVENT) }
	eventually(t, "the hub to have the first row", held)
	if n := breakFiles(t, filepath.Join(o.bufferDir(), "jetstream")); n == 0 {
		t.Fatal("the broker has no block of its buffer open: nothing was broken")
	}
	commit(t, j, observation.Class_CLASS_EVENT, 1)
	eventually(t, "the hub to have the second row", held)
}

// breakFiles makes writes to the blocks below dir that this process has open fail, and returns how many there are.
func breakFiles(t *testing.T, dir string) (broken int) {
	null, err := os.Open(os.DevNull) // for reading: a write to it fails
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	entries, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(e)
		if err != nil || !strings.HasPrefix(target, dir) || filepath.Ext(target) != ".blk" {
			continue // closed meanwhile, or another file
		}
		fd, err := strconv.Atoi(filepath.Base(e))
		if err == nil {
			err = unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC)
		}
		if err != nil {
			t.Fatal(err)
		}
		broken++
	}
	return broken
}
