package fleet

import (
	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
)

// Files that are open at once: a connection for each agent and, of a real journal, two handles of its database, log
// and shared memory each; and what the program has beside them.
const (
	filesPerAgent   = 1
	filesPerJournal = 6
	filesBeside     = 64
)

// checkFiles returns an error when the system would not let the fleet open its connections. Go raised the soft limit to
// the hard one when the program began.
func checkFiles(o *Options) error {
	need := o.Agents*filesPerAgent + filesBeside
	if o.Journals != "" {
		need += o.Agents * filesPerJournal
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= uint64(need) {
		return err
	}
	return message.Errorf("fleet.files", message.Count("n", o.Agents), message.Int("need", need),
		message.Int("limit", limit.Cur))
}
