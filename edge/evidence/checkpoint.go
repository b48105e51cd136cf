package evidence

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxCheckpointBytes bounds a signed checkpoint that is read from elsewhere.
const MaxCheckpointBytes = 2048

// Origin is the first line of every checkpoint: lanewarden/SITE/AGENT/JOURNAL, JOURNAL in lower-case hex.
func Origin(site, agent string, journal []byte) string {
	return fmt.Sprintf("%s/%x", KeyName(site, agent), journal)
}

// KeyName is the name of an agent's signing key: lanewarden/SITE/AGENT.
func KeyName(site, agent string) string {
	return "lanewarden/" + site + "/" + agent
}

// NewKey makes an agent's Ed25519 signing key in the form of golang.org/x/mod/sumdb/note: the secret one and the public
// one that verifies.
func NewKey(site, agent string) (signerKey, verifierKey string, err error) {
	return note.GenerateKey(rand.Reader, KeyName(site, agent))
}

// Checkpoint is the signed statement that the log had this root at this size.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(signer note.Signer) (string, error) {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	return string(signed), err
}

// OpenCheckpoint checks the signature on a checkpoint and that it is of the expected origin.
func OpenCheckpoint(signed string, verifier note.Verifier, origin string) (Checkpoint, error) {
	c, err := openCheckpoint(signed, verifier)
	if err == nil && c.Origin != origin {
		err = fmt.Errorf("checkpoint is of %q, not of %q", c.Origin, origin)
	}
	return c, err
}

func openCheckpoint(signed string, verifier note.Verifier) (Checkpoint, error) {
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, fmt.Errorf("checkpoint of %d bytes is longer than %d", len(signed), MaxCheckpointBytes)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		return Checkpoint{}, fmt.Errorf("checkpoint has %d lines, not 3", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("checkpoint: size %q is not a count", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: root %q: %w", lines[2], err)
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}
