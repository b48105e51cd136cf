package journal

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
)

// Lock keeps a second process of a program off the same directory, an agent or a hub. The kernel releases the lock when the process ends,
// however it does, so there is never a stale one.
func Lock(dir, program string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, program+".lock"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = message.Errorf("store.in-use", message.String("dir", dir), message.String("program", program))
		}
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}
