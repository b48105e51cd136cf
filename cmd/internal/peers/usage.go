package peers

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// peakMemory returns the most memory that a process had, bytes (VmHWM of proc_pid_status(5)); 0 for one that is gone.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("\nVmHWM:"))
	var kilobytes int64
	fmt.Sscan(string(rest[:min(len(rest), 40)]), &kilobytes)
	return kilobytes << 10
}

// tick is the unit of processor time in proc_pid_stat(5): Linux has 100 to the second on all machines of ours.
const tick = 10 * time.Millisecond

// processorTime returns the processor time that a process has used, user and system; 0 for one that is gone.
func processorTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // the name may have spaces
	const user, system = 11, 12                                     // fields 14 and 15 of the page, after pid and name
	var ticks int64
	for _, i := range []int{user, system} {
		n, _ := strconv.ParseInt(string(fields[i]), 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * tick
}
