package carry

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/evidence"
	"lanewarden/edge/journal"
)

// Taken is what a hub has of a journal after it took a file in.
type Taken struct {
	From      Sender
	Journal   []byte
	Signed    evidence.Checkpoint         // of the file: which past of the journal it is of
	Cursors   map[observation.Class]int64 // by class: the last row held; those of which the file had rows
	Artifacts [][32]byte                  // by SHA-256: those of the file that are held whole
	Rows      int                         // that were new
}

const (
	receiptLine      = "lanewarden carried"
	receiptArtifacts = 100 // in one note, so that each is a small request at the lane
)

// Receipts returns the hub's answer: notes that it signs, to be shown to the agent, each by itself. The first lines of each
// are receiptLine, the journal's id in hex, and SIZE ROOT of the file's checkpoint; then one line for each cursor, CLASS IDX,
// and for each artifact, artifact SHA-256.
func (t Taken) Receipts(key note.Signer) ([]string, error) {
	var lines []string
	for _, class := range observation.Classes {
		if idx, ok := t.Cursors[class]; ok {
			lines = append(lines, class.Name()+" "+itoa(idx))
		}
	}
	for _, sum := range t.Artifacts {
		lines = append(lines, fmt.Sprintf("artifact %x", sum))
	}
	head := []string{receiptLine, hex.EncodeToString(t.Journal), fmt.Sprint(t.Signed.Size, " ", t.Signed.Root)}
	if len(lines) == 0 { // the file had nothing; the lane is told so
		lines = append(lines, observation.Classes[0].Name()+" -1")
	}
	var out []string
	for part := range slices.Chunk(lines, receiptArtifacts) {
		text := strings.Join(append(slices.Clone(head), part...), "\n") + "\n"
		signed, err := note.Sign(&note.Note{Text: text}, key)
		if err != nil {
			return nil, err
		}
		out = append(out, string(signed))
	}
	return out, nil
}

// Receive marks in a journal what a receipt says that the hub has: rows of the file up to its cursors, and artifacts.
// Nothing goes back: what the hub acknowledged since stays so. A receipt that is not of these keys, or of another journal or
// another past of this one, is an error, and marks nothing.
func Receive(j *journal.Journal, receipt string, keys note.Verifiers) error {
	n, err := note.Open([]byte(receipt), keys)
	if err != nil {
		return message.Errorf("carry.receipt-signature")
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != receiptLine {
		return message.Errorf("carry.receipt")
	}
	if lines[1] != hex.EncodeToString(j.Identity().ID) {
		return message.Errorf("carry.receipt-other", message.String("journal", lines[1]))
	}
	size, err := samePast(j, lines[2])
	if err != nil {
		return err
	}
	var marks []func()
	for _, line := range lines[3:] {
		mark, err := marking(j, size, line)
		if err != nil {
			return err
		}
		marks = append(marks, mark)
	}
	for _, mark := range marks {
		mark()
	}
	return nil
}

// samePast returns the size in a line SIZE ROOT. It is an error unless the journal had this root at this size: it was
// restored from an image since, and the hub has other rows.
func samePast(j *journal.Journal, line string) (size int64, err error) {
	number, root, _ := strings.Cut(line, " ")
	if size, err = strconv.ParseInt(number, 10, 64); err != nil || size < 1 {
		return 0, message.Errorf("carry.receipt")
	}
	have, err := j.RootAt(size)
	if errors.Is(err, journal.ErrNotSigned) || err == nil && have.String() != root {
		return 0, message.Errorf("carry.receipt-past", message.String("rows", number))
	}
	return size, err
}

// marking checks a line of a receipt about the first size rows, and returns what marks in the journal what it says.
func marking(j *journal.Journal, size int64, line string) (mark func(), err error) {
	what, value, _ := strings.Cut(line, " ")
	if what == "artifact" {
		sum, err := hex.DecodeString(value)
		if err != nil || len(sum) != 32 {
			return nil, message.Errorf("carry.receipt")
		}
		return func() { j.SetArtifactHeld(sum) }, nil
	}
	class, err := observation.ParseClass(what)
	idx, numeric := strconv.ParseInt(value, 10, 64)
	if err != nil || numeric != nil {
		return nil, message.Errorf("carry.receipt")
	}
	idx = min(idx, size-1) // what the hub has beyond the file, it says over the link
	return func() {
		if idx > j.Acked(class) {
			j.SetAcked(class, idx)
		}
	}, nil
}

// SplitReceipts returns the notes of a file that holds several, one after the other.
func SplitReceipts(text string) (out []string) {
	for i, part := range strings.Split(text, receiptLine+"\n") {
		if i > 0 {
			out = append(out, receiptLine+"\n"+part)
		}
	}
	return out
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
