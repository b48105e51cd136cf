package carry

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/ledger"
)

// Taken is what a hub has of a journal after it took a file in.
type Taken struct {
	From      ledger.Sender
	Journal   []byte
	Cursors   map[observation.Class]int64 // by class: the last row held; those of which the file had rows
	Artifacts [][32]byte                  // by SHA-256: those of the file that are held whole
	Rows      int                         // that were new
}

const (
	receiptLine      = "lanewarden carried"
	receiptArtifacts = 100 // in one note, so that each is a small request at the lane
)

// Receipts returns the hub's answer: notes that it signs, to be shown to the agent, each by itself. The first lines of each
// are receiptLine and the journal's id in hex; then one line for each cursor, CLASS IDX, and for each artifact, artifact
// SHA-256.
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
	var out []string
	for part := range slices.Chunk(lines, receiptArtifacts) {
		text := fmt.Sprintf("%s\n%x\n%s\n", receiptLine, t.Journal, strings.Join(part, "\n"))
		signed, err := note.Sign(&note.Note{Text: text}, key)
		if err != nil {
			return nil, err
		}
		out = append(out, string(signed))
	}
	return out, nil
}

// Receive marks in a journal what a receipt says that the hub has: rows up to its cursors, and artifacts. Nothing goes
// back: what the hub acknowledged since stays so. A receipt that is not of these keys, or of another journal, or that names
// rows that the journal does not have, is an error, and marks nothing.
func Receive(j *journal.Journal, receipt string, keys note.Verifiers) error {
	n, err := note.Open([]byte(receipt), keys)
	if err != nil {
		return message.Errorf("carry.receipt-signature")
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if len(lines) < 2 || lines[0] != receiptLine {
		return message.Errorf("carry.receipt")
	}
	if lines[1] != hex.EncodeToString(j.Identity().ID) {
		return message.Errorf("carry.receipt-other", message.String("journal", lines[1]))
	}
	var marks []func()
	for _, line := range lines[2:] {
		mark, err := marking(j, line)
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

// marking checks a line of a receipt and returns what marks in the journal what the line says.
func marking(j *journal.Journal, line string) (mark func(), err error) {
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
	if last := j.Last(class); idx > last { // the hub took the file of a journal that was restored since
		return nil, message.Errorf("carry.receipt-ahead", message.Nested("class", message.New("class."+class.Name())),
			message.String("held", itoa(idx)), message.String("last", itoa(last)))
	}
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
