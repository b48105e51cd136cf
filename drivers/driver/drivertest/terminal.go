package drivertest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal makes a pseudo-terminal: the device's end, and the path of the end that a driver opens as its serial line. Where there are none
// the test is skipped.
func Terminal(t *testing.T) (device *os.File, port string) {
	device, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(device.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetUint32(int(device.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("pseudo-terminal: %v", err)
	}
	return device, fmt.Sprintf("/dev/pts/%d", n)
}
