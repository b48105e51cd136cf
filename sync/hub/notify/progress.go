package notify

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
)

// progress is how far a sender is, kept in a file of its own: what is behind the cursor was sent, or is in a sum.
type progress struct {
	Cursor  string `json:"cursor"`            // of the last row that was dealt with
	Gather  *sum   `json:"gather,omitempty"`  // what is being summed up
	Sending *sum   `json:"sending,omitempty"` // a sum that is complete, and being sent: it changes no more, so that each try has the same id
	Sums    int64  `json:"sums"`              // that were completed
}

// mostProgressBytes bounds the file, which holds two sums at most.
const mostProgressBytes = 1 << 20

// readProgress reads a sender's file; there is false before its first run.
func readProgress(file string) (p progress, there bool, err error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil && info.Size() > mostProgressBytes {
		err = message.Errorf("notify.progress", message.String("file", file))
	}
	if err != nil {
		return p, false, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return p, false, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, false, message.Wrap(err, "notify.progress", message.String("file", file))
	}
	return p, true, nil
}

// write replaces the file, whole or not at all, and durably.
func (p *progress) write(file string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return linefile.Replace(file, text, 0o600)
}

// progressFile is the file of a rule and a receiver. Their ids have letters, digits and dashes alone.
func progressFile(dir, rule, receiver string) string {
	return filepath.Join(dir, rule+"."+receiver+".json")
}
